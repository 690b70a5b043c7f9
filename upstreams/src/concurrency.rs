//! How many calls of one account run at once, in the whole cluster. The places are in Redis, a sorted set for each
//! account, in which a caller stands until it leaves or until the time is over that a call may take: so a process that
//! died holds a place for no longer than a call. Without Redis each process keeps to the limit by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::pacing::shared::Shared;

/// Accounts that a process counts at most; of more nobody is counted, and none refused.
const ACCOUNTS: usize = 4096;

/// Between two looks for a place.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The places of one upstream. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Concurrency {
    upstream: &'static str,
    limit: usize,
    longest: Duration,
    patience: Duration,
    local: Arc<Mutex<HashMap<String, usize>>>,
    shared: Option<Shared>,
}

/// A place: the call may run. It is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    of: Concurrency,
    account: String,
    /// The name under which it stands in Redis.
    member: Option<Uuid>,
}

impl Concurrency {
    /// At most `limit` calls of an account at once, none of which takes longer than `longest`.
    pub fn new(upstream: &'static str, limit: usize, longest: Duration) -> Concurrency {
        Concurrency {
            upstream,
            limit: limit.max(1),
            longest,
            patience: Duration::ZERO,
            local: Arc::default(),
            shared: None,
        }
    }

    /// The same, where a call waits so long for a place: for accounts whose calls are short.
    pub fn waiting_for(self, patience: Duration) -> Concurrency {
        Concurrency { patience, ..self }
    }

    /// The same for the whole cluster.
    pub fn shared_by(self, shared: Shared) -> Concurrency {
        Concurrency { shared: Some(shared), ..self }
    }

    /// Takes a place; none when all are taken, and stay so for as long as is waited.
    pub async fn enter(&self, account: &str) -> Option<Place> {
        let until = Instant::now() + self.patience;
        loop {
            let place = self.enter_now(account).await;
            // Who leaves may be another process, which tells nobody.
            if place.is_some() || Instant::now() + LOOK_AGAIN > until {
                return place;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn enter_now(&self, account: &str) -> Option<Place> {
        // What is full here is full everywhere, and costs no look.
        let mut place = self.enter_here(account)?;
        if let Some(shared) = &self.shared {
            let member = Uuid::now_v7();
            match shared.enter(self.upstream, account, self.limit, self.longest, member).await {
                Some(true) => place.member = Some(member),
                Some(false) => return None,
                // Redis is away.
                None => {}
            }
        }
        Some(place)
    }

    fn enter_here(&self, account: &str) -> Option<Place> {
        let mut taken = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() < ACCOUNTS || taken.contains_key(account) {
            let taken = taken.entry(account.to_owned()).or_default();
            if *taken >= self.limit {
                return None;
            }
            *taken += 1;
        }
        Some(Place { of: self.clone(), account: account.to_owned(), member: None })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.local.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.account);
            }
        }
        drop(taken);
        // A call may be given up at any point, so the place is left here and not at its end.
        if let (Some(member), Some(shared)) = (self.member, self.of.shared.clone())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (upstream, account) = (self.of.upstream, std::mem::take(&mut self.account));
            runtime.spawn(async move { shared.leave(upstream, &account, member).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_counted_by_account_and_free_again() {
        let places = Concurrency::new("test", 2, Duration::from_secs(1));
        let first = places.enter("a").await.expect("a place");
        let _second = places.enter("a").await.expect("a place");
        assert!(places.enter("a").await.is_none());
        assert!(places.enter("b").await.is_some(), "another account");
        drop(first);
        assert!(places.enter("a").await.is_some());
        assert!(places.local.lock().expect("no panic inside").len() <= 1, "idle accounts are forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_a_place_that_is_left_meanwhile() {
        let places =
            Concurrency::new("test", 1, Duration::from_secs(1)).waiting_for(Duration::from_millis(300));
        let first = places.enter("a").await.expect("a place");
        assert!(places.enter("a").await.is_none(), "nobody leaves");
        let leaves = async {
            tokio::time::sleep(Duration::from_millis(120)).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(places.enter("a"), leaves);
        assert!(second.is_some());
    }
}
