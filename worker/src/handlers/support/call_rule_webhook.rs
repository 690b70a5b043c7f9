//! Calls another system for a rule. The intention is recorded before the call; when an earlier attempt did not live to say
//! how it went, the same call is made again under the same id, by which the other side knows it.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use jobs::JobKind;
use jobs::effects::{self, Known};
use outbound::signature::{self, Secret};
use support::kinds::CallRuleWebhook;
use support::kinds::call_rule_webhook::CallRuleWebhookOutput;
use support::rules::webhooks;
use tokio::time::Instant;
use upstreams::{CallContext, ClientError};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

/// A little less than the kind's deadline, so that the client gives up in order.
const CALL_TIME: Duration = Duration::from_secs(20);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: CallRuleWebhook) -> Outcome<CallRuleWebhookOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(webhook) = webhooks::get(&mut tx, job.webhook_id).await? else {
        return Err(Stop::Cancel("the call is gone, and its ticket with it".to_owned()));
    };
    tx.commit().await?;
    let key = format!("rule_webhook:{}", webhook.id);
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<u16> = app.store.answers(intend).await?;
    let called = match known {
        Known::Happened(status) => Ok(status),
        Known::UnderWay => return Err(Stop::under_way()),
        Known::New | Known::Unsure => call(&ctx, &app, &webhook).await,
    };
    match called {
        Ok(status) => {
            let happened = async {
                let mut conn = app.store.pool().acquire().await?;
                effects::happened(&mut conn, ctx.tenant.0, &key, &status).await
            };
            app.store.answers(happened).await?;
            note(&ctx, &app, &webhook, "delivered", Some(status), None).await?;
            done(CallRuleWebhookOutput { status })
        }
        Err(error) => {
            let why = error.to_string();
            let stop = Stop::from(error);
            let is_over = match &stop {
                Stop::Retry { .. } => ctx.attempt >= CallRuleWebhook::POLICY.max_attempts,
                Stop::Fail(_) | Stop::Cancel(_) => true,
                Stop::Wait { .. } | Stop::Snooze(_) => false,
            };
            let state = if is_over { "failed" } else { "waiting" };
            note(&ctx, &app, &webhook, state, None, Some(&why)).await?;
            Err(stop)
        }
    }
}

async fn call(ctx: &Ctx, app: &App, webhook: &webhooks::Webhook) -> Result<u16, ClientError> {
    let context = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let secret = Secret::of(webhooks::secret(&app.master_key, ctx.tenant));
    let body = webhook.body.to_string().into_bytes();
    let headers = signature::headers(&[secret], &webhook.id.to_string(), Utc::now().timestamp(), &body);
    app.webhooks.call(&context, &webhook.url, &webhook.rule_id.to_string(), &headers, body).await
}

async fn note(
    ctx: &Ctx,
    app: &App,
    webhook: &webhooks::Webhook,
    state: &str,
    status: Option<u16>,
    problem: Option<&str>,
) -> Result<(), Stop> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    webhooks::note(&mut tx, webhook.id, state, status.map(i32::from), problem).await?;
    tx.commit().await?;
    Ok(())
}
