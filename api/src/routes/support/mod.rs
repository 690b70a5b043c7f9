//! Routes of the support desk.

pub mod assignment;
pub mod deliveries;
pub mod drafts;
pub mod help_desk;
pub mod live;
pub mod mail;
pub mod order;
pub mod rate;
pub mod ratings;
pub mod readings;
pub mod recommend;
pub mod satisfaction;
pub mod sla;
mod span;
pub mod tickets;
pub mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(assignment::routes())
        .merge(deliveries::routes())
        .merge(drafts::routes())
        .merge(help_desk::routes())
        .merge(live::routes())
        .merge(mail::routes())
        .merge(order::routes())
        .merge(rate::routes())
        .merge(ratings::routes())
        .merge(readings::routes())
        .merge(recommend::routes())
        .merge(satisfaction::routes())
        .merge(tickets::routes())
        .merge(sla::routes())
        .merge(webhooks::routes())
}
