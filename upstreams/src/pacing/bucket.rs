//! One account's bucket in this process: what it does is written a second time in `bucket.lua`, for the cluster's, and a
//! test holds the two together.

use std::time::{Duration, Instant};

use super::Report;

/// What an upstream allows, as far as it is the same for every account.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// The time in which a full bucket drains.
    pub window: Duration,
    /// How much of it we use, of 1; the rest is for others in the same account.
    pub share: f64,
    /// How large it is as long as no answer told, for upstreams that never do; 0 is not known, and then nothing waits.
    pub assumed: f64,
}

/// How full an account's bucket is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    used: f64,
    /// Nothing is known while it is zero.
    limit: f64,
    /// When `used` was so; in the future while the upstream wants to be left alone.
    at: Instant,
}

impl Bucket {
    pub(super) fn new(now: Instant) -> Bucket {
        Bucket { used: 0.0, limit: 0.0, at: now }
    }

    pub(super) fn book(
        &mut self,
        now: Instant,
        allowance: Allowance,
        cost: f64,
        longest: Duration,
    ) -> Result<Duration, Duration> {
        if self.limit == 0.0 {
            self.limit = allowance.assumed;
        }
        self.drain(now, allowance);
        let mut wait = self.at.saturating_duration_since(now);
        if self.limit > 0.0 {
            let over = (self.used + cost - allowance.share * self.limit).max(0.0);
            wait += allowance.window.mul_f64(over / self.limit);
        }
        if wait > longest {
            return Err(wait);
        }
        if self.limit > 0.0 {
            self.used += cost;
        }
        Ok(wait)
    }

    /// Gives back what a call was booked with and did not cost; a negative amount is what it cost besides.
    pub(super) fn settle(&mut self, now: Instant, allowance: Allowance, back: f64) {
        self.drain(now, allowance);
        if self.limit > 0.0 {
            self.used = (self.used - back).max(0.0);
        }
    }

    /// Calls under way are not in the report yet, so it never makes the bucket emptier than we know it to be.
    pub(super) fn note(&mut self, now: Instant, allowance: Allowance, report: Report) {
        self.drain(now, allowance);
        self.used = self.used.max(report.used);
        self.limit = report.limit;
    }

    pub(super) fn empty(&mut self, now: Instant, allowance: Allowance, wait: Duration) {
        self.drain(now, allowance);
        self.used = self.used.max(allowance.share * self.limit);
        self.at = self.at.max(now + wait);
    }

    pub(super) fn is_idle(mut self, now: Instant, allowance: Allowance) -> bool {
        self.drain(now, allowance);
        self.used == 0.0 && self.at <= now
    }

    fn drain(&mut self, now: Instant, allowance: Allowance) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.used = (self.used - self.limit * passed / allowance.window.as_secs_f64()).max(0.0);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance { window: Duration::from_secs(20), share: 0.8, assumed: 0.0 };
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn waits_only_near_the_end_of_the_bucket_and_less_as_it_drains() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let book =
            |bucket: &mut Bucket, now| bucket.book(now, ALLOWANCE, 1.0, LONG).expect("within a minute");
        for _ in 0..100 {
            assert_eq!(book(&mut bucket, now), Duration::ZERO, "nothing is known yet");
        }
        bucket.note(now, ALLOWANCE, Report { used: 10.0, limit: 40.0 });
        assert_eq!(book(&mut bucket, now), Duration::ZERO);
        bucket.note(now, ALLOWANCE, Report { used: 40.0, limit: 40.0 });
        assert_eq!(book(&mut bucket, now), Duration::from_millis(4500));
        assert_eq!(book(&mut bucket, now), Duration::from_secs(5), "the call before is counted");
        assert_eq!(book(&mut bucket, now + Duration::from_secs(10)), Duration::ZERO);
    }

    #[test]
    fn an_assumed_allowance_holds_from_the_first_call() {
        let now = Instant::now();
        let allowance = Allowance { window: Duration::from_secs(1), share: 1.0, assumed: 1.0 };
        let mut bucket = Bucket::new(now);
        let waits: Vec<u64> = (0..3)
            .map(|_| bucket.book(now, allowance, 1.0, LONG).expect("within a minute").as_millis() as u64)
            .collect();
        assert_eq!(waits, [0, 1_000, 2_000]);
    }

    #[test]
    fn what_has_to_wait_too_long_is_not_booked() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        bucket.note(now, ALLOWANCE, Report { used: 40.0, limit: 40.0 });
        for _ in 0..3 {
            assert_eq!(
                bucket.book(now, ALLOWANCE, 1.0, Duration::from_secs(1)),
                Err(Duration::from_millis(4500))
            );
        }
    }

    #[test]
    fn a_report_that_does_not_know_of_calls_under_way_makes_no_room() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        bucket.note(now, ALLOWANCE, Report { used: 31.0, limit: 40.0 });
        assert_eq!(bucket.book(now, ALLOWANCE, 1.0, LONG), Ok(Duration::ZERO));
        bucket.note(now, ALLOWANCE, Report { used: 1.0, limit: 40.0 });
        assert_eq!(bucket.book(now, ALLOWANCE, 1.0, LONG), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn a_named_wait_is_waited_for_and_then_the_bucket_fills_from_empty() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        bucket.empty(now, ALLOWANCE, Duration::from_secs(9));
        assert_eq!(
            bucket.book(now, ALLOWANCE, 1.0, Duration::ZERO),
            Err(Duration::from_secs(9)),
            "also with no limit known"
        );
        bucket.note(now, ALLOWANCE, Report { used: 0.0, limit: 40.0 });
        bucket.empty(now, ALLOWANCE, Duration::from_secs(3));
        let later = now + Duration::from_secs(9);
        assert_eq!(bucket.book(now, ALLOWANCE, 1.0, Duration::ZERO), Err(Duration::from_millis(9500)));
        assert_eq!(bucket.book(later, ALLOWANCE, 1.0, LONG), Ok(Duration::from_millis(500)));
        assert!(!bucket.is_idle(later, ALLOWANCE) && bucket.is_idle(later + LONG, ALLOWANCE));
    }
    #[test]
    fn what_was_booked_too_much_is_there_for_the_next() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let whole = Allowance { share: 1.0, ..ALLOWANCE };
        bucket.note(now, whole, Report { used: 0.0, limit: 2000.0 });
        assert_eq!(bucket.book(now, whole, 1500.0, LONG), Ok(Duration::ZERO));
        bucket.settle(now, whole, 1000.0);
        assert_eq!(bucket.book(now, whole, 1500.0, LONG), Ok(Duration::ZERO), "500 were used");
        assert_eq!(bucket.book(now, whole, 100.0, LONG), Ok(Duration::from_secs(1)));
        bucket.settle(now, whole, -100.0);
        assert_eq!(bucket.book(now, whole, 100.0, LONG), Ok(Duration::from_secs(3)), "more than was booked");
    }
}
