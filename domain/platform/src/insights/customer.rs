//! One customer's row: what the current run, or a later computation of this customer, found.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::answer::ModelName;
use super::catalog::Catalog;
use super::current::texts;
use database::{DbError, Tx};

/// A customer as the current run knows them.
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
    /// Whether the run counted no order of the customer, because they are all in other currencies than its own.
    pub is_of_other_currency: bool,
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
    pub(super) places: Vec<u8>,
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
    let stored: Option<Stored> =
        sqlx::query_as(include_str!("customer.sql")).bind(customer_id).fetch_optional(&mut **tx).await?;
    Ok(stored.map(Stored::customer))
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

/// The row of `customer.sql`. Whatever is joined to the customer may be missing.
#[derive(FromRow)]
pub(super) struct Stored {
    customer_id: String,
    #[sqlx(flatten)]
    profile: StoredProfile,
    #[sqlx(flatten)]
    run: StoredRun,
    #[sqlx(flatten)]
    found: StoredFinding,
}

/// What was bought, as it is now.
#[derive(FromRow)]
struct StoredProfile {
    profile_orders: Option<i32>,
    profile_spend: Option<Decimal>,
    profile_currency: Option<String>,
    refreshed_at: Option<DateTime<Utc>>,
    profile_first_on: Option<NaiveDate>,
    profile_last_on: Option<NaiveDate>,
}

/// The run that readers see, and what it found things with.
#[derive(FromRow)]
struct StoredRun {
    run_id: Option<Uuid>,
    generation: Option<i32>,
    as_of: Option<NaiveDate>,
    pinned: Option<bool>,
    currency: Option<String>,
    segmentation_id: Option<Uuid>,
    published_at: Option<DateTime<Utc>>,
    notes: Option<Value>,
    churn_model_id: Option<Uuid>,
    churn_model_number: Option<i32>,
    churn_model_family: Option<String>,
    churn_horizon_days: Option<i32>,
    ltv_model_id: Option<Uuid>,
    ltv_model_number: Option<i32>,
    ltv_model_family: Option<String>,
    ltv_horizon_days: Option<i32>,
}

/// What the run found.
#[derive(FromRow)]
struct StoredFinding {
    orders: Option<i32>,
    spend_cents: Option<i64>,
    first_order_on: Option<NaiveDate>,
    last_order_on: Option<NaiveDate>,
    archetype_l1: Option<i16>,
    archetype_l2: Option<i16>,
    churn: Option<f32>,
    ltv: Option<f32>,
    axes: Vec<Option<i16>>,
    computed_at: Option<DateTime<Utc>>,
    computed_on: Option<NaiveDate>,
    confidence: Option<String>,
    who: Option<String>,
    features: Option<Vec<u8>>,
    memberships: Option<Vec<u8>>,
    places: Option<Vec<u8>>,
    ltv_low: Option<f32>,
    ltv_high: Option<f32>,
    churn_reasons: Option<Value>,
}

impl Stored {
    pub(super) fn customer(self) -> Customer {
        let Stored { customer_id, profile, run, found } = self;
        let (published_at, is_pinned) = (run.published_at, run.pinned.unwrap_or_default());
        let run = run.of_customer();
        let computed_on = found.computed_on;
        // A run counts orders in its own currency: of who orders in another it would say that there are none.
        let is_of_other_currency = found.orders == Some(0)
            && profile.profile_orders.is_some_and(|orders| orders > 0)
            && run.as_ref().is_some_and(|run| run.currency != profile.profile_currency);
        let fact = (found.orders, found.spend_cents, found.first_order_on, found.last_order_on);
        let computed = run.as_ref().filter(|_| !is_of_other_currency).and_then(|run| {
            let mut computed = found.computed(run.as_of)?;
            // A customer that was computed after the run was published was computed as of that day, unless the run
            // looks back on purpose.
            if !is_pinned && published_at.is_some_and(|published_at| computed.computed_at > published_at) {
                computed.as_of = computed_on.map_or(run.as_of, |day| day.max(run.as_of));
            }
            computed.is_stale = profile.refreshed_at.is_some_and(|at| at > computed.computed_at);
            Some(computed)
        });
        let orders_changed_at = profile.refreshed_at;
        let purchases = match &computed {
            Some(_) => {
                let (orders, spend_cents, first_order_on, last_order_on) = fact;
                Some(Purchases {
                    orders: orders.unwrap_or_default(),
                    spend: Decimal::new(spend_cents.unwrap_or_default(), 2),
                    currency: run.as_ref().and_then(|run| run.currency.clone()),
                    first_order_on,
                    last_order_on,
                })
            }
            None => profile.purchases(),
        };
        Customer { customer_id, orders_changed_at, run, computed, purchases, is_of_other_currency }
    }
}

impl StoredProfile {
    fn purchases(self) -> Option<Purchases> {
        Some(Purchases {
            orders: self.profile_orders?,
            spend: self.profile_spend?,
            currency: self.profile_currency,
            first_order_on: self.profile_first_on,
            last_order_on: self.profile_last_on,
        })
    }
}

impl StoredRun {
    fn of_customer(self) -> Option<RunOfCustomer> {
        let model = |id: Option<Uuid>, number: Option<i32>, family: Option<String>, days: Option<i32>| {
            Some((ModelName { id: id?, number: number?, family: family? }, days?))
        };
        Some(RunOfCustomer {
            id: self.run_id?,
            generation: self.generation?,
            segmentation: self.segmentation_id,
            as_of: self.as_of?,
            currency: self.currency,
            churn_model: model(
                self.churn_model_id,
                self.churn_model_number,
                self.churn_model_family,
                self.churn_horizon_days,
            ),
            ltv_model: model(
                self.ltv_model_id,
                self.ltv_model_number,
                self.ltv_model_family,
                self.ltv_horizon_days,
            ),
            notes: texts(self.notes.as_ref()),
        })
    }
}

impl StoredFinding {
    /// What was computed, as of the run's day; none when either of the two rows is missing.
    fn computed(self, as_of: NaiveDate) -> Option<Computed> {
        self.orders?;
        Some(Computed {
            computed_at: self.computed_at?,
            is_stale: false,
            as_of,
            confidence: self.confidence?,
            who: self.who?,
            axes: self.axes,
            archetype: (self.archetype_l1, self.archetype_l2),
            features: self.features?,
            memberships: self.memberships?,
            places: self.places.unwrap_or_default(),
            churn: self.churn,
            churn_reasons: self.churn_reasons,
            ltv: self.ltv,
            ltv_bounds: (self.ltv_low, self.ltv_high),
        })
    }
}

impl Customer {
    /// Whether computing the customer anew would tell more than is known: orders came since, or nothing was computed
    /// although there is a run to compute it with.
    pub fn is_worth_computing(&self) -> bool {
        self.run.is_some()
            && !self.is_of_other_currency
            && self.orders_changed_at.is_some()
            && self.computed.as_ref().is_none_or(|computed| computed.is_stale)
    }

    /// Names what is known of the customer at this moment: equal as long as nothing was computed, no order came and the
    /// archetype keeps its name. None when nothing was computed.
    pub fn version(&self, catalog: Option<&Catalog>) -> Option<String> {
        let (computed, run) = (self.computed.as_ref()?, self.run.as_ref()?);
        // Reasons may be added to a row without computing it anew.
        let (stale, reasons) = (u8::from(computed.is_stale), u8::from(computed.churn_reasons.is_some()));
        let (level_1, level_2) = computed.archetype;
        let archetype = catalog.and_then(|catalog| catalog.finest(level_1, level_2));
        let name = archetype.map_or(0, |archetype| {
            let mut hasher = DefaultHasher::new();
            archetype.name.hash(&mut hasher);
            hasher.finish()
        });
        let computed_at = computed.computed_at.timestamp_micros();
        Some(format!("{}-{computed_at}-{stale}{reasons}-{name:x}", run.generation))
    }

    /// Why nothing was computed; none when something was.
    pub fn reason(&self) -> Option<String> {
        if self.computed.is_some() {
            return None;
        }
        Some(match (&self.run, self.orders_changed_at) {
            (_, None) => "this customer has not bought anything yet".to_owned(),
            (None, Some(_)) => "no run of customer intelligence was published for this shop yet".to_owned(),
            (Some(RunOfCustomer { currency: Some(currency), .. }), Some(_)) if self.is_of_other_currency => {
                format!(
                    "this customer's orders are in other currencies than {currency}, which alone customer intelligence counts"
                )
            }
            (Some(run), Some(_)) => {
                format!("this customer was not among those of the run as of {}", run.as_of)
            }
        })
    }
}
