//! Lists of customers by rule: how many there are, what they spent, who comes first, and the numbers that say why.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::rules::Rule;
use super::target::{Row, Target};
use super::{
    AnalyticsError, Levels, MAX_ITEMS, Report, Standing, base, cents, share_of_count, share_of_money,
};
use database::Tx;

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
        "select count(*) as customers, sum(cents) as spend, count(*) filter (where opt_in) as reachable {selected}"
    );
    let [low, high] = (rule.bounds)(levels);
    let query = base::bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
    let (customers, spend, reachable): (i64, Option<Decimal>, i64) =
        query.bind(low).bind(high).fetch_one(&mut **tx).await?;
    let spend = cents(spend);
    Ok(Size {
        customers,
        share_of_customers: share_of_count(customers, levels.customers),
        spend,
        share_of_spend: share_of_money(spend, levels.spend),
        reachable: standing.run.is_some().then_some(reachable),
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
    let query = base::bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
    let rows: Vec<Row> = query.bind(low).bind(high).bind(i64::from(limit)).fetch_all(&mut **tx).await?;
    explained(rows, standing, levels, rule)
}

/// Customers of a list, each with the reasons that put it there.
pub(super) fn explained(
    rows: Vec<Row>,
    standing: &Standing,
    levels: &Levels,
    rule: &Rule,
) -> Result<Vec<Target>, AnalyticsError> {
    let currency = standing.currency()?;
    let target = |row: Row| {
        let row = row.of_numbers();
        let reasons = (rule.reasons)(&row, levels, currency);
        let mut target = row.into_target(reasons);
        target.suggestion = rule.suggestion.map(|suggest| suggest(&target, levels).to_owned());
        target
    };
    Ok(rows.into_iter().map(target).collect())
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
    let query = base::bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
    let mut found: Vec<Row> = query.bind(ids).fetch_all(&mut **tx).await?;
    let mut targets = Vec::with_capacity(found.len());
    for (id, reasons) in wanted.drain(..) {
        if let Some(index) = found.iter().position(|row| row.customer_id == id) {
            targets.push(found.swap_remove(index).of_numbers().into_target(reasons));
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
