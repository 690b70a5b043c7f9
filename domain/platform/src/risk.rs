//! Bands of churn risk: the one place that says which probability is called low, medium, high or critical, so that
//! answers, lists, segment rules and changes between runs agree.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How likely a customer is to leave, in one word; a greater band is a greater risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskBand {
    /// Below the first bound.
    Low,
    /// From the first bound.
    Medium,
    /// From the second bound.
    High,
    /// From the third bound.
    Critical,
}

impl RiskBand {
    /// Every band, from the lowest risk.
    pub const ALL: [RiskBand; 4] = [RiskBand::Low, RiskBand::Medium, RiskBand::High, RiskBand::Critical];

    /// The band's word.
    pub const fn name(self) -> &'static str {
        match self {
            RiskBand::Low => "low",
            RiskBand::Medium => "medium",
            RiskBand::High => "high",
            RiskBand::Critical => "critical",
        }
    }
}

impl fmt::Display for RiskBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no band.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be low, medium, high or critical")]
pub struct UnknownBand;

impl FromStr for RiskBand {
    type Err = UnknownBand;

    fn from_str(text: &str) -> Result<RiskBand, UnknownBand> {
        RiskBand::ALL.into_iter().find(|band| band.name() == text).ok_or(UnknownBand)
    }
}

/// Where the bands begin: three ascending probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskBands {
    medium: f32,
    high: f32,
    critical: f32,
}

impl Default for RiskBands {
    /// low < 0.3 <= medium < 0.6 <= high < 0.8 <= critical.
    fn default() -> RiskBands {
        RiskBands { medium: 0.3, high: 0.6, critical: 0.8 }
    }
}

impl RiskBands {
    /// The band of a probability, which must be a number: "not enough data" has no band. The comparison is of
    /// 4-byte floats, as in the column that stores them, so SQL with [`RiskBands::range`] agrees with it.
    pub fn of(self, probability: f32) -> RiskBand {
        if probability >= self.critical {
            RiskBand::Critical
        } else if probability >= self.high {
            RiskBand::High
        } else if probability >= self.medium {
            RiskBand::Medium
        } else {
            RiskBand::Low
        }
    }

    /// A band's probabilities: the lower bound is in it, the upper is not; none is no bound.
    pub fn range(self, band: RiskBand) -> (Option<f32>, Option<f32>) {
        match band {
            RiskBand::Low => (None, Some(self.medium)),
            RiskBand::Medium => (Some(self.medium), Some(self.high)),
            RiskBand::High => (Some(self.high), Some(self.critical)),
            RiskBand::Critical => (Some(self.critical), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_belong_to_the_higher_band() {
        let bands = RiskBands::default();
        for (probability, band) in [
            (0.0, RiskBand::Low),
            (0.299_99, RiskBand::Low),
            (0.3, RiskBand::Medium),
            (0.6, RiskBand::High),
            (0.8, RiskBand::Critical),
            (1.0, RiskBand::Critical),
        ] {
            assert_eq!(bands.of(probability), band, "{probability}");
        }
    }

    proptest! {
        #[test]
        fn a_probability_lies_in_the_range_of_its_band_and_of_no_other(probability in 0.0_f32..=1.0) {
            let bands = RiskBands::default();
            for band in RiskBand::ALL {
                let (from, below) = bands.range(band);
                let inside = from.is_none_or(|from| probability >= from) && below.is_none_or(|below| probability < below);
                prop_assert_eq!(inside, bands.of(probability) == band);
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for band in RiskBand::ALL {
            assert_eq!(band.name().parse(), Ok(band));
        }
        assert_eq!("severe".parse::<RiskBand>(), Err(UnknownBand));
    }
}
