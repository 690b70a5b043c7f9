//! The OpenAPI document against what is answered: every parameter says what it may be, what is just beyond is refused with what
//! is allowed, both ends are taken, and every refusal has a form that is described. The document names what is tried, so a new
//! route is tried without a word here.

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use accounts::verify::Mode;
use api::web::door::MAX_ADDRESS_BYTES;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use crate::desk::key;
use crate::shop::shop;

/// How refusals are written.
const PROBLEM: &str = "application/problem+json";

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// An operation of the document.
struct Operation {
    method: &'static str,
    path: String,
    described: Value,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&api::openapi_json()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| {
            let described = item.get(method)?.clone();
            Some(Operation { method, path: path.clone(), described })
        })
    });
    operations.collect()
}

/// A parameter of a query or a path.
struct Parameter {
    method: &'static str,
    path: String,
    name: String,
    is_of_query: bool,
    schema: Value,
}

fn parameters() -> Vec<Parameter> {
    let all = operations().into_iter().flat_map(|operation| {
        let parameters = operation.described["parameters"].as_array().cloned().unwrap_or_default();
        parameters.into_iter().map(move |parameter| {
            let text = |field: &str| parameter[field].as_str().expect("a text").to_owned();
            let (name, place) = (text("name"), text("in"));
            let found = Parameter {
                method: operation.method,
                path: operation.path.clone(),
                name,
                is_of_query: place == "query",
                schema: parameter["schema"].clone(),
            };
            (place, found)
        })
    });
    all.filter(|(place, _)| place == "query" || place == "path").map(|(_, parameter)| parameter).collect()
}

impl Parameter {
    fn what(&self) -> String {
        format!("{} {} {}: {}", self.method, self.path, self.name, self.schema)
    }

    fn is_bounded(&self) -> bool {
        let has = |name: &str| !self.schema[name].is_null();
        match self.schema["type"].as_str() {
            Some("integer" | "number") => has("minimum") && has("maximum"),
            Some("string") => {
                let formats = ["uuid", "date", "date-time"];
                has("maxLength")
                    || has("enum")
                    || self.schema["format"].as_str().is_some_and(|format| formats.contains(&format))
            }
            Some("boolean") => true,
            _ => false,
        }
    }

    /// Values just beyond what is described, percent-encoded.
    fn beyond(&self) -> Vec<String> {
        let whole = |name: &str| self.schema[name].as_i64().map(i128::from);
        let owned =
            |values: &[&str]| -> Vec<String> { values.iter().map(|&value| value.to_owned()).collect() };
        match (self.schema["type"].as_str(), self.schema["format"].as_str()) {
            (Some("integer"), _) => {
                let (least, most) = (whole("minimum").expect("a range"), whole("maximum").expect("a range"));
                vec![(most + 1).to_string(), (least - 1).to_string(), "1.5".to_owned(), "many".to_owned()]
            }
            (Some("number"), _) => owned(&["NaN", "1e400", "-1e400", "many"]),
            (Some("boolean"), _) => owned(&["1", "yes"]),
            (_, Some("uuid")) => owned(&["7"]),
            (_, Some("date-time")) => owned(&["2026-01-31", "yesterday"]),
            (_, Some("date")) => owned(&["2026-02-30", "yesterday"]),
            _ => match self.schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok()) {
                // Characters are counted, not bytes.
                Some(most) => {
                    let strange = self.is_ascii().then(|| "%C3%A9".to_owned());
                    ["x".repeat(most + 1), "%C3%A9".repeat(most + 1)].into_iter().chain(strange).collect()
                }
                None => owned(&["none-of-them"]),
            },
        }
    }

    /// Whether no character beyond ASCII is taken.
    fn is_ascii(&self) -> bool {
        self.schema["pattern"] == r"^[\x01-\x7F]*$"
    }

    /// The most bytes that its value takes in an address, with every byte of it percent-encoded. Of what has a form of its own,
    /// such as a time, 64 characters are enough to write it.
    fn most_bytes(&self) -> usize {
        let words = self.schema["enum"].as_array().into_iter().flatten();
        let word = words.filter_map(|word| Some(word.as_str()?.len())).max();
        let text = self.schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
        3 * match text {
            // A character has four bytes at most.
            Some(most) if !self.is_ascii() => 4 * most,
            Some(most) => most,
            None => word.unwrap_or(64),
        }
    }

    /// The ends of what is described, and every word.
    fn ends(&self) -> Vec<String> {
        let words = self.schema["enum"].as_array().into_iter().flatten();
        let words = words.map(|word| word.as_str().expect("a word").to_owned());
        let ends = ["minimum", "maximum"].into_iter().filter_map(|end| self.schema.get(end));
        words.chain(ends.map(Value::to_string)).collect()
    }

    fn request(&self, value: &str, key: &str) -> Request<Body> {
        let address = match self.is_of_query {
            true => format!("{}?{}={value}", filled(&self.path), self.name),
            false => filled(&self.path.replace(&format!("{{{}}}", self.name), value)),
        };
        request(self.method, &address, key)
    }
}

/// A path with an id in the place of each of its parameters.
fn filled(path: &str) -> String {
    let part = |part: &str| match part.starts_with('{') {
        true => "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81".to_owned(),
        false => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn request(method: &str, address: &str, key: &str) -> Request<Body> {
    let builder = Request::builder().method(method.to_uppercase().as_str()).uri(address);
    let builder = builder.header("x-api-key", key).header("content-type", "application/json");
    builder.body(Body::empty()).expect("a request")
}

/// The problem document that a request is refused with, and its status.
async fn refusal(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let answer = router.clone().oneshot(request).await.expect("the router cannot fail");
    let status = answer.status();
    if content_type(answer.headers()) != PROBLEM {
        // A stream would be read for ever.
        return (status, Value::Null);
    }
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&body).expect("a problem document"))
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default()
}

#[test]
fn every_parameter_says_what_it_may_be() {
    let all = parameters();
    assert!(all.len() > 300, "{} parameters", all.len());
    let open: Vec<String> = all.iter().filter(|one| !one.is_bounded()).map(Parameter::what).collect();
    assert!(open.is_empty(), "{open:#?}");
}

/// A longer address is refused before anything of ours sees it, without a document.
#[test]
fn all_that_an_operation_takes_fits_into_one_address() {
    let mut addresses = BTreeMap::new();
    for parameter in parameters() {
        let address = addresses.entry((parameter.method, parameter.path.clone()));
        // With the signs around its name.
        let name = if parameter.is_of_query { parameter.name.len() + 2 } else { 0 };
        *address.or_insert(parameter.path.len()) += name + parameter.most_bytes();
    }
    let longest = addresses.values().max().expect("an operation");
    assert!(*longest > 10_000, "{longest} bytes: nothing was counted");
    addresses.retain(|_, bytes| *bytes > MAX_ADDRESS_BYTES);
    assert!(addresses.is_empty(), "{addresses:#?}");
}

#[test]
fn texts_of_one_form_have_it_in_the_description() {
    let document: Value = serde_json::from_str(&api::openapi_json()).expect("JSON");
    let pattern = |path: &str, method: &str, name: &str| {
        let parameters = document["paths"][path][method]["parameters"].as_array().expect("parameters");
        let parameter = parameters.iter().find(|one| one["name"] == name).expect("the parameter");
        parameter["schema"]["pattern"].clone()
    };
    let agent = pattern("/api/agents/{id}/queue", "get", "id");
    assert!(agent.as_str().is_some_and(|pattern| pattern.starts_with("^(me|")), "{agent}");
    assert_eq!(pattern("/api/tickets", "get", "assignee"), agent);
    let key = pattern("/api/jobs", "post", "Idempotency-Key");
    assert!(key.as_str().is_some_and(|pattern| pattern.contains("{1,200}")), "{key}");
    let model = &document["paths"]["/api/intelligence/models/{id}"]["get"]["parameters"][0];
    assert_eq!(model["schema"]["format"], "uuid");
}

#[test]
fn every_refusal_may_be_a_problem_document_and_every_body_has_a_form() {
    for operation in operations() {
        let what = format!("{} {}", operation.method, operation.path);
        let responses = operation.described["responses"].as_object().expect("responses");
        for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with(['1', '2', '3']))
        {
            assert!(response["content"][PROBLEM].is_object(), "{what} {status}");
        }
        let contents = operation.described["requestBody"]["content"].as_object().into_iter().flatten();
        for (kind, content) in contents.filter(|(kind, _)| !kind.contains("json")) {
            let schema = &content["schema"];
            match kind.as_str() {
                "application/x-www-form-urlencoded" => {
                    let fields = schema["properties"].as_object().map_or(0, |fields| fields.len());
                    assert!(fields > 0, "{what}: the fields of the form");
                }
                _ => assert_eq!(schema["type"], "string", "{what} {kind}"),
            }
        }
    }
}

/// A part that is one of several objects, or made of several, is read twice, and an object in it could be written as a list
/// of its values the second time (see `jobs::by_name`). One whose variants have a single field each is not.
#[test]
fn no_part_of_a_body_that_is_read_twice_has_an_object_in_it() {
    let document: Value = serde_json::from_str(&api::openapi_json()).expect("JSON");
    let mut faults = Vec::new();
    for operation in operations() {
        let body = &operation.described["requestBody"]["content"]["application/json"]["schema"];
        let what = format!("{} {}", operation.method, operation.path);
        look_into(&document, body, &what, 0, &mut faults);
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The schema behind a reference.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).expect("a schema that exists"),
        None => schema,
    }
}

/// Whether a value of this schema has fields of its own, or is a list of such.
fn has_fields(document: &Value, schema: &Value) -> bool {
    let schema = resolved(document, schema);
    schema["properties"].is_object()
        || (schema["items"].is_object() && has_fields(document, &schema["items"]))
}

fn look_into(document: &Value, schema: &Value, place: &str, depth: usize, faults: &mut Vec<String>) {
    // A schema may contain itself.
    if depth > 12 {
        return;
    }
    let schema = resolved(document, schema);
    let parts = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|of| schema[of].as_array()).flatten();
    let parts: Vec<&Value> =
        parts.filter(|part| part["type"] != "null").map(|part| resolved(document, part)).collect();
    for part in &parts {
        let fields = part["properties"].as_object();
        for (name, field) in fields.into_iter().flatten().filter(|_| parts.len() > 1) {
            if fields.is_some_and(|fields| fields.len() > 1) && has_fields(document, field) {
                faults.push(format!("{place}.{name}"));
            }
        }
        look_into(document, part, place, depth + 1, faults);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        look_into(document, field, &format!("{place}.{name}"), depth + 1, faults);
    }
    for inner in [&schema["items"], &schema["additionalProperties"]] {
        if inner.is_object() {
            look_into(document, inner, &format!("{place}[]"), depth + 1, faults);
        }
    }
}

#[tokio::test]
async fn what_is_just_beyond_the_description_is_refused_by_name() {
    let shop = shop(Mode::Token).await;
    let key = key(&shop, shop.tenant, &Scope::ALL, None).await;
    let router = api::router(shop.state.clone());
    let mut faults = Vec::new();
    for parameter in parameters() {
        for value in parameter.beyond() {
            let (status, problem) = refusal(&router, parameter.request(&value, &key)).await;
            let detail = problem["detail"].as_str().unwrap_or_default();
            let is_named = problem["field"] == parameter.name.as_str();
            let ends = ["minimum", "maximum"].map(|end| parameter.schema[end].as_i64());
            let says_range = match (parameter.schema["type"].as_str(), ends) {
                (Some("integer"), [Some(least), Some(most)]) => {
                    detail.contains(&format!("from {least} to {most}"))
                }
                _ => true,
            };
            // An id or a name in a path may be one that nobody has.
            let is_right = match parameter.is_of_query {
                true => status == StatusCode::BAD_REQUEST && is_named && says_range,
                false => status.is_client_error(),
            };
            if !is_right {
                let value: String = value.chars().take(40).collect();
                faults.push(format!("{} <- {value}: {status} {problem}", parameter.what()));
            }
        }
    }
    assert!(faults.is_empty(), "{} of them: {:#?}", faults.len(), &faults[..faults.len().min(40)]);
}

/// No event has the greatest number yet, which is refused as of today.
const OF_TODAY: &str = "after";

#[tokio::test]
async fn both_ends_and_every_word_are_taken() {
    let shop = shop(Mode::Token).await;
    let key = key(&shop, shop.tenant, &Scope::ALL, None).await;
    let router = api::router(shop.state.clone());
    let mut faults = Vec::new();
    let mut tried = 0;
    for parameter in parameters().into_iter().filter(|one| one.is_of_query && one.name != OF_TODAY) {
        for value in parameter.ends() {
            let (status, problem) = refusal(&router, parameter.request(&value, &key)).await;
            tried += 1;
            // Some reports do not have all that their group has.
            let is_of_another =
                problem["detail"].as_str().unwrap_or_default().starts_with("unknown parameter");
            if status.is_server_error() || (problem["field"] == parameter.name.as_str() && !is_of_another) {
                faults.push(format!("{} <- {value}: {status} {problem}", parameter.what()));
            }
        }
    }
    assert!(tried > 150, "{tried} values");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn what_no_route_sees_is_refused_in_a_form_that_is_described() {
    let shop = shop(Mode::Token).await;
    let key = key(&shop, shop.tenant, &Scope::ALL, None).await;
    let router = api::router(shop.state.clone());
    for operation in operations() {
        let address = format!("{}?code=%00", filled(&operation.path));
        let answer = router.clone().oneshot(request(operation.method, &address, &key)).await;
        let answer = answer.expect("the router cannot fail");
        let what = format!("{} {}: {}", operation.method, operation.path, answer.status());
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{what}");
        let responses = &operation.described["responses"];
        let described = responses.get("400").unwrap_or(&responses["default"]);
        let kind = content_type(answer.headers());
        assert!(described["content"].get(kind).is_some(), "{what} {kind} is not described");
    }
}
