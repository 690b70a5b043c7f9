//! Clocks as lists: at risk, breached with the reason, and the rows behind each number of the dashboard.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::Role;
use serde::Serialize;
use support::sla::breaches::{self, ClockRow, Filter, Listed, Place, Why};
use support::sla::{alerts, policy::ClockKind};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{may_read, tagged, within_calendars};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(at_risk)).routes(routes!(breached)).routes(routes!(ended))
}

const KNOWN: [&str; 11] = [
    "kind",
    "verdict",
    "state",
    "department",
    "agent",
    "priority",
    "channel",
    "from",
    "to",
    "cursor",
    "limit",
];

/// Breaches on a page, at most: each is explained.
const MAX_EXPLAINED: i64 = 50;

/// A clock in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedClock {
    /// The clock with its ticket: kind, seq, state, standing, verdict, started_at, due_at, ended_at, target_minutes;
    /// ticket_id, number, subject, status, priority, channel, department, assignee_id.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    clock: ClockRow,
    /// Where its time went and who had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    why: Option<Why>,
}

/// Clocks that run and of which 80 % or more has elapsed, those that run out first before the others.
#[utoipa::path(
    get,
    path = "/api/sla/at-risk",
    tag = "sla",
    params(
        ("kind" = Option<String>, Query, description = "first_response, next_response, resolution or first_resolution"),
        ("department" = Option<String>, Query, description = "the ticket's; `none` for those without"),
        ("agent" = Option<String>, Query, description = "whose the ticket is; `none` for nobody's"),
        ("priority" = Option<String>, Query, description = "urgent, high, normal or low"),
        ("channel" = Option<String>, Query, description = "the ticket's"),
        ("from" = Option<String>, Query, description = "due at this time or later"),
        ("to" = Option<String>, Query, description = "due before"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<ListedClock>),
        (status = 400, description = "a bad filter", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn at_risk(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    list(&state, &caller, &uri, &headers, Listed::AtRisk).await
}

/// Clocks that ran past their due time, the newest first, with where the time went and who had the ticket.
#[utoipa::path(
    get,
    path = "/api/sla/breaches",
    tag = "sla",
    params(
        ("kind" = Option<String>, Query, description = "first_response, next_response, resolution or first_resolution"),
        ("state" = Option<String>, Query, description = "running, paused or ended"),
        ("department" = Option<String>, Query, description = "the ticket's; `none` for those without"),
        ("agent" = Option<String>, Query, description = "whose the ticket is; `none` for nobody's"),
        ("priority" = Option<String>, Query, description = "urgent, high, normal or low"),
        ("channel" = Option<String>, Query, description = "the ticket's"),
        ("from" = Option<String>, Query, description = "due at this time or later"),
        ("to" = Option<String>, Query, description = "due before"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default and as explained at most"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<ListedClock>),
        (status = 400, description = "a bad filter", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn breached(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    list(&state, &caller, &uri, &headers, Listed::Breached).await
}

/// Clocks that ended, the newest first: the rows behind the numbers of the dashboard, each of which names its filter.
#[utoipa::path(
    get,
    path = "/api/sla/clocks",
    tag = "sla",
    params(
        ("kind" = Option<String>, Query, description = "first_response, next_response, resolution or first_resolution"),
        ("verdict" = Option<String>, Query, description = "met, missed, cancelled or none"),
        ("department" = Option<String>, Query, description = "the ticket's; `none` for those without"),
        ("agent" = Option<String>, Query, description = "whose the ticket is; `none` for nobody's"),
        ("priority" = Option<String>, Query, description = "urgent, high, normal or low"),
        ("channel" = Option<String>, Query, description = "the ticket's"),
        ("from" = Option<String>, Query, description = "ended at this time or later"),
        ("to" = Option<String>, Query, description = "ended before"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<ListedClock>),
        (status = 400, description = "a bad filter", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn ended(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    list(&state, &caller, &uri, &headers, Listed::Ended).await
}

async fn list(
    state: &AppState,
    caller: &Caller,
    uri: &Uri,
    headers: &HeaderMap,
    listed: Listed,
) -> Result<Response, Problem> {
    may_read(caller)?;
    let params = Params::of(uri, &KNOWN)?;
    let mut page = PageRequest::of(&params)?;
    if listed == Listed::Breached {
        page.limit = page.limit.min(MAX_EXPLAINED);
    }
    let filter = filter(&params)?;
    let after = page.after.as_deref().map(read_place).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let now = alerts::now(&mut tx).await?;
    let rows = breaches::list(&mut tx, listed, &filter, after.as_ref(), page.limit_and_one()).await?;
    let shown = page.page(rows, |row| write_place(&row.place(listed)));
    let mut why = match listed {
        Listed::Breached => breaches::why(&mut tx, &shown.items, now).await?,
        Listed::AtRisk | Listed::Ended => Default::default(),
    };
    tx.commit().await?;
    let items = shown.items.into_iter().map(|clock| ListedClock {
        why: why.remove(&(clock.ticket_id, clock.kind.clone(), clock.seq)),
        clock,
    });
    tagged(&Page { items: items.collect(), next_cursor: shown.next_cursor }, headers)
}

fn filter(params: &Params) -> Result<Filter, Problem> {
    let one_of = |name: &'static str, known: &[&str]| match params.text(name)? {
        Some(text) if !known.contains(&text) => {
            Err(Problem::bad_request(name, format!("must be one of {}", known.join(", "))))
        }
        text => Ok(text.map(str::to_owned)),
    };
    let text = |name: &'static str| match params.text(name)? {
        Some(text) if text.contains('\0') => Err(Problem::bad_request(name, "must have no NUL")),
        text => Ok(text.map(str::to_owned)),
    };
    let time = |name: &'static str| params.time(name)?.map(|at| within_calendars(name, at)).transpose();
    let agent = match params.text("agent")? {
        None | Some("none") => params.text("agent")?.map(str::to_owned),
        Some(_) => params.id("agent")?.map(|id| id.to_string()),
    };
    Ok(Filter {
        kind: one_of("kind", &ClockKind::ALL.map(ClockKind::name))?,
        verdict: one_of("verdict", &["met", "missed", "cancelled", "none"])?,
        state: one_of("state", &["running", "paused", "ended"])?,
        department: text("department")?,
        agent,
        priority: one_of("priority", &["urgent", "high", "normal", "low"])?,
        channel: text("channel")?,
        from: time("from")?,
        to: time("to")?,
    })
}

fn write_place(place: &Place) -> String {
    format!("{} {} {} {}", place.at.timestamp_micros(), place.ticket, place.kind, place.seq)
}

fn read_place(text: &str) -> Result<Place, Problem> {
    let mut parts = text.split(' ');
    let mut part = || parts.next().ok_or_else(bad_cursor);
    let at: Option<DateTime<Utc>> = part()?.parse().ok().and_then(DateTime::from_timestamp_micros);
    let place = Place {
        at: within_calendars("cursor", at.ok_or_else(bad_cursor)?).map_err(|_| bad_cursor())?,
        ticket: part()?.parse().map_err(|_| bad_cursor())?,
        kind: part()?.to_owned(),
        seq: part()?.parse().map_err(|_| bad_cursor())?,
    };
    match parts.next() {
        None => Ok(place),
        Some(_) => Err(bad_cursor()),
    }
}
