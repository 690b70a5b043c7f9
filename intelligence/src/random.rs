//! A small random generator with a fixed seed, so that a bootstrap gives the same interval on every run.

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator of this seed.
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0.0..1.0`.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An index below `bound`, which is positive (multiply-shift; the bias is below 2^-32 for tables in memory).
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A draw from the Poisson distribution with mean 1, as a bootstrap weight.
    pub fn poisson_one(&mut self) -> u32 {
        let mut product = self.uniform();
        let mut count = 0;
        while product > 0.367_879_441_171_442_33 && count < 20 {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence_and_a_mean_of_one() {
        let mut generator = SplitMix64::new(1234567);
        assert_eq!(generator.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(generator.next_u64(), 3_203_168_211_198_807_973);
        let total: u32 = (0..100_000).map(|_| generator.poisson_one()).sum();
        assert!((99_000..101_000).contains(&total));
        assert!((0..1000).all(|_| generator.below(7) < 7));
    }
}
