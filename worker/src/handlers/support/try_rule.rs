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

const BAND_OF_TODAY: &str = "of some events it is not known any more how likely the customer was to leave (churn_band); there \
                             the band of the day of the trial was taken";
const ARCHETYPE_OF_TODAY: &str = "customer_archetype is that of the day of the trial: archetypes of the past are of other \
                                  segmentations";

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: TryRule) -> Outcome<TryRuleOutput> {
    app.clone().while_answered(try_all(ctx, app, job)).await
}

async fn try_all(ctx: Ctx, app: Arc<App>, job: TryRule) -> Outcome<TryRuleOutput> {
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
    if tried.asks_for("customer_archetype") {
        trial::remark(&mut tx, job.trial_id, ARCHETYPE_OF_TODAY).await?;
    }
    tx.commit().await?;
    loop {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let mut outside = HashMap::new();
        if tried.needs_outside() {
            for look in trial::next_looks(&mut tx, job.trial_id).await? {
                if let Entry::Vacant(place) = outside.entry(look) {
                    let (then, is_band_of_then) =
                        app.rules.behind_then(&mut tx, ctx.tenant, look.0, look.1).await?;
                    place.insert(then);
                    if !is_band_of_then && tried.asks_for("churn_band") {
                        trial::remark(&mut tx, job.trial_id, BAND_OF_TODAY).await?;
                    }
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
