//! RFM scores: recency, frequency and money in fifths of the tenant's own customers (Hughes, "Strategic Database
//! Marketing", 1994), and six classes of them that people can talk about.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::{AnalyticsError, Levels, Report, Standing, base, cents, share_of_count, share_of_money};
use database::Tx;

/// What the report means.
pub const DEFINITION: &str = "each score is 1 to 5: one more than the number of the tenant's quintiles (20, 40, 60 and \
                              80 %) that the customer's last order day, orders or net spend exceed; equal customers \
                              have equal scores";

/// What the scores are made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Customers who have ordered.
    pub customers: i64,
    /// A score of 2, 3, 4 and 5 begins after these days.
    pub recency_bounds: [chrono::NaiveDate; 4],
    /// And after so many orders.
    pub frequency_bounds: [i64; 4],
    /// And after so much net spend.
    pub money_bounds: [Decimal; 4],
    /// Customers by the three scores; those that occur.
    pub cells: Vec<Cell>,
}

/// Customers with the same scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// 5 is the latest fifth.
    pub recency: i32,
    /// 5 is the most frequent fifth.
    pub frequency: i32,
    /// 5 is the fifth that spent most.
    pub money: i32,
    /// How many customers.
    pub customers: i64,
    /// What they spent.
    pub spend: Decimal,
}

/// A class of customers by recency and frequency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Class {
    /// Its name.
    pub class: &'static str,
    /// Which scores it has.
    pub rule: &'static str,
    /// How many customers.
    pub customers: i64,
    /// Of all.
    pub share_of_customers: Option<f64>,
    /// What they spent.
    pub spend: Decimal,
    /// Of what all spent.
    pub share_of_spend: Option<f64>,
}

const CLASSES: [(&str, &str); 6] = [
    ("champions", "recency and frequency 4 or 5"),
    ("loyal", "recency 4 or 5 with frequency 3, or recency 3 with frequency 3 to 5"),
    ("new_or_promising", "recency 4 or 5 with frequency 1 or 2"),
    ("cooling", "recency 3 with frequency 1 or 2"),
    ("at_risk", "recency 1 or 2 with frequency 3 to 5"),
    ("hibernating", "recency and frequency 1 or 2"),
];

/// Scores of all customers, by class.
///
/// # Errors
/// The database does not answer.
pub async fn rfm(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
) -> Result<Report<Scores, Class>, AnalyticsError> {
    let base = base::sql(standing);
    // width_bucket counts the bounds that are at most its operand; those below it are meant.
    let statement = format!(
        "select 1 + width_bucket(last_on - 1, $4::date[]) as recency,
                1 + width_bucket((orders - 1)::bigint, $5::bigint[]) as frequency,
                1 + width_bucket(cents - 1, $6::bigint[]) as money, count(*) as customers, sum(cents) as spend
         from {base} as b group by 1, 2, 3 order by 1 desc, 2 desc, 3 desc"
    );
    let orders = [levels.orders[0], levels.orders[1], levels.orders[2], levels.orders[3]];
    let [p20, p40, _, p60, p80, _] = levels.spend_cents;
    let spend = [p20, p40, p60, p80];
    let query = base::bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
    let counted: Vec<(i32, i32, i32, i64, Option<Decimal>)> = query
        .bind(levels.last_on.to_vec())
        .bind(orders.to_vec())
        .bind(spend.to_vec())
        .fetch_all(&mut **tx)
        .await?;
    let mut items: Vec<Class> = CLASSES
        .iter()
        .map(|(class, rule)| Class {
            class,
            rule,
            customers: 0,
            share_of_customers: None,
            spend: Decimal::ZERO,
            share_of_spend: None,
        })
        .collect();
    let mut cells = Vec::with_capacity(counted.len());
    for (recency, frequency, money, customers, spend) in counted {
        let cell = Cell { recency, frequency, money, customers, spend: cents(spend) };
        let class = &mut items[class_of(cell.recency, cell.frequency)];
        class.customers += cell.customers;
        class.spend += cell.spend;
        cells.push(cell);
    }
    for class in &mut items {
        class.share_of_customers = share_of_count(class.customers, levels.customers);
        class.share_of_spend = share_of_money(class.spend, levels.spend);
    }
    let figures = Scores {
        customers: levels.customers,
        recency_bounds: levels.last_on,
        frequency_bounds: orders,
        money_bounds: spend.map(|cents| super::money(Decimal::from(cents))),
        cells,
    };
    Ok(Report { figures, items })
}

/// The place in [`CLASSES`].
fn class_of(recency: i32, frequency: i32) -> usize {
    match (recency, frequency) {
        (4.., 4..) => 0,
        (4.., 3) | (3, 3..) => 1,
        (4.., _) => 2,
        (3, _) => 3,
        (_, 3..) => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_scores_has_the_class_that_its_rule_names() {
        let expected = |recency, frequency| CLASSES[class_of(recency, frequency)].0;
        assert_eq!(expected(5, 5), "champions");
        assert_eq!(expected(4, 3), "loyal");
        assert_eq!(expected(3, 5), "loyal");
        assert_eq!(expected(5, 1), "new_or_promising");
        assert_eq!(expected(3, 2), "cooling");
        assert_eq!(expected(1, 3), "at_risk");
        assert_eq!(expected(2, 2), "hibernating");
    }
}
