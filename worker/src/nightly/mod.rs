//! Customer intelligence on a tenant's data, as the nightly run and its short way for a few customers do it: the pure crate
//! `intelligence` between a read from Postgres and a write to it.
//!
//! What a run is and how it moves on is `platform::runs`, every statement is the platform's; what readers see of it is
//! `platform::insights`.
//!
//! Reading order: `orders` (order lines as columns), `tickets` (what customers wrote in about) and `past` (days that models
//! learn from), `material` (both, shared by the jobs that want them at once) and `kept` (a run's orders until its last shard),
//! `prepare` (statistics, segmentation) and `catalog` (its names), `training` (models), `knowledge` (everything that scoring
//! needs), `score` (customers to what is known of them), `explain` (why), `rows` (that as it is stored), `summary` (what a run
//! says of itself), `forward` (how it goes on), `named` (a few customers anew), `changed` (what follows an order), `writers`
//! (what follows a ticket), `known` (what is told of a customer), `desk` (what the support desk does with it); `days` and
//! `shared` serve all of them.

pub mod catalog;
pub mod changed;
pub mod days;
pub mod desk;
pub mod explain;
pub mod forward;
pub mod kept;
pub mod knowledge;
pub mod known;
pub mod material;
pub mod named;
pub mod orders;
pub mod past;
pub mod prepare;
pub mod rows;
pub mod score;
pub mod shared;
pub mod summary;
pub mod tickets;
pub mod training;
pub mod writers;

use std::sync::LazyLock;

use intelligence::stop;
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
    work: impl FnOnce(&stop::Stop) -> T + Send + 'static,
) -> Result<T, Stop> {
    // Asked when this future is dropped: the deadline passed, the job was cancelled, or the process stops. A thread
    // cannot be dropped, so the work looks at it.
    let unwanted = Unwanted::default();
    let stop = unwanted.0.clone();
    let work = move || work(&stop);
    let run = move || match &*HEAVY {
        Some(pool) => pool.install(work),
        // Without threads of its own it shares the others; slower, and no less right.
        None => work(),
    };
    tokio::task::spawn_blocking(run)
        .await
        .map_err(|_| Stop::retry("computing_panicked", &format!("{what} panicked")))
}

/// Stops work that nobody waits for any more once this is dropped.
#[derive(Default)]
struct Unwanted(stop::Stop);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.ask();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use intelligence::{
        boosting::{self, BoostingError, Labelled},
        matrix::Matrix,
    };

    use super::*;

    #[tokio::test]
    async fn training_that_nobody_waits_for_stops() {
        let (go_on, wait) = mpsc::channel::<()>();
        let (tell, told) = tokio::sync::oneshot::channel();
        let work = move |stop: &stop::Stop| {
            // Until the job was dropped; then a model more would be one for nobody.
            let _ = wait.recv();
            let rows = Matrix::missing(0, 1);
            let none = Labelled { rows: &rows, labels: &[] };
            let settings = intelligence::churn::settings().boosting;
            let _ = tell.send(boosting::train(none, None, &["one"], &settings, 1, stop));
        };
        let dropped = tokio::time::timeout(std::time::Duration::ZERO, heavily("training", work)).await;
        assert!(dropped.is_err());
        drop(go_on);
        assert_eq!(told.await.expect("it answers"), Err(BoostingError::Stopped));
    }
}
