//! Drafts as people work with them: variants side by side, chosen, edited, sent, judged.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::{DraftId, MessageId};
use jobs::Announcement;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::drafts::people::{self, DraftError, Hand};
use support::kinds::DraftReply;
use support::tickets::message;
use support::tickets::reply::{self, NewReply, Replied};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{DraftJob, DraftView, DraftWish, Length, Tone, answerable_words, enqueue, find, find_answerable};
use crate::routes::support::tickets::{Cause, MessageView};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::etag;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(edit))
        .routes(routes!(accept))
        .routes(routes!(send))
        .routes(routes!(judge))
}

/// Drafts of a ticket that are shown at most.
const SHOWN: i64 = 50;
/// Variants that may be asked for at once: every tone in every length.
const VARIANTS: usize = 12;
/// The longest text of a draft, in characters; as of a reply.
const TEXT_CHARS: usize = 20_000;
/// The longest reason, in characters.
const REASON_CHARS: usize = 1_000;

impl From<DraftError> for Problem {
    fn from(error: DraftError) -> Problem {
        let detail = error.to_string();
        match error {
            DraftError::Unknown => Problem::not_found(detail),
            DraftError::Changed(version) => Problem::precondition_failed(json!({"version": version})),
            DraftError::Stale => Problem::conflict(detail).at("force"),
            DraftError::Sent => Problem::conflict(detail),
            DraftError::Db(error) => error.into(),
        }
    }
}

/// The drafts of a ticket.
#[derive(Debug, Serialize, ToSchema)]
struct DraftList {
    /// Those that answer the latest messages first, among them those that a person chose or edited, then the newest.
    items: Vec<DraftView>,
}

/// The drafts of a ticket, variants side by side.
#[utoipa::path(
    get,
    path = "/api/ai/tickets/{id}/drafts",
    tag = "ai",
    params(("id" = String, Path, description = "our ticket id, or the help desk's")),
    responses(
        (status = 200, description = "50 at most", body = DraftList),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
) -> Result<axum::Json<DraftList>, Problem> {
    caller.require(Scope::AiRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    let items = people::list(&mut tx, ticket.id, SHOWN).await?.into_iter().map(DraftView::from).collect();
    tx.commit().await?;
    Ok(axum::Json(DraftList { items }))
}

/// Which variants are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Variants {
    /// One draft each, 1 to 12.
    variants: Vec<DraftWish>,
}

/// Drafts are being written.
#[derive(Debug, Serialize, ToSchema)]
struct VariantJobs {
    /// A job for each, in the order that they were asked for.
    jobs: Vec<DraftJob>,
}

/// Ask for drafts in several tones and lengths at once.
///
/// What is asked for by hand is written whatever the ticket is. Of one that is closed, spam, deleted or reserved for people the
/// drafts are only kept here: they are not posted into the help desk, and the jobs' results say why (`not_posted`).
#[utoipa::path(
    post,
    path = "/api/ai/tickets/{id}/drafts",
    tag = "ai",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body(content = Variants, example = json!({"variants": [{"tone": "friendly", "length": "short"}, {"tone": "apologetic"}]})),
    responses(
        (status = 202, description = "they are being written", body = VariantJobs),
        (status = 400, description = "a bad tone or length, or too many", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket's customer was erased", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn ask(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::AiWrite as u8 }>,
    Path(reference): Path<String>,
    key: IdempotencyKey,
    body: Json<Variants>,
) -> Result<Answer, Problem> {
    let variants = &body.value.variants;
    if !(1..=VARIANTS).contains(&variants.len()) {
        return Err(Problem::bad_request("variants", format!("must be 1 to {VARIANTS}")));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let ticket = find_answerable(&mut tx, &reference).await?;
    answerable_words(&mut tx, &ticket).await?;
    let mut announcement = Announcement::default();
    let mut jobs = Vec::with_capacity(variants.len());
    for wish in variants {
        let (tone, length) = (wish.tone.map(Tone::name), wish.length.map(Length::name));
        let payload = DraftReply {
            ticket_id: ticket.id.0,
            tone: tone.map(str::to_owned),
            length: length.map(str::to_owned),
            again: true,
        };
        let dedup_key = format!("{}:{}:{}", ticket.id, tone.unwrap_or("any"), length.unwrap_or("any"));
        let (job, told) = enqueue(&mut tx, caller.tenant, &payload, &dedup_key).await?;
        announcement.merge(told);
        jobs.push(job);
    }
    let first = jobs.first().map(|job| job.job_id).unwrap_or_default();
    let answer = Answer::accepted(first, &VariantJobs { jobs });
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// A person's text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// 1 to 20,000 characters.
    reply: String,
}

/// Edit a draft. No newer draft overwrites it; what the drafter wrote is kept beside it.
#[utoipa::path(
    patch,
    path = "/api/ai/tickets/{id}/drafts/{draft_id}",
    tag = "ai",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("draft_id" = Uuid, Path, description = "the draft"),
        ("If-Match" = Option<String>, Header, description = "the draft's version, in quotation marks"),
    ),
    request_body(content = Edit, example = json!({"reply": "It left us on Monday."})),
    responses(
        (status = 200, description = "the draft", body = DraftView),
        (status = 404, description = "there is no such draft", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it was sent", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody changed it", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn edit(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path((reference, draft)): Path<(String, String)>,
    headers: HeaderMap,
    body: Json<Edit>,
) -> Result<Response, Problem> {
    let draft = DraftId(query::id("draft_id", &draft)?);
    let by = caller.actor();
    let hand = Hand { by: &by, version: etag::expected_version(&headers)? };
    let reply = body.value.reply.trim();
    if !(1..=TEXT_CHARS).contains(&reply.chars().count()) {
        return Err(Problem::bad_request("reply", format!("must have 1 to {TEXT_CHARS} characters")));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find_answerable(&mut tx, &reference).await?;
    let edited = people::edit(&mut tx, ticket.id, draft, hand, reply).await?;
    let detail = json!({ "draft_id": draft, "version": edited.version });
    trail::record(&mut tx, &caller, "draft.edit", &format!("ticket:{}", ticket.id), detail).await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(edited.version, axum::Json(DraftView::from(edited))))
}

/// How a draft is taken.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// Take it although the ticket has newer messages.
    #[serde(default)]
    force: bool,
}

/// Choose a draft as it is.
#[utoipa::path(
    post,
    path = "/api/ai/tickets/{id}/drafts/{draft_id}/accept",
    tag = "ai",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("draft_id" = Uuid, Path, description = "the draft"),
        ("If-Match" = Option<String>, Header, description = "the draft's version, in quotation marks"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = Acceptance,
    responses(
        (status = 200, description = "the draft", body = DraftView),
        (status = 404, description = "there is no such draft", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket has newer messages, or the draft was sent", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody changed it", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn accept(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path((reference, draft)): Path<(String, String)>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: Json<Acceptance>,
) -> Result<Answer, Problem> {
    let draft = DraftId(query::id("draft_id", &draft)?);
    let by = caller.actor();
    let hand = Hand { by: &by, version: etag::expected_version(&headers)? };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let ticket = find_answerable(&mut tx, &reference).await?;
    let chosen = people::accept(&mut tx, ticket.id, draft, hand, body.value.force).await?;
    let answer = Answer::ok(&DraftView::from(chosen));
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    let detail = json!({ "draft_id": draft, "forced": body.value.force });
    trail::record(&mut tx, &caller, "draft.accept", &format!("ticket:{}", ticket.id), detail).await?;
    state.db.commit(tx).await?;
    Ok(answer)
}

/// How a draft is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Sending {
    /// `last_message_id` as the ticket was looked at.
    #[serde(default)]
    last_seen_message_id: Option<Uuid>,
    /// Send it although something was added that was not seen.
    #[serde(default)]
    force: bool,
    /// Not before that time, 60 days away at most.
    #[serde(default)]
    send_at: Option<DateTime<Utc>>,
}

/// A draft that is on its way.
#[derive(Debug, Serialize, ToSchema)]
struct SentDraft {
    /// The message that it became.
    message_id: Uuid,
    /// The version of the ticket.
    ticket_version: i64,
    /// What it lacks to be sent: no_mailbox, no_mail_server or no_address; as of the message.
    not_sent_because: Option<String>,
    /// How far it is from what was drafted, 0 to 1.
    edit_distance: f32,
    /// The draft.
    draft: DraftView,
}

/// Send a draft, as it was edited, as a reply to the customer.
///
/// As POST /api/tickets/{id}/messages it names the last message that was seen; when something newer is there, or the
/// drafter had not seen everything, 409 says so and nothing is sent.
#[utoipa::path(
    post,
    path = "/api/ai/tickets/{id}/drafts/{draft_id}/send",
    tag = "ai",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("draft_id" = Uuid, Path, description = "the draft"),
        ("If-Match" = Option<String>, Header, description = "the draft's version, in quotation marks"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body(content = Sending, example = json!({"last_seen_message_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"})),
    responses(
        (status = 201, description = "it is on its way", body = SentDraft),
        (status = 404, description = "there is no such draft", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "something newer arrived, or it was sent", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody changed it", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn send(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path((reference, draft)): Path<(String, String)>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: Json<Sending>,
) -> Result<Response, Problem> {
    let draft = DraftId(query::id("draft_id", &draft)?);
    let by = caller.actor();
    let hand = Hand { by: &by, version: etag::expected_version(&headers)? };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer.into_response());
    }
    let ticket = find_answerable(&mut tx, &reference).await?;
    let taken = people::take(&mut tx, ticket.id, draft, hand).await?;
    if taken.stale && !body.value.force {
        return Err(DraftError::Stale.into());
    }
    let cause = Cause::of(&caller);
    let new = NewReply {
        text: &taken.reply,
        last_seen: body.value.last_seen_message_id.map(MessageId),
        force: body.value.force,
        send_at: body.value.send_at,
        status: None,
        attachments: &[],
    };
    match reply::reply(&mut tx, &cause.acting(&caller), ticket.id, &new).await? {
        Replied::Unseen { news, .. } => {
            let last = message::last_added(&mut tx, ticket.id).await?;
            // Nothing is kept: the draft is where it was.
            drop(tx);
            let ids: Vec<Uuid> = news.iter().map(|message| message.id.0).collect();
            let views: Vec<MessageView> = news.into_iter().map(MessageView::from).collect();
            Err(Problem::conflict(
                "something was added to the ticket that you have not seen: look at new_messages, and send again with \
                 last_seen_message_id as it is here, or with force",
            )
            .at("last_seen_message_id")
            .with("new_messages", serde_json::to_value(&views).map_err(|_| Problem::internal())?)
            .with("new_message_ids", json!(ids))
            .with("last_message_id", json!(last)))
        }
        Replied::Queued { message, version, announcement, .. } => {
            let edit_distance = people::mark_sent(&mut tx, &taken, message.id, &by).await?;
            let sent = support::drafts::get(&mut tx, draft).await?.ok_or_else(Problem::internal)?;
            let message_id = message.id.0;
            let sent = SentDraft {
                message_id,
                ticket_version: version,
                not_sent_because: message.not_sent_because,
                edit_distance,
                draft: sent.into(),
            };
            let answer = Answer::created(format!("/api/tickets/{}/messages", ticket.id), &sent);
            idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
            let detail = json!({"message_id": message_id, "draft_id": draft, "forced": body.value.force});
            trail::record(&mut tx, &caller, "ticket.reply", &format!("ticket:{}", ticket.id), detail).await?;
            state.db.commit(tx).await?;
            state.dispatch.announce(announcement);
            Ok(answer.into_response())
        }
    }
}

/// Good or bad.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Thumb {
    /// It was of use.
    Up,
    /// It was of no use.
    Down,
}

/// What is thought of a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Feedback {
    /// up or down.
    thumb: Thumb,
    /// Why, 1000 characters at most.
    #[serde(default)]
    reason: Option<String>,
}

/// Say what is thought of a draft. The last word counts.
#[utoipa::path(
    put,
    path = "/api/ai/tickets/{id}/drafts/{draft_id}/feedback",
    tag = "ai",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("draft_id" = Uuid, Path, description = "the draft"),
    ),
    request_body(content = Feedback, example = json!({"thumb": "down", "reason": "It is too long."})),
    responses(
        (status = 200, description = "the draft", body = DraftView),
        (status = 404, description = "there is no such draft", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn judge(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path((reference, draft)): Path<(String, String)>,
    body: Json<Feedback>,
) -> Result<axum::Json<DraftView>, Problem> {
    let draft = DraftId(query::id("draft_id", &draft)?);
    let Feedback { thumb, reason } = body.value;
    if reason.as_ref().is_some_and(|reason| !(1..=REASON_CHARS).contains(&reason.chars().count())) {
        return Err(Problem::bad_request("reason", format!("must have 1 to {REASON_CHARS} characters")));
    }
    let thumb = match thumb {
        Thumb::Up => people::Thumb::Up,
        Thumb::Down => people::Thumb::Down,
    };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    if !people::judge(&mut tx, ticket.id, draft, thumb, reason.as_deref(), &caller.actor()).await? {
        return Err(DraftError::Unknown.into());
    }
    let judged = support::drafts::get(&mut tx, draft).await?.ok_or(DraftError::Unknown)?;
    let detail = json!({ "draft_id": draft, "thumb": judged.thumb });
    trail::record(&mut tx, &caller, "draft.judge", &format!("ticket:{}", ticket.id), detail).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(judged.into()))
}
