//! A Redis that answers and refuses is not away: somebody has to do something about it. Nothing is lost meanwhile,
//! because the ledger has every job, and what is refused is told again. So it is said what to do, once a minute in
//! a process however many tasks meet it.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use redis::{ErrorKind, RedisError};

const EVERY: Duration = Duration::from_secs(60);

/// When this process last said what to do.
static SAID: Mutex<Option<Instant>> = Mutex::new(None);

/// Logs what to do about an error that lasts until somebody does something. False for other errors, which are told
/// by who meets them.
pub fn advise(error: &RedisError) -> bool {
    let Some(advice) = what_to_do(error) else { return false };
    let mut said = SAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if is_due(&mut said, Instant::now()) {
        tracing::error!(
            %error,
            "redis refuses what it is told; jobs are safe in the ledger and start when it takes them. {advice}"
        );
    }
    true
}

fn is_due(said: &mut Option<Instant>, now: Instant) -> bool {
    let due = said.is_none_or(|said| now.duration_since(said) >= EVERY);
    if due {
        *said = Some(now);
    }
    due
}

/// What to do about a Redis that lets nobody in; none for an error that concerns single commands or passes.
fn refuses_everything(error: &RedisError) -> Option<&'static str> {
    let is_no_database = error.detail().is_some_and(|detail| detail.contains("DB index"));
    if is_no_database {
        return Some("It has no database of this number: REDIS_URL ends with it, as /0");
    }
    let is_no_login = error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    is_no_login.then_some(
        "It does not accept the credential: check user and password in REDIS_URL and the user's rights",
    )
}

/// What an operator can do about an error that lasts until somebody does something; none for others.
pub fn what_to_do(error: &RedisError) -> Option<&'static str> {
    if let Some(advice) = refuses_everything(error) {
        return Some(advice);
    }
    Some(match error.code()? {
        "READONLY" => {
            "It is a replica: let REDIS_URL name the primary, or redis+sentinel:// so that the primary is found"
        }
        "OOM" => {
            "It is over maxmemory: raise maxmemory or remove what else it keeps; \
                  the jobs' order is some 100 bytes for each waiting job"
        }
        "NOREPLICAS" => {
            "It has fewer replicas than min-replicas-to-write asks for: bring them back, or lower it"
        }
        "MISCONF" => "It cannot save to its disk: make room there, or see its own log",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use redis::ServerErrorKind;

    use super::*;

    /// An error as the server words it.
    fn answer(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).expect("an answer");
        value.extract_error().expect_err("it is an error")
    }

    #[test]
    fn who_can_do_something_is_told_what() {
        for (line, word) in [
            ("READONLY You can't write against a read only replica.", "replica"),
            ("OOM command not allowed when used memory > 'maxmemory'.", "maxmemory"),
            ("MISCONF Redis is configured to save RDB snapshots", "disk"),
            ("NOAUTH Authentication required.", "credential"),
            ("ERR DB index is out of range", "database"),
        ] {
            assert!(what_to_do(&answer(line)).is_some_and(|advice| advice.contains(word)), "{line}");
        }
        let replica = RedisError::from((ErrorKind::Server(ServerErrorKind::ReadOnly), "a replica"));
        assert!(what_to_do(&replica).is_some());
        let refused = RedisError::from((ErrorKind::AuthenticationFailed, "Password authentication failed"));
        assert!(refuses_everything(&refused).is_some());
        assert_eq!(refuses_everything(&answer("OOM command not allowed")), None);
        assert_eq!(what_to_do(&answer("ERR unknown command")), None);
        assert_eq!(what_to_do(&RedisError::from((ErrorKind::Io, "away"))), None);
    }

    #[test]
    fn it_is_said_once_a_minute() {
        let (mut said, now) = (None, Instant::now());
        assert!(is_due(&mut said, now));
        assert!(!is_due(&mut said, now + Duration::from_secs(59)));
        assert!(is_due(&mut said, now + Duration::from_secs(60)));
        assert!(!is_due(&mut said, now + Duration::from_secs(61)));
    }
}
