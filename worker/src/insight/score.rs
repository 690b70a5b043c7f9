//! From a range of customers, or a few named ones, to what is known of each: read, compute on all cores, and hand over
//! rows in the order of the customers' ids.

use chrono::NaiveDate;
use database::Tx;
use intelligence::cold_start::Facts;
use intelligence::features::{self, Axis};
use intelligence::history::{self, Summary};
use intelligence::segmentation::Assignment;
use intelligence::words::{self, Known, Place};
use platform::orders::export::Selection;
use platform::roster::{self, Person};

use super::days::day_of;
use super::knowledge::{Knowledge, Predictions};
use super::orders::{self, Orders};
use crate::outcome::Stop;

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
    /// Who this is, in one sentence with own figures.
    pub who: String,
    /// Where they stand among the others, as it is stored.
    pub places: Vec<u8>,
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
    let people = roster::people(tx, selection).await?;
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
    let told = |summary: Option<&Summary>, row: &[f32]| {
        let places = knowledge.statistics.spread.places(row);
        let first_day = summary.map(|summary| day.saturating_sub_unsigned(summary.tenure));
        let orders = summary.map_or(0, |summary| summary.orders);
        let who =
            words::sentence(&Known { orders, first_day, row, spend: places[Axis::PurchaseValue as usize] });
        (who, Place::pack(&places))
    };
    let mut places = orders.customers.iter().enumerate().peekable();
    people
        .into_iter()
        .map(|person| {
            // Both are ascending; a customer without a line in the run's currency has no place among the orders.
            while places.next_if(|(_, id)| **id < person.customer_id).is_some() {}
            match places.next_if(|(_, id)| **id == person.customer_id) {
                Some((place, _)) => {
                    let (who, standing) = told(summaries[place].as_ref(), features.row(place));
                    Scored {
                        who,
                        places: standing,
                        ordered_on: summaries[place].as_ref().and_then(|summary| ordered_on(summary, until)),
                        summary: summaries[place],
                        assignment: assignments[place],
                        features: bytes_of(features.row(place)),
                        predictions: std::mem::take(&mut predictions[place]),
                        person,
                    }
                }
                None => {
                    let (who, standing) = told(None, &nothing);
                    Scored {
                        who,
                        places: standing,
                        ordered_on: None,
                        summary: None,
                        assignment: knowledge.segmentation.assign(&nothing, &Facts::default()),
                        features: bytes_of(&nothing),
                        predictions: Predictions::default(),
                        person,
                    }
                }
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
