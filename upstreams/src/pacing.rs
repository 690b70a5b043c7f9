//! Slows calls down before an upstream's published allowance is used up, for the whole cluster.
//!
//! An upstream reports its bucket in its answers (Gorgias: `X-Gorgias-Account-Api-Call-Limit: 10/40`). Until the first
//! report nothing is known and nothing waits. A share of the bucket may be left to people who work in the same
//! account; calls that would eat into it wait for the bucket to drain. Others draw from the bucket too, so a 429 is
//! still handled as one: when it names a time, nobody calls the account before that time is over.
//!
//! The buckets are in Redis, by account, so that all processes draw from one ([`shared`]). Without Redis each process
//! has buckets of its own, as full as the last report said: that is too fast by the number of processes, and right
//! again after the next report or 429, while standing still would be wrong for certain.

mod bucket;
pub mod shared;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;

pub use bucket::Allowance;
use bucket::Bucket;
use shared::Shared;

/// The shortest pause of which operators are told.
const NEWS: Duration = Duration::from_secs(60);

/// Accounts that a process remembers at most.
const ACCOUNTS: usize = 4096;

/// What an answer says about its account's bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// How much of it is used.
    pub used: f64,
    /// How much there is in all.
    pub limit: f64,
}

/// The pace of calls to one upstream, by account. Cloning shares the buckets.
#[derive(Clone)]
pub struct Pacer {
    upstream: &'static str,
    allowance: Allowance,
    report: fn(&HeaderMap) -> Option<Report>,
    local: Arc<Mutex<HashMap<String, Bucket>>>,
    shared: Option<Shared>,
    is_everybodys: bool,
}

impl std::fmt::Debug for Pacer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pacer").field("upstream", &self.upstream).field("shared", &self.shared).finish()
    }
}

impl Pacer {
    /// Buckets of this process alone; `report` reads an answer's headers.
    pub fn new(
        upstream: &'static str,
        allowance: Allowance,
        report: fn(&HeaderMap) -> Option<Report>,
    ) -> Self {
        Self { upstream, allowance, report, local: Arc::default(), shared: None, is_everybodys: false }
    }

    /// The same for an upstream of which all tenants share one account: while nobody calls it, operators are told.
    pub fn of_everybody(self) -> Self {
        Self { is_everybodys: true, ..self }
    }

    /// The same with the cluster's buckets.
    pub fn shared_by(self, shared: Shared) -> Self {
        Self { shared: Some(shared), ..self }
    }

    /// Books one call and says how long it has to wait first. When that is longer than `longest`, nothing is booked
    /// and the error says how long to stay away.
    pub async fn book(&self, account: &str, longest: Duration) -> Result<Duration, Duration> {
        self.book_some(account, 1.0, longest).await
    }

    /// The same for a call that costs more than one, where the upstream counts in points.
    pub async fn book_some(&self, account: &str, cost: f64, longest: Duration) -> Result<Duration, Duration> {
        if let Some(shared) = &self.shared
            && let Some(booked) = shared.book(self.upstream, account, self.allowance, cost, longest).await
        {
            return booked;
        }
        self.locally(account, |bucket| bucket.book(Instant::now(), self.allowance, cost, longest))
    }

    /// Gives back what a call was booked with and did not cost; a negative amount is what it cost besides.
    pub async fn settle(&self, account: &str, back: f64) {
        self.locally(account, |bucket| bucket.settle(Instant::now(), self.allowance, back));
        if let Some(shared) = &self.shared {
            shared.settle(self.upstream, account, self.allowance, back).await;
        }
    }

    /// Takes over what an answer reported, if anything.
    pub async fn note(&self, account: &str, headers: &HeaderMap) {
        if let Some(report) = (self.report)(headers) {
            self.tell(account, report).await;
        }
    }

    /// The same for a report that does not stand in headers.
    pub async fn tell(&self, account: &str, report: Report) {
        self.locally(account, |bucket| bucket.note(Instant::now(), self.allowance, report));
        if let Some(shared) = &self.shared {
            shared.note(self.upstream, account, self.allowance, report).await;
        }
    }

    /// The upstream refused a call and said when to come back: until then nobody calls the account, and afterwards
    /// its bucket fills from empty.
    pub async fn empty(&self, account: &str, wait: Duration) {
        self.locally(account, |bucket| bucket.empty(Instant::now(), self.allowance, wait));
        if let Some(shared) = &self.shared {
            shared.empty(self.upstream, account, self.allowance, wait).await;
        }
        if self.is_everybodys {
            self.tell_operators(wait).await;
        }
    }

    /// Says until when nobody calls the upstream: to the metrics, and to whoever asks for [`Shared::left_alone_for`]. Seconds
    /// are no news.
    async fn tell_operators(&self, wait: Duration) {
        if wait < NEWS {
            return;
        }
        let until = (SystemTime::now() + wait).duration_since(UNIX_EPOCH).unwrap_or_default();
        metrics::gauge!("deskwork_upstream_left_alone_until_seconds", "upstream" => self.upstream)
            .set(until.as_secs_f64());
        if let Some(shared) = &self.shared {
            shared.leave_alone(self.upstream, wait).await;
        }
    }

    fn locally<T>(&self, account: &str, apply: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ACCOUNTS && !buckets.contains_key(account) {
            let now = Instant::now();
            buckets.retain(|_, bucket| !bucket.is_idle(now, self.allowance));
            if buckets.len() >= ACCOUNTS {
                return apply(&mut Bucket::new(now));
            }
        }
        apply(buckets.entry(account.to_owned()).or_insert_with(|| Bucket::new(Instant::now())))
    }
}

/// Reads a report of the form `used/limit`.
pub fn used_of_limit(text: &str) -> Option<Report> {
    let (used, limit) = text.split_once('/')?;
    let (used, limit): (u32, u32) = (used.trim().parse().ok()?, limit.trim().parse().ok()?);
    (limit > 0).then(|| Report { used: f64::from(used), limit: f64::from(limit) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_reports_are_ignored() {
        for text in ["", "40", "40/0", "-1/40", "a/b", "99999999999/1"] {
            assert_eq!(used_of_limit(text), None, "{text}");
        }
        assert_eq!(used_of_limit(" 10 / 40 "), Some(Report { used: 10.0, limit: 40.0 }));
    }
}
