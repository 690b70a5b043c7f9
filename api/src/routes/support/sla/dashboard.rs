//! How promises were kept over some days: compliance and times by day, team, agent, priority and channel, and what was
//! left at the end of each day.

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use database::Role;
use platform::zone;
use serde::Serialize;
use serde_json::{Value, json};
use support::sla::alerts;
use support::sla::reports::{self, Backlog, Group, Period};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tagged;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// Days in one report, at most.
const MAX_DAYS: i64 = 366;

/// Days that are reported when none are named.
const DEFAULT_DAYS: i64 = 30;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(dashboard))
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dashboard {
    /// The first day.
    from: NaiveDate,
    /// The last day.
    to: NaiveDate,
    /// The zone in which days begin.
    zone: &'static str,
    /// All together, then by day, department, agent, priority and channel, for each kind of clock.
    groups: Vec<GroupView>,
    /// Open and pending tickets at the end of each day.
    backlog: Vec<BacklogView>,
    /// Clocks that are past their due time and run, at this moment.
    breached_now: Number,
}

/// Clocks of one kind that share something.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupView {
    /// The numbers: by, key, kind, ended, met, missed, calendar_median_secs, calendar_p90_secs, business_median_secs,
    /// business_p90_secs, one_touch. Times are without pauses; business times are absent without a calendar.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    group: Group,
    /// Met of those that had a target; none when none had.
    compliance: Option<f64>,
    /// Parameters of GET /api/sla/clocks that list these clocks; with `verdict` those that met or missed.
    #[schema(value_type = Object)]
    rows: Value,
}

/// What was left at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct BacklogView {
    /// The day.
    day: NaiveDate,
    /// Open and pending tickets.
    tickets: i64,
}

/// A number that leads to its rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct Number {
    /// How many.
    count: i64,
    /// The list and its parameters.
    #[schema(value_type = Object)]
    rows: Value,
}

/// How promises were kept.
///
/// Clocks count on the day on which they ended. What was cancelled is left out, and so are first responses to tickets
/// that an agent opened. First and full resolution are two kinds of clock.
#[utoipa::path(
    get,
    path = "/api/sla/dashboard",
    tag = "sla",
    params(
        ("from" = Option<String>, Query, description = "the first day, such as 2026-01-31; 30 days by default"),
        ("to" = Option<String>, Query, description = "the last day; today by default, at most 366 days"),
    ),
    responses(
        (status = 200, description = "the report", body = Dashboard),
        (status = 400, description = "bad days", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn dashboard(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::ReportsRead)?;
    let params = Params::of(&uri, &["from", "to"])?;
    let _place = state.scans.enter().await?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let now = alerts::now(&mut tx).await?;
    let zone = zone::read(&mut tx).await?;
    let period = period(&params, zone, now)?;
    let groups = reports::compliance(&mut tx, &period).await?;
    let backlog = reports::backlog(&mut tx, &period).await?;
    let breached_now = reports::breached_now(&mut tx).await?;
    tx.commit().await?;
    let report = Dashboard {
        from: period.first,
        to: period.last,
        zone: period.zone.name(),
        groups: groups.into_iter().map(|group| group_view(group, &period)).collect(),
        backlog: backlog.into_iter().map(|Backlog { day, tickets }| BacklogView { day, tickets }).collect(),
        breached_now: Number {
            count: breached_now,
            rows: json!({ "path": "/api/sla/breaches", "state": "running" }),
        },
    };
    tagged(&report, &headers)
}

fn group_view(group: Group, period: &Period) -> GroupView {
    let judged = group.met + group.missed;
    let compliance = (judged > 0).then(|| group.met as f64 / judged as f64);
    let (mut from, mut to) = (period.from, period.to);
    let mut rows = json!({ "kind": group.kind });
    match (group.by.as_str(), group.key.as_deref()) {
        ("day", Some(day)) => {
            if let Ok(day) = day.parse::<NaiveDate>() {
                from = zone::start_of(day, period.zone);
                to = zone::start_of(day + TimeDelta::days(1), period.zone);
            }
        }
        ("all", _) | (_, None) => {}
        (by, Some(key)) => rows[by] = json!(key),
    }
    rows["from"] = json!(from);
    rows["to"] = json!(to);
    GroupView { group, compliance, rows }
}

fn period(params: &Params, zone: chrono_tz::Tz, now: DateTime<Utc>) -> Result<Period, Problem> {
    let day = |name: &'static str| -> Result<Option<NaiveDate>, Problem> {
        let Some(text) = params.text(name)? else { return Ok(None) };
        let day = text.parse::<NaiveDate>().ok().filter(|day| (1970..=2199).contains(&day.year()));
        day.map(Some)
            .ok_or_else(|| Problem::bad_request(name, "must be a day from 1970 to 2199, such as 2026-01-31"))
    };
    let today = now.with_timezone(&zone).date_naive();
    let last = day("to")?.unwrap_or(today);
    let first = day("from")?.unwrap_or(last - TimeDelta::days(DEFAULT_DAYS - 1));
    let days = (last - first).num_days() + 1;
    if days < 1 {
        return Err(Problem::bad_request("from", "must not be after `to`"));
    }
    if days > MAX_DAYS {
        return Err(Problem::bad_request("from", format!("at most {MAX_DAYS} days are reported at once")));
    }
    let to = zone::start_of(last + TimeDelta::days(1), zone);
    Ok(Period { from: zone::start_of(first, zone), to, first, last, zone })
}
