//! Who is there: the union of an agent's connections over all processes of the api.

use sqlx::FromRow;
use uuid::Uuid;

use database::ids::{AgentId, TenantId};
use database::{DbError, Tx};
use jobs::{NewJob, QueueError};

use crate::assignment::offline;
use crate::kinds::DrainWaiting;

/// An agent who came or went.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Moved {
    /// Whose they are.
    pub tenant_id: TenantId,
    /// Who.
    pub agent_id: AgentId,
    /// Whether any connection of theirs is open, or was within the last minute.
    pub is_present: bool,
    /// Units of open work that they have.
    pub load: i32,
    /// How long after they went their work is offered again.
    pub grace_secs: i32,
}

/// One call of a process (gateway role): it lives, these agents connected to it, these have no connection to it any more.
/// With `look_at_all` also those are answered who are not there any more.
///
/// # Errors
/// The database failed.
pub async fn keep(
    tx: &mut Tx,
    process: Uuid,
    came: &[(AgentId, TenantId)],
    went: &[AgentId],
    look_at_all: bool,
) -> Result<Vec<Moved>, DbError> {
    let (agents, tenants): (Vec<AgentId>, Vec<TenantId>) = came.iter().copied().unzip();
    Ok(sqlx::query_as("select * from support_app.keep_presence($1, $2, $3, $4, $5)")
        .bind(process)
        .bind(&agents)
        .bind(&tenants)
        .bind(went)
        .bind(look_at_all)
        .fetch_all(&mut **tx)
        .await?)
}

/// What follows: who came may get what waits, and the work of who went is offered again after the grace time.
///
/// # Errors
/// None that happens: the payloads are small.
pub fn follow(moved: &[Moved]) -> Result<Vec<NewJob>, QueueError> {
    let mut tenants: Vec<TenantId> =
        moved.iter().filter(|moved| moved.is_present).map(|moved| moved.tenant_id).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let drains = tenants.into_iter().map(DrainWaiting::soon);
    let offers = moved
        .iter()
        .filter(|moved| !moved.is_present && moved.load > 0)
        .map(|moved| offline::offer_again(moved.tenant_id, moved.agent_id, moved.grace_secs));
    drains.chain(offers).collect()
}
