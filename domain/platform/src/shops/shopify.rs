//! Shopify's two ways to write the same: nodes of GraphQL, and the bodies of webhooks. Each is read field by field; amounts are
//! those in the shop's own currency, whatever the buyer saw, so an order never has several.

mod node;
mod webhook;

use std::str::FromStr;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

pub use node::{customer as customer_of_node, order as order_of_node, product as product_of_node};
pub use webhook::{
    customer as customer_of_webhook, order as order_of_webhook, product as product_of_webhook,
};

use super::order::{label, short};
use crate::orders::statement::{EMAIL_LIMIT, Party, Payment};

/// Refunds that come with an order of a page or a file: with so many there may be more, and it is asked for by its id.
pub const REFUNDS_OF_PAGES: usize = 5;
/// Refunds that come with an order that is asked for by its id.
pub const REFUNDS_OF_ONE: usize = 25;

/// The number at the end of `gid://shopify/Order/450789469`, or the id itself.
pub fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => short(text.rsplit('/').next().unwrap_or(text)),
        _ => None,
    }
}

/// A value at a path of names; null where there is none.
fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |value, name| &value[name])
}

fn text(value: &Value) -> Option<String> {
    value.as_str().and_then(label)
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(value.as_str()?).ok()?.to_utc();
    // Beyond these Postgres would store it and nothing would be right about it.
    let year = chrono::Datelike::year(&time);
    (1970..2200).contains(&year).then_some(time)
}

/// An amount as a text or a number; one that cannot be read is none.
fn money(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
}

/// So large that it is refused where numbers are judged: an amount that was there and could not be read.
fn unreadable() -> Decimal {
    Decimal::MAX
}

fn needed(value: &Value) -> Decimal {
    money(value).unwrap_or_else(unreadable)
}

/// An amount of which nothing is said where there is none.
fn or_nothing(value: &Value) -> Decimal {
    if value.is_null() { Decimal::ZERO } else { needed(value) }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn email(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty() && text.chars().count() <= EMAIL_LIMIT && !text.chars().any(char::is_control))
        .then(|| text.to_owned())
}

fn name(first: &Value, last: &Value) -> Option<String> {
    label(&format!("{} {}", first.as_str().unwrap_or_default(), last.as_str().unwrap_or_default()))
}

/// The party of an order: what its customer is known by, else what the order itself says.
fn party(customer: Option<Party>, order_email: &Value, order_phone: &Value) -> Party {
    let known = customer.unwrap_or_default();
    Party {
        email: known.email.or_else(|| email(order_email)),
        phone: known.phone.or_else(|| text(order_phone)),
        ..known
    }
}

fn payment(status: &Value) -> Payment {
    match status.as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
        "pending" => Payment::Pending,
        "authorized" => Payment::Authorized,
        "partially_paid" => Payment::PartlyPaid,
        "paid" => Payment::Paid,
        "partially_refunded" => Payment::PartlyRefunded,
        "refunded" => Payment::Refunded,
        "voided" => Payment::Voided,
        "expired" => Payment::Failed,
        _ => Payment::Placed,
    }
}

/// When all of an order was sent: with its last parcel.
fn fulfilled(status: &Value, parcels: &[Value], created: &str) -> Option<DateTime<Utc>> {
    let is_whole = status.as_str().is_some_and(|status| status.eq_ignore_ascii_case("fulfilled"));
    let is_sent = |parcel: &&Value| {
        parcel["status"].as_str().is_none_or(|status| status.eq_ignore_ascii_case("success"))
    };
    parcels.iter().filter(is_sent).filter_map(|parcel| time(&parcel[created])).max().filter(|_| is_whole)
}

/// The currency of a shop's amounts.
fn currency(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().to_owned()
}

/// Orders whose body lists as many as are read of one thing may have more.
fn is_full(list: &[Value], limit: usize) -> bool {
    list.len() >= limit
}
