//! Questions over HTTP: asked, of the tools themselves, and by the Model Context Protocol; anonymised ids; policy and use.

#[allow(dead_code, reason = "this program takes what it needs of it")]
#[path = "../it/shop/mod.rs"]
mod shop;

mod protocol;

use accounts::api_keys::{self, Scope};
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use database::Role;
use database::ids::TenantId;
use platform::anonymous_ids;
use serde_json::{Value, json};
use shop::{Answer, Shop, open, request, shop};

/// A shop in which these customers are known.
async fn with_customers(customers: &[&str]) -> Shop {
    let shop = shop(Mode::Token).await;
    add(&shop, shop.tenant, customers).await;
    shop
}

async fn add(shop: &Shop, tenant: TenantId, customers: &[&str]) {
    let mut tx = shop.state.db.tenant_tx(Role::Platform, tenant).await.expect("begins");
    for customer in customers {
        sqlx::query("insert into platform.customer (tenant_id, customer_id, email) values ($1, $2, $2 || '@example.com')")
            .bind(tenant)
            .bind(customer)
            .execute(&mut *tx)
            .await
            .expect("a customer");
    }
    tx.commit().await.expect("commits");
}

/// The anonymised id of a customer.
async fn hidden(shop: &Shop, tenant: TenantId, customer: &str) -> String {
    let mut tx = shop.state.db.tenant_tx(Role::Support, tenant).await.expect("begins");
    let key = shop.state.desk.key(tenant);
    let ids = anonymous_ids::of_customers(&mut tx, &key, &[customer.to_owned()]).await.expect("read");
    tx.commit().await.expect("commits");
    ids[customer].to_string()
}

async fn send(shop: &Shop, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let request = request(method, path).header("x-api-key", key).header("content-type", "application/json");
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn key(shop: &Shop, scopes: &[Scope]) -> String {
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let key = api_keys::create(&mut tx, shop.tenant, "another", scopes, None).await.expect("a key");
    tx.commit().await.expect("committed");
    key.text.reveal().to_owned()
}

#[tokio::test]
async fn an_anonymised_id_is_taken_wherever_a_customers_is() {
    let shop = with_customers(&["7041", "7042"]).await;
    let id = hidden(&shop, shop.tenant, "7041").await;
    assert_eq!((id.len(), &id[..2]), (10, "C-"));
    for path in [
        format!("/api/customers/{id}"),
        format!("/api/customers/{}", id.to_lowercase()),
        format!("/api/customers/{id}/tickets"),
        format!("/api/customers/{id}/purchases"),
        format!("/api/customers/{id}/recommendations"),
        format!("/api/customers/{id}/merges"),
        format!("/api/intelligence/customers/{id}"),
        format!("/api/intelligence/customers/{id}/features"),
        format!("/api/intelligence/customers/{id}/history"),
        format!("/api/intelligence/customers/{id}/similar"),
        format!("/api/ai/customers/{id}/dna"),
        format!("/api/ai/customers/{id}/churn"),
        format!("/api/mcp/customer/{id}"),
        format!("/api/mcp/customer/{id}/churn-risk"),
    ] {
        let answer = shop.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(
            !path.starts_with("/api/customers/C") || !path.ends_with(&id) || answer.field("id") == "7041",
            "{path}"
        );
    }
    let body = json!({ "customer_id": id }).to_string();
    for path in ["/api/ml/customer/analyze", "/api/ml/churn/predict"] {
        assert_eq!(shop.post(path, &body).await.status, StatusCode::OK, "{path}");
    }
    // Under another tenant's key it is nobody there.
    let (_, theirs) = open(&shop.state, "other", Mode::Token).await;
    let answer = send(&shop, &theirs, "GET", &format!("/api/customers/{id}"), "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
    // An id of the shop's own that looks like one goes first.
    add(&shop, shop.tenant, &[&id]).await;
    assert_eq!(shop.get(&format!("/api/customers/{id}")).await.field("id"), id);
    assert_eq!(shop.get("/api/customers/C-ZZZZZZZZ").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tools_are_called_over_http_and_refuse_by_name() {
    let shop = with_customers(&["7041"]).await;
    let listed = shop.get("/api/mcp/tools").await;
    assert_eq!(listed.json.as_array().map(Vec::len), Some(8), "{}", listed.text);
    let empty = shop.post("/api/mcp/tools/analyze_customers", r#"{"analysis_type": "churn_risk"}"#).await;
    assert_eq!((empty.status, &empty.json["available"]), (StatusCode::OK, &json!(false)), "{}", empty.text);
    assert!(empty.field("reason").contains("no intelligence run"), "{}", empty.text);
    let looked = shop
        .post("/api/mcp/tools/lookup_customer", r#"{"info_type": "profile", "customer_id": "7041"}"#)
        .await;
    assert_eq!(looked.json["figures"]["customer_id"], hidden(&shop, shop.tenant, "7041").await);
    assert!(!looked.text.contains("\"7041\""), "{}", looked.text);
    for (tool, body, status, told) in [
        ("drop_tables", "{}", StatusCode::NOT_FOUND, "analyze_customers"),
        ("analyze_customers", "{}", StatusCode::BAD_REQUEST, "analysis_type"),
        (
            "analyze_customers",
            r#"{"analysis_type": "rfm_score", "limit": 0}"#,
            StatusCode::BAD_REQUEST,
            "1 to 100",
        ),
        (
            "lookup_customer",
            r#"{"info_type": "profile", "customer_id": "nobody"}"#,
            StatusCode::NOT_FOUND,
            "no such customer",
        ),
        ("analyze_customers", "[]", StatusCode::BAD_REQUEST, "object"),
        (
            "analyze_customers",
            r#"{"analysis_type": "behavioral", "filter_by": {"group": "vip"}}"#,
            StatusCode::BAD_REQUEST,
            "analyze_customers (churn_risk, high_value, b2b_identification)",
        ),
        (
            "forecast_metrics",
            r#"{"metric": "revenue", "months": "six"}"#,
            StatusCode::BAD_REQUEST,
            r#"must be a whole number from 1 to 24, not a text; for example {"metric":"revenue","months":12}"#,
        ),
    ] {
        let answer = shop.post(&format!("/api/mcp/tools/{tool}"), body).await;
        assert_eq!(answer.status, status, "{tool} {body}: {}", answer.text);
        assert!(answer.field("detail").contains(told), "{}", answer.text);
    }
    let narrow = key(&shop, &[Scope::CustomersRead]).await;
    let refused = send(
        &shop,
        &narrow,
        "POST",
        "/api/mcp/tools/analyze_customers",
        r#"{"analysis_type": "high_value"}"#,
    )
    .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_question_is_kept_for_whoever_asked_and_its_job_names_it_only() {
    let shop = with_customers(&[]).await;
    let asked = shop.post("/api/ask", r#"{"question": "Who are our VIPs?"}"#).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let payload = shop.payload(asked.field("job_id")).await;
    assert_eq!(payload, json!({"exchange_id": asked.field("exchange_id")}));
    let path = format!("/api/ask/{}", asked.field("conversation_id"));
    let conversation = shop.get(&path).await;
    assert_eq!(conversation.json["exchanges"][0]["question"], "Who are our VIPs?");
    assert_eq!(conversation.json["exchanges"][0]["answer"], Value::Null);
    let next =
        json!({"question": "and last month?", "conversation_id": asked.field("conversation_id")}).to_string();
    assert_eq!(shop.post("/api/ask", &next).await.status, StatusCode::ACCEPTED);
    assert_eq!(shop.get(&path).await.json["exchanges"].as_array().map(Vec::len), Some(2));
    // Another key of the same shop, and another shop's.
    let colleague = key(&shop, &[Scope::IntelligenceRead]).await;
    let (_, theirs) = open(&shop.state, "other", Mode::Token).await;
    for other in [&colleague, &theirs] {
        assert_eq!(send(&shop, other, "GET", &path, "").await.status, StatusCode::NOT_FOUND);
        assert_eq!(send(&shop, other, "POST", "/api/ask", &next).await.status, StatusCode::NOT_FOUND);
        assert_eq!(send(&shop, other, "DELETE", &path, "").await.status, StatusCode::NOT_FOUND);
    }
    for bad in [
        r#"{"question": " "}"#.to_owned(),
        json!({"question": "x".repeat(2_001)}).to_string(),
        r#"{"question": "a", "tenant": "b"}"#.to_owned(),
    ] {
        assert_eq!(shop.post("/api/ask", &bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(send(&shop, &shop.key, "DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.get(&path).await.status, StatusCode::NOT_FOUND);
    // What is over is gone for everybody, and let go with the next question.
    let asked = shop.post("/api/ask", r#"{"question": "Who are our VIPs?"}"#).await;
    sqlx::query("update questions_app.conversation set expires_at = now() - interval '1 second'")
        .execute(&mut shop.admin().await)
        .await
        .expect("updated");
    assert_eq!(
        shop.get(&format!("/api/ask/{}", asked.field("conversation_id"))).await.status,
        StatusCode::NOT_FOUND
    );
    shop.post("/api/ask", r#"{"question": "Who are our VIPs?"}"#).await;
    assert_eq!(shop.count("questions_app.conversation").await, 1);
    assert_eq!(shop.count("questions_app.exchange").await, 1);
}

#[tokio::test]
async fn a_question_is_taken_back_by_whoever_asked_and_its_job_ends() {
    let shop = with_customers(&[]).await;
    // It needs no permission over jobs.
    let manager = key(&shop, &[Scope::IntelligenceRead, Scope::JobsRead]).await;
    let ask =
        async || send(&shop, &manager, "POST", "/api/ask", r#"{"question": "Who are our VIPs?"}"#).await;
    let (asked, other) = (ask().await, ask().await);
    let path = format!("/api/ask/{}/stop", asked.field("conversation_id"));
    let job = async |asked: &Answer| {
        let path = format!("/api/jobs/{}", asked.field("job_id"));
        shop.get(&path).await.field("state").to_owned()
    };
    let body = |job: &Answer| {
        json!({"exchange_id": asked.field("exchange_id"), "job_id": job.field("job_id")}).to_string()
    };
    let colleague = key(&shop, &[Scope::IntelligenceRead]).await;
    let narrow = key(&shop, &[Scope::JobsRead]).await;
    for (key, status) in [(&colleague, StatusCode::NOT_FOUND), (&narrow, StatusCode::FORBIDDEN)] {
        assert_eq!(send(&shop, key, "POST", &path, &body(&asked)).await.status, status);
    }
    assert_eq!(job(&asked).await, "ready");
    let stopped = send(&shop, &manager, "POST", &path, &body(&asked)).await;
    assert_eq!((stopped.status, stopped.field("state")), (StatusCode::OK, "stopped"), "{}", stopped.text);
    assert_eq!(job(&asked).await, "cancelled");
    assert_eq!(shop.count("questions_app.exchange").await, 1);
    let left = send(&shop, &manager, "GET", path.trim_end_matches("/stop"), "").await;
    assert_eq!(left.json["exchanges"], json!([]), "{}", left.text);
    // Once more is none the worse, a colleague still learns nothing, and the conversation goes on.
    let again = send(&shop, &manager, "POST", &path, &body(&asked)).await;
    assert_eq!((again.status, again.field("state")), (StatusCode::OK, "stopped"), "{}", again.text);
    assert_eq!(send(&shop, &colleague, "POST", &path, &body(&asked)).await.status, StatusCode::NOT_FOUND);
    let next =
        json!({"question": "top 5 vips", "conversation_id": asked.field("conversation_id")}).to_string();
    let next = send(&shop, &manager, "POST", "/api/ask", &next).await;
    assert_eq!(next.status, StatusCode::ACCEPTED, "{}", next.text);
    // Another question's job is left alone, whatever is named.
    let foreign =
        json!({"exchange_id": next.field("exchange_id"), "job_id": other.field("job_id")}).to_string();
    assert_eq!(send(&shop, &manager, "POST", &path, &foreign).await.status, StatusCode::OK);
    assert_eq!(job(&other).await, "ready");
    // What has its answer keeps it.
    sqlx::query("update questions_app.exchange set answer = '{}', answered_at = now()")
        .execute(&mut shop.admin().await)
        .await
        .expect("updated");
    let path = format!("/api/ask/{}/stop", other.field("conversation_id"));
    let late = json!({"exchange_id": other.field("exchange_id")}).to_string();
    assert_eq!(send(&shop, &manager, "POST", &path, &late).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_policy_is_set_and_the_use_is_shown() {
    let shop = with_customers(&[]).await;
    let default = shop.get("/api/ai/policy").await;
    assert_eq!(
        default.json,
        json!({"smallest_group": 5, "monthly_micros": null, "warn_percent": 80, "rounds": 6})
    );
    for (field, value) in [
        ("smallest_group", json!(1)),
        ("monthly_micros", json!(-1)),
        ("warn_percent", json!(0)),
        ("rounds", json!(13)),
    ] {
        let mut policy = default.json.clone();
        policy[field] = value;
        let answer = send(&shop, &shop.key, "PUT", "/api/ai/policy", &policy.to_string()).await;
        assert_eq!(
            (answer.status, answer.field("field")),
            (StatusCode::BAD_REQUEST, field),
            "{}",
            answer.text
        );
    }
    let policy = json!({"smallest_group": 10, "monthly_micros": 1000, "warn_percent": 50, "rounds": 3});
    let answer = send(&shop, &shop.key, "PUT", "/api/ai/policy", &policy.to_string()).await;
    assert_eq!((answer.status, &answer.json), (StatusCode::OK, &policy), "{}", answer.text);
    assert_eq!(shop.get("/api/ai/policy").await.json, policy);
    let (_, theirs) = open(&shop.state, "other", Mode::Token).await;
    assert_eq!(send(&shop, &theirs, "GET", "/api/ai/policy", "").await.json, default.json);
    let trail: i64 =
        sqlx::query_scalar("select count(*) from shared.audit where action = 'ai-policy.replace'")
            .fetch_one(&mut shop.admin().await)
            .await
            .expect("counted");
    assert_eq!(trail, 1);
    sqlx::query(
        "insert into questions_app.ai_usage (tenant_id, day, feature, model, calls, cache_hits, input_tokens, output_tokens, cost_micros)
         select id, (now() at time zone 'UTC')::date, 'draft_reply', 'm', 2, 1, 10, 20, 600 from shared.tenant where slug = 'shop'",
    )
    .execute(&mut shop.admin().await)
    .await
    .expect("inserted");
    let used = shop.get("/api/ai/usage?days=1").await;
    assert_eq!(
        (&used.json["spent_this_month_micros"], used.field("verdict")),
        (&json!(600), "warning"),
        "{}",
        used.text
    );
    assert_eq!(
        (&used.json["lines"][0]["calls"], &used.json["lines"][0]["cache_hits"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(send(&shop, &theirs, "GET", "/api/ai/usage", "").await.json["lines"], json!([]));
    assert_eq!(shop.get("/api/ai/usage?days=367").await.status, StatusCode::BAD_REQUEST);
}
