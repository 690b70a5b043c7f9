//! What a run says of itself: counts and sums that every shard makes of its customers and that add up to the report.

use std::collections::BTreeMap;

use intelligence::drift::Movement;
use intelligence::segmentation::{AXES, axis_names};
use platform::insights::write::Moved;
use platform::risk::{RiskBand, RiskBands};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::knowledge::Knowledge;
use super::score::Scored;

/// Counts of customers, and sums. Shards are added in the order of their numbers, so the sums have the same bits
/// whatever order they were computed in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    customers: u64,
    buyers: u64,
    /// By place in the catalog; customers without an archetype under `none`.
    archetypes: BTreeMap<String, u64>,
    /// By axis and segment; customers who are unknown on the axis under `none`.
    segments: BTreeMap<String, BTreeMap<String, u64>>,
    confidence: BTreeMap<String, u64>,
    churn_bands: BTreeMap<String, u64>,
    churn_scored: u64,
    churn_sum: f64,
    ltv_scored: u64,
    ltv_sum: f64,
    /// Customers of the run before, by how far they moved.
    movements: BTreeMap<String, u64>,
    notes: Vec<String>,
}

impl Summary {
    /// The summary of a shard's customers and of the movements among them.
    pub fn count(knowledge: &Knowledge, customers: &[Scored], changes: &[Moved], stayed: u64) -> Summary {
        let mut summary = Summary { notes: knowledge.notes.clone(), ..Summary::default() };
        let risks = RiskBands::default();
        // Words are for the report; a customer is counted by numbers.
        let mut archetypes: BTreeMap<Option<u16>, u64> = BTreeMap::new();
        let mut segments: [BTreeMap<Option<u8>, u64>; AXES] = Default::default();
        let mut confidence: BTreeMap<&str, u64> = BTreeMap::new();
        let mut bands = [0; RiskBand::ALL.len()];
        for scored in customers {
            summary.customers += 1;
            summary.buyers += u64::from(scored.summary.is_some());
            let assignment = &scored.assignment;
            *archetypes.entry(assignment.archetype).or_default() += 1;
            for (counts, dominant) in segments.iter_mut().zip(assignment.dominant) {
                *counts.entry(dominant).or_default() += 1;
            }
            *confidence.entry(knowledge.confidence_word(assignment.confidence)).or_default() += 1;
            if let Some(churn) = scored.predictions.churn {
                summary.churn_scored += 1;
                summary.churn_sum += f64::from(churn);
                bands[risks.of(churn) as usize] += 1;
            }
            if let Some(ltv) = scored.predictions.ltv {
                summary.ltv_scored += 1;
                summary.ltv_sum += f64::from(ltv.value);
            }
        }
        summary.archetypes = named(archetypes);
        summary.segments = axis_names()
            .zip(segments)
            .filter(|(_, counts)| !counts.is_empty())
            .map(|(axis, counts)| (axis.to_owned(), named(counts)))
            .collect();
        summary.confidence = confidence.into_iter().map(|(word, count)| (word.to_owned(), count)).collect();
        let bands = RiskBand::ALL.into_iter().zip(bands).filter(|(_, count)| *count > 0);
        summary.churn_bands = bands.map(|(band, count)| (word(band), count)).collect();
        if stayed > 0 {
            summary.movements.insert(word(Movement::Stable), stayed);
        }
        for change in changes {
            *summary.movements.entry(word(Movement::of(change.drift))).or_default() += 1;
        }
        summary
    }

    /// The sum of the shards' summaries.
    pub fn of<'a>(shards: impl Iterator<Item = &'a Value>) -> Summary {
        let mut total = Summary::default();
        for shard in shards.filter_map(|shard| serde_json::from_value::<Summary>(shard.clone()).ok()) {
            total.customers += shard.customers;
            total.buyers += shard.buyers;
            total.churn_scored += shard.churn_scored;
            total.churn_sum += shard.churn_sum;
            total.ltv_scored += shard.ltv_scored;
            total.ltv_sum += shard.ltv_sum;
            add(&mut total.archetypes, shard.archetypes);
            add(&mut total.confidence, shard.confidence);
            add(&mut total.churn_bands, shard.churn_bands);
            add(&mut total.movements, shard.movements);
            for (axis, counts) in shard.segments {
                add(total.segments.entry(axis).or_default(), counts);
            }
            for note in shard.notes {
                if !total.notes.contains(&note) {
                    total.notes.push(note);
                }
            }
        }
        total
    }

    /// The summary as the run's report.
    pub fn report(&self) -> Value {
        let mean = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        json!({
            "customers": self.customers,
            "buyers": self.buyers,
            "archetypes": self.archetypes,
            "segments": self.segments,
            "confidence": self.confidence,
            "churn": {
                "customers": self.churn_scored,
                "mean": mean(self.churn_sum, self.churn_scored),
                "bands": self.churn_bands,
            },
            "ltv": { "customers": self.ltv_scored, "total": (self.ltv_scored > 0).then_some(self.ltv_sum),
                     "mean": mean(self.ltv_sum, self.ltv_scored) },
            "movements": self.movements,
            "notes": self.notes,
        })
    }
}

const NONE: &str = "none";

fn add(total: &mut BTreeMap<String, u64>, counts: BTreeMap<String, u64>) {
    for (key, count) in counts {
        *total.entry(key).or_default() += count;
    }
}

/// Counts by number, none under `none`, as they are stored.
fn named<N: ToString>(counts: BTreeMap<Option<N>, u64>) -> BTreeMap<String, u64> {
    let name = |number: Option<N>| number.map_or_else(|| NONE.to_owned(), |number| number.to_string());
    counts.into_iter().map(|(number, count)| (name(number), count)).collect()
}

/// The word that stands for a unit variant in JSON.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_add_up() {
        let shard = |customers: u64, note: &str| {
            let mut summary = Summary { customers, ltv_scored: 1, ltv_sum: 2.5, ..Summary::default() };
            summary.archetypes.insert("3".to_owned(), customers);
            summary.notes.push(note.to_owned());
            serde_json::to_value(summary).expect("plain data")
        };
        let shards = [shard(2, "a"), shard(5, "a"), shard(1, "b")];
        let total = Summary::of(shards.iter());
        assert_eq!((total.customers, total.archetypes["3"], total.ltv_sum), (8, 8, 7.5));
        assert_eq!(total.notes, ["a", "b"]);
        assert_eq!(total.report()["ltv"]["mean"], json!(2.5));
        assert_eq!(Summary::default().report()["churn"]["mean"], Value::Null, "no mean of nobody");
    }
}
