//! What a customer will spend in the coming days, with an interval: the forward-looking half of lifetime value.
//!
//! The mean is the geometric one of two: LightGBM's with a Tweedie loss (many customers spend nothing, some a lot), and
//! BG/NBD's expected purchases times the customer's shrunken order value, which stands alone where the data cannot
//! carry trees. The interval is conformal in kind (Vovk, Gammerman and Shafer 2005; by groups of similar forecast): it
//! holds what eight tenths of customers with such a forecast spent in a window that the forecasting model had not seen.

mod comparison;
mod training;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use comparison::{HeldBack, Verdict, better};
pub use training::{CannotTrain, Settings, Trained, TrainingReport, baselines, settings, train};

pub use crate::artefact::ArtefactError;
use crate::{
    artefact::{self, Kind},
    bg_nbd::BgNbd,
    churn::inputs,
    folds,
    forest::Forest,
    matrix::Matrix,
};

const KIND: Kind = Kind { name: "spend", magic: *b"DWSPEND\x02" };
/// Nobody is expected to buy less often within the horizon: a mean of logarithms would not survive a zero.
const FEWEST_PURCHASES: f64 = 1e-4;
/// No forecast is larger.
const LARGEST: f64 = 1e15;
const MEAN_ORDER: usize = inputs::column("mean_order_value");

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
    purchases_weight: f64,
    intervals: Vec<Group>,
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
            && (!stored.trees.is_empty() || stored.purchases.is_some())
            && stored.purchases.is_none_or(|model| model.is_sound())
            && (0.0..=1.0).contains(&stored.purchases_weight)
            && stored
                .intervals
                .iter()
                .all(|g| g.upto.is_finite() && 0.0 <= g.low && g.low <= g.high && g.high < 1e12);
        if !sound {
            return Err(ArtefactError::Unusable("its numbers contradict each other".into()));
        }
        let forest = match stored.trees.is_empty() {
            true => None,
            false => Some(
                Forest::parse(&stored.trees, &names).map_err(|e| ArtefactError::Unusable(e.to_string()))?,
            ),
        };
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
        Model::new(artefact::open(KIND, bytes)?)
    }

    /// Days after the cut-off that a forecast covers.
    pub fn horizon(&self) -> u32 {
        self.stored.horizon
    }

    /// A forecast for each row of `features::compute`; none for a customer without an order.
    ///
    /// # Panics
    /// The table does not have the 66 columns.
    pub fn score(&self, features: &Matrix) -> Vec<Option<Forecast>> {
        let trees = self.forest.as_ref().map(|forest| forest.scores(features));
        let forecast = |row: usize| {
            inputs::observation(features.row(row))?;
            let horizon = f64::from(self.stored.horizon);
            let purchases =
                self.stored.purchases.as_ref().and_then(|model| purchases(model, features.row(row), horizon));
            let trees = trees.as_ref().map(|trees| trees[row]);
            let expected = mixed(trees, purchases, self.stored.purchases_weight)?;
            Some(Forecast { expected, interval: interval(&self.stored.intervals, expected) })
        };
        (0..features.rows()).into_par_iter().with_min_len(512).map(forecast).collect()
    }
}

/// The purchase model's mean of a customer; none without an order or with more money back than spent.
fn purchases(model: &BgNbd, row: &[f32], horizon: f64) -> Option<f64> {
    let expected = model.expected(inputs::observation(row)?, horizon).max(FEWEST_PURCHASES);
    Some(expected * f64::from(row[MEAN_ORDER])).filter(|mean| mean.is_finite() && *mean > 0.0)
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
mod tests {
    use super::*;
    use crate::{churn, snapshot::Snapshot};

    fn quick() -> Settings {
        let mut settings = Settings { seeds: 2, replicates: 20, ..settings() };
        settings.boosting.rounds = 60;
        settings.boosting.learning_rate = 0.1;
        settings
    }

    #[test]
    fn a_forecast_beats_nothing_and_its_interval_holds() {
        let lines = churn::tests::shop(3000, 600, 1);
        let closed: Vec<Snapshot> = (0..6).map(|i| Snapshot::take(&lines, 410 - 30 * i, 90)).collect();
        let now = Snapshot::take(&lines, 500, 90);
        let trained = train(&now, &closed, &quick(), &crate::stop::Stop::never()).expect("enough data");
        let forecasts = trained.model.score(&now.features);
        let spent = now.spent();
        let expected: Vec<f64> =
            forecasts.iter().map(|f| f.expect("everybody has an order").expected).collect();
        let quality = crate::metrics::spend_quality(&expected, &spent, 20);
        assert!(quality.capture.expect("spend").value > 0.25, "{quality:?}");
        let inside = forecasts.iter().zip(&spent).filter(|(forecast, spent)| {
            let (low, high) = forecast.and_then(|f| f.interval).expect("an interval");
            (low..=high).contains(*spent)
        });
        let coverage = inside.count() as f64 / spent.len() as f64;
        assert!((0.7..=1.0).contains(&coverage), "{coverage}");
        let again = Model::from_artefact(&trained.model.to_artefact()).expect("what was stored");
        assert_eq!(again.score(&now.features), forecasts);
        assert_eq!(again.score(&Matrix::missing(1, 66)), [None]);
        assert!(churn::Model::from_artefact(&trained.model.to_artefact()).is_err());
    }

    #[test]
    fn the_two_forecasts_meet_in_the_middle_of_their_logarithms() {
        let close = |found: Option<f64>, wanted: f64| found.is_some_and(|f| (f - wanted).abs() < 1e-9);
        assert!(close(mixed(Some(16.0f64.ln()), Some(4.0), 0.5), 8.0));
        assert!(close(mixed(Some(16.0f64.ln()), Some(4.0), 0.0), 16.0));
        assert!(close(mixed(Some(16.0f64.ln()), None, 0.5), 16.0));
        assert!(close(mixed(None, Some(4.0), 1.0), 4.0));
        assert!(close(mixed(None, None, 1.0), 0.0));
        assert_eq!(mixed(Some(f64::NAN), None, 0.5), None);
        assert!(close(mixed(Some(1e9), None, 0.5), LARGEST));
    }

    #[test]
    fn a_small_shop_gets_the_purchase_model() {
        let lines = churn::tests::shop(120, 600, 3);
        let closed: Vec<Snapshot> = (0..3).map(|i| Snapshot::take(&lines, 410 - 30 * i, 90)).collect();
        let now = Snapshot::take(&lines, 500, 90);
        let trained = train(&now, &closed, &quick(), &crate::stop::Stop::never()).expect("BG/NBD");
        assert!(trained.report.rounds.is_none());
        assert!(trained.model.score(&now.features).iter().all(|f| f.is_some_and(|f| f.expected >= 0.0)));
    }
}
