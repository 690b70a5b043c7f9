//! How long a tenant keeps each kind of data, and what goes when that time is over: a bounded number of rows at a time.

use chrono::{DateTime, Duration, Utc};
use database::ids::TenantId;
use database::personal::{Person, Reached};
use database::{DbError, Tx};
use serde::Serialize;
use uuid::Uuid;

use super::tickets;

/// A kind of data whose time a tenant sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What help desks sent, as it was sent.
    Deliveries,
    /// The words of tickets that are closed.
    Tickets,
    /// Files of tickets that are closed.
    Files,
    /// Drafts that nobody sent.
    Drafts,
    /// Archives of persons' data.
    Archives,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Kind::Deliveries, Kind::Tickets, Kind::Files, Kind::Drafts, Kind::Archives];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Deliveries => "deliveries",
            Kind::Tickets => "tickets",
            Kind::Files => "files",
            Kind::Drafts => "drafts",
            Kind::Archives => "archives",
        }
    }

    /// The kind of that name.
    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == text)
    }

    /// Where a tenant says nothing everything stays, but for archives: they are copies that were made to be fetched.
    pub fn default_days(self) -> Option<i32> {
        match self {
            Kind::Archives => Some(30),
            _ => None,
        }
    }

    /// What goes.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Deliveries => "deliveries of the help desk, counted from when they came",
            Kind::Tickets => {
                "words of closed tickets, counted from when they were closed; times and states stay"
            }
            Kind::Files => "files of closed tickets, counted from when they were closed",
            Kind::Drafts => "texts of drafts that were not sent, counted from when they were written",
            Kind::Archives => "archives of persons' data, counted from when they were made",
        }
    }
}

/// How long a kind is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The kind.
    pub kind: &'static str,
    /// Days; null: for ever.
    pub keep_days: Option<i32>,
    /// Whether the tenant said so.
    pub is_default: bool,
    /// What goes.
    pub meaning: &'static str,
    /// Who said so, and when.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<DateTime<Utc>>,
}

/// The tenant's rules, one a kind (support role).
///
/// # Errors
/// The database failed.
pub async fn rules(tx: &mut Tx) -> Result<Vec<Rule>, DbError> {
    let rows: Vec<(String, Option<i32>, String, DateTime<Utc>)> = sqlx::query_as(
        "select kind, keep_days, changed_by, changed_at from support_app.retention
         where tenant_id = (select shared.current_tenant())",
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(Kind::ALL
        .into_iter()
        .map(|kind| {
            let set = rows.iter().find(|(name, ..)| name == kind.name());
            Rule {
                kind: kind.name(),
                keep_days: set.map_or(kind.default_days(), |(_, days, ..)| *days),
                is_default: set.is_none(),
                meaning: kind.meaning(),
                changed_by: set.map(|(_, _, by, _)| by.clone()),
                changed_at: set.map(|(_, _, _, at)| *at),
            }
        })
        .collect())
}

/// Sets how long a kind is kept (support role).
///
/// # Errors
/// The database failed.
pub async fn set(
    tx: &mut Tx,
    tenant: TenantId,
    kind: Kind,
    keep_days: Option<i32>,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.retention as r (tenant_id, kind, keep_days, changed_by, changed_at)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, kind) do update set keep_days = excluded.keep_days, changed_by = excluded.changed_by,
             changed_at = excluded.changed_at",
    )
    .bind(tenant)
    .bind(kind.name())
    .bind(keep_days)
    .bind(by)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a step found to be over.
#[derive(Debug, Default)]
pub struct Step {
    /// Rows that went, by table.
    pub reached: Reached,
    /// Files whose bytes are to be removed before their rows say so.
    pub files: Vec<Uuid>,
    /// Whether there may be more.
    pub has_more: bool,
}

/// Lets some of a kind go that is older than `keep_days` (support role). Of files and archives it answers which; their bytes
/// go first, and then their rows by `files_gone` and `archives_gone`.
///
/// # Errors
/// The database failed.
pub async fn step(tx: &mut Tx, kind: Kind, keep_days: i32, now: DateTime<Utc>) -> Result<Step, DbError> {
    const AT_ONCE: i64 = 500;
    let before = now - Duration::days(i64::from(keep_days));
    let mut step = Step::default();
    match kind {
        Kind::Deliveries => {
            // A replay names what it repeats; that one stays as long.
            let gone = sqlx::query(
                "delete from support_app.inbox where id in (
                     select id from support_app.inbox
                     where tenant_id = (select shared.current_tenant()) and received_at < $1
                     order by received_at limit $2 for update skip locked)",
            )
            .bind(before)
            .bind(AT_ONCE)
            .execute(&mut **tx)
            .await?
            .rows_affected();
            database::personal::add(&mut step.reached, "support_app.inbox", gone);
            step.has_more = gone == AT_ONCE.unsigned_abs();
        }
        Kind::Drafts => {
            let gone = sqlx::query(
                "update support_app.draft set reply = '[erased]', drafted_reply = null, recommendation = null,
                     thumb_reason = null
                 where id in (
                     select id from support_app.draft
                     where tenant_id = (select shared.current_tenant()) and created_at < $1 and sent_at is null
                       and reply <> '[erased]'
                     order by created_at limit $2 for update skip locked)",
            )
            .bind(before)
            .bind(AT_ONCE)
            .execute(&mut **tx)
            .await?
            .rows_affected();
            database::personal::add(&mut step.reached, "support_app.draft", gone);
            step.has_more = gone == AT_ONCE.unsigned_abs();
        }
        Kind::Tickets => {
            let over: Vec<Uuid> = sqlx::query_scalar(
                "select id from support_app.ticket
                 where tenant_id = (select shared.current_tenant()) and closed_at < $1 and erased_at is null
                   and not exists (select from support_app.attachment a where a.ticket_id = ticket.id and a.redacted_at is null)
                 order by closed_at limit $2",
            )
            .bind(before)
            .bind(tickets::AT_ONCE as i64)
            .fetch_all(&mut **tx)
            .await?;
            step.has_more = over.len() == tickets::AT_ONCE;
            if !over.is_empty() {
                tickets::erase(tx, &Person::default(), &over, "job:apply_retention", &mut step.reached)
                    .await?;
            }
        }
        Kind::Files => {
            step.files = sqlx::query_scalar(
                "select a.id from support_app.attachment a join support_app.ticket t on t.id = a.ticket_id
                 where a.tenant_id = (select shared.current_tenant()) and a.redacted_at is null and t.closed_at < $1
                 order by a.id limit $2",
            )
            .bind(before)
            .bind(AT_ONCE)
            .fetch_all(&mut **tx)
            .await?;
            step.has_more = !step.files.is_empty();
        }
        Kind::Archives => {
            step.files = sqlx::query_scalar(
                "select id from support_app.privacy_request
                 where tenant_id = (select shared.current_tenant()) and archive_until is not null
                   and (archive_until < $1 or finished_at < $2)
                 order by archive_until limit $3",
            )
            .bind(now)
            .bind(before)
            .bind(AT_ONCE)
            .fetch_all(&mut **tx)
            .await?;
            step.has_more = !step.files.is_empty();
        }
    }
    Ok(step)
}

/// Notes that archives are gone, and with them who asked (support role).
///
/// # Errors
/// The database failed.
pub async fn archives_gone(tx: &mut Tx, requests: &[Uuid]) -> Result<u64, DbError> {
    let gone = sqlx::query(
        "update support_app.privacy_request set archive_until = null, archive_bytes = null, asked = null, person = null
         where id = any($1)",
    )
    .bind(requests)
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}
