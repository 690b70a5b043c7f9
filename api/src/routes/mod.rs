//! The routes, one file a subject. Every handler reads top-down: who may, what is asked, one
//! transaction, the answer.

pub mod analytics;
pub mod audit;
pub mod bulk;
pub mod cancel;
pub mod dead;
pub mod deliveries;
pub mod drafts;
pub mod enqueue;
pub mod events;
pub mod health;
pub mod imports;
pub mod intelligence;
pub mod jobs;
pub mod kinds;
pub mod limits;
pub mod queues;
pub mod schedules;
pub mod segments;
pub mod webhooks;
pub mod workers;

use domain::db::{Role, Tx, act_as};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, Ref, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    auth::Caller,
    correlation,
    problem::{Problem, ProblemDocument},
    state::AppState,
};

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
        (name = "operations", description = "Queues, kinds, workers, schedules and the audit trail"),
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

/// What holds for every operation is said once, here: it may refuse with a problem document, and its
/// name is made of its method and path.
fn describe_operations(document: &mut utoipa::openapi::OpenApi) {
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
        .merge(enqueue::routes())
        .merge(jobs::routes())
        .merge(events::routes())
        .merge(cancel::routes())
        .merge(kinds::routes())
        .merge(limits::routes())
        .merge(dead::routes())
        .merge(bulk::routes())
        .merge(queues::routes())
        .merge(workers::routes())
        .merge(schedules::routes())
        .merge(audit::routes())
        .merge(analytics::routes())
        .merge(webhooks::routes())
        .merge(deliveries::routes())
        .merge(drafts::routes())
        .merge(imports::routes())
        .merge(segments::routes())
        .merge(intelligence::routes())
        .merge(health::routes())
}

/// Writes down who did what to the cluster's jobs, in the transaction that does it. Ends the queue's
/// part of that transaction: only the gateway may write the trail of more than one tenant.
async fn record(
    tx: &mut Tx,
    caller: &Caller,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), Problem> {
    act_as(tx, Role::Gateway, None).await?;
    let correlation_id = correlation::current();
    let event = domain::audit::Event {
        tenant: Some(caller.tenant),
        actor: &caller.actor(),
        action,
        subject,
        detail,
        correlation_id: Some(correlation_id.as_str()),
    };
    Ok(domain::audit::record(tx, &event).await?)
}

/// A reason as a person gave it, or the words for none.
fn reason_or(reason: Option<String>, otherwise: &str) -> Result<String, Problem> {
    match reason {
        None => Ok(otherwise.to_owned()),
        Some(text) if text.chars().count() <= 500 && !text.contains('\0') => Ok(text),
        Some(_) => Err(Problem::bad_request("reason", "must have at most 500 characters")),
    }
}
