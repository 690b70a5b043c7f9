//! Slows calls down before an upstream's published allowance is used up.
//!
//! Gorgias reports its bucket in every answer (`X-Gorgias-Account-Api-Call-Limit: 10/40`). The last fifth of
//! it is left to people who work in the same account; calls that would eat into it wait for the bucket to
//! drain. The report is an estimate (others draw from the same bucket), so a 429 is still handled as one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The buckets of all accounts, by host, shared by the process. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Pacer {
    window: Duration,
    buckets: Arc<Mutex<HashMap<String, Bucket>>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: f64,
    limit: f64,
    at: Instant,
}

const FREE_SHARE: f64 = 0.8;
const HOSTS: usize = 4096;

impl Pacer {
    /// `window` is the time in which a full bucket drains.
    pub fn new(window: Duration) -> Self {
        Self { window, buckets: Arc::default() }
    }

    /// Books one call and says how long it has to wait first.
    pub fn book(&self, host: &str, now: Instant) -> Duration {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(host) else { return Duration::ZERO };
        let used = bucket.used_at(now, self.window);
        let over = (used - FREE_SHARE * bucket.limit).max(0.0);
        *bucket = Bucket { used: used + 1.0, limit: bucket.limit, at: now };
        self.window.mul_f64(over / bucket.limit)
    }

    /// Takes over what an answer reported, in the form `used/limit`; anything else is ignored.
    pub fn note(&self, host: &str, report: &str, now: Instant) {
        let Some((used, limit)) = parse(report) else { return };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= HOSTS && !buckets.contains_key(host) {
            let window = self.window;
            buckets.retain(|_, bucket| bucket.used_at(now, window) > 0.0);
            if buckets.len() >= HOSTS {
                return;
            }
        }
        buckets.insert(host.to_owned(), Bucket { used, limit, at: now });
    }
}

impl Bucket {
    fn used_at(&self, now: Instant, window: Duration) -> f64 {
        let drained =
            self.limit * now.saturating_duration_since(self.at).as_secs_f64() / window.as_secs_f64();
        (self.used - drained).max(0.0)
    }
}

fn parse(report: &str) -> Option<(f64, f64)> {
    let (used, limit) = report.split_once('/')?;
    let (used, limit): (u32, u32) = (used.trim().parse().ok()?, limit.trim().parse().ok()?);
    (limit > 0).then(|| (f64::from(used), f64::from(limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_only_near_the_end_of_the_bucket_and_less_as_it_drains() {
        let pacer = Pacer::new(Duration::from_secs(20));
        let now = Instant::now();
        assert_eq!(pacer.book("a", now), Duration::ZERO, "nothing is known yet");
        pacer.note("a", "10/40", now);
        assert_eq!(pacer.book("a", now), Duration::ZERO);
        pacer.note("a", "40/40", now);
        assert_eq!(pacer.book("a", now), Duration::from_secs(4));
        assert_eq!(pacer.book("a", now), Duration::from_millis(4500), "the call before is counted");
        assert_eq!(pacer.book("b", now), Duration::ZERO);
        assert_eq!(pacer.book("a", now + Duration::from_secs(10)), Duration::ZERO);
    }

    #[test]
    fn strange_reports_are_ignored() {
        let pacer = Pacer::new(Duration::from_secs(20));
        let now = Instant::now();
        for report in ["", "40", "40/0", "-1/40", "a/b", "99999999999/1"] {
            pacer.note("a", report, now);
        }
        assert_eq!(pacer.book("a", now), Duration::ZERO);
    }
}
