//! Dependence on discounts: how much customers buy below list price, as a class each.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{AnalyticsError, MAX_ITEMS, Report, Standing, share_of_count, share_of_money};
use database::Tx;

/// What the report means.
pub const DEFINITION: &str = "purchases (returns left out) whose list price is known; by the share of their value that was bought below it: \
     dependent from 80 %, occasional from 20 %, else full_price; unknown with fewer than three such lines";

/// All purchases whose list price is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Discounts {
    /// Order lines.
    pub lines: i64,
    /// Share of them below list price.
    pub reduced_share_of_lines: Option<f64>,
    /// Share of their value below list price.
    pub reduced_share_of_revenue: Option<f64>,
    /// What was taken off, over the list value of everything.
    pub mean_reduction: Option<f64>,
    /// The classes.
    pub classes: Vec<Class>,
}

/// Customers who depend on discounts alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Class {
    /// dependent, occasional, full_price or unknown.
    pub class: String,
    /// Customers.
    pub customers: i64,
    /// Of those in the report.
    pub share_of_customers: Option<f64>,
    /// What they paid.
    pub paid: Decimal,
    /// What it means for a strategy.
    pub suggestion: &'static str,
}

/// One customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Buyer {
    /// The shop's id.
    pub customer_id: String,
    /// dependent, occasional or full_price.
    pub class: String,
    /// Order lines whose list price is known.
    pub lines: i64,
    /// What was paid for them.
    pub paid: Decimal,
    /// Share of that below list price.
    pub reduced_share: Option<f64>,
    /// What was taken off, over the list value.
    pub mean_reduction: Option<f64>,
}

/// Which customers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Those who depend on discounts.
    Dependent,
    /// The highest spenders of every class.
    EveryClass,
}

/// The highest spenders first, in each class.
///
/// # Errors
/// No list prices are known, or the database does not answer.
pub async fn discounts(
    tx: &mut Tx,
    standing: &Standing,
    months: u32,
    shown: Shown,
    limit: u32,
) -> Result<Report<Discounts, Buyer>, AnalyticsError> {
    let limit = limit.min(MAX_ITEMS);
    let each = match shown {
        Shown::Dependent => limit,
        Shown::EveryClass => limit.div_ceil(3),
    };
    let rows = sqlx::query(include_str!("discounts.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.months_before(months))
        .bind(standing.end())
        .bind(i64::from(each))
        .fetch_all(&mut **tx)
        .await?;
    if rows.is_empty() {
        return Err(AnalyticsError::not_enough("no purchase in this time carries a list price"));
    }
    let mut items = rows.iter().filter_map(|row| buyer(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    if shown == Shown::Dependent {
        items.retain(|buyer| buyer.class == "dependent");
    }
    items.truncate(limit as usize);
    Ok(Report { figures: totals(&rows)?, items })
}

fn buyer(row: &PgRow) -> Result<Option<Buyer>, sqlx::Error> {
    let Some(customer_id) = row.try_get::<Option<String>, _>("customer_id")? else { return Ok(None) };
    let (listed, paid): (Decimal, Decimal) = (row.try_get("listed")?, row.try_get("paid")?);
    Ok(Some(Buyer {
        customer_id,
        class: row.try_get("class")?,
        lines: row.try_get("lines")?,
        paid,
        reduced_share: share_of_money(row.try_get("reduced")?, paid),
        mean_reduction: share_of_money((listed - paid).max(Decimal::ZERO), listed),
    }))
}

fn totals(rows: &[PgRow]) -> Result<Discounts, sqlx::Error> {
    let (mut lines, mut reduced_lines, mut customers) = (0, 0, 0);
    let (mut listed, mut paid, mut reduced) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    let mut classes: Vec<Class> = Vec::new();
    for row in rows {
        let class: String = row.try_get("class")?;
        if classes.iter().any(|known| known.class == class) {
            continue;
        }
        lines += row.try_get::<i64, _>("total_lines")?;
        reduced_lines += row.try_get::<i64, _>("total_reduced_lines")?;
        listed += row.try_get::<Decimal, _>("total_listed")?;
        paid += row.try_get::<Decimal, _>("total_paid")?;
        reduced += row.try_get::<Decimal, _>("total_reduced")?;
        let of_class: i64 = row.try_get("total_customers")?;
        customers += of_class;
        classes.push(Class {
            suggestion: suggestion(&class),
            class,
            customers: of_class,
            share_of_customers: None,
            paid: row.try_get("total_paid")?,
        });
    }
    for class in &mut classes {
        class.share_of_customers = share_of_count(class.customers, customers);
    }
    Ok(Discounts {
        lines,
        reduced_share_of_lines: share_of_count(reduced_lines, lines),
        reduced_share_of_revenue: share_of_money(reduced, paid),
        mean_reduction: share_of_money((listed - paid).max(Decimal::ZERO), listed),
        classes,
    })
}

fn suggestion(class: &str) -> &'static str {
    match class {
        "dependent" => {
            "They buy when prices are down; measure with a hold-out group whether they would buy otherwise."
        }
        "occasional" => "They buy at both prices; news and reminders may do what a lower price does.",
        "full_price" => {
            "They pay the list price; speak of novelty, quality and service rather than of price."
        }
        _ => "Too few purchases with a known list price to tell.",
    }
}
