//! What an import would make of a file, before anything is stored; and mappings for files that no profile knows.

use accounts::api_keys::Scope;
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::desk::{call, key, neighbour};
use crate::shop::{Answer, Shop, request, shop};

const GERMAN: &str = "sep=;\nBeleg;Kunde;Datum;Umsatz;Lager\n1;c1;03.10.2026;1.299,00;A\n2;c2;13.10.2026;12,50;A\n3;c3;14.10.2026;zw\u{f6}lf;A\n";

fn upload(key: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    let request = request("POST", path).header("x-api-key", key).header("content-type", content_type);
    request.body(body.into()).expect("a request")
}

async fn preview(shop: &Shop, query: &str, body: impl Into<Body>) -> Answer {
    shop.send(upload(&shop.key, &format!("/api/orders/import/preview{query}"), "text/csv", body)).await
}

#[tokio::test]
async fn a_preview_shows_what_was_understood_and_stores_nothing() {
    let shop = shop(Mode::Token).await;
    let text = "order_id;customer_id;ordered_at;quantity;amount;note\n1;c1;03.10.2026;1;1.299,00;\n2;c2;13.10.2026;1;12,50;\n3;c2;13.10.2026;1;ten;\n";
    let shown = preview(&shop, "?currency=EUR&orders=1", text).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let json = &shown.json;
    assert_eq!(
        (&json["profile"], &json["is_whole"], &json["orders"]),
        (&"lines".into(), &true.into(), &2.into())
    );
    assert_eq!((&json["file"]["separator"], &json["file"]["encoding"]), (&";".into(), &"utf-8".into()));
    assert_eq!(json["forms"]["numbers"], json!({ "mark": "comma" }));
    assert_eq!(json["forms"]["dates"], "day_first");
    assert_eq!(json["unknown_columns"], json!(["note"]));
    assert_eq!(json["worth"], json!({ "EUR": "1311.50" }));
    assert_eq!(json["sample"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["sample"][0]["lines"][0]["amount"], "1299.00");
    assert_eq!(json["sample"][0]["ordered_at"], "2026-10-03", "the file knows no hour");
    assert_eq!(json["remarks"], json!([]));
    let left_out = &json["left_out"][0];
    assert_eq!(
        (&left_out["reason"], &left_out["line"], &left_out["column"]),
        (&"number_unreadable".into(), &4.into(), &"amount".into())
    );
    assert_eq!(shop.count("jobs.live").await, 0);
    assert_eq!(shop.count("platform.order_line").await, 0);
}

#[tokio::test]
async fn a_currency_that_nobody_stated_is_remarked_on() {
    let shop = shop(Mode::Token).await;
    let text = "order_id,customer_id,ordered_at,amount\n1,c1,2026-10-03 18:30,5\n";
    let shown = preview(&shop, "", text).await;
    let remark = &shown.json["remarks"][0];
    assert_eq!(
        (&remark["reason"], &remark["rows"]),
        (&"currency_assumed".into(), &1.into()),
        "{}",
        shown.text
    );
    assert!(remark["message"].as_str().is_some_and(|message| message.contains("USD")));
    assert_eq!(shown.json["sample"][0]["ordered_at"], "2026-10-03T18:30:00Z");
    let stated = preview(&shop, "?currency=USD", text).await;
    assert_eq!(stated.json["remarks"], json!([]), "{}", stated.text);
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_by_name() {
    let shop = shop(Mode::Token).await;
    for (query, body, status, said) in [
        ("", "a,b,c\n1,2,3\n", 422, "there is no column for amount"),
        ("", "", 422, "the file is empty"),
        ("?decimal=dot", "x", 400, "must be point"),
        ("?separator=ab", "x", 400, "must be comma, semicolon"),
        ("?zone=Berlin", "x", 400, "Europe/Berlin"),
        ("?encoding=klingon", "a,b\n1,2\n", 400, "Encoding Standard"),
        ("?mapping=none", "a,b\n1,2\n", 422, "there is no mapping of this name"),
        ("?mapping=no%20name", "a,b\n1,2\n", 400, "letters, digits"),
        ("?profile=none", "a,b\n1,2\n", 400, "shopify_orders"),
        ("?part=end", "x", 400, "beginning"),
        ("?colour=red", "x", 400, "unknown parameter"),
    ] {
        let answer = preview(&shop, query, body).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.text);
        assert!(answer.text.contains(said), "{query}: {}", answer.text);
    }
    let large = preview(&shop, "", vec![b'x'; 8 * 1024 * 1024 + 1]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    // What may be read in two ways is shown with the question.
    let open = preview(&shop, "", "order_id,customer_id,ordered_at,amount\n1,c,03/10/2026,5\n").await;
    assert_eq!(open.status, StatusCode::OK, "{}", open.text);
    assert!(
        open.json["problem"].as_str().is_some_and(|problem| problem.contains("day first or month first"))
    );
    let stated =
        preview(&shop, "?dates=day_first", "order_id,customer_id,ordered_at,amount\n1,c,03/10/2026,5\n")
            .await;
    assert_eq!((&stated.json["orders"], &stated.json["problem"]), (&1.into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn a_file_of_the_folder_is_shown_by_name() {
    let shop = shop(Mode::Token).await;
    std::fs::create_dir_all(shop.imports()).expect("the folder");
    std::fs::write(
        shop.imports().join("sync.tsv"),
        "order_id\tcustomer_id\tordered_at\tamount\n1\tc\t2026-10-01\t5\n",
    )
    .expect("a file");
    let shown = shop.post("/api/orders/import/preview", r#"{"path":"sync.tsv","currency":"GBP"}"#).await;
    assert_eq!(
        (shown.status, &shown.json["worth"]),
        (StatusCode::OK, &json!({ "GBP": "5" })),
        "{}",
        shown.text
    );
    let missing = shop.post("/api/orders/import/preview", r#"{"path":"none.csv"}"#).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_mapping_is_saved_under_a_name_and_used() {
    let shop = shop(Mode::Token).await;
    let path = "/api/orders/import/mappings/warehouse";
    let mapping = json!({
        "columns": { "Beleg": "order_id", "Kunde": "customer_id", "Datum": "ordered_at", "Umsatz": "amount" },
        "statuses": { "bezahlt": "paid" }, "currency": "EUR", "separator": ";", "decimal": "comma",
    });
    let saved = call(&shop, &shop.key, "PUT", path, &mapping.to_string()).await;
    assert_eq!(saved.status, StatusCode::NO_CONTENT, "{}", saved.text);
    let read = shop.get(path).await;
    assert_eq!(read.json["mapping"], mapping, "{}", read.text);
    assert_eq!(shop.get("/api/orders/import/mappings").await.json["items"][0]["name"], "warehouse");
    let shown = preview(&shop, "?mapping=warehouse", GERMAN).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert_eq!((&shown.json["orders"], &shown.json["worth"]), (&2.into(), &json!({ "EUR": "1311.50" })));
    assert_eq!(shown.json["unknown_columns"], json!(["Lager"]));
    // An import names it, and is made again only when it is read otherwise.
    let import = |query: &str| upload(&shop.key, &format!("/api/orders/import{query}"), "text/csv", GERMAN);
    let started = shop.send(import("?mapping=warehouse&dates=day_first")).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text);
    let payload = shop.payload(started.field("job_id")).await;
    assert_eq!(
        (&payload["mapping"], &payload["stated"]),
        (&"warehouse".into(), &json!({ "dates": "day_first" }))
    );
    assert_eq!(shop.send(import("?mapping=none")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Another tenant sees nothing of it.
    let (tenant, _) = neighbour(&shop).await;
    let key = key(&shop, tenant, &[Scope::OrdersWrite], None).await;
    assert_eq!(call(&shop, &key, "GET", path, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(call(&shop, &shop.key, "DELETE", path, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(call(&shop, &shop.key, "DELETE", path, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_with_a_mapping_is_said_by_field() {
    let shop = shop(Mode::Token).await;
    let path = "/api/orders/import/mappings/m";
    for (body, field) in [
        (r#"{"columns":{}}"#, "columns"),
        (r#"{"columns":{"A":"price_tag"}}"#, "columns.A"),
        (
            r#"{"columns":{"A":"order_id","B":"order_id","C":"customer_id","D":"ordered_at","E":"amount"}}"#,
            "columns",
        ),
        (
            r#"{"columns":{"B":"order_id","C":"customer_id","D":"ordered_at","E":"amount"},"decimal":"dot"}"#,
            "decimal",
        ),
        (
            r#"{"columns":{"B":"order_id","C":"customer_id","D":"ordered_at","E":"amount"},"encoding":"klingon"}"#,
            "encoding",
        ),
        (
            r#"{"columns":{"B":"order_id","C":"customer_id","D":"ordered_at","E":"amount"},"currency":"euro"}"#,
            "currency",
        ),
        (
            r#"{"columns":{"B":"order_id","C":"customer_id","D":"ordered_at","E":"amount"},"colour":"red"}"#,
            "colour",
        ),
        (r#"{"columns":{"B\u0000":"order_id","C":"customer_id","D":"ordered_at","E":"amount"}}"#, "columns"),
    ] {
        let answer = call(&shop, &shop.key, "PUT", path, body).await;
        assert_eq!(
            (answer.status, answer.field("field")),
            (StatusCode::BAD_REQUEST, field),
            "{body}: {}",
            answer.text
        );
    }
    assert_eq!(
        call(&shop, &shop.key, "PUT", "/api/orders/import/mappings/a%20b", "{}").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn what_a_mapping_would_have_to_say_is_told_as_lists() {
    let shop = shop(Mode::Token).await;
    let missing = preview(&shop, "", "Kennung;Wann;Wer;Stk;Wert\n1;2026-03-01;a@x.de;1;10,00\n").await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", missing.text);
    assert_eq!(missing.json["columns"], json!(["Kennung", "Wann", "Wer", "Stk", "Wert"]));
    assert!(missing.json["missing"].as_array().is_some_and(|what| what.contains(&"order_id".into())));
    let text = "order_id,customer_id,ordered_at,amount,status\n1,c1,2026-03-01,5,wundersam\n2,c1,2026-03-01,5,paid\n";
    let shown = preview(&shop, "?currency=EUR", text).await;
    assert_eq!(shown.json["unknown_statuses"], json!(["wundersam"]), "{}", shown.text);
}

#[tokio::test]
async fn a_preview_of_more_than_an_import_may_have_is_refused_and_leaves_nothing() {
    let shop = shop(Mode::Token).await;
    let path = "/api/orders/import/preview";
    let mut sent = upload(&shop.key, path, "application/octet-stream", "PK");
    sent.headers_mut().insert("content-length", "9000000".parse().expect("a header"));
    let refused = shop.send(sent).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.text);
    let left = std::fs::read_dir(shop.imports().join("incoming")).expect("the folder of uploads").count();
    assert_eq!(left, 0);
}
