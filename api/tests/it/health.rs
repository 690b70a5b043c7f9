//! Health, readiness, metrics, and imports that begin with an upload.

use crate::shop::{Answer, Shop, request, shop, shop_with};
use accounts::verify::Mode;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

fn get(path: &str) -> Request<Body> {
    request("GET", path).body(Body::empty()).expect("a request")
}

/// What is answered once the process has found out so: who asks is not kept waiting for it, and hears of what was
/// not found out yet as of what is down.
async fn until(shop: &Shop, path: &str, status: &str) -> Answer {
    loop {
        let answer = shop.send(get(path)).await;
        if answer.field("status") == status {
            return answer;
        }
    }
}

#[tokio::test]
async fn a_healthy_process_says_so_without_a_key() {
    let shop = shop(Mode::Token).await;
    let health = until(&shop, "/health", "ok").await;
    assert_eq!(health.status, StatusCode::OK, "{}", health.text);
    assert_eq!(
        health.json,
        serde_json::json!({
            "status": "ok",
            "components": { "database": "ok", "schema": "ok", "redis": "ok" },
            "data_status": { "customers_loaded": 0, "archetypes_available": false }
        })
    );
    assert_eq!(shop.send(get("/health/ready")).await.status, StatusCode::OK);
    assert_eq!(shop.send(get("/health/live")).await.status, StatusCode::OK);
    let metrics = shop.send(get("/metrics")).await;
    assert!(metrics.headers["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4"));
    assert!(metrics.text.contains(r#"deskwork_http_requests_total{route="/health","#), "{}", metrics.text);
    // An alert on its growth needs it from the start.
    let unauthenticated = r#"deskwork_webhooks_total{provider="gorgias",outcome="unauthenticated"} 0"#;
    assert!(metrics.text.contains(unauthenticated), "{}", metrics.text);
}

#[tokio::test]
async fn without_redis_it_is_degraded_and_ready() {
    let many = std::num::NonZeroU32::new(1_000).expect("not zero");
    let rates = api::web::limits::Rates {
        general_per_minute: many,
        webhooks_per_minute: many,
        ai_per_minute: many,
        segments_per_minute: many,
    };
    let shop = shop_with(Mode::Token, rates, "redis://127.0.0.1:9").await;
    let ready = until(&shop, "/health/ready", "degraded").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(ready.json["components"]["redis"], "down");
}

#[tokio::test]
async fn a_cluster_whose_schedulers_are_away_is_degraded_and_ready() {
    let shop = shop(Mode::Token).await;
    let mut tx = shop.state.db.queue_tx().await.expect("a transaction");
    // Somebody led until a minute ago.
    jobs::schedules::lead(&mut tx, uuid::Uuid::now_v7(), -60.0).await.expect("a leader");
    tx.commit().await.expect("committed");
    let ready = until(&shop, "/health/ready", "degraded").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert!(ready.json["scheduler_away_since"].is_string(), "{}", ready.text);
    assert_eq!(ready.json["components"]["redis"], "ok");
}

/// A user who may read alone stands for a replica and for a full memory: it answers, and takes nothing.
#[tokio::test]
async fn a_redis_that_takes_nothing_is_degraded_and_says_what_to_do() {
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let (_, rest) = redis.split_once("://").expect("a URL");
    let host = rest.split('/').next().expect("a host");
    let user = format!("reader-{}", uuid::Uuid::now_v7().simple());
    let mut direct = BufReader::new(TcpStream::connect(host).await.expect("the test server"));
    let mut tell = async |line: String| {
        direct.write_all(line.as_bytes()).await.expect("it listens");
        let mut answer = String::new();
        direct.read_line(&mut answer).await.expect("it answers");
        answer
    };
    let set = format!("ACL SETUSER {user} on >secret ~* &* +@all -@write\r\n");
    assert_eq!(tell(set).await, "+OK\r\n");
    let many = std::num::NonZeroU32::new(1_000).expect("not zero");
    let rates = api::web::limits::Rates {
        general_per_minute: many,
        webhooks_per_minute: many,
        ai_per_minute: many,
        segments_per_minute: many,
    };
    let shop = shop_with(Mode::Token, rates, &format!("redis://{user}:secret@{host}")).await;
    let ready = loop {
        let ready = until(&shop, "/health/ready", "degraded").await;
        // A busy machine may have made it answer late.
        if ready.json["components"]["redis"] == "refuses" {
            break ready;
        }
    };
    assert_eq!(ready.status, StatusCode::OK);
    let advice = ready.json["redis_advice"].as_str().expect("what to do");
    assert!(advice.contains("rights"), "{advice}");
    assert_eq!(tell(format!("ACL DELUSER {user}\r\n")).await, ":1\r\n");
}

#[tokio::test]
async fn without_postgres_it_lives_and_is_not_ready() {
    let shop = shop(Mode::Token).await;
    let ready = shop.send_without_database(get("/health/ready")).await;
    assert_eq!((ready.status, ready.field("status")), (StatusCode::SERVICE_UNAVAILABLE, "down"));
    assert!(ready.headers.contains_key("retry-after"));
    assert_eq!(shop.send_without_database(get("/health/live")).await.status, StatusCode::OK);
}

const CSV: &str = "customer_id,order_id,ordered_at,quantity,amount\n1,o1,2026-01-01,1,9.99\n";

fn upload(key: &str, path: &str, content_type: &str, body: Body) -> Request<Body> {
    let request = request("POST", path).header("x-api-key", key).header("content-type", content_type);
    request.body(body).expect("a request")
}

#[tokio::test]
async fn an_upload_becomes_a_file_and_a_job() {
    let shop = shop(Mode::Token).await;
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        CSV.as_bytes().chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = shop
        .send(upload(&shop.key, "/api/orders/import?currency=EUR", "text/csv; charset=utf-8", body))
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let path = answer.field("path");
    assert!(path.starts_with(&format!("tenants/{}/", shop.tenant)) && path.ends_with(".csv"), "{path}");
    assert_eq!(std::fs::read_to_string(shop.imports().join(path)).expect("the file"), CSV);
    let payload = shop.payload(answer.field("job_id")).await;
    assert_eq!(payload, serde_json::json!({ "path": path, "currency": "EUR" }));
    let rejects = shop.get(&format!("/api/orders/imports/{}/rejects", answer.field("job_id"))).await;
    assert_eq!(rejects.json, serde_json::json!({ "items": [], "next_cursor": null }), "{}", rejects.text);
    let unknown = shop.get(&format!("/api/orders/imports/{}/rejects", uuid::Uuid::now_v7())).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_refused_or_broken_upload_leaves_no_file_and_no_job() {
    let shop = shop(Mode::Token).await;
    let send = async |content_type: &str, body: Body| {
        shop.send(upload(&shop.key, "/api/orders/import", content_type, body)).await.status
    };
    assert_eq!(send("text/csv", Body::from(vec![b'x'; 1_000_001])).await, StatusCode::PAYLOAD_TOO_LARGE);
    let endless = (0..20).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 100_000])));
    let streamed = Body::from_stream(futures_util::stream::iter(endless));
    assert_eq!(send("text/csv", streamed).await, StatusCode::PAYLOAD_TOO_LARGE);
    let broken = [Ok(Bytes::from("a,b\n")), Err(std::io::Error::other("cut"))];
    assert_eq!(
        send("text/csv", Body::from_stream(futures_util::stream::iter(broken))).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(send("text/csv", Body::empty()).await, StatusCode::BAD_REQUEST);
    assert_eq!(send("image/png", Body::from("x")).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for folder in ["incoming".to_owned(), format!("tenants/{}", shop.tenant)] {
        let left = std::fs::read_dir(shop.imports().join(&folder)).expect("the folder").count();
        assert_eq!(left, 0, "{folder}");
    }
    assert_eq!(shop.count("jobs.live").await, 0);
}

#[tokio::test]
async fn a_file_of_the_folder_is_imported_by_name_once_at_a_time() {
    let shop = shop(Mode::Token).await;
    std::fs::create_dir_all(shop.imports()).expect("the folder");
    std::fs::write(shop.imports().join("sync.csv"), CSV).expect("a file");
    let first = shop.post("/api/orders/import", r#"{"path":"sync.csv"}"#).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    let again = shop.post("/api/orders/import", r#"{"path":"sync.csv"}"#).await;
    assert_eq!(again.field("job_id"), first.field("job_id"));
    for (body, status, field) in [
        (r#"{"path":"../sync.csv"}"#, 400, "path"),
        (r#"{"path":"/etc/passwd"}"#, 400, "path"),
        (r#"{"path":"none.csv"}"#, 422, "path"),
        (r#"{"path":"sync.csv","currency":"euro"}"#, 400, "currency"),
        (r#"{"path":"sync.csv","currency":"ABC"}"#, 400, "currency"),
        (r#"{"file":"sync.csv"}"#, 400, "file"),
    ] {
        let answer = shop.post("/api/orders/import", body).await;
        assert_eq!((answer.status.as_u16(), answer.field("field")), (status, field), "{}", answer.text);
    }
}
