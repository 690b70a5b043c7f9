//! Tickets: making, listing, opening, changing and closing them; their messages and notes.
//!
//! A ticket's entity tag is its version: PATCH with `If-Match` changes what the caller looked at, or answers 412 with how
//! it is now.

mod attachments;
mod change;
mod create;
pub(super) mod erased;
mod fields;
mod history;
mod list;
mod merges;
mod messages;
mod notes;
mod reply_text;
mod search;
mod send_again;
mod setting;
mod show;
mod tags;
mod view;

use std::sync::Arc;

use axum::Extension;
use chrono::{DateTime, Utc};
use database::Tx;
use database::ids::TicketId;
use support::tickets::state::Standing;
use support::tickets::{Acting, TicketError, full};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::routes::platform::intelligence::Memory;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::correlation;
use crate::web::problem::Problem;
use crate::web::query;
pub(super) use view::MessageView;
pub use view::TicketView;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::make, list::page))
        .routes(routes!(fields::list))
        .routes(routes!(fields::put, fields::archive))
        .routes(routes!(setting::show, setting::put))
        .routes(routes!(show::open, change::patch, change::close))
        .routes(routes!(history::page))
        .routes(routes!(attachments::send))
        .routes(routes!(attachments::download))
        .routes(routes!(search::page))
        .routes(routes!(tags::page))
        .routes(routes!(merges::merge_tickets))
        .routes(routes!(merges::undo))
        .routes(routes!(merges::list))
        .routes(routes!(merges::split))
        .routes(routes!(messages::page, messages::add))
        .routes(routes!(messages::withdraw))
        .routes(routes!(send_again::send_again))
        .routes(routes!(notes::page, notes::add))
        .routes(routes!(reply_text::show, reply_text::put, reply_text::delete))
        .layer(Extension(Arc::new(Memory::default())))
}

/// Who acts and why, for as long as a request lasts.
pub(super) struct Cause {
    actor: String,
    correlation_id: String,
    trace_parent: Option<String>,
    now: DateTime<Utc>,
}

impl Cause {
    pub(super) fn of(caller: &Caller) -> Cause {
        Cause {
            actor: caller.actor(),
            correlation_id: correlation::current().as_str().to_owned(),
            trace_parent: boot::telemetry::trace_parent_of_current_span(),
            now: Utc::now(),
        }
    }

    pub(super) fn acting<'a>(&'a self, caller: &'a Caller) -> Acting<'a> {
        Acting {
            tenant: caller.tenant,
            actor: &self.actor,
            agent: caller.agent(),
            writer: caller.counted_as(),
            name: &caller.name,
            correlation_id: &self.correlation_id,
            trace_parent: self.trace_parent.as_deref(),
            now: self.now,
        }
    }
}

pub(super) fn ticket_id(text: &str) -> Result<TicketId, Problem> {
    query::id("id", text).map(TicketId)
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("there is no such ticket")
}

/// The ticket as it is now, for an answer.
pub(super) async fn view(tx: &mut Tx, ticket: TicketId) -> Result<TicketView, Problem> {
    Ok(full::whole(tx, ticket).await?.ok_or_else(unknown)?.into())
}

/// A refusal; of a stale version with the ticket as it is.
pub(super) async fn refusal(tx: &mut Tx, ticket: TicketId, error: TicketError) -> Problem {
    if !matches!(error, TicketError::Stale(_)) {
        return error.into();
    }
    match view(tx, ticket).await {
        Ok(view) => match serde_json::to_value(&view) {
            Ok(current) => Problem::precondition_failed(current),
            Err(_) => Problem::internal(),
        },
        Err(problem) => problem,
    }
}

/// A refusal by the status, with those that it may become.
fn not_from(standing: Standing, detail: String) -> Problem {
    let allowed: Vec<&str> = standing.followers().iter().map(|status| status.name()).collect();
    Problem::conflict(detail).at("status").with("allowed", allowed.into())
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Problem {
        let detail = error.to_string();
        match error {
            TicketError::Unknown(_) => Problem::not_found(detail),
            TicketError::Illegal(illegal) => not_from(illegal.from, detail),
            TicketError::TakesNoReply(standing) => not_from(standing, detail),
            TicketError::Merged(into) => {
                Problem::conflict(detail).with("merged_into", into.to_string().into())
            }
            TicketError::Conflict(_) | TicketError::BeingMerged => Problem::conflict(detail),
            TicketError::Erased => Problem::conflict(detail).with("reason", "customer_erased".into()),
            TicketError::Lacks(missing) => Problem::conflict(detail).with("reason", missing.name().into()),
            TicketError::Stale(version) => {
                Problem::precondition_failed(serde_json::json!({ "version": version }))
            }
            TicketError::Field { field, problem } => Problem::bad_request(field, problem),
            TicketError::TooLong { field, limit } => Problem::too_long(field, limit),
            TicketError::Db(error) => error.into(),
            TicketError::Queue(error) => error.into(),
        }
    }
}
