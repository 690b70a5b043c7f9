//! People who are signed in: their tokens, and what is known of their sessions without asking the database.
//!
//! An access token is checked by its signature. Whether its session still holds, and what its person may do now, is
//! looked up once and believed for 25 seconds, so a revoked session, a disabled person and another role are in force on
//! every process within 30 seconds, as with revoked keys; on the process that revokes, at once. A look-up costs only
//! what this house has signed, so a stranger cannot cause one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use accounts::console::ConsoleSessions;
use accounts::people::access_tokens::{AccessTokens, Claims};
use accounts::people::links::LinkTokens;
use accounts::people::sessions::{self, Holder, RefreshTokens};
use accounts::seal::MasterKey;
use axum::http::{HeaderMap, Method, header};
use database::Db;
use database::ids::SessionId;
use tokio::sync::Semaphore;
use upstreams::breaker::BreakerSettings;
use upstreams::identity::Identity;
use upstreams::{Breakers, Destinations};

use crate::settings;
use crate::web::auth::{Caller, Way, Who, check_origin};
use crate::web::problem::Problem;
use crate::web::sign_ins::SignIns;

/// How long a look-up is believed.
const BELIEVED: Duration = Duration::from_secs(25);

/// How many sessions are remembered; beyond that the memory starts anew.
const MAX_REMEMBERED: usize = 50_000;

/// How many sessions are looked up at once.
const LOOK_UPS_AT_ONCE: usize = 4;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// The people whom one process knows.
#[derive(Debug)]
pub struct People {
    /// Makes and reads access tokens.
    pub access: AccessTokens,
    /// Makes and checks refresh tokens.
    pub refresh: RefreshTokens,
    /// Makes and checks links to choose a password.
    pub links: LinkTokens,
    /// Makes and opens the sessions of operators.
    pub console: ConsoleSessions,
    /// Counts who tries to sign in.
    pub sign_ins: SignIns,
    origins: Vec<String>,
    destinations: Destinations,
    identity: OnceLock<Option<Identity>>,
    remembered: Mutex<HashMap<SessionId, Remembered>>,
    turns: Semaphore,
}

/// What a look-up found: nobody, when the session is over.
#[derive(Debug, Clone)]
struct Remembered {
    caller: Option<Arc<Caller>>,
    since: Instant,
}

impl People {
    /// Nobody yet.
    pub fn new(master: &MasterKey, settings: &settings::People) -> People {
        let mut origins = settings.origins.clone();
        origins.extend(settings.public_url.clone());
        People {
            access: AccessTokens::new(master),
            refresh: RefreshTokens::new(master),
            links: LinkTokens::new(master),
            console: ConsoleSessions::new(master),
            sign_ins: SignIns::new(settings.sign_ins_per_minute),
            origins,
            destinations: settings.destinations(),
            identity: OnceLock::new(),
            remembered: Mutex::default(),
            turns: Semaphore::new(LOOK_UPS_AT_ONCE),
        }
    }

    /// Who calls with a valid access token; none when the session is over or the person disabled.
    ///
    /// # Errors
    /// It could not be looked up now.
    pub async fn caller(&self, db: &Db, claims: Claims) -> Result<Option<Arc<Caller>>, Problem> {
        if let Some(caller) = self.recall(claims.session, Instant::now()) {
            return Ok(caller.filter(|caller| is_of(caller, claims)));
        }
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Err(Problem::unavailable()) };
        let caller = match self.recall(claims.session, Instant::now()) {
            Some(caller) => caller,
            None => {
                let asked = Instant::now();
                let caller =
                    sessions::holder(db, claims.session).await?.map(|holder| Arc::new(Caller::from(holder)));
                self.remember(claims.session, caller.clone(), asked);
                caller
            }
        };
        Ok(caller.filter(|caller| is_of(caller, claims)))
    }

    /// The way to tenants' other systems for signing in; none when there is no TLS.
    pub fn identity(&self) -> Option<Identity> {
        let make = || Identity::new(self.destinations, Breakers::new(BreakerSettings::default())).ok();
        self.identity.get_or_init(make).clone()
    }

    /// Whether a token that came this way counts for such a request.
    ///
    /// # Errors
    /// 403 when a cookie came with a write or a handshake that another site's page may have caused.
    pub fn check_way(&self, way: Way, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        let only_reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        match way {
            Way::Cookie if !only_reads || headers.contains_key(header::UPGRADE) => self.check_origin(headers),
            _ => Ok(()),
        }
    }

    /// [`check_origin`] with the origins that are configured.
    ///
    /// # Errors
    /// 403.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        check_origin(headers, &self.origins)
    }

    /// Looks at these sessions anew from now on, because they were ended or their person changed.
    pub fn forget(&self, is_changed: impl Fn(&Caller) -> bool) {
        let mut remembered = self.remembered.lock().expect("no holder of this lock panics");
        remembered.retain(|_, known| known.caller.as_ref().is_some_and(|caller| !is_changed(caller)));
    }

    fn recall(&self, session: SessionId, now: Instant) -> Option<Option<Arc<Caller>>> {
        let remembered = self.remembered.lock().expect("no holder of this lock panics");
        let known = remembered.get(&session)?;
        (now.saturating_duration_since(known.since) < BELIEVED).then(|| known.caller.clone())
    }

    fn remember(&self, session: SessionId, caller: Option<Arc<Caller>>, since: Instant) {
        let mut remembered = self.remembered.lock().expect("no holder of this lock panics");
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, known| since.saturating_duration_since(known.since) < BELIEVED);
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(session, Remembered { caller, since });
    }
}

fn is_of(caller: &Caller, claims: Claims) -> bool {
    caller.tenant == claims.tenant && caller.agent() == Some(claims.agent)
}

impl From<Holder> for Caller {
    fn from(holder: Holder) -> Caller {
        Caller {
            tenant: holder.tenant,
            who: Who::Agent { agent: holder.agent, session: holder.session },
            scopes: holder.role.scopes(),
            name: holder.name,
        }
    }
}
