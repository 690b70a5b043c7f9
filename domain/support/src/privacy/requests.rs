//! Requests of persons: who asks, until when the law gives time, how far it is, and the certificate of what was reached.
//!
//! Who asks is sealed under the tenant's key, and goes with an erasure. What is left of it names a token.

use accounts::seal::MasterKey;
use accounts::tenant_keys::{self, TenantKeyError};
use chrono::{DateTime, Duration, Utc};
use database::ids::TenantId;
use database::personal::{Person, Reached};
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

/// The law gives a month (Regulation (EU) 2016/679, article 12 (3)).
const DUE_DAYS: i64 = 30;

/// Steps of an erasure, as its job's progress counts them.
pub const ERASE_STEPS: u64 = 9;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Kind {
    /// To get what is known.
    Export,
    /// To be forgotten.
    Erase,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Nobody began.
    Open,
    /// Its job began.
    Running,
    /// It is done.
    Done,
    /// It failed for good; `error` says why.
    Failed,
}

/// Who asks, and how that was proved.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The shop's id.
    pub customer_id: Option<String>,
    /// An address.
    pub email: Option<String>,
    /// How it was made sure that it is the person who asks.
    pub verification: String,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked(hidden)")
    }
}

/// A request as it is stored.
#[derive(Debug, Clone, FromRow)]
pub struct Request {
    /// Identity.
    pub id: Uuid,
    /// What is asked for.
    pub kind: Kind,
    /// How far it is.
    pub state: State,
    /// Who asks: sealed.
    pub asked: Option<Vec<u8>>,
    /// What they are known by: sealed.
    pub person: Option<Vec<u8>>,
    /// Whether the help desk is to forget them too.
    pub in_help_desk: bool,
    /// queued, done or failed.
    pub help_desk_state: Option<String>,
    /// Who took it in: `agent:ID`, `key:ID`, or `shop:shopify` for what a shop asks for by law.
    pub requested_by: String,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Until when the law gives time.
    pub due_at: DateTime<Utc>,
    /// The job that does it.
    pub job_id: Option<Uuid>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Rows by table, so far.
    pub reached: Json<Reached>,
    /// What is to be known of it.
    pub remarks: Vec<String>,
    /// Whether nothing names whom it is about, as was found when it began.
    pub is_nobody: bool,
    /// What stands for them, as was found when it began.
    pub token: Option<String>,
    /// What was done, once it is done.
    pub certificate: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// How long the archive is.
    pub archive_bytes: Option<i64>,
    /// Until when it can be fetched.
    pub archive_until: Option<DateTime<Utc>>,
}

pub(super) const COLUMNS: &str =
    "id, kind, state, asked, person, in_help_desk, help_desk_state, requested_by, requested_at, due_at,
    job_id, started_at, finished_at, reached, remarks, is_nobody, token, certificate, error, archive_bytes, archive_until";

/// What stands for a person whom this request erased first. It is made of the request's id, so every attempt has the same.
pub fn token(request: Uuid) -> String {
    format!("erased-{}", request.simple())
}

/// To whom the archive of a request belongs.
pub fn archive_owner(request: Uuid) -> String {
    owner(request, "archive")
}

/// To whom sealed values of a request belong.
fn owner(request: Uuid, what: &str) -> String {
    format!("privacy:{request}:{what}")
}

/// A request to be stored.
#[derive(Debug)]
pub struct NewRequest<'a> {
    /// Identity.
    pub id: Uuid,
    /// What is asked for.
    pub kind: Kind,
    /// Who asks.
    pub asked: &'a Asked,
    /// Whether the help desk is to forget them too.
    pub in_help_desk: bool,
    /// Who took it in.
    pub by: &'a str,
    /// The job that does it.
    pub job_id: Uuid,
}

/// Stores a request (support role).
///
/// # Errors
/// The tenant's key does not open, or the database failed.
pub async fn create(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    new: &NewRequest<'_>,
    now: DateTime<Utc>,
) -> Result<Request, TenantKeyError> {
    let key = tenant_keys::current(tx, master, tenant).await?;
    let asked =
        key.seal(&owner(new.id, "asked"), &serde_json::to_vec(new.asked).expect("texts are serialisable"));
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "insert into support_app.privacy_request (id, tenant_id, kind, asked, in_help_desk, requested_by, requested_at,
             due_at, job_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning {COLUMNS}"
    )))
    .bind(new.id)
    .bind(tenant)
    .bind(new.kind)
    .bind(asked)
    .bind(new.in_help_desk)
    .bind(new.by)
    .bind(now)
    .bind(now + Duration::days(DUE_DAYS))
    .bind(new.job_id)
    .fetch_one(&mut **tx)
    .await?)
}

/// A request (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Request>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.privacy_request where id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The tenant's requests, newest first, from behind a place, at most `limit` (support role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    state: Option<State>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Request>, DbError> {
    let (before_at, before_id) = before.unzip();
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.privacy_request
         where tenant_id = (select shared.current_tenant()) and ($1::text is null or state = $1)
           and ($2::timestamptz is null or (requested_at, id) < ($2, $3))
         order by requested_at desc, id desc limit $4"
    )))
    .bind(state)
    .bind(before_at)
    .bind(before_id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Who asks; none when it was erased (support role).
///
/// # Errors
/// The key was destroyed, or the database failed.
pub async fn asked(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    request: &Request,
) -> Result<Option<Asked>, TenantKeyError> {
    let Some(sealed) = &request.asked else { return Ok(None) };
    let plain = tenant_keys::open(tx, master, tenant, &owner(request.id, "asked"), sealed).await?;
    Ok(serde_json::from_slice(&plain).ok())
}

/// Whom it is about, if that was found before (support role).
///
/// # Errors
/// The key was destroyed, or the database failed.
pub async fn whom(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    request: &Request,
) -> Result<Option<Whom>, TenantKeyError> {
    let Some(sealed) = &request.person else { return Ok(None) };
    let plain = tenant_keys::open(tx, master, tenant, &owner(request.id, "person"), sealed).await?;
    let person: Option<Person> = serde_json::from_slice(&plain).ok();
    Ok(person.map(|person| Whom { person, is_nobody: request.is_nobody, remarks: request.remarks.clone() }))
}

/// Whom a request is about, as was found.
#[derive(Debug, Clone)]
pub struct Whom {
    /// What they are known by, and what stands for them.
    pub person: Person,
    /// Whether nothing names them. Of names that nobody had nothing is kept, for somebody may have them yet.
    pub is_nobody: bool,
    /// What is to be known of that.
    pub remarks: Vec<String>,
}

/// Notes that it began, and whom it is about, so that an attempt that finds half of it erased still knows the rest (support
/// role).
///
/// # Errors
/// The tenant's key does not open, or the database failed.
pub async fn begin(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    request: Uuid,
    whom: &Whom,
    now: DateTime<Utc>,
) -> Result<(), TenantKeyError> {
    let key = tenant_keys::current(tx, master, tenant).await?;
    let person = serde_json::to_vec(&whom.person).expect("texts are serialisable");
    sqlx::query(
        "update support_app.privacy_request set state = 'running', started_at = coalesce(started_at, $2), person = $3,
             remarks = $4, is_nobody = $5, token = $6, error = null
         where id = $1",
    )
    .bind(request)
    .bind(now)
    .bind(key.seal(&owner(request, "person"), &person))
    .bind(&whom.remarks)
    .bind(whom.is_nobody)
    .bind(&whom.person.token)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds what a step reached, in the transaction of the step (support role).
///
/// # Errors
/// The database failed.
pub async fn reached(tx: &mut Tx, request: Uuid, step: &Reached) -> Result<(), DbError> {
    if step.is_empty() {
        return Ok(());
    }
    let before: Option<Json<Reached>> =
        sqlx::query_scalar("select reached from support_app.privacy_request where id = $1 for update")
            .bind(request)
            .fetch_optional(&mut **tx)
            .await?;
    let Some(Json(mut all)) = before else { return Ok(()) };
    for (table, rows) in step {
        database::personal::add(&mut all, table, *rows);
    }
    sqlx::query("update support_app.privacy_request set reached = $2 where id = $1")
        .bind(request)
        .bind(Json(all))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends a request with its certificate; who asked is gone from it when that was an erasure, and what the person was known by
/// as soon as no help desk has to be told (support role). False when it is over already: whoever was to get an archive may have
/// been erased meanwhile.
///
/// # Errors
/// The database failed.
pub async fn finish(
    tx: &mut Tx,
    request: Uuid,
    archive: Option<Archive>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let Some(stored) = get(tx, request).await? else { return Ok(false) };
    let certificate = certificate(&stored, archive.as_ref(), now);
    let is_erasure = stored.kind == Kind::Erase;
    let done = sqlx::query(
        "update support_app.privacy_request set state = 'done', finished_at = $2, certificate = $3, error = null,
             asked = case when $4 then null else asked end,
             person = case when $4 and in_help_desk then person end,
             help_desk_state = case when $4 and in_help_desk then 'queued' end,
             archive_bytes = $5, archive_until = $6
         where id = $1 and state in ('open', 'running')",
    )
    .bind(request)
    .bind(now)
    .bind(certificate)
    .bind(is_erasure)
    .bind(archive.as_ref().map(|archive| archive.bytes))
    .bind(archive.as_ref().map(|archive| archive.until))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An archive that can be fetched.
#[derive(Debug, Clone)]
pub struct Archive {
    /// How long it is.
    pub bytes: i64,
    /// Of the archive as it is fetched.
    pub sha256: String,
    /// Until when it can be.
    pub until: DateTime<Utc>,
}

/// Ends a request that cannot be fulfilled (support role).
///
/// # Errors
/// The database failed.
pub async fn fail(tx: &mut Tx, request: Uuid, error: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.privacy_request set state = 'failed', error = $2, finished_at = $3
         where id = $1 and state in ('open', 'running')",
    )
    .bind(request)
    .bind(error)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How far the erasure in the help desk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpDesk {
    /// It was tried and is tried again by itself.
    Waits,
    /// Nothing of the person is there any more.
    Done,
    /// Something is, and somebody has to do something about it.
    Failed,
}

impl HelpDesk {
    fn name(self) -> &'static str {
        match self {
            HelpDesk::Waits => "queued",
            HelpDesk::Done => "done",
            HelpDesk::Failed => "failed",
        }
    }
}

/// Notes in the certificate how far the erasure in the help desk is: in a sentence, and what was looked for, found, deleted and
/// left in numbers. Nothing of the person is needed once it is done. What is done stays so, whatever is told later (support
/// role).
///
/// # Errors
/// The database failed.
pub async fn in_help_desk(
    tx: &mut Tx,
    request: Uuid,
    state: HelpDesk,
    outcome: &str,
    report: Value,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let stored: Option<(Option<Value>, Option<String>)> = sqlx::query_as(
        "select certificate, help_desk_state from support_app.privacy_request where id = $1 for update",
    )
    .bind(request)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((certificate, before)) = stored else { return Ok(()) };
    if before.as_deref() == Some(HelpDesk::Done.name()) {
        return Ok(());
    }
    let is_done = state == HelpDesk::Done;
    let certificate = certificate.map(|mut certificate| {
        let mut told = json!({ "state": state.name(), "what": outcome, "at": now });
        if let (Some(told), Value::Object(report)) = (told.as_object_mut(), report) {
            told.extend(report);
        }
        certificate["help_desk"] = told;
        certificate["is_complete"] = json!(is_done);
        with_hash(certificate)
    });
    sqlx::query(
        "update support_app.privacy_request set help_desk_state = $2, certificate = $3,
             person = case when $4 then null else person end
         where id = $1",
    )
    .bind(request)
    .bind(state.name())
    .bind(certificate)
    .bind(is_done)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a certificate says of a help desk that was not asked yet.
const NOT_ASKED_YET: &str = "still to be done: everything that the shop keeps itself is erased, and the help desk was not asked \
                             yet; read the certificate again, it says so as soon as it was";

/// What was done, when, by whom and to how much, with a hash of it. It names a token and nobody.
fn certificate(request: &Request, archive: Option<&Archive>, now: DateTime<Utc>) -> Value {
    let mut certificate = json!({
        "request_id": request.id, "kind": request.kind,
        "subject": request.token.clone().unwrap_or_else(|| token(request.id)),
        "requested_by": request.requested_by, "requested_at": request.requested_at, "due_at": request.due_at,
        "started_at": request.started_at, "finished_at": now, "is_in_time": now <= request.due_at,
        "reached": request.reached.0, "rows": request.reached.0.values().sum::<u64>(), "remarks": request.remarks,
    });
    let is_to_be_told = request.kind == Kind::Erase && request.in_help_desk;
    certificate["is_complete"] = json!(!is_to_be_told);
    if is_to_be_told {
        certificate["help_desk"] = json!({ "state": HelpDesk::Waits.name(), "what": NOT_ASKED_YET });
    }
    if let Some(archive) = archive {
        certificate["archive"] =
            json!({ "bytes": archive.bytes, "sha256": archive.sha256, "until": archive.until });
    }
    with_hash(certificate)
}

/// SHA-256 over the document without the hash, its names in the order of the alphabet and without spaces.
fn with_hash(mut certificate: Value) -> Value {
    if let Some(fields) = certificate.as_object_mut() {
        fields.remove("sha256");
    }
    let hash = hex::encode(Sha256::digest(canonical(&certificate)));
    certificate["sha256"] = json!(hash);
    certificate
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            let parts: Vec<String> = names
                .into_iter()
                .map(|name| format!("{}:{}", json!(name), canonical(&fields[name])))
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_depend_on_the_order_of_names_and_covers_every_value() {
        let one = with_hash(json!({"b": [1, {"d": 1, "c": 2}], "a": "x"}));
        let same = with_hash(serde_json::from_str(r#"{"a":"x","b":[1,{"c":2,"d":1}]}"#).expect("JSON"));
        assert_eq!(one["sha256"], same["sha256"]);
        assert_eq!(with_hash(one.clone()), one);
        assert_ne!(with_hash(json!({"a": "y", "b": []}))["sha256"], one["sha256"]);
    }
}
