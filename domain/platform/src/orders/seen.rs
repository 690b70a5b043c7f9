//! Whom an import has made known and whose profile it has noted already, so that each of its batches does not ask again for
//! each customer. Customers are remembered as hashes of 64 bits: of a million people two are taken for one in one of
//! thirty million imports.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

use super::statement::Party;

/// So many customers are remembered of each lane; then it begins anew.
const LIMIT: usize = 440_000;

/// What a lane has committed, or wants to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    people: HashSet<u64>,
    stale: HashSet<u64>,
}

impl Seen {
    /// Remembers what another has, when that was committed.
    pub(super) fn absorb(&mut self, other: Seen) {
        for (all, new) in [(&mut self.people, other.people), (&mut self.stale, other.stale)] {
            if all.len() + new.len() > LIMIT {
                all.clear();
            }
            all.extend(new);
        }
    }

    /// Whether these are the first words of a customer, which `fresh` remembers.
    pub(super) fn is_new_person(&self, fresh: &mut Seen, customer: &str, party: &Party) -> bool {
        let mut text = String::with_capacity(96);
        for part in [Some(customer), party.email.as_deref(), party.name.as_deref(), party.phone.as_deref()] {
            text.push_str(part.unwrap_or_default());
            text.push('\0');
        }
        let hash = xxh3_64(text.as_bytes());
        !self.people.contains(&hash) && fresh.people.insert(hash)
    }

    /// Whether a customer's profile is not noted as stale yet; `fresh` remembers it.
    pub(super) fn is_newly_stale(&self, fresh: &mut Seen, customer: &str) -> bool {
        let hash = xxh3_64(customer.as_bytes());
        !self.stale.contains(&hash) && fresh.stale.insert(hash)
    }
}
