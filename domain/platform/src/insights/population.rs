//! How the customers of the published run are spread over archetypes, segments and bands of churn.
//!
//! The run counted them while it wrote them and put the counts into its report, so nothing is counted here: a pass over
//! a million rows takes seconds, and every new order would ask for another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::round;
use super::catalog::Catalog;
use crate::risk::RiskBand;

/// Counts and sums of a run's customers. What a report does not say is nobody.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Population {
    /// All customers.
    pub customers: i64,
    /// Those with an order.
    pub buyers: i64,
    /// By the index of the finest archetype.
    archetypes: BTreeMap<String, i64>,
    /// By axis and index of the segment.
    segments: BTreeMap<String, BTreeMap<String, i64>>,
    /// By how far what is said of them is to be trusted.
    pub confidence: BTreeMap<String, i64>,
    /// By how far they moved from the run before.
    pub movements: BTreeMap<String, i64>,
    /// Their churn.
    pub churn: Churn,
    /// What they are expected to spend.
    pub ltv: Ltv,
    /// What the run could not do, and why.
    pub notes: Vec<String>,
}

/// The churn of a run's customers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Churn {
    /// Those who have a probability.
    pub customers: i64,
    /// The mean of these.
    pub mean: Option<f64>,
    bands: BTreeMap<String, i64>,
}

/// What a run's customers are expected to spend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ltv {
    /// Those who have an expectation.
    pub customers: i64,
    /// The sum of these, in the run's currency.
    pub total: Option<f64>,
    /// The mean of these.
    pub mean: Option<f64>,
}

impl Population {
    /// The counts in a run's report.
    ///
    /// # Errors
    /// The report has another shape.
    pub fn of(report: &Value) -> Result<Population, serde_json::Error> {
        let mut population = Population::deserialize(report)?;
        population.churn.mean = population.churn.mean.map(|mean| round(mean, 4));
        population.ltv.total = population.ltv.total.map(|total| round(total, 2));
        population.ltv.mean = population.ltv.mean.map(|mean| round(mean, 2));
        Ok(population)
    }

    /// The customers of an archetype; those of a broader one include those of its finer ones.
    pub fn archetype(&self, catalog: &Catalog, index: usize) -> i64 {
        let finer = catalog.archetypes.iter().enumerate().filter(|(_, finer)| finer.parent == Some(index));
        let own = |index: usize| self.archetypes.get(&index.to_string()).copied().unwrap_or_default();
        own(index) + finer.map(|(finer, _)| own(finer)).sum::<i64>()
    }

    /// The customers in a segment of an axis.
    pub fn segment(&self, axis: &str, index: usize) -> i64 {
        let counts = self.segments.get(axis);
        counts.and_then(|counts| counts.get(&index.to_string())).copied().unwrap_or_default()
    }

    /// The customers in a band of churn.
    pub fn band(&self, band: RiskBand) -> i64 {
        self.churn.bands.get(band.name()).copied().unwrap_or_default()
    }

    /// The share of all customers that some are, 0 to 1, with four decimals; none of nobody.
    pub fn share(&self, customers: i64) -> Option<f64> {
        (self.customers > 0).then(|| round(customers as f64 / self.customers as f64, 4))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_broader_archetype_has_the_customers_of_its_finer_ones() {
        let archetype = |parent: Option<usize>| json!({"id": "", "level": 1, "name": "", "parent": parent, "support": 1, "segments": {}});
        let catalog: Catalog = serde_json::from_value(json!({
            "features": [], "axes": [], "archetypes": [archetype(None), archetype(None), archetype(Some(0))]
        }))
        .expect("a catalogue");
        let report = json!({
            "customers": 8, "archetypes": {"0": 2, "2": 3, "1": 1, "none": 2}, "segments": {"x": {"1": 4, "none": 4}},
            "churn": {"customers": 5, "mean": 0.123_456, "bands": {"high": 5}}, "something": "else"
        });
        let population = Population::of(&report).expect("a report");
        let sizes: Vec<i64> = (0..3).map(|index| population.archetype(&catalog, index)).collect();
        assert_eq!(sizes, [5, 1, 3]);
        assert_eq!(
            (population.segment("x", 1), population.segment("x", 0), population.segment("y", 1)),
            (4, 0, 0)
        );
        assert_eq!((population.band(RiskBand::High), population.churn.mean), (5, Some(0.1235)));
        assert_eq!((population.share(5), Population::default().share(0)), (Some(0.625), None));
        assert!(Population::of(&json!({"customers": "many"})).is_err());
    }
}
