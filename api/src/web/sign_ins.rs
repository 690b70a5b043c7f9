//! How often somebody may try to sign in: by network address, and by account, whether the account exists or not, so that
//! the limit tells nobody who does. Each process counts for itself; failures of one account are counted by all together
//! (`accounts::people::logins`).

use std::num::NonZeroU32;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::web::limiter::{Limiter, ONE, TooMany, address};
use crate::web::problem::Problem;

/// An address may try so many times more than one account may be tried.
const ACCOUNT_FACTOR: u32 = 12;

/// The limits of one process.
#[derive(Debug)]
pub struct SignIns {
    addresses: Limiter,
    accounts: Limiter,
}

impl SignIns {
    /// Limits with all buckets full.
    pub fn new(per_minute: NonZeroU32) -> SignIns {
        let of_account = NonZeroU32::new(per_minute.get() / ACCOUNT_FACTOR).unwrap_or(NonZeroU32::MIN);
        SignIns { addresses: Limiter::new(per_minute), accounts: Limiter::new(of_account) }
    }

    /// Counts a try from an address.
    ///
    /// # Errors
    /// The limit is used up.
    pub fn count_address(&self, address: Address) -> Result<(), TooMany> {
        self.addresses.count(address.0, ONE).map(|_| ())
    }

    /// Counts a try from an address at an account, as it was written.
    ///
    /// # Errors
    /// A limit is used up.
    pub fn count(&self, address: Address, tenant: &str, email: &str) -> Result<(), TooMany> {
        self.count_of("sign in", address, tenant, email)
    }

    /// Counts a request for another password, apart from the account's tries: who asks again and again in somebody's name
    /// keeps them out of nothing.
    ///
    /// # Errors
    /// A limit is used up.
    pub fn count_forgotten(&self, address: Address, tenant: &str, email: &str) -> Result<(), TooMany> {
        self.count_of("forgotten", address, tenant, email)
    }

    fn count_of(&self, what: &str, address: Address, tenant: &str, email: &str) -> Result<(), TooMany> {
        self.count_address(address)?;
        let named = [what, tenant, email].join("\0");
        let hash = Sha256::digest(named);
        let (half, _) = hash.split_first_chunk::<16>().expect("a hash has 32 bytes");
        self.accounts.count(u128::from_be_bytes(*half), ONE).map(|_| ())
    }
}

/// Where a request comes from, as a handler's argument; see [`address`].
#[derive(Clone, Copy, Debug)]
pub struct Address(u128);

impl From<Address> for u128 {
    fn from(address: Address) -> u128 {
        address.0
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Address, Problem> {
        Ok(Address(address(&parts.extensions)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_links_in_somebodys_name_keeps_them_out_of_nothing() {
        let limits = SignIns::new(NonZeroU32::new(2 * ACCOUNT_FACTOR).expect("not zero"));
        let stranger = Address(1);
        let asked = (0..3).map(|_| limits.count_forgotten(stranger, "shop", "ada@example.com").is_ok());
        assert_eq!(asked.collect::<Vec<_>>(), [true, true, false]);
        assert!(limits.count(Address(2), "shop", "ada@example.com").is_ok());
    }
}
