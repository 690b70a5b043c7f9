//! How a tenant's work is given out; a tenant that says nothing has the defaults of the table.

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::choose::Pace;

/// The policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Routing {
    /// Tickets that nobody has are given out.
    pub automatic: bool,
    /// Whose work is offered again when an agent goes offline: `none`, `waiting` (a customer waits for an answer), `all`.
    pub offline_policy: String,
    /// How long after they went, in seconds.
    pub offline_grace_secs: i32,
    /// From which waiting time on skills are no condition any more, in seconds.
    pub relax_skills_secs: i32,
    /// Units that an agent gets at once who has just arrived.
    pub newcomer_units: i32,
    /// After how many seconds they get as many again.
    pub newcomer_every_secs: i32,
    /// Since when managers know that tickets wait and nobody has room.
    pub told_at: Option<DateTime<Utc>>,
}

impl Routing {
    /// The part that choices need.
    pub fn pace(&self) -> Pace {
        Pace {
            relax_skills: TimeDelta::seconds(i64::from(self.relax_skills_secs)),
            newcomer_units: self.newcomer_units,
            newcomer_every: TimeDelta::seconds(i64::from(self.newcomer_every_secs)),
        }
    }
}

const COLUMNS: &str = "automatic, offline_policy, offline_grace_secs, relax_skills_secs, newcomer_units,
                       newcomer_every_secs, told_at";

/// The tenant's policy (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, tenant: TenantId) -> Result<Routing, DbError> {
    ensure(tx, tenant).await?;
    let statement = format!("select {COLUMNS} from support_app.routing where tenant_id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(tenant).fetch_one(&mut **tx).await?)
}

/// The same, and nobody else gives out the tenant's tickets until the transaction ends.
///
/// # Errors
/// The database failed.
pub async fn lock(tx: &mut Tx, tenant: TenantId) -> Result<Routing, DbError> {
    ensure(tx, tenant).await?;
    let statement = format!("select {COLUMNS} from support_app.routing where tenant_id = $1 for update");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(tenant).fetch_one(&mut **tx).await?)
}

/// Replaces it (support role); what managers know stays.
///
/// # Errors
/// A constraint named `routing_...` for a number or word out of range; the database failed.
pub async fn put(tx: &mut Tx, tenant: TenantId, routing: &Routing) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.routing (tenant_id, automatic, offline_policy, offline_grace_secs, relax_skills_secs,
                                          newcomer_units, newcomer_every_secs)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id) do update set (automatic, offline_policy, offline_grace_secs, relax_skills_secs,
                                                newcomer_units, newcomer_every_secs) =
             (excluded.automatic, excluded.offline_policy, excluded.offline_grace_secs, excluded.relax_skills_secs,
              excluded.newcomer_units, excluded.newcomer_every_secs)",
    )
    .bind(tenant)
    .bind(routing.automatic)
    .bind(&routing.offline_policy)
    .bind(routing.offline_grace_secs)
    .bind(routing.relax_skills_secs)
    .bind(routing.newcomer_units)
    .bind(routing.newcomer_every_secs)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn ensure(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query("insert into support_app.routing (tenant_id) values ($1) on conflict (tenant_id) do nothing")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
