//! The slots of a queue in this process: how many jobs may run at once. Operators may change their
//! number, pause the queue, and the drain closes it.

use std::sync::Mutex;

use tokio::sync::Notify;

/// The slots of one queue.
pub(crate) struct Slots {
    state: Mutex<State>,
    changed: Notify,
    configured: usize,
}

struct State {
    limit: usize,
    used: usize,
    paused: bool,
    closed: bool,
}

impl Slots {
    /// Paused until the first heartbeat brings what operators set.
    pub(crate) fn new(limit: usize) -> Slots {
        Slots {
            state: Mutex::new(State { limit, used: 0, paused: true, closed: false }),
            changed: Notify::new(),
            configured: limit,
        }
    }

    /// Waits for free slots and takes up to `max` of them. None when the queue is closed.
    pub(crate) async fn take(&self, max: usize) -> Option<usize> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.lock();
                if state.closed {
                    return None;
                }
                let free = state.limit.saturating_sub(state.used).min(max);
                if free > 0 && !state.paused {
                    state.used += free;
                    return Some(free);
                }
            }
            changed.await;
        }
    }

    /// Gives slots back.
    pub(crate) fn give_back(&self, slots: usize) {
        if slots > 0 {
            let mut state = self.lock();
            state.used = state.used.saturating_sub(slots);
            drop(state);
            self.changed.notify_waiters();
        }
    }

    /// Whether nothing may be started, for now or for good.
    pub(crate) fn is_shut(&self) -> bool {
        let state = self.lock();
        state.closed || state.paused
    }

    /// What an operator set; none is what the process was started with.
    pub(crate) fn set(&self, paused: bool, concurrency: Option<usize>) {
        let mut state = self.lock();
        let limit = concurrency.unwrap_or(self.configured);
        if state.paused != paused || state.limit != limit {
            state.paused = paused;
            state.limit = limit;
            drop(state);
            self.changed.notify_waiters();
        }
    }

    /// Takes no more work.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_waiters();
    }

    /// Resolves when the queue is not paused: true, or false when it is closed.
    pub(crate) async fn open(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.lock();
                if state.closed || !state.paused {
                    return !state.closed;
                }
            }
            changed.await;
        }
    }

    /// Resolves when the queue is closed.
    pub(crate) async fn closed(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().closed {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}
