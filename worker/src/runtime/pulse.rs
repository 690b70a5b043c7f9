//! Signs of life of a worker process, for the readiness probe: the heart beats, and the lanes get on. A
//! heart alone says little, since it has a connection of its own.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// How old the last heartbeat may be: two answers of a slow ledger and the pauses between.
const HEART: Duration = Duration::from_secs(8);

/// How long a lane may be at one pop or one claim: a pop waits up to five seconds for work, and a claim
/// that meets a dead connection is tried again after eight.
const LANE: Duration = Duration::from_secs(20);

/// Tells whoever asks whether the process works; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    beat: Option<Instant>,
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    queue: String,
    /// Since when it has been at its present step; none while it waits for free slots.
    since: Option<Instant>,
}

impl Pulse {
    /// Fine when the last beat reached the ledger a moment ago and no lane is stuck.
    ///
    /// # Errors
    /// Says what does not get on, and since when.
    pub fn check(&self) -> Result<(), String> {
        let state = self.state.lock().expect("no holder of this lock panics");
        match state.beat {
            None => return Err("no heartbeat has reached the ledger yet".to_owned()),
            Some(beat) if beat.elapsed() > HEART => {
                let secs = beat.elapsed().as_secs();
                return Err(format!("the last heartbeat reached the ledger {secs} s ago"));
            }
            Some(_) => {}
        }
        for lane in &state.lanes {
            if let Some(since) = lane.since.filter(|since| since.elapsed() > LANE) {
                let (queue, secs) = (&lane.queue, since.elapsed().as_secs());
                return Err(format!(
                    "the queue {queue} has neither taken nor claimed anything for {secs} s; is Redis or Postgres away?"
                ));
            }
        }
        Ok(())
    }

    /// A beat reached the ledger.
    pub(super) fn felt(&self) {
        self.state.lock().expect("no holder of this lock panics").beat = Some(Instant::now());
    }

    /// Watches one more lane.
    pub(super) fn lane(&self, queue: &str) -> LanePulse {
        let mut state = self.state.lock().expect("no holder of this lock panics");
        state.lanes.push(Lane { queue: queue.to_owned(), since: None });
        LanePulse { pulse: self.clone(), number: state.lanes.len() - 1 }
    }
}

/// What a lane says of itself.
pub(super) struct LanePulse {
    pulse: Pulse,
    number: usize,
}

impl LanePulse {
    /// It begins to take or claim; repeated, its time goes on.
    pub(super) fn working(&self) {
        self.set(|since| since.or_else(|| Some(Instant::now())));
    }

    /// It completed a step, and works on.
    pub(super) fn done(&self) {
        self.set(|_| Some(Instant::now()));
    }

    /// It waits for slots, for as long as that takes.
    pub(super) fn rests(&self) {
        self.set(|_| None);
    }

    fn set(&self, change: impl FnOnce(Option<Instant>) -> Option<Instant>) {
        let mut state = self.pulse.state.lock().expect("no holder of this lock panics");
        let since = &mut state.lanes[self.number].since;
        *since = change(*since);
    }
}

impl Drop for LanePulse {
    fn drop(&mut self) {
        self.rests();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_is_stuck_or_a_silent_heart_makes_the_process_unready() {
        let pulse = Pulse::default();
        assert!(pulse.check().is_err());
        pulse.felt();
        let lane = pulse.lane("ai");
        assert_eq!(pulse.check(), Ok(()), "it waits for slots");
        let long_ago = Instant::now().checked_sub(LANE * 2).expect("the machine runs for a minute");
        lane.set(|_| Some(long_ago));
        lane.working();
        assert!(pulse.check().expect_err("stuck").contains("the queue ai"));
        lane.done();
        assert_eq!(pulse.check(), Ok(()));
        lane.set(|_| Some(long_ago));
        drop(lane);
        assert_eq!(pulse.check(), Ok(()), "a lane that ended is not stuck");
        pulse.state.lock().expect("nobody panics").beat = Some(long_ago);
        assert!(pulse.check().expect_err("silent").contains("the last heartbeat"));
        pulse.felt();
        assert_eq!(pulse.check(), Ok(()));
    }
}
