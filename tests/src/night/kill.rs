//! Runs that are killed: from the same state of the database, one run is left alone and the others lose their worker
//! (kill -9) at moments spread over the run; all of them have to end, and to leave the same.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use database::ids::TenantId;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::{
    digest::Digest,
    load::{self, Stock},
    random::Random,
    readers::{Reader, Seen},
    run::Nights,
    shop::{Shop, Size},
};
use crate::{
    folder::Folder,
    processes::{Cluster, Given, Options, random_key},
    servers::{Afterwards, Servers},
};

/// How long a run may take, recovery included.
const LIMIT: Duration = Duration::from_secs(600);
/// Slots of the worker; the run's jobs share three.
const QUEUES: &str = "intelligence=3,default=2,profiles=2,ops=2";
/// The database that the others are copies of.
const BASE: &str = "desk";

/// A loaded shop with one published run, on servers of its own, to be copied.
pub struct Base {
    servers: Servers,
    tenant: TenantId,
    copies: u32,
    /// Of every cluster: a copy of the database knows the key as well.
    master_key: String,
    // Dropped last: the servers' data lie in it.
    folder: Folder,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// From the request until readers saw it.
    pub published: Duration,
    /// What the worker was doing when it was killed; none when it was left alone or had finished before.
    pub killed_at: Option<String>,
    /// What is stored.
    pub digest: Digest,
    /// What a reader saw all along.
    pub seen: Seen,
}

impl Base {
    /// Starts servers, loads the shop and computes it as of a week before its last day.
    ///
    /// # Errors
    /// Something does not start, or the run fails.
    pub async fn prepare(size: Size) -> anyhow::Result<Base> {
        let folder = Folder::temporary().context("a temporary folder")?;
        let dir = folder.path().join("servers");
        let servers = tokio::task::spawn_blocking(move || Servers::start(&dir, Afterwards::Remove)).await??;
        let master_key = random_key();
        let base = Base { servers, tenant: TenantId(Uuid::now_v7()), copies: 0, master_key, folder };
        let cluster = base.cluster(BASE).await?;
        sqlx::query("insert into shared.tenant (id, slug, name) values ($1, 'shop', 'Shop')")
            .bind(base.tenant.0)
            .execute(&cluster.ledger)
            .await?;
        let shop = tokio::task::spawn_blocking(move || Shop::new(size)).await?;
        load::write(&cluster.ledger, &[Stock { tenant: base.tenant.0, shop: Arc::new(shop) }]).await?;
        let nights = Nights::of(&cluster)?;
        let run = nights.ask(base.tenant, Shop::days_before_last(7)).await?;
        nights.wait(base.tenant, run, LIMIT).await.context("the run before")?;
        nights.close().await;
        cluster.stop().await;
        Ok(base)
    }

    /// Runs the last day from the same state as every other call; the worker is killed `kill_after` the request, and
    /// another one is started.
    ///
    /// # Errors
    /// The run fails or does not end.
    pub async fn run(&mut self, kill_after: Option<Duration>) -> anyhow::Result<Ended> {
        self.copies += 1;
        let name = format!("copy_{}", self.copies);
        self.admin(format!("create database {name} template {BASE}")).await?;
        self.servers.wipe_redis().await?;
        let mut cluster = self.cluster(&name).await?;
        let ended = self.run_in(&mut cluster, kill_after).await;
        cluster.stop().await;
        let ended = ended?;
        self.admin(format!("drop database {name} with (force)")).await?;
        Ok(ended)
    }

    async fn run_in(&self, cluster: &mut Cluster, kill_after: Option<Duration>) -> anyhow::Result<Ended> {
        let nights = Nights::of(cluster)?;
        let reader = Reader::start(nights.owner(), self.tenant).await?;
        let run = nights.ask(self.tenant, Shop::LAST_DAY).await?;
        let mut killed_at = None;
        if let Some(after) = kill_after {
            // The moment is the point of this: it is chosen, not waited for.
            tokio::time::sleep(after).await;
            killed_at = nights.doing(self.tenant).await?;
            cluster.kill_worker(0).await;
            cluster.start_worker()?;
        }
        let night = nights.wait(self.tenant, run, LIMIT).await?;
        let seen = reader.end().await?;
        let digest = Digest::of(nights.owner(), self.tenant).await?;
        nights.close().await;
        Ok(Ended { published: night.published, killed_at, digest, seen })
    }

    /// A cluster with one worker and one scheduler on one of the databases. The tenant that it makes has no orders.
    async fn cluster(&self, database: &str) -> anyhow::Result<Cluster> {
        let url = self.servers.admin_url.replace(&format!("/{BASE}"), &format!("/{database}"));
        let mut options = Options::default();
        options.env.push(("DESK_MASTER_KEY".to_owned(), self.master_key.clone()));
        Cluster::start(Options {
            dir: Some(self.dir(database)),
            given: Given {
                database_url: Some(url),
                redis_url: Some(self.servers.redis_url.clone()),
                logins: Vec::new(),
            },
            tenant: format!("bystander-{}", database.replace('_', "-")),
            workers: 1,
            schedulers: 1,
            queues: QUEUES.to_owned(),
            ..options
        })
        .await
    }

    fn dir(&self, database: &str) -> PathBuf {
        self.folder.path().join(database)
    }

    async fn admin(&self, statement: String) -> anyhow::Result<()> {
        let url = self.servers.admin_url.replace(&format!("/{BASE}"), "/postgres");
        let mut admin = PgConnection::connect(&url).await?;
        sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await?;
        admin.close().await?;
        Ok(())
    }

    /// Keeps data and logs, and says where.
    pub fn keep(&mut self) -> PathBuf {
        self.folder.keep();
        self.servers.afterwards(Afterwards::Stop);
        self.folder.path().to_owned()
    }
}

/// Moments for so many kills of a run that takes so long: one in each equal part of it, anywhere in that part.
pub fn moments(kills: u32, run: Duration, seed: u64) -> Vec<Duration> {
    let mut random = Random::of(seed, u64::from(kills));
    (0..kills).map(|kill| run.mul_f64((f64::from(kill) + random.unit()) / f64::from(kills))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_spread_over_the_run() {
        let run = Duration::from_secs(60);
        let moments = moments(6, run, 1);
        for (place, moment) in moments.iter().enumerate() {
            let part = Duration::from_secs(10) * place as u32;
            assert!((part..part + Duration::from_secs(10)).contains(moment));
        }
    }
}
