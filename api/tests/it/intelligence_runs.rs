//! What marketers and managers see of all customers: lists, archetypes, runs and who changed; and asking for work.

use crate::insights::{ARCHETYPES, Found, add_customer, customers, platform, published, put, run, see};
use crate::shop::{Shop, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;
use sqlx::types::chrono::Utc;
use uuid::Uuid;

const LIST: &str = "/api/intelligence/customers";

/// Five more customers, with the same risk for some.
async fn add_more(shop: &Shop) {
    let mut tx = platform(shop, shop.tenant).await;
    for (customer, churn, ltv, spend_cents) in [
        ("a", Some(0.8), Some(10.0), 500),
        ("b", Some(0.8), Some(20.0), 400),
        ("c", Some(0.8), None, 300),
        ("d", Some(0.1), Some(30.0), 200),
        ("e", None, Some(40.0), 100),
    ] {
        add_customer(&mut tx, shop.tenant, customer).await;
        let found = Found {
            archetype: (Some(0), Some(0)),
            churn,
            ltv,
            spend_cents,
            axes: [Some(0), None],
            ..Found::default()
        };
        put(&mut tx, shop.tenant, customer, &found).await;
    }
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn lists_are_sorted_filtered_and_paged_without_gaps() {
    let (shop, _) = published().await;
    add_more(&shop).await;
    let list = async |query: &str| {
        let answer = see(&shop, &format!("{LIST}?{query}")).await;
        customers(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["fading", "c", "b", "a", "loyal", "d"]);
    assert_eq!(list("sort=ltv").await, ["loyal", "e", "d", "b", "a"]);
    assert_eq!(list("sort=spend&limit=3").await, ["loyal", "fading", "a"]);
    assert_eq!(list("churn_band=critical").await, ["fading", "c", "b", "a"]);
    assert_eq!(list("churn_band=medium").await, ["loyal"]);
    assert_eq!(list("min_ltv=20").await, ["b", "loyal", "d"]);
    assert_eq!(list(&format!("archetype={}", ARCHETYPES[2])).await, ["loyal"]);
    assert_eq!(list(&format!("archetype={}", ARCHETYPES[0])).await, ["c", "b", "a", "loyal", "d"]);
    assert_eq!(list("segment.purchase_frequency=Rare%20buyers").await, ["fading"]);
    assert_eq!(
        list("segment.purchase_frequency=Monthly%20buyers&segment.purchase_value=Big%20baskets").await,
        ["loyal"]
    );

    for (sort, expected) in [("churn", 6), ("ltv", 5), ("spend", 7)] {
        let whole = list(&format!("sort={sort}")).await;
        assert_eq!(whole.len(), expected);
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = see(&shop, &format!("{LIST}?sort={sort}&limit=2{cursor}")).await;
            paged.extend(customers(&page).into_iter().map(str::to_owned));
            if page.json["next_cursor"].is_null() {
                break;
            }
            cursor = format!("&cursor={}", page.field("next_cursor"));
        }
        assert_eq!(paged, whole, "{sort}");
    }
    let page = see(&shop, &format!("{LIST}?limit=2")).await;
    let wrong = shop.get(&format!("{LIST}?sort=ltv&cursor={}", page.field("next_cursor"))).await;
    assert_eq!((wrong.status, wrong.field("field")), (StatusCode::BAD_REQUEST, "cursor"));
    let first = &page.json["items"][0];
    assert_eq!(
        (&first["churn"], &first["churn_band"], &first["ltv"]),
        (&json!(0.91), &json!("critical"), &json!(null))
    );
    assert_eq!(first["archetype"]["name"], "Occasional guests");
}

#[tokio::test]
async fn shares_are_those_that_the_published_run_counted() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    sqlx::query("update platform.intelligence_run set report = $2 where id = $1")
        .bind(insights.run)
        .bind(json!({
            "customers": 7, "buyers": 6,
            "archetypes": {"0": 4, "1": 1, "2": 1, "none": 1},
            "segments": {"purchase_frequency": {"0": 6, "1": 1}, "purchase_value": {"0": 2, "none": 5}},
            "confidence": {"high": 3, "rule": 4},
            "churn": {"customers": 6, "mean": 0.612_345, "bands": {"low": 1, "medium": 1, "critical": 4}},
            "ltv": {"customers": 5, "total": 229.899_999, "mean": 45.98},
            "movements": {"stable": 7}, "notes": ["no price list"]
        }))
        .execute(&mut *tx)
        .await
        .expect("updated");
    tx.commit().await.expect("committed");
    let axes = see(&shop, "/api/intelligence/axes").await.json;
    assert_eq!((&axes["customers"], axes["items"].as_array().map(Vec::len)), (&json!(7), Some(8)));
    let monthly = &axes["items"][0]["segments"][0];
    assert_eq!((&monthly["customers"], &monthly["share"]), (&json!(6), &json!(0.8571)));
    assert_eq!(axes["items"][1]["unknown_customers"], 5);
    assert_eq!(axes["items"][2]["degenerate"], "nobody differs");

    let archetypes = see(&shop, "/api/intelligence/archetypes").await.json;
    let sizes: Vec<_> =
        archetypes["items"].as_array().expect("items").iter().map(|item| &item["customers"]).collect();
    assert_eq!(sizes, [5, 1, 1]);
    let regulars = see(&shop, &format!("/api/intelligence/archetypes/{}", ARCHETYPES[0])).await.json;
    assert_eq!((&regulars["share"], &regulars["description"]), (&json!(0.7143), &json!("Monthly buyers")));
    assert_eq!(regulars["children"][0]["id"], ARCHETYPES[2]);
    assert_eq!(regulars["children"][0]["parent_id"], ARCHETYPES[0]);

    let summary = see(&shop, "/api/intelligence/summary").await.json;
    assert_eq!(summary["churn"]["bands"], json!({"low": 1, "medium": 1, "high": 0, "critical": 4}));
    assert_eq!(
        (&summary["churn"]["not_enough_data"], &summary["churn"]["mean"]),
        (&json!(1), &json!(0.6123))
    );
    assert_eq!((&summary["ltv"]["total"], &summary["ltv"]["currency"]), (&json!(229.9), &json!("EUR")));
    assert_eq!((&summary["last_run"]["state"], &summary["next_run_at"]), (&json!("published"), &json!(null)));
    assert_eq!(summary["notes"], json!(["no price list"]));
}

#[tokio::test]
async fn runs_tell_how_far_they_are_and_whether_they_are_stuck() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    let scoring = run(&mut tx, shop.tenant, 2, "scoring").await;
    sqlx::query("update platform.intelligence_run set shards = 3 where id = $1")
        .bind(scoring)
        .execute(&mut *tx)
        .await
        .expect("updated");
    sqlx::query(
        "insert into platform.intelligence_shard (run_id, shard, tenant_id, done_at)
         values ($1, 0, $2, now() - interval '9 minutes'), ($1, 1, $2, null), ($1, 2, $2, null)",
    )
    .bind(scoring)
    .bind(shop.tenant)
    .execute(&mut *tx)
    .await
    .expect("shards");
    tx.commit().await.expect("committed");
    let path = format!("/api/intelligence/runs/{scoring}");
    let going = see(&shop, &path).await.json;
    assert_eq!((&going["stuck"], &going["shards"]), (&json!(false), &json!({"done": 1, "total": 3})));
    assert_eq!(going["report"], json!({"notes": ["a note of the run"]}));
    let mut tx = platform(&shop, shop.tenant).await;
    sqlx::query(
        "update platform.intelligence_shard set done_at = now() - interval '11 minutes' where shard = 0",
    )
    .execute(&mut *tx)
    .await
    .expect("updated");
    tx.commit().await.expect("committed");
    assert_eq!(see(&shop, &path).await.json["stuck"], true);

    let first = see(&shop, "/api/intelligence/runs?limit=1").await;
    assert_eq!(first.json["items"][0]["id"], scoring.to_string());
    assert!(first.json["items"][0].get("report").is_none());
    let second =
        see(&shop, &format!("/api/intelligence/runs?limit=1&cursor={}", first.field("next_cursor"))).await;
    assert_eq!(second.json["items"][0]["id"], insights.run.to_string());
    assert_eq!(second.json["next_cursor"], json!(null));
    let segmentation =
        see(&shop, &format!("/api/intelligence/segmentations/{}", insights.segmentation)).await;
    assert_eq!(segmentation.json["report"], json!({"coverage": 0.98}));
    assert_eq!(see(&shop, "/api/intelligence/segmentations").await.json["items"][0]["number"], 1);
    let unknown = shop.get(&format!("/api/intelligence/runs/{}", Uuid::now_v7())).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_changed_is_paged_by_drift_and_told_by_direction() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    for (customer, drift, from, to) in [
        ("loyal", 0.2_f32, Some(0.29_f32), Some(0.31_f32)),
        ("fading", 0.6, Some(0.95), Some(0.59)),
        ("same", 0.6, Some(0.61), Some(0.79)),
        ("new", 0.1, None, Some(0.9)),
    ] {
        sqlx::query(
            "insert into platform.customer_change
                 (tenant_id, customer_id, run_id, changed_on, drift, archetype_from, archetype_to, churn_from, churn_to)
             values ($1, $2, $3, '2026-01-31', $4, 0, null, $5, $6)",
        )
        .bind(shop.tenant)
        .bind(customer)
        .bind(insights.run)
        .bind(drift)
        .bind(from)
        .bind(to)
        .execute(&mut *tx)
        .await
        .expect("a change");
    }
    tx.commit().await.expect("committed");
    let path = format!("/api/intelligence/runs/{}/changes", insights.run);
    let all = see(&shop, &path).await;
    assert_eq!(customers(&all), ["same", "fading", "loyal", "new"]);
    let fading = &all.json["items"][1];
    assert_eq!((&fading["band_from"], &fading["band_to"]), (&json!("critical"), &json!("medium")));
    assert_eq!(fading["archetype_from"]["name"], "Regulars");
    assert_eq!(fading["archetype_to"], json!(null));
    assert_eq!(customers(&see(&shop, &format!("{path}?band=up")).await), ["loyal"]);
    assert_eq!(customers(&see(&shop, &format!("{path}?band=down")).await), ["fading"]);
    let first = see(&shop, &format!("{path}?limit=1")).await;
    let second = see(&shop, &format!("{path}?limit=2&cursor={}", first.field("next_cursor"))).await;
    assert_eq!(customers(&second), ["fading", "loyal"]);
    // Those of the current run can be listed by how much they changed.
    let list = see(&shop, &format!("{LIST}?sort=drift")).await;
    assert_eq!(customers(&list), ["fading", "loyal"]);
    assert_eq!(list.json["items"][0]["drift"], 0.6);
}

#[tokio::test]
async fn asking_twice_for_work_is_asking_once() {
    let (shop, _) = published().await;
    for (path, body) in [
        ("/api/intelligence/evaluate", r#"{"refit": false}"#),
        ("/api/intelligence/score", r#"{"customer_ids": ["loyal", "fading", "loyal"]}"#),
        ("/api/intelligence/train", r#"{"target": "churn"}"#),
        ("/api/intelligence/train", r#"{"target": "ltv"}"#),
    ] {
        let first = shop.post(path, body).await;
        assert_eq!(
            (first.status, &first.json["created"]),
            (StatusCode::ACCEPTED, &json!(true)),
            "{}",
            first.text
        );
        assert_eq!(first.headers["location"], format!("/api/jobs/{}", first.field("job_id")));
        let second = shop.post(path, body).await;
        assert_eq!((second.field("job_id"), &second.json["created"]), (first.field("job_id"), &json!(false)));
    }
    assert_eq!(shop.count("jobs.live").await, 4);
    let same = shop.post("/api/intelligence/score", r#"{"customer_ids": ["fading", "loyal"]}"#).await;
    assert_eq!(same.json["created"], false);
    assert_eq!(shop.payload(same.field("job_id")).await["customer_ids"], json!(["fading", "loyal"]));
    // The run that waits fits nothing anew, so it does not stand in for one that does.
    let refit = shop.post("/api/intelligence/evaluate", r#"{"refit": true}"#).await;
    assert_eq!((refit.status, &refit.json["created"]), (StatusCode::ACCEPTED, &json!(true)));
    assert_eq!(shop.payload(refit.field("job_id")).await["refit"], json!(true));
}

#[tokio::test]
async fn an_idempotency_key_brings_the_same_answer_back() {
    let (shop, _) = published().await;
    for (path, body) in [
        ("/api/intelligence/evaluate", "{}"),
        ("/api/intelligence/score", r#"{"customer_ids": ["loyal"]}"#),
        ("/api/intelligence/train", r#"{"target": "ltv"}"#),
        ("/api/ml/customer/analyze", r#"{"customer_id": "loyal"}"#),
        ("/api/ml/churn/predict", r#"{"customer_id": "loyal"}"#),
    ] {
        let ask = |body: &'static str| {
            let request =
                request("POST", path).header("x-api-key", &shop.key).header("idempotency-key", path);
            shop.send(request.body(Body::from(body)).expect("a request"))
        };
        let first = ask(body).await;
        assert!(first.status.is_success(), "{}", first.text);
        let again = ask(body).await;
        assert_eq!((again.status, &again.json), (first.status, &first.json));
        assert_eq!(again.headers["idempotency-replayed"], "true");
    }
}

#[tokio::test]
async fn without_a_run_or_a_customer_nothing_is_scored() {
    let (shop, _) = published().await;
    let unknown = shop.post("/api/intelligence/score", r#"{"customer_ids": ["loyal", "nobody"]}"#).await;
    assert_eq!(
        (unknown.status, unknown.field("field")),
        (StatusCode::UNPROCESSABLE_ENTITY, "customer_ids[1]")
    );
    let mut tx = platform(&shop, shop.tenant).await;
    sqlx::query("delete from platform.current_run").execute(&mut *tx).await.expect("deleted");
    tx.commit().await.expect("committed");
    let early = shop.post("/api/intelligence/score", r#"{"customer_ids": ["loyal"]}"#).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.text);
    assert_eq!(shop.count("jobs.live").await, 0);
}

#[tokio::test]
async fn the_parameter_at_fault_is_named() {
    let (shop, insights) = published().await;
    let many = json!({"customer_ids": vec!["loyal"; 101]}).to_string();
    let long = json!({"customer_ids": ["loyal", "x".repeat(129)]}).to_string();
    let tomorrow = json!({"as_of": Utc::now().date_naive().succ_opt()}).to_string();
    let changes = format!("/api/intelligence/runs/{}/changes", insights.run);
    let long_id = format!("{LIST}/{}", "x".repeat(129));
    let cases: &[(&str, &str, &str, &str)] = &[
        ("GET", &format!("{LIST}?sort=age"), "", "sort"),
        ("GET", &format!("{LIST}?churn_band=severe"), "", "churn_band"),
        ("GET", &format!("{LIST}?min_ltv=much"), "", "min_ltv"),
        ("GET", &format!("{LIST}?min_ltv=NaN"), "", "min_ltv"),
        ("GET", &format!("{LIST}?archetype=7"), "", "archetype"),
        ("GET", &format!("{LIST}?segment.purchase_value=Huge"), "", "segment.purchase_value"),
        ("GET", &format!("{LIST}?segment.return_behavior=x"), "", "segment.return_behavior"),
        ("GET", &format!("{LIST}?segment.colour=red"), "", "segment.colour"),
        ("GET", &format!("{LIST}?limit=101"), "", "limit"),
        ("GET", &format!("{LIST}?cursor=nonsense"), "", "cursor"),
        ("GET", &format!("{LIST}/loyal?fields=colour"), "", "fields"),
        ("GET", &format!("{LIST}/loyal?colour=red"), "", "colour"),
        ("GET", &long_id, "", "id"),
        ("GET", &format!("{LIST}/loyal%00"), "", "id"),
        ("GET", &format!("{LIST}/loyal/history?cursor=bm90LWEtZGF5"), "", "cursor"),
        ("GET", &format!("{LIST}/loyal/similar?limit=3"), "", "limit"),
        ("GET", "/api/intelligence/archetypes/7", "", "id"),
        ("GET", "/api/intelligence/axes?colour=red", "", "colour"),
        ("GET", "/api/intelligence/runs/7", "", "id"),
        ("GET", "/api/intelligence/runs?cursor=bm9uc2Vuc2U", "", "cursor"),
        ("GET", &format!("{changes}?band=sideways"), "", "band"),
        ("GET", &format!("{changes}?cursor=bm9uc2Vuc2U"), "", "cursor"),
        ("GET", "/api/intelligence/models?target=age", "", "target"),
        ("GET", "/api/intelligence/models/7", "", "id"),
        ("GET", "/api/intelligence/segmentations/7", "", "id"),
        ("GET", "/api/intelligence/segmentations?cursor=bm9uc2Vuc2U", "", "cursor"),
        ("GET", "/api/intelligence/drift?limit=0", "", "limit"),
        ("POST", "/api/intelligence/evaluate", r#"{"refit": "yes"}"#, "refit"),
        ("POST", "/api/intelligence/evaluate", r#"{"colour": "red"}"#, "colour"),
        ("POST", "/api/intelligence/evaluate", &tomorrow, "as_of"),
        ("POST", "/api/intelligence/evaluate", r#"{"as_of": "1969-12-31"}"#, "as_of"),
        ("POST", "/api/intelligence/score", "{}", "customer_ids"),
        ("POST", "/api/intelligence/score", r#"{"customer_ids": []}"#, "customer_ids"),
        ("POST", "/api/intelligence/score", &many, "customer_ids"),
        ("POST", "/api/intelligence/score", &long, "customer_ids[1]"),
        ("POST", "/api/intelligence/train", r#"{"target": "age"}"#, "target"),
        ("POST", "/api/intelligence/train", "{}", "target"),
        ("POST", "/api/ml/churn/predict", "{}", "customer_id"),
        ("POST", "/api/ml/customer/analyze", r#"{"customer_id": ""}"#, "customer_id"),
        (
            "POST",
            &format!("/api/intelligence/models/{}/promote", insights.churn_model),
            r#"{"reason": "  "}"#,
            "reason",
        ),
        ("POST", "/api/intelligence/models/7/promote", r#"{"reason": "x"}"#, "id"),
    ];
    for (method, path, body, field) in cases {
        let answer = match *method {
            "GET" => shop.get(path).await,
            _ => shop.post(path, body).await,
        };
        assert_eq!(
            (answer.status, answer.field("field")),
            (StatusCode::BAD_REQUEST, *field),
            "{method} {path} {body}: {}",
            answer.text
        );
    }
    assert_eq!(shop.count("jobs.live").await, 0);
}
