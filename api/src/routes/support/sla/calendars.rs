//! Opening hours. Every change holds from its instant on, so what counted in the past stays counted.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::sla::alerts;
use support::sla::calendars::{self, Draft, StoredCalendar};
use support::sla::hours::{DaySpec, HoursSpec, WeekSpec};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{expected_version, may_read, recount, refused, tagged, versioned};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{query, trail};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change))
}

/// A calendar to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCalendar {
    /// 1 to 100 characters, unique without regard to case.
    name: String,
    /// IANA name of the time zone.
    zone: String,
    /// By day (mon to sun) the opening spans, such as `[["09:00", "12:00"], ["13:00", "24:00"]]`.
    #[serde(default)]
    #[schema(value_type = Object)]
    week: WeekSpec,
    /// Days that are not as their day of the week: `date`, `name`, and `open` when they are open at other times.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    holidays: Vec<DaySpec>,
    /// Reports count business time by it where a target names no calendar. The first calendar is it.
    #[serde(default)]
    is_default: bool,
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarChange {
    /// 1 to 100 characters, unique without regard to case.
    #[serde(default)]
    name: Option<String>,
    /// IANA name of the time zone.
    #[serde(default)]
    zone: Option<String>,
    /// Replaces the whole week.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    week: Option<WeekSpec>,
    /// Replaces all of them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    holidays: Option<Vec<DaySpec>>,
    /// True makes it the tenant's own.
    #[serde(default)]
    is_default: Option<bool>,
}

/// A calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarView {
    /// The calendar.
    id: Uuid,
    /// Grows with every change.
    version: i32,
    /// For people.
    name: String,
    /// Whether it is the tenant's own.
    is_default: bool,
    /// From when on these hours hold.
    valid_from: DateTime<Utc>,
    /// IANA name of the time zone.
    zone: String,
    /// The opening spans by day.
    #[schema(value_type = Object)]
    week: WeekSpec,
    /// Days that are not as their day of the week.
    #[schema(value_type = Vec<Object>)]
    holidays: Vec<DaySpec>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was changed.
    updated_at: DateTime<Utc>,
}

impl From<StoredCalendar> for CalendarView {
    fn from(stored: StoredCalendar) -> CalendarView {
        CalendarView {
            id: stored.id,
            version: stored.version,
            name: stored.name,
            is_default: stored.is_default,
            valid_from: stored.valid_from,
            zone: stored.hours.zone,
            week: stored.hours.week,
            holidays: stored.hours.holidays,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// All calendars by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarList {
    /// The calendars.
    items: Vec<CalendarView>,
}

/// A calendar that was stored, and the job that brings open tickets up to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedCalendar {
    /// The calendar.
    calendar: CalendarView,
    /// As in GET /api/jobs/{id}; none for a new calendar, which no policy names yet.
    recount_job_id: Option<Uuid>,
}

/// The tenant's calendars by name.
#[utoipa::path(
    get,
    path = "/api/sla/calendars",
    tag = "sla",
    params(("If-None-Match" = Option<String>, Header, description = "the ETag of the list that is known")),
    responses((status = 200, description = "all of them", body = CalendarList), (status = 304, description = "nothing changed")),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    may_read(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = calendars::list(&mut tx).await?;
    tx.commit().await?;
    tagged(&CalendarList { items: stored.into_iter().map(CalendarView::from).collect() }, &headers)
}

/// Make a calendar.
#[utoipa::path(
    post,
    path = "/api/sla/calendars",
    tag = "sla",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = NewCalendar, example = json!({
        "name": "Shop", "zone": "Europe/Berlin",
        "week": { "mon": [["09:00", "12:00"], ["13:00", "17:00"]], "sat": [["10:00", "14:00"]] },
        "holidays": [{ "date": "2026-12-25" }, { "date": "2026-12-24", "open": [["09:00", "12:00"]] }]
    })),
    responses(
        (status = 201, description = "it is stored", body = SavedCalendar),
        (status = 409, description = "the name is taken", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "an unknown zone, spans that overlap or end before they begin, or no open minute; the field says where", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SlaWrite as u8 }>,
    key: IdempotencyKey,
    request: Json<NewCalendar>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &request.digest).await? {
        return Ok(answer);
    }
    let now = alerts::now(&mut tx).await?;
    let new = request.value;
    let hours = HoursSpec { zone: new.zone, week: new.week, holidays: new.holidays };
    let draft = Draft { name: &new.name, is_default: new.is_default, hours: &hours };
    let made = calendars::create(&mut tx, caller.tenant, &draft, now).await.map_err(refused)?;
    let id = made.id;
    let answer = Answer {
        status: StatusCode::CREATED,
        location: Some(format!("/api/sla/calendars/{id}")),
        ..Answer::ok(&SavedCalendar { calendar: made.into(), recount_job_id: None })
    };
    idempotency::keep(&mut tx, caller.tenant, &key, &request.digest, &answer).await?;
    let detail = json!({ "zone": hours.zone });
    trail::record(&mut tx, &caller, "sla_calendar.create", &format!("sla_calendar:{id}"), detail).await?;
    tx.commit().await?;
    Ok(answer)
}

/// A calendar.
#[utoipa::path(
    get,
    path = "/api/sla/calendars/{id}",
    tag = "sla",
    params(
        ("id" = Uuid, Path, description = "the calendar"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the calendar", body = CalendarView),
        (status = 304, description = "it is as it was"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    may_read(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = calendars::get(&mut tx, query::id("id", &id)?).await?.ok_or_else(missing)?;
    tx.commit().await?;
    Ok(versioned(stored.version, &CalendarView::from(stored), &headers))
}

/// Change a calendar from now on.
///
/// Of open clocks, what has elapsed stays, and the rest counts on the new hours.
#[utoipa::path(
    patch,
    path = "/api/sla/calendars/{id}",
    tag = "sla",
    params(
        ("id" = Uuid, Path, description = "the calendar"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the calendar as it is known"),
    ),
    request_body(content = CalendarChange, example = json!({ "zone": "Europe/Vienna" })),
    responses(
        (status = 200, description = "it is changed", body = SavedCalendar),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the name is taken", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody else changed it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "hours that cannot be, or that a policy cannot be kept with; the field says where", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SlaWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Json<CalendarChange>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let now = alerts::now(&mut tx).await?;
    let known = calendars::get(&mut tx, id).await?.ok_or_else(missing)?;
    let change = request.value;
    let hours = HoursSpec {
        zone: change.zone.unwrap_or(known.hours.zone),
        week: change.week.unwrap_or(known.hours.week),
        holidays: change.holidays.unwrap_or(known.hours.holidays),
    };
    let name = change.name.unwrap_or(known.name);
    let draft =
        Draft { name: &name, is_default: change.is_default.unwrap_or(known.is_default), hours: &hours };
    // What was read is what is changed, whether or not the caller named it.
    let expected = expected.or(Some(known.version));
    let saved =
        calendars::update(&mut tx, caller.tenant, id, expected, &draft, now).await.map_err(refused)?;
    let (job, announcement) = recount(&mut tx, &caller, now, now).await?;
    let detail = json!({ "version": saved.version, "zone": hours.zone });
    trail::record(&mut tx, &caller, "sla_calendar.change", &format!("sla_calendar:{id}"), detail).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    let version = saved.version;
    Ok(versioned(
        version,
        &SavedCalendar { calendar: saved.into(), recount_job_id: Some(job) },
        &HeaderMap::new(),
    ))
}

fn missing() -> Problem {
    Problem::not_found("there is no such calendar; GET /api/sla/calendars lists them")
}
