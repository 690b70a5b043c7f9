//! Answers what was asked in chat. The question was acknowledged when it came; the answer goes to the address that came
//! with it, below the message that asked, or into the home tab.

use std::sync::Arc;
use std::time::Duration;

use database::Role;
use outbound::kinds::AnswerSlack;
use outbound::kinds::answer_slack::{AnswerSlackOutput, Asked};
use outbound::slack::blocks::Blocks;
use outbound::slack::workspaces::{self, Access};
use serde_json::json;
use tokio::time::Instant;
use upstreams::{CallContext, ClientError, slack};

use super::send_slack_alert::stop_of;
use crate::app::App;
use crate::ask::in_chat::{self, Place};
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};
use crate::slack::{Written, commands, press::press};

/// A little less than the kind's deadline.
const CALL_TIME: Duration = Duration::from_secs(40);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: AnswerSlack) -> Outcome<AnswerSlackOutput> {
    let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
    let access = workspaces::access(&mut tx, &app.master_key, ctx.tenant, job.workspace_id).await;
    tx.commit().await?;
    let Some(access) = access.map_err(stop_of)? else {
        return Err(Stop::Cancel("the workspace is not connected".to_owned()));
    };
    let context = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let answered = match &job.asked {
        Asked::Command { name, text, thread_ts } => {
            let place = Place::of(job.workspace_id, &job.user_id, &job.channel, thread_ts.as_deref());
            let question = match commands::question(name, text) {
                // "More" goes on from what was answered there.
                None if commands::may_go_on(name, text)
                    && in_chat::is_going_on(&ctx, &app, &place).await? =>
                {
                    Some(name.clone())
                }
                question => question,
            };
            let written = match question {
                Some(question) => in_chat::answer(&ctx, &app, &place, &question).await?,
                None => commands::answer(&app, ctx.tenant, name, text).await?,
            };
            let url = response_url(&ctx, &app, &job)?;
            let send = async |written: &Written| match &url {
                Some(url) => respond(&app, &context, &access, url, written).await,
                None => post(&ctx, &app, &context, &access, &job, thread_ts.as_deref(), written).await,
            };
            match (send(&written).await, written.without_pictures()) {
                // It could not fetch a picture, most likely; the figures are in the text as well.
                (Err(ClientError::Rejected { .. }), Some(plain)) => send(&plain).await,
                (sent, _) => sent,
            }
        }
        Asked::Button { action, ticket_id, .. } => {
            let workspace = access.id.to_string();
            let email = match app.slack.email_of(&context, &workspace, &access.token, &job.user_id).await {
                Ok(email) => email,
                // The permission is missing, or there is no such person: the answer says what is needed.
                Err(ClientError::Unauthorised { .. } | ClientError::Rejected { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            let words = press(&ctx, &app, action, *ticket_id, email.as_deref()).await?;
            let written = Written { blocks: Blocks::default().section(&words).finish(), text: words };
            match response_url(&ctx, &app, &job)? {
                Some(url) => respond(&app, &context, &access, &url, &written).await,
                None => Ok(false),
            }
        }
        Asked::Home {} => {
            let written = commands::tickets(&app, ctx.tenant).await?;
            let mut blocks = written.blocks;
            blocks.extend(commands::help().blocks);
            let workspace = access.id.to_string();
            app.slack
                .show_home(&context, &workspace, &access.token, &job.user_id, &blocks)
                .await
                .map(|()| true)
        }
    };
    done(AnswerSlackOutput { answered: answered? })
}

/// The address for the answer, opened.
fn response_url(ctx: &Ctx, app: &App, job: &AnswerSlack) -> Result<Option<String>, Stop> {
    let Some(sealed) = &job.sealed_response_url else { return Ok(None) };
    let open = AnswerSlack::open(&app.master_key, ctx.tenant, job.workspace_id, sealed);
    open.map(Some).ok_or_else(|| Stop::fail("unreadable_address", "the address for the answer does not open"))
}

async fn respond(
    app: &App,
    context: &CallContext,
    access: &Access,
    url: &str,
    written: &Written,
) -> Result<bool, ClientError> {
    let body = json!({
        "response_type": "ephemeral", "replace_original": false, "text": written.text, "blocks": written.blocks,
    });
    app.slack.respond(context, &access.id.to_string(), url, &body).await
}

async fn post(
    ctx: &Ctx,
    app: &App,
    context: &CallContext,
    access: &Access,
    job: &AnswerSlack,
    thread_ts: Option<&str>,
    written: &Written,
) -> Result<bool, ClientError> {
    let (workspace, marker) = (access.id.to_string(), format!("answer-{}", ctx.job_id));
    // A run before this one may have answered and not lived to say so.
    if ctx.attempt > 1 {
        let found =
            app.slack.find(context, &workspace, &access.token, &job.channel, thread_ts, &marker).await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    let message = slack::Message {
        channel: &job.channel,
        thread_ts,
        text: &written.text,
        blocks: &written.blocks,
        marker: &marker,
    };
    app.slack.post(context, &workspace, &access.token, &message).await.map(|_| true)
}
