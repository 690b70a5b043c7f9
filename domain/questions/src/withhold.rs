//! Which groups of customers are withheld because they are small.
//!
//! A group of fewer customers than the tenant's threshold is withheld. Where groups divide a whole that is known, the
//! whole less the others would tell the one that is missing; so at least two groups are withheld, and together they have
//! at least as many customers as the threshold (complementary cell suppression; Cox, "Suppression Methodology and
//! Statistical Disclosure Control", 1980). Which ones depends on the sizes alone, so everybody who asks is denied the same.

/// Which of the groups of a whole are withheld. A group of nobody tells of nobody and is shown.
pub fn of_a_whole(sizes: &[i64], smallest: i64) -> Vec<bool> {
    with_others(sizes, sizes.iter().map(|size| is_small(*size, smallest)).collect(), smallest)
}

/// Which are, when these have to be whatever their size.
pub fn with_others(sizes: &[i64], mut withheld: Vec<bool>, smallest: i64) -> Vec<bool> {
    if !withheld.contains(&true) {
        return withheld;
    }
    // The smallest of the others go with them, the first of equals.
    let mut others: Vec<usize> =
        (0..sizes.len()).filter(|place| !withheld[*place] && sizes[*place] > 0).collect();
    others.sort_by_key(|place| (sizes[*place], *place));
    let mut others = others.into_iter();
    loop {
        let count = withheld.iter().filter(|withheld| **withheld).count();
        let together: i64 =
            sizes.iter().zip(&withheld).filter(|(_, withheld)| **withheld).map(|(size, _)| size).sum();
        if count >= 2 && together >= smallest {
            return withheld;
        }
        match others.next() {
            Some(place) => withheld[place] = true,
            None => return withheld,
        }
    }
}

/// Whether a group is one of some, but of too few.
pub fn is_small(size: i64, smallest: i64) -> bool {
    size > 0 && size < smallest
}

/// Whether a part of a group may be told beside the group: neither it nor the rest is too small.
pub fn may_tell_part(part: i64, whole: i64, smallest: i64) -> bool {
    !is_small(part, smallest) && !is_small(whole - part, smallest)
}

/// A count to the nearest multiple of the threshold, for counts that other answers count in another way or over another
/// time: the difference of two of them says nothing of fewer customers than that.
pub fn coarse(count: i64, smallest: i64) -> i64 {
    let half = smallest / 2;
    (count + half).div_euclid(smallest) * smallest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_small_group_takes_the_next_smallest_with_it() {
        assert_eq!(of_a_whole(&[100, 3, 20], 5), [false, true, true]);
        assert_eq!(of_a_whole(&[100, 3, 2, 20], 5), [false, true, true, false]);
        // Two of one customer each are still fewer than five together.
        assert_eq!(of_a_whole(&[100, 1, 1, 20], 5), [false, true, true, true]);
        assert_eq!(of_a_whole(&[100, 20, 0], 5), [false, false, false]);
        assert_eq!(of_a_whole(&[3], 5), [true]);
        assert_eq!((coarse(12, 5), coarse(13, 5), coarse(2, 5)), (10, 15, 0));
    }

    proptest! {
        #[test]
        fn what_is_told_reveals_no_small_group(sizes in prop::collection::vec(0_i64..200, 0..12), smallest in 2_i64..20) {
            let withheld = of_a_whole(&sizes, smallest);
            for (size, withheld) in sizes.iter().zip(&withheld) {
                prop_assert!(*withheld || !is_small(*size, smallest));
            }
            let hidden: Vec<i64> =
                sizes.iter().zip(&withheld).filter(|(_, withheld)| **withheld).map(|(size, _)| *size).collect();
            let shown_others = sizes.iter().zip(&withheld).any(|(size, withheld)| !withheld && *size > 0);
            if !hidden.is_empty() && shown_others {
                // The whole less what is told is the sum of what is withheld: never one group, never too few people.
                prop_assert!(hidden.len() >= 2);
                prop_assert!(hidden.iter().sum::<i64>() >= smallest);
            }
        }

        #[test]
        fn a_part_is_told_only_beside_a_large_rest(part in 0_i64..50, rest in 0_i64..50, smallest in 2_i64..20) {
            if may_tell_part(part, part + rest, smallest) {
                prop_assert!(!is_small(part, smallest) && !is_small(rest, smallest));
            }
        }
    }
}
