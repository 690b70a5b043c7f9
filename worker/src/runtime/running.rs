//! What this process holds: its jobs, how to stop each, and its leases.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
};

use jobs::{JobId, ledger::Claimed};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// Why a run is to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Nothing asks it to.
    No,
    /// Somebody cancelled the job, for this reason.
    Cancel(String),
    /// The process stops: hand the job back.
    HandBack,
    /// The worker was counted out: whatever comes of the run must not be written.
    LeaseLost,
}

/// A process that the ledger had given up.
pub(crate) struct CountedOut {
    /// Under which identity.
    pub(crate) before: Uuid,
    /// Under which it goes on.
    pub(crate) now: Uuid,
    /// What it may have run when the ledger heard it last; some of it twice.
    pub(crate) jobs: Vec<JobId>,
}

/// The jobs of this process.
pub(crate) struct Running {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    /// The identity under which the process claims; a new one after it was counted out.
    worker: Uuid,
    draining: bool,
    handing_back: bool,
    /// The ledger has not heard this process for so long that others may soon run its jobs.
    fenced: bool,
    /// What ran when it was last so.
    cut_off: Vec<JobId>,
    jobs: HashMap<JobId, Held>,
    /// Jobs that are left of each lease.
    leases: HashMap<Uuid, usize>,
    /// Leases of which no job is left, to be forgotten by the ledger.
    closed: Vec<Uuid>,
    /// The latest leases whose claim was never answered.
    given_up: VecDeque<Uuid>,
}

/// How many of them are remembered: far more than claims may be under way at once.
const GIVEN_UP: usize = 1_000;

struct Held {
    lease: Uuid,
    halt: watch::Sender<Halt>,
}

impl Running {
    pub(crate) fn new() -> Running {
        Running {
            state: Mutex::new(State {
                worker: Uuid::now_v7(),
                draining: false,
                handing_back: false,
                fenced: false,
                cut_off: Vec::new(),
                jobs: HashMap::new(),
                leases: HashMap::new(),
                closed: Vec::new(),
                given_up: VecDeque::new(),
            }),
            changed: Notify::new(),
        }
    }

    /// The identity under which to claim.
    pub(crate) fn worker(&self) -> Uuid {
        self.lock().worker
    }

    /// Notes jobs that were just claimed; they hold their leases until [`Running::over`]. Leaves out those whose
    /// claim was answered so late that it was given up.
    pub(crate) fn claimed(&self, jobs: &mut Vec<Claimed>) {
        let mut state = self.lock();
        jobs.retain(|job| !state.given_up.contains(&job.lease));
        for job in jobs {
            let halt = if state.handing_back || state.fenced { Halt::HandBack } else { Halt::No };
            state.jobs.insert(job.id, Held { lease: job.lease, halt: watch::channel(halt).0 });
            *state.leases.entry(job.lease).or_insert(0) += 1;
        }
    }

    /// Tells the run of a job under this lease when to stop: at once when the process holds the job under another
    /// one, which it took after it was counted out.
    pub(crate) fn halt_of(&self, id: JobId, lease: Uuid) -> watch::Receiver<Halt> {
        match self.lock().jobs.get(&id) {
            Some(held) if held.lease == lease => held.halt.subscribe(),
            _ => watch::channel(Halt::LeaseLost).1,
        }
    }

    /// Notes that jobs are over: written, or not to be written.
    pub(crate) fn over(&self, jobs: impl IntoIterator<Item = (JobId, Uuid)>) {
        let mut state = self.lock();
        for (id, lease) in jobs {
            if state.jobs.get(&id).is_some_and(|held| held.lease == lease) {
                state.jobs.remove(&id);
            }
            if let Some(left) = state.leases.get_mut(&lease) {
                *left -= 1;
                if *left == 0 {
                    state.leases.remove(&lease);
                    state.closed.push(lease);
                }
            }
        }
        let idle = state.jobs.is_empty();
        drop(state);
        if idle {
            self.changed.notify_waiters();
        }
    }

    /// Asks runs to stop because somebody cancelled their jobs.
    pub(crate) fn cancel(&self, jobs: Vec<(JobId, String)>) {
        let state = self.lock();
        for (id, reason) in jobs {
            if let Some(held) = state.jobs.get(&id) {
                held.halt.send_if_modified(|halt| {
                    let first = *halt == Halt::No;
                    if first {
                        *halt = Halt::Cancel(reason);
                    }
                    first
                });
            }
        }
    }

    /// Why somebody wants the job of this run cancelled, if so.
    pub(crate) fn wants_cancelled(&self, id: JobId, lease: Uuid) -> Option<String> {
        match &*self.halt_of(id, lease).borrow() {
            Halt::Cancel(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// Starts the drain.
    pub(crate) fn drain(&self) {
        self.lock().draining = true;
    }

    /// Whether the process drains.
    pub(crate) fn is_draining(&self) -> bool {
        self.lock().draining
    }

    /// Asks every run to stop at once, to be handed back.
    pub(crate) fn hand_back_all(&self) {
        let mut state = self.lock();
        state.handing_back = true;
        for held in state.jobs.values() {
            held.halt.send_replace(Halt::HandBack);
        }
    }

    /// The ledger has not heard this process for a while, and may be about to hand its jobs to others:
    /// every run stops before it does anything more, and is handed back once the ledger hears again. Says
    /// how many those are.
    pub(crate) fn fence(&self) -> usize {
        let mut state = self.lock();
        state.fenced = true;
        state.cut_off = state.jobs.keys().copied().collect();
        for held in state.jobs.values() {
            held.halt.send_if_modified(|halt| {
                let first = *halt == Halt::No;
                if first {
                    *halt = Halt::HandBack;
                }
                first
            });
        }
        state.jobs.len()
    }

    /// The ledger hears this process again: what is claimed from now on runs.
    pub(crate) fn unfence(&self) {
        self.lock().fenced = false;
    }

    /// The worker was counted out: every run stops, nothing of it is written, and the process claims
    /// under a new identity from now on.
    pub(crate) fn counted_out(&self) -> CountedOut {
        let mut state = self.lock();
        for held in state.jobs.values() {
            held.halt.send_replace(Halt::LeaseLost);
        }
        let mut jobs = std::mem::take(&mut state.cut_off);
        jobs.extend(state.jobs.keys());
        let before = std::mem::replace(&mut state.worker, Uuid::now_v7());
        CountedOut { before, now: state.worker, jobs }
    }

    /// How many jobs are held.
    pub(crate) fn count(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Resolves when no job is held.
    pub(crate) async fn idle(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// The leases of which no job is left, for the ledger to forget.
    pub(crate) fn closed_leases(&self) -> Vec<Uuid> {
        std::mem::take(&mut self.lock().closed)
    }

    /// Those of `leases` that this process does not know: what they hold runs nowhere.
    pub(crate) fn unknown(&self, leases: &[Uuid]) -> Vec<Uuid> {
        let state = self.lock();
        let known = |lease: &Uuid| state.leases.contains_key(lease) || state.closed.contains(lease);
        leases.iter().copied().filter(|lease| !known(lease)).collect()
    }

    /// Notes leases that are about to be handed back because the answer to their claim was lost: should it come
    /// after all, their jobs do not run here.
    pub(crate) fn give_up(&self, leases: &[Uuid]) {
        let mut state = self.lock();
        state.given_up.extend(leases);
        let excess = state.given_up.len().saturating_sub(GIVEN_UP);
        state.given_up.drain(..excess);
    }

    /// Puts leases back that could not be forgotten now.
    pub(crate) fn still_closed(&self, leases: Vec<Uuid>) {
        self.lock().closed.extend(leases);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn claimed(lease: Uuid) -> Claimed {
        Claimed {
            id: Uuid::now_v7(),
            tenant: Uuid::nil(),
            kind: "probe".to_owned(),
            queue: "default".to_owned(),
            attempt: 1,
            max_attempts: 3,
            crashes: 0,
            payload_version: 1,
            payload: serde_json::value::to_raw_value(&()).expect("null is JSON"),
            correlation_id: String::new(),
            trace_parent: None,
            created_at: Utc::now(),
            run_at: Utc::now(),
            claimed_at: Utc::now(),
            waiting_since: None,
            concurrency_key: None,
            limited: false,
            may_have_successor: false,
            lease,
        }
    }

    #[test]
    fn a_claim_that_is_answered_after_it_was_given_up_runs_nothing() {
        let running = Running::new();
        let (lost, heard) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(running.unknown(&[lost]), [lost]);
        running.give_up(&[lost]);
        let mut jobs = vec![claimed(lost), claimed(heard)];
        running.claimed(&mut jobs);
        assert_eq!(jobs.iter().map(|job| job.lease).collect::<Vec<_>>(), [heard]);
        assert_eq!((running.count(), running.unknown(&[lost, heard])), (1, vec![lost]));
    }

    #[test]
    fn a_fence_stops_what_runs_and_what_is_claimed_behind_it() {
        let running = Running::new();
        let before = claimed(Uuid::now_v7());
        running.claimed(&mut vec![before.clone()]);
        assert_eq!(running.fence(), 1);
        let behind = claimed(Uuid::now_v7());
        running.claimed(&mut vec![behind.clone()]);
        running.unfence();
        let after = claimed(Uuid::now_v7());
        running.claimed(&mut vec![after.clone()]);
        let halts = [before, behind, after].map(|job| running.halt_of(job.id, job.lease).borrow().clone());
        assert_eq!(halts, [Halt::HandBack, Halt::HandBack, Halt::No]);
    }

    #[test]
    fn who_was_counted_out_knows_what_it_ran_when_it_was_cut_off() {
        let running = Running::new();
        let before = running.worker();
        let (ended, runs) = (claimed(Uuid::now_v7()), claimed(Uuid::now_v7()));
        running.claimed(&mut vec![ended.clone()]);
        running.fence();
        running.over([(ended.id, ended.lease)]);
        running.unfence();
        running.claimed(&mut vec![runs.clone()]);
        let gone = running.counted_out();
        assert_eq!((gone.before, gone.now), (before, running.worker()));
        assert_eq!(gone.jobs, [ended.id, runs.id]);
    }

    #[test]
    fn a_run_whose_lease_was_lost_before_it_began_does_not_take_the_next_ones_place() {
        let running = Running::new();
        let before = claimed(Uuid::now_v7());
        running.claimed(&mut vec![before.clone()]);
        running.counted_out();
        let after = Claimed { lease: Uuid::now_v7(), ..before.clone() };
        running.claimed(&mut vec![after.clone()]);
        let halt = |job: &Claimed| running.halt_of(job.id, job.lease).borrow().clone();
        assert_eq!((halt(&before), halt(&after)), (Halt::LeaseLost, Halt::No));
        running.over([(before.id, before.lease)]);
        assert_eq!((running.count(), halt(&after)), (1, Halt::No), "the one that runs is held");
    }
}
