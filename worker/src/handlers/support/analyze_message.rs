//! Reads a customer's message, by the model or by words, and settles its ticket.
//!
//! A model that cannot be reached is waited for: the ticket stays as it is, and says that a message waits. One that
//! answers what cannot be used, or refuses, is not asked again; then words are read, and the remark says why.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::ids::MessageId;
use questions::usage::Feature;
use support::analysis::{self, Reader, Reading, Unread};
use support::kinds::AnalyzeMessage;
use support::kinds::analyze_message::AnalyzeMessageOutput;
use support::{events, settle};
use tokio::time::Instant;
use upstreams::{CallContext, ClientError};

use crate::ai;
use crate::analysis::{is_reply, lexicon, model};
use crate::app::App;
use crate::context::Ctx;
use crate::draft::template::Written;
use crate::nightly::writers;
use crate::outcome::{Outcome, Stop, done, done_then};

/// A little less than the kind's deadline, so that the client gives up in order.
const CALL_TIME: Duration = Duration::from_secs(30);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: AnalyzeMessage) -> Outcome<AnalyzeMessageOutput> {
    let message = MessageId(job.message_id);
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    let unread = analysis::unread(&mut tx, message).await?;
    tx.commit().await?;
    let Some(unread) = unread else { return Err(Stop::Cancel("the message is gone".to_owned())) };
    if !unread.is_readable {
        return Err(Stop::Cancel("the message is no customer's".to_owned()));
    }
    if unread.is_read {
        return done(output(&unread, None, &Reading::default()));
    }
    let read = read(&ctx, &app, &unread).await?;
    let reader = Reader { name: read.by, model: read.model.as_deref(), remark: read.remark.as_deref() };
    let now = Utc::now();
    // What a model read was paid for, and must not wait behind a flood.
    let db = if read.model.is_some() { &app.db } else { &app.steps };
    let mut tx = db.tenant_tx(Role::Support, ctx.tenant).await?;
    analysis::store(&mut tx, ctx.tenant, message, &read.reading, &reader, now).await?;
    events::acting(&mut tx, "job:analyze_message", None).await?;
    let Some(settled) = settle::settle(&mut tx, ctx.tenant, unread.ticket_id, now).await? else {
        return Err(Stop::Cancel("the ticket is gone".to_owned()));
    };
    // The ticket's row is held, so whoever finds out now whose it is comes after this and computes the customer anew.
    let then = writers::follow_up(&mut tx, &ctx, unread.ticket_id).await?;
    tx.commit().await?;
    app.dispatch.announce(settled.announcement);
    done_then(output(&unread, Some(read.by), &read.reading), then)
}

struct Read {
    reading: Reading,
    by: &'static str,
    model: Option<String>,
    remark: Option<String>,
}

async fn read(ctx: &Ctx, app: &App, unread: &Unread) -> Result<Read, Stop> {
    let allowed = ai::allowed(app, ctx.tenant).await?;
    let Some(client) = allowed.client else { return Ok(by_words(unread, allowed.remark)) };
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let user = model::user_text(unread.subject.as_deref().unwrap_or_default(), &unread.body_text);
    let answer = client.complete(&call, model::prompt(&user)).await;
    if let Ok(completion) = &answer {
        ai::record(app, ctx.tenant, Feature::AnalyzeMessage, &completion.model, completion.usage).await;
    }
    match answer {
        Ok(completion) => Ok(match model::reading(&completion) {
            Some(reading) => Read { reading, by: "anthropic", model: Some(completion.model), remark: None },
            None => by_words(unread, Some("the model's answer could not be used")),
        }),
        Err(error @ (ClientError::RetryAfter { .. } | ClientError::Busy { .. })) => Err(error.into()),
        Err(error @ (ClientError::Unavailable { .. } | ClientError::Deadline { .. })) => {
            Err(Stop::wait("upstream_unavailable", &error.to_string()))
        }
        Err(error) => {
            tracing::warn!(%error, "the model does not read messages; words are read instead");
            Ok(by_words(unread, Some("the model did not take the request")))
        }
    }
}

fn by_words(unread: &Unread, why: Option<&str>) -> Read {
    let subject = unread.subject.as_deref().unwrap_or_default();
    let is_answer = unread.is_answer || is_reply(subject);
    let (reading, remark) = lexicon::read(&Written { subject, text: &unread.body_text, is_answer });
    let remark: Vec<&str> = why.into_iter().chain(remark).collect();
    Read { reading, by: "lexicon", model: None, remark: (!remark.is_empty()).then(|| remark.join("; ")) }
}

fn output(unread: &Unread, by: Option<&str>, reading: &Reading) -> AnalyzeMessageOutput {
    AnalyzeMessageOutput {
        ticket_id: unread.ticket_id.0,
        analysed_by: by.map(str::to_owned),
        sentiment: reading.sentiment,
        intent: reading.intent.map(str::to_owned),
    }
}
