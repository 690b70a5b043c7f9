//! Computes the answers that are asked for most, one after the other, and before them the customers' levels and after them what
//! suggestions to customers rest on; what no time is left for is computed when it is asked for.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use questions::kinds::PrepareReports;
use questions::kinds::prepare_reports::PrepareReportsOutput;
use questions::tools::usual;
use tokio::time::Instant;

use crate::app::App;
use crate::ask::by_grammar::stop;
use crate::context::Ctx;
use crate::outcome::{Outcome, done};

/// No report is begun after so long, so that the one that runs ends before the kind's deadline.
const NONE_AFTER: Duration = Duration::from_secs(720);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: PrepareReports) -> Outcome<PrepareReportsOutput> {
    let (calls, begun) = (usual::calls(), Instant::now());
    // The reports need them as well.
    app.desk.prepare_levels(ctx.tenant, Utc::now()).await.map_err(stop)?;
    let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
    let mut output = PrepareReportsOutput::default();
    for (place, call) in (1..).zip(&calls) {
        if ctx.is_halted() || begun.elapsed() > NONE_AFTER {
            output.left += 1;
            continue;
        }
        ctx.progress(place, Some(count), call.variant());
        let made = app.desk.prepare(ctx.tenant, call, Utc::now()).await.map_err(stop)?;
        output.prepared += 1;
        output.rows_read += made.cost.rows_read;
    }
    if !ctx.is_halted() {
        app.desk.prepare_suggestions(ctx.tenant, Utc::now()).await.map_err(stop)?;
    }
    done(output)
}
