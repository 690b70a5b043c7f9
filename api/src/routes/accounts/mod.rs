//! Routes of tenants, keys and the trail.

pub mod audit;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(audit::routes())
}
