//! The session of an operator at the console: an API key, sealed, for a browser to hold as a cookie that no script can
//! read.
//!
//! Nothing of it is stored. Whoever sends it is the key: revoking the key ends every session that began with it, within the
//! time that a look-up is believed, and it ends by itself after [`LIFETIME`].

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use crate::api_keys;
use crate::seal::MasterKey;

/// How long a session lasts: a day's work.
pub const LIFETIME: TimeDelta = TimeDelta::hours(10);

/// What is sealed is for this and nothing else.
const OWNER: &str = "console session";

/// Longest text that is looked at, in bytes.
const MAX_BYTES: usize = 512;

/// Makes and opens sessions.
#[derive(Clone, Debug)]
pub struct ConsoleSessions(MasterKey);

impl ConsoleSessions {
    /// Sessions under this master key.
    pub fn new(master: &MasterKey) -> ConsoleSessions {
        ConsoleSessions(master.clone())
    }

    /// A session of this key's that begins now.
    pub fn seal(&self, key: &str, now: DateTime<Utc>) -> String {
        let plain = format!("{} {key}", (now + LIFETIME).timestamp());
        URL_SAFE_NO_PAD.encode(self.0.seal(OWNER, plain.as_bytes()))
    }

    /// The key of a session that is not over, and when it will be.
    pub fn open(&self, session: &str, now: DateTime<Utc>) -> Option<(String, DateTime<Utc>)> {
        if session.len() > MAX_BYTES {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(session).ok()?;
        let plain = String::from_utf8(self.0.unseal(OWNER, &sealed).ok()?).ok()?;
        let (until, key) = plain.split_once(' ')?;
        let until = DateTime::from_timestamp(until.parse().ok()?, 0)?;
        (now < until && api_keys::is_well_formed(key)).then(|| (key.to_owned(), until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_opens_here_and_until_it_is_over() {
        let master = |byte: &str| format!("{}=", byte.repeat(43)).parse::<MasterKey>().expect("a key");
        let (ours, other) = (ConsoleSessions::new(&master("A")), ConsoleSessions::new(&master("E")));
        let (key, now) = (format!("dsk_0123456789ab_{}", "A".repeat(43)), Utc::now());
        let session = ours.seal(&key, now);
        assert!(!session.contains("0123456789ab"));
        assert_eq!(ours.open(&session, now).map(|(key, _)| key), Some(key.clone()));
        assert_eq!(ours.open(&session, now + LIFETIME), None);
        assert_eq!(other.open(&session, now), None);
        assert_eq!(ours.open(&ours.seal("no key", now), now), None);
        let cut = &session[..session.len() - 2];
        for text in ["", "%", &key, cut, &"A".repeat(600)] {
            assert_eq!(ours.open(text, now), None, "{text}");
        }
    }
}
