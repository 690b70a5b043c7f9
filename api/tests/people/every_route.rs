//! Over every operation of the OpenAPI document, so that a new route is tried without a word here: each role may do what
//! the table of permissions says and nothing else, and another tenant's key and token see nothing.
//!
//! An operation says itself which permission it needs: to a key without any it answers 403 and names it. One that does not
//! must be in [`WITHOUT_PERMISSION`], with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use accounts::api_keys::{self, Scope};
use accounts::people::permissions::Role;
use accounts::verify::Mode;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::seats::seat;
use crate::shop::{Shop, open, shop};

/// Operations that ask for a credential and for no permission; those that ask for none say so in the document.
const WITHOUT_PERMISSION: &[(&str, &str)] = &[
    ("/api/auth/", "signing in and out, and who one is"),
    ("/api/agents/me", "oneself"),
    ("/api/agents/{id}/login", "oneself"),
    ("/api/agents/{id}/logout", "oneself"),
    ("/api/gorgias/webhook", "a delivery proves itself by its token or signature as well"),
    ("/api/mail/inbound", "a mail proves itself by its mailbox's token as well"),
    ("/api/kinds", "the names of kinds, without anything of a tenant"),
    ("/ws/agent/", "the handshake comes first"),
];

struct Operation {
    method: String,
    path: String,
    body: String,
    is_public: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&api::openapi_json()).expect("JSON");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if !["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                continue;
            }
            let content = &operation["requestBody"]["content"]["application/json"];
            let body = match content.get("example") {
                Some(example) => example.to_string(),
                None if content["schema"].is_object() => {
                    example(&document, &content["schema"], 0).to_string()
                }
                None => String::new(),
            };
            let is_public = operation["security"] == serde_json::json!([{}]);
            operations.push(Operation { method: method.to_uppercase(), path: path.clone(), body, is_public });
        }
    }
    operations
}

/// A body that is right, as far as the document says what that is.
fn example(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = match schema["$ref"].as_str() {
        Some(path) => document.pointer(path.trim_start_matches('#')).expect("a schema that exists"),
        None => schema,
    };
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match kind {
        _ if depth > 5 => Value::Null,
        "object" => {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let properties = schema["properties"].as_object().into_iter().flatten();
            properties
                .filter(|(name, _)| required.contains(&name.as_str()))
                .map(|(name, part)| (name.clone(), example(document, part, depth + 1)))
                .collect()
        }
        "array" => Value::Array(vec![example(document, &schema["items"], depth + 1)]),
        "integer" | "number" => 1.into(),
        "boolean" => false.into(),
        "string" if schema["format"] == "uuid" => STRANGER.into(),
        "string" => schema["enum"][0].as_str().unwrap_or("x").into(),
        _ => Value::Null,
    }
}

/// An id of nothing.
const STRANGER: &str = "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";

fn filled(path: &str, id: &str) -> String {
    let mut filled = path.to_owned();
    while let (Some(start), Some(end)) = (filled.find('{'), filled.find('}')) {
        filled.replace_range(start..=end, id);
    }
    filled
}

struct Seen {
    status: u16,
    text: String,
}

/// Sends a request; of an answer that never ends the beginning is read.
async fn send(router: &Router, operation: &Operation, id: &str, credential: (&str, &str)) -> Seen {
    let request = Request::builder()
        .method(operation.method.as_str())
        .uri(filled(&operation.path, id))
        .header(credential.0, credential.1)
        .header("content-type", "application/json")
        .body(Body::from(operation.body.clone()))
        .expect("a request");
    let response = router.clone().oneshot(request).await.expect("the router cannot fail");
    let status = response.status().as_u16();
    let endless = response.body().size_hint().exact().is_none();
    let mut stream = response.into_body().into_data_stream();
    let mut bytes = Vec::new();
    loop {
        let next = stream.next();
        let piece = if endless {
            tokio::time::timeout(Duration::from_millis(100), next).await.unwrap_or(None)
        } else {
            next.await
        };
        let Some(Ok(piece)) = piece else { break };
        bytes.extend_from_slice(&piece);
    }
    Seen { status, text: String::from_utf8_lossy(&bytes).into_owned() }
}

/// The permission that a refusal names.
fn named(seen: &Seen) -> Option<Scope> {
    if seen.status != 403 {
        return None;
    }
    let document: Value = serde_json::from_str(&seen.text).ok()?;
    document["detail"].as_str()?.rsplit(' ').next()?.parse().ok()
}

async fn key(shop: &Shop, tenant: database::ids::TenantId, scopes: &[Scope]) -> String {
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let key = api_keys::create(&mut tx, tenant, "test", scopes, None).await.expect("a key");
    tx.commit().await.expect("committed");
    key.text.reveal().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_what_the_table_says() {
    let shop = shop(Mode::Token).await;
    let router = api::router(shop.state.clone());
    let nothing = key(&shop, shop.tenant, &[]).await;
    let mut tokens = BTreeMap::new();
    for role in Role::ALL {
        let seat = seat(&shop, shop.tenant, role, &format!("{role}@example.com")).await;
        tokens.insert(role.name(), (role, format!("Bearer {}", seat.access)));
    }
    let mut faults = Vec::new();
    let mut needs = BTreeMap::new();
    for operation in operations().into_iter().filter(|operation| !operation.is_public) {
        let Operation { method, path, .. } = &operation;
        // A person's token does not stand for the signature of a delivery.
        if path == "/api/gorgias/webhook" {
            continue;
        }
        let refused = send(&router, &operation, STRANGER, ("x-api-key", &nothing)).await;
        let Some(needed) = named(&refused) else {
            if !WITHOUT_PERMISSION.iter().any(|(start, _)| path.starts_with(start)) {
                let text: String = refused.text.chars().take(200).collect();
                faults.push(format!(
                    "{method} {path} names no permission to a key without any: {} {text}",
                    refused.status
                ));
            }
            continue;
        };
        needs.insert(format!("{method} {path}"), needed);
        for (role, token) in tokens.values() {
            let seen = send(&router, &operation, STRANGER, ("authorization", token)).await;
            let may = role.scopes().contains(&needed);
            let fits = match named(&seen) {
                Some(scope) => !role.scopes().contains(&scope),
                None => may && seen.status != 401,
            };
            if !fits || seen.status >= 500 {
                let text: String = seen.text.chars().take(200).collect();
                faults.push(format!("{method} {path} needs {needed}; {role} got {} {text}", seen.status));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(needs.len() > 40, "{needs:?}");
}

/// Who may not send a body is told so before a byte of it is read, whatever it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_read_for_nobody_who_may_not_send_it() {
    let shop = shop(Mode::Token).await;
    let router = api::router(shop.state.clone());
    let nothing = key(&shop, shop.tenant, &[]).await;
    let asked = |operation: &Operation| {
        let is_free = WITHOUT_PERMISSION.iter().any(|(start, _)| operation.path.starts_with(start));
        !operation.is_public && !is_free
    };
    let (mut faults, mut tried) = (Vec::new(), 0);
    for Operation { method, path, .. } in operations().into_iter().filter(asked) {
        let is_read = Arc::new(AtomicBool::new(false));
        let seen = is_read.clone();
        let body = Body::from_stream(futures_util::stream::once(async move {
            seen.store(true, Ordering::Relaxed);
            Ok::<_, Infallible>(bytes::Bytes::from_static(b"{"))
        }));
        let request = Request::builder()
            .method(method.as_str())
            .uri(filled(&path, STRANGER))
            .header("x-api-key", &nothing)
            .header("content-type", "text/plain")
            .body(body)
            .expect("a request");
        let response = router.clone().oneshot(request).await.expect("the router cannot fail");
        let status = response.status().as_u16();
        // What is no refusal may be a stream without an end.
        let body = if status == 403 { response.into_body() } else { Body::empty() };
        let text = axum::body::to_bytes(body, 1 << 20).await.expect("a refusal");
        let refused = Seen { status, text: String::from_utf8_lossy(&text).into_owned() };
        tried += 1;
        if named(&refused).is_none() || is_read.load(Ordering::Relaxed) {
            faults.push(format!("{method} {path}: {status} {}", refused.text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(tried > 200, "{tried} operations");
}

/// A few of these ids, from all over them: every one of them at every route would take minutes.
fn some<'i>(ids: impl IntoIterator<Item = &'i String, IntoIter: ExactSizeIterator>) -> Vec<String> {
    let ids = ids.into_iter();
    let every = ids.len().div_ceil(12).max(1);
    ids.step_by(every).cloned().collect()
}

/// Every id in a text.
fn ids_in(text: &str) -> BTreeSet<String> {
    let is_of_id = |c: char| c.is_ascii_hexdigit() || c == '-';
    text.split(|c: char| !is_of_id(c))
        .filter(|word| word.parse::<uuid::Uuid>().is_ok() && word.len() == 36)
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_credentials_see_nothing() {
    let shop = shop(Mode::Token).await;
    let router = api::router(shop.state.clone());
    let (other, other_key) = open(&shop.state, "other", Mode::Token).await;
    let stranger = format!("Bearer {}", seat(&shop, other, Role::Admin, "eve@example.com").await.access);
    let own = seat(&shop, shop.tenant, Role::Admin, "ada@example.com").await;
    let own_token = format!("Bearer {}", own.access);

    // Something of everything that can be made by a request.
    let delivery =
        r#"{"ticket":{"id":1,"channel":"email"},"message":{"id":1,"body_text":"a secret of the shop's"}}"#;
    assert!(shop.deliver(delivery).await.status.is_success());
    let operations = operations();
    for operation in
        operations.iter().filter(|operation| operation.method == "POST" && !operation.path.contains('{'))
    {
        if !operation.path.starts_with("/api/auth/") {
            send(&router, operation, STRANGER, ("authorization", &own_token)).await;
        }
    }
    // Whatever the shop's own people see, with what is behind it.
    let mut ids = BTreeSet::from([own.agent.to_string(), own.session.id.to_string()]);
    let reads = || {
        operations.iter().filter(|operation| operation.method == "GET" && operation.path.starts_with("/api/"))
    };
    for operation in reads().filter(|operation| !operation.path.contains('{')) {
        ids.extend(ids_in(&send(&router, operation, STRANGER, ("authorization", &own_token)).await.text));
    }
    let mut shown = 0;
    for operation in reads().filter(|operation| operation.path.contains('{')) {
        for id in some(&ids) {
            let seen = send(&router, operation, &id, ("authorization", &own_token)).await;
            shown += usize::from(seen.status == 200);
            ids.extend(ids_in(&seen.text));
        }
    }
    // Named by the request itself or the same for everybody.
    let common: BTreeSet<String> = ids_in(&api::openapi_json());
    let mut secret: Vec<String> =
        ids.into_iter().filter(|id| !common.contains(id) && *id != other.to_string()).collect();
    secret.retain(|id| *id != STRANGER);
    assert!(shown >= 3 && secret.len() >= 5, "{shown} things were shown to their owner, {secret:?}");

    let mut faults = Vec::new();
    let (reads, writes): (Vec<&Operation>, Vec<&Operation>) = operations
        .iter()
        .filter(|operation| operation.path.starts_with("/api/"))
        .partition(|operation| operation.method == "GET");
    let credentials = [("x-api-key", other_key.as_str()), ("authorization", stranger.as_str())];
    // All reads come first: what a stranger writes under an id of the shop's is the stranger's own, and is shown to it.
    for operations in [reads, writes] {
        for (credential, operation) in credentials
            .iter()
            .flat_map(|credential| operations.iter().map(move |operation| (*credential, *operation)))
        {
            let Operation { method, path, .. } = operation;
            if path.starts_with("/api/auth/") || path.starts_with("/api/admin/") {
                continue;
            }
            let tried: Vec<String> = if path.contains('{') { some(&secret) } else { secret[..1].to_vec() };
            // What an id of nothing is answered tells nobody anything.
            let usual = send(&router, operation, STRANGER, credential).await.status;
            for id in tried {
                let seen = send(&router, operation, &id, credential).await;
                // The stranger's own trail names what the stranger asked for.
                let told = method == "GET"
                    && path != "/api/audit"
                    && secret.iter().any(|secret| *secret != id && seen.text.contains(secret.as_str()));
                let reached =
                    path.contains('{') && seen.status != usual && (seen.status < 400 || seen.status == 403);
                if told || reached || seen.status >= 500 || seen.text.contains("a secret of the shop") {
                    let text: String = seen.text.chars().take(200).collect();
                    faults.push(format!(
                        "{method} {path} with {id} by {}: {} {text}",
                        credential.0, seen.status
                    ));
                }
            }
        }
    }
    faults.truncate(40);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
