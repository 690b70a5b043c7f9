//! What schema `shared` holds of customers: nothing but lines of the trail that name one by the shop's id.

use database::personal::{self, How, Person, Reached, Store};
use database::{DbError, Tx};

/// Every table of the schema, and what becomes of a customer's words in it.
pub static STORES: &[Store] = &[
    Store::nobody("shared.tenant", "the shop"),
    Store::nobody("shared.api_key", "credentials of programs"),
    Store {
        table: "shared.audit",
        rows: "false",
        how: How::ByHand(&["subject", "detail"]),
        plain: &["actor", "action", "correlation_id"],
        exported: false,
    },
    Store::nobody("shared.integration", "connections of the shop"),
    Store::nobody("shared.login", "people who work at the desk"),
    Store::nobody("shared.session", "people who work at the desk"),
    Store::nobody("shared.login_token", "people who work at the desk"),
    Store::nobody("shared.oidc_flow", "people who work at the desk"),
    Store::nobody("shared.tenant_key", "keys"),
    Store::nobody("shared.master_key", "keys"),
    Store::nobody("shared.shop_account", "connections of the shop"),
    Store::nobody("shared.install_flow", "people who work at the desk"),
];

/// Puts a token where the trail names a person; lines that tell more of them keep their line alone (support role, by a
/// function of the owner's, because nobody else may change the trail).
///
/// # Errors
/// The database failed.
pub async fn erase(tx: &mut Tx, person: &Person, reached: &mut Reached) -> Result<(), DbError> {
    let lines: i64 = sqlx::query_scalar("select shared.forget_in_trail($1, $2, $3)")
        .bind(&person.customers)
        .bind(person.patterns())
        .bind(&person.token)
        .fetch_one(&mut **tx)
        .await?;
    personal::add(reached, "shared.audit", lines.unsigned_abs());
    Ok(())
}
