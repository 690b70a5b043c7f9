//! The values of a ticket's variables, out of what the desk knows; what others know of the customer's last order is given.

use chrono::{DateTime, NaiveDate, Utc};
use database::Tx;
use database::ids::{AgentId, TicketId};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::variables::Values;
use crate::tickets::TicketError;

/// The customer's last order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastOrder {
    /// The shop's number of it.
    pub number: String,
    /// The day on which it was placed, where the shop is.
    pub on: NaiveDate,
    /// What it was worth.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

#[derive(FromRow)]
struct Row {
    number: i64,
    subject: Option<String>,
    status: String,
    created_at: DateTime<Utc>,
    customer_name: Option<String>,
    customer_email: Option<String>,
    custom: Json<serde_json::Map<String, Value>>,
    assignee: Option<String>,
    agent: Option<String>,
    shop: Option<String>,
}

/// The values for a ticket that `agent` answers, or whoever has it when nobody in particular does (support role).
///
/// # Errors
/// There is no such ticket, or the database failed.
pub async fn of(
    tx: &mut Tx,
    ticket: TicketId,
    agent: Option<AgentId>,
    shop_name: &str,
    order: Option<&LastOrder>,
) -> Result<Values, TicketError> {
    let row: Option<Row> = sqlx::query_as(
        "select t.number, t.subject, t.status, t.created_at, t.customer_name, t.customer_email, t.custom,
                (select a.name from support_app.agent a where a.id = t.assignee_id) as assignee,
                (select a.name from support_app.agent a where a.id = $2) as agent, $3::text as shop
         from support_app.ticket t where t.id = $1",
    )
    .bind(ticket)
    .bind(agent)
    .bind(shop_name)
    .fetch_optional(&mut **tx)
    .await?;
    let row = row.ok_or(TicketError::Unknown("ticket"))?;
    let mut values = Values::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            values.insert(name.to_owned(), value);
        }
    };
    let first = |name: &Option<String>| name.as_deref().and_then(first_word);
    put("customer.first_name", first(&row.customer_name));
    put("customer.name", row.customer_name);
    put("customer.email", row.customer_email);
    put("ticket.number", Some(row.number.to_string()));
    put("ticket.subject", row.subject);
    put("ticket.status", Some(row.status));
    put("ticket.created_on", Some(row.created_at.date_naive().to_string()));
    let agent = row.agent.or(row.assignee);
    put("agent.first_name", first(&agent));
    put("agent.name", agent);
    put("shop.name", row.shop);
    if let Some(order) = order {
        put("order.number", Some(order.number.clone()));
        put("order.date", Some(order.on.to_string()));
        put("order.amount", Some(order.amount.clone()));
        put("order.currency", Some(order.currency.clone()));
    }
    for (key, value) in row.custom.0 {
        let text = match value {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => Some(other.to_string()),
        };
        put(&format!("custom.{key}"), text);
    }
    Ok(values)
}

/// The first word of a name, unless it is an address: nobody is greeted by one.
fn first_word(name: &str) -> Option<String> {
    let word = name.split_whitespace().next()?;
    (!word.contains('@')).then(|| word.trim_end_matches(',').to_owned())
}
