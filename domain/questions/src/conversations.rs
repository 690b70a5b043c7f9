//! Conversations: questions and answers that belong together, kept for a day for whoever asked, and nobody else. Those of a
//! chat are found by their thread: `chat.rs`.

mod chat;

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::answer::Answer;
use crate::tools::Call;
pub use chat::{NewInThread, ask_in_thread, is_going_on};

/// How long a conversation is kept after its last question.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// The longest question, in characters.
pub const LONGEST_QUESTION: usize = 2_000;
/// Questions of a conversation at most.
pub const MOST_QUESTIONS: i64 = 100;
/// Conversations that are let go at once when a question is asked.
const LET_GO_AT_ONCE: i64 = 100;

/// A question and what was answered.
#[derive(Debug, Clone, FromRow)]
pub struct Exchange {
    /// It.
    pub id: Uuid,
    /// Where it belongs.
    pub conversation_id: Uuid,
    /// The question.
    pub question: String,
    /// What the credential that asked may do.
    pub scopes: Vec<String>,
    /// The answer; none while it is being made.
    pub answer: Option<Json<Answer>>,
    /// What a question that goes on refers to.
    pub last_call: Option<Json<Call>>,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
    /// When it was answered.
    pub answered_at: Option<DateTime<Utc>>,
}

/// A question to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewQuestion<'a> {
    /// The conversation that it goes on with; none begins one.
    pub conversation: Option<Uuid>,
    /// Who asks.
    pub asked_by: &'a str,
    /// The question, 1 to 2,000 characters.
    pub question: &'a str,
    /// What the credential may do.
    pub scopes: &'a [String],
}

/// Why a question is not kept.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The conversation is somebody else's, or over.
    #[error("there is no such conversation any more")]
    NoConversation,
    /// It has become too long.
    #[error("the conversation has {MOST_QUESTIONS} questions; please begin another one")]
    TooLong,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for AskError {
    fn from(error: sqlx::Error) -> AskError {
        AskError::Db(error.into())
    }
}

/// Keeps a question, and lets conversations go whose time is over (marketing role).
///
/// # Errors
/// There is no such conversation, it is too long, or the database failed.
pub async fn ask(
    tx: &mut Tx,
    tenant: TenantId,
    new: &NewQuestion<'_>,
    now: DateTime<Utc>,
) -> Result<Exchange, AskError> {
    let_go(tx, now).await?;
    let conversation = match new.conversation {
        None => {
            let id = Uuid::now_v7();
            sqlx::query(
                "insert into questions_app.conversation (id, tenant_id, asked_by, created_at, expires_at)
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(tenant)
            .bind(new.asked_by)
            .bind(now)
            .bind(now + KEPT)
            .execute(&mut **tx)
            .await?;
            id
        }
        Some(id) => go_on(tx, id, new.asked_by, now).await?,
    };
    Ok(add(tx, tenant, Uuid::now_v7(), conversation, (new.question, new.scopes), now).await?)
}

/// Adds a question and what whoever asks may see to a conversation that is locked.
async fn add(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    conversation: Uuid,
    (question, scopes): (&str, &[String]),
    now: DateTime<Utc>,
) -> Result<Exchange, DbError> {
    Ok(sqlx::query_as(
        "insert into questions_app.exchange (id, tenant_id, conversation_id, question, scopes, asked_at)
         values ($1, $2, $3, $4, $5, $6)
         returning id, conversation_id, question, scopes, answer, last_call, asked_at, answered_at",
    )
    .bind(id)
    .bind(tenant)
    .bind(conversation)
    .bind(question)
    .bind(scopes)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?)
}

/// Whether a conversation is as long as it may get.
async fn is_full(tx: &mut Tx, conversation: Uuid) -> Result<bool, DbError> {
    let questions: i64 =
        sqlx::query_scalar("select count(*) from questions_app.exchange where conversation_id = $1")
            .bind(conversation)
            .fetch_one(&mut **tx)
            .await?;
    Ok(questions >= MOST_QUESTIONS)
}

/// Lets conversations go whose time is over, some at a time.
async fn let_go(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "delete from questions_app.conversation where id in
             (select id from questions_app.conversation
              where tenant_id = (select shared.current_tenant()) and expires_at <= $1 order by expires_at limit $2
              for update skip locked)",
    )
    .bind(now)
    .bind(LET_GO_AT_ONCE)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The conversation of this person, kept for another while; its lock makes questions of it wait for each other.
async fn go_on(tx: &mut Tx, id: Uuid, asked_by: &str, now: DateTime<Utc>) -> Result<Uuid, AskError> {
    let found: Option<Uuid> = sqlx::query_scalar(
        "update questions_app.conversation set expires_at = $3
         where id = $1 and asked_by = $2 and expires_at > $4 returning id",
    )
    .bind(id)
    .bind(asked_by)
    .bind(now + KEPT)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    let id = found.ok_or(AskError::NoConversation)?;
    if is_full(tx, id).await? { Err(AskError::TooLong) } else { Ok(id) }
}

/// A question by its id; none when it is gone (marketing role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Exchange>, DbError> {
    Ok(sqlx::query_as(
        "select id, conversation_id, question, scopes, answer, last_call, asked_at, answered_at
         from questions_app.exchange where id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The answered questions of a conversation before one, the latest first, at most `limit` (marketing role).
///
/// # Errors
/// The database failed.
pub async fn before(tx: &mut Tx, of: &Exchange, limit: i64) -> Result<Vec<Exchange>, DbError> {
    Ok(sqlx::query_as(
        "select id, conversation_id, question, scopes, answer, last_call, asked_at, answered_at
         from questions_app.exchange
         where conversation_id = $1 and (asked_at, id) < ($2, $3) and answer is not null
         order by asked_at desc, id desc limit $4",
    )
    .bind(of.conversation_id)
    .bind(of.asked_at)
    .bind(of.id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// A conversation of this person, the first question first; none when it is somebody else's or over (marketing role).
///
/// # Errors
/// The database failed.
pub async fn of_person(
    tx: &mut Tx,
    conversation: Uuid,
    asked_by: &str,
    now: DateTime<Utc>,
) -> Result<Option<Vec<Exchange>>, DbError> {
    // One whose only question was taken back is there, and goes on.
    let is_there: bool = sqlx::query_scalar(
        "select exists (select from questions_app.conversation where id = $1 and asked_by = $2 and expires_at > $3)",
    )
    .bind(conversation)
    .bind(asked_by)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    if !is_there {
        return Ok(None);
    }
    let exchanges: Vec<Exchange> = sqlx::query_as(
        "select id, conversation_id, question, scopes, answer, last_call, asked_at, answered_at
         from questions_app.exchange where conversation_id = $1 order by asked_at, id limit $2",
    )
    .bind(conversation)
    .bind(MOST_QUESTIONS)
    .fetch_all(&mut **tx)
    .await?;
    Ok(Some(exchanges))
}

/// Writes the answer down, unless the question is gone (marketing role).
///
/// # Errors
/// The database failed.
pub async fn answer(
    tx: &mut Tx,
    id: Uuid,
    answer: &Answer,
    last_call: Option<&Call>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let written = sqlx::query(
        "update questions_app.exchange set answer = $2, last_call = $3, answered_at = $4 where id = $1",
    )
    .bind(id)
    .bind(Json(answer))
    .bind(last_call.map(Json))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// What became of a question that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It is gone; the job that answers it finds nothing any more.
    Gone,
    /// It has its answer, and stays.
    Answered,
    /// It is in the conversation no more: it was taken back before.
    NotThere,
    /// There is no such conversation of this person.
    Unknown,
}

/// Takes a question back that has no answer yet (marketing role).
///
/// # Errors
/// The database failed.
pub async fn take_back(
    tx: &mut Tx,
    conversation: Uuid,
    exchange: Uuid,
    asked_by: &str,
    now: DateTime<Utc>,
) -> Result<TakenBack, DbError> {
    // Its lock: an answer that is being written now is waited for.
    let answered: Option<bool> = sqlx::query_scalar(
        "select e.answer is not null
         from questions_app.exchange e join questions_app.conversation c on c.id = e.conversation_id
         where e.id = $1 and c.id = $2 and c.asked_by = $3 and c.expires_at > $4 for update of e",
    )
    .bind(exchange)
    .bind(conversation)
    .bind(asked_by)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    match answered {
        None => {
            let is_theirs: bool = sqlx::query_scalar(
                "select exists (select from questions_app.conversation
                                where id = $1 and asked_by = $2 and expires_at > $3)",
            )
            .bind(conversation)
            .bind(asked_by)
            .bind(now)
            .fetch_one(&mut **tx)
            .await?;
            Ok(if is_theirs { TakenBack::NotThere } else { TakenBack::Unknown })
        }
        Some(true) => Ok(TakenBack::Answered),
        Some(false) => {
            sqlx::query("delete from questions_app.exchange where id = $1")
                .bind(exchange)
                .execute(&mut **tx)
                .await?;
            Ok(TakenBack::Gone)
        }
    }
}

/// Forgets a conversation of this person, with its answers; false when there was none (marketing role).
///
/// # Errors
/// The database failed.
pub async fn forget(tx: &mut Tx, conversation: Uuid, asked_by: &str) -> Result<bool, DbError> {
    let gone = sqlx::query("delete from questions_app.conversation where id = $1 and asked_by = $2")
        .bind(conversation)
        .bind(asked_by)
        .execute(&mut **tx)
        .await?;
    Ok(gone.rows_affected() > 0)
}
