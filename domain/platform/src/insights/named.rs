//! What is known of whom a ticket names: found by its contact details, and read, in one statement (`named.sql`), because it
//! stands beside every ticket that is opened.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use database::{DbError, Tx};
use sqlx::types::Json;
use sqlx::{FromRow, Row};

use super::customer::{Customer, Stored};
use crate::customers::{self, Compared, Contact, Found, within};

/// Whom a ticket names.
#[derive(Debug)]
pub struct Named {
    /// Whom the shop knows by it.
    pub found: Found,
    /// Where that is one customer, what is known of them.
    pub customer: Option<Customer>,
    /// What the tenant calls archetypes of the customer's segmentation, by their ids.
    pub given: BTreeMap<String, String>,
}

/// The statement with those that it consists of in their places.
static STATEMENT: LazyLock<String> = LazyLock::new(|| {
    include_str!("named.sql")
        .replace("({whom})", &format!("(\n{}\n)", customers::WHOM.trim_end()))
        .replace("({customer})", &within(include_str!("customer.sql"), "found.id"))
});

/// The same as [`customers::of_contact`] and [`super::customer::find`] one after the other (support or platform role).
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, contact: Contact<'_>) -> Result<Named, DbError> {
    let Some(Compared { id, address, desk_id }) = contact.compared() else {
        return Ok(Named { found: Found::Nobody, customer: None, given: BTreeMap::new() });
    };
    let row = sqlx::query(sqlx::AssertSqlSafe(STATEMENT.as_str()))
        .bind(id)
        .bind(address)
        .bind(desk_id)
        .fetch_one(&mut **tx)
        .await?;
    let customer = match row.try_get::<Option<String>, _>("customer_id")? {
        Some(_) => Some(Stored::from_row(&row)?.customer()),
        None => None,
    };
    let given: Option<Json<BTreeMap<String, String>>> = row.try_get("given")?;
    Ok(Named {
        found: Found::of(row.try_get("ids")?),
        customer,
        given: given.map_or_else(BTreeMap::new, |Json(given)| given),
    })
}
