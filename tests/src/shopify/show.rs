//! A shop read by a whole cluster whose workers are killed: connected as people connect it, read from its beginning, told of edits
//! and refunds by webhooks of which some are lost, and read again. In the end the tables have to say what the shop says.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::source::{Expected, Source};
use super::{CLIENT_ID, Courier, Delivered, Heard, Manners, SECRET, SHOP, Stub, letter};
use crate::processes::{Cluster, Options, free_address};

/// How large it is, and how rough.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Orders at the beginning.
    pub orders: u64,
    /// Edits, refunds, cancellations and deletions, and new orders.
    pub changes: u64,
    /// Workers that are killed (-9).
    pub kills: u32,
    /// How the shop behaves.
    pub manners: Manners,
    /// Whether the first reading asks for pages by this many workers.
    pub workers: usize,
    /// Whether the first reading asks for pages rather than for one file.
    pub paged: bool,
    /// How long any stage may take.
    pub limit: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Seen {
    /// Orders that the shop has and that can be stored.
    pub expected: usize,
    /// Differences between shop and tables, the first of them in words.
    pub differences: Vec<String>,
    /// From the request for the first reading to its end.
    pub first: Duration,
    /// What the shop was asked meanwhile.
    pub first_heard: Heard,
    /// The largest memory of a worker during the first reading, in bytes.
    pub memory: u64,
    /// What the shop was asked in all.
    pub heard: Heard,
    /// What became of the webhooks.
    pub delivered: Delivered,
    /// Workers that were killed.
    pub killed: u32,
    /// Jobs that are dead.
    pub dead: i64,
}

/// A cluster with a connected shop.
pub struct Show {
    /// The shop.
    pub stub: Stub,
    /// The cluster.
    pub cluster: Cluster,
    http: reqwest::Client,
    size: Size,
    killed: u32,
}

impl Show {
    /// Starts a shop and a cluster, and connects them as people do.
    ///
    /// # Errors
    /// Something does not start, or the shop is not connected.
    pub async fn open(size: Size) -> anyhow::Result<Show> {
        let stub = super::start(Source::new(size.orders, size.manners.seed), size.manners).await?;
        let bind = free_address()?;
        let mut options =
            Options { workers: size.workers, schedulers: 1, bind: Some(bind), ..Options::default() };
        options.queues = "bulk=1,default=6,imports=6,intelligence=1,ops=2,profiles=2".to_owned();
        let settings = [
            ("SHOPIFY_CLIENT_ID", CLIENT_ID.to_owned()),
            ("SHOPIFY_CLIENT_SECRET", SECRET.to_owned()),
            ("SHOPIFY_BASE_URL", stub.base()),
            ("DESK_PUBLIC_URL", format!("http://{bind}")),
        ];
        options.env.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        let cluster = Cluster::start(options).await?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Show { stub, cluster, http, size, killed: 0 })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.cluster.desk.base())
    }

    /// Connects the shop: the request, the owner's agreement, and the way back.
    async fn connect(&self) -> anyhow::Result<()> {
        let key = self.cluster.desk.credentials().key.clone();
        let answer = self
            .http
            .post(self.url("/api/integrations/shopify/install"))
            .header("x-api-key", key)
            .json(&json!({ "shop": SHOP }))
            .send()
            .await?
            .error_for_status()?;
        let cookie = answer.headers().get("set-cookie").context("a cookie")?.to_str()?.to_owned();
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let begun: Value = answer.json().await?;
        let authorize = reqwest::Url::parse(begun["authorize_url"].as_str().context("an address")?)?;
        let nonce =
            authorize.query_pairs().find(|(name, _)| name == "state").context("a state")?.1.into_owned();
        let query = format!("code=good&shop={SHOP}&state={nonce}&timestamp=1337178173");
        let hmac = accounts_hmac(&query);
        let back = self
            .http
            .get(self.url(&format!("/api/integrations/shopify/callback?{query}&hmac={hmac}")))
            .header("cookie", cookie)
            .send()
            .await?;
        if back.status() != 303 {
            bail!("the shop was not connected: {} {}", back.status(), back.text().await?);
        }
        Ok(())
    }

    /// How the shop stands, as the api tells it.
    ///
    /// # Errors
    /// The api does not answer.
    pub async fn health(&self) -> anyhow::Result<Value> {
        let answer = self
            .http
            .get(self.url("/api/integrations/shopify"))
            .header("x-api-key", self.cluster.desk.credentials().key.as_str())
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Kills a worker (-9) and starts another one.
    async fn kill(&mut self) -> anyhow::Result<()> {
        self.cluster.kill_worker(0).await;
        self.cluster.start_worker()?;
        self.killed += 1;
        Ok(())
    }

    /// Waits until a reading that began after `after` came to its end and no webhook waits; kills a worker at each of so many
    /// moments on the way.
    async fn settled(
        &mut self,
        after: Option<&str>,
        mut kills: u32,
        memory: &mut u64,
    ) -> anyhow::Result<String> {
        let began = Instant::now();
        let mut next_kill = Instant::now() + Duration::from_millis(700);
        loop {
            let health = self.health().await?;
            let synced_at = health["synced_at"].as_str().unwrap_or_default().to_owned();
            let is_over = !synced_at.is_empty() && after.is_none_or(|after| synced_at.as_str() > after);
            if is_over && health["webhooks_waiting"] == 0 {
                return Ok(synced_at);
            }
            if began.elapsed() > self.size.limit {
                bail!("it did not end within {:?}: {health}", self.size.limit);
            }
            for worker in &self.cluster.workers {
                *memory = (*memory).max(worker.resident_bytes().unwrap_or(0));
            }
            if kills > 0 && Instant::now() > next_kill {
                self.kill().await?;
                kills -= 1;
                next_kill = Instant::now() + Duration::from_millis(2_500);
            }
            // The api tells nobody when a reading ends, so it is asked.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn sync(&self, paged: bool) -> anyhow::Result<()> {
        self.http
            .post(self.url("/api/integrations/shopify/sync"))
            .header("x-api-key", self.cluster.desk.credentials().key.as_str())
            .json(&json!({ "paged": paged }))
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    async fn run(&mut self) -> anyhow::Result<Seen> {
        let mut memory = 0;
        let began = Instant::now();
        if self.size.paged {
            // Connecting asks for one file; here pages are wanted, so the first request is made before it.
            self.ask_for_pages().await?;
        }
        self.connect().await?;
        if self.size.paged {
            // The scheduler looks every second for what is due.
            sqlx::query("update jobs.live set due_at = now(), run_at = now() where kind = 'sync_shopify' and state = 'scheduled'")
                .execute(&self.cluster.ledger)
                .await?;
        }
        let half = self.size.kills / 2;
        let first_end = self.settled(None, half, &mut memory).await.context("the first reading")?;
        let (first, first_heard) = (began.elapsed(), self.stub.heard());
        let mut delivered = Delivered::default();
        let mut courier = Courier::new(self.cluster.desk.base(), (10, 10), self.size.manners.seed)?;
        let mut left = self.size.changes;
        let mut killed = half;
        while left > 0 {
            let batch = left.min(100);
            left -= batch;
            let letters: Vec<_> = (0..batch)
                .map(|number| {
                    let change = self.stub.source(|source| {
                        source.goes_on();
                        if number % 10 == 0 { source.place() } else { source.disturb() }
                    });
                    letter(&self.stub, change)
                })
                .collect();
            let came = courier.deliver(letters).await;
            delivered.accepted += came.accepted;
            delivered.lost += came.lost;
            delivered.lost_deletions += came.lost_deletions;
            delivered.refused += came.refused;
            let due = half
                + (self.size.kills - half) * (self.size.changes - left) as u32 / self.size.changes as u32;
            if killed < due {
                self.kill().await?;
                killed += 1;
            }
        }
        // As night follows night: what is changed in the very second of a reading comes with the next.
        let mut end = first_end;
        for _ in 0..if self.size.changes > 0 { 2 } else { 0 } {
            self.sync(false).await?;
            end = self.settled(Some(end.as_str()), 0, &mut 0).await.context("a later reading")?;
        }
        let expected = self.stub.source(|source| source.expected());
        let differences =
            differences(&self.cluster.ledger, self.cluster.desk.credentials().tenant_id, &expected).await?;
        let dead: i64 =
            sqlx::query_scalar("select count(*) from jobs.dead").fetch_one(&self.cluster.ledger).await?;
        Ok(Seen {
            expected: expected.len(),
            differences,
            first,
            first_heard,
            memory,
            heard: self.stub.heard(),
            delivered,
            killed: self.killed,
            dead,
        })
    }

    /// Puts the job of a paged first reading there before the one that connecting asks for, which it then stands in for.
    async fn ask_for_pages(&self) -> anyhow::Result<()> {
        let tenant = self.cluster.desk.credentials().tenant_id;
        let job = jobs::NewJob::of(
            database::ids::TenantId(tenant),
            &platform::kinds::SyncShopify { paged: true, step: None },
        )?
        .with_dedup_key(platform::kinds::SyncShopify::BEGIN)?
        // Until the shop is connected, however long that takes.
        .with_delay(Duration::from_secs(3_600));
        let mut conn = self.cluster.ledger.acquire().await?;
        let _ = jobs::enqueue(&mut conn, &[job]).await?.1;
        Ok(())
    }
}

/// Runs it to its end.
///
/// # Errors
/// Something does not start or does not end.
pub async fn run(size: Size) -> anyhow::Result<Seen> {
    let mut show = Show::open(size).await?;
    let seen = show.run().await;
    if seen.is_err() {
        let kept = show.cluster.keep();
        eprintln!("data and logs are in {}", kept.display());
    }
    show.cluster.stop().await;
    seen
}

/// What the tables say otherwise than the shop.
///
/// # Errors
/// The database failed.
pub async fn differences(
    ledger: &PgPool,
    tenant: Uuid,
    expected: &[Expected],
) -> anyhow::Result<Vec<String>> {
    type Row = (String, String, String, bool, bool, i64, i64, i64);
    let rows: Vec<Row> = sqlx::query_as(
        "select o.order_id, o.customer_id, o.payment, o.cancelled_at is not null, o.is_test,
             coalesce(sum(l.amount * 100) filter (where not l.is_return), 0)::bigint,
             coalesce(-sum(l.amount * 100) filter (where l.is_return), 0)::bigint, count(l.line_key)
         from platform.order o left join platform.order_line l on l.tenant_id = o.tenant_id and l.order_id = o.order_id
         where o.tenant_id = $1 group by o.tenant_id, o.order_id order by o.order_id",
    )
    .bind(tenant)
    .fetch_all(ledger)
    .await?;
    let mut stored: Vec<Expected> =
        rows.into_iter()
            .map(|(order_id, customer_id, payment, is_cancelled, is_test, sold, given_back, lines)| {
                Expected { order_id, customer_id, payment, is_cancelled, is_test, sold, given_back, lines }
            })
            .collect();
    stored.sort();
    let mut differences = Vec::new();
    let is_stored = |one: &Expected| stored.binary_search(one).is_ok();
    for one in expected.iter().filter(|one| !is_stored(one)) {
        let instead = stored.iter().find(|other| other.order_id == one.order_id);
        // An order that was deleted before anybody read it was never heard of.
        if instead.is_none() && one.lines == 0 && one.is_cancelled {
            continue;
        }
        differences.push(format!("the shop says {one:?}, the tables {instead:?}"));
    }
    let known: std::collections::HashSet<&str> = expected.iter().map(|one| one.order_id.as_str()).collect();
    for one in stored.iter().filter(|one| !known.contains(one.order_id.as_str())) {
        differences.push(format!("only the tables have {one:?}"));
    }
    Ok(differences)
}

fn accounts_hmac(query: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes any key");
    hex::encode(mac.chain_update(pairs.join("&")).finalize().into_bytes())
}
