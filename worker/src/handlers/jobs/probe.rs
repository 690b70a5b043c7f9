//! Does what the probe says.

use std::{sync::Arc, time::Duration};

use jobs::{
    effects::{self, Known},
    kinds::{Probe, probe::ProbeOutput},
};
use upstreams::recorder::{Recorder, RecorderError};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

/// No probe holds a slot for longer.
const MAX_SLEEP: Duration = Duration::from_secs(60);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, probe: Probe) -> Outcome<ProbeOutput> {
    if let Some(message) = &probe.fail_for_good {
        return Err(Stop::fail("probe", message));
    }
    if i32::from(ctx.attempt) <= i32::from(probe.fail_attempts) {
        return Err(Stop::retry("probe", "the probe was told to fail this attempt"));
    }
    tokio::time::sleep(Duration::from_millis(probe.sleep_ms).min(MAX_SLEEP)).await;
    if probe.effect {
        let Some(recorder) = &app.probe_effects else {
            return Err(Stop::fail("not_configured", "set DESK_PROBE_URL to let probes have effects"));
        };
        record_once(&ctx, &app, recorder, &probe.name).await?;
    }
    done(ProbeOutput { attempt: ctx.attempt })
}

/// Has the effect unless an earlier attempt had it; when that is not known, the upstream is asked.
async fn record_once(ctx: &Ctx, app: &App, recorder: &Recorder, name: &str) -> Result<(), Stop> {
    let key = format!("probe:{name}");
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<()> = app.store.answers(intend).await?;
    match known {
        Known::Happened(()) => return Ok(()),
        Known::UnderWay => return Err(Stop::under_way()),
        Known::Unsure if recorder.has(name).await.map_err(stop_of)? => {}
        Known::Unsure | Known::New => recorder.record(name).await.map_err(stop_of)?,
    }
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &()).await
    };
    Ok(app.store.answers(happened).await?)
}

fn stop_of(error: RecorderError) -> Stop {
    Stop::retry("upstream_unavailable", &error.to_string())
}
