//! One customer as agents, services and assistants see it: known, unknown, stale, not computed, somebody else's.

use crate::desk::call;
use crate::insights::{Found, add_customer, add_orders, platform, published, put, see};
use crate::shop::{open, request, shop};
use accounts::api_keys::Scope;
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde_json::json;

#[tokio::test]
async fn a_customer_is_told_in_words_with_what_is_not_known() {
    let (shop, insights) = published().await;
    let loyal = see(&shop, "/api/intelligence/customers/loyal").await.json;
    assert_eq!((&loyal["available"], &loyal["stale"]), (&json!(true), &json!(false)));
    assert_eq!((&loyal["who"], &loyal["confidence"]), (&json!("14 orders since March 2024"), &json!("high")));
    assert_eq!(loyal["as_of"], "2026-01-31");
    let archetype = json!({
        "available": true, "id": crate::insights::ARCHETYPES[2], "level": 2, "name": "Regulars with big baskets",
        "description": "Typically 14 orders worth 1,290 in all, one every month, the last 12 days ago.", "parent": "Regulars"
    });
    assert_eq!(loyal["archetype"], archetype);
    let frequency = json!({
        "axis": "purchase_frequency", "phrase": "Has ordered more often than 91 % of customers", "percentile": 91,
        "available": true, "segment": "Monthly buyers",
        "description": "buys every month", "strength": "strong",
        "memberships": [{"segment": "Monthly buyers", "membership": 0.941}, {"segment": "Rare buyers", "membership": 0.059}]
    });
    assert_eq!(loyal["axes"][0], frequency);
    assert_eq!(loyal["axes"][1]["phrase"], "Has spent less than 75 % of customers");
    // A row from before phrases were kept has none.
    assert_eq!(
        loyal["axes"][2],
        json!({"axis": "category_exploration", "phrase": null, "percentile": null, "available": false,
               "reason": "nobody differs"})
    );
    // The bound belongs to the higher band, although the column has four bytes.
    assert_eq!(
        (&loyal["churn"]["probability"], &loyal["churn"]["band"], &loyal["churn"]["horizon_days"]),
        (&json!(0.3), &json!("medium"), &json!(90))
    );
    assert_eq!(loyal["churn"]["reasons"], json!(["The last order is 12 days old."]));
    assert_eq!(loyal["churn"]["model"]["id"], insights.churn_model.to_string());
    let ltv = json!({
        "available": true, "value": 129.9, "low": 64.95, "high": 259.8, "currency": "EUR", "horizon_days": 90,
        "model": {"id": insights.ltv_model, "number": 1, "family": "lightgbm"}
    });
    assert_eq!(loyal["ltv"], ltv);
    assert_eq!(loyal["purchases"]["spend"], "1290.50");
    assert!(!loyal.to_string().contains("example.com"));

    let fading = see(&shop, "/api/intelligence/customers/fading?fields=churn,ltv,archetype").await.json;
    assert_eq!(fading.as_object().map(|object| object.len()), Some(3));
    assert_eq!(fading["churn"]["band"], "critical");
    assert_eq!(fading["archetype"]["name"], "Occasional guests");
    assert_eq!(
        fading["ltv"],
        json!({"available": false, "reason": "not enough data of this customer for lifetime value"})
    );

    let curious = see(&shop, "/api/intelligence/customers/curious").await.json;
    assert_eq!((&curious["available"], &curious["purchases"]), (&json!(false), &json!(null)));
    assert_eq!(
        curious["churn"],
        json!({"available": false, "reason": "this customer has not bought anything yet"})
    );
    assert_eq!(curious["axes"].as_array().map(Vec::len), Some(13));
}

#[tokio::test]
async fn what_is_known_is_not_sent_again_until_it_changes() {
    let (shop, _) = published().await;
    let path = "/api/intelligence/customers/loyal";
    let tag = see(&shop, path).await.headers["etag"].clone();
    let again = || {
        let request = request("GET", path).header("x-api-key", &shop.key).header("if-none-match", &tag);
        shop.send(request.body(Body::empty()).expect("a request"))
    };
    let known = again().await;
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let mut tx = platform(&shop, shop.tenant).await;
    add_orders(&mut tx, shop.tenant, "loyal").await;
    tx.commit().await.expect("committed");
    let stale = again().await;
    assert_eq!((stale.status, &stale.json["stale"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn stale_customers_are_computed_once_and_fresh_ones_not_at_all() {
    let (shop, _) = published().await;
    let dna = see(&shop, "/api/ai/customers/loyal/dna").await;
    assert_eq!(dna.json, see(&shop, "/api/intelligence/customers/loyal").await.json);
    let churn = see(&shop, "/api/ai/customers/loyal/churn").await;
    assert_eq!((churn.field("band"), &churn.json["probability"]), ("medium", &json!(0.3)));
    assert_eq!(shop.count("jobs.live").await, 0);

    let mut tx = platform(&shop, shop.tenant).await;
    add_orders(&mut tx, shop.tenant, "loyal").await;
    tx.commit().await.expect("committed");
    let pending = shop.get("/api/ai/customers/loyal/dna").await;
    assert_eq!(pending.status, StatusCode::ACCEPTED, "{}", pending.text);
    assert_eq!(pending.headers["location"], format!("/api/jobs/{}", pending.field("job_id")));
    assert_eq!(pending.json["stale_answer"]["archetype"]["name"], "Regulars with big baskets");
    assert_eq!(shop.payload(pending.field("job_id")).await, json!({"customer_id": "loyal"}));
    let body = r#"{"customer_id": "loyal"}"#;
    for answer in [
        shop.get("/api/ai/customers/loyal/churn").await,
        shop.post("/api/ml/customer/analyze", body).await,
        shop.post("/api/ml/churn/predict", body).await,
    ] {
        assert_eq!((answer.status, answer.field("job_id")), (StatusCode::ACCEPTED, pending.field("job_id")));
        assert_eq!(answer.json["created"], false);
    }
    assert_eq!(shop.count("jobs.live").await, 1);
    // A computation that has not begun reads another order as well; one that runs may have read the orders before.
    let mut tx = platform(&shop, shop.tenant).await;
    add_orders(&mut tx, shop.tenant, "loyal").await;
    tx.commit().await.expect("committed");
    let later = shop.get("/api/ai/customers/loyal/dna").await;
    assert_eq!(later.field("job_id"), pending.field("job_id"));
    let job: uuid::Uuid = pending.field("job_id").parse().expect("an id");
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    let claimed = jobs::ledger::claim_limited(&mut connection, uuid::Uuid::now_v7(), &[job]).await;
    assert_eq!(claimed.expect("the ledger").len(), 1);
    let later = shop.get("/api/ai/customers/loyal/dna").await;
    assert_ne!(later.field("job_id"), pending.field("job_id"));
    assert_eq!(later.json["state"], "scheduled", "{}", later.text);
}

#[tokio::test]
async fn a_customer_who_came_after_the_run_is_computed_and_one_without_orders_is_not() {
    let (shop, _) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    add_customer(&mut tx, shop.tenant, "new/one").await;
    add_orders(&mut tx, shop.tenant, "new/one").await;
    tx.commit().await.expect("committed");
    let known = see(&shop, "/api/intelligence/customers/new%2Fone").await.json;
    assert_eq!(known["reason"], "this customer was not among those of the run as of 2026-01-31");
    assert_eq!((&known["purchases"]["orders"], &known["purchases"]["spend"]), (&json!(2), &json!("31.40")));
    let pending = shop.post("/api/ml/churn/predict", r#"{"customer_id": "new/one"}"#).await;
    assert_eq!((pending.status, &pending.json["created"]), (StatusCode::ACCEPTED, &json!(true)));
    assert!(pending.json.get("stale_answer").is_none());
    let curious = shop.post("/api/ml/customer/analyze", r#"{"customer_id": "curious"}"#).await;
    assert_eq!((curious.status, &curious.json["available"]), (StatusCode::OK, &json!(false)));
}

#[tokio::test]
async fn before_the_first_run_everything_says_so_and_nothing_is_enqueued() {
    let shop = shop(Mode::Token).await;
    let mut tx = platform(&shop, shop.tenant).await;
    add_customer(&mut tx, shop.tenant, "early").await;
    add_orders(&mut tx, shop.tenant, "early").await;
    tx.commit().await.expect("committed");
    let reason = "no run of customer intelligence was published for this shop yet";
    for path in [
        "/api/intelligence/customers/early",
        "/api/intelligence/customers/early/features",
        "/api/intelligence/customers/early/similar",
        "/api/ai/customers/early/dna",
        "/api/ai/customers/early/churn",
        "/api/mcp/customer/early",
        "/api/mcp/customer/early/churn-risk",
        "/api/intelligence/axes",
        "/api/intelligence/archetypes",
        "/api/intelligence/summary",
    ] {
        let answer = see(&shop, path).await;
        assert_eq!((&answer.json["available"], answer.field("reason")), (&json!(false), reason), "{path}");
    }
    for path in ["customers", "customers/early/history", "runs", "models", "segmentations", "drift"] {
        assert_eq!(see(&shop, &format!("/api/intelligence/{path}")).await.json["items"], json!([]), "{path}");
    }
    assert_eq!(shop.count("jobs.live").await, 0);
}

#[tokio::test]
async fn another_tenants_customer_does_not_exist_and_scopes_are_needed() {
    let (shop, insights) = published().await;
    let (_, stranger) = open(&shop.state, "stranger", Mode::Token).await;
    let run = format!("/api/intelligence/runs/{}", insights.run);
    for path in [
        "/api/intelligence/customers/loyal",
        "/api/intelligence/customers/loyal/features",
        "/api/intelligence/customers/loyal/history",
        "/api/intelligence/customers/loyal/similar",
        "/api/ai/customers/loyal/dna",
        "/api/ai/customers/loyal/churn",
        "/api/mcp/customer/loyal",
        "/api/mcp/customer/loyal/churn-risk",
        &run,
        &format!("{run}/changes"),
        &format!("/api/intelligence/models/{}", insights.churn_model),
        &format!("/api/intelligence/segmentations/{}", insights.segmentation),
        &format!("/api/intelligence/archetypes/{}", crate::insights::ARCHETYPES[0]),
    ] {
        see(&shop, path).await;
        let answer = call(&shop, &stranger, "GET", path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
        let weak = crate::desk::key(&shop, shop.tenant, &[Scope::JobsRead], None).await;
        assert_eq!(call(&shop, &weak, "GET", path, "").await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for (path, body) in [
        ("/api/ml/churn/predict", r#"{"customer_id": "loyal"}"#.to_owned()),
        (
            &format!("/api/intelligence/models/{}/promote", insights.churn_model),
            r#"{"reason": "mine"}"#.to_owned(),
        ),
    ] {
        assert_eq!(call(&shop, &stranger, "POST", path, &body).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let list = call(&shop, &stranger, "GET", "/api/intelligence/customers", "").await;
    assert_eq!(list.json["items"], json!([]));
}

#[tokio::test]
async fn features_are_told_by_axis_and_missing_ones_are_null() {
    let (shop, _) = published().await;
    let features = see(&shop, "/api/intelligence/customers/loyal/features").await.json;
    let axes = json!([
        {"axis": "purchase_frequency", "features": [
            {"name": "orders", "unit": "orders", "value": 14.0}, {"name": "orders_30d", "unit": "orders", "value": null}]},
        {"axis": "purchase_value", "features": [{"name": "spend", "unit": "money", "value": 129.5}]},
    ]);
    assert_eq!((&features["available"], &features["axes"]), (&json!(true), &axes));
}

#[tokio::test]
async fn the_nearest_of_the_same_archetype_come_first() {
    let (shop, _) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    for (customer, memberships, archetype) in [
        ("twin", [240, 15, 140, 115], (Some(0), Some(2))),
        ("cousin", [180, 75, 140, 115], (Some(0), Some(2))),
        ("other", [240, 15, 140, 115], (Some(0), Some(0))),
    ] {
        add_customer(&mut tx, shop.tenant, customer).await;
        let found = Found { memberships, archetype, churn: Some(0.7), ..Found::default() };
        put(&mut tx, shop.tenant, customer, &found).await;
    }
    tx.commit().await.expect("committed");
    let similar = see(&shop, "/api/intelligence/customers/loyal/similar").await;
    assert_eq!(crate::insights::customers(&similar), ["twin", "cousin"]);
    assert_eq!((&similar.json["compared"], &similar.json["complete"]), (&json!(2), &json!(true)));
    assert_eq!(similar.json["items"][0]["similarity"], 1.0);
    assert_eq!(similar.json["items"][1]["similarity"], 0.8824);
    assert_eq!(similar.json["items"][1]["churn_band"], "high");
    let alone = see(&shop, "/api/intelligence/customers/fading/similar").await;
    assert_eq!((&alone.json["items"], &alone.json["complete"]), (&json!([]), &json!(true)));
}

#[tokio::test]
async fn the_past_is_paged_and_drift_is_measured_within_a_segmentation() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    let older = crate::insights::segmentation(&mut tx, shop.tenant, 2).await;
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    let memberships = |second: [u8; 4]| [[255, 0, 255, 0], second].concat();
    for (grain, taken_on, segmentation, second) in [
        ("day", "2026-01-31", insights.segmentation, [255, 0, 255, 0]),
        // The same day as a week's: told once.
        ("week", "2026-01-31", insights.segmentation, [255, 0, 255, 0]),
        ("day", "2026-01-30", insights.segmentation, [0, 255, 255, 0]),
        ("month", "2025-12-31", older, [255, 0, 255, 0]),
    ] {
        sqlx::query(
            "insert into platform.profile_snapshot
                 (tenant_id, grain, taken_on, first_customer, last_customer, segmentation_id, customers, memberships,
                  churn, ltv)
             values ($1, $2, $3, 'fading', 'loyal', $4, '{fading,loyal}', $5, '{0.5,NULL}', '{1,2.5}')",
        )
        .bind(shop.tenant)
        .bind(grain)
        .bind(day(taken_on))
        .bind(segmentation)
        .bind(memberships(second))
        .execute(&mut *tx)
        .await
        .expect("a snapshot");
    }
    tx.commit().await.expect("committed");
    let path = "/api/intelligence/customers/loyal/history";
    let all = see(&shop, path).await.json;
    let days: Vec<_> = all["items"].as_array().expect("items").iter().map(|item| &item["taken_on"]).collect();
    assert_eq!(days, ["2026-01-31", "2026-01-30", "2025-12-31"]);
    let newest = &all["items"][0];
    assert_eq!((&newest["drift"], &newest["drift_band"]), (&json!(0.5), &json!("strong")));
    assert_eq!((&newest["churn"], &newest["ltv"]), (&json!(null), &json!(2.5)));
    assert_eq!(
        newest["segments"],
        json!({"purchase_frequency": "Monthly buyers", "purchase_value": "Big baskets"})
    );
    // Memberships of different segmentations cannot be compared.
    assert_eq!(all["items"][1]["drift"], json!(null));
    assert_eq!(all["next_cursor"], json!(null));

    let first = see(&shop, &format!("{path}?limit=1")).await;
    assert_eq!(first.json["items"], json!([newest]));
    let second = see(&shop, &format!("{path}?limit=1&cursor={}", first.field("next_cursor"))).await;
    assert_eq!(second.json["items"], json!([all["items"][1]]));
    let nobody = see(&shop, "/api/intelligence/customers/curious/history").await;
    assert_eq!(nobody.json["items"], json!([]));
}

#[tokio::test]
async fn assistants_get_flat_facts() {
    let (shop, _) = published().await;
    let flat = see(&shop, "/api/mcp/customer/fading").await.json;
    let is_flat = |value: &serde_json::Value| !value.is_object() && !value.is_array();
    assert!(flat.as_object().expect("an object").values().all(is_flat), "{flat}");
    assert_eq!((&flat["archetype"], &flat["churn_band"]), (&json!("Occasional guests"), &json!("critical")));
    assert_eq!(
        (&flat["segment_purchase_frequency"], &flat["segment_purchase_cadence"]),
        (&json!("Rare buyers"), &json!(null))
    );
    assert_eq!(
        (&flat["ltv"], &flat["ltv_missing_because"]),
        (&json!(null), &json!("not enough data of this customer for lifetime value"))
    );
    let risk = see(&shop, "/api/mcp/customer/loyal/churn-risk").await.json;
    assert_eq!((&risk["churn_probability"], &risk["churn_horizon_days"]), (&json!(0.3), &json!(90)));
    assert_eq!(risk["churn_reasons"], json!(["The last order is 12 days old."]));
}

#[tokio::test]
async fn a_shop_without_a_model_and_a_number_that_is_none_are_not_enough_data() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    sqlx::query("update platform.intelligence_run set ltv_model_id = null where id = $1")
        .bind(insights.run)
        .execute(&mut *tx)
        .await
        .expect("updated");
    sqlx::query("update platform.customer_fact set churn = 'NaN', ltv = null where customer_id = 'loyal'")
        .execute(&mut *tx)
        .await
        .expect("updated");
    tx.commit().await.expect("committed");
    let loyal = see(&shop, "/api/intelligence/customers/loyal").await.json;
    assert_eq!(
        loyal["churn"],
        json!({"available": false, "reason": "not enough data of this customer for churn"})
    );
    assert_eq!(
        loyal["ltv"],
        json!({"available": false, "reason": "no model of lifetime value is in force: a note of the run"})
    );
}
