//! Tells the database which agents are connected to this process: what changed within a tenth of a second goes in one
//! statement, and every ten seconds one says that the process lives and answers who went everywhere.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use database::ids::{AgentId, TenantId};
use database::{Db, DbError, Role, act_as};
use jobs::{Dispatch, QueueError};
use support::live::presence::{self, Moved};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(10);

/// How long changes are collected.
const COLLECT: Duration = Duration::from_millis(100);

/// How many agents one statement names.
const BATCH: usize = 1_000;

/// Who is connected to this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Presence {
    changes: mpsc::UnboundedSender<Change>,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    tenant: TenantId,
    agent: AgentId,
    came: bool,
}

/// A connection of an agent: they are there for as long as it lives.
#[derive(Debug)]
pub struct There {
    presence: Presence,
    tenant: TenantId,
    agent: AgentId,
}

impl Presence {
    /// Starts the task. What waits for it is bounded by the places for connections: two changes each.
    pub fn start(db: Db, dispatch: Dispatch) -> Presence {
        let (changes, inbox) = mpsc::unbounded_channel();
        tokio::spawn(run(db, dispatch, inbox));
        Presence { changes }
    }

    /// Says that an agent has a connection here.
    pub fn came(&self, tenant: TenantId, agent: AgentId) -> There {
        let _ = self.changes.send(Change { tenant, agent, came: true });
        There { presence: self.clone(), tenant, agent }
    }
}

impl Drop for There {
    fn drop(&mut self) {
        let change = Change { tenant: self.tenant, agent: self.agent, came: false };
        let _ = self.presence.changes.send(change);
    }
}

#[derive(Default)]
struct Known {
    connections: HashMap<AgentId, (TenantId, usize)>,
    came: HashMap<AgentId, TenantId>,
    went: HashSet<AgentId>,
}

impl Known {
    fn note(&mut self, change: Change) {
        let (_, count) = self.connections.entry(change.agent).or_insert((change.tenant, 0));
        if change.came {
            *count += 1;
            if *count == 1 && !self.went.remove(&change.agent) {
                self.came.insert(change.agent, change.tenant);
            }
            return;
        }
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.connections.remove(&change.agent);
            // Whoever came and went within the same moment was there all the same, for a minute.
            self.went.insert(change.agent);
        }
    }
}

async fn run(db: Db, dispatch: Dispatch, mut inbox: mpsc::UnboundedReceiver<Change>) {
    let process = Uuid::now_v7();
    let mut known = Known::default();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is now, and nobody is there yet.
    beat.tick().await;
    loop {
        let look_at_all = tokio::select! {
            change = inbox.recv() => {
                let Some(change) = change else { return };
                known.note(change);
                tokio::time::sleep(COLLECT).await;
                while let Ok(change) = inbox.try_recv() {
                    known.note(change);
                }
                false
            }
            _ = beat.tick() => true,
        };
        let told = tell(&db, &dispatch, process, &mut known, look_at_all).await;
        if let Err(error) = told {
            tracing::warn!(%error, "who is connected cannot be told");
            // Everything is told again once the database answers.
            known.came = known.connections.iter().map(|(agent, (tenant, _))| (*agent, *tenant)).collect();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn tell(
    db: &Db,
    dispatch: &Dispatch,
    process: Uuid,
    known: &mut Known,
    look_at_all: bool,
) -> Result<(), QueueError> {
    let mut came: Vec<(AgentId, TenantId)> = known.came.drain().collect();
    came.sort_unstable();
    let mut went: Vec<AgentId> = known.went.iter().copied().collect();
    went.sort_unstable();
    let rounds = came.len().max(went.len()).div_ceil(BATCH).max(1);
    for round in 0..rounds {
        let part = |len: usize| (round * BATCH).min(len)..((round + 1) * BATCH).min(len);
        let (came, went) = (&came[part(came.len())], &went[part(went.len())]);
        let mut tx = db.gateway_tx().await?;
        let moved = presence::keep(&mut tx, process, came, went, look_at_all && round == 0).await?;
        let announcement = follow(&mut tx, &moved).await?;
        tx.commit().await.map_err(DbError::from)?;
        dispatch.announce(announcement);
    }
    for agent in went {
        known.went.remove(&agent);
    }
    Ok(())
}

async fn follow(tx: &mut database::Tx, moved: &[Moved]) -> Result<jobs::Announcement, QueueError> {
    let jobs = presence::follow(moved)?;
    if jobs.is_empty() {
        return Ok(jobs::Announcement::default());
    }
    act_as(tx, Role::Queue, None).await?;
    Ok(jobs::enqueue(tx, &jobs).await?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_connection_that_ends_counts() {
        let (tenant, agent) = (TenantId::new(), AgentId::new());
        let mut known = Known::default();
        let change = |came| Change { tenant, agent, came };
        known.note(change(true));
        known.note(change(true));
        known.note(change(false));
        assert!(known.came.contains_key(&agent) && known.went.is_empty());
        known.note(change(false));
        assert!(known.went.contains(&agent), "also when they came in the same moment");
        known.came.clear();
        known.note(change(true));
        assert!(known.went.is_empty() && known.came.is_empty(), "they were never away");
    }
}
