//! Principal components of one axis: its features say much the same thing several times, and distances should count
//! that thing once.

use super::POINT;

/// Directions of greatest variance among standardised features (Pearson 1901; Jolliffe, "Principal Component
/// Analysis", chapter 2).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Components {
    /// A feature's share in every component, feature by feature; unused components are 0.
    pub(crate) loadings: Vec<[f32; POINT]>,
    /// How many components there are.
    pub(crate) count: usize,
    /// The share of the variance that they hold, 0 to 1.
    pub(crate) explained: f64,
}

/// As many components of this correlation matrix (row after row, `width` squared values) as hold `wanted` of its
/// variance, at most `most`. A component's sign makes its largest loading positive, so that it is the same for the
/// two halves of a sample.
pub(crate) fn components(correlation: &[f64], width: usize, wanted: f64, most: usize) -> Components {
    let (values, vectors) = eigen(correlation, width);
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&one, &other| values[other].total_cmp(&values[one]).then(one.cmp(&other)));
    let total: f64 = values.iter().map(|value| value.max(0.0)).sum();
    let mut found = Components { loadings: vec![[0.0; POINT]; width], count: 0, explained: 0.0 };
    for &component in order.iter().take(most.min(POINT)) {
        if found.explained >= wanted || values[component] <= 1e-9 {
            break;
        }
        let column = |feature: usize| vectors[feature * width + component];
        let mut strongest = 0;
        for feature in 1..width {
            if column(feature).abs() > column(strongest).abs() + 1e-9 {
                strongest = feature;
            }
        }
        let sign = column(strongest).signum();
        for feature in 0..width {
            found.loadings[feature][found.count] = (column(feature) * sign) as f32;
        }
        found.count += 1;
        found.explained += values[component] / total;
    }
    found
}

/// Eigenvalues and, as columns, eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan,
/// "Matrix Computations", section 8.5). The matrices here are at most 9 wide, for which nothing is simpler.
fn eigen(symmetric: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let mut matrix = symmetric.to_vec();
    let mut vectors = vec![0.0; width * width];
    for at in 0..width {
        vectors[at * width + at] = 1.0;
    }
    for _sweep in 0..64 {
        let off: f64 = (0..width)
            .flat_map(|row| (row + 1..width).map(move |column| (row, column)))
            .map(|(row, column)| matrix[row * width + column].powi(2))
            .sum();
        if off < 1e-22 {
            break;
        }
        for one in 0..width {
            for other in one + 1..width {
                rotate(&mut matrix, &mut vectors, width, one, other);
            }
        }
    }
    ((0..width).map(|at| matrix[at * width + at]).collect(), vectors)
}

/// One rotation that makes the element at (`one`, `other`) zero.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], width: usize, one: usize, other: usize) {
    let off = matrix[one * width + other];
    if off.abs() < 1e-300 {
        return;
    }
    let theta = (matrix[other * width + other] - matrix[one * width + one]) / (2.0 * off);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for at in 0..width {
        let (left, right) = (matrix[at * width + one], matrix[at * width + other]);
        matrix[at * width + one] = cosine * left - sine * right;
        matrix[at * width + other] = sine * left + cosine * right;
    }
    for at in 0..width {
        let (upper, lower) = (matrix[one * width + at], matrix[other * width + at]);
        matrix[one * width + at] = cosine * upper - sine * lower;
        matrix[other * width + at] = sine * upper + cosine * lower;
    }
    for at in 0..width {
        let (left, right) = (vectors[at * width + one], vectors[at * width + other]);
        vectors[at * width + one] = cosine * left - sine * right;
        vectors[at * width + other] = sine * left + cosine * right;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_a_known_matrix() {
        // [[2, 1], [1, 2]] has 3 and 1; padded with an independent 0.5.
        let (mut values, _) = eigen(&[2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.5], 3);
        values.sort_by(f64::total_cmp);
        for (value, expected) in values.iter().zip([0.5, 1.0, 3.0]) {
            assert!((value - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn two_features_that_say_the_same_make_one_component() {
        let found = components(&[1.0, 0.94, 0.94, 1.0], 2, 0.9, 4);
        assert_eq!(found.count, 1);
        assert!((found.explained - 0.97).abs() < 1e-9);
        assert!((found.loadings[0][0] - 0.5_f32.sqrt()).abs() < 1e-6);
        assert!((found.loadings[1][0] - 0.5_f32.sqrt()).abs() < 1e-6);
    }
}
