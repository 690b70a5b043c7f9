//! The catalogue of events: what other systems can be told, with JSON Schemas.

use axum::Json as Body;
use outbound::catalogue::{self, EventKind};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::may_read;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Everything that other systems can be told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Catalogue {
    /// What an endpoint or a rule may listen to: kinds, areas, `*`.
    patterns: Vec<String>,
    /// The kinds, by name.
    events: Vec<Described>,
}

/// A kind of event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Described {
    /// Its name.
    #[serde(rename = "type")]
    name: &'static str,
    /// The version of its fields.
    version: u16,
    /// When it is told.
    description: &'static str,
    /// JSON Schema (2020-12) of the body of a delivery.
    #[schema(value_type = Object)]
    schema: Value,
    /// An example of its `data`.
    #[schema(value_type = Object)]
    example: Value,
}

/// The catalogue of events.
#[utoipa::path(
    get,
    path = "/api/outbound/catalogue",
    tag = "outbound",
    responses((status = 200, description = "every kind of event", body = Catalogue)),
)]
async fn list(caller: Caller) -> Result<Body<Catalogue>, Problem> {
    may_read(&caller)?;
    let described = |kind: &EventKind| Described {
        name: kind.name,
        version: kind.version,
        description: kind.description,
        schema: kind.schema(),
        example: kind.example(),
    };
    let events = catalogue::EVENTS.iter().map(described).collect();
    Ok(Body(Catalogue { patterns: catalogue::patterns(), events }))
}
