//! Slack: connecting workspaces, rules of what is told where, and what comes from there. Without the three settings of the
//! installation's Slack app everything of it answers that it is not set up.

mod chart;
mod heard;
mod install;
mod rules;

use std::sync::OnceLock;

use upstreams::pacing::shared::Shared;
use upstreams::slack::Slack;
use upstreams::{Breakers, Destinations};
use utoipa_axum::router::OpenApiRouter;

use crate::settings::{Settings, SlackApp};
use crate::state::AppState;
use crate::web::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(install::routes())
        .merge(rules::routes())
        .merge(heard::routes())
        .merge(chart::routes())
}

/// The way to Slack, made when somebody first connects or disconnects a workspace.
#[derive(Debug)]
pub struct Way {
    base: String,
    destinations: Destinations,
    pace: Shared,
    made: OnceLock<Option<Slack>>,
}

impl Way {
    /// As the settings say, at the rate that the whole cluster keeps.
    pub fn new(settings: &Settings, pace: Shared) -> Way {
        Way {
            base: settings.slack_url.clone(),
            destinations: settings.people.destinations(),
            pace,
            made: OnceLock::new(),
        }
    }

    /// The client.
    ///
    /// # Errors
    /// 500 when there is no TLS here.
    pub fn client(&self) -> Result<Slack, Problem> {
        let make = || {
            let slack = Slack::new(&self.base, self.destinations, Breakers::default())
                .inspect_err(|error| tracing::error!(%error, "the client of Slack cannot be made"));
            Some(slack.ok()?.sharing_pace(self.pace.clone()).waiting_for_a_place())
        };
        self.made.get_or_init(make).clone().ok_or_else(Problem::internal)
    }
}

fn app(state: &AppState) -> Result<&SlackApp, Problem> {
    state.settings.slack.as_ref().ok_or_else(|| {
        Problem::conflict(
            "Slack is not set up here: DESK_SLACK_CLIENT_ID, DESK_SLACK_CLIENT_SECRET and DESK_SLACK_SIGNING_SECRET are missing",
        )
    })
}
