//! The cluster's buckets, in Redis. A key says the upstream's name and a hash of the account, so that no customer's
//! data is in Redis. Losing the buckets costs a 429 or two. What Redis does not answer in time is answered by the
//! process's own buckets, and Redis is left alone for a moment, so that no call waits for it twice.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, RedisError, RedisResult, Value, cmd};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Allowance, Report};

/// Runs one command on the process's Redis, whichever kind of Redis it is, and however it connects.
pub type Run = Arc<dyn Fn(Cmd) -> Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>> + Send + Sync>;

/// How long a call waits for the bucket. Redis answers within a millisecond or is in trouble.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long Redis is left alone after it did not answer.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// A process's way to the cluster's buckets. Cloning shares it.
#[derive(Clone)]
pub struct Shared {
    run: Run,
    prefix: Arc<str>,
    patience: Duration,
    left_alone_until: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Shared {
    /// Buckets under a key prefix.
    pub fn new(prefix: &str, run: Run) -> Shared {
        Shared { run, prefix: prefix.into(), patience: PATIENCE, left_alone_until: Arc::default() }
    }

    /// The same with another time for an answer of Redis.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Shared {
        Shared { patience, ..self }
    }

    /// As [`super::Pacer::book`]; none when Redis does not answer.
    pub(super) async fn book(
        &self,
        upstream: &str,
        account: &str,
        allowance: Allowance,
        cost: f64,
        longest: Duration,
    ) -> Option<Result<Duration, Duration>> {
        let mut call = self.call(upstream, account, allowance, "book");
        call.arg(millis(longest)).arg(cost).arg(allowance.assumed);
        let (booked, wait_ms): (u8, u64) = self.answer(call).await?;
        let wait = Duration::from_millis(wait_ms);
        Some(if booked == 1 { Ok(wait) } else { Err(wait) })
    }

    /// As [`super::Pacer::settle`].
    pub(super) async fn settle(&self, upstream: &str, account: &str, allowance: Allowance, back: f64) {
        let mut call = self.call(upstream, account, allowance, "settle");
        call.arg(back);
        self.answer::<Value>(call).await;
    }

    pub(super) async fn note(&self, upstream: &str, account: &str, allowance: Allowance, report: Report) {
        let mut call = self.call(upstream, account, allowance, "note");
        call.arg(report.used).arg(report.limit);
        self.answer::<Value>(call).await;
    }

    pub(super) async fn empty(&self, upstream: &str, account: &str, allowance: Allowance, wait: Duration) {
        let mut call = self.call(upstream, account, allowance, "empty");
        call.arg(millis(wait));
        self.answer::<Value>(call).await;
    }

    /// Notes that nobody calls the upstream for so long, whichever tenant it is for.
    pub(super) async fn leave_alone(&self, upstream: &str, wait: Duration) {
        let mut call = cmd("SET");
        call.arg(self.left_alone(upstream)).arg(1).arg("PX").arg(millis(wait).max(1));
        self.answer::<Value>(call).await;
    }

    /// For how long nobody calls an upstream of which all tenants share one account, because it said so; none when it may
    /// be called, or Redis does not tell.
    pub async fn left_alone_for(&self, upstream: &str) -> Option<Duration> {
        let mut call = cmd("PTTL");
        call.arg(self.left_alone(upstream));
        let millis = u64::try_from(self.answer::<i64>(call).await?).ok()?;
        Some(Duration::from_millis(millis)).filter(|left| !left.is_zero())
    }

    fn left_alone(&self, upstream: &str) -> String {
        format!("{}:left_alone:{upstream}", self.prefix)
    }

    /// Takes a place among `limit`, as [`crate::concurrency`] has it; none when Redis does not answer.
    pub(crate) async fn enter(
        &self,
        upstream: &str,
        account: &str,
        limit: usize,
        longest: Duration,
        member: Uuid,
    ) -> Option<bool> {
        let mut call = self.place(upstream, account, "enter", member);
        call.arg(limit).arg(millis(longest));
        self.answer::<u8>(call).await.map(|entered| entered == 1)
    }

    /// Gives it back.
    pub(crate) async fn leave(&self, upstream: &str, account: &str, member: Uuid) {
        self.answer::<Value>(self.place(upstream, account, "leave", member)).await;
    }

    fn place(&self, upstream: &str, account: &str, operation: &str, member: Uuid) -> Cmd {
        let mut call = cmd("EVAL");
        call.arg(include_str!("place.lua"))
            .arg(1)
            .arg(key(&self.prefix, "places", upstream, account))
            .arg(operation)
            .arg(member.as_bytes().as_slice());
        call
    }

    fn call(&self, upstream: &str, account: &str, allowance: Allowance, operation: &str) -> Cmd {
        let mut call = cmd("EVAL");
        call.arg(include_str!("bucket.lua"))
            .arg(1)
            .arg(key(&self.prefix, "pace", upstream, account))
            .arg(millis(allowance.window))
            .arg(allowance.share)
            .arg(operation);
        call
    }

    async fn answer<T: redis::FromRedisValue>(&self, call: Cmd) -> Option<T> {
        let is_left_alone = |until: &Option<Instant>| until.is_some_and(|until| Instant::now() < until);
        if is_left_alone(&self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner)) {
            return None;
        }
        let answer = match tokio::time::timeout(self.patience, (self.run)(call)).await {
            Ok(answer) => answer.and_then(|value| redis::from_redis_value(value).map_err(RedisError::from)),
            Err(_) => Err(RedisError::from((redis::ErrorKind::Io, "no answer in time"))),
        };
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::debug!(%error, "the cluster's rate limits cannot be asked; this process keeps to its own");
                metrics::counter!("deskwork_upstream_local_pace_total").increment(1);
                *self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Instant::now() + LEFT_ALONE);
                None
            }
        }
    }
}

fn key(prefix: &str, purpose: &str, upstream: &str, account: &str) -> String {
    let hash = Sha256::digest(format!("{upstream} {account}"));
    format!("{prefix}:{purpose}:{upstream}:{}", hex::encode(&hash[..16]))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_accounts_apart_and_does_not_name_them() {
        let of = |account| key("deskwork", "pace", "gorgias", account);
        assert_ne!(of("shop.gorgias.com:443"), of("other.gorgias.com:443"));
        assert!(of("shop.gorgias.com:443").starts_with("deskwork:pace:gorgias:"));
        assert!(!of("shop.gorgias.com:443").contains("shop"));
    }
}
