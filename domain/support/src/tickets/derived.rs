//! What is derived of a ticket and stands in its row, so that lists and the order find it by an index.
//!
//! The row stands in some thirty indexes, each of which gets an entry whenever it is written. So the steps of
//! [`crate::settle`] hand on what they find, and one statement stores all of it, where it says something else.

use database::{DbError, Tx};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::analysis::Said;
use crate::order::facts::Known;
use crate::order::place::Place;
use crate::settle::Spoken;
use crate::sla::store::Due;

/// New values of a ticket's columns, by their names. What is none stays as it is stored.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Derived {
    /// Who is behind it.
    #[serde(flatten)]
    pub(crate) known: Option<Known>,
    /// Who wrote when.
    #[serde(flatten)]
    pub(crate) spoken: Option<Spoken>,
    /// Its clocks.
    #[serde(flatten)]
    pub(crate) due: Option<Due>,
    /// What its messages say.
    #[serde(flatten)]
    pub(crate) said: Option<Said>,
    /// Its place in the order.
    #[serde(flatten)]
    pub(crate) place: Option<Place>,
}

/// Stores what was derived of tickets that are held (support role); answers how many of them have another place in the
/// order than before.
///
/// # Errors
/// The database failed.
pub(crate) async fn write(tx: &mut Tx, derived: &[(Uuid, Derived)]) -> Result<u64, DbError> {
    if derived.is_empty() {
        return Ok(0);
    }
    let (ids, told): (Vec<Uuid>, Vec<Json<&Derived>>) =
        derived.iter().map(|(ticket, derived)| (*ticket, Json(derived))).unzip();
    let written: Vec<bool> =
        sqlx::query_scalar(include_str!("derived.sql")).bind(ids).bind(told).fetch_all(&mut **tx).await?;
    Ok(written.into_iter().filter(|has_moved| *has_moved).count() as u64)
}
