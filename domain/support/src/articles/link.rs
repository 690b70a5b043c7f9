//! Tokens that need no sign-in: the link by which a customer sees and answers their own tickets, and the form token that
//! says when a contact form was handed out. Both are proved by a key that only this desk has.

use accounts::seal::MasterKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use database::ids::{TenantId, TicketId};

/// What the keys are used for.
const TICKET: &str = "customer-link";
const FORM: &str = "contact-form";
const ADDRESS: &str = "customer-link address";
/// First byte, so that another form can follow.
const VERSION: u8 = 2;
const TOLD_BYTES: usize = 1 + 16 + 16 + 8 + WHOSE_BYTES;
const WHOSE_BYTES: usize = 8;
const PROOF_BYTES: usize = 16;

/// How soon after it was handed out nobody has filled a form in.
const FASTEST: Duration = Duration::seconds(3);
/// How long a form may be filled in.
const SLOWEST: Duration = Duration::hours(4);

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It was never given out, or was changed.
    #[error("it is not valid")]
    Invalid,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It came back too fast.
    #[error("it came back too fast")]
    TooFast,
}

/// A customer's link: the ticket says whose tickets may be seen, as long as it is that customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerLink {
    /// The shop.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// Its last moment, in whole seconds.
    pub until: DateTime<Utc>,
    /// A code of the customer's address.
    whose: [u8; WHOSE_BYTES],
}

impl CustomerLink {
    /// A link for whoever has this address.
    pub fn of(
        key: &MasterKey,
        tenant: TenantId,
        ticket: TicketId,
        address: &str,
        until: DateTime<Utc>,
    ) -> CustomerLink {
        CustomerLink { tenant, ticket, until, whose: code_of(key, tenant, address) }
    }

    /// Whether it was made for whoever has this address: a ticket that is another customer's by now, because it was changed or
    /// merged, shows nobody else's.
    pub fn is_for(&self, key: &MasterKey, address: &str) -> bool {
        self.whose == code_of(key, self.tenant, address)
    }

    /// The token.
    pub fn token(&self, key: &MasterKey) -> String {
        seal(key, TICKET, self.tenant, self.ticket.0, self.until, self.whose)
    }

    /// What a token names.
    ///
    /// # Errors
    /// It is invalid or expired.
    pub fn read(key: &MasterKey, token: &str, now: DateTime<Utc>) -> Result<CustomerLink, BadToken> {
        let (tenant, ticket, until, whose) = open(key, TICKET, token)?;
        if now > until {
            return Err(BadToken::Expired);
        }
        Ok(CustomerLink { tenant, ticket: TicketId(ticket), until, whose })
    }
}

/// A contact form that was handed out; its id is that of what was suggested with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormToken {
    /// The shop.
    pub tenant: TenantId,
    /// The form.
    pub id: Uuid,
    /// When it was handed out.
    pub at: DateTime<Utc>,
}

impl FormToken {
    /// The token.
    pub fn token(&self, key: &MasterKey) -> String {
        seal(key, FORM, self.tenant, self.id, self.at, [0; WHOSE_BYTES])
    }

    /// What a token names, if the form was filled in by somebody with hands and in time.
    ///
    /// # Errors
    /// It is invalid, too old, or too new.
    pub fn read(key: &MasterKey, token: &str, now: DateTime<Utc>) -> Result<FormToken, BadToken> {
        let (tenant, id, at, _) = open(key, FORM, token)?;
        if now < at + FASTEST {
            return Err(BadToken::TooFast);
        }
        if now > at + SLOWEST {
            return Err(BadToken::Expired);
        }
        Ok(FormToken { tenant, id, at })
    }
}

fn code_of(key: &MasterKey, tenant: TenantId, address: &str) -> [u8; WHOSE_BYTES] {
    let told = [tenant.0.as_bytes().as_slice(), address.to_lowercase().as_bytes()].concat();
    let mut code = [0; WHOSE_BYTES];
    code.copy_from_slice(&key.proof(ADDRESS, &told)[..WHOSE_BYTES]);
    code
}

fn seal(
    key: &MasterKey,
    purpose: &str,
    tenant: TenantId,
    id: Uuid,
    at: DateTime<Utc>,
    whose: [u8; WHOSE_BYTES],
) -> String {
    let mut bytes = Vec::with_capacity(TOLD_BYTES + PROOF_BYTES);
    bytes.push(VERSION);
    bytes.extend_from_slice(tenant.0.as_bytes());
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(&at.timestamp().to_be_bytes());
    bytes.extend_from_slice(&whose);
    let proof = key.proof(purpose, &bytes);
    bytes.extend_from_slice(&proof[..PROOF_BYTES]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The shop, what it is for, its time, and whose it is.
type Told = (TenantId, Uuid, DateTime<Utc>, [u8; WHOSE_BYTES]);

fn open(key: &MasterKey, purpose: &str, token: &str) -> Result<Told, BadToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken::Invalid)?;
    let (told, proof) = bytes.split_at_checked(TOLD_BYTES).ok_or(BadToken::Invalid)?;
    if proof.len() != PROOF_BYTES || !key.proves(purpose, told, proof) || told[0] != VERSION {
        return Err(BadToken::Invalid);
    }
    let uuid = |at: usize| Uuid::from_slice(&told[at..at + 16]).map_err(|_| BadToken::Invalid);
    let secs = <[u8; 8]>::try_from(&told[33..41]).map_err(|_| BadToken::Invalid)?;
    let at = DateTime::from_timestamp(i64::from_be_bytes(secs), 0).ok_or(BadToken::Invalid)?;
    let whose = told[41..].try_into().map_err(|_| BadToken::Invalid)?;
    Ok((TenantId(uuid(1)?), uuid(17)?, at, whose))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> MasterKey {
        format!("{}A=", "A".repeat(42)).parse().expect("a master key")
    }

    #[test]
    fn each_token_is_for_its_purpose_and_its_time() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let link = CustomerLink::of(&key(), TenantId::new(), TicketId::new(), "ann@x.example", at);
        let token = link.token(&key());
        assert_eq!(CustomerLink::read(&key(), &token, at), Ok(link));
        assert!(link.is_for(&key(), "Ann@X.example") && !link.is_for(&key(), "bob@x.example"));
        assert_eq!(CustomerLink::read(&key(), &token, at + Duration::seconds(1)), Err(BadToken::Expired));
        assert_eq!(FormToken::read(&key(), &token, at + FASTEST), Err(BadToken::Invalid));
        let form = FormToken { tenant: TenantId::new(), id: Uuid::now_v7(), at };
        let token = form.token(&key());
        assert_eq!(FormToken::read(&key(), &token, at + Duration::seconds(1)), Err(BadToken::TooFast));
        assert_eq!(FormToken::read(&key(), &token, at + FASTEST), Ok(form));
        assert_eq!(
            FormToken::read(&key(), &token, at + SLOWEST + Duration::seconds(1)),
            Err(BadToken::Expired)
        );
        assert_eq!(CustomerLink::read(&key(), &token, at), Err(BadToken::Invalid));
    }

    proptest! {
        #[test]
        fn a_token_that_was_changed_anywhere_is_refused(place in 0usize..65, bit in 0u8..8) {
            let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
            let link = CustomerLink::of(&key(), TenantId::new(), TicketId::new(), "ann@x.example", at);
            let mut bytes = URL_SAFE_NO_PAD.decode(link.token(&key())).expect("base64");
            bytes[place] ^= 1 << bit;
            prop_assert_eq!(CustomerLink::read(&key(), &URL_SAFE_NO_PAD.encode(bytes), at), Err(BadToken::Invalid));
        }
    }
}
