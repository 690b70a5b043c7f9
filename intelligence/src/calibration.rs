//! Maps a raw score (log-odds of churn) to a probability: as it is, by Platt's line, or by an increasing step curve.

use serde::{Deserialize, Serialize};

use crate::special_functions::logistic;

/// How a raw score becomes a probability.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Linear between the points (score, probability), flat outside (Zadrozny and Elkan 2002, with the steps'
    /// middles joined so that order is kept inside a step).
    Isotonic {
        /// Points by increasing score.
        points: Vec<(f64, f64)>,
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

    /// The increasing curve nearest to the outcomes, by pooling adjacent violators (Ayer and others 1955).
    pub fn isotonic(scores: &[f64], churned: &[bool]) -> Calibration {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&l, &r| scores[l].total_cmp(&scores[r]));
        // blocks of (customers, churned, sum of scores)
        let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
        for i in order {
            blocks.push((1.0, f64::from(u8::from(churned[i])), scores[i]));
            while let [.., before, last] = blocks.as_slice() {
                if before.1 * last.0 < last.1 * before.0 {
                    break;
                }
                let merged = (before.0 + last.0, before.1 + last.1, before.2 + last.2);
                blocks.truncate(blocks.len() - 2);
                blocks.push(merged);
            }
        }
        // half a customer of each class keeps the ends away from certainty
        let points = blocks.iter().map(|(n, gone, sum)| (sum / n, (gone + 0.5) / (n + 1.0)));
        let mut points: Vec<(f64, f64)> = points.collect();
        for i in 1..points.len() {
            points[i].1 = points[i].1.max(points[i - 1].1);
        }
        if points.len() < 2 { Calibration::None } else { Calibration::Isotonic { points } }
    }

    /// The probability of a raw score.
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Calibration::None => logistic(score),
            Calibration::Platt { slope, intercept } => logistic(slope * score + intercept),
            Calibration::Isotonic { points } => {
                let after = points.partition_point(|(x, _)| *x <= score);
                match (after.checked_sub(1).and_then(|i| points.get(i)), points.get(after)) {
                    (Some(&(x0, y0)), Some(&(x1, y1))) => y0 + (y1 - y0) * (score - x0) / (x1 - x0),
                    (Some(&(_, y)), None) | (None, Some(&(_, y))) => y,
                    (None, None) => logistic(score),
                }
            }
        }
    }

    /// Its name in a report.
    pub fn name(&self) -> &'static str {
        match self {
            Calibration::None => "none",
            Calibration::Platt { .. } => "Platt",
            Calibration::Isotonic { .. } => "isotonic",
        }
    }

    /// Whether every number in it is usable; an artefact is asked before it is trusted.
    pub fn is_sound(&self) -> bool {
        match self {
            Calibration::None => true,
            Calibration::Platt { slope, intercept } => {
                slope.is_finite() && *slope > 0.0 && intercept.is_finite()
            }
            Calibration::Isotonic { points } => {
                points.len() >= 2
                    && points.iter().all(|(x, y)| x.is_finite() && (0.0..=1.0).contains(y))
                    && points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1)
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
        let curve = Calibration::isotonic(&scores, &churned);
        assert!(curve.is_sound());
        assert!((-20..=20).all(|i| {
            let score = f64::from(i) / 8.0;
            (curve.probability(score) - logistic(0.5 * score + 0.7)).abs() < 0.06
        }));
    }

    #[test]
    fn too_little_is_left_alone() {
        assert_eq!(Calibration::platt(&[0.1, 0.2], &[true, false]), Calibration::None);
        assert_eq!(Calibration::isotonic(&[], &[]), Calibration::None);
    }
}
