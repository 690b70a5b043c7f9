//! Slack: connecting workspaces, rules of what is told where, and what comes from there. Without the three settings of the
//! installation's Slack app everything of it answers that it is not set up.

mod chart;
mod heard;
mod install;
mod rules;

use upstreams::slack::Slack;
use upstreams::{Breakers, Destinations};
use utoipa_axum::router::OpenApiRouter;

use crate::settings::SlackApp;
use crate::state::AppState;
use crate::web::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(install::routes())
        .merge(rules::routes())
        .merge(heard::routes())
        .merge(chart::routes())
}

/// The way to Slack, made when somebody connects or disconnects a workspace: that is seldom.
fn client(state: &AppState) -> Result<Slack, Problem> {
    let destinations = if state.settings.people.allow_loopback {
        Destinations::PublicOrLoopback
    } else {
        Destinations::PublicOnly
    };
    Slack::new(&state.settings.slack_url, destinations, Breakers::default()).map_err(|error| {
        tracing::error!(%error, "the client of Slack cannot be made");
        Problem::internal()
    })
}

fn app(state: &AppState) -> Result<&SlackApp, Problem> {
    state.settings.slack.as_ref().ok_or_else(|| {
        Problem::conflict(
            "Slack is not set up here: DESK_SLACK_CLIENT_ID, DESK_SLACK_CLIENT_SECRET and DESK_SLACK_SIGNING_SECRET are missing",
        )
    })
}
