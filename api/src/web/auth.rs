//! Who calls. An API key comes as `X-API-Key` or as `Authorization: Bearer`; the tenant comes from
//! the key and from nothing else.
//!
//! A successful look-up is remembered for 30 seconds in this process, so a busy caller costs no query
//! a request. The price: a revoked key works for up to 30 seconds more. An expiry is kept to the moment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use accounts::api_keys::{self, Scope};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::{DateTime, Utc};
use database::ids::{KeyId, TenantId};
use sha2::{Digest, Sha256};

use crate::{state::AppState, web::problem::Problem};

/// Who calls, as a handler's argument; without a valid key the handler is not reached (401).
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant that the key belongs to.
    pub tenant: TenantId,
    /// The key.
    pub key_id: KeyId,
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// The key's name for people.
    pub name: String,
}

impl Caller {
    /// Goes on only when the key may do what `scope` names; an operator may do everything.
    ///
    /// # Errors
    /// 403 naming the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) || self.is_operator() {
            return Ok(());
        }
        Err(Problem::forbidden(format!("this needs a key with the scope {scope}")))
    }

    /// Whether the caller runs the cluster and may look at every tenant.
    pub fn is_operator(&self) -> bool {
        self.scopes.contains(&Scope::Operator)
    }

    /// The caller's name in the audit trail.
    pub fn actor(&self) -> String {
        format!("key:{}", self.key_id)
    }
}

/// Finds out who calls; none when there is no key or none that is valid. It refuses nobody: some
/// paths need no key.
///
/// # Errors
/// The database does not answer.
pub async fn identify(state: &AppState, headers: &HeaderMap) -> Result<Option<Arc<Caller>>, Problem> {
    match presented(headers) {
        None => Ok(None),
        Some(key) => Ok(state.keys.look_up(&state.db, key).await?),
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Caller, Problem> {
        let caller = identify(state, &parts.headers).await?.ok_or_else(Problem::unauthenticated)?;
        Ok(Caller::clone(&caller))
    }
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok();
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// How long a successful look-up is remembered.
const REMEMBERED: Duration = Duration::from_secs(30);

/// How many keys are remembered; beyond that the memory starts anew.
const MAX_REMEMBERED: usize = 10_000;

/// The keys that were valid a moment ago, by their hashes.
#[derive(Debug, Default)]
pub struct KeyCache {
    known: Mutex<HashMap<[u8; 32], Remembered>>,
}

#[derive(Clone, Debug)]
struct Remembered {
    caller: Arc<Caller>,
    since: Instant,
    expires_at: Option<DateTime<Utc>>,
}

impl KeyCache {
    async fn look_up(&self, db: &database::Db, key: &str) -> Result<Option<Arc<Caller>>, database::DbError> {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        if let Some(caller) = self.recall(&hash, Instant::now(), Utc::now()) {
            return Ok(Some(caller));
        }
        let Some(principal) = api_keys::authenticate(db, key).await? else { return Ok(None) };
        let expires_at = principal.expires_at;
        let caller = Arc::new(Caller {
            tenant: principal.tenant,
            key_id: principal.key_id,
            scopes: principal.scopes,
            name: principal.name,
        });
        self.remember(hash, Remembered { caller: caller.clone(), since: Instant::now(), expires_at });
        Ok(Some(caller))
    }

    fn recall(&self, hash: &[u8; 32], now: Instant, at: DateTime<Utc>) -> Option<Arc<Caller>> {
        let known = self.known.lock().expect("no holder of this lock panics");
        let found = known.get(hash)?;
        let is_fresh = now.duration_since(found.since) < REMEMBERED;
        (is_fresh && found.expires_at.is_none_or(|expiry| at < expiry)).then(|| found.caller.clone())
    }

    fn remember(&self, hash: [u8; 32], remembered: Remembered) {
        let mut known = self.known.lock().expect("no holder of this lock panics");
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(hash, remembered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(scopes: Vec<Scope>) -> Arc<Caller> {
        Arc::new(Caller { tenant: TenantId::new(), key_id: KeyId::new(), scopes, name: "test".to_owned() })
    }

    #[test]
    fn scopes_are_needed_and_operators_have_all() {
        assert!(caller(vec![Scope::JobsRead]).require(Scope::JobsRead).is_ok());
        assert!(caller(vec![Scope::JobsRead]).require(Scope::JobsWrite).is_err());
        assert!(caller(vec![Scope::Operator]).require(Scope::JobsWrite).is_ok());
    }

    #[test]
    fn a_key_is_forgotten_after_its_time_and_at_its_expiry() {
        let cache = KeyCache::default();
        let (since, at) = (Instant::now(), Utc::now());
        let expires_at = Some(at + chrono::TimeDelta::seconds(10));
        cache.remember([1; 32], Remembered { caller: caller(vec![]), since, expires_at });
        cache.remember([2; 32], Remembered { caller: caller(vec![]), since, expires_at: None });
        assert!(cache.recall(&[1; 32], since, at).is_some());
        assert!(cache.recall(&[1; 32], since, at + chrono::TimeDelta::seconds(10)).is_none());
        assert!(cache.recall(&[2; 32], since + Duration::from_secs(29), at).is_some());
        assert!(cache.recall(&[2; 32], since + Duration::from_secs(30), at).is_none());
        assert!(cache.recall(&[3; 32], since, at).is_none());
    }

    #[test]
    fn a_key_comes_in_either_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(presented(&headers), None);
        headers.insert(header::AUTHORIZATION, "bearer abc".parse().expect("a header value"));
        assert_eq!(presented(&headers), Some("abc"));
        headers.insert("x-api-key", "def".parse().expect("a header value"));
        assert_eq!(presented(&headers), Some("def"));
        headers.clear();
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().expect("a header value"));
        assert_eq!(presented(&headers), None);
    }
}
