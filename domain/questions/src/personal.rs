//! What schema `questions_app` holds of customers: what colleagues asked about one, and what was answered. Such a
//! conversation goes as a whole, because its other questions may mean the same customer; all go a day after their last
//! question.

use database::personal::{self, Person, Reached, Store};
use database::{DbError, Tx};

/// Conversations in which a question or an answer has a word of the person in it, a call names them by the shop's id, or a
/// question has such an id in it that is no short word or number.
macro_rules! about_them {
    () => {
        "(select e.conversation_id from questions_app.exchange e \
          where lower(e.question) like any($4) or lower(e.answer::text) like any($4) or lower(e.last_call::text) like any($4) \
             or exists (select from unnest($2::text[]) c (id) \
                 where jsonb_path_exists(e.last_call, '$.**.customer_id ? (@ == $id)', jsonb_build_object('id', c.id)) \
                    or jsonb_path_exists(e.answer, '$.**.customer_id ? (@ == $id)', jsonb_build_object('id', c.id)) \
                    or char_length(c.id) >= 4 and strpos(lower(e.question), lower(c.id)) > 0))"
    };
}

/// Every table of the schema. Exchanges go with their conversations.
pub static STORES: &[Store] = &[
    Store::delete("questions_app.conversation", concat!("t.id in ", about_them!())),
    Store::delete("questions_app.exchange", concat!("t.conversation_id in ", about_them!())),
    // It names a customer by the shop's id, and goes after ten minutes in any case.
    Store::delete(
        "questions_app.tool_call",
        "t.call #>> '{arguments,customer_id}' = any($2) or lower(t.answer::text) like any($4)",
    ),
    // It has anonymised ids alone; all of a tenant's go when anybody is erased, see below.
    Store::delete("questions_app.report", "lower(t.whole::text) like any($4)"),
    Store::nobody("questions_app.call_taken_back", "numbers of requests, for a minute"),
    Store::nobody("questions_app.policy", "a setting"),
    Store::nobody("questions_app.ai_usage", "counts"),
];

/// Erases a person in this schema (marketing role).
///
/// # Errors
/// The database failed.
pub async fn erase(tx: &mut Tx, person: &Person, reached: &mut Reached) -> Result<(), DbError> {
    personal::erase(tx, STORES, person, reached).await?;
    // A list may have had the person in it by an id that tells nothing: it is made anew without them.
    sqlx::query("delete from questions_app.report where tenant_id = (select shared.current_tenant())")
        .execute(&mut **tx)
        .await?;
    Ok(())
}
