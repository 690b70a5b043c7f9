//! Waiting for results: held answers and streams, for one and for very many.

use std::sync::Arc;

use crate::desk::{done, enqueue, finish, id};
use crate::shop::{request, shop};
use accounts::verify::Mode;
use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use jobs::ledger::claim;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

#[tokio::test]
async fn an_answer_is_held_until_the_job_is_done() {
    let shop = Arc::new(shop(Mode::Token).await);
    let job = enqueue(&shop, &shop.key).await;
    let waiting = tokio::spawn({
        let shop = shop.clone();
        async move { shop.get(&format!("/api/jobs/{job}?wait=30s")).await }
    });
    while shop.state.waiters.jobs() == 0 {
        tokio::task::yield_now().await;
    }
    finish(&shop, job, done(&json!({"answer": 42}))).await;
    let answer = waiting.await.expect("the waiter lives");
    assert_eq!((answer.status.as_u16(), answer.field("state")), (200, "done"));
    assert_eq!(answer.json["result"]["answer"], 42);
    assert_eq!(shop.state.waiters.jobs(), 0);
}

#[tokio::test]
async fn a_wait_ends_with_its_time_and_with_the_process() {
    let shop = Arc::new(shop(Mode::Token).await);
    let job = enqueue(&shop, &shop.key).await;
    let answer = shop.get(&format!("/api/jobs/{job}?wait=0.05")).await;
    assert_eq!((answer.status.as_u16(), answer.field("state")), (200, "ready"));
    let waiting = tokio::spawn({
        let shop = shop.clone();
        async move { shop.get(&format!("/api/jobs/{job}?wait=60")).await }
    });
    while shop.state.waiters.jobs() == 0 {
        tokio::task::yield_now().await;
    }
    shop.state.ending.cancel();
    assert_eq!(waiting.await.expect("the waiter lives").field("state"), "ready");
}

#[tokio::test]
async fn until_change_answers_at_the_first_change_and_at_once_when_the_caller_is_behind() {
    let shop = Arc::new(shop(Mode::Token).await);
    let job = enqueue(&shop, &shop.key).await;
    let path = format!("/api/jobs/{job}?wait=30&until=change");
    let waiting = tokio::spawn({
        let (shop, path) = (shop.clone(), path.clone());
        async move { shop.get(&path).await }
    });
    while shop.state.waiters.jobs() == 0 {
        tokio::task::yield_now().await;
    }
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    claim(&mut connection, Uuid::now_v7(), &[job], &[]).await.expect("claimed");
    shop.state.dispatch.tell(&[jobs::events::Event { id: job, state: jobs::State::Running }]);
    assert_eq!(waiting.await.expect("the waiter lives").field("state"), "running");

    let behind = request("GET", &path).header("x-api-key", &shop.key).header("if-none-match", "\"old\"");
    let behind = shop.send(behind.body(Body::empty()).expect("a request")).await;
    assert_eq!((behind.status.as_u16(), behind.field("state")), (200, "running"));
}

/// The next event of a stream: its name and its data.
async fn next_event(stream: &mut BodyDataStream) -> Option<(String, Value)> {
    let chunk = stream.next().await?.expect("the stream goes on");
    let text = String::from_utf8(chunk.to_vec()).expect("text");
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned);
    Some((field("event:")?, serde_json::from_str(&field("data:")?).expect("JSON")))
}

#[tokio::test]
async fn a_stream_tells_every_change_and_ends_with_the_job() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    let request = request("GET", &format!("/api/jobs/{job}/events"))
        .header("x-api-key", &shop.key)
        .header("last-event-id", "7")
        .body(Body::empty())
        .expect("a request");
    let response = api::router(shop.state.clone()).oneshot(request).await.expect("the router cannot fail");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let (name, data) = next_event(&mut stream).await.expect("the job as it is");
    assert_eq!((name.as_str(), &data["state"]), ("state", &json!("ready")));
    finish(&shop, job, done(&json!({"answer": 42}))).await;
    let (name, data) = next_event(&mut stream).await.expect("the end");
    assert_eq!((name.as_str(), &data["state"]), ("state", &json!("done")));
    assert_eq!(data["result"]["answer"], 42);
    assert!(next_event(&mut stream).await.is_none(), "the stream ends");
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left_and_says_when_it_is_over() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    let open = async |seen: Option<&str>| {
        let request = request("GET", &format!("/api/jobs/{job}/events")).header("x-api-key", &shop.key);
        let request = seen.into_iter().fold(request, |request, seen| request.header("last-event-id", seen));
        let request = request.body(Body::empty()).expect("a request");
        api::router(shop.state.clone()).oneshot(request).await.expect("the router cannot fail")
    };
    let id_and_state = async |stream: &mut BodyDataStream| {
        let text = String::from_utf8(stream.next().await?.expect("it goes on").to_vec()).expect("text");
        let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned();
        let state =
            ["ready", "done"].into_iter().find(|state| text.contains(&format!("\"state\":\"{state}\"")));
        Some((id, state.expect("a state")))
    };
    let mut first = open(None).await.into_body().into_data_stream();
    let (ready, _) = id_and_state(&mut first).await.expect("the job as it is");
    drop(first);
    // Another connection that has seen this is told of nothing until something happens.
    let mut second = open(Some(&ready)).await.into_body().into_data_stream();
    finish(&shop, job, done(&json!(1))).await;
    let (over, state) = id_and_state(&mut second).await.expect("what happened since");
    assert_eq!(state, "done");
    assert_ne!(over, ready);
    assert!(id_and_state(&mut second).await.is_none(), "the stream ends");
    // Whoever missed the end is told of it, with the same id; whoever has seen it need not ask again.
    for seen in [None, Some("7"), Some(ready.as_str())] {
        let answer = open(seen).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["cache-control"], "no-store, no-transform");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        let mut stream = answer.into_body().into_data_stream();
        assert_eq!(id_and_state(&mut stream).await, Some((over.clone(), "done")));
    }
    for _ in 0..2 {
        assert_eq!(open(Some(&over)).await.status(), 204);
    }
}

#[tokio::test]
async fn hundreds_wait_at_once_and_all_are_answered() {
    let shop = Arc::new(shop(Mode::Token).await);
    let body = json!({"jobs": (0..300).map(|_| json!({
        "kind": "draft_reply", "payload": {"ticket_id": Uuid::now_v7()}
    })).collect::<Vec<_>>()});
    let batch = shop.post("/api/jobs/batch", &body.to_string()).await;
    let ids: Vec<Uuid> = batch.json["jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| job["job_id"].as_str().expect("an id").parse().expect("an id"))
        .collect();
    let waiting: Vec<_> = ids
        .iter()
        .map(|id| {
            let (shop, path) = (shop.clone(), format!("/api/jobs/{id}?wait=60&fields=id,state"));
            tokio::spawn(async move { shop.get(&path).await })
        })
        .collect();
    while shop.state.waiters.jobs() < ids.len() {
        tokio::task::yield_now().await;
    }
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    let worker = Uuid::now_v7();
    let claimed = claim(&mut connection, worker, &ids, &[]).await.expect("claimed");
    let mut endings: Vec<_> =
        claimed.iter().map(|job| jobs::ledger::Completion::of(job, done(&json!(1)))).collect();
    let completed = jobs::ledger::complete(&mut connection, worker, &mut endings).await.expect("completed");
    shop.state.dispatch.tell(&completed.events);
    for (waiter, expected) in waiting.into_iter().zip(ids) {
        let answer = waiter.await.expect("the waiter lives");
        assert_eq!((id(&answer, "id"), answer.field("state")), (expected, "done"));
    }
}
