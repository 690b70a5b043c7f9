//! What a verified delivery does to the database: inbox row, ticket with its messages, and the job that drafts
//! a reply, in one transaction; or nothing, when the delivery was recorded before.
//!
//! Round trips to Postgres, with tenant and settings cached and statements prepared: a new delivery that gets
//! a draft takes seven (begin with role and tenant, claim, ticket, messages, job, attach, commit), eight when an
//! unfinished draft of the ticket stands in for the job; a skipped one six, a repeated one four (begin, claim,
//! look-up, rollback).
//! Redis is told after the commit by a task of its own, so that its absence costs the sender nothing.

use accounts::audit;
use chrono::Utc;
use database::ids::{DeliveryId, TenantId};
use database::{Db, DbError, Role, Tx};
use jobs::{Announcement, Dispatch, JobId, NewJob, QueueError};
use serde_json::{Value, json};
use support::gorgias::delivery::Delivery;
use support::gorgias::rules::{self, Decision};
use support::inbox::{self, Answer, NewDelivery, Recorded};
use support::kinds::DraftReply;
use support::tickets::{self, Upserted};

/// The name under which deliveries, tickets and metrics of this help desk are kept.
pub const PROVIDER: &str = "gorgias";

/// How often a transaction is tried again after it collided with another one.
const RETRIES: u32 = 3;

/// A verified and parsed delivery.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    /// Whose it is.
    pub tenant: TenantId,
    /// What makes two deliveries the same one.
    pub dedup_key: &'a str,
    /// The body, fit for storage: see [`storable`].
    pub body: &'a Value,
    /// The same, understood.
    pub delivery: &'a Delivery,
    /// The request's correlation id.
    pub correlation_id: &'a str,
    /// The request's W3C trace context.
    pub trace_parent: Option<&'a str>,
    /// What it repeats, when somebody asked for a repetition.
    pub replay: Option<Replay<'a>>,
}

/// A repetition that was asked for.
#[derive(Clone, Copy)]
pub struct Replay<'a> {
    /// The delivery that is repeated.
    pub of: DeliveryId,
    /// Who asked, as the audit trail names it.
    pub actor: &'a str,
}

/// What became of it.
#[derive(Debug)]
pub struct Taken {
    /// What the sender is told, now and whenever it sends the same again.
    pub answer: Answer,
    /// Whether the delivery was new.
    pub is_new: bool,
}

/// Takes a delivery in and announces its job.
///
/// # Errors
/// The database failed; then nothing is stored.
pub async fn take_in(db: &Db, dispatch: &Dispatch, intake: Intake<'_>) -> Result<Taken, QueueError> {
    let mut tries = 0;
    loop {
        match attempt(db, intake).await {
            Ok((taken, announcement)) => {
                dispatch.announce(announcement);
                return Ok(taken);
            }
            Err(QueueError::Ledger(DbError::Conflict(_)) | QueueError::Contended { .. })
                if tries < RETRIES =>
            {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The body as `jsonb` can hold it: without the NUL characters that JSON allows and Postgres does not.
pub fn storable(mut body: Value) -> Value {
    replace_nul(&mut body);
    body
}

async fn attempt(db: &Db, intake: Intake<'_>) -> Result<(Taken, Announcement), QueueError> {
    let decision = rules::decide(intake.delivery);
    let mut tx = db.tenant_tx(Role::Support, intake.tenant).await?;
    let claimed = inbox::claim(
        &mut tx,
        &NewDelivery {
            tenant: intake.tenant,
            provider: PROVIDER,
            dedup_key: intake.dedup_key,
            event_type: intake.delivery.event_type.as_deref(),
            body: intake.body,
            decision,
            correlation_id: Some(intake.correlation_id),
            replay_of: intake.replay.map(|replay| replay.of),
        },
    )
    .await?;
    let id = match claimed {
        Recorded::New(id) => id,
        Recorded::Duplicate(answer) => {
            tx.rollback().await?;
            return Ok((Taken { answer, is_new: false }, Announcement::default()));
        }
    };
    let ticket = tickets::upsert(&mut tx, intake.tenant, PROVIDER, intake.delivery, Utc::now()).await?;
    let (job, announcement) = match decision {
        Decision::Draft { .. } => enqueue_draft(&mut tx, intake, &ticket).await?,
        Decision::Skip(_) => (None, Announcement::default()),
    };
    inbox::attach(&mut tx, id, ticket.id, job).await?;
    if let Some(replay) = intake.replay {
        record(&mut tx, intake, replay, id, job).await?;
    }
    tx.commit().await?;
    let (decision, skip_reason) = match decision {
        Decision::Draft { .. } => ("queued", None),
        Decision::Skip(reason) => ("skipped", Some(reason.name().to_owned())),
    };
    let answer = Answer { id, decision: decision.to_owned(), skip_reason, ticket: Some(ticket.id), job };
    Ok((Taken { answer, is_new: true }, announcement))
}

/// Writes down who asked for the repetition, in the transaction that makes it.
async fn record(
    tx: &mut Tx,
    intake: Intake<'_>,
    replay: Replay<'_>,
    delivery: DeliveryId,
    job: Option<JobId>,
) -> Result<(), DbError> {
    let event = audit::Event {
        tenant: Some(intake.tenant),
        actor: replay.actor,
        action: "delivery.replay",
        subject: &format!("delivery:{}", replay.of),
        detail: json!({ "delivery": delivery, "job": job }),
        correlation_id: Some(intake.correlation_id),
    };
    audit::record(tx, &event).await
}

async fn enqueue_draft(
    tx: &mut Tx,
    intake: Intake<'_>,
    ticket: &Upserted,
) -> Result<(Option<JobId>, Announcement), QueueError> {
    let payload = DraftReply { ticket_id: ticket.id.0, tone: None, length: None, again: false };
    let dedup_key = DraftReply::dedup_key(ticket.id.0, ticket.message_count);
    let job = NewJob::of(intake.tenant, &payload)?.with_dedup_key(&dedup_key)?.with_cause(
        intake.correlation_id,
        intake.trace_parent,
        "webhook",
    );
    let (enqueued, announcement) = jobs::enqueue(tx, &[job]).await?;
    Ok((enqueued.first().map(|job| job.id), announcement))
}

fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(fields) => {
            if fields.keys().any(|name| name.contains('\0')) {
                let renamed = std::mem::take(fields).into_iter();
                *fields = renamed.map(|(name, value)| (name.replace('\0', "\u{fffd}"), value)).collect();
            }
            fields.values_mut().for_each(replace_nul);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_characters_are_replaced_at_any_depth() {
        let body = json!({ "a\u{0}": ["x\u{0}y", { "b": "\u{0}" }], "n": 1 });
        let text = storable(body).to_string();
        assert!(!text.contains("\\u0000"), "{text}");
        assert_eq!(text.matches('\u{fffd}').count(), 3);
    }
}
