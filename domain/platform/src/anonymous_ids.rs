//! Anonymised ids of customers, `C-` and eight characters: what leaves the desk instead of the shop's own id.
//!
//! A customer has a number of our own; an id is that number after a permutation of all numbers of 40 bits under a key
//! of the tenant. Two numbers never have the same id, an id never changes, whoever else is erased, and nobody without
//! the key can tell a number from an id, or two tenants' ids of one person from each other's.
//!
//! The permutation is a balanced Feistel network of ten rounds with HMAC-SHA256 (Luby and Rackoff, "How to Construct
//! Pseudorandom Permutations from Pseudorandom Functions", 1988; ten rounds as in FF1 of NIST SP 800-38G). The
//! characters are Crockford's base 32, which has no I, L, O and U.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use database::ids::TenantId;
use database::{DbError, Tx};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const HALF_BITS: u32 = 20;
const HALF: u64 = (1 << HALF_BITS) - 1;
const ROUNDS: u8 = 10;
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;

/// The key of one tenant's ids. Printing it for debugging shows nothing.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// The tenant's key under a secret of the installation that serves nothing else.
    pub fn of(secret: &[u8; 32], tenant: TenantId) -> Key {
        let of_tenant = mac(secret).chain_update(tenant.0.as_bytes()).finalize().into_bytes();
        Key(mac(&of_tenant))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// A customer's number, 40 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(u64);

impl Number {
    /// A number as it is stored; none when it is out of range, which a constraint prevents.
    pub fn stored(number: i64) -> Option<Number> {
        u64::try_from(number).ok().filter(|number| number >> (2 * HALF_BITS) == 0).map(Number)
    }

    /// As it is stored.
    fn to_stored(self) -> i64 {
        i64::try_from(self.0).expect("40 bits are fewer than 63")
    }
}

/// An anonymised id. Its text is `C-` and eight characters; it is read in small letters too, and with the letters that
/// Crockford lets stand for 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnonymousId(u64);

impl fmt::Display for AnonymousId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("C-")?;
        for place in (0..LENGTH).rev() {
            let letter = LETTERS[usize::try_from(self.0 >> (5 * place) & 31).expect("five bits")];
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

/// The text is no anonymised id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an anonymised id is C- and eight of the characters 0 to 9 and A to Z without I, L, O and U")]
pub struct NoAnonymousId;

impl FromStr for AnonymousId {
    type Err = NoAnonymousId;

    fn from_str(text: &str) -> Result<AnonymousId, NoAnonymousId> {
        let rest = text.strip_prefix("C-").or_else(|| text.strip_prefix("c-")).ok_or(NoAnonymousId)?;
        if rest.len() != LENGTH {
            return Err(NoAnonymousId);
        }
        rest.bytes()
            .try_fold(0, |id, letter| Some(id << 5 | value(letter)?))
            .map(AnonymousId)
            .ok_or(NoAnonymousId)
    }
}

fn value(letter: u8) -> Option<u64> {
    let letter = match letter.to_ascii_uppercase() {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        letter => letter,
    };
    LETTERS.iter().position(|known| *known == letter).and_then(|place| u64::try_from(place).ok())
}

/// The id of a number.
pub fn hide(key: &Key, number: Number) -> AnonymousId {
    let (mut left, mut right) = (number.0 >> HALF_BITS, number.0 & HALF);
    for round in 0..ROUNDS {
        (left, right) = (right, left ^ scrambled(key, round, right));
    }
    AnonymousId(left << HALF_BITS | right)
}

/// The number of an id.
pub fn show(key: &Key, id: AnonymousId) -> Number {
    let (mut left, mut right) = (id.0 >> HALF_BITS, id.0 & HALF);
    for round in (0..ROUNDS).rev() {
        (left, right) = (right ^ scrambled(key, round, left), left);
    }
    Number(left << HALF_BITS | right)
}

fn scrambled(key: &Key, round: u8, half: u64) -> u64 {
    let hash = key.0.clone().chain_update([round]).chain_update(half.to_be_bytes()).finalize().into_bytes();
    let beginning = hash.first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*beginning) & HALF
}

/// The ids of these customers; those whom the tenant does not know have none (any app role).
///
/// # Errors
/// The database failed.
pub async fn of_customers(
    tx: &mut Tx,
    key: &Key,
    customers: &[String],
) -> Result<HashMap<String, AnonymousId>, DbError> {
    let numbers: Vec<(String, i64)> = sqlx::query_as(
        "select customer_id, number from platform.customer
         where tenant_id = (select shared.current_tenant()) and customer_id = any ($1)",
    )
    .bind(customers)
    .fetch_all(&mut **tx)
    .await?;
    let hidden =
        numbers.into_iter().filter_map(|(id, number)| Some((id, hide(key, Number::stored(number)?))));
    Ok(hidden.collect())
}

/// The customer behind an id, by the shop's id; the one whom they were merged into (any app role).
///
/// # Errors
/// The database failed.
pub async fn customer(tx: &mut Tx, key: &Key, id: AnonymousId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select coalesce(merged_into, customer_id) from platform.customer
         where tenant_id = (select shared.current_tenant()) and number = $1",
    )
    .bind(show(key, id).to_stored())
    .fetch_optional(&mut **tx)
    .await?)
}

/// The customer whom a text names: the shop's own id goes before an anonymised one that looks the same (any app role).
///
/// # Errors
/// The database failed.
pub async fn named(tx: &mut Tx, key: &Key, text: &str) -> Result<Option<String>, DbError> {
    if crate::analytics::purchases::exists(tx, text).await? {
        return Ok(Some(text.to_owned()));
    }
    match text.parse() {
        Ok(id) => customer(tx, key, id).await,
        Err(NoAnonymousId) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn key(tenant: u128) -> Key {
        Key::of(&[7; 32], TenantId(uuid::Uuid::from_u128(tenant)))
    }

    #[test]
    fn neighbours_have_ids_far_apart_and_nobody_shares_one() {
        let key = key(1);
        let ids: HashSet<AnonymousId> = (0..20_000).map(|number| hide(&key, Number(number))).collect();
        assert_eq!(ids.len(), 20_000);
        let first: HashSet<char> =
            (0..200).filter_map(|number| hide(&key, Number(number)).to_string().chars().nth(2)).collect();
        assert!(first.len() > 20, "ids of neighbours begin alike: {first:?}");
    }

    #[test]
    fn a_text_is_read_as_people_write_it_and_nothing_else_is() {
        let id: AnonymousId = "C-0123ABCD".parse().expect("an id");
        assert_eq!("c-oi23abcd".parse(), Ok(id));
        for bad in
            ["", "C-", "C-0123ABC", "C-0123ABCDE", "C-0123ABCU", "D-0123ABCD", "0123ABCD", "C-0123ABC\u{e9}"]
        {
            assert_eq!(bad.parse::<AnonymousId>(), Err(NoAnonymousId), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_id_leads_back_under_its_key_alone(number in 0_u64..1 << 40, tenant: u128, other: u128) {
            let id = hide(&key(tenant), Number(number));
            prop_assert_eq!(id.0 >> 40, 0);
            prop_assert_eq!(show(&key(tenant), id), Number(number));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().len(), 10);
            prop_assert_eq!(hide(&key(tenant), show(&key(tenant), AnonymousId(number))), AnonymousId(number));
            // By chance one in 2^40 numbers has the same id under two keys.
            prop_assume!(tenant != other);
            prop_assert_ne!(show(&key(other), id), Number(number));
        }
    }
}
