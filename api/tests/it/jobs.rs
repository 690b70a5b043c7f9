//! Jobs over HTTP: enqueue, read, list, cancel; deduplication and repeated requests.

use crate::desk::{call, enqueue, finish, id, operator};
use crate::shop::{Answer, Shop, request, shop};
use accounts::verify::Mode;
use axum::body::Body;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_job_is_enqueued_read_and_ends_with_its_result() {
    let shop = shop(Mode::Token).await;
    let answer = shop.post("/api/jobs", &crate::desk::new_job()).await;
    assert_eq!((answer.status.as_u16(), answer.field("state")), (202, "ready"));
    assert_eq!(answer.json["created"], true);
    let job = id(&answer, "job_id");
    assert_eq!(answer.headers["location"], format!("/api/jobs/{job}"));

    let path = format!("/api/jobs/{job}");
    let ready = shop.get(&path).await;
    assert_eq!((ready.field("state"), ready.field("priority")), ("ready", "high"));
    finish(&shop, job, crate::desk::done(&json!({"answer": 42}))).await;
    let done = shop.get(&path).await;
    assert_eq!(done.field("state"), "done");
    assert_eq!(done.json["result"], json!({"answer": 42}));
    assert_eq!(done.json["attempt"], 1);

    let some = shop.get(&format!("{path}?fields=state,payload")).await;
    let names: Vec<&String> = some.json.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["payload", "state"]);
    assert!(some.json["payload"]["ticket_id"].is_string());
}

#[tokio::test]
async fn whoever_polls_with_the_tag_hears_of_news_alone() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    finish(&shop, job, crate::desk::done(&json!(1))).await;
    let path = format!("/api/jobs/{job}");
    let first = shop.get(&path).await;
    let again =
        request("GET", &path).header("x-api-key", &shop.key).header("if-none-match", &first.headers["etag"]);
    let again = shop.send(again.body(Body::empty()).expect("a request")).await;
    assert_eq!(again.status, 304);
    assert_eq!(again.text, "");
}

#[tokio::test]
async fn a_time_makes_a_scheduled_job_and_priority_and_attempts_are_kept() {
    let shop = shop(Mode::Token).await;
    let body = json!({
        "kind": "draft_reply", "payload": {"ticket_id": Uuid::now_v7()},
        "delay_ms": 3_600_000, "priority": "low", "max_attempts": 2
    });
    let answer = shop.post("/api/jobs", &body.to_string()).await;
    assert_eq!(answer.field("state"), "scheduled");
    let job = shop.get(&format!("/api/jobs/{}", answer.field("job_id"))).await;
    assert_eq!((job.field("state"), job.field("priority")), ("scheduled", "low"));
    assert_eq!(job.json["max_attempts"], 2);
}

#[tokio::test]
async fn an_unfinished_job_with_the_dedup_key_stands_in() {
    let shop = shop(Mode::Token).await;
    let body = json!({"kind": "draft_reply", "payload": {"ticket_id": Uuid::now_v7()}, "dedup_key": "t1"})
        .to_string();
    let first = shop.post("/api/jobs", &body).await;
    let second = shop.post("/api/jobs", &body).await;
    assert_eq!(second.status, 202);
    assert_eq!(second.json["created"], false);
    assert_eq!((second.field("job_id"), second.field("state")), (first.field("job_id"), "ready"));
    shop.end_job(id(&first, "job_id")).await;
    assert_eq!(shop.post("/api/jobs", &body).await.json["created"], true);
}

#[tokio::test]
async fn a_batch_goes_in_as_a_whole_or_not_at_all() {
    let shop = shop(Mode::Token).await;
    let bad = format!(r#"{{"jobs": [{}, {{"kind": "nonsense"}}]}}"#, crate::desk::new_job());
    let refused = shop.post("/api/jobs/batch", &bad).await;
    assert_eq!((refused.status.as_u16(), refused.field("field")), (400, "jobs[1].kind"));
    assert_eq!(shop.count("jobs.live").await, 0);
    let good = format!(r#"{{"jobs": [{}, {}]}}"#, crate::desk::new_job(), crate::desk::new_job());
    let taken = shop.post("/api/jobs/batch", &good).await;
    assert_eq!(taken.status, 202, "{}", taken.text);
    assert_eq!(taken.json["jobs"].as_array().map(Vec::len), Some(2));
    assert_eq!(shop.count("jobs.live").await, 2);
    assert_eq!(shop.post("/api/jobs/batch", r#"{"jobs": []}"#).await.field("field"), "jobs");
}

async fn with_key(shop: &Shop, key: &str, body: &str) -> Answer {
    let request = request("POST", "/api/jobs").header("x-api-key", &shop.key).header("idempotency-key", key);
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let shop = shop(Mode::Token).await;
    let body = crate::desk::new_job();
    // Both at once: one of them waits for the other.
    let (one, two) = tokio::join!(with_key(&shop, "k1", &body), with_key(&shop, "k1", &body));
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (202, 202));
    assert_eq!(one.json, two.json);
    assert_eq!(one.headers["location"], two.headers["location"]);
    let replayed =
        [&one, &two].iter().filter(|answer| answer.headers.contains_key("idempotency-replayed")).count();
    assert_eq!(replayed, 1);
    assert_eq!(shop.count("jobs.live").await, 1);

    let other = with_key(&shop, "k1", &crate::desk::new_job()).await;
    assert_eq!((other.status.as_u16(), other.field("field")), (422, "Idempotency-Key"));
    assert_eq!(with_key(&shop, "k2", &body).await.status, 202);
    assert_eq!(shop.count("jobs.live").await, 2);
}

#[tokio::test]
async fn pages_lead_through_all_jobs_newest_first() {
    let shop = shop(Mode::Token).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(enqueue(&shop, &shop.key).await.to_string());
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/jobs?limit=2".to_owned();
    loop {
        let page = shop.get(&path).await;
        let items = page.json["items"].as_array().expect("items").clone();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/jobs?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_page_has_results_only_when_asked_and_only_so_many_bytes_of_them() {
    const JOBS: usize = 10;
    let shop = shop(Mode::Token).await;
    for number in 0..JOBS {
        let job = enqueue(&shop, &shop.key).await;
        let large = json!({"number": number, "text": "x".repeat(jobs::MAX_RESULT_BYTES - 100)});
        finish(&shop, job, crate::desk::done(&large)).await;
    }
    let plain = shop.get("/api/jobs?limit=100").await;
    let items = plain.json["items"].as_array().expect("items");
    assert_eq!(items.len(), JOBS);
    assert!(items.iter().all(|item| item["state"] == "done" && item.get("result").is_none()));

    let mut numbers = Vec::new();
    let mut path = "/api/jobs?limit=100&fields=result".to_owned();
    loop {
        let page = shop.get(&path).await;
        assert!(page.text.len() < 9 * 1024 * 1024, "{} bytes", page.text.len());
        let items = page.json["items"].as_array().expect("items");
        numbers.extend(items.iter().map(|item| item["result"]["number"].as_u64().expect("a result")));
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/jobs?limit=100&fields=result&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(numbers, (0..JOBS as u64).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn filters_hold_together() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let ready = enqueue(&shop, &shop.key).await;
    let finished = enqueue(&shop, &shop.key).await;
    finish(&shop, finished, crate::desk::done(&json!(1))).await;
    let died = enqueue(&shop, &shop.key).await;
    finish(&shop, died, crate::desk::dead("bad_ticket", "the ticket is not readable")).await;
    call(&shop, &operator, "POST", "/api/jobs", r#"{"kind": "probe"}"#).await;
    let list = async |query: &str| -> Vec<String> {
        let answer = shop.get(&format!("/api/jobs?fields=id&{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let items = answer.json["items"].as_array().expect("items").clone();
        items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(list("state=ready&kind=draft_reply").await, [ready.to_string()]);
    assert_eq!(list("state=done").await, [finished.to_string()]);
    assert_eq!(list("state=dead,done&queue=ai").await, [died.to_string(), finished.to_string()]);
    assert_eq!(list("kind=draft_reply").await.len(), 3);
    assert_eq!(list("created_to=2020-01-01T00:00:00Z").await.len(), 0);
    assert_eq!(list("created_from=2020-01-01T00:00:00Z").await.len(), 3);
    // The operator's own job is the cluster's.
    let all = call(&shop, &operator, "GET", "/api/jobs?tenant_id=all", "").await;
    assert_eq!(all.json["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(list(&format!("parent_id={ready}")).await.len(), 0);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_a_finished_one_is_not() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    let path = format!("/api/jobs/{job}/cancel");
    let answer = shop.post(&path, r#"{"reason": "not needed"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.field("outcome")), (200, "cancelled"));
    assert_eq!(shop.get(&format!("/api/jobs/{job}")).await.field("state"), "cancelled");
    assert_eq!(shop.post(&path, "").await.status, 409);
    let unknown = shop.post(&format!("/api/jobs/{}/cancel", Uuid::now_v7()), "").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_running_job_is_asked_to_stop() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    jobs::ledger::claim(&mut connection, Uuid::now_v7(), &[job], &[]).await.expect("claimed");
    let answer = shop.post(&format!("/api/jobs/{job}/cancel"), r#"{"reason": "not needed"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.field("outcome")), (202, "requested"));
    assert_eq!(shop.get(&format!("/api/jobs/{job}")).await.field("cancel_reason"), "not needed");
}

#[tokio::test]
async fn failed_attempts_are_listed() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    finish(&shop, job, crate::desk::dead("bad_ticket", "the ticket is not readable")).await;
    let attempts = shop.get(&format!("/api/jobs/{job}/attempts")).await;
    assert_eq!(attempts.json["items"][0]["class"], "bad_ticket");
    let view = shop.get(&format!("/api/jobs/{job}")).await;
    assert_eq!((view.field("state"), &view.json["error"]["class"]), ("dead", &json!("bad_ticket")));
}
