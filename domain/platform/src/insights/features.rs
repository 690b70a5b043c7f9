//! The numbers behind one customer's segments, by axis.

use serde::Serialize;

use super::answer::Answer;
use super::catalog::Catalog;
use super::customer::Customer;
use super::vector;

/// The features of a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Features {
    /// By axis, in the catalogue's order.
    pub axes: Vec<OfAxis>,
}

/// The features of one axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfAxis {
    /// The axis.
    pub axis: String,
    /// Its features.
    pub features: Vec<Feature>,
}

/// A feature of a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What it is counted in; empty for a plain number.
    pub unit: String,
    /// Null where it cannot be computed of this customer.
    pub value: Option<f64>,
}

/// The feature that is a probability. BG/NBD is certain of who bought once only; we are not.
const PROBABILITY: &str = "alive_probability";

/// A probability as it is shown: never 0 or 1, with four places.
fn uncertain(probability: f64) -> f64 {
    probability.clamp(0.0001, 0.9999)
}

impl Customer {
    /// The features as the catalogue names them.
    pub fn features(&self, catalog: Option<&Catalog>) -> Answer<Features> {
        let (Some(computed), Some(catalog)) = (&self.computed, catalog) else {
            return Answer::Missing(
                self.reason().unwrap_or_else(|| "the run has no segmentation".to_owned()),
            );
        };
        let mut axes: Vec<OfAxis> = Vec::with_capacity(catalog.axes.len());
        for (known, value) in catalog.features.iter().zip(vector::features(&computed.features)) {
            let value = if known.name == PROBABILITY { value.map(uncertain) } else { value };
            let feature = Feature { name: known.name.clone(), unit: known.unit.clone(), value };
            match axes.iter_mut().find(|axis| axis.axis == known.axis) {
                Some(axis) => axis.features.push(feature),
                None => axes.push(OfAxis { axis: known.axis.clone(), features: vec![feature] }),
            }
        }
        Answer::Known(Features { axes })
    }
}
