//! What the tenant calls an archetype, instead of the name that was chosen by rules.

use accounts::api_keys::Scope;
use axum::Extension;
use axum::Json as Shown;
use axum::extract::{Path, State};
use chrono::Utc;
use database::{Role, Tx};
use platform::insights::archetype_names::{self, NameError};
use platform::insights::catalog::{Archetype, Catalog};
use platform::insights::current::current;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Memory, Remembered};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(give, take_back))
}

/// What an archetype is to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Our best friends"}))]
pub struct ArchetypeNameRequest {
    /// 1 to 4 words, at most 40 characters, and no other archetype's.
    name: String,
}

/// What an archetype is called.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArchetypeNameView {
    /// 32 hexadecimal digits.
    id: String,
    /// The name that is shown everywhere.
    name: String,
    /// The name by rules, when the tenant gave another.
    automatic_name: Option<String>,
}

impl From<&Archetype> for ArchetypeNameView {
    fn from(archetype: &Archetype) -> ArchetypeNameView {
        let Archetype { id, name, automatic_name, .. } = archetype.clone();
        ArchetypeNameView { id, name, automatic_name }
    }
}

/// Calls an archetype of the current segmentation as the shop does.
///
/// The name is shown everywhere in place of the one chosen by rules; segment rules may use either. A new version of the
/// segmentation takes the name over where at least half of the customers are the same.
#[utoipa::path(
    put,
    path = "/api/intelligence/archetypes/{id}/name",
    tag = "intelligence",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    request_body = ArchetypeNameRequest,
    responses(
        (status = 200, description = "it is called so", body = ArchetypeNameView),
        (status = 400, description = "it is no name; the answer says what is allowed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "the current segmentation has no such archetype", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "another archetype is called so", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn give(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    Allowed(caller): Allowed<{ Scope::IntelligenceWrite as u8 }>,
    Path(id): Path<String>,
    body: Json<ArchetypeNameRequest>,
) -> Result<Shown<ArchetypeNameView>, Problem> {
    let name = archetype_names::checked(&body.value.name)?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let (segmentation, catalog) = look(&memory, &mut tx, &caller, &id).await?;
    archetype_names::give(&mut tx, segmentation, &catalog, &id, &name, Utc::now()).await?;
    finish(&memory, tx, &caller, segmentation, &id, "archetype.name", json!({ "name": name })).await
}

/// Gives an archetype back the name that was chosen by rules.
#[utoipa::path(
    delete,
    path = "/api/intelligence/archetypes/{id}/name",
    tag = "intelligence",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = 200, description = "it is called as the rules say", body = ArchetypeNameView),
        (status = 404, description = "the current segmentation has no such archetype", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn take_back(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Shown<ArchetypeNameView>, Problem> {
    caller.require(Scope::IntelligenceWrite)?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let (segmentation, _) = look(&memory, &mut tx, &caller, &id).await?;
    archetype_names::take_back(&mut tx, segmentation, &id).await?;
    finish(&memory, tx, &caller, segmentation, &id, "archetype.unname", json!({})).await
}

/// The published run's segmentation and its catalogue, which has the archetype.
async fn look(
    memory: &Memory,
    tx: &mut Tx,
    caller: &Caller,
    id: &str,
) -> Result<(Uuid, Arc<Catalog>), Problem> {
    let segmentation = current(tx).await?.and_then(|current| current.segmentation);
    let catalog = memory.catalog(tx, caller.tenant, segmentation).await?;
    segmentation
        .zip(catalog.filter(|catalog| catalog.archetype_by_id(id).is_some()))
        .ok_or_else(|| Problem::not_found("the current segmentation has no such archetype"))
}

async fn finish(
    memory: &Memory,
    mut tx: Tx,
    caller: &Caller,
    segmentation: Uuid,
    id: &str,
    action: &str,
    detail: serde_json::Value,
) -> Result<Shown<ArchetypeNameView>, Problem> {
    let catalog = memory.catalog(&mut tx, caller.tenant, Some(segmentation)).await?;
    let shown = catalog.as_deref().and_then(|catalog| catalog.archetype_by_id(id));
    let shown =
        shown.map(|(_, archetype)| ArchetypeNameView::from(archetype)).ok_or_else(Problem::internal)?;
    trail::record(&mut tx, caller, action, &format!("archetype:{id}"), detail).await?;
    tx.commit().await?;
    Ok(Shown(shown))
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Problem {
        match error {
            NameError::Unfit => Problem::bad_request("name", error.to_string()),
            NameError::Taken(_) => Problem::conflict(error.to_string()),
            NameError::Db(error) => error.into(),
        }
    }
}
