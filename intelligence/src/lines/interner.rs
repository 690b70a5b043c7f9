//! Small numbers for 64-bit keys: as they come at first, and by the keys' rank in the end, so that the numbers order
//! as the keys do whatever came first.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Numbers keys as they come, and afterwards by rank.
#[derive(Default)]
pub(super) struct Interner {
    numbers: HashMap<u64, u32, BuildHasherDefault<KeyHasher>>,
    last: (u64, u32),
}

impl Interner {
    /// The number of a key; "none" is 0.
    pub(super) fn number(&mut self, key: u64) -> u32 {
        if key == 0 {
            return 0;
        }
        if key != self.last.0 {
            let next = self.numbers.len() as u32 + 1;
            self.last = (key, *self.numbers.entry(key).or_insert(next));
        }
        self.last.1
    }

    /// The sorted keys, "none" first, and the rank of each number among them.
    pub(super) fn ranked(self) -> (Vec<u64>, Vec<u32>) {
        let mut keys: Vec<(u64, u32)> = self.numbers.into_iter().collect();
        keys.sort_unstable();
        let mut ranks = vec![0_u32; keys.len() + 1];
        for (rank, &(_, number)) in keys.iter().enumerate() {
            ranks[number as usize] = rank as u32 + 1;
        }
        let keys = std::iter::once(0).chain(keys.into_iter().map(|(key, _)| key)).collect();
        (keys, ranks)
    }
}

/// Keys are hashes already; one multiplication spreads those that are not.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64(bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}
