//! How one customer changed over time: what the snapshots kept of them, and how far each is from the one before.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use super::InsightError;
use super::answer::{round, rounded};
use super::catalog::{Catalog, Catalogs};
use super::vector;
use crate::probability;
use crate::risk::{RiskBand, RiskBands};
use database::Tx;
use database::ids::TenantId;

/// A customer on a past day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// The day of the snapshot.
    pub taken_on: NaiveDate,
    /// The segmentation that the segments are of.
    pub segmentation_id: Uuid,
    /// The segment with the largest membership, by axis; an axis that says nothing is left out.
    pub segments: BTreeMap<String, String>,
    /// Probability of no order within the model's horizon; null when there was not enough data.
    pub churn: Option<f64>,
    /// The same in one word.
    pub churn_band: Option<RiskBand>,
    /// Expected spend within the model's horizon; null when there was not enough data.
    pub ltv: Option<f64>,
    /// Change since the snapshot before, 0 to 1; null for the first, and across segmentations.
    pub drift: Option<f64>,
    /// The same in one word: stable, slight, moderate, strong or extreme.
    pub drift_band: Option<&'static str>,
}

/// A customer as a snapshot keeps them.
#[derive(FromRow)]
struct Stored {
    taken_on: NaiveDate,
    segmentation_id: Uuid,
    churn: Option<f32>,
    ltv: Option<f32>,
    memberships: Vec<u8>,
}

struct Kept {
    moment: Moment,
    memberships: Vec<u8>,
}

/// A customer's past, newest first, from before a day, at most `limit` days.
///
/// # Errors
/// The database failed, or a catalogue cannot be read.
pub async fn history(
    tx: &mut Tx,
    catalogs: &Catalogs,
    tenant: TenantId,
    customer_id: &str,
    before: Option<NaiveDate>,
    limit: i64,
) -> Result<Vec<Moment>, InsightError> {
    // One more: the drift of the last one is measured from it.
    let stored: Vec<Stored> = sqlx::query_as(include_str!("history.sql"))
        .bind(customer_id)
        .bind(before)
        .bind(limit + 1)
        .fetch_all(&mut **tx)
        .await?;
    let mut kept: Vec<Kept> = Vec::with_capacity(stored.len());
    for Stored { taken_on, segmentation_id, churn, ltv, memberships } in stored {
        let catalog = catalogs.get(tx, tenant, segmentation_id).await?;
        let churn = churn.filter(|churn| churn.is_finite());
        let moment = Moment {
            taken_on,
            segmentation_id,
            segments: catalog.as_ref().map(|catalog| segments(catalog, &memberships)).unwrap_or_default(),
            churn: churn.and_then(probability::told),
            churn_band: churn.map(|churn| RiskBands::default().of(churn)),
            ltv: ltv.and_then(|ltv| rounded(ltv, 2)),
            drift: None,
            drift_band: None,
        };
        // The one before this in the list is the later one.
        if let (Some(later), Some(catalog)) = (kept.last_mut(), &catalog)
            && later.moment.segmentation_id == segmentation_id
        {
            let drift = vector::distance(&catalog.axes, &later.memberships, &memberships);
            later.moment.drift = drift.map(|drift| round(drift, 4));
            later.moment.drift_band = drift.map(vector::drift_band);
        }
        kept.push(Kept { moment, memberships });
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(kept.into_iter().take(limit).map(|kept| kept.moment).collect())
}

fn segments(catalog: &Catalog, memberships: &[u8]) -> BTreeMap<String, String> {
    let of_axis = catalog.axes.iter().filter_map(|axis| {
        let stored = vector::of_axis(axis, memberships)?;
        // The first of equal ones, whatever the order of the comparison.
        let (index, _) =
            stored.iter().enumerate().max_by_key(|(place, byte)| (**byte, usize::MAX - place))?;
        Some((axis.name.clone(), axis.segments.get(index)?.name.clone()))
    });
    of_axis.collect()
}
