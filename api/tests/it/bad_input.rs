//! Whatever is wrong with a request is answered with a problem document that names the field.

use std::io::Write;

use crate::desk::{call, new_job, operator};
use crate::shop::{request, shop};
use accounts::verify::Mode;
use api::web::page::cursor;
use axum::body::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

#[tokio::test]
async fn the_field_at_fault_is_named() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let id = "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
    let ticket = r#""payload": {"ticket_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}"#;
    let job = |more: &str| format!(r#"{{"kind": "draft_reply", {ticket}, {more}}}"#);
    let axis = "segment.loyalty";
    let unknown = "/api/jobs/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
    let cases: &[(&str, &str, &str, u16, &str)] = &[
        ("POST", "/api/jobs", "{", 400, "body"),
        ("POST", "/api/jobs", "[]", 400, "body"),
        ("POST", "/api/jobs", "{}", 400, "kind"),
        ("POST", "/api/jobs", r#"{"kind": "nonsense"}"#, 400, "kind"),
        ("POST", "/api/jobs", r#"{"kind": "draft_reply"}"#, 400, "payload"),
        ("POST", "/api/jobs", r#"{"kind": "draft_reply", "payload": {"ticket_id": 7}}"#, 400, "payload"),
        ("POST", "/api/jobs", &format!(r#"{{"kind": "draft_reply", "payload": ["{id}"]}}"#), 400, "payload"),
        ("POST", "/api/jobs/batch", r#"{"jobs": [["probe"]]}"#, 400, "jobs[0]"),
        ("POST", "/api/admin/dead-letters/retry", r#"{"filter": [null, "probe"]}"#, 400, "filter"),
        ("POST", "/api/jobs", &job(r#""colour": "red""#), 400, "colour"),
        ("POST", "/api/jobs", &job(r#""priority": "soon""#), 400, "priority"),
        ("POST", "/api/jobs", &job(r#""run_at": "tomorrow""#), 400, "run_at"),
        ("POST", "/api/jobs", &job(r#""delay_ms": -1"#), 400, "delay_ms"),
        ("POST", "/api/jobs", &job(r#""max_attempts": 0"#), 400, "max_attempts"),
        ("POST", "/api/jobs", &job(r#""dedup_key": """#), 400, "dedup_key"),
        ("POST", "/api/jobs", &job(r#""concurrency_key": """#), 400, "concurrency_key"),
        ("GET", "/api/jobs?colour=red", "", 400, "colour"),
        ("GET", "/api/jobs?state=asleep", "", 400, "state"),
        ("GET", "/api/jobs?state=", "", 400, "state"),
        ("GET", "/api/jobs?state=done,,dead", "", 400, "state"),
        ("GET", "/api/jobs?cursor=nonsense", "", 400, "cursor"),
        ("GET", &format!("/api/customers?cursor={}", cursor("/api/tickets", id)), "", 400, "cursor"),
        ("GET", "/api/intelligence/customers?archetype=a&archetype=b", "", 400, "archetype"),
        ("GET", &format!("/api/intelligence/customers?{axis}=a&{axis}=b"), "", 400, axis),
        ("GET", "/api/sla/dashboard?from=2026-1-1", "", 400, "from"),
        ("GET", "/api/settings/assignment?colour=red", "", 400, "colour"),
        ("GET", "/api/orders/import/mappings/%20", "", 400, "name"),
        ("GET", "/api/tickets/search", "", 400, "q"),
        ("POST", "/api/admin/queues/ai/pause?colour=red", "", 400, "colour"),
        ("GET", "/api/jobs?limit=1000", "", 400, "limit"),
        ("GET", "/api/jobs?created_from=yesterday", "", 400, "created_from"),
        ("GET", "/api/jobs?parent_id=7", "", 400, "parent_id"),
        ("GET", "/api/jobs?fields=colour", "", 400, "fields"),
        ("GET", "/api/jobs?tenant_id=7", "", 400, "tenant_id"),
        ("GET", "/api/jobs/7", "", 400, "id"),
        ("GET", &format!("{unknown}?wait=soon"), "", 400, "wait"),
        ("GET", &format!("{unknown}?wait=1e1s"), "", 400, "wait"),
        ("GET", &format!("{unknown}?wait=-0s"), "", 400, "wait"),
        ("GET", &format!("{unknown}?fields="), "", 400, "fields"),
        ("GET", &format!("{unknown}?fields=id,"), "", 400, "fields"),
        ("GET", &format!("{unknown}?until=later"), "", 400, "until"),
        (
            "POST",
            &format!("{unknown}/cancel"),
            &format!(r#"{{"reason": "{}"}}"#, "x".repeat(501)),
            400,
            "reason",
        ),
        ("GET", "/api/admin/dead-letters?died_to=later", "", 400, "died_to"),
        ("POST", "/api/admin/dead-letters/retry", "{}", 400, "filter"),
        ("POST", "/api/admin/dead-letters/retry", r#"{"ids": []}"#, 400, "ids"),
        ("POST", "/api/admin/dead-letters/retry", r#"{"filter": {"colour": 1}}"#, 400, "filter.colour"),
        ("POST", "/api/admin/dead-letters/discard", r#"{"all": true, "canary": 1}"#, 400, "canary"),
        ("PUT", "/api/admin/queues/ai/concurrency", r#"{"slots": -1}"#, 400, "slots"),
        ("PUT", "/api/admin/queues/ai/concurrency", "{}", 400, "slots"),
        ("PUT", "/api/admin/kinds/probe/limit", r#"{"max_running": 0}"#, 400, "max_running"),
        ("GET", "/api/admin/audit?cursor=nonsense", "", 400, "cursor"),
        ("GET", "/api/admin/audit?looks=perhaps", "", 400, "looks"),
        ("GET", "/api/jobs?kind=prob", "", 400, "kind"),
        ("GET", "/api/jobs?queue=defualt", "", 400, "queue"),
        ("GET", "/api/admin/dead-letters?kind=prob", "", 400, "kind"),
        ("POST", "/api/admin/dead-letters/retry", r#"{"filter": {"kind": "prob"}}"#, 400, "filter.kind"),
        ("POST", "/api/admin/queues/ai/drain", r#"{"kind": "prob", "dry_run": true}"#, 400, "kind"),
    ];
    for (method, path, body, status, field) in cases {
        let answer = call(&shop, &operator, method, path, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.field("field")),
            (*status, *field),
            "{method} {path} {body}: {}",
            answer.text
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.json["status"], json!(status));
        assert!(answer.field("type").starts_with("urn:deskwork:problem:"));
    }
}

#[tokio::test]
async fn a_payload_is_refused_by_what_its_own_route_refuses() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let id = "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
    for (kind, payload, told) in [
        ("import_orders", json!({"path": "a.csv", "currency": "ABC"}), "`currency` must be the code"),
        ("import_orders", json!({"path": "../a.csv"}), "`path` must be a path below"),
        (
            "import_orders",
            json!({"path": "a.csv", "stated": {"encoding": "x"}}),
            "`stated.encoding` must be a name",
        ),
        ("draft_reply", json!({"ticket_id": id, "tone": "rude"}), "`tone` must be among friendly"),
        ("draft_reply", json!({"ticket_id": id, "length": "epic"}), "`length` must be among short"),
        ("train_churn", json!({"horizon_days": 0}), "`horizon_days` must be 7 to 365"),
        ("train_ltv", json!({"horizon_days": 366}), "`horizon_days` must be 7 to 365"),
        ("train_churn", json!({"as_of": "9999-12-31"}), "`as_of` must be a day"),
        ("resegment_tenant", json!({"as_of": "1969-12-31"}), "`as_of` must be a day"),
        ("score_customers", json!({}), "`customer_ids` must name 1 to 1000"),
        ("recompute_profile", json!({"customer_id": ""}), "`customer_id` must have 1 to 128"),
        ("sync_source", json!({"source": "a b"}), "`source` must have 1 to 64"),
        ("refresh_rank", json!({"customer_id": ""}), "`customer_id` must have 1 to 128"),
        ("run_timed_rules", json!({"cause_id": 1, "after_minutes": 0}), "`after_minutes` must be 1 to"),
        ("drain_queue", json!({"queue": "ops", "up_to": id}), "`queue` must be another than ops"),
        ("retry_dead", json!({"filter": {}, "canary": 5_000}), "`canary` must be 0 to 1000"),
        ("discard_dead", json!({"filter": {}, "reason": "x".repeat(501)}), "`reason` must have at most 500"),
    ] {
        let job = json!({"kind": kind, "payload": payload});
        let batch = json!({"jobs": [{"kind": "probe"}, job]});
        for (path, body, field) in
            [("/api/jobs", job, "payload"), ("/api/jobs/batch", batch, "jobs[1].payload")]
        {
            let refused = call(&shop, &operator, "POST", path, &body.to_string()).await;
            let found = (refused.status.as_u16(), refused.field("field"));
            assert_eq!(found, (400, field), "{body}: {}", refused.text);
            assert!(refused.field("detail").starts_with(told), "{body}: {}", refused.text);
        }
    }
    assert_eq!(shop.count("jobs.live").await, 0);
    // What lies ahead is looked at by the day on which the job begins.
    let soon = chrono::Utc::now() + chrono::TimeDelta::days(10);
    let later = json!({"kind": "train_churn", "payload": {"as_of": soon.date_naive()}, "run_at": soon});
    let taken = call(&shop, &operator, "POST", "/api/jobs", &later.to_string()).await;
    assert_eq!(taken.status, 202, "{}", taken.text);
}

#[tokio::test]
async fn a_range_that_is_told_is_that_of_the_field_and_not_of_its_type() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    for (method, path, body, told) in [
        ("PUT", "/api/admin/kinds/probe/limit", r#"{"max_running": 3000000000}"#, "from 1 to 100000"),
        ("PUT", "/api/admin/queues/ai/concurrency", r#"{"slots": -3000000000}"#, "from 0 to 10000"),
        ("POST", "/api/jobs", r#"{"kind": "probe", "max_attempts": 40000}"#, "from 1 to 100"),
        (
            "POST",
            "/api/jobs/batch",
            r#"{"jobs": [{"kind": "probe", "max_attempts": 40000}]}"#,
            "from 1 to 100",
        ),
        ("POST", "/api/admin/dead-letters/retry", r#"{"all": true, "canary": -1}"#, "from 0 to 1000"),
    ] {
        let refused = call(&shop, &operator, method, path, body).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        let detail = refused.field("detail");
        assert!(detail.contains(&format!("must be a whole number {told}, not the number")), "{detail}");
    }
}

#[tokio::test]
async fn what_postgres_cannot_store_is_refused_at_the_door_and_nothing_is_enqueued() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let probe = r#"{"kind":"probe"}"#;
    let nul = r#"{"kind":"probe","payload":{"name":"a\u0000b"}}"#;
    let deep = format!(r#"{{"kind":"probe","payload":{{"a":{}{}}}}}"#, "[".repeat(100), "]".repeat(100));
    let id = "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
    let cases: &[(&str, &str, &str, &str)] = &[
        ("POST", "/api/jobs", nul, "payload"),
        (
            "POST",
            "/api/jobs/batch",
            &format!(r#"{{"jobs":[{probe},{probe},{nul},{probe},{probe}]}}"#),
            "jobs[2].payload",
        ),
        ("POST", "/api/jobs", r#"{"kind":"import_orders","payload":{"path":"x\u0000.csv"}}"#, "payload"),
        ("POST", "/api/jobs", r#"{"kind":"probe","payload":{"name":"\ud83d"}}"#, "payload"),
        ("POST", "/api/jobs", r#"{"kind":"probe","payload":{"\udc00":1}}"#, "payload"),
        ("POST", "/api/jobs", r#"{"kind":"probe","payload":{"n":1e400000}}"#, "payload"),
        ("POST", "/api/jobs", &deep, "payload"),
        ("POST", "/api/jobs", r#"{"kind":"probe","dedup_key":"a\u0000"}"#, "dedup_key"),
        ("POST", "/api/admin/dead-letters/retry", r#"{"filter":{"kind":"\u0000"}}"#, "filter.kind"),
        ("POST", &format!("/api/jobs/{id}/cancel"), r#"{"reason":"\ud83d"}"#, "reason"),
        ("GET", "/api/jobs?kind=%00", "", "kind"),
        ("GET", "/api/jobs?kind=%ED%A0%80", "", "kind"),
        ("POST", "/api/admin/queues/a%00b/pause", "", "queue"),
        ("GET", "/api/jobs/%FF", "", "id"),
    ];
    for (method, path, body, field) in cases {
        let answer = call(&shop, &operator, method, path, body).await;
        let found = (answer.status.as_u16(), answer.field("field"));
        assert_eq!(found, (400, *field), "{method} {path}: {}", answer.text);
    }
    assert_eq!(shop.count("jobs.live").await, 0);
}

#[tokio::test]
async fn requests_may_be_packed_and_other_packings_and_charsets_are_named() {
    let shop = shop(Mode::Token).await;
    let send = |encoding: &'static str, kind: &'static str, body: Vec<u8>| {
        let request = request("POST", "/api/jobs").header("x-api-key", &shop.key);
        let request = request.header("content-encoding", encoding).header("content-type", kind);
        shop.send(request.body(Body::from(body)).expect("a request"))
    };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(new_job().as_bytes()).expect("packed");
    let packed = gzip.finish().expect("packed");
    let json = "application/json";
    assert_eq!(send("GZIP", "application/json; charset=UTF-8", packed.clone()).await.status, 202);
    for (encoding, kind, status, field) in [
        ("br", json, 415, "Content-Encoding"),
        ("deflate", json, 400, "Content-Encoding"),
        ("gzip", "application/xml", 415, "Content-Type"),
        ("gzip", "application/json; charset=utf-16", 415, "Content-Type"),
    ] {
        let answer = send(encoding, kind, packed.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.field("field")), (status, field), "{}", answer.text);
    }
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 16 << 20]).expect("packed");
    let answer = send("gzip", json, bomb.finish().expect("packed")).await;
    assert_eq!((answer.status.as_u16(), answer.field("field")), (413, "body"));
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_413() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let body = |bytes| json!({"kind": "probe", "payload": {"padding": "x".repeat(bytes)}}).to_string();
    let payload = call(&shop, &operator, "POST", "/api/jobs", &body(300_000)).await;
    assert_eq!((payload.status.as_u16(), payload.field("field")), (413, "payload"));
    let whole = call(&shop, &operator, "POST", "/api/jobs", &body(600_000)).await;
    assert_eq!((whole.status.as_u16(), whole.field("field")), (413, "body"));
    assert_eq!(shop.count("jobs.live").await, 0);
}

#[tokio::test]
async fn unknown_paths_methods_and_content_types_are_problems_too() {
    let shop = shop(Mode::Token).await;
    assert_eq!(shop.get("/nothing").await.field("type"), "urn:deskwork:problem:not-found");
    let method = call(&shop, &shop.key, "DELETE", "/api/jobs", "").await;
    assert_eq!(
        (method.status.as_u16(), method.field("type")),
        (405, "urn:deskwork:problem:method-not-allowed")
    );
    assert!(method.headers.contains_key("allow"));
    let form =
        request("POST", "/api/jobs").header("x-api-key", &shop.key).header("content-type", "text/plain");
    let form = shop.send(form.body(Body::from("{}")).expect("a request")).await;
    assert_eq!((form.status.as_u16(), form.field("field")), (415, "Content-Type"));
    for path in ["/api/admin/queues/nonsense/pause", "/api/admin/schedules/nonsense/pause"] {
        let answer = call(&shop, &operator(&shop).await, "POST", path, "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn without_the_database_the_answer_is_503_and_says_when_to_come_back() {
    let shop = shop(Mode::Token).await;
    let request = request("GET", "/api/jobs")
        .header("x-api-key", "dsk_0123456789ab_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let answer = shop.send_without_database(request.body(Body::empty()).expect("a request")).await;
    assert_eq!((answer.status.as_u16(), answer.field("type")), (503, "urn:deskwork:problem:unavailable"));
    assert_eq!(answer.headers["retry-after"], "2");
}
