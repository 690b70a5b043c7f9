//! Tells a channel what waits for it, one message after the other: about one a second, whoever else in the cluster
//! writes there. Each message is an effect of its own, so one that may have been sent is looked for in the channel before
//! it is sent again.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use jobs::effects::{self, Known};
use outbound::kinds::SendSlackAlert;
use outbound::kinds::send_slack_alert::SendSlackAlertOutput;
use outbound::pump::channel_job;
use outbound::slack::alerts::{self, Message, Plan};
use outbound::slack::workspaces::{self, Access, AccessError};
use tokio::time::Instant;
use upstreams::{CallContext, ClientError, slack};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done_then};
use crate::slack::alert;

/// Less than the kind's deadline: what is left then is the next run's.
const RUN_TIME: Duration = Duration::from_secs(40);
/// One message, its turn included.
const CALL_TIME: Duration = Duration::from_secs(15);
/// The run that goes on with what is left.
const GO_ON: Duration = Duration::from_millis(100);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SendSlackAlert) -> Outcome<SendSlackAlertOutput> {
    let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
    let access = workspaces::access(&mut tx, &app.master_key, ctx.tenant, job.workspace_id).await;
    let Some(access) = access.map_err(stop_of)? else {
        // Alerts wait until the workspace is connected again, which asks for this job anew.
        return Err(Stop::Cancel("the workspace is not connected".to_owned()));
    };
    let now = ctx.now();
    let (waiting, rules) = alerts::waiting(&mut tx, job.workspace_id, &job.channel, now).await?;
    tx.commit().await?;
    let is_full = i64::try_from(waiting.len()).unwrap_or(i64::MAX) >= alerts::LOOKED_AT;
    let Plan { now: messages, next_at } = alerts::plan(waiting, &rules, now);

    let until = Instant::now() + RUN_TIME;
    let mut output = SendSlackAlertOutput { messages: 0, alerts: 0 };
    let mut is_left = is_full;
    for mut message in messages {
        if Instant::now() >= until || ctx.is_halted() {
            is_left = true;
            break;
        }
        tell(&ctx, &app, &access, &job, &mut message).await?;
        output.messages += 1;
        output.alerts += u32::try_from(message.alerts().len()).unwrap_or(u32::MAX);
    }
    if is_left {
        return Err(Stop::Snooze(GO_ON));
    }
    let later = next_at.map(|at| later(&ctx, &job, at)).transpose()?;
    done_then(output, later.into_iter().collect())
}

/// The job at the time at which something more is due; beside it others may tell what is due before.
fn later(ctx: &Ctx, job: &SendSlackAlert, at: chrono::DateTime<Utc>) -> Result<jobs::NewJob, Stop> {
    let new = channel_job(ctx.tenant, job.workspace_id, &job.channel)?;
    let key = format!("{}:{}:{}", job.workspace_id, job.channel, at.timestamp());
    Ok(new.with_dedup_key(&key)?.with_run_at(at))
}

/// Sends one message, once.
async fn tell(
    ctx: &Ctx,
    app: &App,
    access: &Access,
    job: &SendSlackAlert,
    message: &mut Message,
) -> Result<(), Stop> {
    let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
    if let Message::Single(alert) = message
        && alert.thread_ts.is_none()
    {
        // An alert of this very run may have begun the thread.
        alert.thread_ts =
            alerts::thread_of(&mut tx, job.workspace_id, &job.channel, &alert.subject, Utc::now()).await?;
    }
    let written = alert::write(&mut tx, app, ctx.tenant, message).await?;
    tx.commit().await?;

    let marker = message.marker();
    let key = format!("slack_alert:{marker}");
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<String> = app.store.answers(intend).await?;
    let context = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let (workspace, token) = (access.id.to_string(), access.token.as_str());
    let thread_ts = match message {
        Message::Single(alert) => alert.thread_ts.as_deref(),
        Message::Digest(_) => None,
    };
    let sent = slack::Message {
        channel: &job.channel,
        thread_ts,
        text: &written.text,
        blocks: &written.blocks,
        marker: &marker,
    };
    let ts = match known {
        Known::Happened(ts) => Ok(ts),
        Known::UnderWay => return Err(Stop::under_way()),
        Known::New => app.slack.post(&context, &workspace, token, &sent).await,
        Known::Unsure => {
            match app.slack.find(&context, &workspace, token, &job.channel, thread_ts, &marker).await {
                Ok(Some(ts)) => Ok(ts),
                Ok(None) => app.slack.post(&context, &workspace, token, &sent).await,
                Err(error) => Err(error),
            }
        }
    };
    let ts = match ts {
        Ok(ts) => ts,
        Err(error) => return refused(ctx, app, access, message, error).await,
    };
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &ts).await
    };
    app.store.answers(happened).await?;
    let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
    alerts::sent(&mut tx, ctx.tenant, (job.workspace_id, &job.channel), message, &ts, Utc::now()).await?;
    tx.commit().await?;
    Ok(())
}

/// What Slack will never take is listed as failed, and the others go on; a token that it does not take ends the
/// connection; everything else is tried again.
async fn refused(
    ctx: &Ctx,
    app: &App,
    access: &Access,
    message: &Message,
    error: ClientError,
) -> Result<(), Stop> {
    let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
    match &error {
        ClientError::Rejected { code, .. } => {
            alerts::failed(&mut tx, message, &format!("Slack refused it: {code}")).await?;
            tx.commit().await?;
            Ok(())
        }
        ClientError::Unauthorised { .. } => {
            workspaces::revoked(&mut tx, access.id, "Slack does not accept the token any more").await?;
            tx.commit().await?;
            Err(Stop::Cancel("the workspace has to be connected again".to_owned()))
        }
        _ => Err(error.into()),
    }
}

pub(super) fn stop_of(error: AccessError) -> Stop {
    match error {
        AccessError::Db(error) => error.into(),
        error @ AccessError::Unseal(..) => Stop::fail("unreadable_token", &error.to_string()),
    }
}
