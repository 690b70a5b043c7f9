//! Workspaces that a tenant has connected, with the token that lets us in: sealed, and gone when it is disconnected.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use uuid::Uuid;

use accounts::seal::{MasterKey, UnsealError};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};

/// Workspaces that a tenant may have.
const MAX_WORKSPACES: i64 = 20;

/// How long an installation may take.
const INSTALL_WITHIN: chrono::Duration = chrono::Duration::minutes(10);

/// A workspace as its owner sees it.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Workspace {
    /// Identity.
    pub id: Uuid,
    /// Slack's id of it.
    pub team_id: String,
    /// Its name.
    pub team_name: String,
    /// The bot, as a user there.
    pub bot_user_id: String,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// connected, or revoked when Slack does not take the token any more: connect it again.
    pub state: String,
    /// Why it is not connected.
    pub state_reason: Option<String>,
    /// Who connected it.
    pub installed_by: String,
    /// When.
    pub installed_at: DateTime<Utc>,
    /// When something of it changed.
    pub updated_at: DateTime<Utc>,
    /// Alerts that wait.
    pub waiting: i64,
    /// When the newest alert was told.
    pub last_sent_at: Option<DateTime<Utc>>,
}

/// A tenant's workspaces, newest first (outbound role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx) -> Result<Vec<Workspace>, DbError> {
    Ok(sqlx::query_as(
        "select w.id, w.team_id, w.team_name, w.bot_user_id, w.scopes, w.state, w.state_reason, w.installed_by,
                w.installed_at, w.updated_at,
                (select count(*) from outbound.alert a where a.workspace_id = w.id and a.state = 'waiting') as waiting,
                (select max(t.at) from outbound.thread t where t.workspace_id = w.id) as last_sent_at
         from outbound.workspace w where w.state <> 'removed' order by w.id desc limit 100",
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// How to call a workspace.
#[derive(Clone)]
pub struct Access {
    /// The workspace.
    pub id: Uuid,
    /// The bot's token.
    pub token: String,
    /// The bot, as a user there.
    pub bot_user_id: String,
}

/// Why there is no way in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The stored token does not open.
    #[error("the token of workspace {0} does not open: {1}")]
    Unseal(Uuid, UnsealError),
}

/// How to call a workspace; none when it is not connected (outbound role).
///
/// # Errors
/// The database failed, or the token does not open.
pub async fn access(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Access>, AccessError> {
    let row: Option<(Vec<u8>, String)> = sqlx::query_as(
        "select sealed_token, bot_user_id from outbound.workspace where id = $1 and state = 'connected'",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let Some((sealed, bot_user_id)) = row else { return Ok(None) };
    let bytes = key.unseal(&owner(tenant, id), &sealed).map_err(|error| AccessError::Unseal(id, error))?;
    let token = String::from_utf8(bytes).map_err(|_| AccessError::Unseal(id, UnsealError))?;
    Ok(Some(Access { id, token, bot_user_id }))
}

/// Begins an installation: what is answered to whoever goes to Slack, and comes back from there. It is used once.
///
/// # Errors
/// The database failed.
pub async fn begin_install(
    tx: &mut Tx,
    tenant: TenantId,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<String, DbError> {
    let state = hex::encode(rand::random::<[u8; 32]>());
    sqlx::query(
        "insert into outbound.install (state_hash, tenant_id, actor, expires_at) values ($1, $2, $3, $4)",
    )
    .bind(Sha256::digest(state.as_bytes()).as_slice())
    .bind(tenant)
    .bind(actor)
    .bind(now + INSTALL_WITHIN)
    .execute(&mut **tx)
    .await?;
    Ok(state)
}

/// Whose installation comes back, and who began it; none when nobody began it, or too long ago, or it was used. The
/// tenant is not known before, hence the connection and no transaction.
///
/// # Errors
/// The database failed.
pub async fn end_install(db: &Db, state: &str) -> Result<Option<(TenantId, String)>, DbError> {
    let mut tx = db.tenant_tx(Role::Outbound, TenantId(Uuid::nil())).await?;
    let used: Option<(Option<TenantId>, String)> = sqlx::query_as("select * from outbound.use_install($1)")
        .bind(Sha256::digest(state.as_bytes()).as_slice())
        .fetch_optional(&mut *tx)
        .await?;
    db.commit(tx).await?;
    Ok(used.and_then(|(tenant, actor)| Some((tenant?, actor))))
}

/// A workspace as Slack told of it.
#[derive(Debug, Clone)]
pub struct Installed<'a> {
    /// The bot's token.
    pub token: &'a str,
    /// Slack's id of the workspace.
    pub team_id: &'a str,
    /// Its name.
    pub team_name: &'a str,
    /// The app.
    pub app_id: &'a str,
    /// The bot, as a user there.
    pub bot_user_id: &'a str,
    /// What the token may do.
    pub scopes: &'a [String],
    /// Who connected it.
    pub by: &'a str,
}

/// Why a workspace could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// It is connected by another tenant: nobody could tell whom it speaks to.
    #[error("this workspace is connected by somebody else; it must be disconnected there first")]
    Taken,
    /// The tenant has as many as it may have.
    #[error("no more than {MAX_WORKSPACES} workspaces can be connected")]
    TooMany,
}

/// Connects a workspace, or connects it again (outbound role).
///
/// # Errors
/// It is somebody else's.
pub async fn connect(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    installed: &Installed<'_>,
) -> Result<Uuid, ConnectError> {
    let known: Option<Uuid> = sqlx::query_scalar(
        "select id from outbound.workspace where team_id = $1 order by (state = 'removed'), id desc limit 1 for update",
    )
    .bind(installed.team_id)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let all: i64 = sqlx::query_scalar("select count(*) from outbound.workspace where state <> 'removed'")
        .fetch_one(&mut **tx)
        .await
        .map_err(DbError::from)?;
    if known.is_none() && all >= MAX_WORKSPACES {
        return Err(ConnectError::TooMany);
    }
    let id = known.unwrap_or_else(Uuid::now_v7);
    let written = sqlx::query(
        "insert into outbound.workspace
             (id, tenant_id, team_id, team_name, app_id, bot_user_id, scopes, sealed_token, installed_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (id) do update set team_name = excluded.team_name, app_id = excluded.app_id,
             bot_user_id = excluded.bot_user_id, scopes = excluded.scopes, sealed_token = excluded.sealed_token,
             installed_by = excluded.installed_by, installed_at = now(), updated_at = now(), state = 'connected',
             state_reason = null",
    )
    .bind(id)
    .bind(tenant)
    .bind(installed.team_id)
    .bind(installed.team_name.chars().take(200).collect::<String>())
    .bind(installed.app_id)
    .bind(installed.bot_user_id)
    .bind(installed.scopes)
    .bind(key.seal(&owner(tenant, id), installed.token.as_bytes()))
    .bind(installed.by)
    .execute(&mut **tx)
    .await
    .map_err(DbError::from);
    match written {
        Ok(_) => Ok(id),
        Err(error) if error.violates("workspace_of_team") => Err(ConnectError::Taken),
        Err(error) => Err(error.into()),
    }
}

/// Disconnects a workspace: its token goes and its rules end. What waits there has failed. False when there is none
/// (outbound role).
///
/// # Errors
/// The database failed.
pub async fn disconnect(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let gone = sqlx::query(
        "update outbound.workspace set state = 'removed', sealed_token = '', updated_at = now()
         where id = $1 and state <> 'removed'",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    sqlx::query("update outbound.alert_rule set is_on = false, updated_at = now() where workspace_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "update outbound.alert set state = 'failed', error = 'the workspace was disconnected', ended_at = clock_timestamp()
         where workspace_id = $1 and state = 'waiting'",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected() == 1)
}

/// Notes that Slack does not take the token any more: alerts wait until the workspace is connected again (outbound role).
///
/// # Errors
/// The database failed.
pub async fn revoked(tx: &mut Tx, id: Uuid, reason: &str) -> Result<(), DbError> {
    sqlx::query(
        "update outbound.workspace set state = 'revoked', state_reason = $2, updated_at = now()
         where id = $1 and state = 'connected'",
    )
    .bind(id)
    .bind(reason)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whose a team is, and our id of it: for a request that proved to be Slack's, before the tenant is known.
///
/// # Errors
/// The database failed.
pub async fn of_team(db: &Db, team_id: &str) -> Result<Option<(TenantId, Uuid)>, DbError> {
    let mut tx = db.tenant_tx(Role::Outbound, TenantId(Uuid::nil())).await?;
    let found = sqlx::query_as("select * from outbound.whose_team($1)")
        .bind(team_id)
        .fetch_optional(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(found)
}

fn owner(tenant: TenantId, id: Uuid) -> String {
    format!("{tenant}:slack:{id}")
}
