//! The time after the faults: the cluster comes to rest by itself, and an operator brings back what the
//! faults turned into poison.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;
use sqlx::{PgPool, Row};
use tokio::time::Instant;
use uuid::Uuid;

use crate::desk::Desk;

/// The kinds that the feed and the faults lead to.
pub const KINDS: [&str; 4] = ["probe", "draft_reply", "post_internal_note", "import_orders"];

/// How long the cluster may take to finish what is left; the longest backoff of a probe is 30 s.
const REST_WITHIN: Duration = Duration::from_secs(180);

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How many jobs of the run are unfinished.
///
/// # Errors
/// The ledger cannot be read.
pub async fn unfinished(ledger: &PgPool) -> sqlx::Result<usize> {
    let count: i64 = sqlx::query_scalar("select count(*) from jobs.live where kind = any ($1)")
        .bind(KINDS)
        .fetch_one(ledger)
        .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Waits until nothing is unfinished. False when that takes too long: what is left is then counted as lost.
///
/// # Errors
/// The ledger cannot be read.
pub async fn rest(ledger: &PgPool) -> sqlx::Result<bool> {
    let started = Instant::now();
    while unfinished(ledger).await? > 0 {
        if started.elapsed() > REST_WITHIN {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(true)
}

/// What died.
#[derive(Clone, Debug, Default)]
pub struct Dead {
    /// Jobs that were in flight at three kills; that they are set aside is by design.
    pub poisoned: Vec<Uuid>,
    /// Jobs that died of something else, with what it was; there must be none.
    pub others: Vec<String>,
}

/// Looks at the dead letters, and brings the poisoned back through the api, as an operator would who knows
/// that the jobs were not what killed the workers.
///
/// # Errors
/// The ledger cannot be read or the api refuses.
pub async fn bring_back_poisoned(ledger: &PgPool, desk: &Desk) -> anyhow::Result<Dead> {
    let rows = sqlx::query("select id, kind, error_class, error ->> 'message' from jobs.dead order by id")
        .fetch_all(ledger)
        .await
        .context("reading the dead letters")?;
    let mut dead = Dead::default();
    for row in rows {
        let (id, class): (Uuid, String) = (row.get(0), row.get(2));
        if class == "poison" {
            dead.poisoned.push(id);
        } else {
            let (kind, message): (String, Option<String>) = (row.get(1), row.get(3));
            dead.others.push(format!("{kind} {id}: {class}, {}", message.unwrap_or_default()));
        }
    }
    for ids in dead.poisoned.chunks(100) {
        let order = json!({ "ids": ids, "reason": "the workers were killed by the fault run" });
        let answer = desk.retry_dead(&order).await.context("retrying the poisoned jobs")?;
        if !answer.status.is_success() {
            bail!("the retry of poisoned jobs answered {}", answer.status);
        }
    }
    Ok(dead)
}
