//! Who changed from one run to the next: segment, archetype or band of risk.

use serde::Serialize;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::answer::rounded;
use super::catalog::Catalog;
use super::list::ArchetypeName;
use super::vector;
use crate::probability;
use crate::risk::{RiskBand, RiskBands};
use database::{DbError, Tx};

/// Which way the band of churn went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To a greater risk.
    Up,
    /// To a smaller risk.
    Down,
}

/// A customer who changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The shop's id.
    pub customer_id: String,
    /// How much the memberships changed, 0 to 1.
    pub drift: f64,
    /// The same in one word: stable, slight, moderate, strong or extreme.
    pub drift_band: &'static str,
    /// The archetype before; null when there was none.
    pub archetype_from: Option<ArchetypeName>,
    /// The archetype now; null when there is none.
    pub archetype_to: Option<ArchetypeName>,
    /// Probability of churn before.
    pub churn_from: Option<f64>,
    /// Probability of churn now.
    pub churn_to: Option<f64>,
    /// Band of churn before.
    pub band_from: Option<RiskBand>,
    /// Band of churn now.
    pub band_to: Option<RiskBand>,
    /// The drift exactly as stored, where the next page goes on.
    #[serde(skip)]
    pub key: f32,
}

/// Who changed in a run, the greatest drift first, from after `(drift, customer)`, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    run: Uuid,
    catalog: Option<&Catalog>,
    direction: Option<Direction>,
    after: Option<(f32, &str)>,
    limit: i64,
) -> Result<Vec<Change>, DbError> {
    let mut query = QueryBuilder::new(
        "select customer_id, drift, archetype_from, archetype_to, churn_from, churn_to
         from platform.customer_change where tenant_id = shared.current_tenant() and run_id = ",
    );
    query.push_bind(run);
    if let Some((drift, customer_id)) = after {
        query.push(" and (drift, customer_id) < (").push_bind(drift);
        query.push(", ").push_bind(customer_id.to_owned()).push(")");
    }
    if let Some(direction) = direction {
        let (one, other) = match direction {
            Direction::Up => ("churn_from", "churn_to"),
            Direction::Down => ("churn_to", "churn_from"),
        };
        query.push(" and (");
        for (place, band) in RiskBand::ALL.iter().skip(1).enumerate() {
            // The band rose when a bound lies between the two.
            let bound = RiskBands::default().range(*band).0.unwrap_or_default();
            query.push(if place == 0 { "" } else { " or " });
            query.push(format!("({one} < ")).push_bind(bound);
            query.push(format!(" and {other} >= ")).push_bind(bound).push(")");
        }
        query.push(")");
    }
    query.push(" order by drift desc, customer_id desc limit ").push_bind(limit);
    let stored: Vec<Stored> = query.build_query_as().fetch_all(&mut **tx).await?;
    Ok(stored.into_iter().map(|stored| stored.change(catalog)).collect())
}

/// A change as it is stored.
#[derive(FromRow)]
struct Stored {
    customer_id: String,
    drift: f32,
    archetype_from: Option<i16>,
    archetype_to: Option<i16>,
    churn_from: Option<f32>,
    churn_to: Option<f32>,
}

impl Stored {
    fn change(self, catalog: Option<&Catalog>) -> Change {
        let name = |index: Option<i16>| {
            let archetype = catalog?.archetype(index)?;
            Some(ArchetypeName { id: archetype.id.clone(), name: archetype.name.clone() })
        };
        let number = |churn: Option<f32>| churn.filter(|churn| churn.is_finite());
        let (from, to) = (number(self.churn_from), number(self.churn_to));
        let shown = rounded(self.drift, 4).unwrap_or_default();
        Change {
            customer_id: self.customer_id,
            drift: shown,
            drift_band: vector::drift_band(shown),
            archetype_from: name(self.archetype_from),
            archetype_to: name(self.archetype_to),
            churn_from: from.and_then(probability::told),
            churn_to: to.and_then(probability::told),
            band_from: from.map(|churn| RiskBands::default().of(churn)),
            band_to: to.map(|churn| RiskBands::default().of(churn)),
            key: self.drift,
        }
    }
}
