//! The segments themselves: made, changed, archived, listed. A rule is stored only when its names are known, and
//! segments that refer to each other in a circle are refused.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::case::{fold, is_same};
use super::evaluate::{self, Evaluation};
use super::facts;
use super::json::{from_json, to_json};
use super::references::{circle, edges, write_references};
use super::resolve::{NameError, Names, resolve};
use super::rule::Rule;
use database::ids::{SegmentId, TenantId};
use database::{DbError, Tx};

/// How many segments a tenant may have that are not archived.
pub const MAX_SEGMENTS: i64 = 1_000;

/// A segment as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Identity.
    pub id: SegmentId,
    /// Unique among the tenant's segments that are not archived, without regard to case.
    pub name: String,
    /// For people.
    pub description: String,
    /// The rule in JSON.
    pub rule: Value,
    /// Grows with every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// The last evaluation, whatever became of it.
    pub last_evaluation: Option<Evaluation>,
    /// The last one that was done: what the members rest on.
    pub computed: Option<Evaluation>,
}

impl Segment {
    /// The rule; none when it was stored by another version of the program and is not understood.
    pub fn parsed(&self) -> Option<Rule> {
        from_json(&self.rule).ok()
    }
}

/// What a segment is to be.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// 1 to 100 characters.
    pub name: &'a str,
    /// At most 1,000 characters.
    pub description: &'a str,
    /// The rule.
    pub rule: &'a Rule,
}

/// Why a segment was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Another segment has the name.
    #[error("another segment has this name")]
    NameTaken,
    /// The name does not fit.
    #[error("a name has 1 to 100 characters, not only blanks, and no control characters")]
    BadName,
    /// The description does not fit.
    #[error("a description has at most 1000 characters")]
    BadDescription,
    /// There are too many.
    #[error("there are {MAX_SEGMENTS} segments already; archive some")]
    TooMany,
    /// The rule names something unknown.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The rule would lead back to the segment itself; the names on the way.
    #[error("the segments would refer to each other in a circle: {}", .0.join(" -> "))]
    Circle(Vec<String>),
    /// Other segments refer to this one by its name.
    #[error("other segments refer to this one by its name: {}", .0.join(", "))]
    ReferredTo(Vec<String>),
    /// Somebody else changed it meanwhile; the version that it has now.
    #[error("the segment was changed meanwhile; it has version {0} now")]
    Changed(i32),
    /// There is no such segment, or it is archived.
    #[error("there is no such segment")]
    Missing,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for SaveError {
    fn from(error: sqlx::Error) -> SaveError {
        let error = DbError::from(error);
        if error.violates("segment_name_unique") { SaveError::NameTaken } else { SaveError::Db(error) }
    }
}

/// Stores a new segment (marketing role).
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    draft: &Draft<'_>,
    now: DateTime<Utc>,
) -> Result<Segment, SaveError> {
    check_texts(draft.name, draft.description)?;
    lock(tx, tenant).await?;
    let count: i64 = sqlx::query_scalar(
        "select count(*) from marketing_app.segment where tenant_id = $1 and archived_at is null",
    )
    .bind(tenant)
    .fetch_one(&mut **tx)
    .await?;
    if count >= MAX_SEGMENTS {
        return Err(SaveError::TooMany);
    }
    let names = check_rule(tx, tenant, draft.rule, now).await?;
    if names.segments.contains_key(&fold(draft.name.trim())) {
        return Err(SaveError::NameTaken);
    }
    let id = SegmentId::new();
    sqlx::query("insert into marketing_app.segment (id, tenant_id, name, description, rule) values ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(tenant)
        .bind(draft.name.trim())
        .bind(draft.description)
        .bind(Json(to_json(draft.rule)))
        .execute(&mut **tx)
        .await?;
    write_references(tx, tenant, id, &referred(draft.rule, &names)).await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Changes a segment; `expected` is the version that the caller has seen (marketing role).
pub async fn update(
    tx: &mut Tx,
    tenant: TenantId,
    id: SegmentId,
    expected: Option<i32>,
    draft: &Draft<'_>,
    now: DateTime<Utc>,
) -> Result<Segment, SaveError> {
    check_texts(draft.name, draft.description)?;
    lock(tx, tenant).await?;
    let stored = standing(tx, id, expected).await?;
    let is_renamed = !is_same(stored.name.trim(), draft.name.trim());
    if is_renamed {
        refuse_when_referred_to(tx, id).await?;
    }
    let names = check_rule(tx, tenant, draft.rule, now).await?;
    if is_renamed && names.segments.contains_key(&fold(draft.name.trim())) {
        return Err(SaveError::NameTaken);
    }
    let references = referred(draft.rule, &names);
    refuse_circles(tx, tenant, id, &references, &names).await?;
    sqlx::query(
        "update marketing_app.segment set name = $2, description = $3, rule = $4, version = version + 1, updated_at = now()
         where id = $1",
    )
    .bind(id)
    .bind(draft.name.trim())
    .bind(draft.description)
    .bind(Json(to_json(draft.rule)))
    .execute(&mut **tx)
    .await?;
    sqlx::query("delete from marketing_app.segment_reference where segment_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    write_references(tx, tenant, id, &references).await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Puts a segment away: it keeps its history, loses its members and gives its name free (marketing role).
pub async fn archive(
    tx: &mut Tx,
    tenant: TenantId,
    id: SegmentId,
    expected: Option<i32>,
) -> Result<(), SaveError> {
    lock(tx, tenant).await?;
    standing(tx, id, expected).await?;
    refuse_when_referred_to(tx, id).await?;
    for statement in [
        "update marketing_app.segment set archived_at = now(), updated_at = now(), version = version + 1 where id = $1",
        "delete from marketing_app.segment_reference where segment_id = $1",
        "delete from marketing_app.segment_member where segment_id = $1",
    ] {
        sqlx::query(statement).bind(id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// The columns of a segment with its last evaluation as `e_...` and its last done one as `d_...`.
const SELECT: &str = "select s.*, to_jsonb(e.*) as last_evaluation, to_jsonb(d.*) as computed
     from marketing_app.segment s
     left join lateral (select * from marketing_app.segment_evaluation e
                        where e.segment_id = s.id order by e.started_at desc, e.id desc limit 1) e on true
     left join lateral (select * from marketing_app.segment_evaluation d
                        where d.segment_id = s.id and d.state = 'done'
                        order by d.started_at desc, d.id desc limit 1) d on true";

/// A segment, archived or not (marketing role).
pub async fn get(tx: &mut Tx, id: SegmentId) -> Result<Option<Segment>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} where s.id = $1"));
    let stored: Option<Stored> = sqlx::query_as(sql).bind(id).fetch_optional(&mut **tx).await?;
    Ok(stored.map(Stored::segment))
}

/// Segments, newest first, before the one given; archived ones or the others (marketing role).
pub async fn list(
    tx: &mut Tx,
    tenant: TenantId,
    archived: bool,
    before: Option<SegmentId>,
    limit: i64,
) -> Result<Vec<Segment>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{SELECT} where s.tenant_id = $1 and (s.archived_at is not null) = $2 and ($3::uuid is null or s.id < $3)
         order by s.id desc limit $4"
    ));
    let stored: Vec<Stored> =
        sqlx::query_as(sql).bind(tenant).bind(archived).bind(before).bind(limit).fetch_all(&mut **tx).await?;
    Ok(stored.into_iter().map(Stored::segment).collect())
}

/// Changes of rules and names of a tenant come one after the other, so that no two of them make a circle.
async fn lock(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("segments {tenant}"))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn standing(tx: &mut Tx, id: SegmentId, expected: Option<i32>) -> Result<Segment, SaveError> {
    let stored =
        get(tx, id).await?.filter(|segment| segment.archived_at.is_none()).ok_or(SaveError::Missing)?;
    match expected {
        Some(version) if version != stored.version => Err(SaveError::Changed(stored.version)),
        _ => Ok(stored),
    }
}

fn check_texts(name: &str, description: &str) -> Result<(), SaveError> {
    let length = name.trim().chars().count();
    if !(1..=100).contains(&length) || name.chars().any(char::is_control) {
        return Err(SaveError::BadName);
    }
    if description.chars().count() > 1000 || description.contains('\0') {
        return Err(SaveError::BadDescription);
    }
    Ok(())
}

/// The rule's names are known now; later ones may go with a new segmentation, which the evaluation then says.
async fn check_rule(
    tx: &mut Tx,
    tenant: TenantId,
    rule: &Rule,
    now: DateTime<Utc>,
) -> Result<Names, SaveError> {
    let names = facts::names(tx, tenant, None).await?;
    resolve(rule, &names, now.date_naive())?;
    Ok(names)
}

fn referred(rule: &Rule, names: &Names) -> BTreeSet<SegmentId> {
    rule.segments().into_iter().filter_map(|name| names.segments.get(&fold(name)).copied()).collect()
}

async fn refuse_when_referred_to(tx: &mut Tx, id: SegmentId) -> Result<(), SaveError> {
    let names: Vec<String> = sqlx::query_scalar(
        "select s.name from marketing_app.segment_reference r join marketing_app.segment s on s.id = r.segment_id
         where r.refers_to = $1 and r.segment_id <> $1 and s.archived_at is null order by 1 limit 10",
    )
    .bind(id)
    .fetch_all(&mut **tx)
    .await?;
    if names.is_empty() { Ok(()) } else { Err(SaveError::ReferredTo(names)) }
}

async fn refuse_circles(
    tx: &mut Tx,
    tenant: TenantId,
    id: SegmentId,
    to: &BTreeSet<SegmentId>,
    names: &Names,
) -> Result<(), SaveError> {
    let mut edges = edges(tx, tenant).await?;
    edges.insert(id, to.clone());
    let name = |id: &SegmentId| {
        let found = names.segments.iter().find(|(_, known)| *known == id);
        found.map_or_else(|| id.to_string(), |(name, _)| format!("{name:?}"))
    };
    match circle(&edges, id) {
        Some(way) => Err(SaveError::Circle(way.iter().map(name).collect())),
        None => Ok(()),
    }
}

/// The row of [`SELECT`].
#[derive(FromRow)]
struct Stored {
    id: SegmentId,
    name: String,
    description: String,
    rule: Value,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    archived_at: Option<DateTime<Utc>>,
    last_evaluation: Option<Json<evaluate::Stored>>,
    computed: Option<Json<evaluate::Stored>>,
}

impl Stored {
    fn segment(self) -> Segment {
        let evaluation = |stored: Option<Json<evaluate::Stored>>| stored.map(|Json(stored)| stored.into());
        Segment {
            id: self.id,
            name: self.name,
            description: self.description,
            rule: self.rule,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            archived_at: self.archived_at,
            last_evaluation: evaluation(self.last_evaluation),
            computed: evaluation(self.computed),
        }
    }
}
