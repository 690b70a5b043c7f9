//! The help desk's own ids of customers: noted when a ticket's customer is found by something else, and what names the customer
//! of a later ticket whose address is missing or new.

use database::{DbError, Tx};

/// A customer who is known by a help desk's id from now on.
#[derive(Clone, PartialEq, Eq)]
pub struct Noted {
    /// The help desk's id.
    pub desk_id: String,
    /// The shop's id.
    pub customer_id: String,
}

/// Notes by which ids the help desk knows customers (support or platform role), in one statement and none for nobody. Who was
/// erased or merged away meanwhile is left out.
///
/// # Errors
/// The database failed.
pub async fn note(tx: &mut Tx, noted: &[Noted]) -> Result<(), DbError> {
    if noted.is_empty() {
        return Ok(());
    }
    sqlx::query("select platform.note_desk_ids($1, $2)")
        .bind(noted.iter().map(|noted| noted.desk_id.as_str()).collect::<Vec<_>>())
        .bind(noted.iter().map(|noted| noted.customer_id.as_str()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
