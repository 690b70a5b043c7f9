//! What a customer will spend in the coming days, with an interval: the forward-looking half of lifetime value.
//!
//! The mean is a mixture (`mixture.rs`) of a model and of what anybody would say without one (`simple.rs`). The model is
//! the geometric mean of two: LightGBM's with a Tweedie loss (many customers spend nothing, some a lot), and BG/NBD's
//! expected purchases times what Gamma-Gamma expects one to be worth, which stands alone where the data cannot carry
//! trees. The interval is conformal in kind (Vovk, Gammerman and Shafer 2005; by groups of similar forecast): it holds
//! what eight tenths of customers with such a forecast spent in a window that the forecasting model had not seen.

mod comparison;
mod mixture;
mod simple;
mod training;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use comparison::{HeldBack, Verdict, better};
pub use mixture::Mixture;
pub use training::{CannotTrain, Settings, Trained, TrainingReport, baselines, beaten_by, settings, train};

pub use crate::artefact::ArtefactError;
use crate::{
    artefact::{self, Kind},
    bg_nbd::BgNbd,
    churn::inputs,
    features::known_column,
    folds,
    forest::Forest,
    gamma_gamma::GammaGamma,
    matrix::Matrix,
    season::Season,
};
use simple::{Factors, Shift, simple};

const KIND: Kind = Kind { name: "spend", magic: *b"DWSPEND\x03" };
/// What models were stored as when they had no simple parts; they are read still.
const EARLIER: Kind = Kind { name: "spend", magic: *b"DWSPEND\x02" };
/// Nobody is expected to buy less often within the horizon: a mean of logarithms would not survive a zero.
const FEWEST_PURCHASES: f64 = 1e-4;
/// No forecast is larger.
const LARGEST: f64 = 1e15;
const MEAN_ORDER: usize = known_column("mean_order_value");
const PURCHASE_DAYS: usize = known_column("purchase_days");
const LOG_SPEND: usize = known_column("log_spend");

/// A trained model, ready to score from any thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    stored: Stored,
    forest: Option<Forest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    features: Vec<String>,
    horizon: u32,
    trees: Vec<String>,
    purchases: Option<BgNbd>,
    #[serde(default)]
    money: Option<GammaGamma>,
    mixture: Mixture,
    /// The logarithm of the season that the trees learnt from.
    #[serde(default)]
    learnt_season: f64,
    intervals: Vec<Group>,
}

/// A model as it was stored before there were simple parts.
#[derive(Deserialize)]
struct Earlier {
    features: Vec<String>,
    horizon: u32,
    trees: Vec<String>,
    purchases: Option<BgNbd>,
    purchases_weight: f64,
    intervals: Vec<Group>,
}

impl From<Earlier> for Stored {
    fn from(earlier: Earlier) -> Stored {
        let Earlier { features, horizon, trees, purchases, purchases_weight, intervals } = earlier;
        let mixture = Mixture::model(purchases_weight);
        Stored { features, horizon, trees, purchases, money: None, mixture, learnt_season: 0.0, intervals }
    }
}

/// Customers of similar forecast and what eight tenths of them spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Group {
    /// Largest forecast of the group.
    upto: f64,
    /// A tenth spent less than this many times the forecast.
    low: f64,
    /// A tenth spent more than this many times the forecast.
    high: f64,
}

/// What a customer is expected to spend within the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The mean, in the tenant's currency.
    pub expected: f64,
    /// 10 % and 90 % bounds; none where no window was held back to learn them from.
    pub interval: Option<(f64, f64)>,
}

impl Model {
    fn new(stored: Stored) -> Result<Model, ArtefactError> {
        let names = folds::names();
        if !stored.features.iter().map(String::as_str).eq(names.iter().copied()) {
            return Err(ArtefactError::Unusable("it was trained on other features".into()));
        }
        let sound = stored.horizon > 0
            && (!stored.trees.is_empty()
                || stored.purchases.is_some()
                || stored.mixture.model_share() < 1e-9)
            && stored.purchases.is_none_or(|model| model.is_sound())
            && stored.money.is_none_or(|model| model.is_sound())
            && stored.mixture.is_sound()
            && stored.learnt_season.is_finite()
            && stored
                .intervals
                .iter()
                .all(|g| g.upto.is_finite() && 0.0 <= g.low && g.low <= g.high && g.high < 1e12);
        if !sound {
            return Err(ArtefactError::Unusable("its numbers contradict each other".into()));
        }
        let forest = artefact::forest(&stored.trees, &names)?;
        Ok(Model { stored, forest })
    }

    /// The bytes to store; `from_artefact` of them scores with the same bits.
    pub fn to_artefact(&self) -> Vec<u8> {
        artefact::seal(KIND, &self.stored)
    }

    /// The model in stored bytes.
    ///
    /// # Errors
    /// Bytes that are damaged, foreign, or of a model for other features; never a panic.
    pub fn from_artefact(bytes: &[u8]) -> Result<Model, ArtefactError> {
        match artefact::open(KIND, bytes) {
            Err(ArtefactError::Foreign { .. }) => {
                Model::new(artefact::open::<Earlier>(EARLIER, bytes)?.into())
            }
            stored => Model::new(stored?),
        }
    }

    /// Days after the cut-off that a forecast covers.
    pub fn horizon(&self) -> u32 {
        self.stored.horizon
    }

    /// What the forecast is made of.
    pub fn mixture(&self) -> Mixture {
        self.stored.mixture
    }

    /// A forecast for each row of `features::compute`; none for a customer without an order. `season` is that of the
    /// day that the features are of (`TenantStats`).
    ///
    /// # Panics
    /// The table does not have the 66 columns.
    pub fn score(&self, features: &Matrix, season: &Season) -> Vec<Option<Forecast>> {
        let trees = self.forest.as_ref().map(|forest| forest.scores(features));
        let mixture = self.stored.mixture;
        let (factors, shift) = match mixture.season {
            true => {
                let factors = Factors::of(season, self.stored.horizon);
                (factors, factors.shift(self.stored.learnt_season))
            }
            false => (Factors::EVEN, Shift::NONE),
        };
        let forecast = |row: usize| {
            let values = features.row(row);
            inputs::observation(values)?;
            let horizon = f64::from(self.stored.horizon);
            let (model, money) = (self.stored.purchases.as_ref(), self.stored.money.as_ref());
            let purchases = model.and_then(|model| purchases(model, money, values, horizon));
            let trees = trees.as_ref().map(|trees| trees[row]);
            let expected = mixture.of(trees, purchases, simple(values, horizon, factors)?, shift)?;
            Some(Forecast { expected, interval: interval(&self.stored.intervals, expected) })
        };
        (0..features.rows()).into_par_iter().with_min_len(512).map(forecast).collect()
    }
}

/// The purchase model's mean of a customer: expected purchase days times the expected value of one, or where that model
/// could not be fitted times the shrunken order value. None without an order or with more money back than spent.
fn purchases(model: &BgNbd, money: Option<&GammaGamma>, row: &[f32], horizon: f64) -> Option<f64> {
    let expected = model.expected(inputs::observation(row)?, horizon).max(FEWEST_PURCHASES);
    let value = match money {
        Some(money) => {
            let (days, spend) = (f64::from(row[PURCHASE_DAYS]).max(1.0), f64::from(row[LOG_SPEND]).exp_m1());
            money.expected(days, spend / days)?
        }
        None => f64::from(row[MEAN_ORDER]),
    };
    Some(expected * value).filter(|mean| mean.is_finite() && *mean > 0.0)
}

/// The mean of the logarithms, `weight` of it the purchase model's; one part alone where the other is missing.
fn mixed(log_trees: Option<f64>, purchases: Option<f64>, weight: f64) -> Option<f64> {
    let expected = match (log_trees, purchases) {
        (Some(trees), Some(purchases)) if weight > 0.0 => {
            ((1.0 - weight) * trees + weight * purchases.ln()).exp()
        }
        (Some(trees), _) => trees.exp(),
        (None, purchases) => purchases.unwrap_or(0.0),
    };
    Some(expected).filter(|expected| !expected.is_nan()).map(|expected| expected.clamp(0.0, LARGEST))
}

/// The bounds of a forecast; they always hold the forecast itself.
fn interval(groups: &[Group], expected: f64) -> Option<(f64, f64)> {
    let last = groups.len().checked_sub(1)?;
    let group = groups[groups.partition_point(|group| group.upto < expected).min(last)];
    let (low, high) = (group.low * expected, group.high * expected);
    Some((low.min(expected), high.max(expected).min(LARGEST)))
}

#[cfg(test)]
mod tests;
