//! Orders over HTTP: which are revenue, taking an import back, customers who are one person.

use crate::desk::call;
use crate::shop::{Shop, request, shop};
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use chrono::Utc;
use database::Role;
use platform::identities::erased::ErasureKey;
use platform::orders::file;
use platform::orders::import::{self, Import, Next};
use platform::orders::reading::{Request, Source};
use platform::orders::undo;
use serde_json::Value;
use uuid::Uuid;

const LOG: &str = "order_id,customer_id,ordered_at,quantity,amount,customer_email\n\
    1,g-1,2026-09-01,1,30,Maya@Example.com\n2,g-2,2026-10-01,1,40,maya@example.com\n3,,2026-10-01,1,=1+1,\n";

async fn imported(shop: &Shop) -> Uuid {
    let import = Import {
        id: Uuid::now_v7(),
        tenant: shop.tenant,
        source: "test".to_owned(),
        size_bytes: None,
        fingerprint: None,
        is_current: false,
        newest_at: None,
        assumed_currency: None,
        batch_lines: 100,
        erasure_key: ErasureKey::of(&[7; 32], shop.tenant),
    };
    let open = file::open(Source::Memory(LOG.as_bytes().into()), Request::new("EUR", Utc::now()));
    import::run(&shop.state.db, &import, open, |_| Next::Continue).await.expect("imports");
    import.id
}

async fn spend(shop: &Shop) -> Vec<String> {
    let mut tx = shop.state.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    sqlx::query_scalar("select customer_id || ' ' || spend from platform.customer_profile order by 1")
        .fetch_all(&mut *tx)
        .await
        .expect("readable")
}

#[tokio::test]
async fn which_orders_are_revenue_can_be_read_and_changed() {
    let shop = shop(Mode::Token).await;
    let put = async |body: &str| call(&shop, &shop.key, "PUT", "/api/orders/revenue-rule", body).await;
    let rule = shop.get("/api/orders/revenue-rule").await;
    assert_eq!((rule.field("rule"), &rule.json["is_applied"]), ("paid", &true.into()));
    let asked = put(r#"{"rule": "placed"}"#).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    assert_eq!(shop.count("jobs.live where kind = 'recount_revenue'").await, 1);
    let rule = shop.get("/api/orders/revenue-rule").await;
    assert_eq!((rule.field("rule"), &rule.json["is_applied"]), ("placed", &false.into()));
    assert_eq!(put(r#"{"rule": "placed"}"#).await.status, StatusCode::OK);
    assert_eq!(put(r#"{"rule": "sometimes"}"#).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(shop.count("shared.audit where action = 'orders.revenue_rule'").await, 1);
}

#[tokio::test]
async fn an_import_is_taken_back_by_a_job() {
    let shop = shop(Mode::Token).await;
    let import = imported(&shop).await;
    let path = format!("/api/orders/imports/{import}/undo");
    let asked = shop.post(&path, "").await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    assert_eq!(shop.payload(asked.field("job_id")).await["import_id"], import.to_string());
    let unknown = shop.post(&format!("/api/orders/imports/{}/undo", Uuid::now_v7()), "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_left_out_can_be_had_as_csv() {
    let shop = shop(Mode::Token).await;
    let import = imported(&shop).await;
    let page = shop.get(&format!("/api/orders/imports/{import}/rejects")).await;
    assert_eq!(
        (&page.json["items"][0]["line_number"], &page.json["items"][0]["kind"]),
        (&4.into(), &"left_out".into())
    );
    let file = shop.get(&format!("/api/orders/imports/{import}/rejects.csv")).await;
    assert_eq!(file.status, StatusCode::OK);
    let unknown = shop.get(&format!("/api/orders/imports/{}/rejects.csv", Uuid::now_v7())).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

/// Begins an import as a worker does, for a job that waits.
async fn begun(shop: &Shop, job: &str, path: &str) {
    let mut tx = shop.state.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    sqlx::query("insert into platform.import_run (id, tenant_id, source, fingerprint) values ($1::uuid, $2, $3, '\\x00')")
        .bind(job)
        .bind(shop.tenant)
        .bind(path)
        .execute(&mut *tx)
        .await
        .expect("inserted");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn imports_are_listed_with_their_files_and_what_became_of_them() {
    let shop = shop(Mode::Token).await;
    let import = imported(&shop).await;
    let request = request("POST", "/api/orders/import?name=Orders%20Oct.csv")
        .header("x-api-key", &shop.key)
        .header("content-type", "text/csv");
    let upload = shop.send(request.body(Body::from(LOG)).expect("a request")).await;
    assert_eq!(upload.status, StatusCode::ACCEPTED, "{}", upload.text);
    let job = upload.field("job_id").to_owned();
    let path = format!("/api/orders/imports/{job}");
    assert_eq!(shop.get(&path).await.status, StatusCode::NOT_FOUND, "it has not begun");
    begun(&shop, &job, upload.field("path")).await;

    let listed = shop.get("/api/orders/imports?limit=1").await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.text);
    let first = &listed.json["items"][0];
    assert_eq!(
        (&first["job_id"], &first["file"], &first["state"], &first["undone"]),
        (&job.as_str().into(), &"Orders Oct.csv".into(), &"running".into(), &Value::Null)
    );
    let next = listed.json["next_cursor"].as_str().expect("another page");
    let rest = shop.get(&format!("/api/orders/imports?cursor={next}")).await;
    let second = &rest.json["items"][0];
    assert_eq!((&second["file"], &second["state"]), (&"test".into(), &"done".into()), "{}", rest.text);
    assert_eq!(
        (&second["lines"], &second["orders_inserted"], &second["rejected"]),
        (&3.into(), &2.into(), &1.into())
    );
    assert_eq!(rest.json["next_cursor"], Value::Null);

    // Whoever cancels the job is not told by the import itself, which did not live to say so.
    let cancelled = shop.post(&format!("/api/jobs/{job}/cancel"), "").await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text);
    assert_eq!(shop.get(&path).await.field("state"), "cancelled");
    let asked = shop.post(&format!("{path}/undo"), "").await;
    assert_eq!(
        asked.status,
        StatusCode::ACCEPTED,
        "what a cancelled one stored can be taken back: {}",
        asked.text
    );

    let taken = undo::run(&shop.state.db, shop.tenant, (import, Uuid::now_v7()), Utc::now(), |_| {}).await;
    assert_eq!(taken.expect("taken back").orders_removed, 2);
    let undone = shop.get(&format!("/api/orders/imports/{import}")).await;
    assert_eq!((undone.field("state"), &undone.json["undone"]["orders_removed"]), ("undone", &2.into()));
}

#[tokio::test]
async fn customers_are_merged_and_taken_apart_again() {
    let shop = shop(Mode::Token).await;
    imported(&shop).await;
    let merged = shop.post("/api/customers/g-2/merge", r#"{"customer_id": "g-1"}"#).await;
    assert_eq!((merged.status, merged.field("kept")), (StatusCode::OK, "g-2"));
    assert_eq!(spend(&shop).await, ["g-2 70.00"]);
    let again = shop.post("/api/customers/g-2/merge", r#"{"customer_id": "g-1"}"#).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    for (id, body, status) in [
        ("nobody", r#"{"customer_id": "g-2"}"#, StatusCode::NOT_FOUND),
        ("g-2", r#"{"customer_id": "g-2"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        ("g-2", r#"{"customer_id": ""}"#, StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(shop.post(&format!("/api/customers/{id}/merge"), body).await.status, status, "{body}");
    }
    let listed = shop.get("/api/customers/g-1/merges").await;
    assert_eq!(listed.json[0]["id"], merged.json["id"]);
    // Of who was merged is told who they are now.
    let opened = shop.get("/api/customers/g-1").await;
    let profile = &opened.json["profile"];
    assert_eq!((&profile["customer_id"], &profile["orders"]), (&"g-2".into(), &2.into()), "{}", opened.text);
    let undo = format!("/api/customers/merges/{}/undo", merged.field("id"));
    assert_eq!(shop.post(&undo, "").await.status, StatusCode::OK);
    assert_eq!(spend(&shop).await, ["g-1 30.00", "g-2 40.00"]);
    assert_eq!(shop.post(&undo, "").await.status, StatusCode::CONFLICT);
    assert_eq!(shop.count("shared.audit where action like 'customer.%'").await, 2);
}
