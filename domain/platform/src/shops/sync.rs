//! One reading of a shop in parts. Each part is a range of time and goes on by itself; where it stands is moved in the
//! transaction of the rows that it read, by whoever finds it where they left it, so a sync that is killed loses a page of work
//! and nothing is counted twice.
//!
//! A cursor leads to 25,000 objects and no further. So after 20,000 the range begins anew at the last change that was seen;
//! pages are in the order of changes, and an object that is read twice says the same twice.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use super::store::Stored;

/// Objects of a range after which it begins anew.
const WINDOW: i64 = 20_000;
/// A cursor that comes to so many was left without a way on: so many objects were changed within one second.
pub const CURSOR_END: i64 = 24_500;
/// Shopify's search lags behind its own changes, so each reading begins before the end of the last.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Parts in which a first reading asks for orders beside each other.
const ORDER_PARTS: i16 = 4;

/// What a part reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Resource {
    /// Products.
    Products,
    /// Customers.
    Customers,
    /// Orders.
    Orders,
}

impl Resource {
    const ALL: [Resource; 3] = [Resource::Products, Resource::Customers, Resource::Orders];
}

/// A part of a reading, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Part {
    /// The reading.
    pub run_id: Uuid,
    /// Its number.
    pub part: i16,
    /// What it reads.
    pub resource: Resource,
    /// Whether it reads a bulk operation's file.
    pub is_bulk: bool,
    /// Where its range begins now.
    pub since: DateTime<Utc>,
    /// Where it ends.
    pub until: DateTime<Utc>,
    /// Behind the last page.
    pub cursor: Option<String>,
    /// Objects read behind `since`.
    pub in_window: i64,
    /// When the last of them was changed.
    pub last_at: Option<DateTime<Utc>>,
    /// The bulk operation.
    pub bulk_id: Option<String>,
    /// Where its file is read on.
    pub bulk_byte: i64,
    /// Its size.
    pub bulk_bytes: Option<i64>,
    /// `waiting`, `running`, `done` or `dropped`.
    pub state: String,
    /// Objects read in all.
    pub read: i64,
    /// Of them, orders that are new.
    pub inserted: i64,
    /// Orders that were replaced.
    pub replaced: i64,
    /// Orders that are stored as they are.
    pub unchanged: i64,
    /// Orders of which something newer is stored.
    pub older: i64,
    /// What cannot be stored.
    pub refused: i64,
    /// When the reading began.
    pub started_at: DateTime<Utc>,
    /// When it last went on.
    pub updated_at: DateTime<Utc>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "run_id, part, resource, is_bulk, since, until, cursor, in_window, last_at, bulk_id, bulk_byte, bulk_bytes,
    state, read, inserted, replaced, unchanged, older, refused, started_at, updated_at, finished_at";

/// How a first reading gets its orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The shop writes them into one file.
    Bulk,
    /// Pages, the first of which is of that time.
    Pages(DateTime<Utc>),
}

/// The parts of the last reading, the unfinished ones first (platform role).
///
/// # Errors
/// The database failed.
pub async fn last(tx: &mut Tx, source: &str) -> Result<Vec<Part>, DbError> {
    let select = format!(
        "select {COLUMNS} from platform.shop_sync
         where tenant_id = (select shared.current_tenant()) and source = $1 and run_id =
             (select run_id from platform.shop_sync where tenant_id = (select shared.current_tenant()) and source = $1
              order by started_at desc limit 1)
         order by part"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(source).fetch_all(&mut **tx).await?)
}

/// The parts of a reading (platform role).
///
/// # Errors
/// The database failed.
pub async fn of(tx: &mut Tx, source: &str, run_id: Uuid) -> Result<Vec<Part>, DbError> {
    let select = format!(
        "select {COLUMNS} from platform.shop_sync
         where tenant_id = (select shared.current_tenant()) and source = $1 and run_id = $2 order by part"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(source).bind(run_id).fetch_all(&mut **tx).await?)
}

/// Until when a resource was read (platform role); none before its first reading.
///
/// # Errors
/// The database failed.
pub async fn read_until(
    tx: &mut Tx,
    source: &str,
    resource: Resource,
) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar(
        "select until from platform.shop_synced
         where tenant_id = (select shared.current_tenant()) and source = $1 and resource = $2",
    )
    .bind(source)
    .bind(resource)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Begins a reading of everything that was changed since the last one (platform role); its parts.
///
/// # Errors
/// The database failed.
pub async fn begin(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    run_id: Uuid,
    first: First,
    now: DateTime<Utc>,
) -> Result<Vec<Part>, DbError> {
    let mut ranges = Vec::new();
    for resource in Resource::ALL {
        match read_until(tx, source, resource).await? {
            Some(until) => ranges.push((resource, false, until - OVERLAP, now)),
            None => ranges.extend(first_ranges(resource, first, now)),
        }
    }
    for (part, (resource, is_bulk, since, until)) in (0i16..).zip(ranges) {
        sqlx::query(
            "insert into platform.shop_sync
                 (tenant_id, source, run_id, part, resource, is_bulk, since, until, started_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict do nothing",
        )
        .bind(tenant)
        .bind(source)
        .bind(run_id)
        .bind(part)
        .bind(resource)
        .bind(is_bulk)
        .bind(since)
        .bind(until)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    // Readings of the past are told for a month.
    sqlx::query(
        "delete from platform.shop_sync where tenant_id = $1 and source = $2 and started_at < $3 and run_id <> $4",
    )
    .bind(tenant)
    .bind(source)
    .bind(now - TimeDelta::days(30))
    .bind(run_id)
    .execute(&mut **tx)
    .await?;
    last(tx, source).await
}

/// Before every shop.
fn beginning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).single().unwrap_or_default()
}

fn first_ranges(
    resource: Resource,
    first: First,
    now: DateTime<Utc>,
) -> Vec<(Resource, bool, DateTime<Utc>, DateTime<Utc>)> {
    match (resource, first) {
        (Resource::Products, _) => vec![(resource, false, beginning(), now)],
        (_, First::Bulk) => vec![(resource, true, beginning(), now)],
        (Resource::Customers, First::Pages(_)) => vec![(resource, false, beginning(), now)],
        (Resource::Orders, First::Pages(from)) => {
            let from = from.min(now);
            let step = (now - from) / i32::from(ORDER_PARTS);
            // Whole seconds, because that is what is asked for; each part begins where the one before ends.
            let bound = |part: i16| match part {
                0 => beginning(),
                ORDER_PARTS => now,
                part => {
                    let at = from + step * i32::from(part);
                    Utc.timestamp_opt(at.timestamp(), 0).single().unwrap_or(at)
                }
            };
            (0..ORDER_PARTS).map(|part| (resource, false, bound(part), bound(part + 1))).collect()
        }
    }
}

/// A part, which nobody else moves until the transaction ends (platform role).
///
/// # Errors
/// The database failed.
pub async fn held(tx: &mut Tx, source: &str, run_id: Uuid, part: i16) -> Result<Option<Part>, DbError> {
    let select = format!(
        "select {COLUMNS} from platform.shop_sync
         where tenant_id = (select shared.current_tenant()) and source = $1 and run_id = $2 and part = $3 for update"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select))
        .bind(source)
        .bind(run_id)
        .bind(part)
        .fetch_optional(&mut **tx)
        .await?)
}

/// What was read of a part.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Objects.
    pub read: i64,
    /// The newest change among them.
    pub last_at: Option<DateTime<Utc>>,
    /// Where the next page is; none at the end.
    pub next: Option<String>,
    /// Where the file is read on.
    pub bulk_byte: Option<i64>,
    /// What came of the orders.
    pub stored: Stored,
    /// Whether this was the last of it.
    pub is_last: bool,
}

/// Moves a part on behind what was read, if it still stands where `before` says (platform role): the caller stores the rows in
/// the same transaction. False when somebody else has moved it.
///
/// # Errors
/// The database failed.
pub async fn advance(
    tx: &mut Tx,
    source: &str,
    before: &Part,
    step: &Step,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let in_window = before.in_window + step.read;
    let last_at = before.last_at.max(step.last_at);
    // A new range begins in the second of the last change: what it had besides may be behind it.
    let begins_anew = !before.is_bulk
        && !step.is_last
        && in_window >= WINDOW
        && last_at.is_some_and(|at| at > before.since);
    let (since, cursor, in_window) = match last_at {
        Some(last_at) if begins_anew => (last_at, None, 0),
        _ => (before.since, step.next.as_deref(), in_window),
    };
    let moved = sqlx::query(
        "update platform.shop_sync
         set since = $6, cursor = $7, in_window = $8, last_at = $9, bulk_byte = $10, read = read + $11,
             inserted = inserted + $12, replaced = replaced + $13, unchanged = unchanged + $14, older = older + $15,
             refused = refused + $16, state = $17, updated_at = $18, finished_at = $19
         where tenant_id = (select shared.current_tenant()) and source = $1 and run_id = $2 and part = $3 and since = $4
           and cursor is not distinct from $5 and bulk_byte = $20 and state in ('waiting', 'running')",
    )
    .bind(source)
    .bind(before.run_id)
    .bind(before.part)
    .bind(before.since)
    .bind(&before.cursor)
    .bind(since)
    .bind(cursor)
    .bind(in_window)
    .bind(last_at)
    .bind(step.bulk_byte.unwrap_or(before.bulk_byte))
    .bind(step.read)
    .bind(step.stored.inserted)
    .bind(step.stored.replaced)
    .bind(step.stored.unchanged)
    .bind(step.stored.older)
    .bind(step.stored.refused)
    .bind(if step.is_last { "done" } else { "running" })
    .bind(now)
    .bind(step.is_last.then_some(now))
    .bind(before.bulk_byte)
    .execute(&mut **tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Notes the bulk operation that writes a part's file, or that there is none any more (platform role).
///
/// # Errors
/// The database failed.
pub async fn set_bulk(
    tx: &mut Tx,
    source: &str,
    part: &Part,
    (id, bytes): (Option<&str>, Option<i64>),
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update platform.shop_sync
         set bulk_id = $4, bulk_bytes = $5, bulk_byte = case when bulk_id is distinct from $4 then 0 else bulk_byte end,
             state = 'running', updated_at = $6
         where tenant_id = (select shared.current_tenant()) and source = $1 and run_id = $2 and part = $3",
    )
    .bind(source)
    .bind(part.run_id)
    .bind(part.part)
    .bind(id)
    .bind(bytes)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Has a part read by a bulk operation from now on, because a cursor leads no further, or by pages, because there is no file
/// (platform role).
///
/// # Errors
/// The database failed.
pub async fn read_by(
    tx: &mut Tx,
    source: &str,
    part: &Part,
    is_bulk: bool,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update platform.shop_sync
         set is_bulk = $4, cursor = null, in_window = 0, bulk_id = null, bulk_byte = 0, bulk_bytes = null, updated_at = $5
         where tenant_id = (select shared.current_tenant()) and source = $1 and run_id = $2 and part = $3
           and is_bulk <> $4",
    )
    .bind(source)
    .bind(part.run_id)
    .bind(part.part)
    .bind(is_bulk)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is to go on after a part has come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Other parts of the same kind are under way.
    Others,
    /// These begin.
    Begin(Vec<i16>),
    /// Everything was read. What the shop has no more is looked for ([`super::gone`]), and then the reading is over
    /// ([`finish`]).
    Read,
}

/// What goes on after a part has come to its end (platform role): parts of one kind are read beside each other, kinds one after
/// the other, because orders' lines need products. Called in the transaction in which the part was moved to its end.
///
/// # Errors
/// The database failed.
pub async fn after(tx: &mut Tx, source: &str, run_id: Uuid) -> Result<After, DbError> {
    // Two parts that end at once would each see the other under way.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('shop-sync:' || $1::text, 0))")
        .bind(run_id)
        .execute(&mut **tx)
        .await?;
    let parts = of(tx, source, run_id).await?;
    let open = |resource| parts.iter().any(|part| part.resource == resource && part.state != "done");
    let Some(resource) = Resource::ALL.into_iter().find(|resource| open(*resource)) else {
        return Ok(After::Read);
    };
    let of = parts.iter().filter(|part| part.resource == resource && part.state != "done");
    let (begun, new): (Vec<&Part>, Vec<&Part>) = of.partition(|part| part.state == "running");
    if new.is_empty() || !begun.is_empty() {
        return Ok(After::Others);
    }
    start(tx, source, run_id, resource).await?;
    Ok(After::Begin(new.iter().map(|part| part.part).collect()))
}

/// Notes that the parts of a kind are under way (platform role).
///
/// # Errors
/// The database failed.
async fn start(tx: &mut Tx, source: &str, run_id: Uuid, resource: Resource) -> Result<(), DbError> {
    sqlx::query(
        "update platform.shop_sync set state = 'running'
         where tenant_id = (select shared.current_tenant()) and source = $1 and run_id = $2 and resource = $3
           and state = 'waiting'",
    )
    .bind(source)
    .bind(run_id)
    .bind(resource)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes until when the shop was read now that all parts of a reading are done (platform role); when it began. None where they
/// are not, because the shop was disconnected meanwhile.
///
/// # Errors
/// The database failed.
pub async fn finish(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    run_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let parts = of(tx, source, run_id).await?;
    let Some(first) = parts.first().filter(|_| parts.iter().all(|part| part.state == "done")) else {
        return Ok(None);
    };
    for resource in Resource::ALL {
        let until = parts.iter().filter(|part| part.resource == resource).map(|part| part.until).max();
        sqlx::query(
            "insert into platform.shop_synced as s (tenant_id, source, resource, until) values ($1, $2, $3, $4)
             on conflict (tenant_id, source, resource) do update set until = greatest(s.until, excluded.until)",
        )
        .bind(tenant)
        .bind(source)
        .bind(resource)
        .bind(until.unwrap_or(now))
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query("update platform.shop_health set synced_at = $3 where tenant_id = $1 and source = $2")
        .bind(tenant)
        .bind(source)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(Some(first.started_at))
}

/// Ends readings that are under way, because the shop is another one now or gone (platform role).
///
/// # Errors
/// The database failed.
pub async fn drop_unfinished(tx: &mut Tx, source: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "update platform.shop_sync set state = 'dropped', finished_at = $2
         where tenant_id = (select shared.current_tenant()) and source = $1 and state in ('waiting', 'running')",
    )
    .bind(source)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets how far the shop was read (platform role): a shop that is connected anew is read from its beginning, because it may
/// be another one.
///
/// # Errors
/// The database failed.
pub async fn forget(tx: &mut Tx, source: &str) -> Result<(), DbError> {
    sqlx::query(
        "delete from platform.shop_synced where tenant_id = (select shared.current_tenant()) and source = $1",
    )
    .bind(source)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
