//! A reader that looks at the published run all the time, and must always see all of one run.

use anyhow::{Context, ensure};
use database::ids::TenantId;
use sqlx::PgPool;
use tokio::{sync::oneshot, task::JoinHandle};

/// A reader, until it is asked what it saw.
pub struct Reader {
    end: oneshot::Sender<()>,
    reads: JoinHandle<anyhow::Result<Seen>>,
}

/// What a reader saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often it looked.
    pub reads: u64,
    /// The generations that were published, one after the other.
    pub generations: Vec<i32>,
    /// What it saw that was not all of one run, in words.
    pub mixed: Vec<String>,
}

impl Reader {
    /// Begins to read; a run is published already.
    ///
    /// # Errors
    /// No run is published.
    pub async fn start(owner: &PgPool, tenant: TenantId) -> anyhow::Result<Reader> {
        let mut first = Seen::default();
        first.look(owner, tenant).await?;
        ensure!(!first.generations.is_empty(), "no run is published");
        let (end, mut ended) = oneshot::channel();
        let owner = owner.clone();
        let reads = tokio::spawn(async move {
            let mut seen = first;
            while ended.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                seen.look(&owner, tenant).await?;
            }
            Ok(seen)
        });
        Ok(Reader { end, reads })
    }

    /// Ends it.
    ///
    /// # Errors
    /// The database failed meanwhile.
    pub async fn end(self) -> anyhow::Result<Seen> {
        // It has ended by itself when the database failed, and says so.
        let _ = self.end.send(());
        self.reads.await?
    }
}

impl Seen {
    /// One statement, so that all of it is of one moment.
    async fn look(&mut self, owner: &PgPool, tenant: TenantId) -> anyhow::Result<()> {
        let look: Option<(i32, String, i32, Option<i64>, i64, i64)> = sqlx::query_as(
            "select c.generation, r.state, r.generation as of_run, r.customers,
                    (select count(*) from platform.customer_fact f
                     where f.tenant_id = c.tenant_id and f.generation = c.generation) as facts,
                    (select count(*) from platform.customer_insight i
                     where i.tenant_id = c.tenant_id and i.generation = c.generation) as insights
             from platform.current_run c join platform.intelligence_run r on r.id = c.run_id
             where c.tenant_id = $1",
        )
        .bind(tenant.0)
        .fetch_optional(owner)
        .await?;
        let (generation, state, of_run, customers, facts, insights) =
            look.context("a published run is gone")?;
        self.reads += 1;
        if self.generations.last() != Some(&generation) {
            self.generations.push(generation);
        }
        let is_whole = state == "published" && of_run == generation;
        if !is_whole || Some(facts) != customers || Some(insights) != customers {
            self.mixed.push(format!(
                "generation {generation} ({state}) has {facts} facts and {insights} insights of {customers:?} customers"
            ));
        }
        Ok(())
    }
}
