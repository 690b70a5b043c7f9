//! When to ask an upstream again and how long to wait before that: pure functions and constants.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use rand::RngExt;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How a client retries. Every field is stated by each client; there is no default.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Tries in all, the first included.
    pub attempts: usize,
    /// The cap of the first random wait.
    pub first_delay: Duration,
    /// The cap of every later random wait.
    pub longest_delay: Duration,
    /// One try may take this long.
    pub attempt_timeout: Duration,
    /// A named wait up to this long is waited for here; a longer one is handed back to the job.
    pub longest_named_wait: Duration,
}

impl RetryPolicy {
    /// The caps of the waits between tries, growing twofold.
    pub fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .with_max_times(self.attempts.saturating_sub(1))
            .build()
    }
}

/// A wait anywhere between nothing and the cap, so that clients which failed together do not return
/// together. (The crate's own jitter only adds to the cap.)
pub fn full_jitter(cap: Duration) -> Duration {
    let cap_micros = u64::try_from(cap.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rand::rng().random_range(0..=cap_micros))
}

/// For so long one answer of an upstream that many depend on can put them off, whatever it names: it may be wrong, or meant for
/// one call of many. After that it is asked again.
pub const LONGEST_NAMED: Duration = Duration::from_secs(15 * 60);

/// The longest part of a wait that is left to chance, so that a long one grows little by it.
const LONGEST_SPREAD: Duration = Duration::from_secs(30);

/// A little more than a wait, so that those who were put off together do not return together.
pub fn spread(wait: Duration) -> Duration {
    wait + full_jitter((wait / 2).min(LONGEST_SPREAD))
}

/// The wait that a Retry-After header names, in seconds or as an HTTP date; a date in the past is no wait.
/// More than a day counts as a day.
pub fn named_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(86_400);
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(secs) => Duration::try_from_secs_f64(secs).ok()?,
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or(Duration::ZERO),
    };
    Some(wait.min(LONGEST))
}

/// What an answer means for the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Hand it to the caller.
    Accept,
    /// Worth another try.
    Again,
    /// There is no room for the request at the moment: worth another try, and later still worth one, however often.
    Busy,
    /// The credential is not accepted.
    Unauthorised,
    /// The account may not spend more.
    SpendLimit,
    /// Refused for good, with the upstream's own code.
    Refuse {
        /// The code, or `none`.
        code: String,
    },
}

/// The verdict that the status alone suggests.
pub fn judge_status(status: StatusCode) -> Verdict {
    match status.as_u16() {
        200..=299 => Verdict::Accept,
        401 | 403 => Verdict::Unauthorised,
        429 | 529 => Verdict::Busy,
        408 | 500..=599 => Verdict::Again,
        _ => Verdict::Refuse { code: "none".into() },
    }
}

/// Makes an upstream's error code safe to log and store: short, and of identifier characters only.
pub fn clean_code(code: &str) -> String {
    let clean: String =
        code.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(64).collect();
    if clean.is_empty() { "none".into() } else { clean }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).expect("a header value"));
        headers
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").expect("a date");
        let wait = |text: &str| named_wait(&headers(text), now);
        assert_eq!(wait("17"), Some(Duration::from_secs(17)));
        assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(wait("Fri, 20 Nov 2026 10:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(wait("Fri, 20 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("99999999"), Some(Duration::from_secs(86_400)));
        assert_eq!(wait("-5"), None);
        assert_eq!(wait("soon"), None);
        assert_eq!(named_wait(&HeaderMap::new(), now), None);
    }

    #[test]
    fn delays_grow_to_the_cap_and_end() {
        let policy = RetryPolicy {
            attempts: 5,
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_millis(300),
            attempt_timeout: Duration::from_secs(1),
            longest_named_wait: Duration::from_secs(1),
        };
        let millis: Vec<u128> = policy.delays().map(|delay| delay.as_millis()).collect();
        assert_eq!(millis, [100, 200, 300, 300]);
    }

    proptest! {
        #[test]
        fn jitter_stays_below_the_cap(millis in 0u64..100_000) {
            let cap = Duration::from_millis(millis);
            prop_assert!(full_jitter(cap) <= cap);
        }

        #[test]
        fn a_wait_grows_by_little_and_never_shrinks(millis in 0u64..10_000_000) {
            let wait = Duration::from_millis(millis);
            let longer = spread(wait);
            prop_assert!(longer >= wait && longer <= wait + (wait / 2).min(LONGEST_SPREAD));
        }

        #[test]
        fn any_header_is_parsed_without_panic(text in "[ -~]{0,40}") {
            if let Some(wait) = named_wait(&headers(&text), SystemTime::UNIX_EPOCH) {
                prop_assert!(wait <= Duration::from_secs(86_400));
            }
        }

        #[test]
        fn codes_are_clean(text in ".{0,200}") {
            let code = clean_code(&text);
            prop_assert!(!code.is_empty() && code.len() <= 64 && code.is_ascii());
        }
    }
}
