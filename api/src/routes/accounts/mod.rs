//! Routes of people: signing in and out, passwords, agents; and of the trail.

pub mod agents;
pub mod audit;
pub mod console;
pub mod keys;
mod link_mail;
pub mod oidc;
pub mod passwords;
pub mod sign_in;
pub mod signed_in;
pub mod trail;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(sign_in::routes())
        .merge(oidc::routes())
        .merge(passwords::routes())
        .merge(agents::routes())
        .merge(trail::routes())
        .merge(audit::routes())
        .merge(console::routes())
        .merge(keys::routes())
}
