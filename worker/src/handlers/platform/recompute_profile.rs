//! Computes one customer anew, within moments of an order.

use std::sync::Arc;

use platform::kinds::{RecomputeProfile, recompute_profile::RecomputeProfileOutput};

use crate::{
    app::App,
    context::Ctx,
    nightly::{desk, named},
    outcome::{Outcome, Stop, done_then},
};

pub(super) async fn handle(
    ctx: Ctx,
    app: Arc<App>,
    job: RecomputeProfile,
) -> Outcome<RecomputeProfileOutput> {
    let scored =
        named::recompute(&ctx, &app.db, &app.library, std::slice::from_ref(&job.customer_id)).await?;
    let Some(customer) = scored.customers.first() else {
        return Err(Stop::Cancel("the customer has no orders".to_owned()));
    };
    let output = RecomputeProfileOutput {
        generation: scored.generation,
        churn: customer.predictions.churn,
        ltv: customer.predictions.ltv.map(|ltv| ltv.value),
    };
    done_then(output, desk::follow_ups(&ctx, &app, std::slice::from_ref(&job.customer_id)).await?)
}
