//! Lists of tickets.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use axum::http::Uri;
use chrono::DateTime;
use database::Role;
use database::address::compared;
use database::ids::{AgentId, TicketId};
use support::tickets::list::{self, Aside, Filter, Order, Place};
use support::tickets::state::Status;
use support::tickets::words::Priority;

use super::TicketView;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{Params, must_be};

const PARAMETERS: &[&str] = &[
    "order",
    "status",
    "assignee",
    "unassigned",
    "department",
    "tag",
    "priority",
    "channel",
    "customer_id",
    "customer_email",
    "sla_state",
    "snoozed",
    "updated_since",
    "aside",
    "limit",
    "cursor",
];

/// Tickets, a page at a time.
///
/// In the smart order unless another is asked for. The orders smart, oldest_waiting and due are of what is worked on: open
/// and pending tickets that are not set aside.
#[utoipa::path(
    get,
    path = "/api/tickets",
    tag = "tickets",
    params(
        ("order" = Option<String>, Query, description = "smart, newest, updated, oldest_waiting or due"),
        ("status" = Option<String>, Query, description = "open, pending, resolved, closed; several with commas"),
        ("assignee" = Option<String>, Query, description = "an agent's id, or me"),
        ("unassigned" = Option<bool>, Query, description = "true: nobody's"),
        ("department" = Option<String>, Query, description = "who looks after it"),
        ("tag" = Option<String>, Query, description = "has this tag, in whatever case it is written"),
        ("priority" = Option<String>, Query, description = "urgent, high, normal, low; several with commas"),
        ("channel" = Option<String>, Query, description = "through what it is answered"),
        ("customer_id" = Option<String>, Query, description = "the shop's id of the customer"),
        ("customer_email" = Option<String>, Query, description = "the customer's address, also as in `Ann <ann@shop.example>` or with mailto:"),
        ("sla_state" = Option<String>, Query, description = "within_sla, at_risk or breached"),
        ("snoozed" = Option<bool>, Query, description = "true: only those that sleep; false: none of them"),
        ("updated_since" = Option<String>, Query, description = "changed at that time or later"),
        ("aside" = Option<String>, Query, description = "only what was set aside: spam, suspended or archived"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<TicketView>),
        (status = 400, description = "a parameter does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Shown<Page<TicketView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let params = Params::of(&uri, PARAMETERS)?;
    let filter = filter(&params, &caller)?;
    let order = order(&params, &filter)?;
    let request = PageRequest::of(&params)?;
    let after = request.after.as_deref().map(|text| read_place(order, text)).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let tickets = list::list(&mut tx, &filter, order, after, request.limit_and_one()).await?;
    tx.commit().await?;
    let page = request.page(tickets, |ticket| place(order, order.place(ticket)));
    Ok(Shown(Page {
        items: page.items.into_iter().map(TicketView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

fn order(params: &Params, filter: &Filter) -> Result<Order, Problem> {
    let of_work = filter.statuses.iter().all(|status| status.is_live()) && filter.aside.is_none();
    let default = match (of_work, filter.updated_since) {
        (_, Some(_)) => Order::Updated,
        (true, None) => Order::Smart,
        (false, None) => Order::Newest,
    };
    let Some(order) = word(params, "order", &Order::ALL.map(|order| (order.name(), order)))? else {
        return Ok(default);
    };
    if order.is_of_work() && !of_work {
        let problem =
            format!("{} is of tickets that are open or pending and not set aside; take newest", order.name());
        return Err(Problem::bad_request("order", problem));
    }
    Ok(order)
}

fn filter(params: &Params, caller: &Caller) -> Result<Filter, Problem> {
    let assignee = match params.text("assignee")? {
        None => None,
        Some("me") => match caller.agent() {
            Some(agent) => Some(agent),
            None => {
                return Err(Problem::bad_request(
                    "assignee",
                    "a program is nobody's assignee; name an agent's id",
                ));
            }
        },
        Some(_) => params.id("assignee")?.map(AgentId),
    };
    let is_unassigned = flag(params, "unassigned")?.unwrap_or(false);
    if is_unassigned && assignee.is_some() {
        return Err(Problem::bad_request("unassigned", "a ticket that has an assignee is not unassigned"));
    }
    let text = |name| params.word(name).map(|text| text.map(str::to_owned));
    // As it is stored of a ticket, whatever was written around it.
    let address = params.word("customer_email")?;
    let address = address.map(|text| compared(text).unwrap_or_else(|| text.to_lowercase()));
    let aside = [("spam", Aside::Spam), ("suspended", Aside::Suspended), ("archived", Aside::Archived)];
    let states = ["within_sla", "at_risk", "breached"].map(|state| (state, state));
    Ok(Filter {
        statuses: words(params, "status", &Status::ALL.map(|status| (status.name(), status)))?,
        assignee,
        is_unassigned,
        department: text("department")?,
        tag: text("tag")?,
        priorities: words(params, "priority", &Priority::ALL.map(|priority| (priority.name(), priority)))?,
        channel: text("channel")?,
        customer_id: text("customer_id")?,
        customer_email: address,
        sla_state: word(params, "sla_state", &states)?.map(str::to_owned),
        is_snoozed: flag(params, "snoozed")?,
        updated_since: params.time("updated_since")?,
        aside: word(params, "aside", &aside)?,
    })
}

fn word<T: Copy>(params: &Params, name: &'static str, known: &[(&str, T)]) -> Result<Option<T>, Problem> {
    params.text(name)?.map(|text| one_of(name, text, known)).transpose()
}

fn words<T: Copy>(params: &Params, name: &'static str, known: &[(&str, T)]) -> Result<Vec<T>, Problem> {
    params.list(name)?.into_iter().map(|text| one_of(name, text, known)).collect()
}

fn one_of<T: Copy>(name: &'static str, text: &str, known: &[(&str, T)]) -> Result<T, Problem> {
    match known.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let names: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            Err(must_be(name, &format!("among {}", names.join(", ")), text))
        }
    }
}

pub(super) fn flag(params: &Params, name: &'static str) -> Result<Option<bool>, Problem> {
    word(params, name, &[("true", true), ("false", false)])
}

/// The place as the text behind a cursor. It names the order, because a place in another one means nothing.
fn place(order: Order, place: Place) -> String {
    match place {
        Place::Rank(rank, id) => format!("{} {:x} {id}", order.name(), rank.to_bits()),
        Place::Time(at, id) => format!("{} {} {id}", order.name(), at.timestamp_micros()),
    }
}

fn read_place(order: Order, text: &str) -> Result<Place, Problem> {
    let mut parts = text.splitn(3, ' ');
    let (Some(name), Some(key), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad_cursor());
    };
    let id = id.parse().map(TicketId).map_err(|_| bad_cursor())?;
    if name != order.name() {
        return Err(bad_cursor());
    }
    match order {
        Order::Smart => {
            let bits = u64::from_str_radix(key, 16).map_err(|_| bad_cursor())?;
            let rank = Some(f64::from_bits(bits)).filter(|rank| rank.is_finite()).ok_or_else(bad_cursor)?;
            Ok(Place::Rank(rank, id))
        }
        _ => {
            let at = key.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or_else(bad_cursor)?;
            Ok(Place::Time(at, id))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads_on_in_its_own_order_alone() {
        let id = TicketId::new();
        let rank = Place::Rank(-1.25, id);
        assert_eq!(read_place(Order::Smart, &place(Order::Smart, rank)), Ok(rank));
        let at = Place::Time(DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time"), id);
        assert_eq!(read_place(Order::Due, &place(Order::Due, at)), Ok(at));
        assert!(read_place(Order::Newest, &place(Order::Due, at)).is_err());
        for bad in ["", "smart", "smart x y", "smart 7ff8000000000000 x", "due 99999999999999999999 x"] {
            assert!(read_place(Order::Smart, bad).is_err(), "{bad}");
        }
    }
}
