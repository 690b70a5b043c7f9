//! The routes, one folder an owner, one file a subject. Every handler reads top-down: who may, what is asked, one
//! transaction, the answer.

pub mod accounts;
mod described;
pub mod health;
pub mod jobs;
pub mod marketing;
pub mod outbound;
pub mod platform;
pub mod questions;
pub mod support;

use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
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
    described::complete(routes.get_openapi_mut());
    routes
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
