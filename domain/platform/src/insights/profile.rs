//! One customer as an answer: who they are in words, how likely they are to leave and why, what they are worth.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::answer::{Answer, ModelName, rounded};
use super::catalog::{AXES, Axis, Catalog, PURCHASE_AXES};
use super::customer::{Customer, Purchases, RunOfCustomer};
use super::phrases;
use super::strength::Strength;
use super::vector;
use crate::probability;
use crate::risk::{RiskBand, RiskBands};

/// A customer as an agent sees them beside a ticket.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// The shop's id.
    pub customer_id: String,
    /// Whether anything was computed; what was bought is there in any case.
    pub available: bool,
    /// Why nothing was computed.
    pub reason: Option<String>,
    /// The last day whose orders count.
    pub as_of: Option<NaiveDate>,
    /// When it was computed.
    pub computed_at: Option<DateTime<Utc>>,
    /// Whether orders came or changed since.
    pub stale: bool,
    /// The run, as in GET /api/intelligence/runs/{id}.
    pub run_id: Option<Uuid>,
    /// Who they are, in one sentence with their own figures.
    pub who: Option<String>,
    /// How far that is to be trusted: rule, low, medium or high.
    pub confidence: Option<String>,
    /// Which of the segmentation's archetypes they are of.
    pub archetype: Answer<ArchetypeOf>,
    /// How they behave, axis by axis.
    pub axes: Vec<AxisOf>,
    /// How likely they are to leave.
    pub churn: Answer<Churn>,
    /// What they are expected to spend.
    pub ltv: Answer<Ltv>,
    /// What they bought.
    pub purchases: Option<Purchases>,
}

/// The archetype of a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArchetypeOf {
    /// 32 hexadecimal digits.
    pub id: String,
    /// 1, or 2 for the finer one.
    pub level: u8,
    /// What it is called: by the tenant, else by rules.
    pub name: String,
    /// What is typical of its customers, in one sentence.
    pub description: String,
    /// The name of the archetype of level 1 above it.
    pub parent: Option<String>,
}

/// A customer on one axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AxisOf {
    /// The axis.
    pub axis: String,
    /// Where the customer stands among the others, in a few words; null when it cannot be said.
    pub phrase: Option<String>,
    /// Customers below, in per cent.
    pub percentile: Option<u8>,
    /// Segment, strength and memberships.
    #[serde(flatten)]
    pub segment: Answer<SegmentOf>,
}

/// The segment of a customer on one axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentOf {
    /// The segment's name.
    pub segment: String,
    /// What its customers do.
    pub description: String,
    /// strong, balanced or weak.
    pub strength: Strength,
    /// Memberships in all segments of the axis, 0 to 1, in the order of the axis.
    pub memberships: Vec<Membership>,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Membership {
    /// The segment's name.
    pub segment: String,
    /// 0 to 1.
    pub membership: f64,
}

/// How likely a customer is to leave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Churn {
    /// Probability of no order within the horizon.
    pub probability: f64,
    /// The same in one word.
    pub band: RiskBand,
    /// Days after `as_of` in which no order is expected; null when the model is gone.
    pub horizon_days: Option<i32>,
    /// Sentences; null until they were computed.
    pub reasons: Option<Value>,
    /// The model that says so.
    pub model: Option<ModelName>,
}

/// What a customer is expected to spend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ltv {
    /// Expected spend within the horizon.
    pub value: f64,
    /// Exceeded with a probability of 90 %; null when unknown.
    pub low: Option<f64>,
    /// Exceeded with a probability of 10 %; null when unknown.
    pub high: Option<f64>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// Days after `as_of` that it covers; null when the model is gone.
    pub horizon_days: Option<i32>,
    /// The model that says so.
    pub model: Option<ModelName>,
}

impl Customer {
    /// The answer, in the words of the segmentation's catalogue.
    pub fn profile(&self, catalog: Option<&Catalog>) -> Profile {
        let reason = self.reason();
        let computed = self.computed.as_ref();
        Profile {
            customer_id: self.customer_id.clone(),
            available: computed.is_some(),
            as_of: computed.map(|computed| computed.as_of),
            computed_at: computed.map(|computed| computed.computed_at),
            stale: computed.is_some_and(|computed| computed.is_stale),
            run_id: computed.and(self.run.as_ref()).map(|run| run.id),
            who: computed.map(|computed| computed.who.clone()),
            confidence: computed.map(|computed| computed.confidence.clone()),
            archetype: self.archetype(catalog, reason.as_deref()),
            axes: self.axes(catalog, reason.as_deref()),
            churn: self.churn(reason.as_deref()),
            ltv: self.ltv(reason.as_deref()),
            purchases: self.purchases.clone(),
            reason,
        }
    }

    /// How likely the customer is to leave; `reason` is why nothing at all was computed.
    pub fn churn(&self, reason: Option<&str>) -> Answer<Churn> {
        let (Some(computed), Some(run)) = (&self.computed, &self.run) else {
            return Answer::Missing(reason.unwrap_or_default().to_owned());
        };
        let probability = computed.churn.and_then(|churn| probability::told(churn).zip(Some(churn)));
        let churn = probability.map(|(probability, stored)| Churn {
            probability,
            band: RiskBands::default().of(stored),
            horizon_days: run.churn_model.as_ref().map(|(_, days)| *days),
            reasons: computed.churn_reasons.clone(),
            model: run.churn_model.as_ref().map(|(model, _)| model.clone()),
        });
        Answer::of(churn, || run.why_missing("churn", run.churn_model.is_some()))
    }

    fn ltv(&self, reason: Option<&str>) -> Answer<Ltv> {
        let (Some(computed), Some(run)) = (&self.computed, &self.run) else {
            return Answer::Missing(reason.unwrap_or_default().to_owned());
        };
        let (low, high) = computed.ltv_bounds;
        let ltv = computed.ltv.and_then(|ltv| rounded(ltv, 2)).map(|value| Ltv {
            value,
            low: low.and_then(|low| rounded(low, 2)),
            high: high.and_then(|high| rounded(high, 2)),
            currency: run.currency.clone(),
            horizon_days: run.ltv_model.as_ref().map(|(_, days)| *days),
            model: run.ltv_model.as_ref().map(|(model, _)| model.clone()),
        });
        Answer::of(ltv, || run.why_missing("lifetime value", run.ltv_model.is_some()))
    }

    fn archetype(&self, catalog: Option<&Catalog>, reason: Option<&str>) -> Answer<ArchetypeOf> {
        let (Some(computed), Some(catalog)) = (&self.computed, catalog) else {
            return Answer::Missing(reason.unwrap_or("the run has no segmentation").to_owned());
        };
        let (level_1, level_2) = computed.archetype;
        let found = catalog.finest(level_1, level_2).map(|archetype| ArchetypeOf {
            id: archetype.id.clone(),
            level: archetype.level,
            name: archetype.name.clone(),
            description: catalog.description(archetype),
            parent: archetype
                .parent
                .and_then(|parent| catalog.archetypes.get(parent))
                .map(|up| up.name.clone()),
        });
        Answer::of(found, || "too few customers behave like this one to have a name for them".to_owned())
    }

    fn axes(&self, catalog: Option<&Catalog>, reason: Option<&str>) -> Vec<AxisOf> {
        let (Some(computed), Some(catalog)) = (&self.computed, catalog) else {
            let reason = reason.unwrap_or("the run has no segmentation");
            let missing = |axis: &&str| AxisOf {
                axis: (*axis).to_owned(),
                phrase: None,
                percentile: None,
                segment: Answer::Missing(reason.to_owned()),
            };
            return AXES.iter().map(missing).collect();
        };
        let columns = AXES.iter().zip(&computed.axes).enumerate();
        columns
            .map(|(place, (name, code))| {
                let phrase = phrases::of_axis(place, &computed.places);
                AxisOf {
                    axis: (*name).to_owned(),
                    percentile: phrase.as_ref().map(|phrase| phrase.percentile),
                    phrase: phrase.map(|phrase| phrase.text),
                    segment: match catalog.axis(name) {
                        Some(axis) => segment(axis, *code, &computed.memberships, too_little(place)),
                        None => Answer::Missing(OLDER_VERSION.to_owned()),
                    },
                }
            })
            .collect()
    }
}

/// Why an axis is missing that came into being after the version was fitted.
const OLDER_VERSION: &str =
    "this version of the segmentation was fitted before tickets counted; the next one has them";

/// Why a customer has no place on an axis that divides others.
fn too_little(place: usize) -> &'static str {
    if place < PURCHASE_AXES {
        "not enough data of this customer"
    } else {
        "this customer has not written in, or too little"
    }
}

fn segment(axis: &Axis, code: Option<i16>, memberships: &[u8], too_little: &str) -> Answer<SegmentOf> {
    let found = axis.dominant(code).map(|dominant| SegmentOf {
        segment: dominant.segment.name.clone(),
        description: dominant.segment.description.clone(),
        strength: dominant.strength,
        memberships: (vector::of_axis(axis, memberships).unwrap_or_default().iter())
            .zip(&axis.segments)
            .map(|(byte, segment)| Membership {
                segment: segment.name.clone(),
                membership: vector::membership(*byte),
            })
            .collect(),
    });
    Answer::of(found, || match &axis.degenerate {
        Some(why) => why.clone(),
        None => too_little.to_owned(),
    })
}

impl RunOfCustomer {
    fn why_missing(&self, what: &str, has_model: bool) -> String {
        if has_model {
            return format!("not enough data of this customer for {what}");
        }
        let notes = self.notes.join("; ");
        match notes.as_str() {
            "" => format!("not enough data of this shop for a model of {what}"),
            notes => format!("no model of {what} is in force: {notes}"),
        }
    }
}
