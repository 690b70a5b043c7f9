//! What a place has, before anybody has said what its columns mean: names with types of a table, names with a first cell of a
//! file. A mapping is written by it.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use platform::orders::reading::{Source as Bytes, TableOptions};
use serde::{Deserialize, Serialize};
use tables::{Table, TableError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::look::look;
use super::password;
use super::place::{self, PlaceForm, place};
use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};

/// Columns that are shown: as many as a mapping may have.
const COLUMNS_SHOWN: usize = 200;
/// Characters of a cell.
const CELL_SHOWN: usize = 80;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Where to look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"place": {"kind": "file", "url": "https://files.shop.example/orders.csv"}}))]
pub struct LookForm {
    /// Where.
    #[serde(deserialize_with = "place::known")]
    place: PlaceForm,
    /// The password.
    #[serde(default)]
    password: Option<String>,
    /// A source that is saved: where no password is given, its own is used, for the same server alone.
    #[serde(default)]
    saved_as: Option<String>,
}

/// What is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColumnsView {
    /// The columns, at most 200 of them.
    pub columns: Vec<ColumnThere>,
    /// Whether there are more.
    pub has_more: bool,
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColumnThere {
    /// Its name, as written.
    pub name: String,
    /// Of a table: its type, as its database names it.
    pub kind: Option<String>,
    /// Of a file: its cell in the first row.
    pub first: Option<String>,
}

/// Show the columns of a place.
///
/// No mapping is needed. Nothing is stored.
#[utoipa::path(
    post,
    path = "/api/orders/sources/columns",
    tag = "orders",
    request_body = LookForm,
    responses(
        (status = 200, description = "what is there", body = ColumnsView),
        (status = 422, description = "it cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<LookForm>,
) -> Result<Shown<ColumnsView>, Problem> {
    let LookForm { place: form, password: given, saved_as } = body.value;
    let place = place(&form)?;
    let secret = password(&state, caller.tenant, saved_as.as_deref(), &place, given).await?;
    let (kinds, bytes) = look(&state, &place, &secret, None).await?;
    let all: Vec<ColumnThere> = if bytes.is_empty() {
        let of = |(name, kind)| ColumnThere { name, kind: Some(kind), first: None };
        kinds.into_iter().map(of).collect()
    } else {
        tokio::task::spawn_blocking(move || of_file(bytes)).await.map_err(|_| Problem::internal())??
    };
    let has_more = all.len() > COLUMNS_SHOWN;
    Ok(Shown(ColumnsView { columns: all.into_iter().take(COLUMNS_SHOWN).collect(), has_more }))
}

/// The header of a file's beginning, with the first row below it.
fn of_file(bytes: Vec<u8>) -> Result<Vec<ColumnThere>, Problem> {
    let unread = |error: TableError| Problem::unprocessable("place", error.to_string());
    let options = TableOptions { is_beginning: true, ..TableOptions::default() };
    let mut table = Table::open(&Bytes::Memory(bytes.into()), &options).map_err(unread)?;
    let names = table.decisions().columns.clone();
    let row = table.next_row().map_err(unread)?;
    let cell = |place: usize| {
        let cell = row.as_ref().filter(|row| place < row.len())?.cell(place);
        Some(cell.chars().take(CELL_SHOWN).collect::<String>()).filter(|cell| !cell.is_empty())
    };
    let of = |(place, name): (usize, String)| ColumnThere { name, kind: None, first: cell(place) };
    Ok(names.into_iter().enumerate().map(of).collect())
}
