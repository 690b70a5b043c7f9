//! The daily sync: the shop's purchases become orders and customer profiles.

use std::time::Duration;

use anyhow::{Context, ensure};
use cluster::{desk::Job, processes::Cluster, servers::root};
use database::{Db, Role, ids::TenantId};
use platform::customers;
use serde_json::json;

use crate::story::Story;

/// Purchases in `data/cdnow.csv.gz`.
const PURCHASES: i64 = 69_659;

/// A customer of that file whose history is worth a look: how many purchases, and of what value.
const CUSTOMER: (&str, i32, &str) = ("22061", 143, "3948.90");

/// Imports the purchase log through the API and follows its progress.
pub async fn import(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    story.step("Import 18 months of a record shop's purchases, as its daily sync would");
    let data = root().join("data/cdnow.csv.gz");
    std::fs::copy(&data, cluster.imports().join("cdnow.csv.gz"))
        .with_context(|| format!("{} cannot be copied", data.display()))?;
    let desk = &cluster.desk;
    let answer =
        desk.post("/api/orders/import", &json!({ "path": "cdnow.csv.gz", "currency": "USD" })).await?;
    ensure!(answer.status == 202, "the import was answered {} instead of 202", answer.status);
    let id =
        answer.body["job_id"].as_str().and_then(|id| id.parse().ok()).context("the answer names no job")?;
    story.say(&format!("POST /api/orders/import -> 202, job {id}"));

    let mut known: Option<String> = None;
    let job: Job = loop {
        let (job, etag) = desk.next_change(id, known.as_deref()).await?;
        known = etag;
        let Some(job) = job else { continue };
        if let Some(message) = job.progress.as_ref().and_then(|progress| progress["message"].as_str()) {
            story.say(&format!("{}: {message}", job.state));
        }
        if job.is_finished() {
            break job;
        }
    };
    ensure!(job.state == "done", "the import ended as {}: {:?}", job.state, job.error);
    let result = job.result.clone().unwrap_or_default();
    let count = |name: &str| result[name].as_i64().unwrap_or(-1);
    ensure!(
        count("lines") == PURCHASES && count("inserted") == PURCHASES,
        "not every purchase arrived: {result}"
    );
    story.note_job("import of the purchases", &job);
    story.end_step(&format!("{PURCHASES} purchases imported, {} lines rejected", count("rejected")));
    again(story, cluster).await
}

/// The same file once more changes nothing.
async fn again(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    story.step("Import the same file once more");
    let answer = cluster.desk.post("/api/orders/import", &json!({ "path": "cdnow.csv.gz" })).await?;
    let id =
        answer.body["job_id"].as_str().and_then(|id| id.parse().ok()).context("the answer names no job")?;
    let job = cluster.desk.wait(id, Duration::from_secs(120)).await?;
    let result = job.result.clone().unwrap_or_default();
    ensure!(job.state == "done" && result["inserted"] == 0, "the second import changed something: {result}");
    story.note_job("the same file again", &job);
    story.end_step(&format!(
        "nothing changed: {} of {} lines were there",
        result["duplicates"], result["lines"]
    ));
    Ok(())
}

/// Shows what the drafts will know of a customer, read as the api's own role under row-level security.
pub async fn show_a_customer(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    let (customer, purchases, spend) = CUSTOMER;
    story.step(&format!("Look at customer {customer}"));
    let db = Db::connect(&cluster.api_database_url()?, 1)?;
    let tenant = TenantId(cluster.desk.credentials().tenant_id);
    let mut tx = db.tenant_tx(Role::Support, tenant).await?;
    let profile = customers::profile(&mut tx, customer, chrono::Utc::now(), 3).await?;
    tx.commit().await?;
    let profile = profile.with_context(|| format!("customer {customer} has no profile"))?;
    let day = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map_or("never".to_owned(), |at| at.format("%-d %B %Y").to_string())
    };
    story.say(&format!(
        "orders  {}, from {} to {}",
        profile.orders,
        day(profile.first_order_at),
        day(profile.last_order_at)
    ));
    story.say(&format!("spend   {:.2} {}", profile.spend, profile.currency));
    for order in &profile.recent_orders {
        story.say(&format!(
            "recent  order {} on {}: {:.2} {}",
            order.order_id,
            day(Some(order.ordered_at)),
            order.amount,
            order.currency
        ));
    }
    let shown_spend = format!("{:.2}", profile.spend);
    ensure!(
        profile.orders == purchases && shown_spend == spend,
        "the file has {purchases} purchases of {spend} for customer {customer}, the profile {} of {shown_spend}",
        profile.orders
    );
    story.end_step("the profile agrees with the file");
    Ok(())
}
