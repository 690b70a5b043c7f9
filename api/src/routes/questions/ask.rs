//! Questions in plain language. Each becomes a job: its progress and end are told as those of any job
//! (`GET /api/jobs/{id}?wait=30s`, `GET /api/jobs/{id}/events`), and the answer is read here, by whoever asked.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Utc};
use database::Role;
use jobs::NewJob;
use questions::conversations::{self, AskError, Exchange, LONGEST_QUESTION, NewQuestion};
use questions::kinds::AnswerQuestion;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(ask)).routes(routes!(conversation, forget))
}

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"question": "Which customers are at high risk?"}))]
pub struct Question {
    /// 1 to 2,000 characters.
    question: String,
    /// The conversation that it goes on with; a new one when missing.
    #[serde(default)]
    conversation_id: Option<Uuid>,
}

/// The question is being answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AskedQuestion)]
pub struct Asked {
    /// The job, as in GET /api/jobs/{id}.
    pub job_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// The conversation, as in GET /api/ask/{conversation_id}.
    pub conversation_id: Uuid,
    /// The question in it.
    pub exchange_id: Uuid,
}

/// Ask a question in plain language.
///
/// With a model it calls the tools and answers in words; without one a grammar over the tools' vocabulary answers, asks
/// back or declines, and says so. Conversations are kept for 24 hours after their last question.
#[utoipa::path(
    post,
    path = "/api/ask",
    tag = "questions",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = Question,
    responses(
        (status = 202, description = "it is being answered", body = Asked, headers(("Location" = String, description = "the job"))),
        (status = 404, description = "there is no such conversation any more", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn ask(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::IntelligenceRead as u8 }>,
    key: IdempotencyKey,
    body: Json<Question>,
) -> Result<Answer, Problem> {
    let question = body.value.question.trim();
    if !(1..=LONGEST_QUESTION).contains(&question.chars().count()) {
        return Err(Problem::bad_request(
            "question",
            format!("must have 1 to {LONGEST_QUESTION} characters"),
        ));
    }
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let scopes: Vec<String> = caller.scopes.iter().map(ToString::to_string).collect();
    let new = NewQuestion {
        conversation: body.value.conversation_id,
        asked_by: &caller.actor(),
        question,
        scopes: &scopes,
    };
    let exchange = conversations::ask(&mut tx, caller.tenant, &new, Utc::now()).await?;
    let job = NewJob::of(caller.tenant, &AnswerQuestion { exchange_id: exchange.id })?;
    let (enqueued, announcement) = jobs::enqueue_one(&mut tx, correlation::caused(job)).await?;
    let asked = Asked {
        job_id: enqueued.id,
        state: enqueued.state.to_string(),
        conversation_id: exchange.conversation_id,
        exchange_id: exchange.id,
    };
    let answer = Answer::accepted(enqueued.id, &asked);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Problem {
        match error {
            AskError::NoConversation => Problem::not_found(error.to_string()),
            AskError::TooLong => Problem::conflict(error.to_string()),
            AskError::Db(error) => error.into(),
        }
    }
}

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conversation {
    /// It.
    pub conversation_id: Uuid,
    /// Questions and answers, the first question first.
    pub exchanges: Vec<ExchangeView>,
}

/// A question and its answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExchangeView {
    /// It.
    pub id: Uuid,
    /// What was asked.
    pub question: String,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// When it was answered; null while it is not.
    pub answered_at: Option<DateTime<Utc>>,
    /// The answer: outcome (answered, asks, declined), text, rows, chart, calls, as_of, caveats, suggestions, answered_by,
    /// model, removed_sentences; null while there is none.
    #[schema(value_type = Option<Object>)]
    pub answer: Option<Value>,
}

impl From<Exchange> for ExchangeView {
    fn from(exchange: Exchange) -> ExchangeView {
        ExchangeView {
            id: exchange.id,
            question: exchange.question,
            asked_at: exchange.asked_at,
            answered_at: exchange.answered_at,
            answer: exchange
                .answer
                .map(|answer| serde_json::to_value(answer.0).expect("an answer is plain data")),
        }
    }
}

/// A conversation of the caller's own.
#[utoipa::path(
    get,
    path = "/api/ask/{id}",
    tag = "questions",
    params(("id" = Uuid, Path, description = "the conversation")),
    responses(
        (status = 200, description = "questions and answers", body = Conversation),
        (status = 404, description = "it is somebody else's, or over", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn conversation(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Shown<Conversation>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    Params::of(&uri, &[])?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let found = conversations::of_person(&mut tx, id, &caller.actor(), Utc::now()).await?;
    tx.commit().await?;
    let exchanges = found.ok_or_else(none)?.into_iter().map(ExchangeView::from).collect();
    Ok(Shown(Conversation { conversation_id: id, exchanges }))
}

/// Forget a conversation.
#[utoipa::path(
    delete,
    path = "/api/ask/{id}",
    tag = "questions",
    params(("id" = Uuid, Path, description = "the conversation")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, description = "it is somebody else's, or over", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn forget(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    Params::of(&uri, &[])?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let was_there = conversations::forget(&mut tx, id, &caller.actor()).await?;
    tx.commit().await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}

pub(super) fn none() -> Problem {
    Problem::not_found("there is no such conversation any more")
}
