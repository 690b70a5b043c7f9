//! Routes of what other systems are told: webhook endpoints and their deliveries, the catalogue of events, and Slack.

pub mod catalogue;
pub mod deliveries;
pub mod endpoints;
pub mod slack;

use accounts::api_keys::Scope;
use accounts::base_url::Loopback;
use outbound::catalogue::{is_pattern, patterns};
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::Problem;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(catalogue::routes())
        .merge(endpoints::routes())
        .merge(deliveries::routes())
        .merge(slack::routes())
}

/// Who may look at what is told to other systems.
fn may_read(caller: &Caller) -> Result<(), Problem> {
    caller.require(Scope::WebhooksRead)
}

/// Who may decide what is told to other systems.
fn may_write(caller: &Caller) -> Result<(), Problem> {
    caller.require(Scope::SettingsWrite)
}

fn loopback(state: &AppState) -> Loopback {
    if state.settings.people.allow_loopback { Loopback::Allowed } else { Loopback::Refused }
}

/// Patterns of events as asked for: 1 to 50, each known, none twice.
fn checked_events(mut events: Vec<String>) -> Result<Vec<String>, Problem> {
    if events.is_empty() || events.len() > 50 {
        return Err(Problem::bad_request("events", "must name 1 to 50 kinds of events"));
    }
    if let Some(place) = events.iter().position(|event| !is_pattern(event)) {
        let detail = format!("is no kind of event; they are {}", patterns().join(", "));
        return Err(Problem::bad_request(format!("events[{place}]"), detail));
    }
    events.sort_unstable();
    events.dedup();
    Ok(events)
}
