//! Who may do what: keys, scopes, tenants; and the correlation id that every answer carries.

use crate::desk::{call, enqueue, key, neighbour, operator};
use crate::shop::{request, shop};
use accounts::{api_keys::Scope, verify::Mode};
use axum::body::Body;
use chrono::{TimeDelta, Utc};

#[tokio::test]
async fn without_a_valid_key_nobody_comes_in() {
    let shop = shop(Mode::Token).await;
    let expired = key(&shop, shop.tenant, &[Scope::JobsRead], Some(Utc::now() - TimeDelta::seconds(1))).await;
    let mut wrong = shop.key.clone();
    wrong.replace_range(wrong.len() - 4.., "AAAA");
    for bad in ["", "nonsense", &expired, &wrong] {
        let answer = call(&shop, bad, "GET", "/api/jobs", "").await;
        assert_eq!(answer.status, 401, "{bad}");
        assert_eq!(answer.field("type"), "urn:deskwork:problem:unauthenticated");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    let bare = shop.send(request("GET", "/api/jobs").body(Body::empty()).expect("a request")).await;
    assert_eq!(bare.status, 401);
    let bearer = request("GET", "/api/jobs").header("authorization", format!("Bearer {}", shop.key));
    assert_eq!(shop.send(bearer.body(Body::empty()).expect("a request")).await.status, 200);
}

#[tokio::test]
async fn a_scope_is_needed_and_named() {
    let shop = shop(Mode::Token).await;
    let reader = key(&shop, shop.tenant, &[Scope::JobsRead], None).await;
    let answer = call(&shop, &reader, "POST", "/api/jobs", &crate::desk::new_job()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.field("detail").contains("jobs:write"), "{}", answer.text);
    let answer = call(&shop, &shop.key, "POST", "/api/jobs", r#"{"kind": "probe"}"#).await;
    assert_eq!(answer.status, 403, "an operators' kind");
    for path in ["queues", "workers", "schedules", "audit", "kinds"] {
        let answer = call(&shop, &shop.key, "GET", &format!("/api/admin/{path}"), "").await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let operator = operator(&shop).await;
    assert_eq!(call(&shop, &operator, "POST", "/api/jobs", r#"{"kind": "probe"}"#).await.status, 202);
}

#[tokio::test]
async fn a_tenant_sees_and_touches_its_own_jobs_alone() {
    let shop = shop(Mode::Token).await;
    let job = enqueue(&shop, &shop.key).await;
    let (tenant, other) = neighbour(&shop).await;
    for path in ["", "?wait=1", "/attempts", "/events"] {
        let answer = call(&shop, &other, "GET", &format!("/api/jobs/{job}{path}"), "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(call(&shop, &other, "POST", &format!("/api/jobs/{job}/cancel"), "").await.status, 404);
    let list = call(&shop, &other, "GET", "/api/jobs", "").await;
    assert_eq!(list.json["items"], serde_json::json!([]));
    let theirs = call(&shop, &other, "GET", &format!("/api/jobs?tenant_id={}", shop.tenant), "").await;
    assert_eq!(theirs.status, 403);

    let operator = operator(&shop).await;
    let own = enqueue(&shop, &other).await;
    assert_eq!(call(&shop, &operator, "GET", &format!("/api/jobs/{own}"), "").await.status, 200);
    let count = async |query: &str| {
        let answer = call(&shop, &operator, "GET", &format!("/api/jobs{query}"), "").await;
        answer.json["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("").await, 1, "an operator's own tenant");
    assert_eq!(count("?tenant_id=all").await, 2);
    assert_eq!(count(&format!("?tenant_id={tenant}")).await, 1);
}

#[tokio::test]
async fn a_request_with_two_keys_that_differ_is_nobodys() {
    let shop = shop(Mode::Token).await;
    for (keys, status) in [
        ([("x-api-key", shop.key.clone()), ("x-api-key", shop.key.clone())], 200_u16),
        ([("x-api-key", shop.key.clone()), ("authorization", format!("Bearer {}", shop.key))], 200),
        ([("x-api-key", shop.key.clone()), ("x-api-key", "dsk_another".to_owned())], 400),
        ([("x-api-key", "dsk_another".to_owned()), ("x-api-key", shop.key.clone())], 400),
        ([("x-api-key", shop.key.clone()), ("authorization", "Bearer dsk_another".to_owned())], 400),
    ] {
        let mut builder = request("GET", "/api/jobs");
        for (name, key) in &keys {
            builder = builder.header(*name, key.as_str());
        }
        let answer = shop.send(builder.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 400 {
            assert_eq!(answer.field("field").to_lowercase(), keys[1].0);
        }
    }
}

#[tokio::test]
async fn the_correlation_id_goes_in_through_and_out() {
    let shop = shop(Mode::Token).await;
    let request = request("POST", "/api/jobs")
        .header("x-api-key", &shop.key)
        .header("x-correlation-id", "order:42")
        .body(Body::from(crate::desk::new_job()))
        .expect("a request");
    let answer = shop.send(request).await;
    assert_eq!(answer.headers["x-correlation-id"], "order:42");
    let job = shop.get(answer.headers["location"].to_str().expect("a path")).await;
    assert_eq!(job.field("correlation_id"), "order:42");
    let found = shop.get("/api/jobs?correlation_id=order:42").await;
    assert_eq!(found.json["items"][0]["id"], job.json["id"]);

    let refused = shop.get("/api/nothing").await;
    assert_eq!(refused.status, 404);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(refused.headers["x-correlation-id"], *refused.field("correlation_id"));
}
