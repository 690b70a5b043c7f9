//! What a key may do with jobs by their kind: enqueue, see, cancel and retry; how high, and how many.

use std::num::NonZeroU32;

use crate::desk::{call, dead, done, enqueue, finish, id, key, new_job, operator};
use crate::shop::{Answer, Shop, redis_url, request, shop, shop_with};
use accounts::{api_keys::Scope, verify::Mode};
use api::web::limits::Rates;
use axum::body::Body;
use database::ids::TenantId;
use jobs::{JobId, NewJob, kinds::DrainQueue};
use serde_json::{Value, json};
use uuid::Uuid;

fn draft(more: &Value) -> Value {
    let mut job = json!({"kind": "draft_reply", "payload": {"ticket_id": Uuid::now_v7()}});
    for (name, value) in more.as_object().expect("an object") {
        job[name] = value.clone();
    }
    job
}

#[tokio::test]
async fn a_tenant_asks_for_no_priority_above_the_kinds() {
    let shop = shop(Mode::Token).await;
    let urgent = draft(&json!({"priority": "urgent"}));
    let refused = shop.post("/api/jobs", &urgent.to_string()).await;
    assert_eq!((refused.status.as_u16(), refused.field("field")), (422, "priority"), "{}", refused.text);
    assert!(refused.field("detail").contains("high or normal or low"), "{}", refused.text);
    let batch = json!({"jobs": [draft(&json!({})), urgent]}).to_string();
    let refused = shop.post("/api/jobs/batch", &batch).await;
    assert_eq!((refused.status.as_u16(), refused.field("field")), (422, "jobs[1].priority"));
    assert_eq!(shop.count("jobs.live").await, 0);
    for priority in ["high", "normal", "low"] {
        let answer = shop.post("/api/jobs", &draft(&json!({"priority": priority})).to_string()).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    let operator = operator(&shop).await;
    let answer = call(&shop, &operator, "POST", "/api/jobs", &urgent.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[tokio::test]
async fn a_kind_needs_the_scope_of_what_it_is_about() {
    let shop = shop(Mode::Token).await;
    let plain = key(&shop, shop.tenant, &[Scope::JobsRead, Scope::JobsWrite], None).await;
    for (kind, payload, scope) in [
        ("draft_reply", json!({"ticket_id": Uuid::now_v7()}), "ai:write"),
        ("import_orders", json!({"path": "a.csv"}), "orders:write"),
        ("train_churn", json!({}), "intelligence:write"),
        ("evaluate_all_segments", json!({}), "segments:write"),
    ] {
        let job = json!({"kind": kind, "payload": payload});
        for (path, body) in [("/api/jobs", job.clone()), ("/api/jobs/batch", json!({"jobs": [job]}))] {
            let refused = call(&shop, &plain, "POST", path, &body.to_string()).await;
            assert_eq!(refused.status, 403, "{kind} {path}");
            assert!(refused.field("detail").contains(scope), "{}", refused.text);
            let taken = shop.post(path, &body.to_string()).await;
            assert_eq!(taken.status, 202, "{}", taken.text);
        }
    }
    let kinds = shop.get("/api/kinds").await;
    let items = kinds.json["items"].as_array().expect("items");
    let drafts = items.iter().find(|kind| kind["kind"] == "draft_reply").expect("the kind");
    assert_eq!((&drafts["write_scope"], &drafts["read_scope"]), (&json!("ai:write"), &json!("ai:read")));
}

/// What a key is shown of a job that is over, in every way in which it may look.
async fn looks(shop: &Shop, key: &str, job: JobId) -> Vec<Value> {
    let path = format!("/api/jobs/{job}");
    let mut seen = Vec::new();
    for path in
        [path.clone(), format!("{path}?wait=1"), format!("{path}?fields=state,result,payload,needs_scope")]
    {
        let answer = call(shop, key, "GET", &path, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        seen.push(answer.json);
    }
    let list = call(shop, key, "GET", "/api/jobs?fields=id,state,needs_scope,result", "").await;
    let items = list.json["items"].as_array().expect("items");
    seen.push(items.iter().find(|item| item["id"] == json!(job)).expect("the job").clone());
    let events = call(shop, key, "GET", &format!("{path}/events"), "").await;
    let data = events.text.lines().find_map(|line| line.strip_prefix("data: ")).expect("an event");
    seen.push(serde_json::from_str(data).expect("a job"));
    seen
}

#[tokio::test]
async fn a_result_is_shown_to_whoever_may_read_what_it_is_about() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    finish(&shop, job, done(&json!({"reply": "Dear customer"}))).await;
    let plain = key(&shop, shop.tenant, &[Scope::JobsRead, Scope::JobsWrite], None).await;
    for seen in looks(&shop, &plain, job).await {
        assert_eq!((&seen["state"], &seen["needs_scope"]), (&json!("done"), &json!("ai:read")));
        assert_eq!(
            (&seen["result"], seen.get("payload").filter(|payload| !payload.is_null())),
            (&Value::Null, None)
        );
    }
    let reader = key(&shop, shop.tenant, &[Scope::JobsRead, Scope::AiRead], None).await;
    for seen in looks(&shop, &reader, job).await {
        assert_eq!((&seen["result"]["reply"], &seen["needs_scope"]), (&json!("Dear customer"), &Value::Null));
    }
    let payload = call(&shop, &reader, "GET", &format!("/api/jobs/{job}?fields=payload"), "").await;
    assert!(payload.json["payload"]["ticket_id"].is_string(), "{}", payload.text);
}

#[tokio::test]
async fn cancelling_and_retrying_need_what_enqueueing_needs() {
    let shop = shop(Mode::Token).await;
    let plain = key(&shop, shop.tenant, &[Scope::JobsRead, Scope::JobsWrite], None).await;
    let waiting = enqueue(&shop, &shop.key).await;
    let died = enqueue(&shop, &shop.key).await;
    finish(&shop, died, dead("bad_ticket", "the ticket is not readable")).await;
    let letters = "/api/admin/dead-letters";
    let ids = json!({"ids": [died]}).to_string();

    let cancel = format!("/api/jobs/{waiting}/cancel");
    let refused = call(&shop, &plain, "POST", &cancel, "").await;
    assert_eq!(refused.status, 403);
    assert!(refused.field("detail").contains("ai:write"), "{}", refused.text);
    for action in ["retry", "discard"] {
        assert_eq!(call(&shop, &plain, "POST", &format!("{letters}/{died}/{action}"), "").await.status, 403);
        let none = call(&shop, &plain, "POST", &format!("{letters}/{action}"), &ids).await;
        assert_eq!(
            (none.status.as_u16(), &none.json),
            (200, &json!({"job_ids": [], "left": [{"job_id": died, "reason": "not_permitted"}]}))
        );
    }
    let bulk = call(&shop, &plain, "POST", &format!("{letters}/retry"), r#"{"all": true}"#).await;
    assert_eq!((bulk.status.as_u16(), &bulk.json["matching"]), (202, &json!(0)), "{}", bulk.text);

    assert_eq!(shop.post(&cancel, "").await.status, 200);
    let retried = shop.post(&format!("{letters}/retry"), &ids).await;
    assert_eq!(retried.json, json!({"job_ids": [died], "left": []}));
}

#[tokio::test]
async fn operators_jobs_are_out_of_a_tenants_reach() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let location = |answer: &Answer| answer.headers["location"].to_str().expect("a path").to_owned();
    let bulk = json!({"filter": {"kind": "draft_reply"}}).to_string();
    for (path, body) in [
        ("/api/jobs", r#"{"kind": "probe"}"#),
        ("/api/admin/queues/ai/drain", "{}"),
        ("/api/admin/dead-letters/retry", &bulk),
    ] {
        let asked = call(&shop, &operator, "POST", path, body).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let job = location(&asked);
        assert_eq!(shop.get(&job).await.status, 404, "{path}");
        assert_eq!(shop.post(&format!("{job}/cancel"), "").await.status, 404, "{path}");
        let seen = call(&shop, &operator, "GET", &format!("{job}?wait=0.01"), "").await;
        assert_eq!(
            (seen.field("state"), seen.field("tenant_id")),
            ("ready", Uuid::nil().to_string().as_str())
        );
        let job = id(&asked, "job_id");
        finish(&shop, job, dead("test", "it failed")).await;
        assert_eq!(
            shop.post(&format!("/api/admin/dead-letters/{job}/retry"), "").await.status,
            404,
            "{path}"
        );
        let retried =
            call(&shop, &operator, "POST", &format!("/api/admin/dead-letters/{job}/retry"), "").await;
        assert_eq!(retried.status, 200, "{}", retried.text);
        assert_eq!(call(&shop, &operator, "POST", &format!("/api/jobs/{job}/cancel"), "").await.status, 200);
    }
    let listed = call(&shop, &operator, "GET", "/api/jobs?tenant_id=all", "").await;
    assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn an_operators_job_that_an_older_version_gave_to_a_tenant_stays_the_operators() {
    let shop = shop(Mode::Token).await;
    let drain = DrainQueue {
        queue: "ai".to_owned(),
        kind: None,
        up_to: Uuid::now_v7(),
        reason: "a mistake".to_owned(),
    };
    let job = put(&shop, shop.tenant, NewJob::of(shop.tenant, &drain).expect("a small payload")).await;
    assert_eq!(shop.post(&format!("/api/jobs/{job}/cancel"), "").await.status, 403);
    finish(&shop, job, dead("test", "it failed")).await;
    assert_eq!(shop.post(&format!("/api/admin/dead-letters/{job}/retry"), "").await.status, 403);
    let bulk = shop.post("/api/admin/dead-letters/retry", r#"{"all": true}"#).await;
    assert_eq!(bulk.json["matching"], 0, "{}", bulk.text);
}

async fn put(shop: &Shop, tenant: TenantId, job: NewJob) -> JobId {
    let mut tx = shop.state.db.tenant_tx(database::Role::Support, tenant).await.expect("a transaction");
    let (enqueued, _) = jobs::enqueue(&mut tx, &[job]).await.expect("enqueued");
    tx.commit().await.expect("committed");
    enqueued[0].id
}

#[tokio::test]
async fn a_tenants_own_bulk_retry_is_its_own() {
    let shop = shop(Mode::Token).await;
    let asked = shop.post("/api/admin/dead-letters/retry", r#"{"all": true}"#).await;
    let job = id(&asked, "job_id");
    finish(&shop, job, done(&json!({"jobs": 0}))).await;
    assert_eq!(shop.get(&format!("/api/jobs/{job}")).await.json["result"]["jobs"], 0);
    let asked = shop.post("/api/admin/dead-letters/retry", r#"{"all": true}"#).await;
    let cancelled = shop.post(&format!("/api/jobs/{}/cancel", id(&asked, "job_id")), "").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
}

#[tokio::test]
async fn a_batch_counts_as_many_as_it_has_in_the_limit_of_its_kind() {
    let rate = |per_minute| NonZeroU32::new(per_minute).expect("not zero");
    let rates = Rates {
        general_per_minute: rate(20),
        webhooks_per_minute: rate(1),
        ai_per_minute: rate(10),
        segments_per_minute: rate(5),
    };
    let shop = shop_with(Mode::Token, rates, &redis_url()).await;
    let batch = |jobs: usize| {
        let jobs: Vec<Value> = (0..jobs).map(|_| serde_json::from_str(&new_job()).expect("JSON")).collect();
        json!({"jobs": jobs}).to_string()
    };
    let too_large = shop.post("/api/jobs/batch", &batch(11)).await;
    assert_eq!((too_large.status.as_u16(), too_large.field("field")), (422, "jobs"), "{}", too_large.text);
    let first = batch(7);
    let keyed = async || {
        let request = request("POST", "/api/jobs/batch")
            .header("x-api-key", &shop.key)
            .header("idempotency-key", "one");
        shop.send(request.body(Body::from(first.clone())).expect("a request")).await
    };
    let taken = keyed().await;
    assert_eq!(taken.status, 202, "{}", taken.text);
    assert_eq!(
        (&taken.headers["ratelimit-limit"], &taken.headers["ratelimit-remaining"]),
        (&"10".parse().expect("a value"), &"3".parse().expect("a value"))
    );
    let refused = shop.post("/api/jobs/batch", &batch(4)).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(refused.headers["ratelimit-limit"], "10");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(keyed().await.status, 202, "a repetition makes nothing and uses nothing up");
    assert_eq!(shop.post("/api/jobs/batch", &batch(3)).await.status, 202);
    // What it has used up is the same as for the routes of drafts.
    assert_eq!(shop.get("/api/ai/tickets/1/draft").await.status, 429);
    assert_eq!(shop.count("jobs.live").await, 10);
    // Six requests so far; fourteen more of the general limit, of which a batch of imports takes one for each.
    let imports = |jobs: usize| {
        json!({"jobs": vec![json!({"kind": "import_orders", "payload": {"path": "a.csv"}}); jobs]})
            .to_string()
    };
    assert_eq!(shop.post("/api/jobs/batch", &imports(16)).await.status, 429);
    assert_eq!(shop.post("/api/jobs/batch", &imports(10)).await.status, 202);
}

#[tokio::test]
async fn imports_of_a_tenant_take_turns_in_a_queue_of_their_own() {
    let shop = shop(Mode::Token).await;
    let csv = request("POST", "/api/orders/import")
        .header("x-api-key", &shop.key)
        .header("content-type", "text/csv");
    let sent = shop.send(csv.body(Body::from("customer_id,order_id\n")).expect("a request")).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    let by_kind = json!({"kind": "import_orders", "payload": {"path": "a.csv"}});
    assert_eq!(shop.post("/api/jobs", &by_kind.to_string()).await.status, 202);
    let of_its_own = shop
        .count("jobs.live where queue = 'imports' and concurrency_key = 'tenant' and concurrency_limit = 1")
        .await;
    assert_eq!(of_its_own, 2);
    let mut other_key = by_kind;
    other_key["concurrency_key"] = json!("mine");
    let refused = shop.post("/api/jobs", &other_key.to_string()).await;
    assert_eq!((refused.status.as_u16(), refused.field("field")), (422, "concurrency_key"));
}
