//! Calendars as they are stored: every change of their hours is a version that holds from its instant on.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use database::ids::TenantId;
use database::{DbError, Tx};

use super::check;
use super::hours::{Fault, HoursSpec};
use super::policies::{self, SaveError, alone};

/// The most calendars a tenant may have.
const MAX_CALENDARS: usize = 100;

/// A calendar with its newest version.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
pub struct StoredCalendar {
    /// Identity.
    pub id: Uuid,
    /// For people; unique without regard to case.
    pub name: String,
    /// Whether reports count business time by it where a target names no calendar.
    pub is_default: bool,
    /// Grows with every change.
    pub version: i32,
    /// From when on its hours hold.
    pub valid_from: DateTime<Utc>,
    /// Its hours.
    #[sqlx(json)]
    pub hours: HoursSpec,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

/// What a calendar is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft<'a> {
    /// 1 to 100 characters.
    pub name: &'a str,
    /// Whether it is the tenant's own.
    pub is_default: bool,
    /// Its hours.
    pub hours: &'a HoursSpec,
}

const NEWEST: &str = "
    select c.id, c.name, c.is_default, c.version, v.valid_from, v.hours, c.created_at, c.updated_at
    from support_app.sla_calendar c
    join lateral (
        select valid_from, hours from support_app.sla_calendar_version
        where calendar_id = c.id order by version desc limit 1
    ) v on true
    where c.tenant_id = shared.current_tenant() and ($1::uuid is null or c.id = $1)
    order by lower(c.name)";

/// The tenant's calendars by name (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx) -> Result<Vec<StoredCalendar>, DbError> {
    Ok(sqlx::query_as(NEWEST).bind(None::<Uuid>).fetch_all(&mut **tx).await?)
}

/// A calendar (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<StoredCalendar>, DbError> {
    Ok(sqlx::query_as(NEWEST).bind(id).fetch_optional(&mut **tx).await?)
}

/// Makes a calendar (support role). The tenant's first one is its own.
///
/// # Errors
/// Something in it is wrong, its name is taken, there are too many, or the database failed.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    draft: &Draft<'_>,
    now: DateTime<Utc>,
) -> Result<StoredCalendar, SaveError> {
    check::text("name", draft.name)?;
    draft.hours.check(now)?;
    alone(tx, tenant).await?;
    let known = list(tx).await?;
    if known.len() >= MAX_CALENDARS {
        return Err(SaveError::Conflict(format!(
            "there are {MAX_CALENDARS} calendars, and no more are taken"
        )));
    }
    let is_default = draft.is_default || known.is_empty();
    let id = Uuid::now_v7();
    if is_default {
        no_default(tx, tenant).await?;
    }
    sqlx::query(
        "insert into support_app.sla_calendar (id, tenant_id, name, is_default, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5)",
    )
    .bind(id)
    .bind(tenant)
    .bind(draft.name.trim())
    .bind(is_default)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map_err(taken)?;
    insert_version(tx, tenant, id, 1, draft.hours, now).await?;
    get(tx, id).await?.ok_or(SaveError::Missing("calendar"))
}

/// Changes a calendar from now on (support role). With `expected` only if that is its version.
///
/// # Errors
/// Something in it is wrong, a policy could not be kept with it, its name is taken, it is not there or was changed
/// meanwhile, or the database failed.
pub async fn update(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    expected: Option<i32>,
    draft: &Draft<'_>,
    now: DateTime<Utc>,
) -> Result<StoredCalendar, SaveError> {
    check::text("name", draft.name)?;
    let calendar = Arc::new(draft.hours.check(now)?);
    alone(tx, tenant).await?;
    let known = get(tx, id).await?.ok_or(SaveError::Missing("calendar"))?;
    if expected.is_some_and(|expected| expected != known.version) {
        return Err(SaveError::Changed(known.version));
    }
    for policy in policies::list(tx).await?.iter().filter(|policy| policy.spec.calendar_id == Some(id)) {
        check::policy(&policy.spec, Some(&calendar), now).map_err(|fault| {
            Fault::at("week", format!("the policy {} could not be kept: {}", policy.spec.name, fault.what))
        })?;
    }
    if draft.is_default && !known.is_default {
        no_default(tx, tenant).await?;
    }
    sqlx::query(
        "update support_app.sla_calendar set name = $2, is_default = $3, version = version + 1, updated_at = $4
         where id = $1",
    )
    .bind(id)
    .bind(draft.name.trim())
    .bind(draft.is_default || known.is_default)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map_err(taken)?;
    if *draft.hours != known.hours {
        sqlx::query(
            "update support_app.sla_calendar_version set valid_until = $2 where calendar_id = $1 and valid_until is null",
        )
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
        insert_version(tx, tenant, id, known.version + 1, draft.hours, now).await?;
    }
    get(tx, id).await?.ok_or(SaveError::Missing("calendar"))
}

fn taken(error: sqlx::Error) -> SaveError {
    let constraint = error.as_database_error().and_then(|error| error.constraint());
    match constraint {
        Some("sla_calendar_name_once") => {
            SaveError::Conflict("a calendar of that name is there already".to_owned())
        }
        _ => error.into(),
    }
}

async fn no_default(tx: &mut Tx, tenant: TenantId) -> Result<(), SaveError> {
    sqlx::query("update support_app.sla_calendar set is_default = false where tenant_id = $1 and is_default")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn insert_version(
    tx: &mut Tx,
    tenant: TenantId,
    calendar: Uuid,
    version: i32,
    hours: &HoursSpec,
    now: DateTime<Utc>,
) -> Result<(), SaveError> {
    sqlx::query(
        "insert into support_app.sla_calendar_version (id, tenant_id, calendar_id, version, valid_from, hours)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(calendar)
    .bind(version)
    .bind(now)
    .bind(Json(hours))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
