//! Routes of the support desk.

pub mod articles;
pub mod assignment;
pub mod deliveries;
pub mod drafts;
pub mod help;
pub mod help_desk;
mod language;
pub mod live;
pub mod macros;
pub mod mail;
pub mod order;
pub mod privacy;
pub mod rate;
pub mod ratings;
pub mod readings;
pub mod recommend;
pub mod rules;
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
        .merge(articles::routes())
        .merge(assignment::routes())
        .merge(deliveries::routes())
        .merge(drafts::routes())
        .merge(help::routes())
        .merge(live::routes())
        .merge(macros::routes())
        .merge(help_desk::routes())
        .merge(mail::routes())
        .merge(order::routes())
        .merge(privacy::routes())
        .merge(rate::routes())
        .merge(ratings::routes())
        .merge(readings::routes())
        .merge(recommend::routes())
        .merge(rules::routes())
        .merge(satisfaction::routes())
        .merge(tickets::routes())
        .merge(sla::routes())
        .merge(webhooks::routes())
}
