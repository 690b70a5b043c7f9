//! What those who look at the desk are told, once the transaction commits.
//!
//! Changes of tickets tell of themselves, by triggers; this is for what else happens. A payload holds ids, numbers and
//! words of fixed lists, and never what people wrote.

use serde::Serialize;
use sqlx::types::Json;

use database::ids::{AgentId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::JobId;

/// Something that happened at the desk.
#[derive(Debug, Clone)]
pub struct Event<'a, P> {
    /// What, for example `sla_warning`.
    pub kind: &'a str,
    /// The ticket concerned.
    pub ticket: Option<TicketId>,
    /// The agent concerned.
    pub agent: Option<AgentId>,
    /// Particulars without any text of people.
    pub payload: P,
}

/// Tells of it (support role).
///
/// # Errors
/// The database failed.
pub async fn emit<P: Serialize>(tx: &mut Tx, tenant: TenantId, event: &Event<'_, P>) -> Result<(), DbError> {
    sqlx::query("select support_app.emit($1, $2, $3, $4, $5)")
        .bind(tenant)
        .bind(event.kind)
        .bind(event.ticket)
        .bind(event.agent)
        .bind(Json(&event.payload))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Tells who waits for it that a job is done, in the transaction in which it did its work (support role). `kind` is the
/// job's.
///
/// # Errors
/// The database failed.
pub async fn job_done(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: Option<TicketId>,
    kind: &str,
    job: JobId,
) -> Result<(), DbError> {
    let payload = serde_json::json!({ "job_id": job, "kind": kind });
    emit(tx, tenant, &Event { kind: "job_done", ticket, agent: None, payload }).await
}

/// Says who changes tickets in the rest of the transaction, and why, for their history. `actor` is `agent:ID`,
/// `key:ID`, `job:KIND` or the name of a help desk.
///
/// # Errors
/// The database failed.
pub async fn acting(tx: &mut Tx, actor: &str, reason: Option<&str>) -> Result<(), DbError> {
    sqlx::query("select set_config('desk.actor', $1, true), set_config('desk.reason', $2, true)")
        .bind(actor)
        .bind(reason.unwrap_or_default())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
