//! Requests of persons: taken in with their proof, listed with the time that the law gives, and their certificates.

use accounts::api_keys::Scope;
use accounts::tenant_keys::TenantKeyError;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use database::{Role, Tx};
use jobs::NewJob;
use platform::personal::{self as shop, Known};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::kinds::{EraseCustomer, ExportCustomer};
use support::mail::normal_address;
use support::privacy::requests::{self, Asked, Kind, NewRequest, Request, State as Stage};
use utoipa::ToSchema;
use uuid::Uuid;

use super::same_person;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::{correlation, trail};

/// What is asked for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    /// To get what is known.
    Export,
    /// To be forgotten.
    Erase,
}

/// A person's request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPrivacyRequest, example = json!({"kind": "erase", "customer_id": "c-17", "verification": "answered from the address of the order", "in_help_desk": true}))]
pub struct NewRequestBody {
    /// `export` or `erase`.
    kind: Wanted,
    /// The shop's id of the customer; with an address alone, that of the customer who has it.
    #[serde(default)]
    customer_id: Option<String>,
    /// An address of theirs. With an id it must not be known as somebody else's; each of two people has a request of their own.
    #[serde(default)]
    email: Option<String>,
    /// How it was made sure that it is the person who asks: 3 to 2,000 characters.
    verification: String,
    /// Whether the connected help desk is to forget them too; only for `erase`.
    #[serde(default)]
    in_help_desk: bool,
}

/// A person's request, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyRequest)]
pub struct RequestView {
    /// Identity.
    id: Uuid,
    /// `export` or `erase`.
    #[schema(value_type = String)]
    kind: Kind,
    /// `open`, `running`, `done` or `failed`.
    #[schema(value_type = String)]
    state: Stage,
    /// Who asks: null once they are erased.
    customer_id: Option<String>,
    /// An address of theirs: null once they are erased.
    email: Option<String>,
    /// How that was proved: null once they are erased.
    verification: Option<String>,
    /// Why the three before are missing although they were not erased.
    unreadable: Option<String>,
    /// Whether the help desk is to forget them too.
    in_help_desk: bool,
    /// `queued`, `done` or `failed`.
    help_desk_state: Option<String>,
    /// Who took it in.
    requested_by: String,
    /// When.
    requested_at: DateTime<Utc>,
    /// Until when the law gives time.
    due_at: DateTime<Utc>,
    /// Whether that time is over and it is not done.
    is_late: bool,
    /// The job, with its progress.
    job_id: Option<Uuid>,
    /// How far an erasure is: all steps when it is done. Null for an export, whose steps nobody knows before.
    steps: Option<Steps>,
    /// When it began.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
    /// Rows by table, so far.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    reached: database::personal::Reached,
    /// What is to be known of it.
    remarks: Vec<String>,
    /// Why it failed.
    error: Option<String>,
    /// How long the archive is; null when there is none.
    archive_bytes: Option<i64>,
    /// Until when it can be fetched.
    archive_until: Option<DateTime<Utc>>,
}

/// How many of its steps are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PrivacyRequestSteps)]
pub struct Steps {
    /// Done so far.
    done: u64,
    /// In all.
    total: u64,
}

/// What the request itself says counts: a job that ends at once leaves the last progress that was written down, not its last.
async fn steps(tx: &mut Tx, caller: &Caller, request: &Request) -> Result<Option<Steps>, Problem> {
    let total = requests::ERASE_STEPS;
    Ok(match (request.kind, request.state, request.job_id) {
        (Kind::Export, ..) => None,
        (Kind::Erase, Stage::Done, _) => Some(Steps { done: total, total }),
        (Kind::Erase, Stage::Open, _) | (Kind::Erase, _, None) => Some(Steps { done: 0, total }),
        (Kind::Erase, Stage::Running | Stage::Failed, Some(job)) => {
            let job = jobs::read::job(tx, Some(caller.tenant.0), job).await?;
            let done = job.and_then(|job| job.progress?.get("done")?.as_u64()).unwrap_or(0);
            // The last one is the certificate, and that is not there.
            Some(Steps { done: done.min(total - 1), total })
        }
    })
}

async fn view(
    state: &AppState,
    caller: &Caller,
    tx: &mut Tx,
    request: Request,
) -> Result<RequestView, Problem> {
    let (asked, unreadable) =
        match requests::asked(tx, &state.settings.master_key, caller.tenant, &request).await {
            Ok(asked) => (asked.unwrap_or_default(), None),
            Err(error @ TenantKeyError::Destroyed(_)) => (Asked::default(), Some(error.to_string())),
            Err(error) => return Err(error.into()),
        };
    let steps = steps(tx, caller, &request).await?;
    let is_over = matches!(request.state, Stage::Done | Stage::Failed);
    Ok(RequestView {
        id: request.id,
        kind: request.kind,
        state: request.state,
        customer_id: asked.customer_id,
        email: asked.email,
        verification: Some(asked.verification).filter(|text| !text.is_empty()),
        unreadable,
        in_help_desk: request.in_help_desk,
        help_desk_state: request.help_desk_state,
        requested_by: request.requested_by,
        requested_at: request.requested_at,
        due_at: request.due_at,
        is_late: !is_over && Utc::now() > request.due_at,
        job_id: request.job_id,
        steps,
        started_at: request.started_at,
        finished_at: request.finished_at,
        reached: request.reached.0,
        remarks: request.remarks,
        error: request.error,
        archive_bytes: request.archive_bytes,
        archive_until: request.archive_until,
    })
}

/// Why the answer to a new request has not what was just given.
const NAMES_NOBODY: &str = "this answer is kept and so names nobody; whom the request is about was understood and is at \
    GET /api/privacy/requests/{id}";

/// Take in a person's request to get what is known of them, or to be forgotten.
///
/// It is done by a job, which shows its progress as every job does. An erasure cannot be taken back. The law gives 30 days.
#[utoipa::path(
    post,
    path = "/api/privacy/requests",
    tag = "privacy",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = NewRequestBody,
    responses(
        (status = 202, description = "its job is under way", body = RequestView),
        (status = 400, description = "a field does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "several customers have the address, or the id and the address are of different people", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::PrivacyWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<NewRequestBody>,
) -> Result<Answer, Problem> {
    let asked = asked(&body.value)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    if let Known::Several(customers) =
        shop::find(&mut tx, asked.customer_id.as_deref(), asked.email.as_deref()).await?
    {
        let detail = "several customers have this address; name one of them by customer_id";
        return Err(Problem::unprocessable("email", detail).with("customers", json!(customers)));
    }
    same_person::check(&mut tx, &asked).await?;
    let id = Uuid::now_v7();
    let (kind, job) = match body.value.kind {
        Wanted::Export => (Kind::Export, NewJob::of(caller.tenant, &ExportCustomer { request_id: id })?),
        Wanted::Erase => (Kind::Erase, NewJob::of(caller.tenant, &EraseCustomer { request_id: id })?),
    };
    let job = correlation::caused(job).with_dedup_key(&id.to_string())?;
    let new = NewRequest {
        id,
        kind,
        asked: &asked,
        in_help_desk: body.value.in_help_desk,
        by: &caller.actor(),
        job_id: job.id(),
    };
    let request =
        requests::create(&mut tx, &state.settings.master_key, caller.tenant, &new, Utc::now()).await?;
    let (enqueued, announcement) = jobs::enqueue_one(&mut tx, job).await?;
    let mut view = view(&state, &caller, &mut tx, request).await?;
    // The answer is kept for repetitions, and names nobody: an erasure has less to look for.
    view.remarks.push(NAMES_NOBODY.to_owned());
    let kept = RequestView { customer_id: None, email: None, verification: None, ..view };
    let answer = Answer::accepted(enqueued.id, &kept);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    let detail = json!({ "kind": kind, "in_help_desk": body.value.in_help_desk });
    trail::record(&mut tx, &caller, "privacy.request", &format!("privacy_request:{id}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

fn asked(body: &NewRequestBody) -> Result<Asked, Problem> {
    let verification = body.verification.trim();
    if !(3..=2_000).contains(&verification.chars().count()) || verification.contains('\0') {
        return Err(Problem::bad_request(
            "verification",
            "must have 3 to 2,000 characters that say how it was proved",
        ));
    }
    let (customer_id, email) = (body.customer_id.as_deref(), body.email.as_deref());
    match (customer_id, email) {
        (None, None) => {
            return Err(Problem::bad_request("customer_id", "customer_id or email must say who asks"));
        }
        (Some(id), _) if !(1..=128).contains(&id.chars().count()) || id.contains('\0') => {
            return Err(Problem::bad_request("customer_id", "must have 1 to 128 characters"));
        }
        _ => {}
    }
    let email = email.map(address).transpose()?;
    if body.in_help_desk && matches!(body.kind, Wanted::Export) {
        return Err(Problem::bad_request("in_help_desk", "goes with the kind erase alone"));
    }
    Ok(Asked { customer_id: customer_id.map(str::to_owned), email, verification: verification.to_owned() })
}

/// An address alone, in the form in which addresses are compared: by anything else nobody would be found. Somebody may be known
/// by one that no mail server takes.
fn address(text: &str) -> Result<String, Problem> {
    normal_address(text).ok_or_else(|| {
        Problem::bad_request("email", "must be an e-mail address alone, such as ann@example.com")
    })
}

/// The requests of persons, newest first.
#[utoipa::path(
    get,
    path = "/api/privacy/requests",
    tag = "privacy",
    params(
        ("state" = Option<String>, Query, description = "open, running, done or failed"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<RequestView>)),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Shown<Page<RequestView>>, Problem> {
    caller.require(Scope::PrivacyRead)?;
    let params = Params::of(&uri, &["state", "cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let stage = match params.text("state")? {
        None => None,
        Some("open") => Some(Stage::Open),
        Some("running") => Some(Stage::Running),
        Some("done") => Some(Stage::Done),
        Some("failed") => Some(Stage::Failed),
        Some(_) => return Err(Problem::bad_request("state", "must be open, running, done or failed")),
    };
    let before = page.after_place()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = requests::list(&mut tx, stage, before, page.limit_and_one()).await?;
    let mut items = Vec::with_capacity(found.len());
    for request in found {
        items.push(view(&state, &caller, &mut tx, request).await?);
    }
    tx.commit().await?;
    Ok(Shown(page.page(items, |item: &RequestView| place(item.requested_at, item.id))))
}

/// A request of a person, and how far it is.
#[utoipa::path(
    get,
    path = "/api/privacy/requests/{id}",
    tag = "privacy",
    params(("id" = Uuid, Path, description = "the request")),
    responses(
        (status = 200, description = "the request", body = RequestView),
        (status = 404, description = "there is no such request", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Shown<RequestView>, Problem> {
    caller.require(Scope::PrivacyRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let request = found(&mut tx, &id).await?;
    let view = view(&state, &caller, &mut tx, request).await?;
    tx.commit().await?;
    Ok(Shown(view))
}

/// The certificate of a request that is done: what was reached, when, for whom as a token, and a hash.
///
/// `sha256` is over the document without it: names in the order of the alphabet, no spaces.
#[utoipa::path(
    get,
    path = "/api/privacy/requests/{id}/certificate",
    tag = "privacy",
    params(("id" = Uuid, Path, description = "the request")),
    responses(
        (status = 200, description = "the certificate", body = serde_json::Value),
        (status = 404, description = "there is no such request", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is not done", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn certificate(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Shown<Value>, Problem> {
    caller.require(Scope::PrivacyRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let request = found(&mut tx, &id).await?;
    tx.commit().await?;
    request.certificate.map(Shown).ok_or_else(|| Problem::conflict("the request is not done"))
}

/// The request that a path names.
pub(super) async fn found(tx: &mut Tx, id: &str) -> Result<Request, Problem> {
    let id = query::id("id", id)?;
    requests::get(tx, id).await?.ok_or_else(|| Problem::not_found("there is no such request"))
}
