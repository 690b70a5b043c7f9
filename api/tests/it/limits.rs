//! Rate limits as callers meet them: headers while there is room, 429 with a time when there is none.

use std::num::NonZeroU32;

use crate::desk::{call, key};
use crate::shop::{redis_url, request, shop_with};
use accounts::api_keys::Scope;
use accounts::verify::Mode;
use api::web::limits::Rates;
use axum::body::Body;
use axum::http::StatusCode;

fn rate(per_minute: u32) -> NonZeroU32 {
    NonZeroU32::new(per_minute).expect("not zero")
}

#[tokio::test]
async fn a_key_is_told_what_is_left_and_when_to_come_back() {
    let rates = Rates {
        general_per_minute: rate(3),
        webhooks_per_minute: rate(1),
        ai_per_minute: rate(2),
        segments_per_minute: rate(9),
    };
    let shop = shop_with(Mode::Token, rates, &redis_url()).await;
    for left in ["2", "1", "0"] {
        let answer = shop.get("/api/jobs").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.headers["ratelimit-limit"], "3");
        assert_eq!(answer.headers["ratelimit-remaining"], left);
        assert_eq!(answer.headers["ratelimit-policy"], "3;w=60");
    }
    let refused = shop.get("/api/jobs").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(refused.headers["ratelimit-remaining"], "0");
    let secs: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=21).contains(&secs), "{secs}");
    // Other kinds of request have limits of their own, and operations have none.
    assert_eq!(shop.get("/api/ai/tickets/1/draft").await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.get("/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_tenants_webhooks_are_counted_once_proven() {
    let rates = Rates {
        general_per_minute: rate(9),
        webhooks_per_minute: rate(1),
        ai_per_minute: rate(9),
        segments_per_minute: rate(9),
    };
    let shop = shop_with(Mode::Token, rates, &redis_url()).await;
    // All of a tenant's senders together may do four times what a key may.
    for number in 1..=4 {
        let answer = shop.deliver(&format!(r#"{{"id":{number}}}"#)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    }
    assert_eq!(shop.deliver(r#"{"id":5}"#).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(shop.count("support_app.inbox").await, 4);
}

#[tokio::test]
async fn strangers_are_counted_by_their_address() {
    let rates = Rates {
        general_per_minute: rate(1),
        webhooks_per_minute: rate(1),
        ai_per_minute: rate(1),
        segments_per_minute: rate(9),
    };
    let shop = shop_with(Mode::Token, rates, &redis_url()).await;
    let ask = || {
        shop.send(
            request("GET", "/api/jobs").header("x-api-key", "wrong").body(Body::empty()).expect("a request"),
        )
    };
    assert_eq!(shop.get("/api/ai/tickets/1/draft").await.status, StatusCode::NOT_FOUND);
    for _ in 0..4 {
        assert_eq!(ask().await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask().await.status, StatusCode::TOO_MANY_REQUESTS);
    // A key that was seen has limits of its own. One that was not is a stranger's until it is looked up, and that
    // costs what the address has no more of.
    assert_eq!(shop.get("/api/jobs").await.status, StatusCode::OK);
    let unseen = key(&shop, shop.tenant, &[Scope::JobsRead], None).await;
    assert_eq!(call(&shop, &unseen, "GET", "/api/jobs", "").await.status, StatusCode::TOO_MANY_REQUESTS);
}
