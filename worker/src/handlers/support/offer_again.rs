//! Offers the work of an agent who went offline to others.

use std::sync::Arc;

use database::Role;
use database::ids::AgentId;
use support::assignment::offline;
use support::kinds::OfferAgain;
use support::kinds::offer_again::OfferAgainOutput;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: OfferAgain) -> Outcome<OfferAgainOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let (offered, announcement) =
        offline::offer(&mut tx, ctx.tenant, AgentId(job.agent_id), ctx.now()).await?;
    tx.commit().await?;
    app.dispatch.announce(announcement);
    done(OfferAgainOutput { offered })
}
