//! The bit index: a rule is counted over a million customers in milliseconds by AND, OR and NOT of long bit strings.
//!
//! Every column is kept as a bit-sliced index (O'Neil and Quass, "Improved Query Performance with Variant Indexes",
//! SIGMOD 1997): one vector for each bit of the column's key above its lowest key, one bit for each customer. A
//! comparison costs as many operations as the key has bits. The vectors lie in blocks of 65,536 customers, so
//! memory stays bounded while the index is made, and a block's customers are a range of ids.
//!
//! The index is made from one state of the facts. Rows that were brought up to date since are corrected for: what
//! matched before is subtracted, what matches now is added ([`super::count`]).

pub mod build;
pub mod expression;
mod varbit;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::column::Column;
use database::ids::TenantId;
use database::{DbError, Tx};

/// Vectors that a column may have; the last one marks the customers whose value is known.
const PER_COLUMN: i16 = 64;

/// Changed rows from which on an index is made anew rather than corrected further.
pub const MANY_CHANGES: i64 = 5_000;

/// How a column lies in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The lowest key; vectors count from here.
    pub lowest: i64,
    /// How many bits the highest key above it has.
    pub bits: i16,
    /// Whether values are missing, so that there is a vector of those that are known.
    pub has_missing: bool,
    /// The values of a text column in the order of their keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
}

/// What is known of a tenant's index.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Header {
    /// The run whose facts it has.
    #[sqlx(rename = "run_id")]
    pub run: Uuid,
    /// The version of the facts that it has.
    #[sqlx(rename = "facts_version")]
    pub version: i64,
    /// Its columns by name; a column that is not here cannot be asked by bits.
    #[sqlx(json)]
    pub columns: BTreeMap<String, Layout>,
}

impl Header {
    /// The column's layout, if it is indexed.
    pub fn layout(&self, column: Column) -> Option<&Layout> {
        self.columns.get(column.name())
    }
}

/// The tenant's index, if there is one (marketing role).
pub async fn header(tx: &mut Tx, tenant: TenantId) -> Result<Option<Header>, DbError> {
    Ok(sqlx::query_as(
        "select run_id, facts_version, columns from marketing_app.fact_index where tenant_id = $1",
    )
    .bind(tenant)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The number of a column's vector: of its bits from the lowest, or of the known values.
fn vector(column: Column, slice: i16) -> i16 {
    let place = Column::all().position(|other| other == column).unwrap_or_default();
    i16::try_from(place).unwrap_or_default() * PER_COLUMN + slice
}

/// The vector of those whose value is known.
fn known_vector(column: Column) -> i16 {
    vector(column, PER_COLUMN - 1)
}
