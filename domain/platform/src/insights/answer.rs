//! A part of an answer that may be missing for a reason, and numbers as they are shown.

use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// Something that was computed, or the reason why it was not.
///
/// As JSON it is the value's own fields beside `"available": true`, or `{"available": false, "reason": "..."}`.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T> {
    /// It was computed.
    Known(T),
    /// It was not; a sentence without a full stop says why.
    Missing(String),
}

impl<T> Answer<T> {
    /// The value, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Answer::Known(value) => Some(value),
            Answer::Missing(_) => None,
        }
    }

    /// The value, or else the reason.
    pub fn of(value: Option<T>, reason: impl FnOnce() -> String) -> Answer<T> {
        value.map_or_else(|| Answer::Missing(reason()), Answer::Known)
    }
}

impl<T: Serialize> Serialize for Answer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Known<'a, T> {
            available: bool,
            #[serde(flatten)]
            value: &'a T,
        }
        #[derive(Serialize)]
        struct Missing<'a> {
            available: bool,
            reason: &'a str,
        }
        match self {
            Answer::Known(value) => Known { available: true, value }.serialize(serializer),
            Answer::Missing(reason) => Missing { available: false, reason }.serialize(serializer),
        }
    }
}

/// A model, as an answer that it made names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelName {
    /// The model in the registry.
    pub id: uuid::Uuid,
    /// Its number within the tenant and target.
    pub number: i32,
    /// What kind of model it is.
    pub family: String,
}

/// A stored number as a double that prints as shortly as the original; none for what is no finite number.
pub fn finite(number: f32) -> Option<f64> {
    number.is_finite().then(|| number.to_string().parse().unwrap_or(f64::from(number)))
}

/// The same, rounded to so many decimals.
pub fn rounded(number: f32, decimals: i32) -> Option<f64> {
    finite(number).map(|number| round(number, decimals))
}

/// A finite double rounded to so many decimals.
pub fn round(number: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let scaled = (number * scale).round() / scale;
    // A number too large to be scaled has no decimals to round.
    if scaled.is_finite() { scaled } else { number }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_part_says_why() {
        #[derive(Serialize)]
        struct Churn {
            probability: f64,
        }
        let known = Answer::Known(Churn { probability: 0.25 });
        assert_eq!(
            serde_json::to_value(&known).expect("plain data"),
            json!({"available": true, "probability": 0.25})
        );
        let missing: Answer<Churn> = Answer::of(None, || "no orders".to_owned());
        assert_eq!(
            serde_json::to_value(&missing).expect("plain data"),
            json!({"available": false, "reason": "no orders"})
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_finite_and_close(bits in any::<u32>()) {
            let number = f32::from_bits(bits);
            match (finite(number), rounded(number, 4)) {
                (Some(shown), Some(rounded)) => {
                    prop_assert_eq!(shown as f32, number);
                    prop_assert!(rounded.is_finite() && (rounded - shown).abs() <= 0.000_051 + shown.abs() * 1e-12);
                }
                other => prop_assert!(!number.is_finite() && other == (None, None)),
            }
        }
    }

    #[test]
    fn a_stored_third_prints_shortly() {
        assert_eq!(finite(0.3), Some(0.3));
        assert_eq!(rounded(0.123_456, 4), Some(0.1235));
        assert_eq!(finite(f32::NAN), None);
    }
}
