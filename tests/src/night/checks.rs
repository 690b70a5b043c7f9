//! Looks at what a published run wrote: everybody has a row of each kind, and whatever is missing has its reason.

use anyhow::{Context, ensure};
use database::ids::TenantId;
use sqlx::{PgPool, Row};

/// What a run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Customers with a profile.
    pub customers: i64,
    /// Rows of `customer_fact`.
    pub facts: i64,
    /// Rows of `customer_insight`.
    pub insights: i64,
    /// Customers without an archetype.
    pub without_archetype: i64,
    /// Customers without a probability of leaving.
    pub without_churn: i64,
    /// Customers without an expected spend.
    pub without_ltv: i64,
    /// Customers without their features.
    pub without_features: i64,
    /// What the run says it could not do, and why.
    pub notes: Vec<String>,
    /// The models in force: target, family, role.
    pub models: Vec<String>,
}

/// Counts.
///
/// # Errors
/// There is no published run.
pub async fn count(owner: &PgPool, tenant: TenantId) -> anyhow::Result<Written> {
    let row = sqlx::query(
        "select (select count(*) from platform.customer_profile p where p.tenant_id = c.tenant_id) as customers,
                f.*, i.*, r.report -> 'notes' as notes
         from platform.current_run c
         join platform.intelligence_run r on r.id = c.run_id
         cross join lateral (
             select count(*) as facts, count(*) filter (where archetype_l1 is null) as without_archetype,
                    count(*) filter (where churn is null) as without_churn,
                    count(*) filter (where ltv is null) as without_ltv
             from platform.customer_fact f where f.tenant_id = c.tenant_id and f.generation = c.generation) f
         cross join lateral (
             select count(*) as insights, count(*) filter (where octet_length(features) not in (66 * 4, (66 + 24) * 4)) as without_features
             from platform.customer_insight i where i.tenant_id = c.tenant_id and i.generation = c.generation) i
         where c.tenant_id = $1",
    )
    .bind(tenant.0)
    .fetch_optional(owner)
    .await?
    .context("no run is published")?;
    let models = sqlx::query_scalar(
        "select target || ' ' || family || ' ' || number from platform.model
         where tenant_id = $1 and role = 'champion' order by 1",
    );
    let notes: Option<serde_json::Value> = row.try_get("notes")?;
    Ok(Written {
        customers: row.try_get("customers")?,
        facts: row.try_get("facts")?,
        insights: row.try_get("insights")?,
        without_archetype: row.try_get("without_archetype")?,
        without_churn: row.try_get("without_churn")?,
        without_ltv: row.try_get("without_ltv")?,
        without_features: row.try_get("without_features")?,
        notes: notes.map(serde_json::from_value).transpose()?.unwrap_or_default(),
        models: models.bind(tenant.0).fetch_all(owner).await?,
    })
}

impl Written {
    /// Prints the counts.
    pub fn print(&self) {
        println!(
            "  {} customers: {} facts, {} insights; without archetype {}, churn {}, spend {}, features {}",
            self.customers,
            self.facts,
            self.insights,
            self.without_archetype,
            self.without_churn,
            self.without_ltv,
            self.without_features
        );
        println!(
            "  models in force: {}",
            if self.models.is_empty() { "none".into() } else { self.models.join(", ") }
        );
        for note in &self.notes {
            println!("  note: {note}");
        }
    }

    /// Whether everybody has everything, or the run says why not.
    ///
    /// # Errors
    /// Something is missing without a reason.
    pub fn expect_complete(&self) -> anyhow::Result<()> {
        ensure!(
            self.facts == self.customers && self.insights == self.customers,
            "of {} customers {} have a fact and {} an insight",
            self.customers,
            self.facts,
            self.insights
        );
        ensure!(self.without_features == 0, "{} customers have no features", self.without_features);
        let missing = self.without_archetype + self.without_churn + self.without_ltv;
        ensure!(
            missing == 0 || !self.notes.is_empty(),
            "{} customers have no archetype, {} no churn and {} no spend, and the run does not say why",
            self.without_archetype,
            self.without_churn,
            self.without_ltv
        );
        Ok(())
    }
}
