//! Runs the rules that wait for a while after an event.

use std::sync::Arc;

use chrono::Duration;
use database::Role;
use support::kinds::RunTimedRules;
use support::kinds::run_rules::RunRulesOutput;
use support::rules::{causes, run};

use super::run_rules::{ended, needs, running};
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: RunTimedRules) -> Outcome<RunRulesOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(cause) = causes::get(&mut tx, job.cause_id).await? else {
        return Err(Stop::Cancel("the event is gone, and its ticket or its time with it".to_owned()));
    };
    let due = cause.at + Duration::minutes(i64::from(job.after_minutes));
    if let Ok(wait) = (due - ctx.now()).to_std()
        && !wait.is_zero()
    {
        return Err(Stop::Snooze(wait));
    }
    let held = ended(run::hold(&mut tx, &app.rules.memory, ctx.tenant, cause.ticket).await)?;
    let (behind, shop_name) = needs(&ctx, &app, &mut tx, &held).await?;
    let running = running(&ctx, behind, shop_name);
    let ran = ended(run::timed(&mut tx, &held, &cause, job.after_minutes, &running).await)?;
    tx.commit().await?;
    app.dispatch.announce(ran.announcement);
    done(RunRulesOutput { events: ran.causes, fired: ran.fired })
}
