//! Counting: buckets of one size, one for each who is counted, and what a caller hears of theirs.
//!
//! Buckets refill continuously (GCRA), and what has refilled is forgotten, so memory is bounded by the callers of the
//! last minute, and that by a cap.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::web::keys;
use crate::web::problem::Problem;

/// Buckets kept by one limiter; beyond that, newcomers share one bucket until others are forgotten.
const MAX_BUCKETS: usize = 50_000;

/// Full buckets are forgotten after this many checks.
const SWEEP_EVERY: u32 = 10_000;

/// What a request counts, unless it asks for many jobs.
pub(crate) const ONE: NonZeroU32 = NonZeroU32::MIN;

/// Buckets of one size, one for each who is counted.
pub(crate) struct Limiter {
    buckets: RateLimiter<u128, DashMapStateStore<u128>, DefaultClock, StateInformationMiddleware>,
    pub(super) per_minute: NonZeroU32,
    checks: AtomicU32,
}

impl Limiter {
    pub(crate) fn new(per_minute: NonZeroU32) -> Limiter {
        let buckets = RateLimiter::dashmap(Quota::per_minute(per_minute))
            .with_middleware::<StateInformationMiddleware>();
        Limiter { buckets, per_minute, checks: AtomicU32::new(0) }
    }

    pub(crate) fn count(&self, who: u128, times: NonZeroU32) -> Result<Standing, TooMany> {
        let who = if self.has_room() { who } else { u128::MAX };
        let limit = self.per_minute.get();
        // More at once than a full bucket holds never fits; a minute is when the bucket is full again.
        let Ok(counted) = self.buckets.check_key_n(&who, times) else {
            return Err(TooMany { limit, retry_after_secs: 60 });
        };
        match counted {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity().min(limit);
                let used = u64::from(limit - remaining);
                Ok(Standing { limit, remaining, reset_secs: (used * 60).div_ceil(u64::from(limit)) })
            }
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(DefaultClock::default().now());
                Err(TooMany { limit, retry_after_secs: wait.as_secs() + 1 })
            }
        }
    }

    fn has_room(&self) -> bool {
        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        let crowded = self.buckets.len() > MAX_BUCKETS;
        if checks % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.buckets.retain_recent();
        }
        !crowded
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter")
            .field("per_minute", &self.per_minute)
            .field("buckets", &self.buckets.len())
            .finish()
    }
}

/// What is left of a limit after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    limit: u32,
    pub(super) remaining: u32,
    reset_secs: u64,
}

impl Standing {
    /// Writes the `RateLimit` headers, unless a stricter limit's are there already.
    pub fn show(self, headers: &mut HeaderMap) {
        if headers.contains_key(LIMIT) {
            return;
        }
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, self.reset_secs.into());
        let policy = format!("{};w=60", self.limit);
        headers.insert(POLICY, HeaderValue::from_str(&policy).expect("digits are a header value"));
    }
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A limit is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    limit: u32,
    retry_after_secs: u64,
}

impl TooMany {
    /// Too many keys of an address were bad; the next one is looked up after this time.
    pub(super) fn barred(wait: Duration) -> TooMany {
        TooMany { limit: keys::MAX_BAD_KEYS, retry_after_secs: wait.as_secs() + 1 }
    }
}

impl IntoResponse for TooMany {
    fn into_response(self) -> Response {
        let detail = format!("more than {} a minute; try again in {} s", self.limit, self.retry_after_secs);
        let mut response = Problem::too_many_requests(detail, self.retry_after_secs).into_response();
        let standing = Standing { limit: self.limit, remaining: 0, reset_secs: self.retry_after_secs };
        standing.show(response.headers_mut());
        response
    }
}

/// The connection's address; IPv6 by its /64, which is what one customer gets. Zero when it is not known.
pub fn address(extensions: &Extensions) -> u128 {
    match extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()) {
        None => 0,
        Some(IpAddr::V4(address)) => u128::from(address.to_bits()),
        Some(IpAddr::V6(address)) => address.to_bits() & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_minute: u32) -> NonZeroU32 {
        NonZeroU32::new(per_minute).expect("a test's rate is not zero")
    }

    #[test]
    fn a_key_stops_at_its_limit_and_others_go_on() {
        let limiter = Limiter::new(rate(3));
        let left: Vec<u32> =
            (0..3).map(|_| limiter.count(1, ONE).expect("within the limit").remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = limiter.count(1, ONE).expect_err("the fourth is one too many");
        assert!((1..=21).contains(&refused.retry_after_secs), "{refused:?}");
        assert_eq!(limiter.count(2, ONE).expect("another caller").remaining, 2);
    }

    #[test]
    fn many_at_once_count_as_many() {
        let limiter = Limiter::new(rate(10));
        assert_eq!(limiter.count(1, rate(7)).expect("within the limit").remaining, 3);
        assert!(limiter.count(1, rate(4)).is_err());
        assert_eq!(limiter.count(1, rate(3)).expect("what was refused used nothing").remaining, 0);
        assert!(limiter.count(2, rate(11)).is_err(), "more than the bucket holds");
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::new(rate(1));
        for who in 0..(MAX_BUCKETS as u128 + 5_000) {
            let _ = limiter.count(who, ONE);
        }
        assert!(limiter.buckets.len() <= MAX_BUCKETS + 2);
    }
}
