//! Why a customer's probability of churn is what it is, in sentences that an agent can act on.
//!
//! The contributions are additive parts of the log-odds (Lundberg and others 2020). They say what moved this model
//! for this customer, not what would happen if the number were changed.

mod sentences;

use serde::{Deserialize, Serialize};

use crate::features::FEATURES;

/// One thing that moved the probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The feature's name.
    pub feature: String,
    /// Its value; none where it is missing and that is the point.
    pub value: Option<f32>,
    /// What it added to the log-odds of churn; negative speaks for staying.
    pub contribution: f32,
    /// The same for people.
    pub sentence: String,
}

/// Most reasons that are told.
pub const MOST_REASONS: usize = 5;
/// Contributions to the log-odds below this are not worth a sentence.
const SMALLEST: f64 = 0.02;

/// The largest contributions of a row as sentences, at most five. Features that measure nearly the same thing are
/// told once, by the one that moved most.
pub fn reasons(row: &[f32], contributions: &[f64]) -> Vec<Reason> {
    let mut order: Vec<usize> = (0..FEATURES.len().min(row.len()).min(contributions.len())).collect();
    order.sort_by(|&l, &r| contributions[r].abs().total_cmp(&contributions[l].abs()).then(l.cmp(&r)));
    let mut told: Vec<Reason> = Vec::with_capacity(MOST_REASONS);
    let mut topics: Vec<&str> = Vec::with_capacity(MOST_REASONS);
    for column in order {
        let contribution = contributions[column];
        if told.len() == MOST_REASONS || contribution.abs() < SMALLEST || !contribution.is_finite() {
            break;
        }
        let name = FEATURES[column].name;
        let topic = sentences::topic_of(name, row);
        if topics.contains(&topic) {
            continue;
        }
        if let Some(sentence) = sentences::sentence(name, row, contribution > 0.0) {
            topics.push(topic);
            told.push(Reason {
                feature: name.to_owned(),
                value: Some(row[column]).filter(|value| value.is_finite()),
                contribution: contribution as f32,
                sentence,
            });
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::column;

    #[test]
    fn the_largest_first_and_each_topic_once() {
        let mut row = vec![1.0f32; FEATURES.len()];
        let mut parts = vec![0.0; FEATURES.len()];
        let mut set = |name: &str, value: f32, part: f64| {
            let column = column(name).expect("a feature");
            (row[column], parts[column]) = (value, part);
        };
        set("recency_days", 84.0, 0.9);
        set("mean_gap_days", 20.0, 0.0);
        set("overdue", 4.2, 0.5);
        set("spend_90d", 0.0, 0.3);
        set("orders", 12.0, -0.4);
        let told = reasons(&row, &parts);
        let sentences: Vec<&str> = told.iter().map(|reason| reason.sentence.as_str()).collect();
        assert_eq!(
            sentences,
            [
                "No order for 84 days, against a usual 20: ask whether something kept them away",
                "12 orders so far, enough for a habit",
                "Spent nothing in the last 90 days: find out what they are missing",
            ]
        );
    }

    #[test]
    fn every_feature_has_a_sentence_in_both_directions_and_none_shows_a_missing_number() {
        for feature in &FEATURES {
            for value in [0.0, 0.37, 1.0, 250.0, -3.0, 1e9] {
                let row = vec![value; FEATURES.len()];
                let both = [true, false].map(|leaving| sentences::sentence(feature.name, &row, leaving));
                let [Some(leaving), Some(staying)] = both else { panic!("{} has no sentence", feature.name) };
                assert_ne!(leaving, staying, "{}", feature.name);
                assert!(
                    !leaving.contains(['{', '_']) && !staying.contains(['{', '_']),
                    "{leaving} {staying}"
                );
            }
            let missing = vec![f32::NAN; FEATURES.len()];
            for leaving in [true, false] {
                let sentence = sentences::sentence(feature.name, &missing, leaving).unwrap_or_default();
                assert!(!sentence.contains("NaN") && !sentence.contains('{'), "{sentence}");
            }
        }
    }
}
