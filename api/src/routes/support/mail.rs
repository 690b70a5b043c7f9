//! Mail: the shop's mailboxes, the door at which programs hand mail in, what came, what is suspended, and replies whose
//! fate nobody knows.

mod came;
mod door;
mod mailboxes;
mod setting;
mod unsure;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(mailboxes::list, mailboxes::make))
        .routes(routes!(mailboxes::show, mailboxes::put, mailboxes::disable))
        .routes(routes!(mailboxes::renew))
        .routes(routes!(door::receive, came::list))
        .routes(routes!(came::show))
        .routes(routes!(came::raw))
        .routes(routes!(came::recover))
        .routes(routes!(came::recover_sender))
        .routes(routes!(setting::show, setting::put))
        .routes(routes!(unsure::list))
        .routes(routes!(unsure::decide))
}
