//! Champion against challenger on the same held-back customers.

use serde::{Deserialize, Serialize};

use crate::metrics::{SIGNIFICANT, auc_difference, log_loss, loss, paired_p_value, roc_auc};

/// What the comparison says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the challenger should replace the champion.
    pub promote: bool,
    /// In words.
    pub reason: String,
    /// Log loss of the champion and the challenger.
    pub log_loss: Option<(f64, f64)>,
    /// ROC-AUC of the champion and the challenger.
    pub roc_auc: Option<(f64, f64)>,
    /// One-sided probability that the challenger's smaller log loss is chance.
    pub p_value: Option<f64>,
}

/// ROC-AUC that a better calibrated challenger may lose and still count as no worse.
const AUC_MARGIN: f64 = 0.005;

/// Whether the challenger's probabilities are better than the champion's by more than noise, on customers that
/// neither was trained on: a smaller log loss (paired test over customers), and a ROC-AUC that is not lower by more
/// than a margin (the lower 95 % bound of DeLong's difference). The slices are in the same order of customers.
pub fn better(champion: &[f64], challenger: &[f64], churned: &[bool]) -> Verdict {
    let losses = log_loss(champion, churned).zip(log_loss(challenger, churned));
    let areas = roc_auc(champion, churned).zip(roc_auc(challenger, churned));
    let verdict = |promote: bool, reason: &str, p_value: Option<f64>| Verdict {
        promote,
        reason: reason.to_owned(),
        log_loss: losses,
        roc_auc: areas,
        p_value,
    };
    if champion.len() != churned.len() || challenger.len() != churned.len() {
        return verdict(false, "the models were scored on different customers", None);
    }
    let differences: Vec<f64> = challenger
        .iter()
        .zip(champion)
        .zip(churned)
        .map(|((new, old), y)| loss(*new, *y) - loss(*old, *y))
        .collect();
    let p_value = paired_p_value(&differences);
    let Some((difference, error)) = auc_difference(challenger, champion, churned) else {
        return verdict(false, "the held-back customers all did the same, which compares nothing", p_value);
    };
    match p_value {
        None => verdict(false, "the models say the same, or of too few customers", None),
        Some(p) if p >= SIGNIFICANT => {
            verdict(false, "the log loss is not better by more than noise", p_value)
        }
        Some(_) if difference - 1.96 * error < -AUC_MARGIN => {
            verdict(false, "the log loss is better, but the order of customers may be worse", p_value)
        }
        Some(_) => {
            verdict(true, "the log loss is better by more than noise, and the order is no worse", p_value)
        }
    }
}
