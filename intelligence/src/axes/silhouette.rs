//! How well segments stand apart, by the silhouette of a sample of customers.

use super::kmeans::{Point, distance};

/// The mean silhouette of these places under these labels (Rousseeuw, Journal of Computational and Applied
/// Mathematics 20, 1987): -1 to 1, higher when a customer is nearer to its own segment than to the next. A segment of
/// one counts as 0. Quadratic in the number of places.
pub(crate) fn silhouette(places: &[Point], labels: &[u8], segments: usize) -> f64 {
    let mut members = vec![0_u32; segments];
    for &label in labels {
        members[usize::from(label)] += 1;
    }
    let mut total = 0.0;
    let mut sums = vec![0.0_f64; segments];
    for (place, &own) in places.iter().zip(labels) {
        let own = usize::from(own);
        if members[own] < 2 {
            continue;
        }
        sums.fill(0.0);
        for (other, &label) in places.iter().zip(labels) {
            sums[usize::from(label)] += f64::from(distance(place, other).sqrt());
        }
        let within = sums[own] / f64::from(members[own] - 1);
        let beyond = (0..segments)
            .filter(|&segment| segment != own && members[segment] > 0)
            .map(|segment| sums[segment] / f64::from(members[segment]))
            .fold(f64::INFINITY, f64::min);
        let widest = within.max(beyond);
        if beyond.is_finite() && widest > 0.0 {
            total += (beyond - within) / widest;
        }
    }
    total / places.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected value by scikit-learn 1.9, `silhouette_score`.
    #[test]
    fn agrees_with_scikit_learn() {
        let places: Vec<Point> = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [5.0, 5.0], [6.0, 5.0], [3.0, 2.0]]
            .map(|[x, y]| [x, y, 0.0, 0.0])
            .to_vec();
        let found = silhouette(&places, &[0, 0, 0, 1, 1, 1], 2);
        assert!((found - EXPECTED).abs() < 1e-6, "{found}");
    }

    const EXPECTED: f64 = 0.585_230_917_405_153_2;
}
