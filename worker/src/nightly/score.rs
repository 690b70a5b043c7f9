//! From a range of customers, or a few named ones, to what is known of each: read, compute on all cores, and hand over
//! rows in the order of the customers' ids.

use std::sync::Arc;

use chrono::NaiveDate;
use database::Tx;
use database::ids::TenantId;
use intelligence::cold_start::Facts;
use intelligence::features::{self, Axis};
use intelligence::history::{self, Summary};
use intelligence::segmentation::Assignment;
use intelligence::words::{self, Known, Place};
use platform::orders::export::Selection;
use platform::roster::{self, Person};
use support::written::Whose;

use super::days::day_of;
use super::knowledge::{Knowledge, Predictions};
use super::material::Read;
use super::orders::{self, Orders};
use super::tickets::Tickets;
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
    /// The features, as they are stored; behind them what their tickets say, of those who have written in.
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

/// Reads and computes the customers of `selection`, their tickets included, as of the end of the day `until`, with
/// `knowledge`. Their orders are taken out of `kept`, which has everybody's, or read: then `watch` is told the lines read
/// and ends it by answering false.
///
/// # Errors
/// The database failed; none when `watch` ended it.
pub async fn score(
    tx: &mut Tx,
    tenant: TenantId,
    knowledge: &Arc<Knowledge>,
    selection: &Selection,
    until: NaiveDate,
    kept: Option<Arc<Read>>,
    watch: impl FnMut(u64) -> bool,
) -> Result<Option<Batch>, Stop> {
    let people = roster::people(tx, selection).await?;
    let whose = match selection {
        Selection::Sample(one_in) => Whose::Sample(*one_in),
        Selection::Range(lower, upper) => Whose::Range(lower.as_deref(), upper.as_deref()),
        Selection::Named(names) => Whose::Named(names),
    };
    let tickets = Tickets::read(tx, tenant, whose, until).await?;
    let expected = people.len().saturating_mul(10).min(4_000_000);
    let source = match kept {
        Some(kept) => Source::Kept(kept),
        None => match orders::load(tx, selection, &knowledge.currency, until, expected, watch).await? {
            Some(orders) => Source::Own(Box::new(orders)),
            None => return Ok(None),
        },
    };
    let knowledge = knowledge.clone();
    let is_long = !matches!(selection, Selection::Named(_));
    let work = move || {
        let orders = source.of(&people);
        let lines = orders.lines.len() as u64;
        (compute(&knowledge, people, &orders, &tickets, until), lines)
    };
    let (customers, lines) = if is_long {
        super::heavily("computing the customers", |_| work()).await?
    } else {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Stop::retry("computing_panicked", "computing the customers panicked"))?
    };
    Ok(Some(Batch { customers, lines }))
}

/// Where the customers' orders come from.
enum Source {
    /// They were read, and nobody else's.
    Own(Box<Orders>),
    /// They are among everybody's.
    Kept(Arc<Read>),
}

impl Source {
    fn of(self, people: &[Person]) -> Orders {
        match self {
            Source::Own(orders) => *orders,
            Source::Kept(kept) => kept.orders.of(people.iter().map(|person| person.customer_id.as_str())),
        }
    }
}

fn compute(
    knowledge: &Knowledge,
    people: Vec<Person>,
    orders: &Orders,
    tickets: &Tickets,
    until: NaiveDate,
) -> Vec<Scored> {
    let day = day_of(until);
    let features =
        features::compute(&orders.lines, &knowledge.statistics, knowledge.segmentation.alive.as_ref(), day);
    let summaries = history::summaries(&orders.lines, day);
    let facts: Vec<Facts> =
        summaries.iter().map(|summary| summary.as_ref().map_or_else(Facts::default, Facts::from)).collect();
    let written = tickets.numbers(orders, &knowledge.statistics.support, day);
    let assignments = knowledge.segmentation.assign_all_with(&features, written.as_ref(), &facts);
    let mut predictions = knowledge.predict(&features);
    let nothing = vec![f32::NAN; features::COUNT];
    let row_of = |place: usize| written.as_ref().map(|written| written.row(place));
    let mut places = orders.customers.iter().enumerate().peekable();
    people
        .into_iter()
        .map(|person| {
            // Both are ascending; a customer without a line in the run's currency has no place among the orders.
            while places.next_if(|(_, id)| **id < person.customer_id).is_some() {}
            match places.next_if(|(_, id)| **id == person.customer_id) {
                Some((place, _)) => {
                    let (summary, row) = (summaries[place], features.row(place));
                    let assignment = assignments[place];
                    let predictions = std::mem::take(&mut predictions[place]);
                    scored(knowledge, person, summary, row, row_of(place), assignment, predictions, until)
                }
                None => {
                    let assignment = knowledge.segmentation.assign(&nothing, &Facts::default());
                    let predictions = Predictions::default();
                    scored(knowledge, person, None, &nothing, None, assignment, predictions, until)
                }
            }
        })
        .collect()
}

#[allow(clippy::too_many_arguments, reason = "what is known of one customer, from as many tables")]
fn scored(
    knowledge: &Knowledge,
    person: Person,
    summary: Option<Summary>,
    row: &[f32],
    written: Option<&[f32]>,
    assignment: Assignment,
    predictions: Predictions,
    until: NaiveDate,
) -> Scored {
    // Who has not written in has no numbers of tickets, and they are not stored.
    let written = written.filter(|written| written.iter().any(|value| value.is_finite()));
    let places = knowledge.statistics.spread.places(row, written);
    let known = Known {
        orders: summary.map_or(0, |summary| summary.orders),
        first_day: summary.map(|summary| day_of(until).saturating_sub_unsigned(summary.tenure)),
        row,
        spend: places[Axis::PurchaseValue as usize],
    };
    let mut features = bytes_of(row);
    features.extend(written.map(bytes_of).unwrap_or_default());
    Scored {
        who: words::sentence(&known),
        places: Place::pack(&places),
        ordered_on: summary.as_ref().and_then(|summary| ordered_on(summary, until)),
        summary,
        assignment,
        features,
        predictions,
        person,
    }
}

/// The days of the first and the last order.
fn ordered_on(summary: &Summary, until: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let first = until.checked_sub_days(chrono::Days::new(u64::from(summary.tenure)))?;
    Some((first, first.checked_add_days(chrono::Days::new(u64::from(summary.last)))?))
}

fn bytes_of(row: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(row.len() * 4);
    row.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    bytes
}
