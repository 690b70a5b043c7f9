//! Routes of jobs, queues, dead letters and schedules.

pub mod bulk;
pub mod cancel;
pub mod dead;
pub mod document;
pub mod enqueue;
pub mod events;
pub mod kind_limits;
pub mod kinds;
pub mod look;
mod names;
pub mod positions;
pub mod queues;
pub mod reader;
pub mod schedules;
pub mod show;
pub mod workers;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(bulk::routes())
        .merge(cancel::routes())
        .merge(dead::routes())
        .merge(enqueue::routes())
        .merge(events::routes())
        .merge(show::routes())
        .merge(kinds::routes())
        .merge(kind_limits::routes())
        .merge(queues::routes())
        .merge(schedules::routes())
        .merge(workers::routes())
}
