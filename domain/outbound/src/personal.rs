//! What schema `outbound` holds of customers: the shop's id in events about them, and what other systems answered when they
//! were told. Events, deliveries and alerts stay under a token that names nobody.

use database::personal::{self, How, Person, Reached, Store};
use database::{DbError, Tx};

/// What events about a person's customers and tickets are about.
macro_rules! customers {
    () => {
        "array(select 'customer:' || c.id from unnest($2::text[]) c (id))"
    };
}

/// Answers to what was told of them, and answers that have a word of theirs in them.
const ANSWERS: &str = concat!(
    "t.delivery_id in (select d.id from outbound.webhook_delivery d join outbound.event e on e.id = d.event_id \
         where e.subject = any(",
    customers!(),
    ") or e.subject = any(array(select 'ticket:' || k.id from unnest($1::uuid[]) k (id))) \
         or e.data ->> 'customer_id' = any($2)) \
     or lower(t.response_body) like any($4) or lower(t.response_headers::text) like any($4)"
);
const EVENTS: &str = concat!("t.subject = any(", customers!(), ") or t.data ->> 'customer_id' = any($2)");
const RENAMED: How = How::Set(&[
    ("subject", "case when t.subject like 'customer:%' then 'customer:' || $5::text else t.subject end"),
    (
        "data",
        "case when t.data ->> 'customer_id' = any($2) then t.data || jsonb_build_object('customer_id', $5::text) \
         else t.data end",
    ),
]);

/// Every table of the schema, in the order in which it is erased: answers are found by their events, so these come last.
pub static STORES: &[Store] = &[
    Store {
        table: "outbound.attempt",
        rows: ANSWERS,
        how: How::Set(&[("response_body", "null"), ("response_headers", "'{}'::jsonb")]),
        // Errors are sentences of ours.
        plain: &["outcome", "error", "request_headers"],
        exported: false,
    },
    Store::delete("outbound.thread", concat!("t.subject = any(", customers!(), ")")),
    // What waits is told of the token.
    Store { table: "outbound.outbox", rows: EVENTS, how: RENAMED, plain: &["type"], exported: true },
    Store { table: "outbound.event", rows: EVENTS, how: RENAMED, plain: &["type"], exported: true },
    Store::nobody("outbound.webhook_delivery", "ids, states, and errors in words of ours"),
    Store::nobody("outbound.alert", "ids, channels, states, and errors in words of fixed lists"),
    Store::nobody("outbound.endpoint", "a setting"),
    Store::nobody("outbound.alert_rule", "a setting"),
    Store::nobody("outbound.workspace", "connections of the shop"),
    Store::nobody("outbound.install", "people who work at the desk"),
    Store::nobody("outbound.heard", "ids of requests of a chat"),
];

/// Erases a person in this schema (outbound role).
///
/// # Errors
/// The database failed.
pub async fn erase(tx: &mut Tx, person: &Person, reached: &mut Reached) -> Result<(), DbError> {
    personal::erase(tx, STORES, person, reached).await
}
