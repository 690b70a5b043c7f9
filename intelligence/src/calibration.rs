//! Maps a raw score (log-odds of churn) to a probability: as it is, or by Platt's line.

use serde::{Deserialize, Serialize};

use crate::special_functions::logistic;

/// How a raw score becomes a probability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Calibration {
    /// The logistic function of the score.
    #[default]
    None,
    /// The logistic function of `slope * score + intercept` (Platt 1999).
    Platt {
        /// Factor of the score.
        slope: f64,
        /// What is added.
        intercept: f64,
    },
}

impl Calibration {
    /// Platt's line by maximum likelihood with his smoothed targets. A line that falls or does not exist is no
    /// calibration: then the answer is `None`.
    pub fn platt(scores: &[f64], churned: &[bool]) -> Calibration {
        let positives = churned.iter().filter(|y| **y).count() as f64;
        let negatives = churned.len() as f64 - positives;
        if positives < 10.0 || negatives < 10.0 {
            return Calibration::None;
        }
        let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
        let (mut slope, mut intercept) = (1.0f64, 0.0f64);
        for _ in 0..100 {
            let mut gradient = [0.0; 2];
            let mut curvature = [1e-9, 0.0, 1e-9];
            for (&score, &y) in scores.iter().zip(churned) {
                let p = logistic(slope * score + intercept);
                let residual = if y { high } else { low } - p;
                let weight = p * (1.0 - p);
                gradient[0] += residual * score;
                gradient[1] += residual;
                curvature[0] += weight * score * score;
                curvature[1] += weight * score;
                curvature[2] += weight;
            }
            let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
            if determinant <= 0.0 {
                return Calibration::None;
            }
            let step = [
                (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant,
                (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant,
            ];
            slope += step[0].clamp(-2.0, 2.0);
            intercept += step[1].clamp(-2.0, 2.0);
            if step.iter().all(|s| s.abs() < 1e-9) {
                break;
            }
        }
        if slope > 0.0 && slope.is_finite() && intercept.is_finite() {
            Calibration::Platt { slope, intercept }
        } else {
            Calibration::None
        }
    }

    /// The probability of a raw score.
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Calibration::None => logistic(score),
            Calibration::Platt { slope, intercept } => logistic(slope * score + intercept),
        }
    }

    /// Its name in a report.
    pub fn name(&self) -> &'static str {
        match self {
            Calibration::None => "none",
            Calibration::Platt { .. } => "Platt",
        }
    }

    /// Whether every number in it is usable; an artefact is asked before it is trusted.
    pub fn is_sound(&self) -> bool {
        match self {
            Calibration::None => true,
            Calibration::Platt { slope, intercept } => {
                slope.is_finite() && *slope > 0.0 && intercept.is_finite()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn a_known_distortion_is_found() {
        let mut generator = SplitMix64::new(5);
        let scores: Vec<f64> = (0..40_000).map(|_| generator.uniform() * 6.0 - 3.0).collect();
        let churned: Vec<bool> =
            scores.iter().map(|score| generator.uniform() < logistic(0.5 * score + 0.7)).collect();
        let Calibration::Platt { slope, intercept } = Calibration::platt(&scores, &churned) else {
            panic!("a line")
        };
        assert!((slope - 0.5).abs() < 0.03 && (intercept - 0.7).abs() < 0.05, "{slope} {intercept}");
    }

    #[test]
    fn too_little_is_left_alone() {
        assert_eq!(Calibration::platt(&[0.1, 0.2], &[true, false]), Calibration::None);
        assert_eq!(Calibration::platt(&[], &[]), Calibration::None);
    }
}
