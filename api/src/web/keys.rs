//! The keys that this process knows, good ones and bad ones, and the narrow door to those it does not know.
//!
//! A good key is remembered for 30 seconds, so a busy caller costs no query a request. The price: a revoked key
//! works for up to 30 seconds more. An expiry is kept to the moment. A bad key is remembered for 10 seconds.
//!
//! Anybody can send keys that nobody has ever seen, and each costs a transaction. So only a few look-ups run at
//! once, whoever asks, and an address whose keys were bad too often has to wait before another strange key of its
//! is looked up. A key that was good within the last hour is looked up in any case: behind a balancer, where many
//! callers share one address, a stranger cannot shut out those who are known.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use accounts::api_keys::{self, Principal};
use chrono::{DateTime, Utc};
use database::{Db, DbError};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::web::auth::Caller;

/// How long a successful look-up is believed.
const BELIEVED: Duration = Duration::from_secs(30);

/// How long after a successful look-up its key counts as known, whatever its address does.
const FAMILIAR: Duration = Duration::from_secs(3600);

/// How long a bad key is remembered.
const REFUSED: Duration = Duration::from_secs(10);

/// How many good keys, and as many bad ones, are remembered; beyond that the memory starts anew.
const MAX_REMEMBERED: usize = 10_000;

/// How many keys are looked up at once: a part of the pool that webhooks can do without.
const LOOK_UPS_AT_ONCE: usize = 4;

/// How long a request waits for its turn to have its key looked up, like for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bad keys of one address within a minute; then its strange keys are not looked up any more.
pub const MAX_BAD_KEYS: u32 = 300;

/// The time within which bad keys are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are counted; beyond that the counting starts anew.
const MAX_ADDRESSES: usize = 50_000;

/// A key's hash. The keys themselves are not kept.
type Hash = [u8; 32];

/// What is known of a key without asking anybody.
#[derive(Debug)]
pub enum Standing {
    /// Who has it.
    Good(Arc<Caller>),
    /// It was good within the last hour; whether it still is has to be looked up.
    Familiar,
    /// It is none, or was none a moment ago.
    Bad,
    /// Never seen.
    Strange,
}

/// Why nobody found out whose a key is.
#[derive(Debug)]
pub enum NotLookedUp {
    /// Too many bad keys came from the address; try again after this time.
    Barred(Duration),
    /// Too many keys are being looked up at once.
    Busy,
    /// The database failed.
    Db(DbError),
}

/// The keys that one process knows.
#[derive(Debug)]
pub struct KeyCache {
    good: Mutex<HashMap<Hash, Good>>,
    bad: Mutex<HashMap<Hash, Instant>>,
    failures: Failures,
    turns: Semaphore,
}

#[derive(Clone, Debug)]
struct Good {
    caller: Arc<Caller>,
    since: Instant,
    expires_at: Option<DateTime<Utc>>,
}

impl Default for KeyCache {
    fn default() -> KeyCache {
        KeyCache {
            good: Mutex::default(),
            bad: Mutex::default(),
            failures: Failures::default(),
            turns: Semaphore::new(LOOK_UPS_AT_ONCE),
        }
    }
}

impl KeyCache {
    /// What is known of this key.
    pub fn recall(&self, key: &str) -> Standing {
        if !api_keys::is_well_formed(key) {
            return Standing::Bad;
        }
        self.recall_at(&hash(key), Instant::now(), Utc::now())
    }

    /// Whose this key is, from the database; none when it is nobody's. `address` is where it came from.
    ///
    /// # Errors
    /// It was not looked up.
    pub async fn look_up(
        &self,
        db: &Db,
        key: &str,
        address: u128,
    ) -> Result<Option<Arc<Caller>>, NotLookedUp> {
        let hash = hash(key);
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Err(NotLookedUp::Busy) };
        // While it waited for its turn another request may have found out, or the address may have been barred.
        match self.recall_at(&hash, Instant::now(), Utc::now()) {
            Standing::Good(caller) => return Ok(Some(caller)),
            Standing::Bad => return Ok(None),
            Standing::Familiar => {}
            Standing::Strange => {
                if let Some(wait) = self.failures.barred_for(address, Instant::now()) {
                    return Err(NotLookedUp::Barred(wait));
                }
            }
        }
        let principal = api_keys::authenticate(db, key).await.map_err(NotLookedUp::Db)?;
        let outcome = if principal.is_some() { "good" } else { "bad" };
        metrics::counter!("deskwork_key_lookups_total", "outcome" => outcome).increment(1);
        match principal {
            Some(principal) => Ok(Some(self.remember_good(hash, principal, Instant::now()))),
            None => {
                self.remember_bad(hash, Instant::now());
                self.failures.note(address, Instant::now());
                Ok(None)
            }
        }
    }

    fn recall_at(&self, hash: &Hash, now: Instant, at: DateTime<Utc>) -> Standing {
        if let Some(found) = self.good.lock().expect("no holder of this lock panics").get(hash) {
            let age = now.saturating_duration_since(found.since);
            let is_expired = found.expires_at.is_some_and(|expiry| at >= expiry);
            if age < BELIEVED && !is_expired {
                return Standing::Good(found.caller.clone());
            }
            if age < FAMILIAR && !is_expired {
                return Standing::Familiar;
            }
        }
        let bad = self.bad.lock().expect("no holder of this lock panics");
        match bad.get(hash) {
            Some(since) if now.saturating_duration_since(*since) < REFUSED => Standing::Bad,
            _ => Standing::Strange,
        }
    }

    fn remember_good(&self, hash: Hash, principal: Principal, now: Instant) -> Arc<Caller> {
        let expires_at = principal.expires_at;
        let caller = Arc::new(Caller::from(principal));
        let mut good = self.good.lock().expect("no holder of this lock panics");
        if good.len() >= MAX_REMEMBERED {
            good.retain(|_, good| now.saturating_duration_since(good.since) < BELIEVED);
        }
        if good.len() >= MAX_REMEMBERED {
            good.clear();
        }
        good.insert(hash, Good { caller: caller.clone(), since: now, expires_at });
        caller
    }

    fn remember_bad(&self, hash: Hash, now: Instant) {
        self.good.lock().expect("no holder of this lock panics").remove(&hash);
        let mut bad = self.bad.lock().expect("no holder of this lock panics");
        if bad.len() >= MAX_REMEMBERED {
            bad.clear();
        }
        bad.insert(hash, now);
    }
}

fn hash(key: &str) -> Hash {
    Sha256::digest(key.as_bytes()).into()
}

/// How many bad keys came from an address since its window began.
#[derive(Debug, Default)]
struct Failures {
    by_address: Mutex<HashMap<u128, (Instant, u32)>>,
}

impl Failures {
    fn barred_for(&self, address: u128, now: Instant) -> Option<Duration> {
        let by_address = self.by_address.lock().expect("no holder of this lock panics");
        let (since, count) = by_address.get(&address)?;
        let left = WINDOW.checked_sub(now.saturating_duration_since(*since))?;
        (*count >= MAX_BAD_KEYS && !left.is_zero()).then_some(left)
    }

    fn note(&self, address: u128, now: Instant) {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= WINDOW;
        let mut by_address = self.by_address.lock().expect("no holder of this lock panics");
        if by_address.len() >= MAX_ADDRESSES {
            by_address.retain(|_, (since, _)| !is_over(*since));
        }
        if by_address.len() >= MAX_ADDRESSES {
            by_address.clear();
        }
        let (since, count) = by_address.entry(address).or_insert((now, 0));
        if is_over(*since) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use database::ids::{KeyId, TenantId};

    use super::*;

    fn principal(expires_at: Option<DateTime<Utc>>) -> Principal {
        Principal {
            tenant: TenantId::new(),
            key_id: KeyId::new(),
            scopes: Vec::new(),
            name: "test".to_owned(),
            expires_at,
        }
    }

    #[test]
    fn a_good_key_is_believed_for_its_time_and_until_it_expires() {
        let cache = KeyCache::default();
        let (now, at) = (Instant::now(), Utc::now());
        let expiry = at + TimeDelta::seconds(10);
        cache.remember_good([1; 32], principal(Some(expiry)), now);
        cache.remember_good([2; 32], principal(None), now);
        let recall = |hash: u8, secs: u64, at: DateTime<Utc>| {
            cache.recall_at(&[hash; 32], now + Duration::from_secs(secs), at)
        };
        assert!(matches!(recall(1, 0, at), Standing::Good(_)));
        assert!(matches!(recall(1, 10, expiry), Standing::Strange));
        assert!(matches!(recall(2, 29, at), Standing::Good(_)));
        assert!(matches!(recall(2, 30, at), Standing::Familiar));
        assert!(matches!(recall(2, 3600, at), Standing::Strange));
        assert!(matches!(recall(3, 0, at), Standing::Strange));
    }

    #[test]
    fn a_bad_key_is_remembered_for_a_moment_and_within_a_bound() {
        let cache = KeyCache::default();
        let now = Instant::now();
        cache.remember_good([1; 32], principal(None), now);
        cache.remember_bad([1; 32], now);
        let recall = |secs| cache.recall_at(&[1; 32], now + Duration::from_secs(secs), Utc::now());
        assert!(matches!(recall(9), Standing::Bad), "a key that was revoked is good no more");
        assert!(matches!(recall(10), Standing::Strange));
        for number in 0..=MAX_REMEMBERED {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            cache.remember_bad(hash, now);
        }
        assert!(cache.bad.lock().expect("not poisoned").len() <= MAX_REMEMBERED);
    }

    #[test]
    fn what_is_no_key_is_known_to_be_bad() {
        assert!(matches!(KeyCache::default().recall("wrong"), Standing::Bad));
    }

    #[test]
    fn an_address_is_barred_until_its_window_is_over() {
        let failures = Failures::default();
        let now = Instant::now();
        for _ in 0..MAX_BAD_KEYS {
            assert_eq!(failures.barred_for(7, now), None);
            failures.note(7, now);
        }
        assert_eq!(failures.barred_for(7, now + Duration::from_secs(20)), Some(Duration::from_secs(40)));
        assert_eq!(failures.barred_for(8, now), None);
        assert_eq!(failures.barred_for(7, now + WINDOW), None);
        failures.note(7, now + WINDOW);
        assert_eq!(failures.barred_for(7, now + WINDOW), None);
    }
}
