//! The routes, one folder an owner, one file a subject. Every handler reads top-down: who may, what is asked, one
//! transaction, the answer.

pub mod accounts;
pub mod health;
pub mod jobs;
pub mod marketing;
pub mod outbound;
pub mod platform;
pub mod questions;
pub mod support;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, Required, ResponseBuilder, Schema,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{state::AppState, web::problem::ProblemDocument};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Deskwork",
        description = "A thin door to a queue of heavy work for support desks: webhooks come in, jobs are \
            enqueued, results are polled, waited for or streamed. Every refusal is a problem document \
            (RFC 9457) that names the field at fault and carries the request's correlation id."
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Credentials),
    security(("apiKey" = []), ("bearer" = [])),
    tags(
        (name = "jobs", description = "Enqueue, follow and cancel jobs"),
        (name = "dead letters", description = "Jobs that failed for good: causes, retries, discards"),
        (name = "segments", description = "Customers for whom a rule holds: rules, counts, members, changes"),
        (name = "questions", description = "Questions in plain language"),
        (name = "operations", description = "Queues, kinds, workers, schedules and the audit trail"),
        (name = "mail", description = "Mailboxes, mail that came, and replies whose fate nobody knows"),
        (name = "outbound", description = "What other systems are told: webhook endpoints, deliveries, the catalogue of events, Slack"),
        (name = "people", description = "Signing in and out, agents, and what they did"),
        (name = "privacy", description = "What persons ask of the shop; redaction; how long data are kept"),
    )
)]
struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let description = "An API key, `dsk_...`; `api create-key` makes one";
        components.add_security_scheme(
            "apiKey",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("X-API-Key", description))),
        );
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The same key")).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Every route with its description.
pub fn all() -> OpenApiRouter<AppState> {
    let mut routes = merged();
    describe_operations(routes.get_openapi_mut());
    routes
}

/// What holds for every operation is said once, here: it may refuse with a problem document, its name is made of its
/// method and path, and a body without a required field may be left out, because an empty one counts as `{}`.
fn describe_operations(document: &mut utoipa::openapi::OpenApi) {
    let may_be_empty: Vec<String> = document
        .components
        .iter()
        .flat_map(|components| &components.schemas)
        .filter(
            |(_, schema)| matches!(schema, RefOr::T(Schema::Object(object)) if object.required.is_empty()),
        )
        .map(|(name, _)| format!("#/components/schemas/{name}"))
        .collect();
    let refusal = ResponseBuilder::new()
        .description("The request was refused, or failed")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDocument"))).build(),
        )
        .build();
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(operation_id(method, path));
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && let Some(RefOr::T(json)) = body.content.get("application/json")
                && let Some(RefOr::Ref(schema)) = &json.schema
                && may_be_empty.contains(&schema.ref_location)
            {
                body.required = Some(Required::False);
            }
            operation
                .responses
                .responses
                .entry("default".to_owned())
                .or_insert_with(|| refusal.clone().into());
        }
    }
}

/// `post /api/jobs/{id}/cancel` is `post_jobs_id_cancel`.
fn operation_id(method: &str, path: &str) -> String {
    let words =
        path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "api");
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn merged() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(jobs::routes())
        .merge(accounts::routes())
        .merge(platform::routes())
        .merge(support::routes())
        .merge(marketing::routes())
        .merge(questions::routes())
        .merge(outbound::routes())
        .merge(health::routes())
}
