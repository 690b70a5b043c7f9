//! Segments as a marketer's program uses them: rules tried and refused with the place of the fault, segments made,
//! changed under a version, evaluated, looked into and put away.

use crate::desk::{call, key};
use crate::shop::{Answer, Shop, request, shop};
use accounts::api_keys::Scope;
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use chrono::Utc;
use database::ids::SegmentId;
use marketing::segments::evaluate;
use serde_json::json;
use uuid::Uuid;

/// Publishes a run of 40 customers; customer n has n orders and has spent n x 10.
async fn publish(shop: &Shop, generation: i32) {
    let (run, segmentation) = (Uuid::now_v7(), Uuid::now_v7());
    let axes: Vec<_> =
        (0..8).map(|_| json!({"segments": [{"name": "Weekly regulars"}, {"name": "Once"}]})).collect();
    let catalog = json!({"axes": axes, "archetypes": [{"name": "Loyal", "level": 1}]});
    let mut tx = shop.state.db.tenant_tx(database::Role::Platform, shop.tenant).await.expect("a transaction");
    sqlx::query("update platform.segmentation set state = 'retired'")
        .execute(&mut *tx)
        .await
        .expect("retired");
    sqlx::query(
        "insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
         values ($1, $2, $3, current_date, 40, '', $4, '{}', 'test')",
    )
    .bind(segmentation)
    .bind(shop.tenant)
    .bind(generation)
    .bind(catalog)
    .execute(&mut *tx)
    .await
    .expect("a segmentation");
    sqlx::query(
        "insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, currency, segmentation_id, customers)
         values ($1, $2, $3, 'published', current_date, 'EUR', $4, 40)",
    )
    .bind(run)
    .bind(shop.tenant)
    .bind(generation)
    .bind(segmentation)
    .execute(&mut *tx)
    .await
    .expect("a run");
    sqlx::query(
        "insert into platform.customer_fact (tenant_id, generation, customer_id, orders, spend_cents, last_order_on,
                                             purchase_frequency, marketing_opt_in, churn)
         select $1, $2, 'c' || lpad(n::text, 3, '0'), n * $2, n * 1000, current_date - n, n % 2 * 4, n % 2 = 0, n / 40.0
         from generate_series(1, 40) n",
    )
    .bind(shop.tenant)
    .bind(generation)
    .execute(&mut *tx)
    .await
    .expect("facts");
    sqlx::query(
        "insert into platform.current_run (tenant_id, run_id, generation) values ($1, $2, $3)
         on conflict (tenant_id) do update set run_id = $2, generation = $3, facts_version = current_run.facts_version + 1",
    )
    .bind(shop.tenant)
    .bind(run)
    .bind(generation)
    .execute(&mut *tx)
    .await
    .expect("published");
    tx.commit().await.expect("committed");
}

async fn patch(shop: &Shop, path: &str, etag: &str, body: &str) -> Answer {
    let request = request("PATCH", path).header("x-api-key", &shop.key).header("if-match", etag);
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

#[tokio::test]
async fn a_rule_is_tried_as_text_and_as_tree() {
    let shop = shop(Mode::Token).await;
    let path = "/api/segments/preview";
    let early = shop.post(path, r#"{"rule": "order_count >= 1"}"#).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.text);
    assert!(early.field("detail").contains("POST /api/intelligence/evaluate"), "{}", early.text);
    publish(&shop, 1).await;
    let text =
        shop.post(path, r#"{"rule": "total_order_value >= 100 and churn_risk in (high, critical)"}"#).await;
    assert_eq!(text.status, StatusCode::OK, "{}", text.text);
    assert_eq!((&text.json["customers"], &text.json["of"]), (&json!(17), &json!(40)));
    assert_eq!(
        (text.json["sample"].as_array().map(Vec::len), text.json["sample"][0].as_str()),
        (Some(17), Some("c024"))
    );
    assert_eq!((text.field("method"), text.field("currency")), ("scan", "EUR"));
    assert!(text.json["took_ms"].as_f64().is_some_and(|took| took > 0.0));
    // The tree that the answer shows finds the same, and is known now.
    let tree = shop.post(path, &json!({"rule": text.json["rule"], "sample": false}).to_string()).await;
    assert_eq!((&tree.json["customers"], tree.field("method")), (&json!(17), "cached"));
    assert_eq!(tree.json["sample"], json!([]));
    let days = shop.post(path, r#"{"rule": "days_since_last_order <= 10"}"#).await;
    assert!((9..=11).contains(&days.json["customers"].as_i64().expect("a count")), "{}", days.text);
}

#[tokio::test]
async fn a_bad_rule_is_refused_with_its_place() {
    let shop = shop(Mode::Token).await;
    publish(&shop, 1).await;
    for (rule, status, field, says) in [
        (
            json!("total_order_valu > 5"),
            400,
            "rule",
            "line 1, column 1: there is no field `total_order_valu`; did you mean `total_order_value`?\ntotal_order_valu > 5\n^",
        ),
        (json!("order_count >= 2.5"), 400, "rule", "order_count >= takes a whole number"),
        (
            json!({"all": [{"field": "ltv", "operator": ">", "value": "x"}, {"field": "ltv", "operator": ">", "value": 1}]}),
            400,
            "rule.all[0].value",
            "and this is the text",
        ),
        (json!(7), 400, "rule", "a text or an object"),
        (
            json!("ltv > 1 and segment.purchase_frequency = \"Wekly regulars\""),
            422,
            "rule",
            "column 42: there is no segment on the axis purchase_frequency named \"Wekly regulars\"; did you mean \"Weekly regulars\"?",
        ),
        (
            json!({"not": {"field": "archetype", "operator": "in", "value": ["Loyal", "Royal?"]}}),
            422,
            "rule.not.value[1]",
            "known are \"Loyal\"",
        ),
        (json!("in segment \"VIP\""), 422, "rule", "there are none yet"),
    ] {
        let refused = shop.post("/api/segments/preview", &json!({ "rule": rule }).to_string()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.field("field")),
            (status, field),
            "{rule}: {}",
            refused.text
        );
        assert!(refused.field("detail").contains(says), "{rule}: {}", refused.field("detail"));
    }
}

#[tokio::test]
async fn a_rule_that_changes_while_it_is_evaluated_is_evaluated_once_more() {
    let shop = shop(Mode::Token).await;
    publish(&shop, 1).await;
    let made = shop.post("/api/segments", r#"{"name": "Buyers", "rule": "order_count >= 31"}"#).await;
    let path = format!("/api/segments/{}", made.field("id"));
    let running = crate::desk::id(&made, "evaluation_job_id");
    let worker = Uuid::now_v7();
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    let claimed = jobs::ledger::claim_limited(&mut connection, worker, &[running]).await.expect("claimed");

    let mut next = Vec::new();
    for rule in ["order_count >= 5", "order_count >= 6"] {
        let etag = shop.get(&path).await.headers["etag"].to_str().expect("text").to_owned();
        let changed = patch(&shop, &path, &etag, &json!({ "rule": rule }).to_string()).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        next.push(crate::desk::id(&changed, "evaluation_job_id"));
    }
    assert_ne!(next[0], running, "it has read the rule of before");
    assert_eq!(next[0], next[1]);
    let waiting = shop.get(&format!("/api/jobs/{}", next[0])).await;
    assert_eq!(waiting.field("state"), "scheduled", "{}", waiting.text);
    let mut batch = [jobs::ledger::Completion::of(&claimed[0], crate::desk::done(&json!(1)))];
    jobs::ledger::complete(&mut connection, worker, &mut batch).await.expect("completed");
    assert_eq!(shop.get(&format!("/api/jobs/{}", next[0])).await.field("state"), "ready");
}

#[tokio::test]
async fn a_segment_is_made_changed_evaluated_and_put_away() {
    let shop = shop(Mode::Token).await;
    publish(&shop, 1).await;
    let made = shop.post("/api/segments", r#"{"name": "Buyers", "rule": "order_count >= 31"}"#).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/segments/{}", made.field("id"));
    assert_eq!(made.headers["location"], path);
    assert_eq!((made.field("status"), made.field("rule_text")), ("never", "order_count >= 31"));
    let taken = shop.post("/api/segments", r#"{"name": "buyers", "rule": "order_count >= 2"}"#).await;
    assert_eq!((taken.status, taken.field("field")), (StatusCode::CONFLICT, "name"), "{}", taken.text);

    // The job that came with it stands in for the one asked for.
    let asked = shop.post(&format!("{path}/evaluate"), "{}").await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    assert_eq!(asked.field("job_id"), made.field("evaluation_job_id"));
    assert_eq!(shop.payload(asked.field("job_id")).await["segment_id"], made.json["id"]);
    let id = SegmentId(made.field("id").parse().expect("an id"));
    let job = asked.field("job_id").parse().expect("an id");
    evaluate::evaluate(&shop.state.db, shop.tenant, id, job, Utc::now()).await.expect("evaluated");
    shop.end_job(job).await;

    let seen = shop.get(&path).await;
    assert_eq!((seen.field("status"), &seen.json["members"]), ("done", &json!(10)), "{}", seen.text);
    let etag = seen.headers["etag"].to_str().expect("text").to_owned();
    let known = request("GET", &path).header("x-api-key", &shop.key).header("if-none-match", &etag);
    let known = shop.send(known.body(Body::empty()).expect("a request")).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);

    let first = shop.get(&format!("{path}/members?limit=6&fields=customer_id,order_count,churn_risk")).await;
    assert_eq!(
        first.json["items"][0],
        json!({"customer_id": "c031", "order_count": 31, "churn_risk": "high"})
    );
    let next = shop.get(&format!("{path}/members?limit=6&cursor={}", first.field("next_cursor"))).await;
    assert_eq!(
        (next.json["items"].as_array().map(Vec::len), &next.json["next_cursor"]),
        (Some(4), &json!(null))
    );
    assert_eq!(next.json["items"][0]["total_order_value"], "370.00");

    // All have twice the orders in the next run.
    publish(&shop, 2).await;
    evaluate::evaluate(&shop.state.db, shop.tenant, id, Uuid::now_v7(), Utc::now()).await.expect("evaluated");
    let history = shop.get(&format!("{path}/history")).await;
    assert_eq!(history.json["items"][0]["entered"], json!(15), "{}", history.text);
    assert_eq!(history.json["items"][1]["members"], json!(10));
    let changes = shop.get(&format!("{path}/changes?limit=2")).await;
    assert_eq!(
        (changes.json["items"][0]["customer_id"].as_str(), changes.json["items"][0]["change"].as_str()),
        (Some("c030"), Some("entered"))
    );
    let more = shop.get(&format!("{path}/changes?cursor={}", changes.field("next_cursor"))).await;
    assert_eq!(more.json["items"].as_array().map(Vec::len), Some(13));

    let changed = patch(&shop, &path, &etag, r#"{"rule": "order_count >= 5", "description": "many"}"#).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!((&changed.json["version"], &changed.json["outdated"]), (&json!(2), &json!(true)));
    let stale = patch(&shop, &path, &etag, r#"{"name": "Other"}"#).await;
    assert_eq!(
        (stale.status, stale.field("field")),
        (StatusCode::PRECONDITION_FAILED, "If-Match"),
        "{}",
        stale.text
    );
    assert_eq!(shop.get("/api/segments").await.json["items"].as_array().map(Vec::len), Some(1));

    let other = shop.post("/api/segments", r#"{"name": "Nested", "rule": "in segment \"Buyers\""}"#).await;
    assert_eq!(other.status, StatusCode::CREATED, "{}", other.text);
    let delete = async |path: &str| call(&shop, &shop.key, "DELETE", path, "").await;
    let used = delete(&path).await;
    assert!(used.status == StatusCode::CONFLICT && used.field("detail").contains("Nested"), "{}", used.text);
    assert_eq!(delete(&format!("/api/segments/{}", other.field("id"))).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.get("/api/segments?archived=true").await.json["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(shop.post(&format!("{path}/evaluate"), "{}").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_idempotency_key_makes_one_segment() {
    let shop = shop(Mode::Token).await;
    let make = |body: &'static str| {
        let request =
            request("POST", "/api/segments").header("x-api-key", &shop.key).header("idempotency-key", "k");
        shop.send(request.body(Body::from(body)).expect("a request"))
    };
    let body = r#"{"name": "A", "rule": "order_count > 1"}"#;
    let (first, again) = (make(body).await, make(body).await);
    assert_eq!((first.status, &first.json), (StatusCode::CREATED, &again.json), "{}", first.text);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    // Nothing is known of the customers, so there is nothing to evaluate.
    assert_eq!(first.json["evaluation_job_id"], json!(null));
    assert_eq!(shop.count("marketing_app.segment").await, 1);
}

#[tokio::test]
async fn the_fields_are_listed_with_what_is_known() {
    let shop = shop(Mode::Token).await;
    publish(&shop, 1).await;
    let listed = shop.get("/api/segments/fields").await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.text);
    let fields = listed.json["fields"].as_array().expect("fields");
    let field =
        |name: &str| fields.iter().find(|field| field["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(fields.len(), 40);
    assert_eq!(field("segment.purchase_value")["values"], json!(["Weekly regulars", "Once"]));
    assert_eq!(field("churn_risk")["values"], json!(["low", "medium", "high", "critical"]));
    assert_eq!(field("archetype")["values"], json!(["Loyal"]));
    assert!(field("tags")["operators"].as_array().expect("operators").contains(&json!("has_any")));
    assert!(listed.headers.contains_key("etag"));
}

#[tokio::test]
async fn scopes_and_tenants_are_kept_apart() {
    let shop = shop(Mode::Token).await;
    publish(&shop, 1).await;
    let made = shop.post("/api/segments", r#"{"name": "A", "rule": "order_count > 1"}"#).await;
    let path = format!("/api/segments/{}", made.field("id"));
    let reader = key(&shop, shop.tenant, &[Scope::SegmentsRead], None).await;
    assert_eq!(call(&shop, &reader, "GET", &path, "").await.status, StatusCode::OK);
    for (method, path) in [
        ("POST", "/api/segments".to_owned()),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/evaluate")),
    ] {
        let refused = call(&shop, &reader, method, &path, r#"{"name": "B", "rule": "ltv > 1"}"#).await;
        assert!(
            refused.status == StatusCode::FORBIDDEN || refused.status == StatusCode::BAD_REQUEST,
            "{method} {path}: {}",
            refused.text
        );
    }
    let none = key(&shop, shop.tenant, &[Scope::JobsRead], None).await;
    assert_eq!(call(&shop, &none, "GET", "/api/segments", "").await.status, StatusCode::FORBIDDEN);
    let (other, _) = crate::desk::neighbour(&shop).await;
    let stranger = key(&shop, other, &[Scope::SegmentsRead, Scope::SegmentsWrite], None).await;
    for rest in ["", "/members", "/history", "/changes"] {
        let answer = call(&shop, &stranger, "GET", &format!("{path}{rest}"), "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{rest}: {}", answer.text);
    }
    let bad = ["?limit=0", "?cursor=x", "?colour=red", "?archived=maybe"];
    for query in bad {
        assert_eq!(
            shop.get(&format!("/api/segments{query}")).await.status,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
    assert_eq!(shop.get(&format!("{path}/members?fields=email")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(shop.get(&format!("{path}/history?cursor=Zm9v")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(shop.get("/api/segments/not-an-id").await.status, StatusCode::BAD_REQUEST);
}
