//! Who calls. An API key comes as `X-API-Key` or as `Authorization: Bearer`, a person's access token as the latter or as
//! a browser's cookie; the tenant comes from the credential and from nothing else.
//!
//! A cookie counts only where it cannot have been sent by another site's page: [`check_origin`] is asked for every write
//! and every handshake of a WebSocket, before a handler sees its [`Caller`].
//!
//! The limits in front of every route find out whose credential a request has ([`crate::web::limits`]) and write it into
//! the request as [`Identity`]; a handler only asks for its [`Caller`], and nothing is looked up twice. One with a body asks for
//! [`Allowed`], which knows the scope as well.

use std::sync::Arc;

use accounts::api_keys::{Principal, Scope};
use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, HeaderValue, header, request::Parts},
};
use database::ids::{AgentId, KeyId, SessionId, TenantId};
use uuid::Uuid;

use crate::web::problem::Problem;

/// Who calls, as a handler's argument; without a valid key the handler is not reached (401).
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant that the key belongs to.
    pub tenant: TenantId,
    /// The credential.
    pub who: Who,
    /// What the credential may do: a key's scopes, or those of a person's role.
    pub scopes: Vec<Scope>,
    /// The caller's name for people.
    pub name: String,
}

/// Whose credential a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A program's.
    Key(KeyId),
    /// A person's, signed in.
    Agent {
        /// The person.
        agent: AgentId,
        /// The sign-in.
        session: SessionId,
    },
    /// A token of the tenant's own issuer, for the tools alone: the same for the same subject and client there.
    Assistant(Uuid),
}

impl From<Principal> for Caller {
    fn from(principal: Principal) -> Caller {
        Caller {
            tenant: principal.tenant,
            who: Who::Key(principal.key_id),
            scopes: principal.scopes,
            name: principal.name,
        }
    }
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
        Err(Problem::forbidden(match self.who {
            Who::Key(_) => format!("this needs a key with the scope {scope}"),
            Who::Agent { .. } => format!("this needs a role with the permission {scope}"),
            Who::Assistant(_) => format!("this needs a token with the scope {scope}"),
        }))
    }

    /// Whether the caller runs the cluster and may look at every tenant.
    pub fn is_operator(&self) -> bool {
        self.scopes.contains(&Scope::Operator)
    }

    /// The caller's name in the audit trail.
    pub fn actor(&self) -> String {
        match self.who {
            Who::Key(key) => format!("key:{key}"),
            Who::Agent { agent, .. } => format!("agent:{agent}"),
            Who::Assistant(id) => format!("assistant:{id}"),
        }
    }

    /// The person who calls; none when a program does.
    pub fn agent(&self) -> Option<AgentId> {
        match self.who {
            Who::Agent { agent, .. } => Some(agent),
            Who::Key(_) | Who::Assistant(_) => None,
        }
    }

    /// What the caller's requests are counted by.
    pub fn counted_as(&self) -> Uuid {
        match self.who {
            Who::Key(key) => key.0,
            Who::Agent { agent, .. } => agent.0,
            Who::Assistant(id) => id,
        }
    }
}

/// What was found out of a request's sender. It refuses nobody: some paths need no key.
#[derive(Clone, Debug)]
pub enum Identity {
    /// It has a valid key.
    Known(Arc<Caller>),
    /// It has no key or none that is valid.
    Nobody,
    /// It could not be found out now.
    Unclear(Problem),
}

/// Who sent the request with these extensions; none when it has no valid key.
///
/// # Errors
/// It could not be found out.
pub fn identity(extensions: &Extensions) -> Result<Option<Arc<Caller>>, Problem> {
    match extensions.get::<Identity>() {
        Some(Identity::Known(caller)) => Ok(Some(caller.clone())),
        Some(Identity::Nobody) => Ok(None),
        Some(Identity::Unclear(problem)) => Err(problem.clone()),
        None => {
            tracing::error!("a route outside of the limits asks who calls");
            Err(Problem::internal())
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let caller = identity(&parts.extensions)?.ok_or_else(Problem::unauthenticated)?;
        Ok(Caller::clone(&caller))
    }
}

/// Who calls, when they may do what the scope names (403 naming it otherwise): the argument of a handler with a body. Arguments
/// are read in their order and the body comes last, so no byte of it is read for who may not send it, whatever is wrong with
/// it. Write `Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>`; the number stands for the scope
/// because a type takes no other constant.
#[derive(Clone, Debug)]
pub struct Allowed<const SCOPE: u8>(pub Caller);

impl<const SCOPE: u8> Allowed<SCOPE> {
    /// A number that is no scope's does not compile.
    const NEEDED: Scope = {
        let mut at = 0;
        while Scope::ALL[at] as u8 != SCOPE {
            at += 1;
        }
        Scope::ALL[at]
    };
}

impl<S: Sync, const SCOPE: u8> FromRequestParts<S> for Allowed<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require(Self::NEEDED)?;
        Ok(Allowed(caller))
    }
}

/// What a request shows of who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// An API key, or what is to be one.
    Key(&'a str),
    /// A person's access token.
    Person {
        /// The token.
        token: &'a str,
        /// How it came.
        way: Way,
    },
    /// An operator's session at the console, which stands for a key.
    Console(&'a str),
}

/// How a person's access token comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In a header, which no other site can make a browser send.
    Header,
    /// In a cookie, which a browser sends by itself: where it comes from has to be looked at.
    Cookie,
}

/// The cookie of the access token. The prefix makes browsers take it from https and this host only.
pub const ACCESS_COOKIE: &str = "__Host-desk";

/// The cookie of the refresh token, sent to the routes of signing in and out alone.
pub const REFRESH_COOKIE: &str = "__Secure-desk-refresh";

/// The cookie of an operator's session at the console. Whoever signs in as a person loses it, and the other way round.
pub const CONSOLE_COOKIE: &str = "__Host-desk-console";

/// Says to scripts that there is a session, and nothing else: a page without it asks for none. It opens nothing.
pub const MARK_COOKIE: &str = "desk-here";

/// What a request shows, if anything. What is written into a header on purpose goes before a cookie.
///
/// # Errors
/// 400 when its headers hold two that differ: the sender, or somebody between, has mixed up two callers, and which of them
/// is meant is not ours to guess.
pub fn presented(headers: &HeaderMap) -> Result<Option<Credential<'_>>, Problem> {
    let keys = headers.get_all("x-api-key").iter().map(|value| ("X-API-Key", key(value)));
    let bearers = headers.get_all(header::AUTHORIZATION).iter();
    let bearers = bearers.map(|value| ("Authorization", bearer(value))).filter(|(_, shown)| shown.is_some());
    let mut shown = keys.chain(bearers);
    if let Some((_, first)) = shown.next() {
        return match shown.find(|(_, other)| *other != first) {
            Some((name, _)) => {
                Err(Problem::bad_request(name, "the request has two credentials that differ; send one"))
            }
            None => Ok(first),
        };
    }
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    if let Some(token) = cookie(headers, ACCESS_COOKIE) {
        return Ok(Some(Credential::Person { token, way: Way::Cookie }));
    }
    Ok(cookie(headers, CONSOLE_COOKIE).map(Credential::Console))
}

fn key(value: &HeaderValue) -> Option<Credential<'_>> {
    value.to_str().ok().map(Credential::Key)
}

/// The credential of an `Authorization: Bearer`; another scheme is no matter of ours.
fn bearer(value: &HeaderValue) -> Option<Credential<'_>> {
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    let text = text.trim();
    scheme.eq_ignore_ascii_case("bearer").then_some(if text.contains('.') {
        Credential::Person { token: text, way: Way::Header }
    } else {
        Credential::Key(text)
    })
}

/// A cookie's value. One that comes twice was set by somebody else as well and is none.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(key, value)| (key == name).then_some(value));
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

/// Whether a request that carries a cookie comes from a page that may send it: one of this host, by https (or from this
/// machine), or of an origin that is configured. A request that does not say where it comes from is refused: browsers say
/// it on every write and on every handshake of a WebSocket.
///
/// # Errors
/// 403.
pub fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_own = match origin.split_once("://") {
        Some(("https", from)) => from.eq_ignore_ascii_case(host),
        Some(("http", from)) => from.eq_ignore_ascii_case(host) && is_this_machine(from),
        _ => false,
    };
    if origins.next().is_none() && (is_own || allowed.iter().any(|allowed| allowed == origin)) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "a request with a cookie must come from a page of this host or of an origin in DESK_CORS_ORIGINS, and say so in \
         Origin; programs send Authorization: Bearer instead",
    )
    .at("Origin"))
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(scopes: Vec<Scope>) -> Arc<Caller> {
        Arc::new(Caller {
            tenant: TenantId::new(),
            who: Who::Key(KeyId::new()),
            scopes,
            name: "test".to_owned(),
        })
    }

    #[test]
    fn scopes_are_needed_and_operators_have_all() {
        assert!(caller(vec![Scope::JobsRead]).require(Scope::JobsRead).is_ok());
        assert!(caller(vec![Scope::JobsRead]).require(Scope::JobsWrite).is_err());
        assert!(caller(vec![Scope::Operator]).require(Scope::JobsWrite).is_ok());
    }

    #[tokio::test]
    async fn a_handler_with_a_body_is_reached_by_who_may() {
        let (mut parts, ()) = axum::http::Request::new(()).into_parts();
        for (scopes, may) in [
            (vec![Scope::TicketsRead], false),
            (vec![Scope::TicketsWrite], true),
            (vec![Scope::Operator], true),
        ] {
            parts.extensions.insert(Identity::Known(caller(scopes.clone())));
            let found = Allowed::<{ Scope::TicketsWrite as u8 }>::from_request_parts(&mut parts, &()).await;
            let refused = found.err().map(|problem| problem.detail.into_owned());
            let said = "this needs a key with the scope tickets:write".to_owned();
            assert_eq!(refused, (!may).then_some(said), "{scopes:?}");
        }
    }

    #[test]
    fn without_a_finding_nobody_is_let_in() {
        assert!(identity(&Extensions::new()).is_err());
        let mut extensions = Extensions::new();
        extensions.insert(Identity::Nobody);
        assert!(identity(&extensions).expect("found out").is_none());
    }

    #[test]
    fn a_cookie_is_sent_by_pages_of_ours_only() {
        let check = |origin: Option<&str>, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header value"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a header value"));
            }
            check_origin(&headers, &["https://app.example".to_owned()]).is_ok()
        };
        assert!(check(Some("https://desk.example"), "desk.example"));
        assert!(check(Some("https://desk.example:8443"), "desk.example:8443"));
        assert!(check(Some("http://localhost:8080"), "localhost:8080"));
        assert!(check(Some("https://app.example"), "desk.example"));
        for origin in [
            None,
            Some("null"),
            Some(""),
            Some("http://desk.example"),
            Some("https://desk.example.evil.example"),
            Some("https://evil.example"),
            Some("https://app.example.evil.example"),
            Some("https://app.example:444"),
        ] {
            assert!(!check(origin, "desk.example"), "{origin:?}");
        }
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=1; __Host-desk=x.y.z; b=2".parse().expect("a header value"));
        assert_eq!(presented(&headers), Ok(Some(Credential::Person { token: "x.y.z", way: Way::Cookie })));
        headers.insert(header::AUTHORIZATION, "Bearer p.q.r".parse().expect("a header value"));
        assert_eq!(presented(&headers), Ok(Some(Credential::Person { token: "p.q.r", way: Way::Header })));
        headers.remove(header::AUTHORIZATION);
        headers.append(header::COOKIE, "__Host-desk=other".parse().expect("a header value"));
        assert_eq!(presented(&headers), Ok(None));
    }

    #[test]
    fn a_key_comes_in_either_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(presented(&headers), Ok(None));
        headers.insert(header::AUTHORIZATION, "bearer abc".parse().expect("a header value"));
        assert_eq!(presented(&headers), Ok(Some(Credential::Key("abc"))));
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().expect("a header value"));
        assert_eq!(presented(&headers), Ok(None));
        headers.insert("x-api-key", "def".parse().expect("a header value"));
        assert_eq!(
            presented(&headers),
            Ok(Some(Credential::Key("def"))),
            "the other one is no credential of ours"
        );
    }

    #[test]
    fn two_credentials_that_differ_are_refused_by_name_and_the_same_twice_is_one() {
        let of = |lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().expect("a header value"));
            }
            presented(&headers).map(|shown| shown.is_some()).map_err(|problem| problem.field)
        };
        for same in [
            &[("x-api-key", "abc"), ("x-api-key", "abc")][..],
            &[("x-api-key", "abc"), ("authorization", "Bearer abc")][..],
            &[("authorization", "Bearer p.q.r"), ("authorization", "bearer p.q.r")][..],
        ] {
            assert_eq!(of(same), Ok(true), "{same:?}");
        }
        for (differ, name) in [
            (&[("x-api-key", "abc"), ("x-api-key", "def")][..], "X-API-Key"),
            (&[("x-api-key", "abc"), ("authorization", "Bearer def")][..], "Authorization"),
            (&[("authorization", "Bearer abc"), ("authorization", "Bearer p.q.r")][..], "Authorization"),
        ] {
            assert_eq!(of(differ), Err(Some(name.into())), "{differ:?}");
        }
    }
}
