//! Seasons: which months bring more than others, who buys in one season only, and whom a coming season concerns.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use super::narrowed::{self, Joined, Narrowed, Narrowing};
use super::target::{Row, Target, amount};
use super::targets::{self, Size};
use super::{
    AnalyticsError, Levels, MAX_ITEMS, Report, Standing, number, rounded, share_of_count, share_of_money,
};
use database::Tx;

/// What [`seasonal`] means.
pub const SEASONAL: &str = "a customer belongs to a quarter who bought in it in more than one year of this time and spent at least 60 % there; \
     a month's index is its mean revenue, over full months, against the mean month";

/// What [`targets()`] means.
pub const TARGETS: &str = "bought within the coming 60 days a year ago, and not within the last 60 days";

/// A season is looked ahead by so many days.
const AHEAD_DAYS: u64 = 60;

/// The year as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Year {
    /// Full months in the report.
    pub full_months: usize,
    /// January to December; none where there was no such full month, or fewer than 12 full months altogether.
    pub month_index: [Option<f64>; 12],
    /// Revenue of the time, partial months included.
    pub revenue: Decimal,
}

/// Customers of one season.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Season {
    /// 1 is January to March.
    pub quarter: i32,
    /// Its months.
    pub months: &'static str,
    /// Customers who belong to it.
    pub customers: i64,
    /// What they spent in this time, in all quarters.
    pub spend: Decimal,
    /// Of the revenue of the time.
    pub share_of_revenue: Option<f64>,
}

/// A month, or a quarter with its customers, and what was spent in it.
type Sum = (Option<NaiveDate>, Option<i32>, Option<i64>, Decimal);

const QUARTERS: [&str; 4] = ["January to March", "April to June", "July to September", "October to December"];

/// The seasons of the last `months`.
///
/// # Errors
/// Nothing was ordered in this time, or the database does not answer.
pub async fn seasonal(
    tx: &mut Tx,
    standing: &Standing,
    months: u32,
) -> Result<Report<Year, Season>, AnalyticsError> {
    let start = standing.months_before(months);
    let sums: Vec<Sum> = sqlx::query_as(include_str!("seasons.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(start)
        .bind(standing.end())
        .fetch_all(&mut **tx)
        .await?;
    let mut by_month: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    let mut items: Vec<Season> = (1..)
        .zip(QUARTERS)
        .map(|(quarter, months)| Season {
            quarter,
            months,
            customers: 0,
            spend: Decimal::ZERO,
            share_of_revenue: None,
        })
        .collect();
    for (month, quarter, customers, amount) in sums {
        if let Some(month) = month {
            by_month.insert(month, amount);
        } else if let Some(season) = items.iter_mut().find(|season| Some(season.quarter) == quarter) {
            season.customers = customers.unwrap_or_default();
            season.spend = amount;
        }
    }
    if by_month.is_empty() {
        return Err(AnalyticsError::not_enough("nothing was ordered in this time"));
    }
    let revenue: Decimal = by_month.values().sum();
    for season in &mut items {
        season.share_of_revenue = share_of_money(season.spend, revenue);
    }
    let full = full_months(&by_month, standing.day_months_before(months), standing.end_day());
    let figures = Year { full_months: full.len(), month_index: month_index(&full), revenue };
    Ok(Report { figures, items })
}

/// Every calendar month that lies within the time as a whole, from the first with an order on; a month without any
/// order counts as nothing.
fn full_months(
    by_month: &BTreeMap<NaiveDate, Decimal>,
    start: NaiveDate,
    end: NaiveDate,
) -> Vec<(NaiveDate, f64)> {
    let mut full = Vec::new();
    let mut month = by_month.keys().next().copied();
    while let Some(first) = month {
        let next = first.checked_add_months(Months::new(1));
        if next.is_none_or(|next| next > end) {
            break;
        }
        if first >= start {
            full.push((first, by_month.get(&first).map_or(0.0, |amount| number(*amount))));
        }
        month = next;
    }
    full
}

fn month_index(full: &[(NaiveDate, f64)]) -> [Option<f64>; 12] {
    let mut index = [None; 12];
    let mean = full.iter().map(|(_, amount)| amount).sum::<f64>() / full.len().max(1) as f64;
    if full.len() < 12 || mean <= 0.0 {
        return index;
    }
    for (place, index) in index.iter_mut().enumerate() {
        let of_month: Vec<f64> = full
            .iter()
            .filter(|(month, _)| month.month0() as usize == place)
            .map(|(_, amount)| *amount)
            .collect();
        if !of_month.is_empty() {
            *index = Some(rounded(of_month.iter().sum::<f64>() / of_month.len() as f64 / mean, 3));
        }
    }
    index
}

/// Whom the coming season concerns: the highest spenders of that time a year ago first.
///
/// # Errors
/// Nobody has ordered, or the database does not answer.
pub async fn targets(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    limit: u32,
) -> Result<Report<Size, Target>, AnalyticsError> {
    let currency = standing.currency()?.to_owned();
    let (from, to) = season(standing);
    // The totals, which every row repeats, and a customer with what was spent; none when there is nobody.
    type Found = (i64, Option<Decimal>, Option<i64>, Option<String>, Option<Decimal>);
    let rows: Vec<Found> = sqlx::query_as(include_str!("season_targets.sql"))
        .bind(standing.tenant)
        .bind(&currency)
        .bind(from)
        .bind(to)
        .bind(standing.days_before(AHEAD_DAYS))
        .bind(i64::from(limit.min(MAX_ITEMS)))
        .fetch_all(&mut **tx)
        .await?;
    let mut figures = Size {
        customers: 0,
        share_of_customers: None,
        spend: Decimal::ZERO,
        share_of_spend: None,
        reachable: None,
    };
    let mut wanted = Vec::with_capacity(rows.len());
    for (customers, spend, reachable, customer_id, spent) in rows {
        figures.customers = customers;
        figures.spend = spend.unwrap_or_default();
        figures.reachable = reachable;
        if let (Some(customer_id), Some(spent)) = (customer_id, spent) {
            wanted.push((customer_id, vec![reason(spent, &currency)]));
        }
    }
    figures.share_of_customers = share_of_count(figures.customers, levels.customers);
    figures.share_of_spend = share_of_money(figures.spend, levels.spend);
    Ok(Report { figures, items: targets::named(tx, standing, wanted).await? })
}

/// What customers bought in the coming days of the year before, of those who have not bought lately, beside what is known of
/// them.
const CHOSEN: &str = "select l.customer_id, l.spent
     from (select customer_id, sum(amount) as spent from platform.order_line
           where tenant_id = $1 and currency = $15 and ordered_at >= $16 and ordered_at < $17 and not is_return and counts is not false
           group by customer_id) as l
     join platform.customer_profile p on p.tenant_id = $1 and p.customer_id = l.customer_id
     where p.last_order_at < $18";

/// Whom the coming season concerns, narrowed down, in the same order. Levels are needed where a group is asked for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub async fn part(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    limit: u32,
) -> Result<Narrowed<Target>, AnalyticsError> {
    let currency = standing.currency()?.to_owned();
    let (from, to) = season(standing);
    let joined = Joined {
        sql: CHOSEN.to_owned(),
        condition: "spent > 0",
        order: "spent desc",
        times: Some(vec![from, to, standing.days_before(AHEAD_DAYS)]),
    };
    let found: Narrowed<Chosen> = narrowed::beside(tx, standing, levels, narrowing, &joined, limit).await?;
    let target = |chosen: Chosen| chosen.row.of_numbers().into_target(vec![reason(chosen.spent, &currency)]);
    Ok(Narrowed { cells: found.cells, items: found.items.into_iter().map(target).collect() })
}

/// A customer whom the season concerns.
#[derive(FromRow)]
struct Chosen {
    #[sqlx(flatten)]
    row: Row,
    spent: Decimal,
}

/// The coming days, a year ago.
fn season(standing: &Standing) -> (DateTime<Utc>, DateTime<Utc>) {
    let from = standing.months_before(12);
    (from, from.checked_add_days(Days::new(AHEAD_DAYS)).unwrap_or(from))
}

fn reason(spent: Decimal, currency: &str) -> String {
    let cents = i64::try_from(spent * Decimal::ONE_HUNDRED).unwrap_or(i64::MAX);
    format!("spent {} at this time a year ago", amount(cents, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_months_make_the_index() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let mut by_month = BTreeMap::new();
        for month in 0..14 {
            let first = day("2025-01-01").checked_add_months(Months::new(month)).expect("a month");
            by_month.insert(first, Decimal::from(if first.month() == 12 { 210 } else { 90 }));
        }
        let (start, end) = (day("2025-01-15"), day("2026-02-10"));
        let full = full_months(&by_month, start, end);
        assert_eq!((full.len(), full[0].0), (12, day("2025-02-01")));
        let index = month_index(&full);
        assert_eq!((index[11], index[5]), (Some(2.1), Some(0.9)));
        assert_eq!(month_index(&full[1..]), [None; 12]);
    }
}
