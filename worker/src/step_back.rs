//! How a worker steps back behind what people wait for on the same machine, such as the api.
//!
//! Linux shares the processor among sessions first (`sched_autogroup`) and weighs niceness only within each, so a
//! worker that leads a session of its own, as one started by a service manager or `setsid` does, has to lower the
//! session too. Within a control group (a container, a unit with a share of its own) neither counts; there the group's
//! weight does, see `deploy`.

use std::fs;

use rustix::process::{getpid, getsid, setpriority_process};

/// Steps back by so much: 0 not at all, 19 furthest. Threads that start afterwards inherit it.
///
/// Stepping back is always allowed to oneself; where it is not, work is merely less polite, so failures are ignored.
pub fn step_back(nice: i32) {
    let _ = setpriority_process(None, nice);
    // Somebody else's session, say a shell's, is not ours to lower.
    if getsid(None).is_ok_and(|leader| leader == getpid()) {
        let _ = fs::write("/proc/self/autogroup", nice.to_string());
    }
}
