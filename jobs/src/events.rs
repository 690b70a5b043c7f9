//! What is told of jobs while and when they run, in 17 bytes each, and the fan-out to those who wait.
//! One subscription a process serves all its waiters; they read the job itself from the ledger.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt;
use tokio::sync::watch;

use crate::{Dispatch, JobId, State};

/// A job changed its state, or reported progress (then its state is `Running`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The job.
    pub id: JobId,
    /// The state it is in now.
    pub state: State,
}

/// Several events as one message.
pub(crate) fn encode(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(events.len() * 17);
    for event in events {
        bytes.push(event.state as u8);
        bytes.extend_from_slice(event.id.as_bytes());
    }
    bytes
}

/// The events of a message; what cannot be read is left out.
pub(crate) fn decode(bytes: &[u8]) -> impl Iterator<Item = Event> + '_ {
    bytes.chunks_exact(17).filter_map(|chunk| {
        let state = State::ALL.into_iter().find(|state| *state as u8 == chunk[0])?;
        Some(Event { id: JobId::from_slice(&chunk[1..]).ok()?, state })
    })
}

/// Those of this process who wait for jobs.
#[derive(Clone, Debug, Default)]
pub struct Waiters {
    by_job: Arc<Mutex<HashMap<JobId, watch::Sender<u64>>>>,
}

impl Waiters {
    /// Starts listening; reconnects by itself. While Redis is away every waiter is woken once a second
    /// to look for itself.
    pub fn start(dispatch: Dispatch) -> Waiters {
        let waiters = Waiters::default();
        tokio::spawn(listen(dispatch, waiters.clone()));
        waiters
    }

    /// A receiver that changes whenever the job may have. Ask before reading the job.
    pub fn watch(&self, id: JobId) -> Watch {
        let mut by_job = self.by_job.lock().expect("no holder of this lock panics");
        let receiver = by_job.entry(id).or_insert_with(|| watch::channel(0).0).subscribe();
        Watch { id, receiver, waiters: self.clone() }
    }

    /// How many jobs are waited for.
    pub fn jobs(&self) -> usize {
        self.by_job.lock().expect("no holder of this lock panics").len()
    }

    fn wake(&self, id: JobId) {
        if let Some(sender) = self.by_job.lock().expect("no holder of this lock panics").get(&id) {
            sender.send_modify(|count| *count += 1);
        }
    }

    fn wake_all(&self) {
        for sender in self.by_job.lock().expect("no holder of this lock panics").values() {
            sender.send_modify(|count| *count += 1);
        }
    }
}

/// One who waits for one job.
#[derive(Debug)]
pub struct Watch {
    id: JobId,
    receiver: watch::Receiver<u64>,
    waiters: Waiters,
}

impl Watch {
    /// Returns when the job may have changed since the last call.
    pub async fn changed(&mut self) {
        // The sender lives in the table as long as this watch does.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut by_job = self.waiters.by_job.lock().expect("no holder of this lock panics");
        if by_job.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            by_job.remove(&self.id);
        }
    }
}

/// How often everyone looks for themselves, whatever is told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

async fn listen(dispatch: Dispatch, waiters: Waiters) {
    loop {
        if let Ok(mut subscription) = dispatch.listen_events().await {
            // Whatever was told while nobody listened is looked for now.
            waiters.wake_all();
            let mut messages = subscription.on_message();
            let mut look = tokio::time::interval(LOOK_EVERY);
            loop {
                tokio::select! {
                    message = messages.next() => {
                        let Some(message) = message else { break };
                        for event in decode(message.get_payload_bytes()) {
                            waiters.wake(event.id);
                        }
                    }
                    // What is told may be lost on the way, or Redis be paused.
                    _ = look.tick() => waiters.wake_all(),
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        waiters.wake_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_the_wire() {
        let events: Vec<Event> =
            State::ALL.into_iter().map(|state| Event { id: JobId::now_v7(), state }).collect();
        assert_eq!(decode(&encode(&events)).collect::<Vec<_>>(), events);
        assert_eq!(decode(b"short").count(), 0);
        assert_eq!(decode(&[250; 17]).count(), 0);
    }
}
