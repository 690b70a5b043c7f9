//! Hosts that go wrong under a whole cluster: a worker that stands still while it holds a key, clocks that are minutes off,
//! and an api that is killed under requests. What is acknowledged is there, and nothing runs twice at once.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use cluster::chaos::clock;
use cluster::chaos::requests::webhook_body;
use cluster::folder::Folder;
use cluster::processes::{Cluster, Options};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long anything that is waited for may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(120);

async fn cluster(options: Options) -> Cluster {
    Cluster::start(Options { workers: 1, schedulers: 1, ..options }).await.expect("it starts")
}

/// Enqueues a job; answers its id.
async fn enqueue(cluster: &Cluster, job: Value) -> Uuid {
    cluster.desk.enqueue(&job, None).await.expect("accepted").job_id
}

/// Waits until a job runs.
async fn until_running(cluster: &Cluster, id: Uuid) {
    let mut known = None;
    loop {
        let (job, etag) = cluster.desk.next_change(id, known.as_deref()).await.expect("the api answers");
        let Some(job) = job else { continue };
        if job.state == "running" {
            return;
        }
        assert!(!job.is_finished(), "it is over: {job:?}");
        known = etag;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_one_job_s_while_a_worker_stands_still() {
    let mut cluster = cluster(Options::default()).await;
    let probe = |name: &str, sleep_ms: u64| {
        json!({
            "kind": "probe", "concurrency_key": "customer-7",
            "payload": { "name": name, "sleep_ms": sleep_ms, "effect": true },
        })
    };
    let mut ids = vec![enqueue(&cluster, probe("key-0", 8_000)).await];
    until_running(&cluster, ids[0]).await;
    for name in ["key-1", "key-2"] {
        ids.push(enqueue(&cluster, probe(name, 100)).await);
    }
    cluster.workers[0].signal(Signal::SIGSTOP);
    cluster.start_worker().expect("another one starts");
    for id in &ids {
        assert_eq!(cluster.desk.wait(*id, LIMIT).await.expect("it ends").state, "done");
    }
    // It goes on where it stood, and ends when it is told to: nothing that it did since counts.
    cluster.workers[0].signal(Signal::SIGCONT);
    cluster.workers[0].terminate();
    cluster.workers[0].wait().await;

    let runs: Vec<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "select started_at, finished_at from jobs.finished where id = any ($1) order by started_at",
    )
    .bind(&ids)
    .fetch_all(&cluster.ledger)
    .await
    .expect("the ledger answers");
    assert_eq!(runs.len(), ids.len());
    assert!(runs.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two ran at once: {runs:?}");
    let effects = cluster.upstream.recorded().effects;
    for name in ["key-0", "key-1", "key-2"] {
        assert_eq!(effects.get(name), Some(&1), "{name}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_counted_by_the_ledger_s_clock() {
    for minutes in [-10, 10] {
        let folder = Folder::temporary().expect("a folder");
        let skew = clock::skewed(folder.path(), minutes * 60).await.expect("a library");
        // All programs are wrong together; Postgres is right.
        let mut options = Options::default();
        options.env.extend(skew.map(|(name, value)| (name.to_owned(), value)));
        let cluster = cluster(options).await;
        let id = enqueue(&cluster, json!({ "kind": "probe", "delay_ms": 1_500 })).await;
        assert_eq!(
            cluster.desk.wait(id, LIMIT).await.expect("it ends").state,
            "done",
            "{minutes} minutes off"
        );
        let (created, due, started): (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>) =
            sqlx::query_as("select created_at, run_at, started_at from jobs.finished where id = $1")
                .bind(id)
                .fetch_one(&cluster.ledger)
                .await
                .expect("the ledger answers");
        let delay = due - created;
        // Far less than the clocks are off, and not less than was asked for.
        assert!(delay >= TimeDelta::milliseconds(1_500) && delay < TimeDelta::minutes(5), "{delay}");
        assert!(started >= due, "it began before it was due");
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_that_is_killed_has_acknowledged_is_there() {
    const DELIVERIES: u64 = 50;
    let mut cluster = cluster(Options::default()).await;
    // All of a batch or nothing: the last one is of no kind.
    let rolled_back = |number| json!({ "kind": "probe", "payload": { "name": format!("batch-{number}") } });
    let mut batch: Vec<Value> = (0..999).map(rolled_back).collect();
    batch.push(json!({ "kind": "nonsense" }));
    cluster.desk.batch(&batch, None).await.expect_err("one of them is no job");

    let mut deliveries = JoinSet::new();
    for ticket in 0..DELIVERIES {
        let desk = cluster.desk.clone();
        deliveries.spawn(async move { desk.webhook(&webhook_body(900_000 + ticket)).await });
    }
    let mut acknowledged = HashSet::new();
    // In the middle: some are answered, and others are under way or not even sent.
    for number in 0.. {
        if number == DELIVERIES / 10 {
            cluster.api.kill().await;
        }
        let Some(answer) = deliveries.join_next().await else { break };
        if let Ok(delivery) = answer.expect("no delivery panics") {
            acknowledged.insert(delivery.job_id.expect("a draft is asked for"));
        }
    }
    cluster.restart_api().await.expect("it starts again");
    assert!(!acknowledged.is_empty());
    for id in &acknowledged {
        let job = cluster.desk.wait(*id, LIMIT).await.expect("what was acknowledged is there, and ends");
        assert_eq!(job.state, "done");
    }
    let of_the_batch: i64 = sqlx::query_scalar(
        "select count(*) from (select id, kind from jobs.live union all select id, kind from jobs.finished) job
         where kind = 'probe'",
    )
    .fetch_one(&cluster.ledger)
    .await
    .expect("the ledger answers");
    assert_eq!(of_the_batch, 0);
    cluster.stop().await;
}

/// The job of a kind, once there is one. Nothing signals that it was made.
async fn job_of(cluster: &Cluster, kind: &str) -> Uuid {
    let made = async {
        loop {
            let found: Option<Uuid> = sqlx::query_scalar("select id from jobs.job where kind = $1 limit 1")
                .bind(kind)
                .fetch_optional(&cluster.ledger)
                .await
                .expect("the ledger answers");
            match found {
                Some(id) => return id,
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(LIMIT, made).await.expect("it is asked for")
}

/// By its own clock a ticket would sleep on and an event would not be due for ten minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_is_behind_does_at_its_time_what_is_due_then() {
    let folder = Folder::temporary().expect("a folder");
    let options = Options { workers: 0, schedulers: 1, ..Options::default() };
    let mut cluster = Cluster::start(options).await.expect("it starts");
    let skew = clock::skewed(folder.path(), -600).await.expect("a library");
    cluster
        .start_worker_with(&skew.each_ref().map(|(name, value)| (*name, value.as_str())))
        .expect("it starts");

    let endpoint = json!({ "url": cluster.upstream.hook("clock"), "events": ["ticket.created"] });
    cluster.desk.post("/api/outbound/endpoints", &endpoint).await.expect("an endpoint");
    let question = json!({
        "subject": "Where is it?", "customer": { "email": "ann@example.com" },
        "message": { "from": "customer", "text": "Where is my order?" },
    });
    let ticket = cluster.desk.post("/api/tickets", &question).await.expect("a ticket").body["id"].clone();
    let path = format!("/api/tickets/{}", ticket.as_str().expect("an id"));
    let asleep = json!({ "status": "pending", "snoozed_until": Utc::now() + TimeDelta::seconds(10) });
    cluster.desk.answer(Method::PATCH, &path, Some(&asleep), None).await.expect("it sleeps");

    for kind in ["deliver_webhook", "wake_ticket"] {
        let id = job_of(&cluster, kind).await;
        let job = cluster.desk.wait(id, LIMIT).await.expect("it ends");
        assert_eq!(job.state, "done", "{kind}: {job:?}");
    }
    assert_eq!(cluster.upstream.delivered().len(), 1, "the event was delivered");
    let awake: Value = cluster.desk.get(&path).await.expect("the ticket");
    assert_eq!((&awake["status"], &awake["snoozed_until"]), (&json!("open"), &Value::Null));
    cluster.stop().await;
}

/// By its own clock all that is kept would be old.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_is_a_year_ahead_forgets_nothing() {
    let folder = Folder::temporary().expect("a folder");
    let options = Options { workers: 0, schedulers: 1, ..Options::default() };
    let mut cluster = Cluster::start(options).await.expect("it starts");
    let skew = clock::skewed(folder.path(), TimeDelta::days(366).num_seconds()).await.expect("a library");
    cluster
        .start_worker_with(&skew.each_ref().map(|(name, value)| (*name, value.as_str())))
        .expect("it starts");

    let probe = enqueue(&cluster, json!({ "kind": "probe" })).await;
    assert_eq!(cluster.desk.wait(probe, LIMIT).await.expect("it ends").state, "done");
    let prune = enqueue(&cluster, json!({ "kind": "prune_history" })).await;
    assert_eq!(cluster.desk.wait(prune, LIMIT).await.expect("it ends").state, "done");
    let kept: Vec<Uuid> = sqlx::query_scalar("select id from jobs.finished where id = any ($1) order by id")
        .bind(vec![probe, prune])
        .fetch_all(&cluster.ledger)
        .await
        .expect("the ledger answers");
    assert_eq!(kept, [probe, prune]);

    // A ticket that was resolved a moment ago is not closed, and one that was closed a moment ago keeps its words.
    let question = json!({
        "subject": "Where is it?", "customer": { "email": "ann@example.com" },
        "message": { "from": "customer", "text": "Where is my order?" },
    });
    let ticket = cluster.desk.post("/api/tickets", &question).await.expect("a ticket").body["id"].clone();
    let path = format!("/api/tickets/{}", ticket.as_str().expect("an id"));
    let days = json!({ "keep_days": 1 });
    cluster
        .desk
        .answer(Method::PUT, "/api/privacy/retention/tickets", Some(&days), None)
        .await
        .expect("it is set");
    for (status, kind) in [("resolved", "close_resolved"), ("closed", "apply_retention")] {
        let change = json!({ "status": status });
        cluster.desk.answer(Method::PATCH, &path, Some(&change), None).await.expect("it is changed");
        let job = enqueue(&cluster, json!({ "kind": kind })).await;
        assert_eq!(cluster.desk.wait(job, LIMIT).await.expect("it ends").state, "done", "{kind}");
        let found: (String, bool) =
            sqlx::query_as("select status::text, erased_at is null from support_app.ticket")
                .fetch_one(&cluster.ledger)
                .await
                .expect("the ticket");
        assert_eq!(found, (status.to_owned(), true), "after {kind}");
    }
    cluster.stop().await;
}
