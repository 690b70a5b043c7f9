//! What is promised to whom. The first policy that fits a ticket holds; every change holds from its instant on.

use std::collections::BTreeMap;
use std::sync::Arc;

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::{Role, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::sla::calendar::Calendar;
use support::sla::policies::{self, Policy};
use support::sla::policy::{ClockKind, Conditions, Goals, PolicySpec, Priority, resolution_pauses};
use support::sla::{alerts, calendars, check};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{expected_version, fault, may_read, recount, refused, tagged, versioned, within_calendars};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{query, trail};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, end))
        .routes(routes!(order))
}

/// A policy to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// 1 to 100 characters.
    pub name: String,
    /// Whom it is for: channels, priorities, tags, departments, customer_tiers; an empty list is anybody.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub conditions: Conditions,
    /// By priority (urgent, high, normal, low) and clock (first_response, next_response, resolution, first_resolution):
    /// `minutes` and `time`, which is calendar or business.
    #[schema(value_type = Object)]
    pub targets: BTreeMap<Priority, Goals>,
    /// Whose opening hours count for targets in business time.
    #[serde(default)]
    pub calendar_id: Option<Uuid>,
    /// Clocks that stand still while the ticket is pending; both resolutions when left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub pause_while_pending: Option<Vec<ClockKind>>,
    /// Its place among the policies, from 0; the last when left out.
    #[serde(default)]
    pub position: Option<usize>,
    /// From when on it holds; now when left out, and never in the past.
    #[serde(default)]
    pub valid_from: Option<DateTime<Utc>>,
}

impl NewPolicy {
    pub(super) fn spec(self) -> PolicySpec {
        PolicySpec {
            name: self.name.trim().to_owned(),
            conditions: self.conditions,
            targets: self.targets,
            calendar_id: self.calendar_id,
            pause_while_pending: self.pause_while_pending.unwrap_or_else(resolution_pauses),
        }
    }
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// 1 to 100 characters.
    #[serde(default)]
    name: Option<String>,
    /// Replaces all of them.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    conditions: Option<Conditions>,
    /// Replaces all of them.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    targets: Option<BTreeMap<Priority, Goals>>,
    /// Another calendar.
    #[serde(default)]
    calendar_id: Option<Uuid>,
    /// Replaces all of them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pause_while_pending: Option<Vec<ClockKind>>,
    /// From when on it holds; now when left out, and never in the past.
    #[serde(default)]
    valid_from: Option<DateTime<Utc>>,
}

/// An order of policies.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyOrder {
    /// Every policy once; the first that fits a ticket holds.
    policies: Vec<Uuid>,
}

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyView {
    /// The policy.
    id: Uuid,
    /// Grows with every change.
    version: i32,
    /// Its place; the lowest that fits holds.
    position: i32,
    /// From when on this version holds; may be to come.
    valid_from: DateTime<Utc>,
    /// For people.
    name: String,
    /// Whom it is for.
    #[schema(value_type = Object)]
    conditions: Conditions,
    /// What is promised.
    #[schema(value_type = Object)]
    targets: BTreeMap<Priority, Goals>,
    /// Whose opening hours count.
    calendar_id: Option<Uuid>,
    /// Clocks that stand still while the ticket is pending.
    #[schema(value_type = Vec<String>)]
    pause_while_pending: Vec<ClockKind>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was changed.
    updated_at: DateTime<Utc>,
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> PolicyView {
        PolicyView {
            id: policy.id,
            version: policy.version,
            position: policy.position,
            valid_from: policy.valid_from,
            name: policy.spec.name,
            conditions: policy.spec.conditions,
            targets: policy.spec.targets,
            calendar_id: policy.spec.calendar_id,
            pause_while_pending: policy.spec.pause_while_pending,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}

/// A policy that was stored, and the job that brings open tickets up to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedPolicy {
    /// The policy.
    policy: PolicyView,
    /// As in GET /api/jobs/{id}.
    recount_job_id: Uuid,
}

/// All policies, in the order in which they are tried.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyList {
    /// The policies.
    items: Vec<PolicyView>,
}

/// The tenant's policies in the order in which they are tried.
///
/// A ticket that none fits has the defaults: urgent 30 min and 8 h, high 2 h and 24 h, normal 8 h and 48 h, low 24 h
/// and 7 d, in calendar time, for the first response and the resolution.
#[utoipa::path(
    get,
    path = "/api/sla/policies",
    tag = "sla",
    params(("If-None-Match" = Option<String>, Header, description = "the ETag of the list that is known")),
    responses((status = 200, description = "all of them", body = PolicyList), (status = 304, description = "nothing changed")),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    may_read(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let policies = policies::list(&mut tx).await?;
    tx.commit().await?;
    tagged(&PolicyList { items: policies.into_iter().map(PolicyView::from).collect() }, &headers)
}

/// Make a policy.
///
/// Open tickets are brought up to it by a job; what ended stays. POST /api/sla/preview shows beforehand when sample
/// tickets would be due.
#[utoipa::path(
    post,
    path = "/api/sla/policies",
    tag = "sla",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = NewPolicy, example = json!({
        "name": "Gold customers",
        "conditions": { "customer_tiers": ["gold", "platinum"] },
        "targets": { "normal": { "first_response": { "minutes": 240, "time": "calendar" } } }
    })),
    responses(
        (status = 201, description = "it is stored", body = SavedPolicy),
        (status = 422, description = "a target, condition, calendar or time that cannot be; the field says which", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SlaWrite as u8 }>,
    key: IdempotencyKey,
    request: Json<NewPolicy>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &request.digest).await? {
        return Ok(answer);
    }
    let now = alerts::now(&mut tx).await?;
    let (position, wanted) = (request.value.position, request.value.valid_from);
    let from = begins(wanted, now)?;
    let spec = request.value.spec();
    checked(&mut tx, &spec, now).await?;
    let made = policies::create(&mut tx, caller.tenant, &spec, position, from, now).await.map_err(refused)?;
    let id = made.id;
    let (recount_job_id, announcement) = recount(&mut tx, &caller, from, now).await?;
    let answer = Answer {
        status: StatusCode::CREATED,
        location: Some(format!("/api/sla/policies/{id}")),
        ..Answer::ok(&SavedPolicy { policy: made.into(), recount_job_id })
    };
    idempotency::keep(&mut tx, caller.tenant, &key, &request.digest, &answer).await?;
    trail::record(
        &mut tx,
        &caller,
        "sla_policy.create",
        &format!("sla_policy:{id}"),
        json!({ "targets": spec.targets }),
    )
    .await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// A policy.
#[utoipa::path(
    get,
    path = "/api/sla/policies/{id}",
    tag = "sla",
    params(
        ("id" = Uuid, Path, description = "the policy"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the policy", body = PolicyView),
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
    let policy = find(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(versioned(policy.version, &PolicyView::from(policy), &headers))
}

/// Change a policy, from now on or from a time to come.
#[utoipa::path(
    patch,
    path = "/api/sla/policies/{id}",
    tag = "sla",
    params(
        ("id" = Uuid, Path, description = "the policy"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the policy as it is known"),
    ),
    request_body(content = PolicyChange, example = json!({ "name": "Everybody" })),
    responses(
        (status = 200, description = "it is changed", body = SavedPolicy),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody else changed it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "something that cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SlaWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Json<PolicyChange>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let now = alerts::now(&mut tx).await?;
    let change = request.value;
    let from = begins(change.valid_from, now)?;
    let known = find(&mut tx, &id).await?;
    let spec = PolicySpec {
        name: change.name.map_or(known.spec.name, |name| name.trim().to_owned()),
        conditions: change.conditions.unwrap_or(known.spec.conditions),
        targets: change.targets.unwrap_or(known.spec.targets),
        calendar_id: change.calendar_id.or(known.spec.calendar_id),
        pause_while_pending: change.pause_while_pending.unwrap_or(known.spec.pause_while_pending),
    };
    checked(&mut tx, &spec, now).await?;
    // What was read is what is changed, whether or not the caller named it.
    let expected = expected.or(Some(known.version));
    let saved = policies::update(&mut tx, caller.tenant, known.id, expected, &spec, from, now)
        .await
        .map_err(refused)?;
    let (recount_job_id, announcement) = recount(&mut tx, &caller, from, now).await?;
    let detail = json!({ "version": saved.version, "targets": spec.targets, "valid_from": from });
    trail::record(&mut tx, &caller, "sla_policy.change", &format!("sla_policy:{}", saved.id), detail).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    let version = saved.version;
    Ok(versioned(version, &SavedPolicy { policy: saved.into(), recount_job_id }, &HeaderMap::new()))
}

/// End a policy. What it promised until now stays in the past.
#[utoipa::path(
    delete,
    path = "/api/sla/policies/{id}",
    tag = "sla",
    params(
        ("id" = Uuid, Path, description = "the policy"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the policy as it is known"),
    ),
    responses(
        (status = 204, description = "it holds no more"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody else changed it", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SlaWrite)?;
    let expected = expected_version(&headers)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let now = alerts::now(&mut tx).await?;
    policies::archive(&mut tx, caller.tenant, id, expected, now).await.map_err(refused)?;
    let (_, announcement) = recount(&mut tx, &caller, now, now).await?;
    trail::record(&mut tx, &caller, "sla_policy.end", &format!("sla_policy:{id}"), json!({})).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(StatusCode::NO_CONTENT)
}

/// Put the policies into another order.
#[utoipa::path(
    post,
    path = "/api/sla/policies/order",
    tag = "sla",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = PolicyOrder, example = json!({ "policies": [] })),
    responses(
        (status = 200, description = "the policies in their new order", body = PolicyList),
        (status = 422, description = "not each policy once", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn order(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SlaWrite as u8 }>,
    key: IdempotencyKey,
    request: Json<PolicyOrder>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &request.digest).await? {
        return Ok(answer);
    }
    let now = alerts::now(&mut tx).await?;
    let ordered =
        policies::reorder(&mut tx, caller.tenant, &request.value.policies, now).await.map_err(refused)?;
    let (_, announcement) = recount(&mut tx, &caller, now, now).await?;
    let answer = Answer::ok(&PolicyList { items: ordered.into_iter().map(PolicyView::from).collect() });
    idempotency::keep(&mut tx, caller.tenant, &key, &request.digest, &answer).await?;
    let detail = json!({ "order": request.value.policies });
    trail::record(&mut tx, &caller, "sla_policy.order", "sla_policies", detail).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

async fn find(tx: &mut Tx, id: &str) -> Result<Policy, Problem> {
    let found = policies::get(tx, query::id("id", id)?).await?;
    found.ok_or_else(|| Problem::not_found("there is no such policy; GET /api/sla/policies lists them"))
}

fn begins(wanted: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    let wanted = wanted.map(|at| within_calendars("valid_from", at)).transpose()?;
    check::valid_from(wanted, now).map_err(fault)
}

/// Checks a policy with the calendar that it names, and answers that.
pub(super) async fn checked(
    tx: &mut Tx,
    spec: &PolicySpec,
    now: DateTime<Utc>,
) -> Result<Option<Arc<Calendar>>, Problem> {
    let stored = match spec.calendar_id {
        Some(id) => calendars::get(tx, id).await?,
        None => None,
    };
    let calendar = stored.map(|stored| stored.hours.read()).transpose().map_err(fault)?.map(Arc::new);
    check::policy(spec, calendar.as_ref(), now).map_err(fault)?;
    Ok(calendar)
}
