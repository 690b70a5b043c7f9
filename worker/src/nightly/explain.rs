//! Adds the reasons for churn probabilities, which cost a hundred times what the probabilities cost.

use std::sync::Arc;

use intelligence::features::COUNT;
use intelligence::matrix::Matrix;

use super::knowledge::Knowledge;
use super::score::{Batch, Scored};
use crate::outcome::Stop;

/// Of every shard, so many of those most at risk have reasons.
const EXPLAINED: usize = 50;

/// Adds reasons for everybody's churn probability.
///
/// # Errors
/// Explaining panicked.
pub async fn all(knowledge: &Arc<Knowledge>, batch: Batch) -> Result<Batch, Stop> {
    let chosen = (0..batch.customers.len()).collect();
    explain(knowledge, batch, chosen).await
}

/// Adds reasons for those with most to lose: the greatest probability times expected spend.
///
/// # Errors
/// Explaining panicked.
pub async fn most_at_risk(knowledge: &Arc<Knowledge>, batch: Batch) -> Result<Batch, Stop> {
    let at_risk = |scored: &Scored| {
        let churn = scored.predictions.churn?;
        Some(churn * scored.predictions.ltv.map_or(1.0, |ltv| ltv.value.max(0.01)))
    };
    let mut ranked: Vec<(usize, f32)> = batch
        .customers
        .iter()
        .enumerate()
        .filter_map(|(place, scored)| Some((place, at_risk(scored)?)))
        .collect();
    ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let chosen = ranked.into_iter().take(EXPLAINED).map(|(place, _)| place).collect();
    explain(knowledge, batch, chosen).await
}

async fn explain(knowledge: &Arc<Knowledge>, mut batch: Batch, chosen: Vec<usize>) -> Result<Batch, Stop> {
    let knowledge = knowledge.clone();
    let work = move || {
        let values =
            chosen.iter().flat_map(|place| &batch.customers[*place].features.as_chunks::<4>().0[..COUNT]);
        let rows = Matrix::from_values(COUNT, values.map(|bytes| f32::from_le_bytes(*bytes)).collect());
        let Some(reasons) = knowledge.reasons(&rows) else { return batch };
        for (place, reasons) in chosen.into_iter().zip(reasons) {
            let predictions = &mut batch.customers[place].predictions;
            if predictions.churn.is_some() {
                predictions.reasons = reasons;
            }
        }
        batch
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Stop::retry("explaining", "explaining the scores panicked"))
}
