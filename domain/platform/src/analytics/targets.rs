//! Lists of customers by rule: how many there are, what they spent, who comes first, and the numbers that say why.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::rules::Rule;
use super::{
    AnalyticsError, Levels, MAX_ITEMS, Report, Standing, base, cents, money, rounded, share_of_count,
    share_of_money,
};
use database::Tx;

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

/// How large a list is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Size {
    /// Customers whom the rule holds for.
    pub customers: i64,
    /// Of all customers who have ordered.
    pub share_of_customers: Option<f64>,
    /// What they spent.
    pub spend: Decimal,
    /// Of what all customers spent.
    pub share_of_spend: Option<f64>,
    /// Those of them who consented to marketing; none when that is not known.
    pub reachable: Option<i64>,
}

/// The customers whom the rule holds for, the most important first, at most `limit` (and [`MAX_ITEMS`]).
///
/// # Errors
/// Nobody has ordered, or the rule needs scores and there are none; or the database does not answer.
pub async fn list(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    rule: &Rule,
    limit: u32,
) -> Result<Report<Size, Target>, AnalyticsError> {
    Ok(Report {
        figures: size(tx, standing, levels, rule).await?,
        items: first(tx, standing, levels, rule, limit.min(MAX_ITEMS)).await?,
    })
}

/// How many customers the rule holds for.
async fn size(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    rule: &Rule,
) -> Result<Size, AnalyticsError> {
    let selected = selected(standing, rule)?;
    let statement = format!(
        "select count(*) as customers, sum(cents) as spend, count(opt_in) as known,
                count(*) filter (where opt_in) as reachable {selected}"
    );
    let [low, high] = (rule.bounds)(levels);
    let query = base::bind(sqlx::query(AssertSqlSafe(statement)), standing)?;
    let row = query.bind(low).bind(high).fetch_one(&mut **tx).await?;
    let (customers, spend) = (row.try_get("customers")?, cents(&row, "spend")?);
    let is_known = standing.run.is_some();
    Ok(Size {
        customers,
        share_of_customers: share_of_count(customers, levels.customers),
        spend,
        share_of_spend: share_of_money(spend, levels.spend),
        reachable: is_known.then(|| row.try_get("reachable")).transpose()?,
    })
}

/// The first customers whom the rule holds for.
pub(super) async fn first(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    rule: &Rule,
    limit: u32,
) -> Result<Vec<Target>, AnalyticsError> {
    let selected = selected(standing, rule)?;
    let order = rule.order;
    let statement = format!("select b.* {selected} order by {order}, customer_id limit $6");
    let [low, high] = (rule.bounds)(levels);
    let query = base::bind(sqlx::query(AssertSqlSafe(statement)), standing)?;
    let rows = query.bind(low).bind(high).bind(i64::from(limit)).fetch_all(&mut **tx).await?;
    let currency = standing.currency()?;
    let target = |row: &PgRow| -> Result<Target, sqlx::Error> {
        let row = Row::of(row)?;
        let reasons = (rule.reasons)(&row, levels, currency);
        let mut target = row.into_target(reasons);
        target.suggestion = rule.suggestion.map(|suggest| suggest(&target, levels).to_owned());
        Ok(target)
    };
    Ok(rows.iter().map(target).collect::<Result<_, _>>()?)
}

/// The customers of these ids, in their order, each with a reason of the caller's.
pub(super) async fn named(
    tx: &mut Tx,
    standing: &Standing,
    mut wanted: Vec<(String, Vec<String>)>,
) -> Result<Vec<Target>, AnalyticsError> {
    let base = base::sql(standing);
    let statement = format!("select b.* from {base} as b where customer_id = any ($4::text[])");
    let ids: Vec<String> = wanted.iter().map(|(id, _)| id.clone()).collect();
    let query = base::bind(sqlx::query(AssertSqlSafe(statement)), standing)?;
    let rows = query.bind(ids).fetch_all(&mut **tx).await?;
    let mut found = rows.iter().map(Row::of).collect::<Result<Vec<_>, _>>()?;
    let mut targets = Vec::with_capacity(found.len());
    for (id, reasons) in wanted.drain(..) {
        if let Some(index) = found.iter().position(|row| row.customer_id == id) {
            targets.push(found.swap_remove(index).into_target(reasons));
        }
    }
    Ok(targets)
}

fn selected(standing: &Standing, rule: &Rule) -> Result<String, AnalyticsError> {
    if rule.needs_scores {
        standing.run()?;
    }
    let (base, condition) = (base::sql(standing), rule.condition);
    Ok(format!(
        "from {base} as b cross join (select $4::bigint as low, $5::bigint as high) as bounds where {condition}"
    ))
}

/// A row of the base.
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
    fn of(row: &PgRow) -> Result<Row, sqlx::Error> {
        let finite = |value: Option<f32>| value.filter(|value| value.is_finite());
        Ok(Row {
            customer_id: row.try_get("customer_id")?,
            orders: row.try_get("orders")?,
            cents: row.try_get("cents")?,
            aov: row.try_get("aov")?,
            first_on: row.try_get("first_on")?,
            last_on: row.try_get("last_on")?,
            days: row.try_get("days")?,
            gap: row.try_get::<Option<f64>, _>("gap")?.filter(|gap| gap.is_finite()),
            churn: finite(row.try_get("churn")?),
            ltv: finite(row.try_get("ltv")?),
            opt_in: row.try_get("opt_in")?,
        })
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

    fn into_target(self, reasons: Vec<String>) -> Target {
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
            churn_probability: self.churn.map(|churn| places(churn, 4)),
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
