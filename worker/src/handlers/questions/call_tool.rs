//! Calls a tool for somebody who waits for the answer elsewhere, and tells how far it is.

use std::sync::Arc;

use chrono::Utc;
use database::Role;
use questions::Step;
use questions::calls;
use questions::desk::Asker;
use questions::kinds::CallTool;
use questions::kinds::call_tool::CallToolOutput;

use crate::app::App;
use crate::ask::by_grammar::stop;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: CallTool) -> Outcome<CallToolOutput> {
    let gone = || Stop::Cancel("nobody waits for the call any more".to_owned());
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    let kept = calls::get(&mut tx, job.call_id, Utc::now()).await?.ok_or_else(gone)?;
    tx.commit().await?;
    let made = match kept.answer {
        Some(made) => made.0,
        None => {
            let asker = Asker::new(ctx.tenant, |scope| {
                kept.scopes.iter().any(|held| held == scope || held == "operator")
            });
            let told = |step: Step| ctx.progress(step.place(), Some(Step::COUNT), step.words());
            let made = app.desk.call_telling(asker, &kept.call.0, Utc::now(), &told).await.map_err(stop)?;
            let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
            let is_there = calls::answer(&mut tx, job.call_id, &made).await?;
            tx.commit().await?;
            if !is_there {
                return Err(gone());
            }
            made
        }
    };
    done(CallToolOutput { available: made.whole.available, rows_read: made.whole.cost.rows_read })
}
