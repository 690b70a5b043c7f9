//! From a range of customers, or a few named ones, to what is known of each: read, compute on all cores, and hand over
//! rows in the order of the customers' ids.

use chrono::{Datelike, NaiveDate};
use database::Tx;
use intelligence::cold_start::Facts;
use intelligence::features;
use intelligence::history::{self, Summary};
use intelligence::segmentation::Assignment;
use sqlx::Row;

use super::knowledge::{Knowledge, Predictions};
use super::orders::{self, Orders, Selection};
use crate::outcome::Stop;

/// A customer as the shop knows them, beside their orders.
pub struct Person {
    /// The shop's id.
    pub customer_id: String,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// State or province.
    pub state: Option<String>,
    /// Whether they may be sent marketing.
    pub is_opted_in: bool,
}

/// What is known of a customer.
pub struct Scored {
    /// Who.
    pub person: Person,
    /// Their history; none without an order.
    pub summary: Option<Summary>,
    /// The day of the first and of the last order.
    pub ordered_on: Option<(NaiveDate, NaiveDate)>,
    /// Segments, archetype, confidence.
    pub assignment: Assignment,
    /// The features, as they are stored.
    pub features: Vec<u8>,
    /// Churn and lifetime value.
    pub predictions: Predictions,
}

/// Customers with what is known of them, and how many lines were read for it.
pub struct Batch {
    /// In the order of their ids, byte by byte.
    pub customers: Vec<Scored>,
    /// Lines read.
    pub lines: u64,
}

/// Reads and computes the customers of `selection` as of the end of the day `until`, with `knowledge`. `watch` is told
/// the lines read and ends it by answering false.
///
/// # Errors
/// The database failed; none when `watch` ended it.
pub async fn score(
    tx: &mut Tx,
    knowledge: &std::sync::Arc<Knowledge>,
    selection: &Selection,
    until: NaiveDate,
    watch: impl FnMut(u64) -> bool,
) -> Result<Option<Batch>, Stop> {
    let people = people(tx, selection).await?;
    let expected = people.len().saturating_mul(10).min(4_000_000);
    let Some(orders) = orders::load(tx, selection, &knowledge.currency, until, expected, watch).await? else {
        return Ok(None);
    };
    let knowledge = knowledge.clone();
    let lines = orders.lines.len() as u64;
    let is_long = !matches!(selection, Selection::Named(_));
    let work = move || compute(&knowledge, people, &orders, until);
    let customers = if is_long {
        super::heavily("computing the customers", |_| work()).await?
    } else {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Stop::retry("computing_panicked", "computing the customers panicked"))?
    };
    Ok(Some(Batch { customers, lines }))
}

/// The customers of a selection, in the order of their ids. A sample has no roster: it is never scored.
async fn people(tx: &mut Tx, selection: &Selection) -> Result<Vec<Person>, Stop> {
    let (lower, upper, named) = match selection {
        Selection::Sample(_) => (None, None, None),
        Selection::Range(lower, upper) => (lower.as_deref(), upper.as_deref(), None),
        Selection::Named(names) => (None, None, Some(names)),
    };
    let rows = sqlx::query(
        "select p.customer_id, c.shipping_country, c.shipping_state, coalesce(c.marketing_opt_in, false) as opt_in
         from platform.customer_profile p left join platform.customer c using (tenant_id, customer_id)
         where ($1::text is null or p.customer_id >= $1) and ($2::text is null or p.customer_id < $2)
           and ($3::text[] is null or p.customer_id = any ($3))",
    )
    .persistent(false)
    .bind(lower)
    .bind(upper)
    .bind(named)
    .fetch_all(&mut **tx)
    .await?;
    let mut people = rows
        .iter()
        .map(|row| {
            Ok(Person {
                customer_id: row.try_get("customer_id")?,
                country: row.try_get("shipping_country")?,
                state: row.try_get("shipping_state")?,
                is_opted_in: row.try_get("opt_in")?,
            })
        })
        .collect::<Result<Vec<_>, sqlx::Error>>()?;
    people.sort_unstable_by(|a, b| a.customer_id.cmp(&b.customer_id));
    Ok(people)
}

fn compute(knowledge: &Knowledge, people: Vec<Person>, orders: &Orders, until: NaiveDate) -> Vec<Scored> {
    let day = day_of(until);
    let features =
        features::compute(&orders.lines, &knowledge.statistics, knowledge.segmentation.alive.as_ref(), day);
    let summaries = history::summaries(&orders.lines, day);
    let facts: Vec<Facts> =
        summaries.iter().map(|summary| summary.as_ref().map_or_else(Facts::default, Facts::from)).collect();
    let assignments = knowledge.segmentation.assign_all(&features, &facts);
    let mut predictions = knowledge.predict(&features);
    let nothing = vec![f32::NAN; features::COUNT];
    let mut places = orders.customers.iter().enumerate().peekable();
    people
        .into_iter()
        .map(|person| {
            // Both are ascending; a customer without a line in the run's currency has no place among the orders.
            while places.next_if(|(_, id)| **id < person.customer_id).is_some() {}
            match places.next_if(|(_, id)| **id == person.customer_id) {
                Some((place, _)) => Scored {
                    ordered_on: summaries[place].as_ref().and_then(|summary| ordered_on(summary, until)),
                    summary: summaries[place],
                    assignment: assignments[place],
                    features: bytes_of(features.row(place)),
                    predictions: std::mem::take(&mut predictions[place]),
                    person,
                },
                None => Scored {
                    ordered_on: None,
                    summary: None,
                    assignment: knowledge.segmentation.assign(&nothing, &Facts::default()),
                    features: bytes_of(&nothing),
                    predictions: Predictions::default(),
                    person,
                },
            }
        })
        .collect()
}

/// The days of the first and the last order.
fn ordered_on(summary: &Summary, until: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let first = until.checked_sub_days(chrono::Days::new(u64::from(summary.tenure)))?;
    Some((first, first.checked_add_days(chrono::Days::new(u64::from(summary.last)))?))
}

fn bytes_of(row: &[f32]) -> Vec<u8> {
    row.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Days since 1970-01-01.
pub fn day_of(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// The date of a day since 1970-01-01.
pub fn date_of(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.checked_add(719_163)?)
}
