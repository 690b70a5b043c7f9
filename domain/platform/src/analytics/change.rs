//! Whose behaviour changed from the run before to the published one.

use serde::Serialize;
use sqlx::FromRow;

use super::catalog::Catalog;
use super::{AnalyticsError, MAX_ITEMS, Report, Standing, rounded};
use crate::probability;
use crate::risk::{RiskBand, RiskBands};
use database::Tx;

/// What the report means.
pub const DEFINITION: &str = "customers whose segment, archetype or band of risk changed with the published run; drift \
                              is the mean over the axes of the distance between memberships, 0 to 1";

/// How many changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    /// Customers who changed.
    pub customers: i64,
    /// Those with another archetype.
    pub archetype_changed: i64,
    /// Those in a higher band of risk.
    pub risk_rose: i64,
    /// Those in a lower one.
    pub risk_fell: i64,
}

/// How one customer changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The shop's id.
    pub customer_id: String,
    /// How far, 0 to 1.
    pub drift: f64,
    /// The archetype before.
    pub archetype_from: Option<String>,
    /// The archetype now.
    pub archetype_to: Option<String>,
    /// Probability of no further order before.
    pub churn_from: Option<f64>,
    /// The same now.
    pub churn_to: Option<f64>,
    /// Band of risk before.
    pub risk_from: Option<RiskBand>,
    /// Band of risk now.
    pub risk_to: Option<RiskBand>,
}

/// The greatest changes first.
///
/// # Errors
/// No run was published, or the database does not answer.
pub async fn changes(
    tx: &mut Tx,
    standing: &Standing,
    limit: u32,
) -> Result<Report<Changes, Change>, AnalyticsError> {
    let run = standing.run()?.id;
    let catalog = Catalog::read(tx, standing).await?;
    let bands = RiskBands::default();
    let starts: Vec<f32> = RiskBand::ALL.into_iter().filter_map(|band| bands.range(band).0).collect();
    let (customers, archetype_changed, risk_rose, risk_fell): (i64, i64, i64, i64) = sqlx::query_as(
        "select count(*) as customers,
                count(*) filter (where archetype_from is distinct from archetype_to) as archetype_changed,
                count(*) filter (where width_bucket(churn_to, $3::real[]) > width_bucket(churn_from, $3)) as rose,
                count(*) filter (where width_bucket(churn_to, $3) < width_bucket(churn_from, $3)) as fell
         from platform.customer_change where tenant_id = $1 and run_id = $2",
    )
    .bind(standing.tenant)
    .bind(run)
    .bind(starts)
    .fetch_one(&mut **tx)
    .await?;
    let figures = Changes { customers, archetype_changed, risk_rose, risk_fell };
    let stored: Vec<Stored> = sqlx::query_as(
        "select customer_id, drift, archetype_from, archetype_to, churn_from, churn_to
         from platform.customer_change where tenant_id = $1 and run_id = $2
         order by drift desc, customer_id limit $3",
    )
    .bind(standing.tenant)
    .bind(run)
    .bind(i64::from(limit.min(MAX_ITEMS)))
    .fetch_all(&mut **tx)
    .await?;
    let items = stored.into_iter().map(|stored| stored.change(&catalog, bands)).collect();
    Ok(Report { figures, items })
}

/// How these customers changed, in their order.
///
/// # Errors
/// No run was published, or the database does not answer.
pub async fn of_customers(
    tx: &mut Tx,
    standing: &Standing,
    customers: &[String],
) -> Result<Vec<Change>, AnalyticsError> {
    let run = standing.run()?.id;
    let catalog = Catalog::read(tx, standing).await?;
    let stored: Vec<Stored> = sqlx::query_as(
        "select customer_id, drift, archetype_from, archetype_to, churn_from, churn_to
         from platform.customer_change where tenant_id = $1 and run_id = $2 and customer_id = any ($3::text[])
         order by array_position($3, customer_id)",
    )
    .bind(standing.tenant)
    .bind(run)
    .bind(customers)
    .fetch_all(&mut **tx)
    .await?;
    Ok(stored.into_iter().map(|stored| stored.change(&catalog, RiskBands::default())).collect())
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
    fn change(self, catalog: &Catalog, bands: RiskBands) -> Change {
        let known = |churn: Option<f32>| churn.filter(|value| value.is_finite());
        let (from, to) = (known(self.churn_from), known(self.churn_to));
        Change {
            customer_id: self.customer_id,
            drift: rounded(f64::from(self.drift), 4),
            archetype_from: catalog.archetype(self.archetype_from),
            archetype_to: catalog.archetype(self.archetype_to),
            churn_from: from.and_then(probability::told),
            churn_to: to.and_then(probability::told),
            risk_from: from.map(|churn| bands.of(churn)),
            risk_to: to.map(|churn| bands.of(churn)),
        }
    }
}
