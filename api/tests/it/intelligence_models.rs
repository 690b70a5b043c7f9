//! The model registry as a data scientist sees it: figures, the decision to use another model, the way back, and a
//! model that was damaged.

use crate::desk::{call, operator};
use crate::insights::{model, platform, published, see};
use crate::shop::{Shop, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

async fn promote(shop: &Shop, model: Uuid, reason: &str) -> crate::shop::Answer {
    let body = json!({ "reason": reason }).to_string();
    shop.post(&format!("/api/intelligence/models/{model}/promote"), &body).await
}

async fn roles(shop: &Shop, target: &str) -> Vec<(i64, String)> {
    let answer = see(shop, &format!("/api/intelligence/models?target={target}")).await;
    let items = answer.json["items"].as_array().expect("items");
    let role = |item: &serde_json::Value| {
        (item["number"].as_i64().expect("a number"), item["role"].as_str().expect("a role").to_owned())
    };
    items.iter().map(role).collect()
}

#[tokio::test]
async fn a_model_is_shown_with_its_figures_and_without_itself() {
    let (shop, insights) = published().await;
    let model = see(&shop, &format!("/api/intelligence/models/{}", insights.churn_model)).await.json;
    assert_eq!(model["metrics"]["ours"]["roc_auc"], json!({"value": 0.84, "low": 0.83, "high": 0.85}));
    assert_eq!((&model["parameters"], &model["comparison"]), (&json!({"leaves": 15}), &json!(null)));
    assert_eq!(model["calibration"][0]["observed"], 0.11);
    assert_eq!(model["artefact_sha256"].as_str().map(str::len), Some(64));
    assert!(model.get("artefact").is_none());
    let list = see(&shop, "/api/intelligence/models").await.json;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    assert!(list["items"][0].get("metrics").is_none());
    let unknown = shop.get(&format!("/api/intelligence/models/{}", Uuid::now_v7())).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_challenger_is_promoted_and_the_former_champion_comes_back_both_audited() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    let challenger = model(&mut tx, shop.tenant, "churn", 2, "challenger").await;
    tx.commit().await.expect("committed");

    let forward = promote(&shop, challenger, "better calibrated").await;
    assert_eq!(forward.status, StatusCode::OK, "{}", forward.text);
    assert_eq!(forward.json["retired"], insights.churn_model.to_string());
    assert_eq!(
        (&forward.json["model"]["role"], &forward.json["model"]["reason"]),
        (&json!("champion"), &json!("better calibrated"))
    );
    assert_eq!(roles(&shop, "churn").await, [(2, "champion".to_owned()), (1, "retired".to_owned())]);
    assert_eq!(promote(&shop, challenger, "again").await.status, StatusCode::CONFLICT);

    let back = promote(&shop, insights.churn_model, "it calls loyal customers lost").await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text);
    assert_eq!(roles(&shop, "churn").await, [(2, "retired".to_owned()), (1, "champion".to_owned())]);
    // The other target keeps its champion.
    assert_eq!(roles(&shop, "ltv").await, [(1, "champion".to_owned())]);

    let trail = call(&shop, &operator(&shop).await, "GET", "/api/admin/audit", "").await.json;
    let entries = trail["items"].as_array().expect("items");
    let promotions: Vec<_> = entries.iter().filter(|entry| entry["action"] == "model.promote").collect();
    assert_eq!(promotions.len(), 2);
    assert_eq!(promotions[0]["subject"], format!("model:{}", insights.churn_model));
    assert_eq!(promotions[0]["detail"]["retired"], challenger.to_string());
    assert_eq!(promotions[0]["detail"]["reason"], "it calls loyal customers lost");
    assert!(promotions[0]["actor"].as_str().expect("an actor").starts_with("key:"));
}

#[tokio::test]
async fn a_damaged_model_is_refused_and_nothing_changes() {
    let (shop, _) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    let damaged = model(&mut tx, shop.tenant, "churn", 2, "challenger").await;
    sqlx::query("update platform.model set artefact = artefact || 'x' where id = $1")
        .bind(damaged)
        .execute(&mut *tx)
        .await
        .expect("updated");
    tx.commit().await.expect("committed");
    let refused = promote(&shop, damaged, "try it").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.field("detail").contains("checksum"), "{}", refused.text);
    assert_eq!(roles(&shop, "churn").await, [(2, "challenger".to_owned()), (1, "champion".to_owned())]);
}

#[tokio::test]
async fn a_repeated_promotion_gets_the_first_answer() {
    let (shop, _) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    let challenger = model(&mut tx, shop.tenant, "ltv", 2, "challenger").await;
    tx.commit().await.expect("committed");
    let ask = || {
        let path = format!("/api/intelligence/models/{challenger}/promote");
        let request = request("POST", &path).header("x-api-key", &shop.key).header("idempotency-key", "k");
        shop.send(request.body(Body::from(r#"{"reason": "better"}"#)).expect("a request"))
    };
    let first = ask().await;
    let again = ask().await;
    assert_eq!((first.status, again.status, &first.json), (StatusCode::OK, StatusCode::OK, &again.json));
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn promotions_at_once_leave_one_champion() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    let one = model(&mut tx, shop.tenant, "churn", 2, "challenger").await;
    let other = model(&mut tx, shop.tenant, "churn", 3, "retired").await;
    tx.commit().await.expect("committed");
    let (one, other) = tokio::join!(promote(&shop, one, "mine"), promote(&shop, other, "no, mine"));
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK), "{} {}", one.text, other.text);
    let champions = roles(&shop, "churn").await.into_iter().filter(|(_, role)| role == "champion").count();
    assert_eq!(champions, 1);
    let first = if one.json["retired"] == insights.churn_model.to_string() { &one } else { &other };
    assert_eq!(first.json["retired"], insights.churn_model.to_string());
}

#[tokio::test]
async fn drift_reports_are_listed() {
    let (shop, insights) = published().await;
    let mut tx = platform(&shop, shop.tenant).await;
    for verdict in ["fine", "act"] {
        sqlx::query(
            "insert into platform.drift_report (job_id, tenant_id, run_id, created_at, verdict, report)
             values ($1, $2, $3, clock_timestamp(), $4, '{\"psi\": {\"orders\": 0.3}}')",
        )
        .bind(Uuid::now_v7())
        .bind(shop.tenant)
        .bind(insights.run)
        .bind(verdict)
        .execute(&mut *tx)
        .await
        .expect("a report");
    }
    tx.commit().await.expect("committed");
    let first = see(&shop, "/api/intelligence/drift?limit=1").await;
    assert_eq!(first.json["items"][0]["verdict"], "act");
    let second =
        see(&shop, &format!("/api/intelligence/drift?limit=1&cursor={}", first.field("next_cursor"))).await;
    assert_eq!(second.json["items"][0]["verdict"], "fine");
}
