//! Every parameter of every route with values that nobody should send: paths, queries, headers and bodies, as the OpenAPI
//! document names them, so a new route is tried without a word here. Whatever is sent, it is the caller's mistake: it is
//! refused with a problem document in plain words, without a name of Rust's types, or it is fine. It is never a 5xx, and
//! nothing panics.

use accounts::api_keys::Scope;
use accounts::verify::Mode;
use api::web::page::cursor;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request};
use futures_util::{StreamExt, stream};
use jobs::ledger::{Ending, Failure};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::desk::{enqueue, finish, key};
use crate::shop::{Shop, shop};

/// What texts in addresses are tried with, percent-encoded.
fn odd_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "%20",
        "%00",
        "a%00b",
        "%FF",
        "%ED%A0%80",
        "%C3",
        "%",
        "%zz",
        "%F0%9F%92%A5",
        "%0A",
        "-1",
        "0",
        "1.5",
        "1e400",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "NaN",
        "null",
        "true",
        "[]",
        "..",
        "%2e%2e%2f",
        "'%20or%201=1%20--",
        "{x}",
        "*",
        ",",
        "a,,b",
        "1970-01-01",
        "0000-00-00",
        "9999-12-31",
        "99999-01-01",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "%2B262142-12-31T23:59:59Z",
        "-262143-01-01T00:00:00Z",
        "2026-06-30T23:59:60Z",
        "2026-06-30T23:59:59%2B23:59",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    texts.extend(["x".repeat(501), "x".repeat(9_000), "%F0%9F%92%A5".repeat(300)]);
    texts
}

/// Cursors of the list at a path, which lead on behind what is in no list.
fn odd_cursors(path: &str) -> Vec<String> {
    [
        "",
        "\0",
        "a\0b",
        "9223372036854775807 ffffffff-ffff-ffff-ffff-ffffffffffff",
        "-9223372036854775808 00000000-0000-0000-0000-000000000000",
        "8210266876799999999 00000000-0000-0000-0000-000000000000",
        "99999-12-31",
        "-262143-01-01",
        "NaN",
        "1e999",
        "NaN x",
        "2147483648",
        "inf\u{1f}x",
        "[null]",
        "{}",
        "{\"a\":1}",
    ]
    .map(|key| cursor(path, key))
    .to_vec()
}

/// What fields of bodies are tried with, as JSON or what passes for it.
fn odd_json() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e308",
        "1e400",
        "1e400000",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "[]",
        "[[]]",
        "[null]",
        "{}",
        "{\"a\":null}",
        "\"\"",
        "\" \"",
        "\"a\\u0000b\"",
        "\"\\ud83d\"",
        "\"\\udc00x\"",
        "\"\u{1F4A5}\"",
        "[\"\\u0000\"]",
        "{\"\\u0000\":1}",
        "{\"x\":\"\\ud83d\"}",
        "\"NaN\"",
        "\"1e400\"",
        "\"-1\"",
        "\"9223372036854775808\"",
        "\"'; drop table x; --\"",
        "\"0001-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"+262142-12-31T23:59:59Z\"",
        "\"-262143-01-01T00:00:00Z\"",
        "\"2026-06-30T23:59:60Z\"",
        "\"99999-12-31\"",
        "\"-262143-01-01\"",
        "\"0000-00-00\"",
        "\"00000000-0000-0000-0000-000000000000\"",
        "\"../../etc/passwd\"",
        "\"a/../b\"",
        "\"\\u200f\"",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    values.push(format!("\"{}\"", "x".repeat(600)));
    values.push(format!("\"{}\"", "x".repeat(70_000)));
    values.push(format!("{}1{}", "[".repeat(200), "]".repeat(200)));
    values.push(format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100)));
    values.push(format!("[{}]", vec!["1"; 10_001].join(",")));
    values
}

/// What headers are tried with.
fn odd_headers() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        "",
        " ",
        "x",
        "\"",
        "W/\"x\"",
        "*",
        "-1",
        "9223372036854775808",
        "gzip, gzip",
        "br",
        "{}",
        "00-0-0-0",
        ";;=,",
    ]
    .into_iter()
    .map(|value| value.as_bytes().to_vec())
    .collect();
    values.extend([vec![0xFF, 0xFE], "💥".as_bytes().to_vec(), b"x".repeat(300), b"x".repeat(5_000)]);
    values
}

/// A place for an odd value in a body.
const HERE: &str = "@@here@@";

/// The document, to look things up in.
struct Document(Value);

impl Document {
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(path) => self.0.pointer(path.trim_start_matches('#')).expect("a schema that exists"),
            None => schema,
        }
    }

    /// A body that is right, as far as the document says what that is.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        for several in ["oneOf", "anyOf", "allOf"] {
            if let Some(first) =
                schema[several].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null"))
            {
                return self.example(first, depth + 1);
            }
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
        match kind {
            _ if depth > 5 => Value::Null,
            "object" => {
                let properties = schema["properties"].as_object().into_iter().flatten();
                properties.map(|(name, part)| (name.clone(), self.example(part, depth + 1))).collect()
            }
            "array" => json!([self.example(&schema["items"], depth + 1)]),
            "integer" | "number" => json!(1),
            "boolean" => json!(false),
            "string" => schema["enum"][0].as_str().unwrap_or("x").into(),
            _ => Value::Null,
        }
    }

    /// Every body that is right but for one field, in the place of which [`HERE`] stands.
    fn variants(&self, schema: &Value, example: &Value, depth: usize) -> Vec<Value> {
        let schema = self.resolve(schema);
        let mut variants = vec![json!(HERE)];
        if depth > 4 {
            return variants;
        }
        for several in ["oneOf", "anyOf", "allOf"] {
            for one in schema[several].as_array().into_iter().flatten() {
                variants.extend(self.variants(one, example, depth + 1));
            }
        }
        for (name, part) in schema["properties"].as_object().into_iter().flatten() {
            // Without it.
            if let Some(mut fields) = example.as_object().cloned() {
                fields.remove(name);
                variants.push(fields.into());
            }
            for variant in self.variants(part, &example[name], depth + 1) {
                let mut body = if example.is_object() { example.clone() } else { json!({}) };
                body[name] = variant;
                variants.push(body);
            }
        }
        if schema["items"].is_object() {
            let one = example.get(0).cloned().unwrap_or_else(|| self.example(&schema["items"], depth + 1));
            variants.extend(
                self.variants(&schema["items"], &one, depth + 1).into_iter().map(|item| json!([item])),
            );
        }
        variants
    }
}

/// A request, and how it reads when it goes wrong.
struct Attempt {
    what: String,
    request: Request<Body>,
}

/// Real ids, so that what lies behind a look-up is reached as well.
struct Ids(Vec<(&'static str, String)>);

impl Ids {
    fn fill(&self, path: &str) -> String {
        let mut filled = path.to_owned();
        for (pattern, id) in &self.0 {
            if path.starts_with(pattern) {
                if let (Some(start), Some(end)) = (filled.find('{'), filled.find('}')) {
                    filled.replace_range(start..=end, id);
                }
                break;
            }
        }
        while let (Some(start), Some(end)) = (filled.find('{'), filled.find('}')) {
            filled.replace_range(start..=end, "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81");
        }
        filled
    }
}

fn attempts(document: &Document, keys: &[String], ids: &Ids) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for (path, item) in document.0["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if method == "parameters" {
                continue;
            }
            let parameters = || {
                let own = operation["parameters"].as_array().into_iter().flatten();
                own.chain(item["parameters"].as_array().into_iter().flatten())
            };
            let body = operation["requestBody"]["content"]["application/json"].clone();
            let right = match body.get("example") {
                Some(example) => example.clone(),
                None if body["schema"].is_object() => document.example(&body["schema"], 0),
                None => Value::Null,
            };
            let written = if right.is_null() { String::new() } else { right.to_string() };
            let mut attempt = |address: &str, headers: &[(&str, Vec<u8>)], body: &[u8]| {
                for key in keys {
                    let mut builder = Request::builder().method(method.to_uppercase().as_str()).uri(address);
                    builder = builder.header("x-api-key", key);
                    for (name, value) in headers {
                        let Ok(value) = HeaderValue::from_bytes(value) else { return };
                        builder = builder.header(*name, value);
                    }
                    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                        builder = builder.header("content-type", "application/json");
                    }
                    // An address that no client could send is no attempt.
                    let Ok(request) = builder.body(Body::from(body.to_vec())) else { return };
                    let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
                    let address: String = address.chars().take(200).collect();
                    attempts
                        .push(Attempt { what: format!("{method} {address} {headers:?} {shown}"), request });
                }
            };
            let address = ids.fill(path);
            for parameter in parameters() {
                let name = parameter["name"].as_str().expect("a name");
                match parameter["in"].as_str().expect("a place") {
                    "path" => {
                        for odd in odd_texts().into_iter().filter(|odd| !odd.is_empty()) {
                            let odd_path = ids.fill(&path.replace(&format!("{{{name}}}"), &odd));
                            attempt(&odd_path, &[], written.as_bytes());
                        }
                    }
                    "query" => {
                        let cursors = if name == "cursor" { odd_cursors(&address) } else { Vec::new() };
                        for odd in odd_texts().into_iter().chain(cursors) {
                            attempt(&format!("{address}?{name}={odd}"), &[], written.as_bytes());
                        }
                        attempt(&format!("{address}?{name}=1&{name}=2"), &[], written.as_bytes());
                    }
                    "header" => {
                        for odd in odd_headers() {
                            attempt(&address, &[(name, odd)], written.as_bytes());
                        }
                    }
                    other => panic!("{other} parameters are not tried yet"),
                }
            }
            attempt(&format!("{address}?%00=1"), &[], written.as_bytes());
            attempt(&format!("{address}?colour=red"), &[], written.as_bytes());
            if operation["requestBody"].is_object() {
                let values = odd_json();
                for variant in document.variants(&body["schema"], &right, 0) {
                    let variant = variant.to_string();
                    // What only lacks something is tried once.
                    let values = if variant.contains(HERE) { values.as_slice() } else { &values[..1] };
                    for value in values {
                        attempt(&address, &[], variant.replace(&format!("\"{HERE}\""), value).as_bytes());
                    }
                }
                for bytes in [&b""[..], b"{", b"\xff\xfe", b"\"", b"{\"a\":1}{}", b"\xef\xbb\xbf{}"] {
                    attempt(&address, &[], bytes);
                }
                for kind in [
                    "text/plain",
                    "application/xml",
                    "application/json; charset=utf-16",
                    "x",
                    "\u{e9}",
                    "image/png",
                ] {
                    attempt(&address, &[("content-type", kind.as_bytes().to_vec())], written.as_bytes());
                }
                for packing in ["gzip", "GZIP", "br", "deflate", "identity", "gzip, gzip", "\u{e9}"] {
                    attempt(
                        &address,
                        &[("content-encoding", packing.as_bytes().to_vec())],
                        written.as_bytes(),
                    );
                }
            }
        }
    }
    attempts
}

/// Words of Rust and of its readers, by which nobody can mend a request.
const NOT_FOR_PEOPLE: [&str; 24] = [
    "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize", "f32", "f64",
    "struct", "enum", "tuple", "newtype", "visitor", "variant", "untagged", "sequence", "serde", "Option",
];

/// Whether a refusal is in plain words.
fn is_plain(refusal: &Value) -> bool {
    let detail = refusal["detail"].as_str().unwrap_or_default();
    let is_readers = [
        "invalid type",
        "invalid value",
        "invalid length",
        "missing field",
        "unknown field",
        "expected value",
    ]
    .iter()
    .any(|words| detail.contains(words));
    // What is no JSON at all has a place in the text, and no field.
    detail.starts_with("this is no JSON text: ")
        || !is_readers
            && !detail
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| NOT_FOR_PEOPLE.contains(&word))
}

/// What is wrong with the answer, if anything.
async fn fault(router: axum::Router, attempt: Attempt) -> Option<String> {
    let answer = router.oneshot(attempt.request).await.expect("the router cannot fail");
    let status = answer.status().as_u16();
    let content_type = answer.headers().get("content-type").cloned();
    let is =
        |expected: &str| content_type.as_ref().is_some_and(|found| found.as_bytes() == expected.as_bytes());
    if status < 400 {
        // A stream of events would be followed for ever.
        return None;
    }
    if status < 500 && is("application/problem+json") {
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        let refusal: Value = serde_json::from_slice(&body).expect("a problem document");
        let fault = format!("{status} {refusal} <- {}", attempt.what);
        return (!is_plain(&refusal)).then_some(fault);
    }
    // What customers open from a mail or from the shop answers them with a page, also when it refuses.
    let for_people = [" /r/", " /help/", " /my/"].iter().any(|pages| attempt.what.contains(pages));
    if status < 500 && for_people && is("text/html; charset=utf-8") {
        return None;
    }
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    Some(format!("{status} {} <- {}", String::from_utf8_lossy(&body), attempt.what))
}

async fn real_ids(shop: &Shop) -> Ids {
    let waiting = enqueue(shop, &shop.key).await;
    let dead = enqueue(shop, &shop.key).await;
    let failure = Failure::new("bad", "it is bad");
    finish(shop, dead, Ending::Dead { failure }).await;
    let delivery =
        shop.deliver(r#"{"ticket":{"id":1,"channel":"email"},"message":{"id":1,"body_text":"x"}}"#).await;
    let segment = shop.post("/api/segments", r#"{"name":"All","rule":"order_count >= 0"}"#).await;
    assert!(segment.status.is_success(), "{}", segment.text);
    Ids(vec![
        ("/api/admin/dead-letters/", dead.to_string()),
        ("/api/jobs/", waiting.to_string()),
        ("/api/webhooks/deliveries/", delivery.field("delivery_id").to_owned()),
        ("/api/segments/", segment.field("id").to_owned()),
        ("/api/admin/queues/", "default".to_owned()),
        ("/api/admin/kinds/", "probe".to_owned()),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_of_any_parameter_is_our_fault_and_each_is_refused_in_plain_words() {
    let shop = shop(Mode::Token).await;
    let every = [&Scope::ALL[..]].concat();
    let keys = [key(&shop, shop.tenant, &every, None).await];
    let ids = real_ids(&shop).await;
    let document = Document(serde_json::from_str(&api::openapi_json()).expect("JSON"));
    let attempts = attempts(&document, &keys, &ids);
    let operations: usize = document.0["paths"]
        .as_object()
        .expect("paths")
        .values()
        .map(|item| item.as_object().map_or(0, |o| o.len()))
        .sum();
    assert!(attempts.len() > 20 * operations, "{} attempts at {operations} operations", attempts.len());
    let router = api::router(shop.state.clone());
    // No more at once than there are places for reads that scan, whose refusal would be a 503.
    let faults: Vec<String> = stream::iter(attempts)
        .map(|attempt| fault(router.clone(), attempt))
        .buffer_unordered(2)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let shown: Vec<&String> = faults.iter().take(40).collect();
    assert!(faults.is_empty(), "{} of them: {shown:#?}", faults.len());
}
