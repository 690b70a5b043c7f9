//! Whom an import has made known and whose profile it has noted already, so that none of its batches asks again for each
//! customer, in whichever lane they stand. Customers are remembered as hashes of 64 bits: of a million people two are taken
//! for one in one of thirty million imports. Whoever is forgotten is only stated once more.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

use super::statement::Party;

/// The first 16 bits of a hash choose a set, and the set holds the other 48: so hashes are known to their last bit.
const SETS: usize = 1 << 16;
/// So many customers of a set are remembered, the last ones: 1.3 million in all. Of a million one in sixty finds no place.
const OF_A_SET: usize = 20;

type Tag = [u8; 6];
/// A place that nothing stands in. A hash that ends like this is never remembered.
const FREE: Tag = [0; 6];

/// What an import has committed, of both lanes: 7.9 MB, whatever it is of, and nothing before the first customer.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The sets, one behind the other; of each the last tag that came stands first.
    tags: Vec<Tag>,
}

/// Who came in a batch of one lane; to be remembered when that is committed.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    hashes: HashSet<u64>,
    /// What is hashed, kept so that it is allocated once.
    text: String,
}

impl Seen {
    /// Remembers who came, when that was committed.
    pub(super) fn absorb(&mut self, fresh: &Fresh) {
        if fresh.hashes.is_empty() {
            return;
        }
        if self.tags.is_empty() {
            self.tags = vec![FREE; SETS * OF_A_SET];
        }
        for hash in &fresh.hashes {
            let (set, tag) = place(*hash);
            let set = &mut self.tags[set];
            if tag != FREE && !set.contains(&tag) {
                set.copy_within(..OF_A_SET - 1, 1);
                set[0] = tag;
            }
        }
    }

    /// Whether these are the first words of a customer, which `fresh` remembers: until then neither is the customer known
    /// as they say, nor is the profile noted as stale.
    pub(super) fn is_new(&self, fresh: &mut Fresh, customer: &str, party: &Party) -> bool {
        let text = &mut fresh.text;
        text.clear();
        for part in [Some(customer), party.email.as_deref(), party.name.as_deref(), party.phone.as_deref()] {
            text.push_str(part.unwrap_or_default());
            text.push('\0');
        }
        let hash = xxh3_64(text.as_bytes());
        !self.has(hash) && fresh.hashes.insert(hash)
    }

    fn has(&self, hash: u64) -> bool {
        let (set, tag) = place(hash);
        tag != FREE && self.tags.get(set).is_some_and(|set| set.contains(&tag))
    }
}

/// Where a hash belongs, and what stands there of it.
fn place(hash: u64) -> (std::ops::Range<usize>, Tag) {
    let [first, second, tag @ ..] = hash.to_be_bytes();
    let set = usize::from(u16::from_be_bytes([first, second])) * OF_A_SET;
    (set..set + OF_A_SET, tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(email: &str) -> Party {
        Party { email: Some(email.to_owned()), ..Party::default() }
    }

    #[test]
    fn first_words_are_new_until_they_are_committed_and_other_words_always() {
        let mut seen = Seen::default();
        let mut fresh = Fresh::default();
        let (old, new) = (party("old@example.com"), party("new@example.com"));
        assert!(seen.is_new(&mut fresh, "c1", &old));
        assert!(!seen.is_new(&mut fresh, "c1", &old), "twice in one batch");
        // Another lane knows nothing of it before, and the same lane does not when it was not committed.
        assert!(seen.is_new(&mut Fresh::default(), "c1", &old));
        seen.absorb(&fresh);
        assert!(!seen.is_new(&mut Fresh::default(), "c1", &old));
        assert!(seen.is_new(&mut Fresh::default(), "c1", &new), "with another address");
        assert!(seen.is_new(&mut Fresh::default(), "c2", &old));
    }

    #[test]
    fn a_million_customers_are_remembered_and_nobody_is_taken_for_another() {
        const CUSTOMERS: u64 = 1_000_000;
        let mut seen = Seen::default();
        let hash = |customer: u64| xxh3_64(&customer.to_be_bytes());
        for first in (0..CUSTOMERS).step_by(10_000) {
            let hashes = (first..first + 10_000).map(hash).collect();
            seen.absorb(&Fresh { hashes, text: String::new() });
        }
        // Every tenth of them, and of as many others.
        let forgotten = (0..CUSTOMERS).step_by(10).filter(|customer| !seen.has(hash(*customer))).count();
        assert!(forgotten < 4_000, "{forgotten} of 100,000");
        let others = CUSTOMERS..2 * CUSTOMERS;
        assert_eq!(others.step_by(10).filter(|customer| seen.has(hash(*customer))).count(), 0);
        assert_eq!(seen.tags.len() * size_of::<Tag>(), 7_864_320);
    }

    #[test]
    fn a_full_set_forgets_the_first_that_came() {
        let mut seen = Seen::default();
        let of_one_set = |number: u64| number + 1;
        for number in 0..=OF_A_SET as u64 {
            seen.absorb(&Fresh { hashes: HashSet::from([of_one_set(number)]), text: String::new() });
        }
        assert!(!seen.has(of_one_set(0)));
        assert!((1..=OF_A_SET as u64).all(|number| seen.has(of_one_set(number))));
        // What is there already takes no other's place.
        seen.absorb(&Fresh { hashes: HashSet::from([of_one_set(1)]), text: String::new() });
        assert!((1..=OF_A_SET as u64).all(|number| seen.has(of_one_set(number))));
        assert!(!seen.has(0), "what is free is nobody");
    }
}
