//! The states of a job and which may follow which.

use serde::{Deserialize, Serialize};

/// Where a job stands. `Done`, `Dead` and `Cancelled` are ends; an operator may revive a dead job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Waits for its time.
    Scheduled,
    /// May be claimed by a worker.
    Ready,
    /// Claimed under a lease.
    Running,
    /// Failed; waits for the time of its next attempt.
    Retrying,
    /// Succeeded.
    Done,
    /// Failed for good.
    Dead,
    /// Given up on purpose.
    Cancelled,
}

impl State {
    /// Every state, in the order of a job's life.
    pub const ALL: [State; 7] = [
        State::Scheduled,
        State::Ready,
        State::Running,
        State::Retrying,
        State::Done,
        State::Dead,
        State::Cancelled,
    ];

    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Scheduled => "scheduled",
            State::Ready => "ready",
            State::Running => "running",
            State::Retrying => "retrying",
            State::Done => "done",
            State::Dead => "dead",
            State::Cancelled => "cancelled",
        }
    }

    /// The state of that name, if there is one.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more happens to the job by itself.
    pub fn is_finished(self) -> bool {
        matches!(self, State::Done | State::Dead | State::Cancelled)
    }

    /// Whether a job may go from `self` to `next` in one step.
    pub fn may_become(self, next: State) -> bool {
        use State::{Cancelled, Dead, Done, Ready, Retrying, Running, Scheduled};
        match self {
            Scheduled | Retrying => matches!(next, Ready | Cancelled),
            Ready => matches!(next, Running | Cancelled | Dead),
            Running => matches!(next, Ready | Scheduled | Retrying | Done | Dead | Cancelled),
            Dead => matches!(next, Ready | Cancelled),
            Done | Cancelled => false,
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parse_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("asleep"), None);
    }

    #[test]
    fn every_state_is_reachable_and_only_ends_are_final() {
        for state in State::ALL {
            let leaves = State::ALL.into_iter().any(|next| state.may_become(next));
            assert_eq!(leaves, !matches!(state, State::Done | State::Cancelled), "{state}");
            let reached = State::ALL.into_iter().any(|from| from.may_become(state));
            assert!(reached || state == State::Scheduled, "{state}");
        }
    }
}
