//! Suggested replies: the current one of a ticket, or the job that is writing it.
//!
//! GET answers a draft only while it is fresh, that is, while the ticket has no message that the drafter did
//! not see. Otherwise it makes sure that one is being written, once however often it is asked, and answers 202.

pub mod people;
mod report;

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{Role, Tx};
use jobs::{Announcement, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use support::drafts::{self, Draft, wanted};
use support::gorgias::PROVIDER;
use support::kinds::DraftReply;
use support::tickets::{self, Ticket};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::etag;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};

/// The routes of drafts.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(current, ask)).merge(people::routes()).merge(report::routes())
}

/// A suggested reply.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftView {
    /// The draft.
    pub id: Uuid,
    /// Our ticket.
    pub ticket_id: Uuid,
    /// The messages that the ticket had when it was made.
    pub message_count: i32,
    /// Whether the ticket has more messages now.
    pub stale: bool,
    /// The job that wrote it.
    pub job_id: Uuid,
    /// friendly, professional, empathetic or apologetic.
    pub tone: String,
    /// short, medium or long.
    pub length: String,
    /// sms, chat, email or phone.
    pub style: String,
    /// The suggested reply.
    pub reply: String,
    /// Advice for the agent.
    pub recommendation: Option<Value>,
    /// What wrote it: `anthropic` or `template`.
    pub drafter: String,
    /// The model, if one was asked.
    pub model: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When an agent chose it.
    pub chosen_at: Option<DateTime<Utc>>,
    /// When an agent edited it.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was posted into the help desk as an internal note.
    pub posted_at: Option<DateTime<Utc>>,
    /// Grows with each thing that a person does to it; as an ETag in quotation marks.
    pub version: i64,
    /// What the drafter wrote, if a person changed it.
    pub drafted_reply: Option<String>,
    /// When it was sent to the customer.
    pub sent_at: Option<DateTime<Utc>>,
    /// The message that it became.
    pub sent_message_id: Option<Uuid>,
    /// How far that is from what was drafted, 0 to 1.
    pub edit_distance: Option<f32>,
    /// 1 good, -1 bad.
    pub thumb: Option<i16>,
}

impl From<Draft> for DraftView {
    fn from(draft: Draft) -> DraftView {
        DraftView {
            id: draft.id.0,
            ticket_id: draft.ticket.0,
            message_count: draft.message_count,
            stale: draft.stale,
            job_id: draft.job,
            tone: draft.tone,
            length: draft.length,
            style: draft.style,
            reply: draft.reply,
            recommendation: draft.recommendation,
            drafter: draft.drafter,
            model: draft.model,
            created_at: draft.created_at,
            chosen_at: draft.chosen_at,
            edited_at: draft.edited_at,
            posted_at: draft.posted_at,
            version: draft.version,
            drafted_reply: draft.drafted_reply,
            sent_at: draft.sent_at,
            sent_message_id: draft.sent_message_id.map(|message| message.0),
            edit_distance: draft.edit_distance,
            thumb: draft.thumb,
        }
    }
}

/// A draft is being written.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftJob {
    /// The job, as in GET /api/jobs/{id}.
    pub job_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// The latest draft, which answers an earlier message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_draft: Option<DraftView>,
}

/// How the new draft should be.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftWish {
    /// The tone; by the channel when missing.
    #[serde(default)]
    pub tone: Option<Tone>,
    /// The length; by the channel when missing.
    #[serde(default)]
    pub length: Option<Length>,
}

/// How a reply sounds.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Warm.
    Friendly,
    /// Plain and to the matter.
    Professional,
    /// With the customer.
    Empathetic,
    /// Sorry for what happened.
    Apologetic,
}

impl Tone {
    pub(super) fn name(self) -> &'static str {
        match self {
            Tone::Friendly => "friendly",
            Tone::Professional => "professional",
            Tone::Empathetic => "empathetic",
            Tone::Apologetic => "apologetic",
        }
    }
}

/// How long a reply is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Length {
    /// As few sentences as the channel has.
    Short,
    /// Between the two.
    Medium,
    /// As many as it has.
    Long,
}

impl Length {
    pub(super) fn name(self) -> &'static str {
        match self {
            Length::Short => "short",
            Length::Medium => "medium",
            Length::Long => "long",
        }
    }
}

/// The ticket's current draft.
///
/// 200 with the draft while it is fresh. When there is none or the ticket has newer messages, one is asked for
/// (once, however often this is called) and 202 names the job. None is asked for where none is wanted: 409 says why.
#[utoipa::path(
    get,
    path = "/api/ai/tickets/{id}/draft",
    tag = "ai",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of the draft that is known"),
    ),
    responses(
        (status = 200, description = "a fresh draft", body = DraftView),
        (status = 202, description = "one is being written", body = DraftJob),
        (status = 304, description = "the draft that is known is still the current one"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket gets no draft: it is closed, spam, deleted or reserved for people, an agent has spoken last, nothing of its customer is known, or the customer was erased", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn current(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::AiRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find_answerable(&mut tx, &reference).await?;
    let draft = drafts::current(&mut tx, ticket.id).await?;
    let stale_draft = match draft {
        Some(draft) if !draft.stale => {
            tx.commit().await?;
            return Ok(fresh(draft, &headers));
        }
        other => other.map(DraftView::from),
    };
    if let Some(standing) = wanted::standing(&mut tx, ticket.id).await? {
        standing.awaits_answer().map_err(unwanted)?;
    }
    answerable_words(&mut tx, &ticket).await?;
    let payload = DraftReply { ticket_id: ticket.id.0, tone: None, length: None, again: false };
    let dedup_key = DraftReply::dedup_key(ticket.id.0, ticket.message_count);
    let (job, announcement) = enqueue(&mut tx, caller.tenant, &payload, &dedup_key).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(Answer::accepted(job.job_id, &DraftJob { stale_draft, ..job }).into_response())
}

/// Ask for a new draft, even when there is a fresh one.
///
/// What is asked for by hand is written whatever the ticket is. Of one that is closed, spam, deleted or reserved for people the
/// draft is only kept here: it is not posted into the help desk, and the job's result says why (`not_posted`).
#[utoipa::path(
    post,
    path = "/api/ai/tickets/{id}/draft",
    tag = "ai",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body(content = DraftWish, example = json!({ "tone": "apologetic", "length": "short" })),
    responses(
        (status = 202, description = "it is being written", body = DraftJob),
        (status = 400, description = "a bad tone or length", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket's customer was erased", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn ask(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::AiWrite as u8 }>,
    Path(reference): Path<String>,
    key: IdempotencyKey,
    wish: Json<DraftWish>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &wish.digest).await? {
        return Ok(answer);
    }
    let ticket = find_answerable(&mut tx, &reference).await?;
    answerable_words(&mut tx, &ticket).await?;
    let tone = wish.value.tone.map(Tone::name);
    let length = wish.value.length.map(Length::name);
    let payload = DraftReply {
        ticket_id: ticket.id.0,
        tone: tone.map(str::to_owned),
        length: length.map(str::to_owned),
        again: true,
    };
    // Asking twice for the same is one wish; asking for something else is another.
    let dedup_key = format!("{}:{}:{}", ticket.id, tone.unwrap_or("any"), length.unwrap_or("any"));
    let (job, announcement) = enqueue(&mut tx, caller.tenant, &payload, &dedup_key).await?;
    let answer = Answer::accepted(job.job_id, &job);
    idempotency::keep(&mut tx, caller.tenant, &key, &wish.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

pub(super) async fn find(tx: &mut Tx, reference: &str) -> Result<Ticket, Problem> {
    if reference.len() > 255 || reference.contains('\0') {
        return Err(Problem::bad_request("id", "must have 1 to 255 bytes"));
    }
    let ticket = tickets::find(tx, PROVIDER, reference).await?;
    ticket.ok_or_else(|| Problem::not_found("there is no such ticket"))
}

/// The same of a ticket that somebody may be answered in: what is left of an erased customer has none.
pub(super) async fn find_answerable(tx: &mut Tx, reference: &str) -> Result<Ticket, Problem> {
    Ok(find(tx, reference).await?.of_somebody()?)
}

/// Refuses a ticket in which there is nothing to be answered. One that lives in a help desk may have its words there.
pub(super) async fn answerable_words(tx: &mut Tx, ticket: &Ticket) -> Result<(), Problem> {
    let standing = wanted::standing(tx, ticket.id).await?;
    match standing.is_some_and(|standing| standing.has_words()) || ticket.provider == PROVIDER {
        true => Ok(()),
        false => Err(unwanted(wanted::Unwanted::NoWords)),
    }
}

fn unwanted(why: wanted::Unwanted) -> Problem {
    Problem::conflict(format!("no draft is written: {why}"))
}

pub(super) async fn enqueue(
    tx: &mut Tx,
    tenant: TenantId,
    payload: &DraftReply,
    dedup_key: &str,
) -> Result<(DraftJob, Announcement), Problem> {
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    let job = NewJob::of(tenant, payload)?.with_dedup_key(dedup_key)?.with_cause(
        correlation::current().as_str(),
        trace_parent.as_deref(),
        "api",
    );
    let (enqueued, announcement) = jobs::enqueue_one(tx, job).await?;
    let state = enqueued.state.to_string();
    Ok((DraftJob { job_id: enqueued.id, state, stale_draft: None }, announcement))
}

fn fresh(draft: Draft, headers: &HeaderMap) -> Response {
    let changed_at =
        [Some(draft.created_at), draft.chosen_at, draft.edited_at, draft.posted_at, draft.sent_at]
            .into_iter()
            .flatten();
    let version = changed_at.max().map_or(0, |at| at.timestamp_micros());
    let etag = format!("\"{}-{version}\"", draft.id.0.simple());
    let mut response = if etag::is_known(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        axum::Json(DraftView::from(draft)).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_wish_are_those_of_the_kind() {
        let read = |word: &str| serde_json::from_value::<Tone>(word.into()).map(Tone::name);
        for tone in DraftReply::TONES {
            assert_eq!(read(tone).expect("a tone"), tone);
        }
        for length in DraftReply::LENGTHS {
            assert_eq!(serde_json::from_value::<Length>(length.into()).expect("a length").name(), length);
        }
    }
}
