//! An operator's part: an upstream breaks, jobs die, their causes are found, they are retried with a canary
//! and succeed; a running job is cancelled; the books are audited.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use cluster::{
    desk::{Desk, Job},
    processes::{Cluster, suffix},
    upstream::{Fault, FaultRule, When},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::story::Story;

/// How long a job of this part may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Jobs that die because the upstream refuses them.
const REFUSED: i64 = 9;

/// Jobs that nothing can help.
const HOPELESS: i64 = 3;

/// The whole of a bulk retry.
pub async fn retry(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    story.step("An upstream breaks; an operator finds the causes and retries what died");
    let run = suffix();
    break_upstream(cluster);
    let (refused, hopeless) = die(story, cluster, &run).await?;
    let since = made_at(&cluster.desk, refused[0]).await?;
    let causes = causes(story, cluster, &since).await?;

    let filter = of_cause(&since, &causes.refused);
    let answer = cluster.desk.retry_dead(&json!({ "filter": filter, "dry_run": true })).await?;
    ensure!(answer.body["matching"] == REFUSED, "the dry run counts {}", answer.body);
    story.say(&format!("dry run: a retry of that cause would take {REFUSED} jobs"));

    let early = bulk(cluster, &json!({ "filter": filter, "canary": 2, "reason": "is it over?" })).await?;
    let result = early.result.clone().unwrap_or_default();
    ensure!(
        early.state == "done" && result["canary_died"] == 2,
        "the canary did not stop the retry: {result}"
    );
    story.say(&format!("too early: {}", result["summary"].as_str().unwrap_or_default()));
    story.note_job("bulk retry, stopped by its canary", &early);

    mend_upstream(cluster).await?;
    let retry =
        bulk(cluster, &json!({ "filter": filter, "canary": 2, "reason": "the upstream is back" })).await?;
    let result = retry.result.clone().unwrap_or_default();
    ensure!(retry.state == "done" && result["jobs"] == REFUSED, "the retry did not take all: {result}");
    story.say(&format!("the upstream is mended: {}", result["summary"].as_str().unwrap_or_default()));
    story.note_job("bulk retry with a canary", &retry);

    for (number, id) in refused.iter().enumerate() {
        let job = cluster.desk.wait(*id, LIMIT).await?;
        ensure!(job.state == "done", "a retried job ended as {}: {:?}", job.state, job.error);
        if number == 0 {
            story.note_job("one of the retried jobs", &job);
        }
    }
    let effects = cluster.upstream.recorded().effects;
    let once = |number: i64| effects.get(&name(&run, number)) == Some(&1);
    ensure!((0..REFUSED).all(once), "not every effect happened exactly once: {effects:?}");
    discard(story, cluster, &of_cause(&since, &causes.hopeless), &hopeless).await?;
    story.end_step("all retried jobs are done, each effect happened once, the hopeless ones are discarded");
    Ok(())
}

fn break_upstream(cluster: &Cluster) {
    cluster.upstream.inject(FaultRule {
        route: "/effects/".to_owned(),
        method: Some("POST".to_owned()),
        count: 10_000,
        when: When::Before,
        fault: Fault::Status { status: 503, retry_after: None, body: None },
    });
}

async fn mend_upstream(cluster: &Cluster) -> anyhow::Result<()> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    http.delete(format!("http://{}/_faults", cluster.upstream.addr)).send().await?.error_for_status()?;
    Ok(())
}

fn name(run: &str, number: i64) -> String {
    format!("demo-{run}-{number}")
}

/// Enqueues the jobs in one batch and waits until they are dead.
async fn die(story: &Story, cluster: &Cluster, run: &str) -> anyhow::Result<(Vec<Uuid>, Vec<Uuid>)> {
    let refused = (0..REFUSED).map(|number| {
        json!({ "kind": "probe", "max_attempts": 2, "payload": { "name": name(run, number), "effect": true } })
    });
    let hopeless = (0..HOPELESS).map(|number| {
        let payload =
            json!({ "name": format!("demo-{run}-x{number}"), "fail_for_good": "the order has no customer" });
        json!({ "kind": "probe", "payload": payload })
    });
    let jobs: Vec<Value> = refused.chain(hopeless).collect();
    let enqueued = cluster.desk.batch(&jobs, Some(&format!("demo-{run}"))).await?;
    let ids: Vec<Uuid> = enqueued.iter().map(|job| job.job_id).collect();
    for id in &ids {
        let job = cluster.desk.wait(*id, LIMIT).await?;
        ensure!(job.state == "dead", "a job that had to die ended as {}", job.state);
    }
    story.say(&format!("{} jobs were enqueued and are dead", ids.len()));
    let (refused, hopeless) = ids.split_at(usize::try_from(REFUSED)?);
    Ok((refused.to_vec(), hopeless.to_vec()))
}

/// The fingerprints of the two causes.
struct Causes {
    refused: String,
    hopeless: String,
}

async fn causes(story: &Story, cluster: &Cluster, since: &str) -> anyhow::Result<Causes> {
    let page = cluster.desk.dead_groups(&format!("kind=probe&tenant_id={CLUSTER}&died_from={since}")).await?;
    let groups = page["items"].as_array().context("groups come as a list")?;
    let found = |jobs: i64| -> anyhow::Result<String> {
        let group = groups.iter().find(|group| group["jobs"] == jobs);
        let group = group.with_context(|| format!("no cause has {jobs} jobs: {page}"))?;
        let text = |field: &str| group[field].as_str().unwrap_or_default().to_owned();
        story.say(&format!(
            "{jobs} jobs, cause {}: {} ({})",
            text("fingerprint"),
            text("sample_message"),
            text("error_class")
        ));
        Ok(text("fingerprint"))
    };
    let causes = Causes { refused: found(REFUSED)?, hopeless: found(HOPELESS)? };
    ensure!(groups.len() == 2, "there should be two causes: {page}");
    Ok(causes)
}

async fn discard(story: &Story, cluster: &Cluster, filter: &Value, ids: &[Uuid]) -> anyhow::Result<()> {
    let order = json!({ "filter": filter, "reason": "nothing can help them" });
    let answer = cluster.desk.post("/api/admin/dead-letters/discard", &order).await?;
    ended(&cluster.desk, &answer.body).await?;
    for id in ids {
        let job = cluster.desk.job(*id).await?;
        ensure!(job.state == "cancelled", "a discarded job is {}", job.state);
    }
    story.say(&format!("the other {} were discarded", ids.len()));
    Ok(())
}

async fn bulk(cluster: &Cluster, order: &Value) -> anyhow::Result<Job> {
    let answer = cluster.desk.retry_dead(order).await?;
    ensure!(answer.status == 202, "the retry was answered {} instead of 202", answer.status);
    ended(&cluster.desk, &answer.body).await
}

async fn ended(desk: &Desk, answer: &Value) -> anyhow::Result<Job> {
    let id = answer["job_id"].as_str().and_then(|id| id.parse().ok()).context("the answer names no job")?;
    Ok(desk.wait(id, LIMIT).await?)
}

/// Probes are operators' jobs, which belong to the cluster's own tenant.
const CLUSTER: Uuid = Uuid::nil();

/// The dead jobs of a cause of this demo: somebody's database may have seen a demo before.
fn of_cause(since: &str, fingerprint: &str) -> Value {
    json!({ "tenant_id": CLUSTER, "kind": "probe", "died_from": since, "fingerprint": fingerprint })
}

/// When a job came into being, by the ledger's clock.
async fn made_at(desk: &Desk, id: Uuid) -> anyhow::Result<String> {
    let job: Value = desk.get(&format!("/api/jobs/{id}?fields=created_at")).await?;
    Ok(job["created_at"].as_str().context("a job says when it was made")?.to_owned())
}

/// A running job hears of it within a second, and is dropped soon after when it does not end by itself.
const CANCELLED_WITHIN: Duration = Duration::from_secs(2);

/// A running job hears that it is cancelled, whichever worker runs it.
pub async fn cancel(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    story.step("Cancel a job while it runs");
    let desk = &cluster.desk;
    let job = json!({ "kind": "probe", "payload": { "name": "a long one", "sleep_ms": 60_000 } });
    let id = desk.enqueue(&job, None).await?.job_id;
    let mut known: Option<String> = None;
    loop {
        let (job, etag) = desk.next_change(id, known.as_deref()).await?;
        known = etag;
        match job.as_ref().map(|job| job.state.as_str()) {
            Some("running") => break,
            Some("ready") | None => {}
            Some(other) => anyhow::bail!("a job that had to run is {other}"),
        }
    }
    let asked = Instant::now();
    desk.post(&format!("/api/jobs/{id}/cancel"), &json!({ "reason": "shown in the demo" })).await?;
    let job = desk.wait(id, Duration::from_secs(10)).await?;
    let took = asked.elapsed();
    ensure!(job.state == "cancelled", "the job ended as {}", job.state);
    ensure!(took <= CANCELLED_WITHIN, "the cancellation took {took:?}");
    story.note_job("a job cancelled while it ran", &job);
    story.end_step(&format!("it was cancelled {:.0} ms after the request", took.as_secs_f64() * 1_000.0));
    Ok(())
}

/// Triggers the audit that also runs every five minutes.
pub async fn audit(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    story.step("Audit the books: enqueued = done + dead + cancelled + waiting + running");
    let answer = cluster.desk.post("/api/admin/schedules/audit_ledger/trigger", &json!({})).await?;
    let id = answer.body["job_ids"][0]
        .as_str()
        .and_then(|id| id.parse().ok())
        .context("the trigger made no job")?;
    let job = cluster.desk.wait(id, LIMIT).await?;
    let result = job.result.clone().unwrap_or_default();
    ensure!(
        job.state == "done" && result["drifts"].as_array().is_some_and(Vec::is_empty),
        "the books drift: {result}"
    );
    story.note_job("audit of the ledger", &job);
    story.end_step(&format!(
        "{} jobs by the books, {} in the tables, no drift",
        result["enqueued"], result["held"]
    ));
    Ok(())
}
