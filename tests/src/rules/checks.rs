//! What must be so, whatever the load: trials find what runs did, and loops end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::Utc;
use database::Role;
use jobs::NewJob;
use serde_json::json;
use support::kinds::TryRule;
use support::rules::store;
use support::rules::trial::{self, Wish};
use support::tickets::change::{Change, change};
use tokio::time::sleep;
use uuid::Uuid;

use super::Desk;
use crate::load::PATIENCE;
use crate::processes::Cluster;

/// How often each rule of the loop may fire.
pub const BUDGET: i64 = 5;

/// How many of the rules a trial finds something else of than their runs did.
pub async fn trials_that_differ(cluster: &Cluster, desk: &Desk, rules: &[Uuid]) -> anyhow::Result<usize> {
    let mut differing = 0;
    for rule in rules {
        let id = Uuid::now_v7();
        let mut tx = desk.db.tenant_tx(Role::Support, desk.tenant).await?;
        let stored = store::get(&mut tx, *rule).await?.context("the rule")?;
        let job = NewJob::of(desk.tenant, &TryRule { trial_id: id })?;
        let until = Utc::now();
        let from = until - chrono::Duration::days(1);
        let wish = Wish { id, rule: *rule, spec: &stored.spec, from, until, by: "key:rules", job: job.id() };
        trial::ask(&mut tx, desk.tenant, &wish).await?;
        let (enqueued, announcement) = jobs::enqueue_one(&mut tx, job).await?;
        tx.commit().await?;
        desk.dispatch.announce(announcement);
        let job = cluster.desk.wait(enqueued.id, PATIENCE).await?;
        ensure!(job.state == "done", "a trial is {}", job.state);
        let done: Vec<(Uuid, String)> = sqlx::query_as(
            "select ticket_id, results::text from support_app.rule_run where rule_id = $1 and outcome = 'fired'",
        )
        .bind(rule)
        .fetch_all(&desk.admin)
        .await?;
        let found: Vec<(Uuid, String)> = sqlx::query_as(
            "select ticket_id, results::text from support_app.rule_trial_hit where trial_id = $1",
        )
        .bind(id)
        .fetch_all(&desk.admin)
        .await?;
        let same = done.len() == found.len()
            && done.iter().collect::<BTreeSet<_>>() == found.iter().collect::<BTreeSet<_>>();
        ensure!(!done.is_empty(), "a rule that should have fired did not");
        differing += usize::from(!same);
    }
    Ok(differing)
}

/// Two rules that call an outside program, which answers each by what sets the other off. How often they fired, and how
/// many were switched off.
pub async fn loop_through_outside(desk: &Desk) -> anyhow::Result<(i64, i64)> {
    let mut rules = Vec::new();
    for (came, gives) in [("ping", "called-by-ping"), ("pong", "called-by-pong")] {
        let rule = json!({
            "name": came, "event": "tag_added", "hourly_budget": BUDGET,
            "conditions": {"all": [{"field": "added_tags", "op": "one_of", "value": [came]}]},
            "actions": [{"do": "remove_tags", "tags": [came]}, {"do": "add_tags", "tags": [gives]}],
        });
        rules.push(desk.rule(rule).await?);
    }
    let ticket = desk.ticket("A loop").await?;
    let outside = async |add: &str, remove: Vec<String>| -> anyhow::Result<()> {
        let wanted = Change { add_tags: vec![add.to_owned()], remove_tags: remove, ..Change::default() };
        let mut tx = desk.db.tenant_tx(Role::Support, desk.tenant).await?;
        let (_, announcement) = change(&mut tx, &desk.acting(), ticket, None, &wanted).await?;
        tx.commit().await?;
        desk.dispatch.announce(announcement);
        desk.quiet().await
    };
    outside("ping", Vec::new()).await?;
    let started = Instant::now();
    loop {
        let tags: Vec<String> = sqlx::query_scalar("select tags from support_app.ticket where id = $1")
            .bind(ticket)
            .fetch_one(&desk.admin)
            .await?;
        let has = |tag: &str| tags.iter().any(|known| known == tag);
        if has("called-by-ping") {
            outside("pong", vec!["called-by-ping".to_owned()]).await?;
        } else if has("called-by-pong") {
            outside("ping", vec!["called-by-pong".to_owned()]).await?;
        } else {
            break;
        }
        ensure!(started.elapsed() < PATIENCE, "the loop goes on");
        sleep(Duration::from_millis(10)).await;
    }
    let fired: i64 = sqlx::query_scalar(
        "select count(*) from support_app.rule_run where rule_id = any($1) and outcome = 'fired'",
    )
    .bind(&rules)
    .fetch_one(&desk.admin)
    .await?;
    let off: i64 = sqlx::query_scalar(
        "select count(*) from support_app.rule where id = any($1) and not is_on and off_reason is not null",
    )
    .bind(&rules)
    .fetch_one(&desk.admin)
    .await?;
    Ok((fired, off))
}

/// Two rules that set each other off by themselves: how often they fire.
pub async fn loop_within(desk: &Desk) -> anyhow::Result<i64> {
    let mut rules = Vec::new();
    for (came, gives) in [("left", "right"), ("right", "left")] {
        let rule = json!({
            "name": came, "event": "tag_added",
            "conditions": {"all": [{"field": "added_tags", "op": "one_of", "value": [came]}]},
            "actions": [{"do": "remove_tags", "tags": [came]}, {"do": "add_tags", "tags": [gives]}],
        });
        rules.push(desk.rule(rule).await?);
    }
    let ticket = desk.ticket("A loop of their own").await?;
    let wanted = Change { add_tags: vec!["left".to_owned()], ..Change::default() };
    let mut tx = desk.db.tenant_tx(Role::Support, desk.tenant).await?;
    let (_, announcement) = change(&mut tx, &desk.acting(), ticket, None, &wanted).await?;
    tx.commit().await?;
    desk.dispatch.announce(announcement);
    desk.quiet().await?;
    Ok(sqlx::query_scalar(
        "select count(*) from support_app.rule_run where rule_id = any($1) and outcome = 'fired'",
    )
    .bind(&rules)
    .fetch_one(&desk.admin)
    .await?)
}
