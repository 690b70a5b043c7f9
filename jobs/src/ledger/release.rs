//! Handing back what a claim took without its worker knowing: the connection broke between the commit
//! and its answer, so the ledger says that the jobs run and nobody runs them.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{Announcement, JobId, Offer, QueueError, State, events::Event, read, successors};

/// What became of jobs that came back from runs of which nobody hears any more.
#[derive(Debug, Default)]
pub struct Returned {
    /// Those that may be claimed again.
    pub announcement: Announcement,
    /// Those that ended: somebody wanted them cancelled.
    pub events: Vec<Event>,
}

/// A job that came back.
#[derive(sqlx::FromRow)]
pub(crate) struct Back {
    #[sqlx(flatten)]
    pub(crate) offer: Offer,
    pub(crate) cancel_reason: Option<String>,
}

/// Makes the jobs of these leases of the worker claimable again. They never started, so no attempt is
/// counted; should one run after all, its lease is lost and nothing of it is written. One that somebody wants
/// cancelled is cancelled.
///
/// # Errors
/// The ledger failed; nothing changed.
pub async fn release(conn: &mut PgConnection, worker: Uuid, leases: &[Uuid]) -> Result<Returned, QueueError> {
    let mut tx = conn.begin().await?;
    let back: Vec<Back> =
        sqlx::query_as(include_str!("release.sql")).bind(leases).bind(worker).fetch_all(&mut *tx).await?;
    let returned = returned(&mut tx, back).await?;
    tx.commit().await?;
    Ok(returned)
}

/// Ends those of the jobs that came back whose cancellation was asked for while they ran: nobody is left to tell.
pub(crate) async fn returned(conn: &mut PgConnection, back: Vec<Back>) -> Result<Returned, QueueError> {
    let mut returned = Returned::default();
    let mut over: Vec<JobId> = Vec::new();
    for Back { offer, cancel_reason } in back {
        match cancel_reason {
            None => returned.announcement.ready.push(offer),
            Some(reason) => over.extend(read::cancel_waiting(conn, &[offer.id], &reason).await?),
        }
    }
    if !over.is_empty() {
        returned.announcement.merge(successors::release(conn, &over).await?);
        returned.events.extend(over.iter().map(|id| Event { id: *id, state: State::Cancelled }));
    }
    Ok(returned)
}
