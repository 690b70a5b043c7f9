//! Customers who behave like one: the nearest by memberships on all axes among the same archetype.

use serde::Serialize;
use sqlx::FromRow;

use super::answer::{Answer, round, rounded};
use super::catalog::Catalog;
use super::customer::Customer;
use super::vector;
use crate::probability;
use crate::risk::{RiskBand, RiskBands};
use database::{DbError, Tx};

/// Who is like a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Similar {
    /// The nearest first, at most [`NEAREST`].
    pub items: Vec<Alike>,
    /// Customers of the same archetype that were compared.
    pub compared: usize,
    /// Whether these were all of them; otherwise a sample of neighbouring ids.
    pub complete: bool,
}

/// A customer who is like another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alike {
    /// The shop's id.
    pub customer_id: String,
    /// 1 is the same behaviour, 0 is none in common.
    pub similarity: f64,
    /// Probability of no order within the model's horizon; null when there is not enough data.
    pub churn: Option<f64>,
    /// The same in one word.
    pub churn_band: Option<RiskBand>,
    /// Expected spend within the model's horizon; null when there is not enough data.
    pub ltv: Option<f64>,
}

/// Customers that are answered at most.
pub const NEAREST: usize = 20;

/// Rows that are looked at before and after the customer's id.
const LOOKED_AT: i64 = 10_000;

/// Customers of the same archetype that are compared at most.
const COMPARED: i64 = 2_000;

/// Who is like a customer; nobody for a reason when the customer has no archetype.
///
/// # Errors
/// The database failed.
pub async fn nearest(
    tx: &mut Tx,
    catalog: &Catalog,
    customer: &Customer,
) -> Result<Answer<Similar>, DbError> {
    let (Some(computed), Some(run)) = (&customer.computed, &customer.run) else {
        return Ok(Answer::Missing(customer.reason().unwrap_or_default()));
    };
    let (level_1, level_2) = computed.archetype;
    let finer = level_2.filter(|index| catalog.archetype(Some(*index)).is_some_and(|finer| finer.level == 2));
    let Some((archetype, level)) = finer.map(|index| (index, 2)).or(level_1.map(|index| (index, 1))) else {
        return Ok(Answer::Missing("this customer has no archetype".to_owned()));
    };
    let compared: Vec<Compared> = sqlx::query_as(include_str!("similar.sql"))
        .bind(run.generation)
        .bind(&customer.customer_id)
        .bind(archetype)
        .bind(level)
        .bind(LOOKED_AT)
        .bind(COMPARED)
        .fetch_all(&mut **tx)
        .await?;
    let mut items = Vec::with_capacity(compared.len());
    let mut complete = false;
    for other in compared {
        complete = other.is_complete;
        let (Some(customer_id), Some(memberships)) = (other.customer_id, other.memberships) else { continue };
        let Some(distance) = vector::distance(&catalog.axes, &computed.memberships, &memberships) else {
            continue;
        };
        let churn = other.churn.filter(|churn| churn.is_finite());
        items.push(Alike {
            customer_id,
            similarity: round(1.0 - distance, 4),
            churn: churn.and_then(probability::told),
            churn_band: churn.map(|churn| RiskBands::default().of(churn)),
            ltv: other.ltv.and_then(|ltv| rounded(ltv, 2)),
        });
    }
    let compared = items.len();
    items.sort_by(|one, other| {
        other.similarity.total_cmp(&one.similarity).then_with(|| one.customer_id.cmp(&other.customer_id))
    });
    items.truncate(NEAREST);
    Ok(Answer::Known(Similar { items, compared, complete }))
}

/// A customer to compare with, none where nobody is alike, and whether everybody was looked at.
#[derive(FromRow)]
struct Compared {
    customer_id: Option<String>,
    churn: Option<f32>,
    ltv: Option<f32>,
    memberships: Option<Vec<u8>>,
    is_complete: bool,
}
