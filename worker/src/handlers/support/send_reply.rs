//! Sends a reply, once. What lives in a help desk goes there: the intention is recorded before the call, and when an
//! earlier attempt did not live to say how it went, the ticket's messages are looked through first. What lives here counts
//! as sent when the time to take it back is over.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::ids::MessageId;
use jobs::JobKind;
use jobs::effects::{self, Known};
use support::gorgias;
use support::kinds::SendReply;
use support::kinds::send_reply::SendReplyOutput;
use support::tickets::delivery::{self, Outbound, Taken};
use tokio::time::Instant;
use upstreams::gorgias::{ExternalId, ReplyTo};
use upstreams::{CallContext, Outgoing};

use super::draft_reply::gorgias_of;
use crate::app::App;
use crate::context::Ctx;
use crate::draft::prompt::{INSIDE, escaped};
use crate::outcome::{Outcome, Stop, done};

/// A little less than the kind's deadline, so that the client gives up in order.
const CALL_TIME: Duration = Duration::from_secs(25);

/// A reply that could not be sent for so long after its time is given up: nobody expects it any more.
const GIVEN_UP_AFTER: chrono::Duration = chrono::Duration::hours(23);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SendReply) -> Outcome<SendReplyOutput> {
    let now = Utc::now();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let taken = delivery::take(&mut tx, MessageId(job.message_id), now).await?;
    tx.commit().await?;
    let reply = match taken {
        Taken::Send(reply) => reply,
        Taken::Gone => return Err(Stop::Cancel("the reply is gone".to_owned())),
        Taken::Over(how) => return Err(Stop::Cancel(format!("the reply is {how}"))),
        Taken::NotYet(at) => {
            return Err(Stop::Snooze((at - now).to_std().unwrap_or_default().max(Duration::from_secs(1))));
        }
    };
    match send(&ctx, &app, &reply).await {
        Ok(external_id) => {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let announcement =
                delivery::sent(&mut tx, ctx.tenant, &reply, external_id.as_deref(), Utc::now()).await?;
            tx.commit().await?;
            app.dispatch.announce(announcement);
            done(SendReplyOutput { external_id })
        }
        Err(stop) => Err(note(&ctx, &app, &reply, stop).await?),
    }
}

/// Shows on the reply why it did not leave, and whether it still will.
async fn note(ctx: &Ctx, app: &App, reply: &Outbound, stop: Stop) -> Result<Stop, Stop> {
    let now = Utc::now();
    let is_late = now - reply.send_at > GIVEN_UP_AFTER;
    let (reason, is_over) = match &stop {
        Stop::Fail(failure) => (failure.message.clone(), true),
        Stop::Cancel(reason) => (reason.clone(), true),
        Stop::Retry { failure, .. } => {
            (failure.message.clone(), is_late || ctx.attempt >= SendReply::POLICY.max_attempts)
        }
        Stop::Wait { failure, .. } => (failure.message.clone(), is_late),
        Stop::Snooze(_) => return Ok(stop),
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    if is_over {
        let announcement = delivery::failed(&mut tx, ctx.tenant, reply, &reason, now).await?;
        tx.commit().await?;
        app.dispatch.announce(announcement);
        return Ok(match stop {
            Stop::Wait { failure, .. } | Stop::Retry { failure, .. } => Stop::Fail(failure),
            stop => stop,
        });
    }
    // An attempt whose fate is open may have sent it.
    let may_have_left = matches!(stop, Stop::Retry { .. });
    delivery::waits(&mut tx, reply.id, &reason, may_have_left).await?;
    tx.commit().await?;
    Ok(stop)
}

/// Sends it; the help desk's id of the message, where it went to one.
async fn send(ctx: &Ctx, app: &App, reply: &Outbound) -> Result<Option<String>, Stop> {
    let html = escaped(&reply.body_text, usize::MAX / 4).replace('\n', "<br>");
    let body = Outgoing::pass(&reply.body_text, &format!("<p>{html}</p>"), &INSIDE)
        .map_err(|refused| Stop::fail("outgoing_refused", &refused.to_string()))?;
    if reply.provider != gorgias::PROVIDER {
        return Ok(None);
    }
    let Some(client) = gorgias_of(app, ctx.tenant).await? else {
        return Err(Stop::fail("no_help_desk", "the shop has no help desk connected any more"));
    };
    let Ok(ticket_number) = reply.external_id.parse::<u64>() else {
        return Err(Stop::fail("bad_ticket", "the help desk's id of the ticket is not a number"));
    };
    let marker = ExternalId::new(format!("deskwork-reply-{}", reply.id))
        .map_err(|error| Stop::fail("bad_marker", &error.to_string()))?;
    let to = ReplyTo {
        channel: reply.channel.clone(),
        address: reply.customer_email.clone(),
        name: reply.customer_name.clone(),
    };
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let key = format!("gorgias_reply:{}", reply.id);
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<String> = app.store.answers(intend).await?;
    let id = match known {
        Known::Happened(id) => return Ok(Some(id)),
        Known::UnderWay => return Err(Stop::under_way()),
        Known::New => client.post_reply(&call, ticket_number, &marker, &to, &body).await?.message_id,
        Known::Unsure => client.ensure_reply(&call, ticket_number, &marker, &to, &body).await?.message_id,
    }
    .to_string();
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &id).await
    };
    app.store.answers(happened).await?;
    Ok(Some(id))
}
