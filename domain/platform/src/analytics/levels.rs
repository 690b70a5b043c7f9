//! The tenant's own levels: the quantiles that say who spends much, orders often or has been away for long, in this
//! shop rather than in shops in general.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use super::{AnalyticsError, Standing, base, cents};
use database::Tx;

/// Quantiles over the customers who have ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// Customers who have ordered.
    pub customers: i64,
    /// Their net spend.
    pub spend: Decimal,
    /// Net spend in cents at 20, 40, 50, 60, 80 and 90 %.
    pub spend_cents: [i64; 6],
    /// Orders at 20, 40, 60, 80 and 90 %.
    pub orders: [i64; 5],
    /// Day of the last order at 20, 40, 60 and 80 %.
    pub last_on: [NaiveDate; 4],
    /// Net spend an order in cents at 50 %.
    pub order_value_cents: i64,
}

/// The quantiles as they are read; none of nobody.
#[derive(sqlx::FromRow)]
struct Quantiles {
    customers: i64,
    spend: Option<Decimal>,
    cents: Option<Vec<i64>>,
    orders: Option<Vec<i32>>,
    last_on: Option<Vec<NaiveDate>>,
    aov: Option<i64>,
}

impl Levels {
    /// Reads them: one pass over customers and three sorts, so worth keeping.
    ///
    /// # Errors
    /// Nobody has ordered, or the database does not answer.
    pub async fn read(tx: &mut Tx, standing: &Standing) -> Result<Levels, AnalyticsError> {
        let base = base::sql(standing);
        let statement = format!(
            "select count(*) as customers, sum(cents) as spend,
                    percentile_disc(array[0.2, 0.4, 0.5, 0.6, 0.8, 0.9]) within group (order by cents) as cents,
                    percentile_disc(array[0.2, 0.4, 0.6, 0.8, 0.9]) within group (order by orders) as orders,
                    percentile_disc(array[0.2, 0.4, 0.6, 0.8]) within group (order by last_on) as last_on,
                    percentile_disc(0.5) within group (order by aov) as aov
             from {base} as b"
        );
        let query = base::bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
        let quantiles: Quantiles = query.fetch_one(&mut **tx).await?;
        let nobody = || AnalyticsError::not_enough("nobody has ordered yet");
        let Quantiles { customers, spend, cents: spend_cents, orders, last_on, aov } = quantiles;
        let orders: Vec<i64> = orders.ok_or_else(nobody)?.into_iter().map(i64::from).collect();
        Ok(Levels {
            customers,
            spend: cents(spend),
            spend_cents: spend_cents.and_then(|levels| levels.try_into().ok()).ok_or_else(nobody)?,
            orders: orders.try_into().map_err(|_| nobody())?,
            last_on: last_on.and_then(|levels| levels.try_into().ok()).ok_or_else(nobody)?,
            order_value_cents: aov.ok_or_else(nobody)?,
        })
    }

    /// Net spend in cents of the middle customer.
    pub fn middle_spend_cents(&self) -> i64 {
        self.spend_cents[2]
    }

    /// Net spend in cents from which a customer is among the best tenth.
    pub fn high_spend_cents(&self) -> i64 {
        self.spend_cents[5]
    }
}
