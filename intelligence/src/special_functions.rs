//! The few special functions that the purchase models need, in plain Rust so that every machine gets the same bits.

/// Natural logarithm of the gamma function, for x > 0 (Stirling's series after shifting the argument above 10;
/// Abramowitz and Stegun 6.1.41). Relative error below 1e-12.
pub fn ln_gamma(x: f64) -> f64 {
    let (mut shifted, mut product) = (x, 1.0);
    while shifted < 10.0 {
        product *= shifted;
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0))));
    (shifted - 0.5) * shifted.ln() - shifted + 0.918_938_533_204_672_8 + series - product.ln()
}

/// The derivative of `ln_gamma`, for x > 0 (Abramowitz and Stegun 6.3.18, after shifting the argument above 10).
pub fn digamma(x: f64) -> f64 {
    let (mut shifted, mut sum) = (x, 0.0);
    while shifted < 10.0 {
        sum -= 1.0 / shifted;
        shifted += 1.0;
    }
    let square = 1.0 / (shifted * shifted);
    let series = square
        * (1.0 / 12.0
            - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square * (1.0 / 240.0 - square / 132.0))));
    sum + shifted.ln() - 0.5 / shifted - series
}

/// Gauss's hypergeometric function for 0 <= z < 1 by its series (Abramowitz and Stegun 15.1.1); `None` when it has
/// not converged after 20,000 terms.
pub fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 0..20_000 {
        let n = f64::from(n);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if !f64::is_finite(sum) {
            return None;
        }
        if term.abs() <= 1e-12 * f64::abs(sum) {
            return Some(sum);
        }
    }
    None
}

/// The logistic function, without overflow.
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// The inverse of `logistic`, with probabilities kept a millionth away from 0 and 1.
pub fn log_odds(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}

/// The standard normal distribution function (Abramowitz and Stegun 7.1.26; absolute error below 1e-7).
pub fn normal_cdf(x: f64) -> f64 {
    let z = x.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let tail = 0.5 * polynomial * (-z * z).exp();
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_tables() {
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-12);
        assert!((ln_gamma(6.0) - 120f64.ln()).abs() < 1e-12);
        assert!((digamma(1.0) + 0.577_215_664_901_532_9).abs() < 1e-12);
        // F(1, 1; 2; z) = -ln(1 - z) / z
        assert!((hypergeometric(1.0, 1.0, 2.0, 0.5).expect("converges") - 2.0 * 2f64.ln()).abs() < 1e-11);
        assert!((normal_cdf(1.96) - 0.975_002_1).abs() < 1e-6);
        assert!((log_odds(logistic(-3.5)) + 3.5).abs() < 1e-12);
        assert_eq!(logistic(-1e6), 0.0);
    }
}
