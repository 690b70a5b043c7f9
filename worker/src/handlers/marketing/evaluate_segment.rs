//! Evaluates a segment; waits for those that its rule names.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use database::ids::SegmentId;
use jobs::read;
use marketing::kinds::{EvaluateSegment, evaluate_segment::EvaluateSegmentOutput};
use marketing::segments::evaluate::{self, EvaluateError};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

/// How long to wait before looking again whether the others have ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: EvaluateSegment) -> Outcome<EvaluateSegmentOutput> {
    if !job.after.is_empty() {
        let look = async { read::states(&mut *app.store.pool().acquire().await?, &job.after).await };
        // A job that is not there any more has ended long ago.
        if app.store.answers(look).await?.iter().any(|state| !state.is_finished()) {
            return Err(Stop::Snooze(LOOK_AGAIN));
        }
    }
    let segment = SegmentId(job.segment_id);
    let evaluation =
        evaluate::evaluate(&app.db, ctx.tenant, segment, ctx.job_id, Utc::now()).await.map_err(stop_of)?;
    done(EvaluateSegmentOutput {
        members: evaluation.members.unwrap_or_default(),
        entered: evaluation.entered.unwrap_or_default(),
        departed: evaluation.departed.unwrap_or_default(),
        took_ms: evaluation.took_ms.unwrap_or_default(),
    })
}

fn stop_of(error: EvaluateError) -> Stop {
    match error {
        EvaluateError::Db(error) => error.into(),
        EvaluateError::Gone | EvaluateError::NoFacts => Stop::Cancel(error.to_string()),
        EvaluateError::Name(error) => Stop::fail("unknown_name", &error.to_string()),
        EvaluateError::BadRule(reason) => Stop::fail("bad_rule", &reason),
    }
}
