//! The axes with their segments and the archetypes: what they are called, what their customers do, how many they are.

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::NaiveDate;
use database::Role;
use platform::insights::catalog::Catalog;
use platform::insights::current::{Current, current};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Memory, NO_RUN, Remembered};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(axes)).routes(routes!(archetypes)).routes(routes!(archetype))
}

/// A list of what a segmentation has, with what it is a list of.
#[derive(Debug, Serialize)]
struct Known<T> {
    available: bool,
    reason: Option<&'static str>,
    segmentation_id: Option<Uuid>,
    run_id: Option<Uuid>,
    as_of: Option<NaiveDate>,
    customers: i64,
    items: Vec<T>,
}

impl<T> Known<T> {
    fn of(seen: Option<&Seen>, items: Vec<T>) -> Known<T> {
        Known {
            available: seen.is_some(),
            reason: seen.is_none().then_some(NO_RUN),
            segmentation_id: seen.and_then(|seen| seen.current.segmentation),
            run_id: seen.map(|seen| seen.current.run),
            as_of: seen.map(|seen| seen.current.as_of),
            customers: seen.map_or(0, |seen| seen.current.population.customers),
            items,
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response
    where
        T: Serialize,
    {
        etag::answer(headers, serde_json::to_vec(self).expect("an answer is plain data"))
    }
}

/// An axis.
#[derive(Debug, Serialize)]
struct AxisDocument<'a> {
    name: &'a str,
    degenerate: Option<&'a str>,
    features: Vec<&'a str>,
    segments: Vec<SegmentDocument<'a>>,
    unknown_customers: i64,
}

/// A segment and its customers.
#[derive(Debug, Serialize)]
struct SegmentDocument<'a> {
    name: &'a str,
    description: &'a str,
    share_at_fit: Option<f64>,
    share: Option<f64>,
    customers: i64,
}

/// An archetype and its customers.
#[derive(Debug, Serialize)]
pub(super) struct ArchetypeDocument {
    id: String,
    level: u8,
    name: String,
    automatic_name: Option<String>,
    description: String,
    parent_id: Option<String>,
    segments: BTreeMap<String, String>,
    support_at_fit: i64,
    share: Option<f64>,
    customers: i64,
}

/// What is needed to tell of segments and archetypes.
pub(super) struct Seen {
    pub(super) current: Current,
    pub(super) catalog: Arc<Catalog>,
}

impl Seen {
    /// The published run and its catalogue; none before the first.
    pub(super) async fn look(
        state: &AppState,
        memory: &Memory,
        caller: &Caller,
    ) -> Result<Option<Seen>, Problem> {
        let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
        let Some(current) = current(&mut tx).await? else { return Ok(None) };
        let Some(catalog) = memory.catalog(&mut tx, caller.tenant, current.segmentation).await? else {
            return Ok(None);
        };
        tx.commit().await?;
        Ok(Some(Seen { current, catalog }))
    }

    /// The archetypes in the catalogue's order.
    pub(super) fn archetypes(&self) -> Vec<ArchetypeDocument> {
        (0..self.catalog.archetypes.len()).map(|index| self.archetype(index)).collect()
    }

    fn archetype(&self, index: usize) -> ArchetypeDocument {
        let archetype = &self.catalog.archetypes[index];
        let customers = self.current.population.archetype(&self.catalog, index);
        let parent = archetype.parent.and_then(|parent| self.catalog.archetypes.get(parent));
        ArchetypeDocument {
            id: archetype.id.clone(),
            level: archetype.level,
            name: archetype.name.clone(),
            automatic_name: archetype.automatic_name.clone(),
            description: self.catalog.description(archetype),
            parent_id: parent.map(|parent| parent.id.clone()),
            segments: archetype.segments.clone(),
            support_at_fit: archetype.support,
            share: self.current.population.share(customers),
            customers,
        }
    }

    fn axes(&self) -> Vec<AxisDocument<'_>> {
        let documents = self.catalog.axes.iter().map(|axis| {
            let segments: Vec<SegmentDocument<'_>> = (axis.segments.iter().enumerate())
                .map(|(index, segment)| {
                    let customers = self.current.population.segment(&axis.name, index);
                    SegmentDocument {
                        name: &segment.name,
                        description: &segment.description,
                        share_at_fit: segment.share,
                        share: self.current.population.share(customers),
                        customers,
                    }
                })
                .collect();
            let placed: i64 = segments.iter().map(|segment| segment.customers).sum();
            let features = self.catalog.features.iter().filter(|feature| feature.axis == axis.name);
            AxisDocument {
                name: &axis.name,
                degenerate: axis.degenerate.as_deref(),
                features: features.map(|feature| &*feature.name).collect(),
                segments,
                unknown_customers: self.current.population.customers - placed,
            }
        });
        documents.collect()
    }
}

/// The axes: features, segments, and how many customers the published run found in each.
#[utoipa::path(
    get,
    path = "/api/intelligence/axes",
    tag = "intelligence",
    responses((status = 200, description = "all axes; none before the first run", body = serde_json::Value, example = json!({
        "available": true, "reason": null, "segmentation_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
        "run_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "as_of": "2026-01-31", "customers": 27415,
        "items": [{"name": "purchase_frequency", "degenerate": null, "features": ["orders", "orders_30d"],
            "segments": [{"name": "Frequent buyers", "description": "Above the shop's average in orders and days with an order.", "share_at_fit": 0.21, "share": 0.22,
                "customers": 6031}],
            "unknown_customers": 12}]
    }))),
)]
async fn axes(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    Params::of(&uri, &[])?;
    let seen = Seen::look(&state, &memory, &caller).await?;
    Ok(Known::of(seen.as_ref(), seen.as_ref().map(Seen::axes).unwrap_or_default()).answer(&headers))
}

/// The archetypes: what their customers do, and how many the published run found.
#[utoipa::path(
    get,
    path = "/api/intelligence/archetypes",
    tag = "intelligence",
    responses((status = 200, description = "all archetypes; none before the first run", body = serde_json::Value, example = json!({
        "available": true, "reason": null, "segmentation_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
        "run_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "as_of": "2026-01-31", "customers": 27415,
        "items": [{"id": "8c5f0f6e5b1d4a3c9e7f1a2b3c4d5e6f", "level": 1, "name": "Our best friends",
            "automatic_name": "Champions",
            "description": "Typically 14 orders worth 1,290 in all, one every month, the last 12 days ago.", "parent_id": null,
            "segments": {"purchase_frequency": "Frequent buyers"}, "support_at_fit": 900, "share": 0.033,
            "customers": 905}]
    }))),
)]
async fn archetypes(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    Params::of(&uri, &[])?;
    let seen = Seen::look(&state, &memory, &caller).await?;
    Ok(Known::of(seen.as_ref(), seen.as_ref().map(Seen::archetypes).unwrap_or_default()).answer(&headers))
}

/// One archetype with the finer ones under it.
#[derive(Debug, Serialize)]
struct Family {
    #[serde(flatten)]
    archetype: ArchetypeDocument,
    as_of: NaiveDate,
    children: Vec<ArchetypeDocument>,
}

/// An archetype of the current segmentation, with the finer ones under it.
#[utoipa::path(
    get,
    path = "/api/intelligence/archetypes/{id}",
    tag = "intelligence",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = 200, description = "the archetype", body = serde_json::Value, example = json!({
            "id": "8c5f0f6e5b1d4a3c9e7f1a2b3c4d5e6f", "level": 1, "name": "Our best friends",
            "automatic_name": "Champions",
            "description": "Typically 14 orders worth 1,290 in all, one every month, the last 12 days ago.", "parent_id": null,
            "segments": {"purchase_frequency": "Frequent buyers"}, "support_at_fit": 900, "share": 0.033, "customers": 905, "as_of": "2026-01-31", "children": []
        })),
        (status = 404, description = "the current segmentation has no such archetype", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn archetype(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    Params::of(&uri, &[])?;
    if id.len() != 32 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Problem::bad_request("id", "must be 32 hexadecimal digits"));
    }
    let unknown = || Problem::not_found("the current segmentation has no such archetype");
    let seen = Seen::look(&state, &memory, &caller).await?.ok_or_else(unknown)?;
    let index =
        seen.catalog.archetypes.iter().position(|archetype| archetype.id == id).ok_or_else(unknown)?;
    let children = seen.catalog.archetypes.iter().enumerate();
    let children =
        children.filter(|(_, child)| child.parent == Some(index)).map(|(child, _)| seen.archetype(child));
    let children: Vec<ArchetypeDocument> = children.collect();
    let family = Family { archetype: seen.archetype(index), as_of: seen.current.as_of, children };
    Ok(etag::answer(&headers, serde_json::to_vec(&family).expect("an answer is plain data")))
}
