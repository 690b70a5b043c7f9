//! The token of a link by which a customer rates one ticket without signing in. It names tenant, ticket and its last
//! moment, and is proved by a key that only this desk has; nothing else can be read or done with it.

use accounts::seal::MasterKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use database::ids::{TenantId, TicketId};

/// What the key is used for.
const PURPOSE: &str = "rating-link";
/// First byte, so that another form can follow.
const VERSION: u8 = 1;
const TOLD_BYTES: usize = 1 + 16 + 16 + 8;
const PROOF_BYTES: usize = 16;

/// What a token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The shop.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// Its last moment, in whole seconds.
    pub until: DateTime<Utc>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// It was never given out, or was changed.
    #[error("the link is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

impl Link {
    /// The token.
    pub fn token(&self, key: &MasterKey) -> String {
        let mut bytes = Vec::with_capacity(TOLD_BYTES + PROOF_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.tenant.0.as_bytes());
        bytes.extend_from_slice(self.ticket.0.as_bytes());
        bytes.extend_from_slice(&self.until.timestamp().to_be_bytes());
        let proof = key.proof(PURPOSE, &bytes);
        bytes.extend_from_slice(&proof[..PROOF_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a token names, if it was given out and has not expired at `now`.
    ///
    /// # Errors
    /// It is invalid or expired.
    pub fn read(key: &MasterKey, token: &str, now: DateTime<Utc>) -> Result<Link, BadLink> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadLink::Invalid)?;
        let (told, proof) = bytes.split_at_checked(TOLD_BYTES).ok_or(BadLink::Invalid)?;
        let is_ours = proof.len() == PROOF_BYTES && key.proves(PURPOSE, told, proof) && told[0] == VERSION;
        if !is_ours {
            return Err(BadLink::Invalid);
        }
        let uuid = |at: usize| Uuid::from_slice(&told[at..at + 16]).map_err(|_| BadLink::Invalid);
        let secs = <[u8; 8]>::try_from(&told[33..41]).map_err(|_| BadLink::Invalid)?;
        let until = DateTime::from_timestamp(i64::from_be_bytes(secs), 0).ok_or(BadLink::Invalid)?;
        if now > until {
            return Err(BadLink::Expired);
        }
        Ok(Link { tenant: TenantId(uuid(1)?), ticket: TicketId(uuid(17)?), until })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(letter: &str) -> MasterKey {
        format!("{}A=", letter.repeat(42)).parse().expect("a master key")
    }

    fn link() -> Link {
        let until = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        Link { tenant: TenantId::new(), ticket: TicketId::new(), until }
    }

    #[test]
    fn a_token_opens_until_its_time_is_over_and_with_its_own_key_only() {
        let link = link();
        let token = link.token(&key("A"));
        assert_eq!(Link::read(&key("A"), &token, link.until), Ok(link));
        let late = link.until + chrono::Duration::seconds(1);
        assert_eq!(Link::read(&key("A"), &token, late), Err(BadLink::Expired));
        assert_eq!(Link::read(&key("B"), &token, link.until), Err(BadLink::Invalid));
        for bad in ["", "x", "AAAA", &"A".repeat(200)] {
            assert_eq!(Link::read(&key("A"), bad, link.until), Err(BadLink::Invalid), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_token_that_was_changed_anywhere_is_refused(place in 0usize..57, bit in 0u8..8) {
            let link = link();
            let mut bytes = URL_SAFE_NO_PAD.decode(link.token(&key("A"))).expect("base64");
            bytes[place] ^= 1 << bit;
            let changed = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(Link::read(&key("A"), &changed, link.until), Err(BadLink::Invalid));
        }
    }
}
