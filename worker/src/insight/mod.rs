//! Customer intelligence on real tenants: the pure crate `intelligence` between a read from Postgres and a write to it.
//!
//! Reading order: `runs` (what a run is and how it moves on), `prepare` (statistics, segmentation), `training`
//! and `registry` (models), `shared` (what jobs of a run
//! share), `knowledge` (everything that scoring needs), `score` (customers to rows), `write` (rows to
//! tables), `summary` (what a run says of itself), `changed` (what follows an order).

pub mod changed;
mod copy;
pub mod knowledge;
pub mod named;
pub mod orders;
pub mod prepare;
pub mod registry;
pub mod runs;
pub mod score;
pub mod shared;
pub mod summary;
pub mod training;
pub mod write;

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::outcome::Stop;

/// The cores for what takes seconds: statistics, fits, training, shards. A single customer after an order is computed
/// on the process's other pool and never waits behind these; their threads also step back behind all others.
static HEAVY: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let step_back = |_| {
        // Without the right to it they are merely as quick to run as the rest.
        let _ = rustix::process::setpriority_process(None, LEAST_URGENT);
    };
    let pool = ThreadPoolBuilder::new().thread_name(|index| format!("heavy-{index}"));
    pool.start_handler(step_back).build().ok()
});

/// The niceness of a thread that runs when nothing else wants to; on Linux it is the thread's own.
const LEAST_URGENT: i32 = 19;

/// Runs long work on its own cores, away from the threads that wait for the network.
async fn heavily<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stop> {
    let run = move || match &*HEAVY {
        Some(pool) => pool.install(work),
        // Without threads of its own it shares the others; slower, and no less right.
        None => work(),
    };
    tokio::task::spawn_blocking(run)
        .await
        .map_err(|_| Stop::retry("computing_panicked", &format!("{what} panicked")))
}
