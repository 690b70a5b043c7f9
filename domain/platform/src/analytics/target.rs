//! A customer on a list: the row of [`super::base`] that a rule looks at, and what people are shown of it.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use super::{Levels, money, rounded};
use crate::probability;

/// A customer on a list, with the numbers that put it there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// The shop's id.
    pub customer_id: String,
    /// Orders that are not returns.
    pub orders: i32,
    /// Net spend.
    pub spend: Decimal,
    /// Net spend an order.
    pub mean_order_value: Decimal,
    /// Day of the first order.
    pub first_order_on: NaiveDate,
    /// Day of the last order.
    pub last_order_on: NaiveDate,
    /// Whole days since.
    pub days_since_last_order: i32,
    /// Mean days between orders; none with one order.
    pub mean_gap_days: Option<f64>,
    /// Probability of no order within the model's horizon; none when it is not known.
    pub churn_probability: Option<f64>,
    /// Expected spend within the model's horizon; none when it is not known.
    pub expected_spend: Option<f64>,
    /// Consent to marketing; none when it is not known.
    pub marketing_opt_in: Option<bool>,
    /// Why the customer is on the list.
    pub reasons: Vec<String>,
    /// What could be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    #[serde(skip)]
    pub(super) spend_cents: i64,
    #[serde(skip)]
    pub(super) is_late: bool,
}

/// A row of [`super::base`].
#[derive(FromRow)]
pub(super) struct Row {
    pub(super) customer_id: String,
    pub(super) orders: i32,
    pub(super) cents: i64,
    pub(super) aov: i64,
    pub(super) first_on: NaiveDate,
    pub(super) last_on: NaiveDate,
    pub(super) days: i32,
    pub(super) gap: Option<f64>,
    pub(super) churn: Option<f32>,
    pub(super) ltv: Option<f32>,
    pub(super) opt_in: Option<bool>,
}

impl Row {
    /// What is stored as a number and is none is not known.
    pub(super) fn of_numbers(self) -> Row {
        let finite = |value: Option<f32>| value.filter(|value| value.is_finite());
        Row {
            gap: self.gap.filter(|gap| gap.is_finite()),
            churn: finite(self.churn),
            ltv: finite(self.ltv),
            ..self
        }
    }

    pub(super) fn history(&self) -> String {
        let orders = if self.orders == 1 { "order" } else { "orders" };
        format!("{} {orders}, the last {} days ago", self.orders, self.days)
    }

    pub(super) fn lateness(&self) -> String {
        match self.gap {
            Some(gap) => {
                format!("{} days since the last order, {gap:.0} days between orders before", self.days)
            }
            None => format!("{} days since the only order", self.days),
        }
    }

    pub(super) fn order_value(&self, levels: &Levels, currency: &str) -> String {
        let (own, median) = (amount(self.aov, currency), amount(levels.order_value_cents, currency));
        format!("{own} an order; the median customer has {median}")
    }

    pub(super) fn into_target(self, reasons: Vec<String>) -> Target {
        let places = |value: f32, places| rounded(f64::from(value), places);
        Target {
            is_late: self.gap.is_some_and(|gap| f64::from(self.days) > 2.0 * gap.max(7.0)),
            spend_cents: self.cents,
            spend: money(Decimal::from(self.cents)),
            mean_order_value: money(Decimal::from(self.aov)),
            customer_id: self.customer_id,
            orders: self.orders,
            first_order_on: self.first_on,
            last_order_on: self.last_on,
            days_since_last_order: self.days,
            mean_gap_days: self.gap.map(|gap| rounded(gap, 1)),
            churn_probability: self.churn.and_then(probability::told),
            expected_spend: self.ltv.map(|ltv| places(ltv, 2)),
            marketing_opt_in: self.opt_in,
            reasons: reasons.into_iter().filter(|reason| !reason.is_empty()).collect(),
            suggestion: None,
        }
    }
}

/// An amount as people write it.
pub(super) fn amount(cents: i64, currency: &str) -> String {
    format!("{:.2} {currency}", money(Decimal::from(cents)))
}
