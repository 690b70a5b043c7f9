//! Keys that nobody has ever seen: they cost a bounded number of transactions, and nobody else notices.

use std::net::SocketAddr;

use crate::desk::key;
use crate::shop::{SECRET, Shop, request, shop};
use accounts::{api_keys::Scope, verify::Mode};
use api::web::keys::MAX_BAD_KEYS;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use uuid::Uuid;

/// A text that could be a key, of random digits.
fn strange_key() -> String {
    let digits = format!("{}{}", Uuid::now_v7().simple(), Uuid::now_v7().simple());
    format!("dsk_{}_{}", &digits[..12], &digits[12..55])
}

fn from(address: &str, request: axum::http::request::Builder, body: &str) -> Request<Body> {
    let address: SocketAddr = address.parse().expect("an address");
    let request = request.extension(ConnectInfo(address)).header("content-type", "application/json");
    request.body(Body::from(body.to_owned())).expect("a request")
}

/// Keys that were looked up in the database so far and were none.
async fn bad_lookups(shop: &Shop) -> u32 {
    let metrics = shop.send(request("GET", "/metrics").body(Body::empty()).expect("a request")).await.text;
    let line = metrics.lines().find(|line| line.starts_with(r#"deskwork_key_lookups_total{outcome="bad"}"#));
    line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or(0)
}

const STRANGER: &str = "192.0.2.7:40000";

#[tokio::test]
async fn a_thousand_strange_keys_cost_a_bounded_number_of_look_ups() {
    let shop = shop(Mode::Token).await;
    let known = key(&shop, shop.tenant, &[Scope::WebhooksWrite], None).await;
    let other = key(&shop, shop.tenant, &[Scope::WebhooksWrite], None).await;
    let deliver = async |address: &str, key: &str, id: u32| {
        let webhook = request("POST", "/api/gorgias/webhook")
            .header("x-api-key", key)
            .header("x-webhook-token", SECRET);
        shop.send(from(address, webhook, &format!(r#"{{"id":{id}}}"#))).await.status.as_u16()
    };
    assert_eq!(deliver(STRANGER, &known, 1).await, 202);
    let (mut refused, mut barred) = (0, 0);
    for number in 0..1_000 {
        let ask = request("GET", "/api/jobs").header("x-api-key", strange_key());
        let answer = shop.send(from(STRANGER, ask, "")).await;
        match answer.status.as_u16() {
            401 => refused += 1,
            429 => {
                assert!(answer.headers.contains_key("retry-after"));
                barred += 1;
            }
            other => panic!("{other}: {}", answer.text),
        }
        if number % 100 == 99 {
            assert_eq!(deliver(STRANGER, &known, number + 2).await, 202, "a known key of the same address");
        }
    }
    assert_eq!((refused, barred), (MAX_BAD_KEYS, 1_000 - MAX_BAD_KEYS));
    assert_eq!(bad_lookups(&shop).await, MAX_BAD_KEYS);
    // A key that this process never saw comes in by another address.
    assert_eq!(deliver("198.51.100.1:40000", &other, 5_000).await, 202);
}

#[tokio::test]
async fn a_bad_key_that_comes_again_is_not_looked_up_again() {
    let shop = shop(Mode::Token).await;
    let bad = strange_key();
    for _ in 0..50 {
        let ask = request("GET", "/api/jobs").header("x-api-key", &bad);
        assert_eq!(shop.send(from(STRANGER, ask, "")).await.status, 401);
    }
    assert_eq!(bad_lookups(&shop).await, 1);
}
