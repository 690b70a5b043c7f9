//! Reads that scan stand still, and everybody else goes on.

use std::sync::Arc;
use std::time::Duration;

use crate::shop::{request, shop};
use accounts::verify::Mode;
use api::settings::Settings;
use api::state::AppState;
use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use futures_util::stream::{FuturesUnordered, StreamExt};
use sqlx::Connection;
use tower::ServiceExt;

const PREVIEW: &str = "/api/segments/preview";
const RULE: &str = r#"{"rule": "order_count >= 1"}"#;

/// What every preview reads first.
const LOCK: &str = "lock table platform.current_run in access exclusive mode";

#[tokio::test]
async fn previews_that_stand_still_do_not_take_the_webhooks_connections() {
    let shop = shop(Mode::Token).await;
    let mut admin = shop.admin().await;
    let mut lock = admin.begin().await.expect("begins");
    sqlx::query(LOCK).execute(&mut *lock).await.expect("locked");

    // The process has four connections and two places for reads that scan.
    let mut previews: FuturesUnordered<_> = (0..6).map(|_| shop.post(PREVIEW, RULE)).collect();
    for _ in 0..4 {
        let refused = previews.next().await.expect("a preview");
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text);
        assert!(refused.field("detail").contains("reads that scan"), "{}", refused.text);
        assert!(refused.headers.contains_key("retry-after"));
    }
    for number in 0..10 {
        let taken = shop.deliver(&format!(r#"{{"id":{number}}}"#)).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    }

    lock.rollback().await.expect("unlocked");
    while let Some(preview) = previews.next().await {
        assert_eq!(preview.status, StatusCode::CONFLICT, "there is nothing to preview: {}", preview.text);
    }
    assert_eq!(shop.post(PREVIEW, RULE).await.status, StatusCode::CONFLICT, "the places are free again");
}

#[tokio::test]
async fn a_request_is_given_up_after_its_time() {
    let shop = shop(Mode::Token).await;
    let mut admin = shop.admin().await;
    let mut lock = admin.begin().await.expect("begins");
    sqlx::query(LOCK).execute(&mut *lock).await.expect("locked");
    let mut settings = Settings::clone(&shop.state.settings);
    settings.patience.request = Duration::from_millis(200);
    let state = AppState { settings: Arc::new(settings), ..shop.state.clone() };
    let preview = request("POST", PREVIEW).header("x-api-key", &shop.key);
    let preview = preview.body(Body::from(RULE)).expect("a request");
    let answer = api::router(state).oneshot(preview).await.expect("the router cannot fail");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.headers().contains_key("retry-after") && answer.headers().contains_key("x-correlation-id")
    );
    let body = to_bytes(answer.into_body(), 10_000).await.expect("a body");
    assert!(String::from_utf8_lossy(&body).contains("given up after 0.2 s"), "{body:?}");
    lock.rollback().await.expect("unlocked");
}
