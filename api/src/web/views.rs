//! Who looked at whose data: lines of the trail that are written behind the request's back, so that looking costs nobody a
//! round trip.
//!
//! They wait in a bounded queue and are written together, within a second. A request whose line finds no room waits
//! for it rather than losing it; while the database is away lines are kept and tried again. A process that is killed loses
//! the lines of its last second; one that is asked to end writes them first ([`Views::flush`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use accounts::audit::{self, View};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use chrono::Utc;
use database::Db;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::web::auth::Identity;
use crate::web::correlation;

/// Lines that wait at most.
const WAITING: usize = 10_000;

/// Lines that are written at once.
const AT_ONCE: usize = 500;

/// How long the first line waits for others.
const TOGETHER: Duration = Duration::from_millis(500);

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Who follows a job asks for it again and again: one line tells of all that one caller sees of one job for so long.
const FOLLOWED: Duration = Duration::from_secs(600);

/// Followers that are remembered; beyond that each look is a line.
const FOLLOWERS: usize = 10_000;

/// The way to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Views {
    sender: mpsc::Sender<Note>,
    followers: Arc<Mutex<Followers>>,
}

/// Who has a line about which job, and since when.
#[derive(Debug, Default)]
struct Followers(HashMap<(String, String), Instant>);

impl Followers {
    /// Whether a line of the last ten minutes tells of this look already. If not, the caller writes one.
    fn are_told(&mut self, actor: &str, subject: &str, now: Instant) -> bool {
        let is_fresh = |at: &Instant| now.duration_since(*at) < FOLLOWED;
        let follower = (actor.to_owned(), subject.to_owned());
        if self.0.get(&follower).is_some_and(is_fresh) {
            return true;
        }
        if self.0.len() >= FOLLOWERS {
            self.0.retain(|_, at| is_fresh(at));
        }
        if self.0.len() < FOLLOWERS {
            self.0.insert(follower, now);
        }
        false
    }
}

#[derive(Debug)]
enum Note {
    Line(Box<View>),
    Flush(oneshot::Sender<()>),
}

impl Views {
    /// Starts the writer, within a runtime; it ends with the last sender.
    pub fn start(db: Db) -> Views {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(db, receiver));
        Views { sender, followers: Arc::default() }
    }

    /// Whether this look at a job is one of many by the same caller, of which a line tells already.
    fn is_told(&self, view: &View) -> bool {
        view.subject.starts_with("job:")
            && self.followers.lock().unwrap_or_else(PoisonError::into_inner).are_told(
                &view.actor,
                &view.subject,
                Instant::now(),
            )
    }

    /// Notes a line. It waits only when ten thousand wait already.
    pub async fn note(&self, view: View) {
        if self.sender.send(Note::Line(Box::new(view))).await.is_err() {
            tracing::error!("the writer of the trail is gone");
        }
    }

    /// Waits until every line that was noted before is written.
    pub async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.sender.send(Note::Flush(done)).await.is_ok() {
            let _ = waiting.await;
        }
    }
}

async fn write(db: Db, mut receiver: mpsc::Receiver<Note>) {
    let mut notes = Vec::with_capacity(AT_ONCE);
    while receiver.recv_many(&mut notes, AT_ONCE).await > 0 {
        if !notes.iter().any(|note| matches!(note, Note::Flush(_))) {
            tokio::time::sleep(TOGETHER).await;
            while notes.len() < AT_ONCE {
                let Ok(note) = receiver.try_recv() else { break };
                notes.push(note);
            }
        }
        let mut lines = Vec::with_capacity(notes.len());
        let mut waiting = Vec::new();
        for note in notes.drain(..) {
            match note {
                Note::Line(line) => lines.push(*line),
                Note::Flush(done) => waiting.push(done),
            }
        }
        while let Err(error) = audit::record_views(&db, &lines).await {
            tracing::warn!(%error, lines = lines.len(), "who looked at customers' data is not written yet");
            if !error.is_transient() {
                metrics::counter!("deskwork_trail_lines_lost_total").increment(lines.len() as u64);
                tracing::error!(%error, lines = lines.len(), "lines of the trail cannot be written");
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

/// Paths whose answers tell of customers, with what the part behind them names. A path that is added below one of them is
/// noted too; of several that fit the longest holds.
const ABOUT_CUSTOMERS: [(&str, &str); 14] = [
    ("/api/tickets", "ticket"),
    ("/api/tickets/attachments", "attachment"),
    ("/api/customers", "customer"),
    ("/api/ai/customers", "customer"),
    ("/api/ai/tickets", "ticket"),
    ("/api/intelligence/customers", "customer"),
    ("/api/jobs", "job"),
    ("/api/mcp/customer", "customer"),
    ("/api/orders/imports", "import"),
    ("/api/privacy/requests", "privacy_request"),
    ("/api/segments/{id}/members", "segment"),
    ("/api/segments/{id}/changes", "segment"),
    ("/api/sla/tickets", "ticket"),
    ("/api/webhooks/deliveries", "delivery"),
];

/// Paths below those that tell of no customer.
const ABOUT_NOBODY: [&str; 3] = ["/api/tickets/fields", "/api/tickets/settings", "/api/tickets/tags"];

/// Notes every read of customers' data that was answered, whatever route answered it; stands inside of the limits, which
/// know who asks.
pub async fn watch(State(views): State<Views>, request: Request, next: Next) -> Response {
    let line = line_of(&request);
    let response = next.run(request).await;
    if let Some(line) = line.filter(|line| response.status().is_success() && !views.is_told(line)) {
        views.note(line).await;
    }
    response
}

fn line_of(request: &Request) -> Option<View> {
    if request.method() != Method::GET {
        return None;
    }
    let Some(Identity::Known(caller)) = request.extensions().get::<Identity>() else { return None };
    let pattern = request.extensions().get::<MatchedPath>()?.as_str();
    let kind = kind_of(pattern)?;
    let id = pattern
        .split('/')
        .zip(request.uri().path().split('/'))
        .find_map(|(pattern, part)| pattern.starts_with('{').then_some(part));
    Some(View {
        tenant: caller.tenant,
        actor: caller.actor(),
        action: "customer-data.view",
        // A part of a path may be anything that its route takes for an id, an address too: only ids are written down.
        subject: match id.map(str::parse::<Uuid>) {
            Some(Ok(id)) => format!("{kind}:{id}"),
            Some(Err(_)) => format!("{kind}:by-another-name"),
            None => format!("{kind}s"),
        },
        detail: json!({ "route": pattern }),
        correlation_id: correlation::current().as_str().to_owned(),
        at: Utc::now(),
    })
}

/// What the ids in this path name, when its answers tell of customers.
fn kind_of(pattern: &str) -> Option<&'static str> {
    let is_below = |start: &str| {
        pattern.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if ABOUT_NOBODY.iter().any(|start| is_below(start)) {
        return None;
    }
    let fitting = ABOUT_CUSTOMERS.iter().filter(|(start, _)| is_below(start));
    fitting.max_by_key(|(start, _)| start.len()).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_has_one_line_for_ten_minutes_and_others_have_their_own() {
        let (mut followers, start) = (Followers::default(), Instant::now());
        let later = |secs| start + Duration::from_secs(secs);
        assert!(!followers.are_told("agent:a", "job:1", start));
        assert!(followers.are_told("agent:a", "job:1", later(599)));
        assert!(
            !followers.are_told("agent:b", "job:1", later(1))
                && !followers.are_told("agent:a", "job:2", later(1))
        );
        assert!(!followers.are_told("agent:a", "job:1", later(600)), "a new window");
        for number in 0..FOLLOWERS * 2 {
            followers.are_told("agent:c", &format!("job:{number}"), later(601));
        }
        assert!(followers.0.len() <= FOLLOWERS);
    }

    #[test]
    fn what_tells_of_customers_is_noted_and_nothing_else() {
        for (pattern, kind) in [
            ("/api/tickets", Some("ticket")),
            ("/api/tickets/{id}/messages", Some("ticket")),
            ("/api/tickets/attachments/{id}", Some("attachment")),
            ("/api/tickets/fields", None),
            ("/api/customers/{id}/tickets", Some("customer")),
            ("/api/segments/{id}/members", Some("segment")),
            ("/api/segments/{id}", None),
            ("/api/ticketing", None),
            ("/api/agents/{id}", None),
        ] {
            assert_eq!(kind_of(pattern), kind, "{pattern}");
        }
    }
}
