//! The shop's customers as a reply needs them: who writes, and what they have bought.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{FromRow, Row};

use database::{DbError, Tx};

use crate::identities::normal::{self, Id};
use crate::orders::statement::ID_LIMIT;
use crate::zone;

/// What is said of a text that is no id of a customer.
pub const NO_ID: &str = "must have 1 to 128 characters";

/// Whether a text may be a shop's id of a customer.
pub fn is_id(text: &str) -> bool {
    (1..=ID_LIMIT).contains(&text.chars().count()) && !text.contains('\0')
}

/// Whom a help desk's contact details name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody whom the shop knows.
    Nobody,
    /// One customer, by their id.
    One(String),
    /// Several who share the address, at most ten of them. Telling one about another's orders would be worse than knowing
    /// nothing.
    Several(Vec<String>),
}

impl Found {
    /// Of the customers' ids.
    pub(crate) fn of(mut ids: Vec<String>) -> Found {
        match ids.len() {
            0 => Found::Nobody,
            1 => ids.pop().map_or(Found::Nobody, Found::One),
            _ => Found::Several(ids),
        }
    }
}

/// What a ticket tells of its customer.
#[derive(Clone, Copy, Default)]
pub struct Contact<'c> {
    /// The shop's own id.
    pub customer_id: Option<&'c str>,
    /// The e-mail address.
    pub email: Option<&'c str>,
    /// The help desk's id.
    pub desk_id: Option<&'c str>,
}

impl Contact<'_> {
    /// As it is compared; none when there is nothing by which anybody is found. By a rounded id nobody is.
    pub(crate) fn compared(&self) -> Option<Compared> {
        let id = self.customer_id.and_then(normal::id).and_then(|id| match id {
            Id::Exact(id) => Some(id),
            Id::Rounded(_) => None,
        });
        let desk_id = self.desk_id.filter(|id| is_id(id)).map(str::to_owned);
        let compared = Compared { id, address: self.email.and_then(normal::email), desk_id };
        let is_nothing = compared.id.is_none() && compared.address.is_none() && compared.desk_id.is_none();
        (!is_nothing).then_some(compared)
    }
}

/// The parameters of [`WHOM`].
pub(crate) struct Compared {
    pub(crate) id: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) desk_id: Option<String>,
}

/// Whom a ticket's contact details name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// Whom the shop knows by them.
    pub found: Found,
    /// Whether the help desk's id is not noted as theirs yet, see [`crate::identities::desk::note`].
    pub is_news: bool,
}

/// `whom.sql` with the statements that it consists of in their places.
pub(crate) static WHOM: LazyLock<String> = LazyLock::new(|| {
    include_str!("whom.sql")
        .replace("({by_id})", &within(include_str!("find_by_id.sql"), "$1"))
        .replace("({by_email})", &within(include_str!("find_by_email.sql"), "$2"))
        .replace("({by_desk})", &within(include_str!("find_by_desk.sql"), "$3"))
});

/// A statement of one parameter as a part of another one.
pub(crate) fn within(statement: &str, parameter: &str) -> String {
    format!("(\n{}\n)", statement.trim_end().replace("$1", parameter))
}

/// The shop's customer by what a help desk knows of them: the shop's own id, else the e-mail address, else the help desk's own
/// id where it is one customer's (support or platform role). Whoever was merged is who they are now.
///
/// # Errors
/// The database failed.
pub async fn of_contact(tx: &mut Tx, contact: Contact<'_>) -> Result<Whom, DbError> {
    let Some(Compared { id, address, desk_id }) = contact.compared() else {
        return Ok(Whom { found: Found::Nobody, is_news: false });
    };
    let row = sqlx::query(sqlx::AssertSqlSafe(WHOM.as_str()))
        .bind(id)
        .bind(address)
        .bind(desk_id)
        .fetch_one(&mut **tx)
        .await?;
    Ok(Whom { found: Found::of(row.try_get("ids")?), is_news: row.try_get("is_news")? })
}

/// The same where no help desk tells of them.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, customer_id: Option<&str>, email: Option<&str>) -> Result<Found, DbError> {
    Ok(of_contact(tx, Contact { customer_id, email, desk_id: None }).await?.found)
}

/// What a customer has bought, as of a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// The shop's id.
    pub customer_id: String,
    /// Orders that are not returns.
    pub orders: i32,
    /// Money spent, net of returns, in `currency`.
    pub spend: Decimal,
    /// ISO 4217 code of the currency most lines are in; sums count those lines only.
    pub currency: String,
    /// Value returned, as a positive amount.
    pub returned_value: Decimal,
    /// First order that is not a return.
    pub first_order_at: Option<DateTime<Utc>>,
    /// Last order that is not a return.
    pub last_order_at: Option<DateTime<Utc>>,
    /// Mean value of an order before returns.
    pub mean_order_value: Option<Decimal>,
    /// Days since the last order, by the shop's days.
    pub recency_days: Option<i64>,
    /// The last orders, newest first.
    pub recent_orders: Vec<RecentOrder>,
}

/// One order, the sum of its lines.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct RecentOrder {
    /// The shop's order number.
    pub order_id: String,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// Sum of its lines; negative for a return.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
    /// How many lines it has.
    pub lines: i64,
    /// Whether it is a return.
    pub is_return: bool,
}

/// A customer's profile as of `now`, with the last `recent` orders (support or platform role); none when nothing
/// was ever imported for them.
pub async fn profile(
    tx: &mut Tx,
    customer_id: &str,
    now: DateTime<Utc>,
    recent: u32,
) -> Result<Option<Profile>, DbError> {
    let stored: Option<Stored> = sqlx::query_as(
        "select orders, spend, currency, returned_value, first_order_at, last_order_at, mean_order_value
         from platform.customer_profile where tenant_id = shared.current_tenant() and customer_id = $1",
    )
    .bind(customer_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(stored) = stored else { return Ok(None) };
    let zone = zone::read(tx).await?;
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    Ok(Some(Profile {
        customer_id: customer_id.to_owned(),
        orders: stored.orders,
        spend: stored.spend,
        currency: stored.currency,
        returned_value: stored.returned_value,
        first_order_at: stored.first_order_at,
        last_order_at: stored.last_order_at,
        mean_order_value: stored.mean_order_value,
        recency_days: stored.last_order_at.map(|last| (day(now) - day(last)).num_days().max(0)),
        recent_orders: recent_orders(tx, customer_id, recent).await?,
    }))
}

/// A profile as it is stored.
#[derive(FromRow)]
struct Stored {
    orders: i32,
    spend: Decimal,
    currency: String,
    returned_value: Decimal,
    first_order_at: Option<DateTime<Utc>>,
    last_order_at: Option<DateTime<Utc>>,
    mean_order_value: Option<Decimal>,
}

async fn recent_orders(tx: &mut Tx, customer_id: &str, limit: u32) -> Result<Vec<RecentOrder>, DbError> {
    Ok(sqlx::query_as(
        "select order_id, min(ordered_at) as ordered_at, sum(amount) as amount, currency, count(*) as lines,
                bool_and(is_return) as is_return
         from platform.order_line
         where tenant_id = shared.current_tenant() and customer_id = $1 and counts is not false
         group by order_id, currency order by 2 desc, 1 desc limit $2",
    )
    .bind(customer_id)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?)
}
