//! Requests that people reported, as they were: delays at and beyond every edge, keys of odd characters, idempotency keys
//! that are used for something else.

use std::io::Write as _;

use accounts::verify::Mode;
use axum::body::Body;
use serde_json::json;

use crate::desk::{call, operator};
use crate::shop::{Answer, Shop, request, shop};

/// Delays that are negative, huge or absurd.
#[tokio::test]
async fn a_delay_is_kept_to_the_millisecond_or_refused_by_name() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let ask = async |more: &str| {
        call(&shop, &operator, "POST", "/api/jobs", &format!(r#"{{"kind":"probe",{more}}}"#)).await
    };
    for (more, field) in [
        (r#""delay_ms":-1"#, "delay_ms"),
        (r#""delay_ms":9223372036854775807"#, "delay_ms"),
        (r#""delay_ms":1e3"#, "delay_ms"),
        (r#""delay_ms":"5000""#, "delay_ms"),
        (r#""run_at":"9999-12-31T23:59:59Z""#, "run_at"),
        (r#""run_at":"2026-12-01T10:00:00""#, "run_at"),
    ] {
        let answer = ask(more).await;
        assert_eq!((answer.status.as_u16(), answer.field("field")), (400, field), "{more}: {}", answer.text);
    }
    let past = ask(r#""run_at":"0001-01-01T00:00:00Z""#).await;
    assert_eq!((past.status.as_u16(), past.field("state")), (202, "ready"), "{}", past.text);
    let month = ask(r#""delay_ms":2678400000"#).await;
    assert_eq!((month.status.as_u16(), month.field("state")), (202, "scheduled"), "{}", month.text);
    assert_eq!(shop.count("jobs.live").await, 2);
    let in_31_days = "jobs.live where due_at between now() + interval '31 days' - interval '1 minute' and now() + interval '31 days'";
    assert_eq!(shop.count(in_31_days).await, 1);
}

/// Keys with odd characters: each is its own, bytes compared.
#[tokio::test]
async fn each_odd_key_is_its_own_and_no_other() {
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let long = "k".repeat(200);
    let keys = [
        "a:b:c",
        "{x}",
        "*",
        "123",
        "0",
        " ",
        "\u{1f4a5}",
        "\u{e9}",
        "e\u{301}",
        long.as_str(),
        "' or 1=1 --",
    ];
    let ask = async |name: &str, key: &str| {
        let body = json!({"kind": "probe", "payload": {}, "delay_ms": 600_000, name: key}).to_string();
        call(&shop, &operator, "POST", "/api/jobs", &body).await
    };
    let mut jobs = Vec::new();
    for key in keys {
        let (first, again) = (ask("dedup_key", key).await, ask("dedup_key", key).await);
        assert_eq!(
            (first.status.as_u16(), &first.json["created"]),
            (202, &true.into()),
            "{key}: {}",
            first.text
        );
        assert_eq!(again.json["created"], false, "{key}: {}", again.text);
        assert_eq!(again.field("job_id"), first.field("job_id"), "{key}");
        jobs.push(first.field("job_id").to_owned());
        assert_eq!(ask("concurrency_key", key).await.status, 202, "{key}");
    }
    jobs.sort_unstable();
    jobs.dedup();
    assert_eq!(jobs.len(), keys.len());
    for name in ["dedup_key", "concurrency_key"] {
        for key in ["", "a\u{0}", &"k".repeat(201)] {
            let answer = ask(name, key).await;
            assert_eq!(
                (answer.status.as_u16(), answer.field("field")),
                (400, name),
                "{key:?}: {}",
                answer.text
            );
        }
    }
}

/// A file that is packed on its way: header values compare without case, and what is packed is found from the bytes.
#[tokio::test]
async fn a_packed_upload_is_taken_whatever_its_headers_look_like() {
    let shop = shop(Mode::Token).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let csv = "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,5\n";
    let packed = encoder.write_all(csv.as_bytes()).and_then(|()| encoder.finish()).expect("packed");
    for (encoding, kind, status) in [
        ("GZIP", "text/csv", 202),
        ("x-gzip", "text/csv", 202),
        ("gzip", "application/gzip", 202),
        ("br", "text/csv", 415),
    ] {
        let request = request("POST", "/api/orders/import?currency=EUR")
            .header("x-api-key", &shop.key)
            .header("content-encoding", encoding)
            .header("content-type", kind);
        let answer = shop.send(request.body(Body::from(packed.clone())).expect("a request")).await;
        assert_eq!(answer.status.as_u16(), status, "{encoding} {kind}: {}", answer.text);
        if status == 202 {
            let kept = std::fs::read(shop.imports().join(answer.field("path"))).expect("the file");
            assert_eq!(kept, packed, "{encoding} {kind}");
        } else {
            assert_eq!(answer.field("field"), "Content-Encoding");
        }
    }
}

async fn with_key(shop: &Shop, operator: &str, key: &str, path: &str, kind: &str, body: &str) -> Answer {
    let request = request("POST", path)
        .header("x-api-key", operator)
        .header("idempotency-key", key)
        .header("content-type", kind);
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// An idempotency key that comes again with another path, other bytes, or while the first is under way.
#[tokio::test]
async fn an_idempotency_key_stands_for_one_request() {
    const JSON: &str = "application/json";
    let shop = shop(Mode::Token).await;
    let operator = operator(&shop).await;
    let probe = r#"{"kind":"probe"}"#;
    let ask =
        async |key: &str, path: &str, body: &str| with_key(&shop, &operator, key, path, JSON, body).await;
    assert_eq!(ask("k", "/api/jobs", probe).await.status, 202);
    for (path, body) in
        [("/api/jobs/batch", r#"{"jobs":[{"kind":"probe"}]}"#), ("/api/jobs", r#"{ "kind": "probe" }"#)]
    {
        let other = ask("k", path, body).await;
        assert_eq!((other.status.as_u16(), other.field("field")), (422, "Idempotency-Key"), "{path} {body}");
    }
    // The same bytes are no batch at all.
    assert!(ask("k", "/api/jobs/batch", probe).await.status.is_client_error());
    assert_eq!(shop.count("jobs.live").await, 1);

    let twenty = (0..20).map(|_| with_key(&shop, &operator, "at-once", "/api/jobs", JSON, probe));
    let answers = futures_util::future::join_all(twenty).await;
    let first = answers[0].field("job_id");
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.field("job_id") == first));
    let replayed =
        answers.iter().filter(|answer| answer.headers.contains_key("idempotency-replayed")).count();
    assert_eq!((replayed, shop.count("jobs.live").await), (19, 2));

    // What was refused has not used the key up.
    assert_eq!(ask("second-try", "/api/jobs", r#"{"kind":"nonsense"}"#).await.status, 400);
    assert_eq!(ask("second-try", "/api/jobs", probe).await.status, 202);

    let csv = "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,5\n";
    let upload = async |currency: &str| {
        let path = format!("/api/orders/import?currency={currency}");
        with_key(&shop, &shop.key, "upload", &path, "text/csv", csv).await
    };
    let first = upload("EUR").await;
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(upload("EUR").await.field("job_id"), first.field("job_id"));
    let other = upload("USD").await;
    assert_eq!((other.status.as_u16(), other.field("field")), (422, "Idempotency-Key"), "{}", other.text);
}
