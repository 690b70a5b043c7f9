//! Tries a rule on the past, a step a transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use database::Role;
use support::kinds::TryRule;
use support::kinds::try_rule::TryRuleOutput;
use support::rules::trial::{self, Tried};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: TryRule) -> Outcome<TryRuleOutput> {
    let gone = || Stop::Cancel("the trial or its rule is gone".to_owned());
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let known = trial::get(&mut tx, job.trial_id).await?.ok_or_else(gone)?;
    let tried = Tried::read(&mut tx, &known).await?.ok_or_else(gone)?;
    if let Some(sentence) = tried.invalid() {
        trial::fail(&mut tx, job.trial_id, sentence).await?;
        let stop = Stop::fail("invalid_rule", sentence);
        tx.commit().await?;
        return Err(stop);
    }
    tx.commit().await?;
    loop {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let mut outside = HashMap::new();
        if tried.needs_outside() {
            for ticket in trial::next_tickets(&mut tx, job.trial_id).await? {
                if let Entry::Vacant(place) = outside.entry(ticket) {
                    place.insert(app.rules.behind(&mut tx, ctx.tenant, ticket).await?.outside);
                }
            }
        }
        let step = trial::step(&mut tx, ctx.tenant, job.trial_id, &tried, &outside).await?;
        tx.commit().await?;
        ctx.progress(step.events.unsigned_abs(), None, "events of the past");
        if !step.has_more {
            break;
        }
        if ctx.is_halted() {
            return Err(Stop::Snooze(Duration::ZERO));
        }
    }
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let over = trial::get(&mut tx, job.trial_id).await?.ok_or_else(gone)?;
    tx.commit().await?;
    done(TryRuleOutput { events: over.events, fired: over.fired })
}
