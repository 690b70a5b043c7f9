//! Lets go what is older than the tenant keeps it, kind by kind, in bounded steps; another attempt goes on where this one ends.

use std::sync::Arc;
use std::time::Duration;

use database::Role;
use database::personal::{self, Reached};
use support::kinds::ApplyRetention;
use support::kinds::apply_retention::ApplyRetentionOutput;
use support::privacy::retention::{self, Kind, Step};
use support::privacy::{sealing, tickets};
use upstreams::files::Place;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

const ACTOR: &str = "job:apply_retention";

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: ApplyRetention) -> Outcome<ApplyRetentionOutput> {
    app.clone().while_answered(let_go(ctx, app)).await
}

async fn let_go(ctx: Ctx, app: Arc<App>) -> Outcome<ApplyRetentionOutput> {
    // The ledger's time: this machine's may be a year ahead.
    let now = ctx.now();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let rules = retention::rules(&mut tx).await?;
    tx.commit().await?;
    let days =
        |kind: Kind| rules.iter().find(|rule| rule.kind == kind.name()).and_then(|rule| rule.keep_days);
    let mut reached = Reached::new();
    // Files before the tickets that they are in: a ticket's words go when its files are gone.
    for kind in [Kind::Archives, Kind::Deliveries, Kind::Drafts, Kind::Files, Kind::Tickets] {
        let keep = match kind {
            Kind::Files => days(Kind::Files).into_iter().chain(days(Kind::Tickets)).min(),
            kind => days(kind),
        };
        let Some(keep) = keep else { continue };
        loop {
            if ctx.is_halted() {
                return Err(Stop::Snooze(Duration::ZERO));
            }
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let step = retention::step(&mut tx, kind, keep, now).await?;
            tx.commit().await?;
            let has_more = step.has_more;
            take(&ctx, &app, kind, step, &mut reached).await?;
            ctx.progress(reached.values().sum(), None, kind.name());
            if !has_more {
                break;
            }
        }
    }
    seal(&ctx, &app, &mut reached).await?;
    done(ApplyRetentionOutput { reached })
}

/// What is left of old deliveries lies under the tenant's key.
async fn seal(ctx: &Ctx, app: &App, reached: &mut Reached) -> Result<(), Stop> {
    loop {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let sealed = sealing::step(&mut tx, &app.master_key, ctx.tenant, ctx.now()).await?;
        tx.commit().await?;
        personal::add(reached, "sealed", sealed.unsigned_abs());
        if sealed < sealing::AT_ONCE {
            return Ok(());
        }
        if ctx.is_halted() {
            return Err(Stop::Snooze(Duration::ZERO));
        }
    }
}

/// Adds up what went, and removes the bytes of files and archives before their rows say so.
async fn take(ctx: &Ctx, app: &App, kind: Kind, step: Step, reached: &mut Reached) -> Result<(), Stop> {
    for (table, rows) in &step.reached {
        personal::add(reached, table, *rows);
    }
    if step.files.is_empty() {
        return Ok(());
    }
    for id in &step.files {
        app.files.remove(Place { tenant: ctx.tenant.0, id: *id }).await?;
    }
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    match kind {
        Kind::Archives => {
            let gone = retention::archives_gone(&mut tx, &step.files).await?;
            personal::add(reached, "archives", gone);
        }
        _ => tickets::files_gone(&mut tx, &step.files, ACTOR, ctx.now(), reached).await?,
    }
    tx.commit().await?;
    Ok(())
}
