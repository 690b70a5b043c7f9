//! Empties what jobs keep of a ticket of which a message was redacted.

use std::sync::Arc;

use database::Role;
use database::personal::Person;
use jobs::personal::Needles;
use support::kinds::RedactTraces;
use support::kinds::redact_traces::RedactTracesOutput;
use support::privacy::find;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, done};
use crate::privacy::erase;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: RedactTraces) -> Outcome<RedactTracesOutput> {
    app.clone().while_answered(redact_all(ctx, app, job)).await
}

async fn redact_all(ctx: Ctx, app: Arc<App>, job: RedactTraces) -> Outcome<RedactTracesOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let ids = find::ids(&mut tx, &[job.ticket_id]).await?;
    tx.commit().await?;
    let needles = Needles::of(&Person::default(), &ids).of_ended_jobs();
    let found = erase::of_jobs(&ctx, &app, None, "redacted", &needles).await?;
    done(RedactTracesOutput { jobs: found as u64 })
}
