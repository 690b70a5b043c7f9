//! How a worker steps back behind what people wait for on the same machine, such as the api.
//!
//! Linux shares the processor among sessions first (`sched_autogroup`) and weighs niceness only within each, so a
//! worker that leads a session of its own, as one started by a service manager or `setsid` does, has to lower the
//! session too. Within a control group (a container, a unit with a share of its own) neither counts; there the group's
//! weight does, see `deploy`.

use std::{fs, process};

use rustix::process::setpriority_process;

/// Steps back by so much: 0 not at all, 19 furthest. Threads that start afterwards inherit it.
///
/// Stepping back is always allowed to oneself; where it is not, work is merely less polite, so failures are ignored.
pub fn step_back(nice: i32) {
    let _ = setpriority_process(None, nice);
    // Somebody else's session, say a shell's, is not ours to lower.
    if fs::read_to_string("/proc/self/stat").is_ok_and(|stat| session_of(&stat) == Some(process::id())) {
        let _ = fs::write("/proc/self/autogroup", nice.to_string());
    }
}

/// Where the session's leader stands after the name: state, parent, group, session.
const SESSION: usize = 3;

/// The leader of the session of the process whose `/proc/PID/stat` this is (see proc(5)); 0 is one outside of our
/// process namespace, which `rustix::process::getsid` has no value for.
fn session_of(stat: &str) -> Option<u32> {
    // The name before it is the program's own and may hold anything, blanks and parentheses too.
    let (_name, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(SESSION)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::session_of;

    #[test]
    fn the_session_is_read_past_any_name_and_may_be_outside() {
        assert_eq!(session_of("42 (worker) S 1 40 40 0 -1 4194304"), Some(40));
        assert_eq!(session_of("42 (a) 1 (b c) S 1 40 41 0 -1 4194304"), Some(41));
        assert_eq!(session_of("2 (worker) R 1 0 0 0 -1 4194304"), Some(0));
        assert_eq!(session_of(""), None);
        assert_eq!(session_of("2 (worker) R 1 0"), None);
    }
}
