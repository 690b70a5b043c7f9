//! What operators see and set: queues, kinds, workers, schedules; and the description of it all.

use crate::desk::{call, enqueue, operator};
use crate::shop::shop;
use accounts::verify::Mode;
use jobs::{schedules, workers};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_queue_is_paused_resized_and_resumed() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    enqueue(&shop, &shop.key).await;
    let queues = call(&shop, &operator, "GET", "/api/admin/queues", "").await;
    let ai = queues.json["items"].as_array().expect("items").iter().find(|queue| queue["queue"] == "ai");
    assert_eq!(ai.expect("the queue")["jobs"]["ready"], 1);
    // One that has had no job can be seen, and paused before the first.
    let names: Vec<&str> = queues.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|one| one["queue"].as_str())
        .collect();
    assert!(
        names.is_sorted() && ["imports", "outbound"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );

    let path = |action: &str| format!("/api/admin/queues/ai/{action}");
    let paused = call(&shop, &operator, "POST", &path("pause"), r#"{"reason": "the model is down"}"#).await;
    assert_eq!((&paused.json["paused"], paused.field("reason")), (&json!(true), "the model is down"));
    let resized = call(&shop, &operator, "PUT", &path("concurrency"), r#"{"slots": 2}"#).await;
    assert_eq!((&resized.json["paused"], &resized.json["concurrency"]), (&json!(true), &json!(2)));
    assert_eq!(resized.field("reason"), "the model is down", "why it is paused stays known");
    let given_back = call(&shop, &operator, "PUT", &path("concurrency"), r#"{"slots": null}"#).await;
    assert_eq!(given_back.json["concurrency"], Value::Null);
    let resumed = call(&shop, &operator, "POST", &path("resume"), "").await;
    assert_eq!((&resumed.json["paused"], &resumed.json["reason"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn a_drain_says_how_many_wait_and_becomes_a_job() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    enqueue(&shop, &shop.key).await;
    let dry = call(&shop, &operator, "POST", "/api/admin/queues/ai/drain", r#"{"dry_run": true}"#).await;
    assert_eq!((dry.status.as_u16(), &dry.json), (200, &json!({"matching": 1, "kinds": {"draft_reply": 1}})));
    let other = r#"{"dry_run": true, "kind": "probe"}"#;
    let none = call(&shop, &operator, "POST", "/api/admin/queues/ai/drain", other).await;
    assert_eq!(none.json["matching"], 0, "{}", none.text);
    let drain =
        call(&shop, &operator, "POST", "/api/admin/queues/ai/drain", r#"{"reason": "a mistake"}"#).await;
    assert_eq!((drain.status.as_u16(), &drain.json["matching"]), (202, &json!(1)));
    let location = format!("{}?fields=kind,payload", drain.headers["location"].to_str().expect("a path"));
    let job = call(&shop, &operator, "GET", &location, "").await;
    assert_eq!((job.field("kind"), &job.json["payload"]["queue"]), ("drain_queue", &json!("ai")));
    let own = call(&shop, &operator, "POST", "/api/admin/queues/ops/drain", "").await;
    assert_eq!(own.status, 409);
}

#[tokio::test]
async fn a_kind_is_limited_and_let_go() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let limit =
        call(&shop, &operator, "PUT", "/api/admin/kinds/draft_reply/limit", r#"{"max_running": 3}"#).await;
    assert_eq!(limit.json["max_running"], 3);
    let of = async || {
        let kinds = call(&shop, &operator, "GET", "/api/admin/kinds", "").await;
        let items = kinds.json["items"].as_array().expect("items").clone();
        items.into_iter().find(|kind| kind["kind"] == "draft_reply").expect("the kind")["max_running"].clone()
    };
    assert_eq!(of().await, 3);
    call(&shop, &operator, "DELETE", "/api/admin/kinds/draft_reply/limit", "").await;
    assert_eq!(of().await, Value::Null);
    let unknown = call(&shop, &operator, "DELETE", "/api/admin/kinds/nonsense/limit", "").await;
    assert_eq!(unknown.status, 404);
    let kinds = shop.get("/api/kinds").await;
    assert!(
        kinds.json["items"].as_array().expect("items").iter().any(|kind| kind["deadline_secs"].is_number())
    );
}

#[tokio::test]
async fn a_raised_limit_is_filled_at_once() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let path = "/api/admin/kinds/draft_reply/limit";
    call(&shop, &operator, "PUT", path, r#"{"max_running": 1}"#).await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..5 {
        ids.insert(enqueue(&shop, &shop.key).await);
    }
    // Redis delivers them; one may run, and the others are parked and in no queue.
    let mut lane = shop.state.dispatch.open_lane("ai").await.expect("redis");
    let mut delivered = Vec::new();
    while delivered.len() < ids.len() {
        delivered.extend(lane.pop(10).await.expect("redis"));
    }
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    let worker = Uuid::now_v7();
    let running = jobs::ledger::claim_limited(&mut connection, worker, &delivered).await.expect("claimed");
    assert_eq!(running.len(), 1);

    call(&shop, &operator, "PUT", path, r#"{"max_running": 3}"#).await;
    let mut offered = Vec::new();
    while offered.len() < 2 {
        offered.extend(lane.pop(10).await.expect("redis"));
    }
    assert_eq!(offered.len(), 2, "as many as the limit lets start now");
    let started = jobs::ledger::claim_limited(&mut connection, worker, &offered).await.expect("claimed");
    assert_eq!(started.len(), 2);
    call(&shop, &operator, "DELETE", path, "").await;
    let mut offered = Vec::new();
    while offered.len() < 2 {
        offered.extend(lane.pop(10).await.expect("redis"));
    }
    assert!(offered.iter().all(|id| ids.contains(id)));
}

#[tokio::test]
async fn workers_are_listed_with_what_they_run() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let job = enqueue(&shop, &shop.key).await;
    let worker = Uuid::now_v7();
    let introduction = workers::Introduction {
        id: worker,
        name: "worker-1".to_owned(),
        host: "here".to_owned(),
        pid: 1,
        version: "0".to_owned(),
        queues: [("ai".to_owned(), 4)].into(),
    };
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    workers::introduce(&mut connection, &introduction).await.expect("introduced");
    jobs::ledger::claim(&mut connection, worker, &[job], &[]).await.expect("claimed");
    let workers = call(&shop, &operator, "GET", "/api/admin/workers", "").await;
    let listed = &workers.json["items"][0];
    assert_eq!((&listed["name"], &listed["state"]), (&json!("worker-1"), &json!("active")));
    assert_eq!(listed["jobs"][0]["id"], json!(job));
}

#[tokio::test]
async fn a_schedule_is_paused_resumed_and_run_by_hand() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    schedules::install_defaults(&mut connection, kinds::schedules::DEFAULTS).await.expect("installed");
    let listed = call(&shop, &operator, "GET", "/api/admin/schedules", "").await;
    assert!(
        listed.json["items"].as_array().expect("items").iter().any(|item| item["name"] == "prune_history")
    );
    let path = |action: &str| format!("/api/admin/schedules/prune_history/{action}");
    assert_eq!(call(&shop, &operator, "POST", &path("pause"), "").await.json["paused"], true);
    assert_eq!(call(&shop, &operator, "POST", &path("resume"), "").await.json["paused"], false);
    let run = call(&shop, &operator, "POST", &path("trigger"), "").await;
    assert_eq!(run.status, 202, "{}", run.text);
    let job = call(&shop, &operator, "GET", run.headers["location"].to_str().expect("a path"), "").await;
    assert_eq!((job.field("kind"), job.field("origin")), ("prune_history", "trigger"));
}

#[tokio::test]
async fn the_description_is_complete_and_the_page_loads_nothing_from_elsewhere() {
    let shop = shop(Mode::Token).await;
    let document = shop.get("/openapi.json").await.json;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    for path in
        ["/api/jobs", "/api/jobs/{id}", "/api/jobs/{id}/events", "/api/gorgias/webhook", "/api/admin/queues"]
    {
        assert!(paths.contains_key(path), "{path}");
    }
    let mut names = std::collections::BTreeSet::new();
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            assert!(operation["responses"]["default"].is_object(), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(names.insert(operation["operationId"].clone().to_string()), "{method} {path}");
        }
    }
    for reference in references(&document) {
        let name = reference.trim_start_matches("#/components/schemas/");
        assert!(document["components"]["schemas"][name].is_object(), "{reference}");
    }
    let page = shop.get("/docs").await;
    assert!(page.text.contains("/openapi.json"));
    assert!(!page.text.contains("https://") && !page.text.contains("http://"));
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| match value.as_str().filter(|_| name == "$ref") {
                Some(reference) => vec![reference.to_owned()],
                None => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
