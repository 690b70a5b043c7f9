//! Calls leave signed and to where they may.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use chrono::Utc;
use outbound::signature::{self, Secret};
use serde_json::json;
use support::rules::webhooks;
use tokio::time::Instant;
use upstreams::webhook::Webhooks;
use upstreams::{Breakers, CallContext, ClientError, Destinations};

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_leave_signed_and_to_where_they_may() {
    let desk = Desk::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = stream.read(&mut piece).expect("reads");
            bytes.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.to_lowercase().lines().find_map(|line| {
                    line.strip_prefix("content-length: ").and_then(|length| length.parse::<usize>().ok())
                });
                if length.is_some_and(|length| body.len() >= length) {
                    stream
                        .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                        .expect("answers");
                    return text;
                }
            }
        }
    });
    let url = format!("http://{address}/hook");
    desk.rule(
        json!({"name": "call", "event": "ticket_created", "actions": [{"do": "call_webhook", "url": url}]}),
    )
    .await;
    desk.ticket("call them").await;
    let text = tokio::task::spawn_blocking(move || heard.join().expect("heard")).await.expect("heard");
    let (head, body) = text.split_once("\r\n\r\n").expect("a request");
    let secret = webhooks::secret(&desk.app.master_key, desk.tenant);
    let header = |name: &str| {
        let value = head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)));
        value.unwrap_or_else(|| panic!("{name}: {head}")).1.to_owned()
    };
    let signed = signature::verify(
        &Secret::of(secret),
        &header(signature::ID_HEADER),
        &header(signature::TIMESTAMP_HEADER),
        &header(signature::SIGNATURE_HEADER),
        body.as_bytes(),
        Utc::now().timestamp(),
    );
    assert!(signed, "{head}");
    assert!(!body.contains("call them") && !body.contains("ann@example.com"), "{body}");
    assert_eq!(desk.count("support_app.rule_webhook where state = 'delivered' and status = 204").await, 1);

    let strict = Webhooks::new(Destinations::PublicOnly, Breakers::default()).expect("a client");
    let within =
        CallContext { deadline: Instant::now() + std::time::Duration::from_secs(5), traceparent: None };
    for url in
        ["http://127.0.0.1/x", "https://10.0.0.1/x", "https://169.254.169.254/latest", "ftp://example.com"]
    {
        let refused = strict.call(&within, url, "rule", &[], b"{}".to_vec()).await;
        assert!(matches!(refused, Err(ClientError::ForbiddenAddress { .. })), "{url}: {refused:?}");
    }
}
