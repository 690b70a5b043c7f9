//! Momentum: what customers spent in the last 90 days against the 90 days before, over all and one by one.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use super::narrowed::{self, Joined, Narrowed, Narrowing};
use super::{AnalyticsError, Levels, MAX_ITEMS, Report, Standing, share_of_money};
use database::Tx;

/// What the report means.
pub const DEFINITION: &str = "net spend of the last 90 days against the 90 days before; an active customer has an \
                              order in the period; half of the items rose most, half fell most";

/// The whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Momentum {
    /// Net revenue of the last 90 days.
    pub revenue: Decimal,
    /// Net revenue of the 90 days before.
    pub revenue_before: Decimal,
    /// Relative change; none when there was no revenue before.
    pub growth: Option<f64>,
    /// Customers with an order in the last 90 days.
    pub active_customers: i64,
    /// Customers with an order in the 90 days before.
    pub active_customers_before: i64,
    /// Customers who spent more than before.
    pub rising: i64,
    /// Customers who spent less than before.
    pub falling: i64,
}

/// One customer's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    /// The shop's id.
    pub customer_id: String,
    /// `up` or `down`.
    pub direction: &'static str,
    /// Net spend of the last 90 days.
    pub spend: Decimal,
    /// Net spend of the 90 days before.
    pub spend_before: Decimal,
    /// The difference.
    pub change: Decimal,
}

/// The greatest changes in either direction first.
///
/// # Errors
/// No orders in these 180 days, or the database does not answer.
pub async fn momentum(
    tx: &mut Tx,
    standing: &Standing,
    limit: u32,
) -> Result<Report<Momentum, Move>, AnalyticsError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("momentum.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.days_before(180))
        .bind(standing.days_before(90))
        .bind(standing.end())
        .bind(i64::from(limit.min(MAX_ITEMS).div_ceil(2)))
        .fetch_all(&mut **tx)
        .await?;
    let nothing = || AnalyticsError::not_enough("nothing was ordered in the last 180 days");
    let first = rows.first().ok_or_else(nothing)?;
    let revenue = first.total_late.ok_or_else(nothing)?;
    let revenue_before = first.total_early.unwrap_or_default();
    let figures = Momentum {
        revenue,
        revenue_before,
        growth: share_of_money(revenue - revenue_before, revenue_before)
            .filter(|_| revenue_before > Decimal::ZERO),
        active_customers: first.active_late,
        active_customers_before: first.active_early,
        rising: first.up,
        falling: first.down,
    };
    let mut items: Vec<Move> = rows.into_iter().filter_map(Row::moved).collect();
    items.truncate(limit.min(MAX_ITEMS) as usize);
    Ok(Report { figures, items })
}

/// Spend of customers in the last 90 days and in the 90 before, beside what is known of them.
const MOVES: &str = "select customer_id, coalesce(sum(amount) filter (where ordered_at >= $17), 0.00) as late,
            coalesce(sum(amount) filter (where ordered_at < $17), 0.00) as early
     from platform.order_line
     where tenant_id = $1 and currency = $15 and ordered_at >= $16 and ordered_at < $18 and counts is not false
     group by customer_id";

/// Those whose spend changed, narrowed down, the greatest changes in either direction first. Levels are needed where a
/// group is asked for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub async fn part(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    limit: u32,
) -> Result<Narrowed<Move>, AnalyticsError> {
    let joined = Joined {
        sql: MOVES.to_owned(),
        condition: "late <> early",
        order: "abs(late - early) desc",
        times: Some(vec![standing.days_before(180), standing.days_before(90), standing.end()]),
    };
    let found: Narrowed<Moved> = narrowed::beside(tx, standing, levels, narrowing, &joined, limit).await?;
    Ok(Narrowed { cells: found.cells, items: found.items.into_iter().map(Moved::shown).collect() })
}

/// What a customer spent in both times.
#[derive(FromRow)]
struct Moved {
    customer_id: String,
    late: Decimal,
    early: Decimal,
}

impl Moved {
    fn shown(self) -> Move {
        let change = self.late - self.early;
        Move {
            customer_id: self.customer_id,
            direction: direction(change),
            spend: self.late,
            spend_before: self.early,
            change,
        }
    }
}

fn direction(change: Decimal) -> &'static str {
    if change > Decimal::ZERO { "up" } else { "down" }
}

/// The totals, which every row repeats, and a customer who moved; none when nobody did.
#[derive(FromRow)]
struct Row {
    total_late: Option<Decimal>,
    total_early: Option<Decimal>,
    active_late: i64,
    active_early: i64,
    up: i64,
    down: i64,
    customer_id: Option<String>,
    late: Option<Decimal>,
    early: Option<Decimal>,
    change: Option<Decimal>,
}

impl Row {
    fn moved(self) -> Option<Move> {
        let change = self.change?;
        Some(Move {
            customer_id: self.customer_id?,
            direction: direction(change),
            spend: self.late?,
            spend_before: self.early?,
            change,
        })
    }
}
