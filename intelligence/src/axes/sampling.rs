//! Which customers a fit looks at: enough to see the shop's shape, few enough that a million cost no more than fifty
//! thousand, and the same ones on every run.

use crate::random::SplitMix64;

/// At most `most` of the numbers below `count`, ascending, every one as likely as another (selection sampling: Knuth,
/// The Art of Computer Programming, 3.4.2, algorithm S).
pub(crate) fn sample(count: usize, most: usize, seed: u64) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    let mut random = SplitMix64::new(seed);
    let mut chosen = Vec::with_capacity(most);
    for candidate in 0..count {
        let wanted = most - chosen.len();
        if wanted == 0 {
            break;
        }
        if random.below(count - candidate) < wanted {
            chosen.push(candidate);
        }
    }
    chosen
}

/// The numbers below `count` in two random halves, each ascending.
pub(crate) fn halves(count: usize, seed: u64) -> [Vec<usize>; 2] {
    let left = sample(count, count / 2, seed);
    let mut inside = vec![false; count];
    for &member in &left {
        inside[member] = true;
    }
    let right = (0..count).filter(|&member| !inside[member]).collect();
    [left, right]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_its_size_and_two_halves_are_the_whole() {
        let chosen = sample(1000, 100, 7);
        assert_eq!(chosen.len(), 100);
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(sample(5, 100, 7), [0, 1, 2, 3, 4]);
        let [left, right] = halves(1001, 3);
        let mut all = [left.as_slice(), &right].concat();
        all.sort_unstable();
        assert_eq!((left.len(), all), (500, (0..1001).collect()));
    }
}
