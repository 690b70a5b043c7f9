//! Trains and registers a model of churn.

use std::sync::Arc;

use platform::kinds::{train_churn::TrainChurnOutput, TrainChurn};

use crate::{
    app::App,
    context::Ctx,
    insight::{registry::Target, training},
    outcome::{Outcome, done},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: TrainChurn) -> Outcome<TrainChurnOutput> {
    let trained = training::train(&ctx, &app, Target::Churn, job.as_of, job.horizon_days).await?;
    done(TrainChurnOutput { model_id: trained.model, promoted: trained.is_champion, reason: trained.reason })
}
