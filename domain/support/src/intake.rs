//! What a verified delivery does to the database: inbox row, ticket with its messages, and the job that drafts a reply,
//! all or nothing; or nothing at all when the delivery was recorded before, for then it gets its first answer.
//!
//! All of it is one call of `support_app.take_in_all`, and the call is the transaction: one round trip to Postgres, with
//! tenant and settings cached and statements prepared, whatever the delivery is and however many there are. A call whose
//! answer was lost is sent again, since it finds what it did itself. Redis is told after the commit by a task of its own,
//! so that its absence costs the sender nothing.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use database::ids::{DeliveryId, TenantId};
use database::{Db, DbError, REQUEST_WITHIN, Tx};
use jobs::{Announcement, Dispatch, NewJob, QueueError};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::postgres::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use crate::gorgias::PROVIDER;
use crate::gorgias::dedup::Identity;
use crate::gorgias::delivery::Delivery;
use crate::gorgias::remarks::Remark;
use crate::gorgias::rules::{self, Decision};
use crate::inbox::Answer;
use crate::kinds::{DraftReply, SettleTicket};
use crate::tickets::{ToldTicket, told_documents};

#[cfg(test)]
mod tests;
mod together;

pub use together::Intakes;

/// How often a call is sent again that gave way to another transaction.
const RETRIES: u32 = 3;

/// For how long the same bytes are the same delivery, when the sender does not say which event they are about.
const REPEATED_WITHIN: Duration = Duration::from_secs(600);

/// For how long a call is sent again over other connections.
const SENT_AGAIN_WITHIN: Duration = Duration::from_secs(2);

/// A verified and parsed delivery.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    /// Whose it is.
    pub tenant: TenantId,
    /// What makes two deliveries the same one.
    pub identity: &'a Identity,
    /// The body as received.
    pub body: &'a RawValue,
    /// The same, understood.
    pub delivery: &'a Delivery,
    /// The request's correlation id.
    pub correlation_id: &'a str,
    /// The request's W3C trace context.
    pub trace_parent: Option<&'a str>,
    /// The delivery that an operator asked to repeat; a replay is never a duplicate.
    pub replay_of: Option<DeliveryId>,
    /// Stands in for times that the delivery leaves out.
    pub now: DateTime<Utc>,
}

/// What became of it.
#[derive(Debug, sqlx::FromRow)]
pub struct Taken {
    /// What the sender is told, now and whenever it sends the same again.
    #[sqlx(flatten)]
    pub answer: Answer,
    /// Whether the delivery was new.
    pub is_new: bool,
    /// The job that brings up to date what follows from it, if this delivery asked for a new one.
    settle_job: Option<Uuid>,
}

/// Sends a call, again when that is right, and announces its job.
async fn send(support: &Db, dispatch: &Dispatch, call: &Call) -> Result<Taken, QueueError> {
    let (mut collisions, mut dead_connections) = (0, 0);
    let started = Instant::now();
    loop {
        match support.unless_silent(REQUEST_WITHIN, call.send(support.pool())).await {
            Ok((taken, announcement)) => {
                dispatch.announce(announcement);
                return Ok(taken);
            }
            Err(error) if error.is_collision() && collisions < RETRIES => collisions += 1,
            // Idle connections that died with the server are met at once. One that fell silent took its time, and
            // the sender's with it.
            Err(error)
                if error.is_connection_lost()
                    && dead_connections < support.max_connections()
                    && started.elapsed() < SENT_AGAIN_WITHIN =>
            {
                dead_connections += 1;
            }
            Err(DbError::Unavailable(error)) if database::is_dead_connection(&error) => {
                return Err(DbError::Unanswered(error).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes a delivery in within the caller's transaction (support role), with what else must be done together with it.
///
/// # Errors
/// The database failed, and with it the transaction.
pub async fn take_in_within(tx: &mut Tx, intake: Intake<'_>) -> Result<(Taken, Announcement), QueueError> {
    Ok(Call::of(intake)?.send(&mut **tx).await?)
}

/// The arguments of `support_app.take_in_all` for one delivery, written out, with ids that stay the same however often it is sent.
struct Call {
    tenant: TenantId,
    /// The ticket's id at the help desk: calls that are sent together lock tickets in this order.
    ticket_key: String,
    delivery: Box<RawValue>,
    body: Box<RawValue>,
    ticket: Box<RawValue>,
    messages: Box<RawValue>,
    job: Option<(NewJob, Box<RawValue>)>,
    settle: (NewJob, Box<RawValue>),
}

impl Call {
    fn of(intake: Intake<'_>) -> Result<Call, QueueError> {
        // What somebody's clock, or a template, says of years to come would stand above everything for as long.
        let bounded = intake.delivery.without_future(intake.now);
        let intake = Intake { delivery: bounded.as_ref().unwrap_or(intake.delivery), ..intake };
        let (decision, skip_reason, job) = match rules::decide(intake.delivery) {
            Decision::Draft { .. } => ("queued", None, Some(draft_job(intake)?)),
            Decision::Skip(reason) => ("skipped", Some(reason.name()), None),
        };
        let delivery = NewDelivery {
            id: DeliveryId::new(),
            provider: PROVIDER,
            dedup_key: &intake.identity.key,
            repeated_within_secs: (!intake.identity.is_lasting).then_some(REPEATED_WITHIN.as_secs()),
            event_type: intake.delivery.event_type.as_deref(),
            decision,
            skip_reason,
            correlation_id: intake.correlation_id,
            replay_of: intake.replay_of,
            remarks: Some(intake.delivery.remarks.as_slice()).filter(|remarks| !remarks.is_empty()),
            unless_tagged: unless_tagged(intake).filter(|_| job.is_some()),
        };
        let job = match job {
            Some(job) => {
                let document = written(&job.document())?;
                Some((job, document))
            }
            None => None,
        };
        let settle = settle_job(intake)?;
        let settle_document = written(&settle.document())?;
        Ok(Call {
            tenant: intake.tenant,
            settle: (settle, settle_document),
            ticket_key: intake.delivery.ticket.id.clone(),
            delivery: written(&delivery)?,
            body: intake.body.to_owned(),
            ticket: written(&ToldTicket::of(PROVIDER, intake.delivery))?,
            messages: written(&told_documents(intake.delivery, intake.now))?,
            job,
        })
    }

    async fn send(&self, executor: impl PgExecutor<'_>) -> Result<(Taken, Announcement), DbError> {
        let taken = send_all(executor, &[self]).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
        let announcement = self.announcement(&taken);
        Ok((taken, announcement))
    }

    /// What to tell the workers. Another job may stand in for ours; then it was announced when it came.
    fn announcement(&self, taken: &Taken) -> Announcement {
        let ours = self.job.as_ref().filter(|(job, _)| taken.answer.job == Some(job.id()));
        let mut announcement = ours.map(|(job, _)| job.ready()).unwrap_or_default();
        if taken.settle_job == Some(self.settle.0.id()) {
            announcement.merge(self.settle.0.ready());
        }
        announcement
    }
}

/// Sends calls as one statement, and so as one transaction. It answers in their order, which is that in which everybody
/// locks tickets: by tenant and by the help desk's id.
async fn send_all(executor: impl PgExecutor<'_>, calls: &[&Call]) -> Result<Vec<Taken>, DbError> {
    fn column<'a>(calls: &[&'a Call], of: impl Fn(&'a Call) -> &'a RawValue) -> Vec<Json<&'a RawValue>> {
        calls.iter().map(|call| Json(of(call))).collect()
    }
    let tenants: Vec<_> = calls.iter().map(|call| call.tenant.0).collect();
    let jobs: Vec<_> =
        calls.iter().map(|call| call.job.as_ref().map(|(_, document)| Json(document))).collect();
    let taken: Vec<Taken> = sqlx::query_as(
        "select t.* from support_app.take_in_all($1, $2, $3, $4, $5, $6, $7) t order by t.place",
    )
    .bind(tenants)
    .bind(column(calls, |call| &call.delivery))
    .bind(column(calls, |call| &call.body))
    .bind(column(calls, |call| &call.ticket))
    .bind(column(calls, |call| &call.messages))
    .bind(jobs)
    .bind(column(calls, |call| &call.settle.1))
    .fetch_all(executor)
    .await?;
    match taken.len() == calls.len() {
        true => Ok(taken),
        false => Err(DbError::Other(sqlx::Error::RowNotFound)),
    }
}

fn written(document: &impl Serialize) -> Result<Box<RawValue>, QueueError> {
    serde_json::value::to_raw_value(document)
        .map_err(|error| DbError::Other(sqlx::Error::Encode(error.into())).into())
}

/// What the ticket's tags decide, where the delivery does not mention them: those that are known still hold.
fn unless_tagged(intake: Intake<'_>) -> Option<Tagged> {
    intake.delivery.ticket.tags.is_none().then_some(Tagged {
        forbidding: rules::FORBIDDING_TAGS,
        forcing: rules::FORCING_TAGS,
        skip_reason: rules::SkipReason::HumanOnly.name(),
    })
}

/// The job that drafts a reply. Its ticket and its dedup key ([`DraftReply::dedup_key`]) are known only inside the
/// call, which fills them in.
fn draft_job(intake: Intake<'_>) -> Result<NewJob, QueueError> {
    let payload = DraftReply { ticket_id: Uuid::nil(), tone: None, length: None, again: false };
    let job = NewJob::of(intake.tenant, &payload)?;
    Ok(job.with_cause(intake.correlation_id, intake.trace_parent, "webhook"))
}

/// The job that brings up to date what follows from the delivery; its ticket and dedup key too are filled in there.
fn settle_job(intake: Intake<'_>) -> Result<NewJob, QueueError> {
    let job = NewJob::of(intake.tenant, &SettleTicket { ticket_id: Uuid::nil() })?;
    Ok(job.with_cause(intake.correlation_id, intake.trace_parent, "webhook"))
}

#[derive(Serialize)]
struct NewDelivery<'a> {
    id: DeliveryId,
    provider: &'a str,
    dedup_key: &'a str,
    /// Without it a repetition is one at any time.
    repeated_within_secs: Option<u64>,
    event_type: Option<&'a str>,
    decision: &'a str,
    skip_reason: Option<&'a str>,
    correlation_id: &'a str,
    replay_of: Option<DeliveryId>,
    remarks: Option<&'a [Remark]>,
    unless_tagged: Option<Tagged>,
}

/// No draft is made for a ticket with one of these tags and none of those, for this reason.
#[derive(Serialize)]
struct Tagged {
    forbidding: [&'static str; 3],
    forcing: [&'static str; 2],
    skip_reason: &'static str,
}
