//! Dependence on discounts: how much customers buy below list price, as a class each.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use super::narrowed::{self, Class as Divided, Division, Joined, Narrowed, Narrowing};
use super::{AnalyticsError, Levels, MAX_ITEMS, Report, Standing, share_of_count, share_of_money};
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
    let rows: Vec<Row> = sqlx::query_as(include_str!("discounts.sql"))
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
    let figures = totals(&rows);
    let mut items: Vec<Buyer> = rows.into_iter().filter_map(Row::buyer).collect();
    if shown == Shown::Dependent {
        items.retain(|buyer| buyer.class == "dependent");
    }
    items.truncate(limit as usize);
    Ok(Report { figures, items })
}

/// What customers bought at a known list price, beside what is known of them.
const BOUGHT: &str = "select customer_id, count(*) as lines, sum(list_amount) as listed, sum(amount) as paid,
            coalesce(sum(amount) filter (where amount < list_amount), 0) as reduced,
            count(*) filter (where amount < list_amount) as reduced_lines
     from platform.order_line
     where tenant_id = $1 and currency = $15 and ordered_at >= $16 and ordered_at < $17 and not is_return
       and counts is not false and list_amount > 0 and amount > 0
     group by customer_id";

/// Those who depend on discounts, narrowed down, the highest spenders first. Levels are needed where a group is asked for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub async fn part(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    months: u32,
    limit: u32,
) -> Result<Narrowed<Buyer>, AnalyticsError> {
    let joined = Joined {
        sql: BOUGHT.to_owned(),
        condition: "lines >= 3 and reduced >= 0.8 * paid",
        order: "paid desc",
        times: Some(vec![standing.months_before(months), standing.end()]),
    };
    let found: Narrowed<Bought> = narrowed::beside(tx, standing, levels, narrowing, &joined, limit).await?;
    Ok(Narrowed { cells: found.cells, items: found.items.into_iter().map(Bought::dependent).collect() })
}

/// The class of a customer, as in `discounts.sql`.
const CLASS: &str = "case when lines < 3 then 'unknown' when reduced >= 0.8 * paid then 'dependent'
          when reduced >= 0.2 * paid then 'occasional' else 'full_price' end";

/// Every class, narrowed down: how many customers each has by which conditions hold, and of those for whom all do the same as
/// of everybody. Levels are needed where a group is asked for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub async fn part_of_every_class(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    months: u32,
    limit: u32,
) -> Result<(Vec<Divided>, Report<Discounts, Buyer>), AnalyticsError> {
    let limit = limit.min(MAX_ITEMS);
    let joined = Joined {
        sql: BOUGHT.to_owned(),
        condition: "true",
        order: "",
        times: Some(vec![standing.months_before(months), standing.end()]),
    };
    // Each row repeats the sums of its class; of whom too little is known for a class nobody is shown.
    let beginning = format!(
        "select * from (select {CLASS} as class, count(*) over of_class as total_customers,
             (sum(lines) over of_class)::bigint as total_lines, (sum(reduced_lines) over of_class)::bigint as total_reduced_lines,
             sum(listed) over of_class as total_listed, sum(paid) over of_class as total_paid, sum(reduced) over of_class as total_reduced,
             case when lines >= 3 then customer_id end as customer_id, lines, listed, paid, reduced,
             row_number() over (partition by {CLASS} order by paid desc, customer_id) as place"
    );
    let end = format!(
        "window of_class as (partition by {CLASS})) as ranked
         where place <= case class when 'unknown' then 1 else $14::bigint end order by class, place"
    );
    let division = Division {
        joined: Some(&joined),
        class: CLASS,
        beginning: &beginning,
        end: &end,
        limit: limit.div_ceil(3),
    };
    let (classes, rows): (_, Vec<Row>) =
        narrowed::classed(tx, standing, levels, narrowing, &division).await?;
    let figures = totals(&rows);
    let mut items: Vec<Buyer> = rows.into_iter().filter_map(Row::buyer).collect();
    items.truncate(limit as usize);
    Ok((classes, Report { figures, items }))
}

/// What a customer bought at a known list price.
#[derive(FromRow)]
struct Bought {
    customer_id: String,
    lines: i64,
    listed: Decimal,
    paid: Decimal,
    reduced: Decimal,
}

impl Bought {
    fn dependent(self) -> Buyer {
        Buyer {
            class: "dependent".to_owned(),
            lines: self.lines,
            paid: self.paid,
            reduced_share: share_of_money(self.reduced, self.paid),
            mean_reduction: share_of_money((self.listed - self.paid).max(Decimal::ZERO), self.listed),
            customer_id: self.customer_id,
        }
    }
}

/// A class, which every row of it repeats, and one of its customers where any is shown.
#[derive(FromRow)]
struct Row {
    class: String,
    total_customers: i64,
    total_lines: i64,
    total_reduced_lines: i64,
    total_listed: Decimal,
    total_paid: Decimal,
    total_reduced: Decimal,
    customer_id: Option<String>,
    lines: Option<i64>,
    listed: Option<Decimal>,
    paid: Option<Decimal>,
    reduced: Option<Decimal>,
}

impl Row {
    fn buyer(self) -> Option<Buyer> {
        let (listed, paid) = (self.listed?, self.paid?);
        Some(Buyer {
            customer_id: self.customer_id?,
            class: self.class,
            lines: self.lines?,
            paid,
            reduced_share: share_of_money(self.reduced?, paid),
            mean_reduction: share_of_money((listed - paid).max(Decimal::ZERO), listed),
        })
    }
}

fn totals(rows: &[Row]) -> Discounts {
    let (mut lines, mut reduced_lines, mut customers) = (0, 0, 0);
    let (mut listed, mut paid, mut reduced) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    let mut classes: Vec<Class> = Vec::new();
    for row in rows {
        if classes.iter().any(|known| known.class == row.class) {
            continue;
        }
        lines += row.total_lines;
        reduced_lines += row.total_reduced_lines;
        listed += row.total_listed;
        paid += row.total_paid;
        reduced += row.total_reduced;
        customers += row.total_customers;
        classes.push(Class {
            suggestion: suggestion(&row.class),
            class: row.class.clone(),
            customers: row.total_customers,
            share_of_customers: None,
            paid: row.total_paid,
        });
    }
    for class in &mut classes {
        class.share_of_customers = share_of_count(class.customers, customers);
    }
    Discounts {
        lines,
        reduced_share_of_lines: share_of_count(reduced_lines, lines),
        reduced_share_of_revenue: share_of_money(reduced, paid),
        mean_reduction: share_of_money((listed - paid).max(Decimal::ZERO), listed),
        classes,
    }
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
