//! Product affinity: which products or categories are bought together, whom that suggests something to, and what to
//! recommend to one customer.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::association::{self, Association};
use super::{AnalyticsError, Levels, MAX_ITEMS, Report, Standing, Target, rounded, rules, targets};
use database::Tx;

/// What [`affinity`] means.
pub const AFFINITY: &str = "pairs in the same order, among the 300 most frequent, in at least 5 orders and more often than by chance; support \
     is the share of all orders with both, confidence the share of orders with the first that have the second, lift \
     how many times the second's share of all orders that is; the greatest leverage first";

/// What [`cross_sell`] means.
pub const CROSS_SELL: &str = "among the 500 highest spenders with an order within 90 days: those who bought the first \
                              of such a pair and never the second, the most confident suggestion for each";

/// So many order lines are read at most, on average: beyond that, a sample of whole orders.
const LINES: i64 = 1_000_000;

/// So many customers are looked at for cross-selling.
const CANDIDATES: u32 = 500;

/// What is looked for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Products.
    Product,
    /// Categories.
    Category,
}

/// The rules, by name. Worth keeping: it takes a pass over order lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Associations {
    by: By,
    orders: u64,
    sampled_share: f64,
    names: Vec<String>,
    rules: Vec<Association>,
}

/// What the rules rest on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Basis {
    /// Products or categories.
    pub by: By,
    /// Orders that were read.
    pub orders: u64,
    /// The share of the tenant's orders that these are; 1 but for large tenants, of which every n-th order is read.
    pub sampled_share: f64,
    /// Rules found.
    pub rules: usize,
}

/// Two things that are bought together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Who buys this
    pub item: String,
    /// also buys this.
    pub with: String,
    /// Orders with both.
    pub orders: u32,
    /// Share of all orders with both.
    pub support: f64,
    /// Share of the orders with the first that have the second.
    pub confidence: f64,
    /// How many times the second's share of all orders that is.
    pub lift: f64,
}

/// Reads the orders of the last `months` and finds what is bought together in them.
///
/// # Errors
/// The orders carry no such names, or the database does not answer.
pub async fn associations(
    tx: &mut Tx,
    standing: &Standing,
    by: By,
    months: u32,
) -> Result<Associations, AnalyticsError> {
    let lines: i64 = sqlx::query_scalar(
        "select coalesce(sum(lines), 0)::bigint from platform.customer_profile where tenant_id = $1",
    )
    .bind(standing.tenant)
    .fetch_one(&mut **tx)
    .await?;
    // One in 1, 2, 4, .. orders, by a hash of its number, so that the same orders are read every time.
    let one_in = u64::try_from(lines.div_euclid(LINES) + 1).unwrap_or(1).next_power_of_two();
    let mut rows = sqlx::query(match by {
        By::Product => include_str!("baskets_by_product.sql"),
        By::Category => include_str!("baskets_by_category.sql"),
    })
    .bind(standing.tenant)
    .bind(standing.months_before(months))
    .bind(standing.end())
    .bind(i64::try_from(one_in - 1).unwrap_or(0))
    .fetch(&mut **tx);
    let (mut numbers, mut bought): (HashMap<String, u32>, Vec<association::Bought>) = Default::default();
    while let Some(row) = rows.try_next().await? {
        // Borrowed: millions of lines pass here, and a derived row would copy two texts of each.
        let (order, item): (&str, &str) = (row.try_get("order_id")?, row.try_get("item")?);
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let number = match numbers.get(item) {
            Some(number) => *number,
            None => *numbers.entry(item.to_owned()).or_insert(next),
        };
        bought.push((hash(order), number));
    }
    drop(rows);
    if bought.is_empty() {
        let what = match by {
            By::Product => "products",
            By::Category => "categories",
        };
        return Err(AnalyticsError::not_enough(format!("the orders of this time carry no {what}")));
    }
    let mined = association::mine(bought);
    let mut names = vec![String::new(); numbers.len()];
    for (name, number) in numbers {
        names[number as usize] = name;
    }
    let mut rules = mined.associations;
    // Numbers follow the order of reading; names decide between equals instead.
    rules.sort_by(|one, other| {
        let of = |number: u32| names[number as usize].as_str();
        let by_leverage =
            other.leverage.total_cmp(&one.leverage).then(other.confidence.total_cmp(&one.confidence));
        by_leverage.then_with(|| (of(one.from), of(one.to)).cmp(&(of(other.from), of(other.to))))
    });
    let names = of_rules(&mut rules, &names);
    Ok(Associations { by, orders: mined.orders, sampled_share: 1.0 / one_in as f64, names, rules })
}

/// The names that rules speak of, out of all that were bought; the rules' numbers become places among these.
fn of_rules(rules: &mut [Association], names: &[String]) -> Vec<String> {
    let (mut places, mut kept) = (HashMap::new(), Vec::new());
    for number in rules.iter_mut().flat_map(|rule| [&mut rule.from, &mut rule.to]) {
        *number = *places.entry(*number).or_insert_with_key(|number| {
            kept.push(names[*number as usize].clone());
            u32::try_from(kept.len() - 1).unwrap_or(u32::MAX)
        });
    }
    kept
}

impl Associations {
    fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    fn pair(&self, rule: &Association) -> Pair {
        Pair {
            item: self.name(rule.from).to_owned(),
            with: self.name(rule.to).to_owned(),
            orders: rule.together,
            support: rounded(rule.support, 6),
            confidence: rounded(rule.confidence, 4),
            lift: rounded(rule.lift, 3),
        }
    }

    fn basis(&self) -> Basis {
        Basis { by: self.by, orders: self.orders, sampled_share: self.sampled_share, rules: self.rules.len() }
    }

    /// The most confident rule from what somebody has to what somebody has not.
    fn suggestions<'a>(&'a self, has: &HashSet<&str>) -> Vec<&'a Association> {
        let mut fitting: Vec<&Association> = self
            .rules
            .iter()
            .filter(|rule| has.contains(self.name(rule.from)) && !has.contains(self.name(rule.to)))
            .collect();
        // Stable: leverage decides between equals.
        fitting.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        let mut suggested = HashSet::new();
        fitting.retain(|rule| suggested.insert(rule.to));
        fitting
    }
}

/// The rules themselves.
pub fn affinity(associations: &Associations, limit: u32) -> Report<Basis, Pair> {
    let shown = associations.rules.iter().take(limit.min(MAX_ITEMS) as usize);
    Report { figures: associations.basis(), items: shown.map(|rule| associations.pair(rule)).collect() }
}

/// A customer and what goes with what the customer bought.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossSell {
    /// The customer.
    #[serde(flatten)]
    pub customer: Target,
    /// What the customer bought, and what goes with it.
    #[serde(flatten)]
    pub pair: Pair,
}

/// Customers whom the rules suggest something to, the most confident suggestion first, at most `limit` (and [`MAX_ITEMS`]).
///
/// # Errors
/// Nobody has ordered, or the database does not answer.
pub async fn cross_sell(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    associations: &Associations,
    limit: u32,
) -> Result<Report<Basis, CrossSell>, AnalyticsError> {
    let mut report = every_cross_sell(tx, standing, levels, associations).await?;
    report.items.truncate(limit.min(MAX_ITEMS) as usize);
    Ok(report)
}

/// All of them who were found.
///
/// # Errors
/// As [`cross_sell`].
pub async fn every_cross_sell(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    associations: &Associations,
) -> Result<Report<Basis, CrossSell>, AnalyticsError> {
    let candidates = targets::first(tx, standing, levels, &rules::RECENT, CANDIDATES).await?;
    let ids: Vec<&str> = candidates.iter().map(|customer| customer.customer_id.as_str()).collect();
    let named: HashSet<&str> = associations.rules.iter().map(|rule| associations.name(rule.from)).collect();
    let lines: Vec<(String, String)> = sqlx::query_as(
        "select distinct customer_id, case $5 when 'category' then category else product_id end as item
         from platform.order_line
         where tenant_id = $1 and customer_id = any ($2::text[]) and ordered_at < $4 and not is_return and counts is not false
           and case $5 when 'category' then category else product_id end = any ($3::text[])",
    )
    .bind(standing.tenant)
    .bind(ids)
    // Every rule has its reverse, so this is what any rule suggests as well.
    .bind(named.into_iter().collect::<Vec<_>>())
    .bind(standing.end())
    .bind(match associations.by {
        By::Product => "product",
        By::Category => "category",
    })
    .fetch_all(&mut **tx)
    .await?;
    let mut bought: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (customer_id, item) in &lines {
        bought.entry(customer_id).or_default().insert(item);
    }
    let mut items: Vec<CrossSell> = candidates
        .into_iter()
        .filter_map(|mut customer| {
            let has = bought.get(customer.customer_id.as_str())?;
            let rule = associations.suggestions(has).first().copied()?;
            let pair = associations.pair(rule);
            customer.reasons.push(format!(
                "bought {} and not {}, which {:.0} % of the orders with the former have",
                pair.item,
                pair.with,
                pair.confidence * 100.0
            ));
            Some(CrossSell { customer, pair })
        })
        .collect();
    items.sort_by(|one, other| other.pair.confidence.total_cmp(&one.pair.confidence));
    Ok(Report { figures: associations.basis(), items })
}

/// Something for one customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// The product or category.
    pub item: String,
    /// `again`: bought before and due once more. `with`: goes with something bought.
    pub kind: &'static str,
    /// Why, in words.
    pub reason: String,
    /// For `with`: the confidence of the rule.
    pub confidence: Option<f64>,
    /// For `with`: its lift.
    pub lift: Option<f64>,
}

/// What to recommend to a customer: first what is due again, then what goes with what was bought.
///
/// # Errors
/// The customer has bought nothing that has a name, or the database does not answer.
pub async fn for_customer(
    tx: &mut Tx,
    standing: &Standing,
    associations: &Associations,
    customer_id: &str,
    limit: u32,
) -> Result<Report<Basis, Recommendation>, AnalyticsError> {
    let purchases: Vec<(String, i64, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "select case $4 when 'category' then category else product_id end as item,
                count(distinct (ordered_at at time zone (select platform.shop_zone()))::date) as days,
                min(ordered_at) as first_at, max(ordered_at) as last_at
         from platform.order_line
         where tenant_id = $1 and customer_id = $2 and ordered_at < $3 and not is_return and counts is not false
           and case $4 when 'category' then category else product_id end is not null
         group by 1 order by 1",
    )
    .bind(standing.tenant)
    .bind(customer_id)
    .bind(standing.end())
    .bind(match associations.by {
        By::Product => "product",
        By::Category => "category",
    })
    .fetch_all(&mut **tx)
    .await?;
    if purchases.is_empty() {
        return Err(AnalyticsError::not_enough("the customer has bought nothing that has a name"));
    }
    let day_of = |at: &DateTime<Utc>| at.with_timezone(&standing.zone).date_naive();
    let (mut has, mut items) = (HashSet::new(), Vec::new());
    for (item, days, first_at, last_at) in &purchases {
        has.insert(item.as_str());
        if let Some(due) = due_again(*days, day_of(first_at), day_of(last_at), standing.as_of) {
            items.push(Recommendation {
                item: item.clone(),
                kind: "again",
                reason: due,
                confidence: None,
                lift: None,
            });
        }
    }
    for rule in associations.suggestions(&has) {
        let pair = associations.pair(rule);
        items.push(Recommendation {
            reason: format!("{:.0} % of the orders with {} have it", pair.confidence * 100.0, pair.item),
            item: pair.with,
            kind: "with",
            confidence: Some(pair.confidence),
            lift: Some(pair.lift),
        });
    }
    items.truncate(limit.min(MAX_ITEMS) as usize);
    Ok(Report { figures: associations.basis(), items })
}

/// Whether something that was bought on several days should be due once more: the usual gap is over, but not three
/// times over, after which the customer has probably moved on.
fn due_again(days: i64, first_on: NaiveDate, last_on: NaiveDate, as_of: NaiveDate) -> Option<String> {
    if days < 2 {
        return None;
    }
    let gap = (last_on - first_on).num_days() as f64 / (days - 1) as f64;
    let since = (as_of - last_on).num_days() as f64;
    let is_due = since >= gap && since <= 3.0 * gap;
    is_due.then(|| {
        format!("bought on {days} days, every {gap:.0} days on average, the last {since:.0} days ago")
    })
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_again_is_between_one_and_three_usual_gaps() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let due = |as_of| due_again(3, day("2026-01-01"), day("2026-03-02"), day(as_of)).is_some();
        assert!(!due("2026-03-20"));
        assert!(due("2026-04-01"));
        assert!(due("2026-05-31"));
        assert!(!due("2026-06-01"));
        assert!(due_again(1, day("2026-01-01"), day("2026-01-01"), day("2026-02-01")).is_none());
    }
}
