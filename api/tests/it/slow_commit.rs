//! Commits that hang, as they do while the synchronous standby is away: the request is refused in time, and what was
//! stored after all is stored once.

use crate::shop::{Answer, Shop, request, shop};
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use sqlx::{Connection, PgConnection};

/// Lets a commit that enqueued something take longer than a request may: a constraint that is checked at the end.
async fn slow_down(shop: &Shop) -> PgConnection {
    let mut admin = PgConnection::connect(shop.admin_url()).await.expect("the server answers");
    for statement in [
        "create function public.slow() returns trigger language plpgsql as $$
         begin perform pg_sleep(8); return null; end $$",
        "create constraint trigger slow after insert on jobs.live deferrable initially deferred
         for each row when (new.kind <> 'settle_ticket') execute function public.slow()",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("a slow commit");
    }
    admin
}

/// Asks until the answer is not that the service is unavailable.
async fn until_answered(ask: impl AsyncFn() -> Answer) -> Answer {
    loop {
        let answer = ask().await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            return answer;
        }
    }
}

fn refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"));
    assert!(answer.field("detail").contains("Idempotency-Key"), "{}", answer.text);
}

#[tokio::test]
async fn a_job_whose_commit_hangs_is_refused_in_time_and_stored_once() {
    let shop = shop(Mode::Token).await;
    let _admin = slow_down(&shop).await;
    let post = async || {
        let request = request("POST", "/api/jobs")
            .header("x-api-key", &shop.key)
            .header("content-type", "application/json")
            .header("idempotency-key", "once");
        let body = Body::from(r#"{"kind":"import_orders","payload":{"path":"orders.csv"}}"#);
        shop.send(request.body(body).expect("a request")).await
    };
    refused(&post().await);
    let answer = until_answered(post).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert_eq!(answer.headers["idempotency-replayed"], "true", "it had been stored");
    assert_eq!(shop.count("jobs.live").await, 1);
}

#[tokio::test]
async fn a_delivery_whose_commit_hangs_is_refused_in_time_and_stored_once() {
    let shop = shop(Mode::Token).await;
    let _admin = slow_down(&shop).await;
    let deliver = async || {
        shop.deliver(r#"{"ticket":{"id":5,"channel":"email"},"message":{"id":50,"body_text":"?"}}"#).await
    };
    refused(&deliver().await);
    let answer = until_answered(deliver).await;
    assert_eq!(answer.status, StatusCode::OK, "it had been stored: {}", answer.text);
    assert_eq!(
        (shop.count("jobs.live where kind = 'draft_reply'").await, shop.count("support_app.inbox").await),
        (1, 1)
    );
}
