//! One customer's row: what the current run, or a later computation of this customer, found.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::answer::ModelName;
use super::current::texts;
use database::{DbError, Tx};

/// A customer as the current run knows it.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The shop's id.
    pub customer_id: String,
    /// When anything bought came to be known or was corrected last; none when nothing was ever bought.
    pub orders_changed_at: Option<DateTime<Utc>>,
    /// The run that readers see; none before the first.
    pub run: Option<RunOfCustomer>,
    /// What was computed; none when that run, or a later computation of this customer, wrote nothing.
    pub computed: Option<Computed>,
    /// What was bought.
    pub purchases: Option<Purchases>,
}

/// The run that a customer's row belongs to.
#[derive(Debug, Clone)]
pub struct RunOfCustomer {
    /// The run.
    pub id: Uuid,
    /// Its generation.
    pub generation: i32,
    /// Its segmentation.
    pub segmentation: Option<Uuid>,
    pub(super) as_of: NaiveDate,
    pub(super) currency: Option<String>,
    pub(super) churn_model: Option<(ModelName, i32)>,
    pub(super) ltv_model: Option<(ModelName, i32)>,
    pub(super) notes: Vec<String>,
}

/// What was computed of a customer.
#[derive(Debug, Clone)]
pub struct Computed {
    /// When.
    pub computed_at: DateTime<Utc>,
    /// Whether orders came or changed since.
    pub is_stale: bool,
    pub(super) as_of: NaiveDate,
    pub(super) confidence: String,
    pub(super) who: String,
    pub(super) axes: Vec<Option<i16>>,
    pub(super) archetype: (Option<i16>, Option<i16>),
    pub(super) features: Vec<u8>,
    pub(super) memberships: Vec<u8>,
    pub(super) churn: Option<f32>,
    pub(super) churn_reasons: Option<Value>,
    pub(super) ltv: Option<f32>,
    pub(super) ltv_bounds: (Option<f32>, Option<f32>),
}

/// What a customer bought.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Purchases {
    /// Orders.
    pub orders: i32,
    /// Money spent, net of returns.
    pub spend: Decimal,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// Day of the first order.
    pub first_order_on: Option<NaiveDate>,
    /// Day of the last order.
    pub last_order_on: Option<NaiveDate>,
}

/// Reads a customer, in one statement; none when the tenant has no such customer.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, customer_id: &str) -> Result<Option<Customer>, DbError> {
    let row = sqlx::query(include_str!("customer.sql")).bind(customer_id).fetch_optional(&mut **tx).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// Those of the customers that the tenant has.
///
/// # Errors
/// The database failed.
pub async fn known(tx: &mut Tx, customer_ids: &[String]) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select customer_id from platform.customer
         where tenant_id = shared.current_tenant() and customer_id = any ($1)",
    )
    .bind(customer_ids)
    .fetch_all(&mut **tx)
    .await?)
}

fn read(row: &PgRow) -> Result<Customer, sqlx::Error> {
    let refreshed_at: Option<DateTime<Utc>> = row.try_get("refreshed_at")?;
    let run: Option<Uuid> = row.try_get("run_id")?;
    let run = run.map(|id| read_run(row, id)).transpose()?;
    let fact_orders: Option<i32> = row.try_get("orders")?;
    let computed_at: Option<DateTime<Utc>> = row.try_get("computed_at")?;
    let computed = match (fact_orders, computed_at, &run) {
        (Some(_), Some(at), Some(run)) => Some(read_computed(row, at, run, refreshed_at)?),
        _ => None,
    };
    let purchases = match (computed.is_some(), refreshed_at) {
        (true, _) => Some(Purchases {
            orders: fact_orders.unwrap_or_default(),
            spend: Decimal::new(row.try_get::<Option<i64>, _>("spend_cents")?.unwrap_or_default(), 2),
            currency: row.try_get("currency")?,
            first_order_on: row.try_get("first_order_on")?,
            last_order_on: row.try_get("last_order_on")?,
        }),
        (false, Some(_)) => Some(Purchases {
            orders: row.try_get("profile_orders")?,
            spend: row.try_get("profile_spend")?,
            currency: row.try_get("profile_currency")?,
            first_order_on: row.try_get("profile_first_on")?,
            last_order_on: row.try_get("profile_last_on")?,
        }),
        (false, None) => None,
    };
    Ok(Customer {
        customer_id: row.try_get("customer_id")?,
        orders_changed_at: refreshed_at,
        run,
        computed,
        purchases,
    })
}

fn read_run(row: &PgRow, id: Uuid) -> Result<RunOfCustomer, sqlx::Error> {
    let notes: Option<Value> = row.try_get("notes")?;
    Ok(RunOfCustomer {
        id,
        generation: row.try_get("generation")?,
        segmentation: row.try_get("segmentation_id")?,
        as_of: row.try_get("as_of")?,
        currency: row.try_get("currency")?,
        churn_model: model(
            row,
            ["churn_model_id", "churn_model_number", "churn_model_family", "churn_horizon_days"],
        )?,
        ltv_model: model(row, ["ltv_model_id", "ltv_model_number", "ltv_model_family", "ltv_horizon_days"])?,
        notes: texts(notes.as_ref()),
    })
}

fn model(
    row: &PgRow,
    [id, number, family, days]: [&str; 4],
) -> Result<Option<(ModelName, i32)>, sqlx::Error> {
    let Some(id) = row.try_get::<Option<Uuid>, _>(id)? else { return Ok(None) };
    Ok(Some((
        ModelName { id, number: row.try_get(number)?, family: row.try_get(family)? },
        row.try_get(days)?,
    )))
}

fn read_computed(
    row: &PgRow,
    computed_at: DateTime<Utc>,
    run: &RunOfCustomer,
    refreshed_at: Option<DateTime<Utc>>,
) -> Result<Computed, sqlx::Error> {
    let published_at: Option<DateTime<Utc>> = row.try_get("published_at")?;
    let is_pinned: bool = row.try_get("pinned")?;
    // A customer that was computed after the run was published was computed as of that day, unless the run looks
    // back on purpose.
    let is_later = !is_pinned && published_at.is_some_and(|published_at| computed_at > published_at);
    Ok(Computed {
        computed_at,
        is_stale: refreshed_at.is_some_and(|refreshed_at| refreshed_at > computed_at),
        as_of: if is_later { computed_at.date_naive().max(run.as_of) } else { run.as_of },
        confidence: row.try_get("confidence")?,
        who: row.try_get("who")?,
        axes: row.try_get("axes")?,
        archetype: (row.try_get("archetype_l1")?, row.try_get("archetype_l2")?),
        features: row.try_get("features")?,
        memberships: row.try_get("memberships")?,
        churn: row.try_get("churn")?,
        churn_reasons: row.try_get("churn_reasons")?,
        ltv: row.try_get("ltv")?,
        ltv_bounds: (row.try_get("ltv_low")?, row.try_get("ltv_high")?),
    })
}

impl Customer {
    /// Whether computing the customer anew would tell more than is known: orders came since, or nothing was computed
    /// although there is a run to compute it with.
    pub fn is_worth_computing(&self) -> bool {
        self.run.is_some()
            && self.orders_changed_at.is_some()
            && self.computed.as_ref().is_none_or(|computed| computed.is_stale)
    }

    /// Names what is known of the customer at this moment: equal as long as nothing was computed and no order came. None
    /// when nothing was computed.
    pub fn version(&self) -> Option<String> {
        let (computed, run) = (self.computed.as_ref()?, self.run.as_ref()?);
        // Reasons may be added to a row without computing it anew.
        let (stale, reasons) = (u8::from(computed.is_stale), u8::from(computed.churn_reasons.is_some()));
        Some(format!("{}-{}-{stale}{reasons}", run.generation, computed.computed_at.timestamp_micros()))
    }

    /// Why nothing was computed; none when something was.
    pub fn reason(&self) -> Option<String> {
        if self.computed.is_some() {
            return None;
        }
        Some(match (&self.run, self.orders_changed_at) {
            (_, None) => "this customer has not bought anything yet".to_owned(),
            (None, Some(_)) => "no run of customer intelligence was published for this shop yet".to_owned(),
            (Some(run), Some(_)) => {
                format!("this customer was not among those of the run as of {}", run.as_of)
            }
        })
    }
}
