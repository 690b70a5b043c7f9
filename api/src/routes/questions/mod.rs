//! Questions: asked in plain language, or of the tools themselves by programs and assistants; and what models cost.

pub mod ask;
pub mod mcp;
pub mod policy;
pub mod stop;
pub mod tools;
pub mod usage;

use questions::desk::{Asker, ToolError};
use questions::tools::CallError;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::Problem;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(ask::routes())
        .merge(stop::routes())
        .merge(tools::routes())
        .merge(usage::routes())
        .merge(policy::routes())
        .merge(mcp::routes())
}

/// What the credential may ask the tools.
pub(crate) fn asker(caller: &Caller) -> Asker {
    Asker::new(caller.tenant, |name| {
        caller.is_operator() || caller.scopes.iter().any(|scope| scope.to_string() == name)
    })
}

impl From<ToolError> for Problem {
    fn from(error: ToolError) -> Problem {
        match error {
            ToolError::Call(error) => of_call(error),
            ToolError::Forbidden(scope) => Problem::forbidden(format!(
                "this needs a key with the scope {scope}, or a role with that permission"
            )),
            ToolError::UnknownCustomer => Problem::not_found("there is no such customer"),
            ToolError::Busy => Problem::too_many_requests("too many reports are being computed", 5),
            ToolError::Db(error) => error.into(),
            ToolError::Insight(error) => error.into(),
            ToolError::Queue(error) => error.into(),
            ToolError::Lost => Problem::internal(),
        }
    }
}

/// A call that does not fit, with the argument that is at fault.
fn of_call(error: CallError) -> Problem {
    let said = error.to_string();
    match error {
        CallError::UnknownTool => Problem::not_found(said),
        CallError::TooLarge => Problem::bad_request("arguments", said),
        CallError::Parameter { field, .. } => {
            // The field stands beside its detail.
            let detail = said.strip_prefix(&format!("{field}: ")).unwrap_or(&said).to_owned();
            Problem::bad_request(field, detail)
        }
    }
}
