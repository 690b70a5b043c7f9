//! Lists of tickets, a page at a time. Each order reads an index of its own: those of work, which are partial, hold only
//! what is open or pending and neither archived, spam nor suspended. What few tickets have is not looked for along an
//! order, where all the others stand in between: it has indexes of its own, and tags a table (`support_app.ticket_tag`).

use chrono::{DateTime, Utc};
use database::ids::{AgentId, TicketId};
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};

use super::full::Whole;
use super::state::Status;
use super::tags;
use super::words::Priority;

/// In which order tickets are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// What matters most first; of tickets in work.
    Smart,
    /// Made last first.
    Newest,
    /// Changed last first.
    Updated,
    /// Who waits longest first; of tickets in work in which somebody waits.
    OldestWaiting,
    /// Whose clock runs out first; of tickets in work that have one.
    Due,
}

impl Order {
    /// Every order.
    pub const ALL: [Order; 5] =
        [Order::Smart, Order::Newest, Order::Updated, Order::OldestWaiting, Order::Due];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Order::Smart => "smart",
            Order::Newest => "newest",
            Order::Updated => "updated",
            Order::OldestWaiting => "oldest_waiting",
            Order::Due => "due",
        }
    }

    /// Whether it is of tickets in work alone.
    pub fn is_of_work(self) -> bool {
        matches!(self, Order::Smart | Order::OldestWaiting | Order::Due)
    }

    /// A ticket's place in it.
    pub fn place(self, ticket: &Whole) -> Place {
        let id = ticket.ticket.id;
        let time = |at: Option<DateTime<Utc>>| Place::Time(at.unwrap_or_default(), id);
        match self {
            Order::Smart => Place::Rank(ticket.rank, id),
            Order::Newest => time(Some(ticket.ticket.created_at)),
            Order::Updated => time(Some(ticket.ticket.updated_at)),
            Order::OldestWaiting => time(ticket.waiting_since),
            Order::Due => time(ticket.sla_due_at),
        }
    }
}

/// A ticket's place in an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// By rank.
    Rank(f64, TicketId),
    /// By a time.
    Time(DateTime<Utc>, TicketId),
}

/// Which tickets are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Any when empty; an order of work lists open and pending alone.
    pub statuses: Vec<Status>,
    /// Whose it is.
    pub assignee: Option<AgentId>,
    /// Nobody's alone.
    pub is_unassigned: bool,
    /// Of this department.
    pub department: Option<String>,
    /// With this tag, in whatever case it is spelled.
    pub tag: Option<String>,
    /// Of one of these priorities; any when empty.
    pub priorities: Vec<Priority>,
    /// Of this channel.
    pub channel: Option<String>,
    /// Of the customer with this id of the shop's.
    pub customer_id: Option<String>,
    /// Of the customer with this address.
    pub customer_email: Option<String>,
    /// Whose clocks are so.
    pub sla_state: Option<String>,
    /// Those that sleep, or those that do not.
    pub is_snoozed: Option<bool>,
    /// Changed at this time or later.
    pub updated_since: Option<DateTime<Utc>>,
    /// What was set aside: tickets marked so, and otherwise none of them.
    pub aside: Option<Aside>,
}

/// What was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// Spam.
    Spam,
    /// Held back.
    Suspended,
    /// Put away.
    Archived,
}

/// What is worked on, word for word as the partial indexes have it.
const IN_WORK: &str = "t.status in ('open', 'pending') and t.archived_at is null and not t.is_spam and t.suspended_reason is null";

/// Tickets with a tag that are all read and put in order; a tag that more have is met often on the way through an order.
const FEW: i64 = 2_000;

/// Bytes of the longest tag that has rows in `support_app.ticket_tag`.
const TAG_BYTES: usize = 1_024;

/// By what a list finds its tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The order's index.
    Order,
    /// The tag's tickets, which stand in the order of their making.
    TagInOrder,
    /// The tag's tickets, which are few.
    FewOfTag,
}

/// Tickets from behind a place, at most `limit` (support role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Whole>, DbError> {
    let spellings = match filter.tag.as_deref() {
        Some(tag) => tags::spellings(tx, tag).await?,
        None => Vec::new(),
    };
    let is_listed = spellings.iter().all(|tag| tag.len() <= TAG_BYTES);
    let way = match spellings.as_slice() {
        [_] if is_listed && order == Order::Newest => Way::TagInOrder,
        [_, ..] if is_listed && have_few(tx, &spellings).await? => Way::FewOfTag,
        _ => Way::Order,
    };
    let mut query = statement(filter, &spellings, order, way, after, limit);
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

async fn have_few(tx: &mut Tx, tags: &[String]) -> Result<bool, DbError> {
    let counted: i64 = sqlx::query_scalar(
        "select count(*) from (
             select from support_app.ticket_tag g
             where g.tenant_id = (select shared.current_tenant()) and g.tag = any($1) limit $2 + 1) counted",
    )
    .bind(tags)
    .bind(FEW)
    .fetch_one(&mut **tx)
    .await?;
    Ok(counted <= FEW)
}

fn statement(
    filter: &Filter,
    spellings: &[String],
    order: Order,
    way: Way,
    after: Option<Place>,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(
        "select t.*, support_app.reply_fault(t.id) as reply_fault from support_app.ticket t",
    );
    if way == Way::TagInOrder {
        // One spelling: its rows stand in the order of the list.
        query
            .push(" join support_app.ticket_tag g on g.ticket_id = t.id")
            .push(" and g.tenant_id = (select shared.current_tenant()) and g.tag = ")
            .push_bind(spellings.first().cloned());
    }
    query.push(" where t.tenant_id = (select shared.current_tenant())");
    if way == Way::FewOfTag {
        query
            .push(" and t.id = any(array(select g.ticket_id from support_app.ticket_tag g")
            .push(" where g.tenant_id = (select shared.current_tenant()) and g.tag = any(")
            .push_bind(spellings.to_vec())
            .push(")))");
    }
    for (place, tag) in spellings.iter().enumerate() {
        query.push(if place == 0 { " and (" } else { " or " }).push_bind(tag.clone()).push(" = any(t.tags)");
    }
    if !spellings.is_empty() {
        query.push(")");
    }
    narrow(&mut query, filter, order);
    let (key, id, direction) = match order {
        Order::Smart => ("t.rank", "t.id", "desc"),
        Order::Newest if way == Way::TagInOrder => ("g.created_at", "g.ticket_id", "desc"),
        Order::Newest => ("t.created_at", "t.id", "desc"),
        Order::Updated => ("t.updated_at", "t.id", "desc"),
        Order::OldestWaiting => ("t.waiting_since", "t.id", "asc"),
        Order::Due => ("t.sla_due_at", "t.id", "asc"),
    };
    if let Some(after) = after {
        let behind = if direction == "desc" { "<" } else { ">" };
        query.push(format_args!(" and ({key}, {id}) {behind} ("));
        match after {
            Place::Rank(rank, id) => query.push_bind(rank).push(", ").push_bind(id),
            Place::Time(at, id) => query.push_bind(at).push(", ").push_bind(id),
        };
        query.push(")");
    }
    query.push(format_args!(" order by {key} {direction}, {id} {direction} limit ")).push_bind(limit);
    query
}

fn narrow(query: &mut QueryBuilder<Postgres>, filter: &Filter, order: Order) {
    // Also where it is said by the statuses: then the partial indexes serve whatever else is asked for.
    let of_live = !filter.statuses.is_empty() && filter.statuses.iter().all(|status| status.is_live());
    let is_of_work = order.is_of_work() || of_live && filter.aside.is_none();
    if is_of_work {
        query.push(format_args!(" and {IN_WORK}"));
    }
    if order == Order::OldestWaiting {
        query.push(" and t.waiting_since is not null");
    }
    if order == Order::Due {
        query.push(" and t.sla_due_at is not null");
    }
    if !filter.statuses.is_empty() {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.name()).collect();
        query
            .push(" and t.status = any(")
            .push_bind(statuses.into_iter().map(str::to_owned).collect::<Vec<_>>())
            .push(")");
    }
    match filter.aside {
        Some(Aside::Spam) => query.push(" and t.is_spam"),
        Some(Aside::Suspended) => query.push(" and t.suspended_reason is not null"),
        Some(Aside::Archived) => query.push(" and t.archived_at is not null"),
        None if is_of_work => query,
        None => query.push(" and t.archived_at is null and not t.is_spam and t.suspended_reason is null"),
    };
    if let Some(assignee) = filter.assignee {
        query.push(" and t.assignee_id = ").push_bind(assignee);
    }
    if filter.is_unassigned {
        query.push(" and t.assignee_id is null");
    }
    for (column, value) in [
        ("department", &filter.department),
        ("channel", &filter.channel),
        ("customer_id", &filter.customer_id),
        ("customer_email", &filter.customer_email),
        ("sla_state", &filter.sla_state),
    ] {
        if let Some(value) = value {
            query.push(format_args!(" and t.{column} = ")).push_bind(value.clone());
        }
    }
    match filter.priorities.as_slice() {
        [] => {}
        // Of one an index has the order.
        [only] => {
            query.push(" and t.priority = ").push_bind(only.name());
        }
        several => {
            let names: Vec<String> = several.iter().map(|priority| priority.name().to_owned()).collect();
            query.push(" and t.priority = any(").push_bind(names).push(")");
        }
    }
    if let Some(is_snoozed) = filter.is_snoozed {
        query.push(if is_snoozed {
            " and t.snoozed_until is not null"
        } else {
            " and t.snoozed_until is null"
        });
    }
    if let Some(since) = filter.updated_since {
        query.push(" and t.updated_at >= ").push_bind(since);
    }
}

/// Tickets of a customer by the shop's id, one of their addresses or what a look found, newest first, from before a place (support role).
///
/// # Errors
/// The database failed.
pub async fn of_customer(
    tx: &mut Tx,
    customer_id: &str,
    addresses: &[String],
    only_in_work: bool,
    before: Option<(DateTime<Utc>, TicketId)>,
    limit: i64,
) -> Result<Vec<Whole>, DbError> {
    let (at, id) = before.unzip();
    Ok(sqlx::query_as(include_str!("of_customer.sql"))
        .bind(customer_id)
        .bind(addresses)
        .bind(at)
        .bind(id)
        .bind(limit)
        .bind(only_in_work)
        .fetch_all(&mut **tx)
        .await?)
}
