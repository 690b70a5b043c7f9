//! What rules may ask about, for whoever builds rules.

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use database::Role;
use marketing::segments::facts;
use marketing::segments::field::{Field, Kind};
use marketing::segments::resolve::Names;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What rules may ask about.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fields {
    /// The fields.
    pub fields: Vec<FieldView>,
    /// The segments that `in segment` may name.
    pub segments: Vec<String>,
}

/// A field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// number, integer, date, text, country, boolean, set, name or word.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Its operators, as in a tree; in a text `_` is a blank.
    pub operators: Vec<String>,
    /// The values that there are, where they can be listed; null where any may be given, or none is known yet.
    pub values: Option<Vec<String>>,
}

/// The fields of rules with their types, operators and known values.
#[utoipa::path(
    get,
    path = "/api/segments/fields",
    tag = "segments",
    responses((status = 200, description = "the fields", body = Fields), (status = 304, description = "nothing changed")),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::SegmentsRead)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let names = facts::names(&mut tx, caller.tenant, None).await?;
    tx.commit().await?;
    let fields = Field::all()
        .map(|field| FieldView {
            name: field.to_string(),
            kind: field.kind().name(),
            meaning: field.meaning(),
            operators: field.kind().operators().iter().map(|operator| operator.wire()).collect(),
            values: values(field, &names),
        })
        .collect();
    let document = Fields { fields, segments: names.segments.into_keys().collect() };
    Ok(etag::answer(&headers, serde_json::to_vec(&document).expect("an answer is plain data")))
}

fn values(field: Field, names: &Names) -> Option<Vec<String>> {
    match (field, field.kind()) {
        (Field::Segment(axis), _) => names.axes.as_ref().map(|axes| axes[axis.index()].clone()),
        (Field::Archetype, _) => {
            let archetypes = names.archetypes.iter().map(|archetype| archetype.name().to_owned());
            (!names.archetypes.is_empty()).then(|| archetypes.collect())
        }
        (_, Kind::Word(words)) => Some(words.iter().map(|word| (*word).to_owned()).collect()),
        (_, Kind::Flag) => Some(vec!["true".to_owned(), "false".to_owned()]),
        _ => None,
    }
}
