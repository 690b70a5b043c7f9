//! Asks for a run as the nightly schedule does, waits for its end, and reads from the ledger what each part took.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, Utc};
use database::ids::TenantId;
use jobs::{Dispatch, JobId, NewJob, Store, dispatch::Server};
use platform::kinds::ResegmentTenant;
use sqlx::{PgPool, Row};
use tokio::time::sleep;

use crate::processes::Cluster;

/// How often a run is looked at; the times that are reported are those of the ledger.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The queue of a cluster, and the database as its owner.
#[derive(Clone)]
pub struct Nights {
    store: Store,
    dispatch: Dispatch,
    owner: PgPool,
}

impl Nights {
    /// Enqueues as a process of the cluster does.
    ///
    /// # Errors
    /// An address of the cluster's servers cannot be read.
    pub fn of(cluster: &Cluster) -> anyhow::Result<Nights> {
        let store = Store::connect(&cluster.servers.url_for("desk_worker")?, 2)?;
        let redis = Server::new(&cluster.servers.redis_url).context("the cluster's Redis")?;
        Ok(Nights { store, dispatch: Dispatch::new(redis, "deskwork"), owner: cluster.ledger.clone() })
    }

    /// The database as its owner.
    pub fn owner(&self) -> &PgPool {
        &self.owner
    }

    /// Asks for a run of all customers as of that day, with models trained anew.
    ///
    /// # Errors
    /// The ledger refused it.
    pub async fn ask(&self, tenant: TenantId, as_of: NaiveDate) -> anyhow::Result<JobId> {
        self.ask_for(tenant, ResegmentTenant { as_of: Some(as_of), refit: false, train: true }).await
    }

    /// The same with the segmentation fitted anew as well, as in a tenant's first run.
    ///
    /// # Errors
    /// The ledger refused it.
    pub async fn ask_for_all_anew(&self, tenant: TenantId, as_of: NaiveDate) -> anyhow::Result<JobId> {
        self.ask_for(tenant, ResegmentTenant { as_of: Some(as_of), refit: true, train: true }).await
    }

    async fn ask_for(&self, tenant: TenantId, run: ResegmentTenant) -> anyhow::Result<JobId> {
        let job = NewJob::of(tenant, &run)?.with_dedup_key(&run.dedup_key())?;
        let mut connection = self.store.pool().acquire().await?;
        let (enqueued, announcement) = jobs::enqueue(&mut connection, &[job]).await?;
        self.dispatch.announce(announcement);
        self.dispatch.flush().await;
        Ok(enqueued.first().context("the job of the run")?.id)
    }

    /// Waits until the run is published and nothing that followed from it is under way.
    ///
    /// # Errors
    /// It failed, or is not done within `limit`.
    pub async fn wait(&self, tenant: TenantId, run: JobId, limit: Duration) -> anyhow::Result<Night> {
        self.wait_for_publication(run, limit).await?;
        let started = Instant::now();
        loop {
            let open: Vec<String> = sqlx::query_scalar(
                "select distinct kind from jobs.live where tenant_id = $1 and run_at < now() + interval '1 minute'",
            )
            .bind(tenant.0)
            .fetch_all(&self.owner)
            .await?;
            if open.is_empty() {
                return self.night(tenant, run).await;
            }
            if started.elapsed() > limit {
                bail!("{} are still under way after {} s", open.join(", "), limit.as_secs());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until readers see the run.
    ///
    /// # Errors
    /// As [`Nights::wait`].
    pub async fn wait_for_publication(&self, run: JobId, limit: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let state = self.state(run).await?;
            match state.as_deref() {
                Some("published" | "superseded") => return Ok(()),
                Some("failed") => bail!("the run failed: {}", self.reason(run).await?),
                _ => {}
            }
            let job: Option<String> = sqlx::query_scalar("select state::text from jobs.job where id = $1")
                .bind(run)
                .fetch_optional(&self.owner)
                .await?;
            if matches!(job.as_deref(), Some("dead" | "cancelled")) {
                bail!("the job of the run is {}: {}", job.unwrap_or_default(), self.reason(run).await?);
            }
            if started.elapsed() > limit {
                let state = state.unwrap_or_else(|| "not begun".to_owned());
                bail!("the run is {state} after {} s", limit.as_secs());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Where a run stands; none before it has begun.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn state(&self, run: JobId) -> anyhow::Result<Option<String>> {
        let state = sqlx::query_scalar("select state from platform.intelligence_run where id = $1");
        Ok(state.bind(run).fetch_optional(&self.owner).await?)
    }

    /// What the tenant's jobs are doing: where the run stands and which kinds run; none when nothing is under way.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn doing(&self, tenant: TenantId) -> anyhow::Result<Option<String>> {
        Ok(sqlx::query_scalar(
            "select nullif(concat_ws(': ',
                (select state from platform.intelligence_run where tenant_id = $1 and state in ('preparing', 'scoring')),
                (select string_agg(distinct kind, ', ') from jobs.live where tenant_id = $1 and state = 'running')), '')",
        )
        .bind(tenant.0)
        .fetch_one(&self.owner)
        .await?)
    }

    /// Closes its connections, so that the database can be copied.
    pub async fn close(&self) {
        self.store.pool().close().await;
    }

    async fn reason(&self, run: JobId) -> anyhow::Result<String> {
        let reason: Option<String> = sqlx::query_scalar(
            "select coalesce((select error from platform.intelligence_run where id = $1),
                             (select error ->> 'message' from jobs.job where id = $1))",
        )
        .bind(run)
        .fetch_one(&self.owner)
        .await?;
        Ok(reason.unwrap_or_else(|| "no reason is given".to_owned()))
    }

    async fn night(&self, tenant: TenantId, run: JobId) -> anyhow::Result<Night> {
        let row = sqlx::query(
            "select j.created_at, r.started_at, r.prepared_at, r.published_at, r.shards, j.finished_at,
                    (select max(s.finished_at) from jobs.finished s
                     where s.parent_id = r.id and s.kind = 'score_customers' and s.payload ? 'run_id') as scored_at
             from platform.intelligence_run r join jobs.job j on j.id = r.id where r.id = $1",
        )
        .bind(run)
        .fetch_one(&self.owner)
        .await?;
        let asked: DateTime<Utc> = row.try_get("created_at")?;
        let after = |name| -> anyhow::Result<Option<Duration>> {
            let at: Option<DateTime<Utc>> = row.try_get(name)?;
            Ok(at.and_then(|at| (at - asked).to_std().ok()))
        };
        let mut phases = Vec::new();
        let mut from = Duration::ZERO;
        for (name, column) in [
            ("waiting for a worker", "started_at"),
            ("statistics, segmentation, models", "prepared_at"),
            ("scoring all shards", "scored_at"),
            ("publishing", "published_at"),
            ("clearing up", "finished_at"),
        ] {
            if let Some(to) = after(column)? {
                phases.push(Phase {
                    name: name.to_owned(),
                    jobs: 0,
                    from,
                    to,
                    busy: to.saturating_sub(from),
                });
                from = to;
            }
        }
        phases.extend(self.jobs(tenant, asked).await?);
        Ok(Night {
            published: after("published_at")?.context("when it was published")?,
            finished: after("finished_at")?,
            phases,
        })
    }

    /// What jobs the tenant had since then, by kind.
    async fn jobs(&self, tenant: TenantId, since: DateTime<Utc>) -> anyhow::Result<Vec<Phase>> {
        let rows = sqlx::query(
            "select kind, count(*) as jobs, extract(epoch from min(started_at) - $2)::float8 as first,
                    extract(epoch from max(finished_at) - $2)::float8 as last,
                    extract(epoch from sum(finished_at - started_at))::float8 as busy
             from jobs.finished
             where tenant_id = $1 and created_at >= $2 and started_at is not null
             group by kind order by 3",
        )
        .bind(tenant.0)
        .bind(since)
        .fetch_all(&self.owner)
        .await?;
        rows.iter()
            .map(|row| {
                let secs = |name| -> anyhow::Result<Duration> {
                    Ok(Duration::from_secs_f64(row.try_get::<f64, _>(name)?.max(0.0)))
                };
                Ok(Phase {
                    name: row.try_get("kind")?,
                    jobs: row.try_get("jobs")?,
                    from: secs("first")?,
                    to: secs("last")?,
                    busy: secs("busy")?,
                })
            })
            .collect()
    }
}

/// What a run took.
#[derive(Clone, Debug)]
pub struct Night {
    /// From the request until readers saw it.
    pub published: Duration,
    /// From the request until the job ended.
    pub finished: Option<Duration>,
    /// Its parts, and then the jobs by kind.
    pub phases: Vec<Phase>,
}

/// A part of a run, or all jobs of a kind. Times are counted from the request.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What was done.
    pub name: String,
    /// How many jobs; 0 for a part of the run.
    pub jobs: i64,
    /// When it began.
    pub from: Duration,
    /// When it ended.
    pub to: Duration,
    /// The sum of what was spent on it.
    pub busy: Duration,
}

impl Night {
    /// Prints its parts.
    pub fn print(&self) {
        let secs = |duration: Duration| format!("{:.1}", duration.as_secs_f64());
        let rows: Vec<[String; 5]> = self
            .phases
            .iter()
            .map(|phase| {
                let jobs = if phase.jobs > 0 { phase.jobs.to_string() } else { String::new() };
                [phase.name.clone(), jobs, secs(phase.from), secs(phase.to), secs(phase.busy)]
            })
            .collect();
        crate::report::table(["part", "jobs", "from s", "to s", "busy s"], &rows);
    }
}
