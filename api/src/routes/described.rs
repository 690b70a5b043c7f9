//! What holds for every operation and is therefore described once, here: its name, that it may refuse with a problem document,
//! what its parameters may be ([`parameters`]), and how bodies that are no JSON are written.

mod parameters;

use serde_json::Value;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{KnownFormat, Object, SchemaFormat, Type};
use utoipa::openapi::{
    Content, ContentBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

use crate::routes::support::help::refusal;

/// How refusals are written.
const PROBLEM: &str = "application/problem+json";

/// Completes the description of every operation.
pub(super) fn complete(document: &mut OpenApi) {
    let may_be_empty = without_required_fields(document);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    parameters::describe(path, parameter);
                }
            }
            describe_contents(operation, &may_be_empty);
            describe_refusals(operation);
            if refusal::is_public(path) {
                describe_pages(operation);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let operations = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `post /api/jobs/{id}/cancel` is `post_jobs_id_cancel`.
fn operation_id(method: &str, path: &str) -> String {
    let words =
        path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "api");
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// Where the schemas are of which an empty object is one.
fn without_required_fields(document: &OpenApi) -> Vec<String> {
    let schemas = document.components.iter().flat_map(|components| &components.schemas);
    let empty = schemas.filter(
        |(_, schema)| matches!(schema, RefOr::T(Schema::Object(object)) if object.required.is_empty()),
    );
    empty.map(|(name, _)| format!("#/components/schemas/{name}")).collect()
}

/// A body without a required field may be left out, because an empty one counts as `{}`. Bytes are no list of numbers, and a form
/// has fields.
fn describe_contents(operation: &mut Operation, may_be_empty: &[String]) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.iter_mut().for_each(|(kind, content)| describe_content(kind, content));
        }
    }
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    if let Some(RefOr::T(json)) = body.content.get("application/json")
        && let Some(RefOr::Ref(schema)) = &json.schema
        && may_be_empty.contains(&schema.ref_location)
    {
        body.required = Some(Required::False);
    }
    body.content.iter_mut().for_each(|(kind, content)| describe_content(kind, content));
}

fn describe_content(kind: &str, content: &mut RefOr<Content>) {
    let RefOr::T(content) = content else { return };
    match &content.schema {
        Some(RefOr::T(Schema::Array(_))) if !kind.contains("json") => {
            let mut bytes = Object::with_type(Type::String);
            bytes.format = Some(SchemaFormat::KnownFormat(KnownFormat::Binary));
            content.schema = Some(RefOr::T(Schema::Object(bytes)));
        }
        _ if kind == "application/x-www-form-urlencoded" => describe_form(content),
        _ => {}
    }
}

/// The fields of a form are those of its example, which is written as a browser sends it.
fn describe_form(content: &mut Content) {
    let Some(Value::String(example)) = &content.example else { return };
    let mut form = Object::with_type(Type::Object);
    let mut fields = serde_json::Map::new();
    for (name, value) in url::form_urlencoded::parse(example.as_bytes()) {
        form.properties.insert(name.to_string(), RefOr::T(Schema::Object(Object::with_type(Type::String))));
        fields.insert(name.into_owned(), Value::from(value.into_owned()));
    }
    content.schema = Some(RefOr::T(Schema::Object(form)));
    content.example = Some(Value::Object(fields));
}

/// Whatever is refused before a route is asked is refused with a problem document, also where the route itself answers with a
/// page; people's browsers are shown a page instead ([`crate::routes::support::help::refusal`]).
fn describe_refusals(operation: &mut Operation) {
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDocument"))).build();
    let refusals =
        operation.responses.responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5']));
    for (_, refusal) in refusals {
        if let RefOr::T(Response { content, .. }) = refusal
            && !content.contains_key(PROBLEM)
        {
            content.insert(PROBLEM.to_owned(), RefOr::T(problem()));
        }
    }
    operation.responses.responses.entry("default".to_owned()).or_insert_with(|| {
        let response = ResponseBuilder::new().description("The request was refused, or failed");
        RefOr::T(response.content(PROBLEM, problem()).build())
    });
}

/// What is refused under the addresses that anybody opens is told by a page, to who takes pages.
fn describe_pages(operation: &mut Operation) {
    for (status, refusal) in &mut operation.responses.responses {
        if let RefOr::T(Response { content, .. }) = refusal
            && (status.starts_with(['4', '5']) || status == "default")
        {
            let page = || ContentBuilder::new().schema(Some(Object::with_type(Type::String))).build();
            content.entry("text/html".to_owned()).or_insert_with(|| RefOr::T(page()));
        }
    }
}
