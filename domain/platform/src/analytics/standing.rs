//! Where a tenant stands: its published run, its currency, the day reports are as of, and how old its data are.

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use sqlx::FromRow;
use uuid::Uuid;

use super::AnalyticsError;
use crate::zone;
use database::ids::TenantId;
use database::{DbError, Tx};

/// What every report of a tenant starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The tenant.
    pub tenant: TenantId,
    /// The last day that counts: the published run's where that was asked for a day of its own, else the shop's today.
    pub as_of: NaiveDate,
    /// Where the shop is: its days begin at midnight there.
    pub zone: Tz,
    /// ISO 4217 code of the currency that sums are of; none when nothing was ever ordered.
    pub currency: Option<String>,
    /// The published intelligence run.
    pub run: Option<CurrentRun>,
    /// Changes whenever the customers' facts or orders change; an answer computed under the same version is current.
    pub version: String,
}

/// A published run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentRun {
    /// The run.
    pub id: Uuid,
    /// The generation of its rows.
    pub generation: i32,
    /// The segmentation whose indexes its rows hold.
    pub segmentation: Option<Uuid>,
}

impl Standing {
    /// Reads it (any app role).
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(tx: &mut Tx, tenant: TenantId, now: DateTime<Utc>) -> Result<Standing, DbError> {
        let stored: Stored = sqlx::query_as(
            "select c.run_id, c.generation, c.facts_version, r.as_of, r.pinned, r.currency, r.segmentation_id,
                    (select max(refreshed_at) from platform.customer_profile p where p.tenant_id = t.id) as refreshed_at
             from (select $1::uuid as id) t
             left join platform.current_run c on c.tenant_id = t.id
             left join platform.intelligence_run r on r.id = c.run_id",
        )
        .bind(tenant)
        .fetch_one(&mut **tx)
        .await?;
        let run = stored.run_id.zip(stored.generation).map(|(id, generation)| CurrentRun {
            id,
            generation,
            segmentation: stored.segmentation_id,
        });
        let zone = zone::read(tx).await?;
        let run_as_of = stored.as_of.filter(|_| stored.pinned.unwrap_or(false));
        let as_of = run_as_of.unwrap_or_else(|| now.with_timezone(&zone).date_naive());
        let version = format!(
            "{}.{}.{}.{as_of}",
            run.as_ref().map(|run| run.id.simple().to_string()).unwrap_or_default(),
            stored.facts_version.unwrap_or(0),
            stored.refreshed_at.map_or(0, |at| at.timestamp_micros()),
        );
        let currency = match stored.currency {
            Some(currency) => Some(currency),
            None => usual_currency(tx, tenant).await?,
        };
        Ok(Standing { tenant, as_of, zone, currency, run, version })
    }

    /// The first moment after the last day that counts.
    pub fn end(&self) -> DateTime<Utc> {
        zone::start_of(self.end_day(), self.zone)
    }

    /// The day after the last one that counts.
    pub fn end_day(&self) -> NaiveDate {
        self.as_of.checked_add_days(Days::new(1)).unwrap_or(self.as_of)
    }

    /// The first day of the `months` that end with the last day.
    pub fn day_months_before(&self, months: u32) -> NaiveDate {
        self.end_day().checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN)
    }

    /// The first moment of the `months` that end with the last day.
    pub fn months_before(&self, months: u32) -> DateTime<Utc> {
        zone::start_of(self.day_months_before(months), self.zone)
    }

    /// The first moment of the `days` that end with the last day.
    pub fn days_before(&self, days: u64) -> DateTime<Utc> {
        zone::start_of(self.end_day().checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN), self.zone)
    }

    /// The currency.
    ///
    /// # Errors
    /// Nothing was ever ordered.
    pub fn currency(&self) -> Result<&str, AnalyticsError> {
        self.currency.as_deref().ok_or_else(|| AnalyticsError::not_enough("nothing was ordered yet"))
    }

    /// The published run.
    ///
    /// # Errors
    /// There is none.
    pub fn run(&self) -> Result<&CurrentRun, AnalyticsError> {
        self.run.as_ref().ok_or_else(|| {
            AnalyticsError::not_enough("customers were not scored yet: no intelligence run was published")
        })
    }
}

/// The published run as it is stored, if there is one, and when an order changed last.
#[derive(FromRow)]
struct Stored {
    run_id: Option<Uuid>,
    generation: Option<i32>,
    facts_version: Option<i64>,
    as_of: Option<NaiveDate>,
    pinned: Option<bool>,
    currency: Option<String>,
    segmentation_id: Option<Uuid>,
    refreshed_at: Option<DateTime<Utc>>,
}

/// The currency of most of the first thousand customers: a shop that has no run yet rarely has more than one.
async fn usual_currency(tx: &mut Tx, tenant: TenantId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select currency from (select currency from platform.customer_profile where tenant_id = $1 limit 1000) as sample
         group by currency order by count(*) desc, currency limit 1",
    )
    .bind(tenant)
    .fetch_optional(&mut **tx)
    .await?)
}
