//! Gives out the tenant's waiting queue, a batch a transaction.

use std::sync::Arc;

use database::Role;
use support::assignment::drain::{Place, drain};
use support::kinds::DrainWaiting;
use support::kinds::drain_waiting::DrainWaitingOutput;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, done, done_then};

/// How many batches a run has; what is left is another run's, so that a long queue leaves its slot to others.
const BATCHES: usize = 50;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: DrainWaiting) -> Outcome<DrainWaitingOutput> {
    let mut place = Place::default();
    let mut output = DrainWaitingOutput { assigned: 0, some_wait: false };
    for _ in 0..BATCHES {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let drained = drain(&mut tx, ctx.tenant, "job:drain_waiting", place, ctx.now()).await?;
        tx.commit().await?;
        app.dispatch.announce(drained.announcement);
        output.assigned += drained.assigned.len() as u64;
        output.some_wait = drained.some_wait;
        match drained.next {
            Some(next) => place = next,
            None => return done(output),
        }
    }
    done_then(output, vec![DrainWaiting::soon(ctx.tenant)?])
}
