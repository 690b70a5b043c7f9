//! What schema `marketing_app` holds of customers: who is and was in which segment, and an index of the facts, which is made
//! anew.

use database::personal::{self, How, Person, Reached, Store};
use database::{DbError, Tx};

/// Rows of the customer themselves; those of whoever was merged into them come second and go. The keys of the tables begin
/// with segment and evaluation, so that these are named to be found by them.
const MAIN_MEMBER: &str = "t.segment_id = any(array(select s.id from marketing_app.segment s)) \
    and t.customer_id = ($2::text[])[1]";
const MERGED_MEMBER: &str = "t.segment_id = any(array(select s.id from marketing_app.segment s)) \
    and t.customer_id = any(($2::text[])[2:])";
const MAIN_CHANGE: &str = "(t.segment_id, t.evaluation_id) in (select e.segment_id, e.id from marketing_app.segment_evaluation e) \
    and t.customer_id = ($2::text[])[1]";
const MERGED_CHANGE: &str = "(t.segment_id, t.evaluation_id) in (select e.segment_id, e.id from marketing_app.segment_evaluation e) \
    and t.customer_id = any(($2::text[])[2:])";
const RENAMED: How = How::Set(&[("customer_id", "$5")]);

/// Every table of the schema, in the order in which it is erased.
pub static STORES: &[Store] = &[
    Store::delete("marketing_app.segment_member", MERGED_MEMBER),
    Store {
        table: "marketing_app.segment_member",
        rows: MAIN_MEMBER,
        how: RENAMED,
        plain: &[],
        exported: true,
    },
    Store::delete("marketing_app.segment_change", MERGED_CHANGE),
    Store {
        table: "marketing_app.segment_change",
        rows: MAIN_CHANGE,
        how: RENAMED,
        plain: &[],
        exported: true,
    },
    // Places in it are customers in the order of their ids, so it is made anew when one has another.
    of_index("marketing_app.fact_index"),
    of_index("marketing_app.fact_bits"),
    of_index("marketing_app.fact_block"),
    Store::nobody("marketing_app.segment", "rules of the shop"),
    Store::nobody("marketing_app.segment_reference", "rules of the shop"),
    Store::nobody("marketing_app.segment_evaluation", "counts"),
    Store::nobody("marketing_app.segment_count", "counts"),
];

const fn of_index(table: &'static str) -> Store {
    let columns = &["columns", "first_customer", "last_customer"];
    Store { table, rows: "false", how: How::ByHand(columns), plain: &[], exported: false }
}

/// Erases a person in this schema (marketing role). The next count makes the index of the facts anew.
///
/// # Errors
/// The database failed.
pub async fn erase(tx: &mut Tx, person: &Person, reached: &mut Reached) -> Result<(), DbError> {
    personal::erase(tx, STORES, person, reached).await?;
    if person.customers.is_empty() {
        return Ok(());
    }
    // The header first: who finds none counts without an index.
    for (table, statement) in [
        ("marketing_app.fact_index", "delete from marketing_app.fact_index"),
        ("marketing_app.fact_bits", "delete from marketing_app.fact_bits"),
        ("marketing_app.fact_block", "delete from marketing_app.fact_block"),
    ] {
        let gone = sqlx::query(statement).execute(&mut **tx).await?;
        personal::add(reached, table, gone.rows_affected());
    }
    Ok(())
}
