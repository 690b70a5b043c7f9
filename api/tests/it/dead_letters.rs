//! Dead letters: causes, dry runs, retries and discards, each within its tenant and in the trail.

use crate::desk::{call, dead, enqueue, finish, neighbour, operator};
use crate::shop::{Shop, shop};
use accounts::verify::Mode;
use jobs::JobId;
use serde_json::{Value, json};

const DEAD: &str = "/api/admin/dead-letters";

async fn die(shop: &Shop, key: &str, message: &str) -> JobId {
    let job = enqueue(shop, key).await;
    finish(shop, job, dead("upstream_refused", message)).await;
    job
}

fn items(json: &Value) -> &Vec<Value> {
    json["items"].as_array().expect("items")
}

#[tokio::test]
async fn the_causes_are_few_and_lead_to_their_jobs() {
    let shop = shop(Mode::Token).await;
    for ticket in 0..3 {
        die(&shop, &shop.key, &format!("ticket {ticket} is closed")).await;
    }
    die(&shop, &shop.key, "the credentials were refused").await;
    let groups = shop.get(&format!("{DEAD}/groups")).await;
    let groups = items(&groups.json);
    assert_eq!(groups.len(), 2);
    assert_eq!((&groups[0]["jobs"], &groups[1]["jobs"]), (&json!(3), &json!(1)));
    let fingerprint = groups[0]["fingerprint"].as_str().expect("a fingerprint");
    let listed = shop.get(&format!("{DEAD}?fingerprint={fingerprint}&limit=2")).await;
    assert_eq!(items(&listed.json).len(), 2);
    let cursor = listed.json["next_cursor"].as_str().expect("a next page");
    let rest = shop.get(&format!("{DEAD}?fingerprint={fingerprint}&limit=2&cursor={cursor}")).await;
    assert_eq!((items(&rest.json).len(), &rest.json["next_cursor"]), (1, &Value::Null));
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let shop = shop(Mode::Token).await;
    die(&shop, &shop.key, "one").await;
    die(&shop, &shop.key, "two").await;
    for action in ["retry", "discard"] {
        let answer = shop.post(&format!("{DEAD}/{action}"), r#"{"all": true, "dry_run": true}"#).await;
        assert_eq!((answer.status.as_u16(), &answer.json), (200, &json!({"matching": 2})));
    }
    assert_eq!(shop.count("jobs.dead").await, 2);
    assert_eq!(shop.count("shared.audit where action like 'dead.%'").await, 0);
}

#[tokio::test]
async fn some_ids_are_retried_or_discarded_at_once_and_audited() {
    let shop = shop(Mode::Token).await;
    let retried = die(&shop, &shop.key, "one").await;
    let discarded = die(&shop, &shop.key, "two").await;
    let alive = enqueue(&shop, &shop.key).await;
    let answer = shop
        .post(&format!("{DEAD}/retry"), &json!({"ids": [retried, alive], "reason": "repaired"}).to_string())
        .await;
    let left = json!([{"job_id": alive, "reason": "not_dead"}]);
    assert_eq!((answer.status.as_u16(), &answer.json), (200, &json!({"job_ids": [retried], "left": left})));
    assert_eq!(shop.get(&format!("/api/jobs/{retried}")).await.field("state"), "ready");
    let answer = shop.post(&format!("{DEAD}/{discarded}/discard"), r#"{"reason": "not wanted"}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(shop.get(&format!("/api/jobs/{discarded}")).await.field("state"), "cancelled");
    assert_eq!(shop.post(&format!("{DEAD}/{discarded}/retry"), "").await.status, 404);

    let trail = call(&shop, &operator(&shop).await, "GET", "/api/admin/audit", "").await;
    let actions: Vec<&str> = items(&trail.json).iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"dead.retry") && actions.contains(&"dead.discard"), "{actions:?}");
    let retry = items(&trail.json).iter().find(|entry| entry["action"] == "dead.retry").expect("an entry");
    assert_eq!((&retry["detail"]["jobs"], &retry["detail"]["reason"]), (&json!(1), &json!("repaired")));
    assert!(retry["actor"].as_str().expect("an actor").starts_with("key:"));
}

#[tokio::test]
async fn the_trail_tells_acts_on_many_and_is_asked_for_what_matters() {
    let shop = shop(Mode::Token).await;
    let ids = [die(&shop, &shop.key, "one").await, die(&shop, &shop.key, "two").await];
    let body = json!({"ids": ids, "reason": "by mistake"}).to_string();
    assert_eq!(shop.post(&format!("{DEAD}/discard"), &body).await.status, 200);
    let look = accounts::audit::View {
        tenant: shop.tenant,
        actor: "key:looker".to_owned(),
        action: "customer-data.view",
        subject: "dead-letters".to_owned(),
        detail: json!({}),
        correlation_id: "c".to_owned(),
        at: chrono::Utc::now(),
    };
    accounts::audit::record_views(&shop.state.db, &[look]).await.expect("written");
    let operator = operator(&shop).await;
    for (query, found) in [
        ("action=dead.discard_many", &["dead.discard_many"][..]),
        ("subject=dead-letters&looks=false", &["dead.discard_many"][..]),
        ("subject=dead-letters", &["customer-data.view", "dead.discard_many"][..]),
        ("actor=key:looker", &["customer-data.view"][..]),
        ("subject=dead-letters&to=2020-01-01T00:00:00Z", &[][..]),
    ] {
        let trail = call(&shop, &operator, "GET", &format!("/api/admin/audit?{query}"), "").await;
        let actions: Vec<&str> =
            items(&trail.json).iter().filter_map(|entry| entry["action"].as_str()).collect();
        assert_eq!(actions, found, "{query}");
    }
}

#[tokio::test]
async fn what_died_of_a_kind_that_no_program_knows_any_more_is_found_by_its_name() {
    let shop = shop(Mode::Token).await;
    die(&shop, &shop.key, "one").await;
    let former = "update jobs.dead set kind = 'former_kind', queue = 'former'";
    sqlx::query(former).execute(&mut shop.admin().await).await.expect("it died");
    let operator = operator(&shop).await;
    for list in [DEAD.to_owned(), format!("{DEAD}/groups")] {
        let found = call(&shop, &operator, "GET", &format!("{list}?kind=former_kind&queue=former"), "").await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert_eq!(items(&found.json).len(), 1);
    }
    let body = r#"{"filter": {"kind": "former_kind"}, "dry_run": true}"#;
    let counted = call(&shop, &operator, "POST", &format!("{DEAD}/discard"), body).await;
    assert_eq!(counted.json["matching"], 1, "{}", counted.text);
}

#[tokio::test]
async fn a_filter_becomes_a_job_bound_to_the_callers_tenant() {
    let shop = shop(Mode::Token).await;
    die(&shop, &shop.key, "one").await;
    let answer =
        shop.post(&format!("{DEAD}/retry"), r#"{"filter": {"kind": "draft_reply"}, "canary": 5}"#).await;
    assert_eq!((answer.status.as_u16(), &answer.json["matching"]), (202, &json!(1)), "{}", answer.text);
    let location = answer.headers["location"].to_str().expect("a path").to_owned();
    let job = shop.get(&format!("{location}?fields=kind,queue,payload")).await;
    assert_eq!((job.field("kind"), job.field("queue")), ("retry_dead", "bulk"));
    assert_eq!(job.json["payload"]["filter"]["tenant_id"], json!(shop.tenant));
    assert_eq!(job.json["payload"]["canary"], 5);
    // One bulk retry of a tenant at a time, and the tenants beside each other.
    let second = shop.post(&format!("{DEAD}/retry"), r#"{"filter": {"kind": "probe"}}"#).await;
    assert_eq!(second.status, 409, "{}", second.text);
    assert!(second.field("detail").contains(location.trim_start_matches("/api/jobs/")), "{}", second.text);
    let (_, other) = neighbour(&shop).await;
    let theirs = call(&shop, &other, "POST", &format!("{DEAD}/retry"), r#"{"all": true}"#).await;
    assert_eq!(theirs.status, 202, "{}", theirs.text);
    let all = shop.post(&format!("{DEAD}/discard"), r#"{"all": true}"#).await;
    assert_eq!(all.status, 202, "{}", all.text);
}

#[tokio::test]
async fn a_dead_job_whose_dedup_key_is_taken_stays_dead() {
    let shop = shop(Mode::Token).await;
    let body = r#"{"kind": "draft_reply", "payload": {"ticket_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}, "dedup_key": "t"}"#;
    let first = crate::desk::id(&shop.post("/api/jobs", body).await, "job_id");
    finish(&shop, first, dead("upstream_refused", "no")).await;
    shop.post("/api/jobs", body).await;
    assert_eq!(shop.post(&format!("{DEAD}/{first}/retry"), "").await.status, 409);
}

#[tokio::test]
async fn tenants_act_on_their_own_and_operators_on_all() {
    let shop = shop(Mode::Token).await;
    let (tenant, other) = neighbour(&shop).await;
    let mine = die(&shop, &shop.key, "one").await;
    die(&shop, &other, "one").await;
    assert_eq!(items(&shop.get(DEAD).await.json).len(), 1);
    assert_eq!(call(&shop, &other, "POST", &format!("{DEAD}/{mine}/retry"), "").await.status, 404);
    let foreign = json!({"filter": {"tenant_id": shop.tenant}}).to_string();
    assert_eq!(call(&shop, &other, "POST", &format!("{DEAD}/retry"), &foreign).await.status, 403);

    let operator = operator(&shop).await;
    let all = call(&shop, &operator, "GET", DEAD, "").await;
    assert_eq!(items(&all.json).len(), 2);
    let theirs = call(&shop, &operator, "GET", &format!("{DEAD}?tenant_id={tenant}"), "").await;
    assert_eq!(items(&theirs.json).len(), 1);
    let groups = call(&shop, &operator, "GET", &format!("{DEAD}/groups"), "").await;
    assert_eq!(items(&groups.json)[0]["tenants"], 2);
}
