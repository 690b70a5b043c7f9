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
    /// The process does not reach the ledger: nothing new is taken.
    fenced: bool,
}

impl Slots {
    /// Paused until the first heartbeat brings what operators set.
    pub(crate) fn new(limit: usize) -> Slots {
        Slots {
            state: Mutex::new(State { limit, used: 0, paused: true, closed: false, fenced: false }),
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
            if let Some(taken) = self.try_take(max) {
                return taken;
            }
            changed.await;
        }
    }

    /// Takes up to `max` free slots: `Some(None)` when the queue is closed, none when there is none now.
    pub(crate) fn try_take(&self, max: usize) -> Option<Option<usize>> {
        let mut state = self.lock();
        if state.closed {
            return Some(None);
        }
        let free = state.limit.saturating_sub(state.used).min(max);
        if free == 0 || state.paused || state.fenced {
            return None;
        }
        state.used += free;
        Some(Some(free))
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

    /// Takes nothing new while the process does not reach the ledger; what was taken is claimed after all.
    pub(crate) fn fence(&self, fenced: bool) {
        self.lock().fenced = fenced;
        self.changed.notify_waiters();
    }

    /// Takes no more work.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_waiters();
    }

    /// Keeps of `taken` slots those that are needed and still there, and gives the others back: operators
    /// may have paused the queue or lowered its limit since they were taken.
    pub(crate) fn keep(&self, taken: usize, needed: usize) -> usize {
        let mut state = self.lock();
        let others = state.used.saturating_sub(taken);
        let kept = if state.paused || state.closed {
            0
        } else {
            needed.min(taken).min(state.limit.saturating_sub(others))
        };
        state.used = others + kept;
        drop(state);
        self.changed.notify_waiters();
        kept
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slots_that_were_lowered_meanwhile_are_not_kept() {
        let slots = Slots::new(8);
        slots.set(false, None);
        assert_eq!(slots.take(500).await, Some(8));
        slots.set(false, Some(3));
        assert_eq!(slots.keep(8, 5), 3);
        slots.give_back(3);
        assert_eq!(slots.take(500).await, Some(3));
        slots.set(false, Some(0));
        assert_eq!(slots.keep(3, 3), 0);
        slots.set(false, None);
        assert_eq!(slots.take(500).await, Some(8), "none was lost");
        slots.set(true, None);
        assert_eq!(slots.keep(8, 1), 0, "a paused queue starts nothing");
    }
}
