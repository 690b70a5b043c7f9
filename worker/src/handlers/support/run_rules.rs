//! Runs the rules of what happened to a ticket: one transaction, under the lock of the ticket's row.

use std::sync::Arc;
use std::time::Duration;

use accounts::tenants;
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::TicketId;
use jobs::NewJob;
use support::kinds::RunRules;
use support::kinds::run_rules::RunRulesOutput;
use support::rules::act::Supplies;
use support::rules::causes::{self, Cause};
use support::rules::decide::{self, Rule};
use support::rules::facts;
use support::rules::run::{self, Held, Running};
use support::rules::spec::Action;
use support::tickets::TicketError;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done, done_then};
use crate::rules::Behind;

/// How long a message is waited for to be read, when a rule asks what it says.
const READ_WITHIN: chrono::Duration = chrono::Duration::seconds(30);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Causes that are looked at for what their rules need.
const LOOKED_AT: i64 = 50;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: RunRules) -> Outcome<RunRulesOutput> {
    let ticket = TicketId(job.ticket_id);
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let waiting = causes::waiting(&mut tx, ticket, LOOKED_AT).await?;
    if waiting.is_empty() {
        return done(RunRulesOutput::default());
    }
    let held = ended(run::hold(&mut tx, &app.rules.memory, ctx.tenant, ticket).await)?;
    if must_wait(&mut tx, &held.rules, &waiting, ctx.now()).await? {
        return Err(Stop::Snooze(LOOK_EVERY));
    }
    let (behind, shop_name) = needs(&ctx, &app, &mut tx, &held).await?;
    let running = running(&ctx, behind, shop_name);
    let ran = ended(run::waiting(&mut tx, &held, &running).await)?;
    tx.commit().await?;
    let output = RunRulesOutput { events: ran.causes, fired: ran.fired };
    app.dispatch.announce(ran.announcement);
    if !ran.has_more {
        return done(output);
    }
    let rest = NewJob::of(ctx.tenant, &job)?.with_parent(ctx.job_id);
    done_then(output, vec![rest])
}

/// What was read out of a message is there a moment after it; a rule that asks for it waits so long.
async fn must_wait(
    tx: &mut database::Tx,
    rules: &[Rule],
    waiting: &[Cause],
    now: DateTime<Utc>,
) -> Result<bool, Stop> {
    for cause in waiting {
        let asking: Vec<&Rule> = rules.iter().filter(|rule| decide::concerns(rule, cause, None)).collect();
        let is_fresh = now < cause.at + READ_WITHIN;
        if is_fresh && decide::is_of_a_message(cause.event) && decide::needs_reading(&asking) {
            let is_unread = facts::is_unread(tx, cause).await?;
            if is_unread {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// What conditions and actions of the rules ask others for, looked up once.
pub(super) async fn needs(
    ctx: &Ctx,
    app: &App,
    tx: &mut database::Tx,
    held: &Held,
) -> Result<(Behind, String), Stop> {
    let rules = &held.rules;
    let writes = |action: &Action| matches!(action, Action::Reply { .. } | Action::Note { .. });
    let writes = rules.iter().any(|rule| rule.spec.actions.iter().any(writes));
    let asks = decide::needs_outside(&rules.iter().collect::<Vec<_>>());
    let behind = match writes || asks {
        true => app.rules.behind(tx, ctx.tenant, held.ticket).await?,
        false => Behind::default(),
    };
    let shop = if writes { tenants::get(tx, ctx.tenant).await? } else { None };
    Ok((behind, shop.map(|shop| shop.name).unwrap_or_default()))
}

pub(super) fn running(ctx: &Ctx, behind: Behind, shop_name: String) -> Running<'_> {
    Running {
        tenant: ctx.tenant,
        job: ctx.job_id,
        correlation_id: &ctx.correlation_id,
        trace_parent: ctx.trace_parent.as_deref(),
        now: ctx.now(),
        outside: behind.outside,
        supplies: Supplies { shop_name, order: behind.order },
    }
}

/// A ticket that is gone is no failure.
pub(super) fn ended<T>(ran: Result<T, TicketError>) -> Result<T, Stop> {
    ran.map_err(|error| match error {
        TicketError::Unknown(_) => Stop::Cancel("the ticket is gone".to_owned()),
        other => other.into(),
    })
}
