//! The apalis backend of one queue: a stream of claimed jobs. Everything that takes time is done by
//! the lanes behind it, so polling it never blocks and never fails.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    layers::Identity,
    task::{Task, task_id::RandomId},
    worker::context::WorkerContext,
};
use futures_util::FutureExt;
use jobs::ledger::Claimed;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{Shared, lane};

/// The claimed jobs of one queue.
pub(super) struct QueueBackend {
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Claimed>,
    /// The hand-back of what was claimed and not started, while the worker closes.
    closing: Option<JoinHandle<()>>,
}

impl QueueBackend {
    /// Starts the lanes of the queue.
    pub(super) fn start(shared: Arc<Shared>, queue: &str) -> QueueBackend {
        // Room for what one claim brings, so that the lane does not wait for apalis at every job: all of them have
        // their slots already.
        let (sender, jobs) = mpsc::channel(lane::BATCH);
        lane::start(&shared, queue, &sender);
        QueueBackend { shared, jobs, closing: None }
    }
}

impl Backend for QueueBackend {
    type Task = Task<Claimed>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Claimed>, Infallible>>> {
        self.jobs.poll_recv(cx).map(|job| job.map(|job| Ok(Task::new(job))))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        let closing = self.closing.get_or_insert_with(|| {
            self.jobs.close();
            let (_, empty) = mpsc::channel(1);
            let mut jobs = std::mem::replace(&mut self.jobs, empty);
            let shared = self.shared.clone();
            tokio::spawn(async move {
                while let Some(job) = jobs.recv().await {
                    shared.hand_back(job).await;
                }
            })
        });
        closing.poll_unpin(cx).map(|_| Ok(()))
    }
}

impl BackendConfig for QueueBackend {
    type Args = Claimed;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
