//! A black hole: every open connection to Postgres goes silent without a word, and stays so; new connections
//! work at once. Nobody closes anything for the programs, so that they must find out by themselves.

use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::{Fault, Options, run::Run, tally::Promise};
use crate::report;

/// Freezes the connections. True when every goal is reached.
///
/// # Errors
/// The cluster fails.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let fault = Fault::BlackHole;
    let mut run = Run::begin(Run::cluster(fault, options).await?, fault, options);
    run.until_under_way().await?;
    let (frozen, frozen_at) = (Instant::now(), Utc::now());
    run.proxy()?.freeze_open();
    report::count("failover_black_hole_connections", i64::try_from(run.proxy()?.accepted())?, "count");
    // Claims that were under way in Postgres still begin a run there, of which no worker hears.
    let after = frozen_at + Duration::from_millis(200);
    let resumed = run.until_resumed(after, options.resumed_within).await?;
    run.end(frozen, Promise::Once, resumed).await
}
