//! How far two ways of dividing the same customers agree, beyond chance.

/// The adjusted Rand index of two partitions (Hubert and Arabie, "Comparing partitions", Journal of Classification
/// 2, 1985): 1 for the same division under whatever labels, about 0 for unrelated ones. Partitions that are both
/// trivial (one group, or none but single members) and equal agree fully.
///
/// # Panics
/// The slices differ in length.
pub fn adjusted_rand(left: &[u8], right: &[u8]) -> f64 {
    assert_eq!(left.len(), right.len(), "two divisions of the same customers");
    let width = right.iter().max().map_or(0, |&label| usize::from(label)) + 1;
    let height = left.iter().max().map_or(0, |&label| usize::from(label)) + 1;
    let mut cells = vec![0_u64; width * height];
    for (&one, &other) in left.iter().zip(right) {
        cells[usize::from(one) * width + usize::from(other)] += 1;
    }
    let rows = (0..height).map(|row| pairs(cells[row * width..][..width].iter().sum())).sum::<f64>();
    let columns =
        (0..width).map(|column| pairs((0..height).map(|row| cells[row * width + column]).sum())).sum::<f64>();
    let together = cells.iter().map(|&cell| pairs(cell)).sum::<f64>();
    let all = pairs(left.len() as u64);
    if all == 0.0 {
        return 1.0;
    }
    let expected = rows * columns / all;
    let most = (rows + columns) / 2.0;
    if most == expected { 1.0 } else { (together - expected) / (most - expected) }
}

/// How many pairs `count` members make.
fn pairs(count: u64) -> f64 {
    count as f64 * (count as f64 - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values by scikit-learn 1.9, `adjusted_rand_score`.
    #[test]
    fn agrees_with_scikit_learn() {
        let near = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        near(adjusted_rand(&[0, 0, 1, 2], &[0, 0, 1, 1]), 0.571_428_571_428_571_4);
        near(adjusted_rand(&[0, 0, 0, 1, 1, 1, 2, 2, 2, 2], &[0, 0, 1, 1, 1, 2, 2, 2, 2, 0]), RAGGED);
        near(adjusted_rand(&[0, 1, 0, 1], &[0, 0, 1, 1]), -0.5);
        near(adjusted_rand(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0);
        near(adjusted_rand(&[7, 7, 3, 3], &[0, 0, 1, 1]), 1.0);
        near(adjusted_rand(&[4, 4, 4], &[1, 1, 1]), 1.0);
        near(adjusted_rand(&[], &[]), 1.0);
    }

    const RAGGED: f64 = 0.204_545_454_545_454_53;
}
