//! The client of Shopify's Admin API: GraphQL, of a version that is a setting; the exchange and renewal of tokens; and the
//! files that bulk operations write.
//!
//! Its rate limit counts points, by shop: what a query may cost is booked with the cluster's bucket before it is sent and
//! settled when the answer says what it did cost. A query that was throttled all the same is answered with 200 and waits.

mod bulk;
mod graphql;
mod oauth;
mod queries;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;

pub use bulk::{Bulk, BulkFile, BulkLine};
pub use graphql::{Page, Resource};
pub use oauth::Tokens;

use super::error::SetupError;
use super::http::{Outbound, RetryPolicy, url_under};
use super::pacing::shared::Shared;
use super::pacing::{Allowance, Pacer};
use super::{Breakers, Destinations};

const UPSTREAM: &str = "shopify";

/// A full bucket drains in twenty seconds in every plan; it is the app's own, so all of it is used.
const ALLOWANCE: Allowance = Allowance { window: Duration::from_secs(20), share: 1.0, assumed: 0.0 };

/// Whether it is a version of the Admin API, as `2026-07`, or `unstable`.
pub fn is_version(text: &str) -> bool {
    let is_quarter = |(year, month): (&str, &str)| {
        year.len() == 4
            && year.bytes().all(|byte| byte.is_ascii_digit())
            && matches!(month, "01" | "04" | "07" | "10")
    };
    text == "unstable" || text.split_once('-').is_some_and(is_quarter)
}

/// How the app is known to Shopify, and how it is reached.
#[derive(Clone)]
pub struct Settings {
    /// The app's public name.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
    /// Of the API, such as `2026-07`.
    pub version: String,
    /// What the owner of a shop is asked for, separated by commas.
    pub scopes: String,
    /// Where every shop is called instead of at its own domain, as `BASE/SHOP`; for tests.
    pub base: Option<String>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What all shops share in a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shopify {
    outbound: Outbound,
    points: Pacer,
    settings: Arc<Settings>,
    /// What queries were said to cost before they are run, by name and size.
    costs: Arc<Mutex<HashMap<(&'static str, u32), f64>>>,
    /// How much may be asked for at once, where more was too costly.
    at_once: Arc<Mutex<HashMap<&'static str, u32>>>,
}

/// One shop's client. Cheap to make for each job.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Shopify,
    shop: String,
    endpoint: Url,
    token: HeaderValue,
}

impl Shopify {
    /// The policy of calls: four tries within seconds; a page of a hundred orders may take some.
    pub const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        first_delay: Duration::from_millis(250),
        longest_delay: Duration::from_secs(4),
        attempt_timeout: Duration::from_secs(20),
        longest_named_wait: Duration::from_secs(5),
    };

    /// Makes what the shops of a process share.
    ///
    /// # Errors
    /// No TLS, or a base that may not be called.
    pub fn new(
        settings: Settings,
        destinations: Destinations,
        breakers: Breakers,
    ) -> Result<Shopify, SetupError> {
        Shopify::with_policy(settings, destinations, breakers, Shopify::POLICY)
    }

    /// Like `new`, with another retry policy.
    ///
    /// # Errors
    /// As for `new`.
    pub fn with_policy(
        settings: Settings,
        destinations: Destinations,
        breakers: Breakers,
        policy: RetryPolicy,
    ) -> Result<Shopify, SetupError> {
        let outbound = Outbound::new(UPSTREAM, destinations, policy, breakers)?;
        if let Some(base) = &settings.base {
            outbound.base_url(base)?;
        }
        Ok(Shopify {
            outbound,
            points: Pacer::new(UPSTREAM, ALLOWANCE, |_| None),
            settings: Arc::new(settings),
            costs: Arc::default(),
            at_once: Arc::default(),
        })
    }

    /// The same with rate buckets that the whole cluster shares.
    #[must_use]
    pub fn sharing_pace(mut self, shared: Shared) -> Shopify {
        self.points = self.points.shared_by(shared);
        self
    }

    /// The client of one shop, by its own domain.
    ///
    /// # Errors
    /// The domain or the token cannot be used.
    pub fn shop(&self, shop: &str, token: &str) -> Result<Client, SetupError> {
        let mut value = HeaderValue::from_str(token)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or(SetupError::Header { upstream: UPSTREAM, setting: "access token" })?;
        value.set_sensitive(true);
        let base = self.base(shop)?;
        let endpoint = url_under(&base, &["admin", "api", &self.settings.version, "graphql.json"]);
        Ok(Client { shared: self.clone(), shop: shop.to_owned(), endpoint, token: value })
    }

    fn base(&self, shop: &str) -> Result<Url, SetupError> {
        match &self.settings.base {
            Some(base) => Ok(url_under(&self.outbound.base_url(base)?, &[shop])),
            None => self.outbound.base_url(&format!("https://{shop}")),
        }
    }

    fn cost(&self, name: &'static str, size: u32) -> Option<f64> {
        self.costs.lock().unwrap_or_else(PoisonError::into_inner).get(&(name, size)).copied()
    }

    /// So many, or fewer where that was too costly before.
    fn at_once(&self, name: &'static str, wanted: u32) -> u32 {
        let known = self.at_once.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map_or(wanted, |most| wanted.min(*most))
    }

    /// Remembers that so many are too costly; how many to ask for instead.
    fn ask_for_less(&self, name: &'static str, size: u32) -> u32 {
        let less = (size / 2).max(1);
        self.at_once.lock().unwrap_or_else(PoisonError::into_inner).insert(name, less);
        less
    }

    fn note_cost(&self, name: &'static str, size: u32, cost: f64) {
        let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        if costs.len() < 1_000 || costs.contains_key(&(name, size)) {
            costs.insert((name, size), cost);
        }
    }
}
