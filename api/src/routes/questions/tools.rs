//! The eight tools over plain HTTP, as programs of the old system call them.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::Uri;
use axum::http::request::Parts;
use chrono::Utc;
use questions::desk::ToolError;
use questions::tools::{self, Call, ToolAnswer};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asker;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(call))
}

/// A tool.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolView {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is for.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// JSON Schema of its answers.
    pub output_schema: Value,
}

/// The tools.
#[utoipa::path(
    get,
    path = "/api/mcp/tools",
    tag = "mcp",
    responses((status = 200, description = "all of them", body = Vec<ToolView>)),
)]
async fn list(caller: Caller, uri: Uri) -> Result<Shown<Vec<ToolView>>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    Params::of(&uri, &[])?;
    let output = Value::Object(tools::output());
    let shown = tools::all().into_iter().map(|tool| ToolView {
        name: tool.name,
        title: tool.title,
        description: tool.description,
        input_schema: Value::Object(tool.input),
        output_schema: output.clone(),
    });
    Ok(Shown(shown.collect()))
}

/// Calls a tool. The body has its arguments, as GET /api/mcp/tools describes them.
#[utoipa::path(
    post,
    path = "/api/mcp/tools/{tool}",
    tag = "mcp",
    params(("tool" = String, Path, description = "the tool's name")),
    request_body(content = Value, example = json!({"analysis_type": "churn_risk", "limit": 5})),
    responses(
        (status = 200, description = "the answer, or why there is none", body = Value),
        (status = 400, description = "an argument does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such tool or customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn call(
    State(state): State<AppState>,
    AllowedTool { caller, tool }: AllowedTool,
    body: Json<Value, 16_384>,
) -> Result<Shown<ToolAnswer>, Problem> {
    let call = Call::parse(&tool, &body.value).map_err(ToolError::from)?;
    Ok(Shown(state.desk.call(asker(&caller), &call, Utc::now()).await?))
}

/// Who calls which tool, and may: the scope that it needs is the tool's. It goes before the body as [`crate::web::auth::Allowed`]
/// does.
struct AllowedTool {
    caller: Caller,
    tool: String,
}

impl<S: Send + Sync> FromRequestParts<S> for AllowedTool {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<AllowedTool, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let tool = Path::<String>::from_request_parts(parts, state).await;
        let Path(tool) = tool.map_err(|_| Problem::not_found("there is no such tool"))?;
        caller.require(match tool.as_str() {
            "lookup_customer" => Scope::CustomersRead,
            _ => Scope::IntelligenceRead,
        })?;
        Ok(AllowedTool { caller, tool })
    }
}
