//! Who may send webhooks for which tenant: a cache of verification settings by tenant and of tenants by slug.
//!
//! Entries live 30 s, so a changed secret is known everywhere within that time and a burst of deliveries costs
//! no look-up. That nothing is configured is remembered too; the cache is bounded, because slugs come from
//! outside.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use accounts::integrations::{self, IntegrationError};
use accounts::seal::MasterKey;
use accounts::tenants;
use accounts::verify::Verification;
use database::ids::TenantId;
use database::{Db, DbError};

const LIFETIME: Duration = Duration::from_secs(30);
const MAX_ENTRIES: usize = 10_000;

/// The cache of one process.
#[derive(Default)]
pub struct Senders {
    tenants: Cache<String, Option<TenantId>>,
    settings: Cache<TenantId, Option<Verification>>,
}

impl Senders {
    /// The tenant of a slug, if there is one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tenant(&self, db: &Db, slug: &str) -> Result<Option<TenantId>, DbError> {
        if slug.is_empty() || slug.len() > 63 {
            return Ok(None);
        }
        if let Some(known) = self.tenants.get(slug) {
            return Ok(known);
        }
        let mut tx = db.gateway_tx().await?;
        let tenant = tenants::find_by_slug(&mut tx, slug).await?.map(|tenant| tenant.id);
        tx.commit().await?;
        self.tenants.put(slug.to_owned(), tenant);
        Ok(tenant)
    }

    /// How a tenant's deliveries are verified; none when it has connected no help desk.
    ///
    /// # Errors
    /// The database failed or the stored secrets do not open.
    pub async fn verification(
        &self,
        db: &Db,
        key: &MasterKey,
        tenant: TenantId,
    ) -> Result<Option<Verification>, IntegrationError> {
        if let Some(known) = self.settings.get(&tenant) {
            return Ok(known);
        }
        let settings =
            integrations::gorgias(db, key, tenant).await?.and_then(|settings| settings.verification);
        self.settings.put(tenant, settings.clone());
        Ok(settings)
    }
}

struct Cache<K, V> {
    entries: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Cache<K, V> {
        Cache { entries: Mutex::default() }
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(since, _)| since.elapsed() < LIFETIME).map(|(_, value)| value.clone())
    }

    fn put(&self, key: K, value: V) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, (since, _)| since.elapsed() < LIFETIME);
        }
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::default();
        for number in 0..MAX_ENTRIES * 2 {
            cache.put(number.to_string(), number);
        }
        assert_eq!(cache.get("19999"), Some(19_999));
        assert_eq!(cache.get("0"), None);
        assert!(cache.entries.lock().expect("not poisoned").len() <= MAX_ENTRIES);
    }
}
