//! Logistic regression: the middle model of churn, for shops too small for trees, and a baseline for the others.

use serde::{Deserialize, Serialize};

use crate::special_functions::logistic;

/// A fitted regression on standardised inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    means: Vec<f64>,
    deviations: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
}

/// Why nothing was fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotFit {
    /// One class is (nearly) missing.
    #[error("{churned} of {customers} churned; a regression needs at least 10 of each")]
    OneClass {
        /// How many churned.
        churned: usize,
        /// Of how many.
        customers: usize,
    },
    /// The inputs do not form a table of finite numbers.
    #[error("row {row} has an input that is missing or not finite, or not {inputs} inputs")]
    BadInput {
        /// Which row.
        row: usize,
        /// How many inputs a row has.
        inputs: usize,
    },
}

impl Logistic {
    /// Maximum likelihood with a ridge of `ridge` on the standardised weights, by iteratively reweighted least
    /// squares (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, sections 4.4.1 and 3.4.1).
    /// Inputs without variation get no weight.
    ///
    /// # Errors
    /// Fewer than 10 of a class; an input that is missing.
    pub fn fit<R: AsRef<[f64]>>(rows: &[R], churned: &[bool], ridge: f64) -> Result<Logistic, CannotFit> {
        let customers = rows.len();
        let gone = churned.iter().filter(|y| **y).count();
        if gone < 10 || customers - gone < 10 || customers != churned.len() {
            return Err(CannotFit::OneClass { churned: gone, customers });
        }
        let inputs = rows[0].as_ref().len();
        if let Some(row) = rows
            .iter()
            .position(|row| row.as_ref().len() != inputs || !row.as_ref().iter().all(|x| x.is_finite()))
        {
            return Err(CannotFit::BadInput { row, inputs });
        }
        let n = customers as f64;
        let mut means = vec![0.0; inputs];
        let mut deviations = vec![0.0; inputs];
        rows.iter().for_each(|row| means.iter_mut().zip(row.as_ref()).for_each(|(mean, x)| *mean += x / n));
        for row in rows {
            for (i, x) in row.as_ref().iter().enumerate() {
                deviations[i] += (x - means[i]).powi(2) / n;
            }
        }
        // an input that does not vary keeps weight zero, whatever it is divided by
        deviations.iter_mut().for_each(|d| *d = if *d > 1e-18 { d.sqrt() } else { 1.0 });
        let mut model = Logistic { means, deviations, weights: vec![0.0; inputs], intercept: 0.0 };
        let mut deviance = f64::INFINITY;
        for _ in 0..60 {
            let (next, fitted) = model.newton(rows, churned, ridge);
            model = next;
            if (deviance - fitted).abs() <= 1e-10 * (1.0 + fitted.abs()) {
                break;
            }
            deviance = fitted;
        }
        Ok(model)
    }

    /// The log-odds of churn.
    pub fn score(&self, row: &[f64]) -> f64 {
        let parts = self.weights.iter().zip(row).zip(self.means.iter().zip(&self.deviations));
        parts.fold(self.intercept, |sum, ((weight, x), (mean, deviation))| {
            sum + weight * standard(*x, *mean, *deviation)
        })
    }

    /// The probability of churn.
    pub fn probability(&self, row: &[f64]) -> f64 {
        logistic(self.score(row))
    }

    /// How many inputs a row has.
    pub fn inputs(&self) -> usize {
        self.weights.len()
    }

    /// What each input adds to the log-odds against the average customer.
    pub fn contributions(&self, row: &[f64]) -> Vec<f64> {
        let parts = self.weights.iter().zip(row).zip(self.means.iter().zip(&self.deviations));
        parts.map(|((weight, x), (mean, deviation))| weight * standard(*x, *mean, *deviation)).collect()
    }

    /// Whether every number in it is usable; an artefact is asked before it is trusted.
    pub fn is_sound(&self) -> bool {
        let n = self.weights.len();
        self.means.len() == n
            && self.deviations.len() == n
            && self.intercept.is_finite()
            && self.weights.iter().chain(&self.means).all(|x| x.is_finite())
            && self.deviations.iter().all(|d| d.is_finite() && *d > 0.0)
    }

    /// One step of Newton's method, and the penalised loss before it.
    fn newton<R: AsRef<[f64]>>(&self, rows: &[R], churned: &[bool], ridge: f64) -> (Logistic, f64) {
        let size = self.weights.len() + 1;
        let mut gradient = vec![0.0; size];
        let mut hessian = vec![0.0; size * size];
        let mut loss = 0.0;
        let mut x = vec![1.0; size];
        for (row, &y) in rows.iter().zip(churned) {
            for (i, value) in row.as_ref().iter().enumerate() {
                x[i + 1] = standard(*value, self.means[i], self.deviations[i]);
            }
            let score = self.score(row.as_ref());
            let p = logistic(score);
            loss += if y { softplus(-score) } else { softplus(score) };
            let (residual, weight) = (f64::from(u8::from(y)) - p, (p * (1.0 - p)).max(1e-9));
            for i in 0..size {
                gradient[i] += residual * x[i];
                for j in 0..=i {
                    hessian[i * size + j] += weight * x[i] * x[j];
                }
            }
        }
        for (i, weight) in self.weights.iter().enumerate() {
            gradient[i + 1] -= ridge * weight;
            hessian[(i + 1) * size + i + 1] += ridge.max(1e-6);
            loss += 0.5 * ridge * weight * weight;
        }
        let step = solve_symmetric(hessian, gradient);
        let longest = step.iter().fold(0.0f64, |most, s| most.max(s.abs()));
        let shrink = if longest > 4.0 { 4.0 / longest } else { 1.0 };
        let mut next = self.clone();
        next.intercept += shrink * step[0];
        next.weights.iter_mut().zip(&step[1..]).for_each(|(weight, s)| *weight += shrink * s);
        (next, loss)
    }
}

fn standard(x: f64, mean: f64, deviation: f64) -> f64 {
    ((x - mean) / deviation).clamp(-10.0, 10.0)
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Solves a positive definite system given by its lower half, by Cholesky's decomposition.
fn solve_symmetric(mut lower: Vec<f64>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
            let rest = lower[i * n + j] - sum;
            lower[i * n + j] = if i == j { rest.max(1e-12).sqrt() } else { rest / lower[j * n + j] };
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| lower[i * n + k] * right[k]).sum();
        right[i] = (right[i] - sum) / lower[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| lower[k * n + i] * right[k]).sum();
        right[i] = (right[i] - sum) / lower[i * n + i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn known_weights_are_found() {
        let mut generator = SplitMix64::new(3);
        let rows: Vec<[f64; 3]> =
            (0..30_000).map(|_| [generator.uniform(), generator.uniform() * 10.0, 1.0]).collect();
        let churned: Vec<bool> =
            rows.iter().map(|[a, b, _]| generator.uniform() < logistic(2.0 * a - 0.4 * b + 1.0)).collect();
        let model = Logistic::fit(&rows, &churned, 1e-3).expect("a fit");
        assert!(model.is_sound());
        for (a, b) in [(0.0, 0.0), (1.0, 5.0), (0.5, 10.0)] {
            let expected = 2.0 * a - 0.4 * b + 1.0;
            assert!((model.score(&[a, b, 1.0]) - expected).abs() < 0.12, "{}", model.score(&[a, b, 1.0]));
        }
    }

    #[test]
    fn separable_and_hopeless_data() {
        let rows: Vec<[f64; 1]> = (0..100).map(|i| [f64::from(i)]).collect();
        let churned: Vec<bool> = (0..100).map(|i| i >= 50).collect();
        let model = Logistic::fit(&rows, &churned, 1.0).expect("the ridge holds it");
        assert!(model.is_sound() && model.probability(&[99.0]) > 0.9);
        assert!(matches!(Logistic::fit(&rows, &[true; 100], 1.0), Err(CannotFit::OneClass { .. })));
        let bad: Vec<[f64; 1]> = (0..100).map(|i| [if i == 7 { f64::NAN } else { 1.0 }]).collect();
        assert_eq!(Logistic::fit(&bad, &churned, 1.0), Err(CannotFit::BadInput { row: 7, inputs: 1 }));
    }
}
