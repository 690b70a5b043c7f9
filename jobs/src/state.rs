//! The states of a job. Which may follow which is the diagram in ARCHITECTURE.md, and a test of the worker holds
//! the books against it.

use serde::{Deserialize, Serialize};

/// Where a job stands. `Done`, `Dead` and `Cancelled` are ends; an operator may revive a dead job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Waits for its time, or for the end of the job that it follows.
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
}
