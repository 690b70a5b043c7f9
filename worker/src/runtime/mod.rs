//! The runtime of a worker process: lanes take work from Redis and claim it in the ledger, apalis
//! drives it, the executor runs a handler for it, completers write down what came of it, and a heart
//! on a thread of its own says that the process lives.
//!
//! lane -> backend (apalis) -> executor -> completer; the heart beside them.

mod backend;
mod completer;
mod executor;
mod handlers;
mod heart;
mod keep;
mod lane;
mod progress;
mod pulse;
mod refused;
mod running;
#[cfg(test)]
mod silent;
mod slots;
mod waiting;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use apalis_core::{monitor::Monitor, worker::builder::WorkerBuilder};
use boot::Secret;
use database::DbError;
use jobs::{Dispatch, Store, workers::Introduction};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

pub use handlers::Handlers;
pub use progress::ProgressReporter;
pub use pulse::Pulse;
pub(crate) use running::Halt;

use backend::QueueBackend;
use executor::Executor;
use running::Running;
use slots::Slots;

/// How a worker process works.
#[derive(Clone, Debug)]
pub struct Options {
    /// For people; the id is new at every start.
    pub name: String,
    /// Slots by queue.
    pub queues: BTreeMap<String, usize>,
    /// How long running jobs may take to finish after the signal to stop.
    pub grace: Duration,
    /// The ledger, for the heart's connection of its own.
    pub database_url: Secret,
    /// Tells whoever asks whether the heart beats and the lanes get on.
    pub pulse: Pulse,
}

/// What all parts of the runtime share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) dispatch: Dispatch,
    pub(crate) running: Running,
    pub(crate) slots: BTreeMap<String, Arc<Slots>>,
    pub(crate) completions: completer::Intake,
    pub(crate) lanes: TaskTracker,
    pub(crate) introduction: Introduction,
    /// The kinds that run again when they are asked for while they run.
    pub(crate) reruns: Vec<&'static str>,
    pub(crate) pulse: Pulse,
}

/// How long the last messages to Redis may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Runs the process's queues until `stop` resolves and the drain after it is over.
///
/// # Errors
/// The database URL cannot be read.
pub async fn run(
    store: Store,
    dispatch: Dispatch,
    handlers: Handlers,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), DbError> {
    let (completions, inbox) = completer::inbox();
    let slots: BTreeMap<String, Arc<Slots>> =
        options.queues.iter().map(|(queue, slots)| (queue.clone(), Arc::new(Slots::new(*slots)))).collect();
    let shared = Arc::new(Shared {
        store,
        dispatch,
        running: Running::new(),
        slots,
        completions,
        lanes: TaskTracker::new(),
        introduction: introduction(&options),
        reruns: handlers.reruns(),
        pulse: options.pulse.clone(),
    });
    let heart = heart::start(shared.clone(), options.database_url.expose())?;
    let completers = completer::start(shared.clone(), inbox);
    let reporter = progress::start(shared.clone());
    let executor = Executor { shared: shared.clone(), handlers: Arc::new(handlers), reporter };

    let mut monitor = Monitor::new();
    for queue in options.queues.keys() {
        let (shared, executor, queue) = (shared.clone(), executor.clone(), queue.clone());
        monitor = monitor.register(move |restart| {
            WorkerBuilder::new(format!("{queue}-{restart}").as_str())
                .backend(QueueBackend::start(shared.clone(), &queue))
                .data(executor.clone())
                .build(executor::execute)
        });
    }
    let (grace, drained) = (options.grace, shared.clone());
    let signal = async move {
        stop.await;
        tracing::info!(
            running = drained.running.count(),
            "stopping: finishing what runs, taking nothing new"
        );
        drained.running.drain();
        for slots in drained.slots.values() {
            slots.close();
        }
        if tokio::time::timeout(grace, drained.running.idle()).await.is_err() {
            tracing::info!(
                running = drained.running.count(),
                "the grace period is over: handing the rest back"
            );
            drained.running.hand_back_all();
        }
        Ok(())
    };
    // On the runtime's threads, where the lanes are and the runs: polled by who waits here, on the process's first
    // thread, every job would wake that thread and go back from it.
    let driven = AbortOnDropHandle::new(tokio::spawn(monitor.run_with_signal(signal)));
    match driven.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the runtime ended with an error"),
        Err(error) => tracing::error!(%error, "the runtime ended by a fault of its own"),
    }
    // Every handler is over. A lane may be claiming yet, and hands back what it gets; all of that is
    // written before the process says goodbye.
    shared.lanes.close();
    shared.lanes.wait().await;
    completers.finish().await;
    heart.stop().await;
    // What was handed back is offered to others at once, unless Redis is away: then the leader does it.
    if tokio::time::timeout(FAREWELL, shared.dispatch.flush()).await.is_err() {
        tracing::warn!("redis was not told everything before the end; the leader tells it again");
    }
    Ok(())
}

/// How many connections to the ledger a process with these queues needs: one kept by each lane and
/// writer, one that waits for events, and some for handlers.
pub fn connections(queues: &BTreeMap<String, usize>) -> u32 {
    let lanes: usize = queues.values().map(|slots| lane::lanes(*slots)).sum();
    u32::try_from(lanes + completer::WRITERS + WAITING_FOR_EVENTS + HANDLER_CONNECTIONS).unwrap_or(u32::MAX)
}

/// The connection on which the outbox is waited for.
const WAITING_FOR_EVENTS: usize = 1;

/// Connections for handlers that work on the ledger itself.
const HANDLER_CONNECTIONS: usize = 8;

/// How many connections to the other schemas the handlers of a process with these queues need. An import, a run or an
/// evaluation may hold one for as long as its slot, so there is one for each slot: with fewer, a queue whose slots
/// all hold one would leave none for the short work of the others. They are opened when they are needed.
pub fn handler_connections(queues: &BTreeMap<String, usize>) -> u32 {
    let slots: usize = queues.values().sum();
    u32::try_from(slots.min(MOST_HOLDING) + SPARE_CONNECTIONS).unwrap_or(u32::MAX)
}

/// Beyond so many slots the work is short, or it would be too much for one process's processors.
const MOST_HOLDING: usize = 64;

/// For what is not a job, and for handlers that need a second one for a moment.
const SPARE_CONNECTIONS: usize = 4;

/// For short steps of jobs. A full queue keeps all of them busy, and each is one more that the answers to webhooks share
/// the server's processors with; four do as much as a server of eight processors can.
pub const STEP_CONNECTIONS: u32 = 4;

fn introduction(options: &Options) -> Introduction {
    let host =
        std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned()).unwrap_or_default();
    Introduction {
        id: Uuid::now_v7(),
        name: options.name.clone(),
        host: if host.is_empty() { "unknown".to_owned() } else { host },
        pid: i32::try_from(std::process::id()).unwrap_or(0),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queues: options.queues.iter().map(|(queue, slots)| (queue.clone(), *slots)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_finds_a_connection() {
        let queues = |slots: &[(&str, usize)]| -> BTreeMap<String, usize> {
            slots.iter().map(|(queue, slots)| ((*queue).to_owned(), *slots)).collect()
        };
        let usual = queues(&[("ai", 4), ("default", 16), ("imports", 2), ("intelligence", 3)]);
        assert!(handler_connections(&usual) > 25);
        assert_eq!(handler_connections(&queues(&[("default", 10_000)])), 68);
    }
}
