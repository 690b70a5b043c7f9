//! Rate limits: per key or person, per tenant, and per network address for callers that show no valid credential.
//!
//! The system that this product replaces allowed 1,000 requests an hour for a client, 1,000 webhooks an hour,
//! 5 drafts and 20 evaluations of segments a minute. A busy shop alone sends more webhooks than that, polling for
//! results multiplies requests, and a rule builder counts at every change of a rule, so the defaults here are 6,000
//! requests, 60,000 webhooks, 300 drafts and 120 counts or evaluations of segments a minute for one key; each is a
//! setting. All keys of a tenant together, and one network address, may do four times that. The address is
//! the connection's own: a header such as `X-Forwarded-For` is anybody's to write, so behind a balancer the
//! limit of addresses is one for all who have no key yet, which protects the database and nothing else. A key that
//! was never seen is counted for its address before it is looked up, see [`crate::web::keys`].
//!
//! Limits are counted by each process for itself; how is in [`crate::web::limiter`].

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use database::Db;
use jobs::contract::Subject;
use uuid::Uuid;

pub use crate::settings::Rates;
use crate::web::auth::{Caller, Credential, Identity, Way, presented};
use crate::web::keys::{self, KeyCache, NotLookedUp};
use crate::web::limiter::{Limiter, ONE, Standing, TooMany, address};
use crate::web::people::People;
use crate::web::problem::Problem;

/// How much more all keys of a tenant, or one address, may do than one key.
const GROUP_FACTOR: u32 = 4;

/// Puts the limits around every route of the router that has one, and finds out who calls.
pub fn apply(router: Router, db: Db, known: Known, rates: Rates) -> Router {
    router.layer(from_fn_with_state(Gate { db, known, limits: Arc::new(Limits::new(rates)) }, enforce))
}

/// Who is known to the process.
#[derive(Clone, Debug)]
pub struct Known {
    /// Programs, by their keys.
    pub keys: Arc<KeyCache>,
    /// People, by their sessions.
    pub people: Arc<People>,
}

/// The limits of one process.
#[derive(Debug)]
pub struct Limits {
    general: Lane,
    webhooks: Lane,
    ai: Lane,
    segments: Lane,
}

impl Limits {
    /// Limits with all buckets full.
    pub fn new(rates: Rates) -> Limits {
        Limits {
            general: Lane::new(rates.general_per_minute),
            webhooks: Lane::new(rates.webhooks_per_minute),
            ai: Lane::new(rates.ai_per_minute),
            segments: Lane::new(rates.segments_per_minute),
        }
    }

    /// Counts a request of somebody who was found out only by the route.
    ///
    /// # Errors
    /// A limit is used up.
    pub fn count_caller(&self, caller: &Caller) -> Result<Standing, TooMany> {
        self.general.count_key(caller.counted_as(), caller.tenant.0, ONE)
    }

    /// Counts a webhook for a tenant that proved itself by the delivery's signature.
    pub fn count_webhook(&self, tenant: Uuid) -> Result<Standing, TooMany> {
        self.webhooks.tenants.count(tenant.as_u128(), ONE)
    }

    /// Counts jobs of a subject as its own routes would count requests for them. Whoever asks for many at once uses
    /// up as much as whoever asks for each.
    ///
    /// # Errors
    /// 422 for more than the limit ever allows at once, 429 for more than is left of it.
    pub fn count_jobs(
        &self,
        caller: &Caller,
        subject: Subject,
        jobs: NonZeroU32,
    ) -> Result<Standing, Refusal> {
        let lane = match subject {
            Subject::Replies => &self.ai,
            Subject::Segments => &self.segments,
            Subject::Tickets
            | Subject::Orders
            | Subject::Customers
            | Subject::Intelligence
            | Subject::Privacy
            | Subject::Connections => &self.general,
        };
        let most = lane.keys.per_minute;
        if jobs > most {
            let detail =
                format!("a key may ask for {most} jobs of this kind a minute; the request has {jobs}");
            return Err(Refusal::Problem(Problem::unprocessable("jobs", detail)));
        }
        lane.count_key(caller.counted_as(), caller.tenant.0, jobs).map_err(Refusal::TooMany)
    }

    fn lane(&self, path: &str) -> Option<&Lane> {
        if path.starts_with("/ws/") || path == "/mcp" {
            return Some(&self.general);
        }
        if !path.starts_with("/api/") {
            return None;
        }
        Some(match path {
            "/api/ask" => &self.ai,
            "/api/gorgias/webhook" | "/api/mail/inbound" => &self.webhooks,
            path if path.starts_with("/api/ai/") => &self.ai,
            "/api/segments/preview" => &self.segments,
            path if path.starts_with("/api/segments/") && path.ends_with("/evaluate") => &self.segments,
            _ => &self.general,
        })
    }
}

/// Why a route that counts more than its request refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// For a reason of its own.
    Problem(Problem),
    /// A limit is used up.
    TooMany(TooMany),
}

impl Refusal {
    /// Too many keys of an address were bad; the next one is looked up after this time.
    pub fn barred(wait: Duration) -> Refusal {
        Refusal::TooMany(TooMany::barred(wait))
    }

    /// The answer of a limit that is used up; another refusal stays one.
    ///
    /// # Errors
    /// The problem.
    pub fn limited(self) -> Result<Response, Problem> {
        match self {
            Refusal::Problem(problem) => Err(problem),
            Refusal::TooMany(too_many) => Ok(too_many.into_response()),
        }
    }
}

impl<P: Into<Problem>> From<P> for Refusal {
    fn from(problem: P) -> Refusal {
        Refusal::Problem(problem.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Problem(problem) => problem.into_response(),
            Refusal::TooMany(too_many) => too_many.into_response(),
        }
    }
}

#[derive(Clone)]
struct Gate {
    db: Db,
    known: Known,
    limits: Arc<Limits>,
}

async fn enforce(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(lane) = gate.limits.lane(request.uri().path()) else { return next.run(request).await };
    let address = address(request.extensions());
    let (identity, standing) = match admit(&gate, lane, (request.method(), request.headers()), address).await
    {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into_response(),
    };
    request.extensions_mut().insert(identity);
    request.extensions_mut().insert(Arc::clone(&gate.limits));
    let mut response = next.run(request).await;
    standing.show(response.headers_mut());
    response
}

/// Who sends the request, and how much it may still send. Whether a key is needed is the route's to say.
async fn admit(
    gate: &Gate,
    lane: &Lane,
    (method, headers): (&Method, &HeaderMap),
    address: u128,
) -> Result<(Identity, Standing), TooMany> {
    let session;
    let shown = match presented(headers) {
        Ok(shown) => shown,
        Err(problem) => return Ok((Identity::Unclear(problem), lane.addresses.count(address, ONE)?)),
    };
    let key = match shown {
        None => return Ok((Identity::Nobody, lane.addresses.count(address, ONE)?)),
        Some(Credential::Person { token, way }) => {
            return admit_person(gate, lane, (token, way), (method, headers), address).await;
        }
        Some(Credential::Key(key)) => key,
        Some(Credential::Console(sealed)) => {
            let Some((key, _)) = gate.known.people.console.open(sealed, Utc::now()) else {
                return Ok((Identity::Nobody, lane.addresses.count(address, ONE)?));
            };
            if let Err(problem) = gate.known.people.check_way(Way::Cookie, method, headers) {
                return Ok((Identity::Unclear(problem), lane.addresses.count(address, ONE)?));
            }
            session = key;
            &session
        }
    };
    // What nobody has ever seen is counted before it may cost anything.
    let mut counted = None;
    match gate.known.keys.recall(key) {
        keys::Standing::Good(caller) => {
            let standing = lane.count_key(caller.counted_as(), caller.tenant.0, ONE)?;
            return Ok((Identity::Known(caller), standing));
        }
        keys::Standing::Bad => return Ok((Identity::Nobody, lane.addresses.count(address, ONE)?)),
        keys::Standing::Strange => counted = Some(lane.addresses.count(address, ONE)?),
        keys::Standing::Familiar => {}
    }
    let identity = match gate.known.keys.look_up(&gate.db, key, address).await {
        Ok(Some(caller)) => {
            let standing = lane.count_key(caller.counted_as(), caller.tenant.0, ONE)?;
            return Ok((Identity::Known(caller), standing));
        }
        Ok(None) => Identity::Nobody,
        Err(NotLookedUp::Barred(wait)) => return Err(TooMany::barred(wait)),
        Err(NotLookedUp::Busy) => Identity::Unclear(Problem::unavailable()),
        Err(NotLookedUp::Db(error)) => Identity::Unclear(error.into()),
    };
    let standing = match counted {
        Some(standing) => standing,
        None => lane.addresses.count(address, ONE)?,
    };
    Ok((identity, standing))
}

/// The same for a person's access token. What was not made here costs no look at the database.
async fn admit_person(
    gate: &Gate,
    lane: &Lane,
    (token, way): (&str, Way),
    (method, headers): (&Method, &HeaderMap),
    address: u128,
) -> Result<(Identity, Standing), TooMany> {
    let Some(claims) = gate.known.people.access.read(token) else {
        return Ok((Identity::Nobody, lane.addresses.count(address, ONE)?));
    };
    let standing = lane.count_key(claims.agent.0, claims.tenant.0, ONE)?;
    let identity = match gate.known.people.caller(&gate.db, claims).await {
        Ok(Some(caller)) => match gate.known.people.check_way(way, method, headers) {
            Ok(()) => Identity::Known(caller),
            Err(problem) => Identity::Unclear(problem),
        },
        Ok(None) => Identity::Nobody,
        Err(problem) => Identity::Unclear(problem),
    };
    Ok((identity, standing))
}

/// The three limits of one kind of request.
#[derive(Debug)]
struct Lane {
    keys: Limiter,
    tenants: Limiter,
    addresses: Limiter,
}

impl Lane {
    fn new(per_minute: NonZeroU32) -> Lane {
        let group = per_minute.saturating_mul(NonZeroU32::new(GROUP_FACTOR).expect("the factor is not zero"));
        Lane { keys: Limiter::new(per_minute), tenants: Limiter::new(group), addresses: Limiter::new(group) }
    }

    /// The standing is that of the limit which is nearer to its end.
    fn count_key(&self, key: Uuid, tenant: Uuid, times: NonZeroU32) -> Result<Standing, TooMany> {
        let of_key = self.keys.count(key.as_u128(), times)?;
        let of_tenant = self.tenants.count(tenant.as_u128(), times)?;
        Ok(if of_tenant.remaining < of_key.remaining { of_tenant } else { of_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_minute: u32) -> NonZeroU32 {
        NonZeroU32::new(per_minute).expect("a test's rate is not zero")
    }

    #[test]
    fn a_tenant_cannot_multiply_its_limit_by_making_keys() {
        let lane = Lane::new(rate(2));
        let tenant = Uuid::now_v7();
        let allowed = (0..20).filter(|_| lane.count_key(Uuid::now_v7(), tenant, ONE).is_ok()).count();
        assert_eq!(allowed, 2 * GROUP_FACTOR as usize);
    }

    #[test]
    fn every_path_has_its_lane() {
        let limits = Limits::new(Rates {
            general_per_minute: rate(1),
            webhooks_per_minute: rate(2),
            ai_per_minute: rate(3),
            segments_per_minute: rate(4),
        });
        let limit = |path| limits.lane(path).map(|lane| lane.keys.per_minute.get());
        assert_eq!(limit("/health/ready"), None);
        assert_eq!(limit("/api/jobs"), Some(1));
        assert_eq!(limit("/api/gorgias/webhook"), Some(2));
        assert_eq!(limit("/api/ai/tickets/7/draft"), Some(3));
        assert_eq!(limit("/api/segments"), Some(1));
        assert_eq!(limit("/api/segments/preview"), Some(4));
        assert_eq!(limit("/api/segments/7/evaluate"), Some(4));
    }
}
