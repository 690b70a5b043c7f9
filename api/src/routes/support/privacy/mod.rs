//! What persons may ask of the shop, and what is forgotten by itself: requests to export and to erase, the redaction of one
//! message or file, how long data are kept, the key under which words lie that nothing searches, and who came back.

mod archive;
mod came_back;
mod keys;
mod redact;
mod requests;
mod retention;
mod same_person;

use accounts::tenant_keys::TenantKeyError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::problem::Problem;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(requests::create))
        .routes(routes!(requests::list))
        .routes(routes!(requests::show))
        .routes(routes!(requests::certificate))
        .routes(routes!(archive::download))
        .routes(routes!(came_back::came_back))
        .routes(routes!(redact::message))
        .routes(routes!(redact::file))
        .routes(routes!(retention::list))
        .routes(routes!(retention::put))
        .routes(routes!(keys::list))
        .routes(routes!(keys::destroy))
}

impl From<TenantKeyError> for Problem {
    fn from(error: TenantKeyError) -> Problem {
        match error {
            TenantKeyError::Db(error) => error.into(),
            TenantKeyError::Destroyed(_) => Problem::conflict(error.to_string()),
            TenantKeyError::Unseal(_) => {
                tracing::error!(%error, "a value that was sealed under a tenant's key does not open");
                Problem::internal()
            }
        }
    }
}
