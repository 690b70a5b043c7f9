//! Fail-over: Postgres dies, goes silent, is slow, or loses its standby, while thousands of jobs are under
//! way; then it is counted that no job was lost, none stays behind and none was done twice.
//!
//! Reading order: [`standby`] (the second server), [`load`] (what is sent), [`run`] (one cluster from start
//! to the counts), [`tally`] (the counts), and a file a fault: [`primary`], [`network`], [`slow`], [`away`].

pub mod away;
pub mod load;
pub mod network;
pub mod primary;
pub mod run;
pub mod slow;
pub mod standby;
pub mod tally;

use std::{path::PathBuf, time::Duration};

/// How soon a job must start again after the fault, or after the new primary's first answer.
pub const RESUMED_WITHIN: Duration = Duration::from_secs(15);

/// What a run is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Jobs to be acknowledged in each run.
    pub jobs: usize,
    /// Where data and logs go, a folder a run; a temporary folder when none, which stays only when the run
    /// fails.
    pub dir: Option<PathBuf>,
    /// How soon a job must start again, where the fault stops all: [`RESUMED_WITHIN`] where speed is measured.
    pub resumed_within: Duration,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The primary of a synchronous pair is killed.
    SyncKill,
    /// The primary of a synchronous pair goes silent: nothing answers and nothing is closed.
    SyncSilent,
    /// The primary of an asynchronous pair is killed while its standby lags behind.
    AsyncLag,
    /// Open connections go silent; new ones work.
    BlackHole,
    /// Every answer of Postgres is two seconds late, for a minute.
    Slow,
    /// The standby of a synchronous pair is away, so that no commit ends.
    StandbyAway,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 6] = [
        Fault::SyncKill,
        Fault::SyncSilent,
        Fault::AsyncLag,
        Fault::BlackHole,
        Fault::Slow,
        Fault::StandbyAway,
    ];

    /// What `--only` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Fault::SyncKill => "sync-kill",
            Fault::SyncSilent => "sync-silent",
            Fault::AsyncLag => "async-lag",
            Fault::BlackHole => "black-hole",
            Fault::Slow => "slow",
            Fault::StandbyAway => "standby-away",
        }
    }

    /// What its figures are called, which begin with `failover_`.
    pub fn figure(self) -> &'static str {
        match self {
            Fault::SyncKill => "sync_kill",
            Fault::SyncSilent => "sync_silent",
            Fault::AsyncLag => "async_lag",
            Fault::BlackHole => "black_hole",
            Fault::Slow => "slow",
            Fault::StandbyAway => "standby_away",
        }
    }

    /// Lets it happen to a cluster of its own. True when every goal is reached.
    ///
    /// # Errors
    /// The cluster does not start, or the fault cannot be brought about.
    pub async fn run(self, options: &Options) -> anyhow::Result<bool> {
        match self {
            Fault::SyncKill | Fault::SyncSilent | Fault::AsyncLag => primary::run(self, options).await,
            Fault::BlackHole => network::run(options).await,
            Fault::Slow => slow::run(options).await,
            Fault::StandbyAway => away::run(options).await,
        }
    }
}
