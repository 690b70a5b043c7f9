//! Real time over HTTP: the stream of events, an agent's WebSocket, and who looks at a ticket.

mod socket;
mod stream;
mod viewers;
mod words;

use std::collections::BTreeSet;

use support::live::topics::Topic;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::live::hub::NoFeed;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::Problem;
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(stream::events))
        .routes(routes!(socket::agent))
        .routes(routes!(viewers::viewers))
}

/// Which events a client is told: what it asked for, of what it may see.
fn topics(caller: &Caller, params: &Params) -> Result<BTreeSet<Topic>, Problem> {
    let names = params.list("topics")?;
    let mut wanted = BTreeSet::new();
    for name in &names {
        let Some(topic) = Topic::named(name) else {
            let known = Topic::ALL.map(Topic::name).join(", ");
            return Err(Problem::bad_request("topics", format!("may name {known}")));
        };
        caller.require(topic.scope())?;
        wanted.insert(topic);
    }
    if names.is_empty() {
        wanted = Topic::ALL.into_iter().filter(|topic| caller.require(topic.scope()).is_ok()).collect();
    }
    if wanted.is_empty() {
        // The permission that most events need.
        caller.require(Topic::TicketUpdate.scope())?;
    }
    Ok(wanted)
}

/// The number after which events are wanted.
fn after(params: &Params) -> Result<Option<i64>, Problem> {
    params.number("after")
}

impl From<NoFeed> for Problem {
    fn from(reason: NoFeed) -> Problem {
        match reason {
            NoFeed::Future(newest) => Problem::bad_request(
                "after",
                format!("no event has this number yet; the newest is {newest}, so 0 to {newest} are allowed"),
            ),
            NoFeed::Db(error) => error.into(),
        }
    }
}

/// As many clients as may be are connected.
fn no_place() -> Problem {
    Problem {
        detail: "this process holds as many connections as it may; try another or later".into(),
        ..Problem::unavailable()
    }
}
