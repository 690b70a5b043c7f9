//! Trains and registers a model of lifetime value.

use std::sync::Arc;

use platform::kinds::{TrainLtv, train_ltv::TrainLtvOutput};
use platform::models::Target;

use crate::{
    app::App,
    context::Ctx,
    nightly::{forward, training},
    outcome::{Outcome, done},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: TrainLtv) -> Outcome<TrainLtvOutput> {
    let trained =
        training::train(&ctx, &app.db, &app.material, Target::Ltv, job.as_of, job.horizon_days).await?;
    if trained.model.is_some() {
        forward::run_of_job(&ctx, &app).await?;
    }
    done(TrainLtvOutput { model_id: trained.model, promoted: trained.is_champion, reason: trained.reason })
}
