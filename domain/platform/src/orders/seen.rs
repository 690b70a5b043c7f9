//! Whom an import has made known and whose profile it has noted already, so that each of its batches does not ask again for
//! each customer. Customers are remembered as hashes of 64 bits: of a million people two are taken for one in one of
//! thirty million imports.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

use super::statement::Party;

/// So many customers are remembered of each lane; then it begins anew. A set of them has 9 MB.
const LIMIT: usize = 900_000;

/// What a lane has committed, or wants to.
#[derive(Debug, Default)]
pub(super) struct Seen(HashSet<u64>);

impl Seen {
    /// Remembers what another has, when that was committed.
    pub(super) fn absorb(&mut self, other: Seen) {
        if self.0.len() + other.0.len() > LIMIT {
            self.0.clear();
        }
        self.0.extend(other.0);
    }

    /// Whether these are the first words of a customer, which `fresh` remembers: until then neither is the customer known
    /// as they say, nor is the profile noted as stale.
    pub(super) fn is_new(&self, fresh: &mut Seen, customer: &str, party: &Party) -> bool {
        let mut text = String::with_capacity(96);
        for part in [Some(customer), party.email.as_deref(), party.name.as_deref(), party.phone.as_deref()] {
            text.push_str(part.unwrap_or_default());
            text.push('\0');
        }
        let hash = xxh3_64(text.as_bytes());
        !self.0.contains(&hash) && fresh.0.insert(hash)
    }
}
