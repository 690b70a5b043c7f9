//! Numbers that are the same on every machine and in every version: a generated shop is named by its size alone.

use std::f64::consts::TAU;

/// A generator with a state of 64 bits. Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of one thing (`stream`), independent of those of all others.
    pub fn of(seed: u64, stream: u64) -> Random {
        Random(mix(seed ^ mix(stream)))
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in (0, 1), never 0, so that its logarithm is finite.
    pub fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// True in so many of all cases.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u32
    }

    /// Exponentially distributed with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }

    /// Normally distributed (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (TAU * self.unit()).cos()
    }

    /// Gamma distributed with scale 1 (Marsaglia and Tsang, ACM TOMS 26, 2000; shapes below 1 by their section 6).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.unit().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta distributed.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        x / (x + y)
    }

    /// A rank below `count`, the rank r about as often as (r + 1)^-s: the continuous power law, cut to whole ranks.
    pub fn zipf(&mut self, count: u32, s: f64) -> u32 {
        let top = f64::from(count + 1).powf(1.0 - s);
        let rank = (1.0 + self.unit() * (top - 1.0)).powf(1.0 / (1.0 - s));
        (rank as u32 - 1).min(count - 1)
    }
}

/// A bijection of 64 bits without visible pattern.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(mut draw: impl FnMut(&mut Random) -> f64) -> f64 {
        let mut random = Random::of(1, 2);
        (0..20_000).map(|_| draw(&mut random)).sum::<f64>() / 20_000.0
    }

    #[test]
    fn means_are_those_of_the_distributions() {
        for (expected, got) in [
            (1.0, mean(Random::exponential)),
            (0.0, mean(Random::normal)),
            (0.6, mean(|random| random.gamma(0.6))),
            (3.0, mean(|random| random.gamma(3.0))),
            (0.25, mean(|random| random.beta(1.0, 3.0))),
        ] {
            assert!((expected - got).abs() < 0.05, "{got} instead of {expected}");
        }
    }

    #[test]
    fn small_ranks_are_frequent_and_all_are_within_bounds() {
        let mut random = Random::of(3, 4);
        let ranks: Vec<u32> = (0..20_000).map(|_| random.zipf(1_000, 0.9)).collect();
        assert!(ranks.iter().all(|rank| *rank < 1_000));
        let share = |rank| ranks.iter().filter(|other| **other == rank).count();
        assert!(share(0) > 3 * share(9) && share(9) > share(300));
    }

    #[test]
    fn streams_differ_and_repeat() {
        assert_eq!(Random::of(1, 1).bits(), Random::of(1, 1).bits());
        assert_ne!(Random::of(1, 1).bits(), Random::of(1, 2).bits());
        assert_ne!(Random::of(1, 1).bits(), Random::of(2, 1).bits());
    }
}
