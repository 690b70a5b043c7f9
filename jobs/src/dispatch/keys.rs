//! The names of everything in Redis. All keys of a queue share a hash tag, so that in a cluster they
//! live on one node and one script may touch them.

/// The sorted set of the queue's claimable job ids (16 bytes each), by priority and fairness.
pub(crate) fn order(prefix: &str, queue: &str) -> String {
    format!("{prefix}:{{{queue}}}:order")
}

/// The finish tags of the tenants within a priority of the queue.
pub(crate) fn tags(prefix: &str, queue: &str, priority: usize) -> String {
    format!("{prefix}:{{{queue}}}:tags:{priority}")
}

/// Present as long as Redis has lost nothing.
pub(crate) fn epoch(prefix: &str) -> String {
    format!("{prefix}:epoch")
}

/// Written to find out whether Redis takes anything; gone after a second.
pub(crate) fn trial(prefix: &str) -> String {
    format!("{prefix}:trial")
}

/// The channel on which finished and progressing jobs are told.
pub(crate) fn events_channel(prefix: &str) -> String {
    format!("{prefix}:events")
}

/// The channel on which cancellations and changed settings are told to the workers.
pub(crate) fn control_channel(prefix: &str) -> String {
    format!("{prefix}:control")
}

/// The channel on which the leader hears of a job that falls due earlier than it knew.
pub(crate) fn due_channel(prefix: &str) -> String {
    format!("{prefix}:due")
}

/// The channel on which the processes of the api tell each other who looks at what.
pub(crate) fn desk_channel(prefix: &str) -> String {
    format!("{prefix}:desk")
}
