//! Names for customers outside of the desk: `C-` and eight characters that tell nothing of whom they name, to nobody
//! without the key, and are the same each time.
//!
//! A name is a number of 40 bits that went through a permutation of the tenant's own: a balanced Feistel network whose
//! rounds are HMAC-SHA256 (Luby and Rackoff, 1988; the form is that of NIST SP 800-38G). A permutation has no two numbers
//! with one name, so there is nothing to collide. The characters are Crockford's base 32, without I, L, O and U.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::seal::MasterKey;
use database::ids::TenantId;

/// The greatest number that has a name.
pub const MAX_NUMBER: u64 = (1 << 40) - 1;

const PREFIX: &str = "C-";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const HALF_BITS: u32 = 20;
const HALF: u64 = (1 << HALF_BITS) - 1;
/// Ten rounds: an even number, so that the halves stand as they stood.
const ROUNDS: u8 = 10;

/// The names of one tenant's customers.
#[derive(Clone)]
pub struct AnonymousIds([u8; 32]);

impl AnonymousIds {
    /// Those of this tenant.
    pub fn of(key: &MasterKey, tenant: TenantId) -> AnonymousIds {
        AnonymousIds(key.derive(&format!("anonymous ids of {tenant}")))
    }

    /// The name of a number up to [`MAX_NUMBER`]; what is above has none.
    pub fn name(&self, number: u64) -> Option<String> {
        if number > MAX_NUMBER {
            return None;
        }
        let (mut left, mut right) = (number >> HALF_BITS, number & HALF);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.mixed(round, right));
        }
        let mixed = left << HALF_BITS | right;
        let characters = (0..8).map(|place| char::from(ALPHABET[(mixed >> (35 - 5 * place)) as usize & 31]));
        Some(PREFIX.chars().chain(characters).collect())
    }

    /// The number of a name as people write it: in any case, with O for 0 and I or L for 1. None when it is no name.
    pub fn number(&self, name: &str) -> Option<u64> {
        let name = name.trim().to_ascii_uppercase();
        let characters = name.strip_prefix(PREFIX)?;
        if characters.len() != 8 {
            return None;
        }
        let mut mixed = 0;
        for byte in characters.bytes() {
            let byte = match byte {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                byte => byte,
            };
            let value = ALPHABET.iter().position(|character| *character == byte)?;
            mixed = mixed << 5 | value as u64;
        }
        let (mut left, mut right) = (mixed >> HALF_BITS, mixed & HALF);
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.mixed(round, left), left);
        }
        Some(left << HALF_BITS | right)
    }

    fn mixed(&self, round: u8, half: u64) -> u64 {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .expect("HMAC takes keys of any length")
            .chain_update([round])
            .chain_update(half.to_be_bytes())
            .finalize()
            .into_bytes();
        let first: [u8; 8] = mac[..8].try_into().expect("eight of 32 bytes");
        u64::from_be_bytes(first) & HALF
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn ids(tenant: u128) -> AnonymousIds {
        let key: MasterKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key");
        AnonymousIds::of(&key, TenantId(Uuid::from_u128(tenant)))
    }

    #[test]
    fn neighbours_have_nothing_in_common_and_nobody_shares_a_name() {
        let ids = ids(1);
        let names: HashSet<String> = (0..5_000).map(|number| ids.name(number).expect("small")).collect();
        assert_eq!(names.len(), 5_000);
        let first: HashSet<char> = names.iter().filter_map(|name| name.chars().nth(2)).collect();
        assert_eq!(first.len(), 32, "every character begins some name");
        assert_eq!(ids.name(MAX_NUMBER + 1), None);
        assert!(ids.name(MAX_NUMBER).is_some());
    }

    #[test]
    fn another_tenant_has_other_names() {
        assert_ne!(ids(1).name(7), ids(2).name(7));
    }

    #[test]
    fn a_name_is_read_as_people_write_it() {
        let ids = ids(1);
        let name = ids.name(42).expect("small");
        assert_eq!(ids.number(&format!(" {} ", name.to_lowercase())), Some(42));
        for number in 0..200 {
            let name = ids.name(number).expect("small");
            assert_eq!(ids.number(&name.replace('0', "O").replace('1', "L")), Some(number));
        }
        for bad in ["", "C-", "C-1234567", "C-123456789", "12345678", "C-1234567U", "C-1234567é"] {
            assert_eq!(ids.number(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn names_lead_back(number in 0..=MAX_NUMBER, tenant: u128) {
            let ids = ids(tenant);
            let name = ids.name(number).expect("in range");
            prop_assert_eq!(name.len(), 10);
            prop_assert_eq!(ids.number(&name), Some(number));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,20}") {
            let _ = ids(1).number(&text);
        }
    }
}
