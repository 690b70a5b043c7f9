//! Who calls. An API key comes as `X-API-Key` or as `Authorization: Bearer`; the tenant comes from
//! the key and from nothing else.
//!
//! The limits in front of every route find out whose key a request has ([`crate::web::limits`]) and write it into
//! the request as [`Identity`]; a handler only asks for its [`Caller`], and nothing is looked up twice.

use std::sync::Arc;

use accounts::api_keys::{Principal, Scope};
use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
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
        }
    }

    /// The person who calls; none when a program does.
    pub fn agent(&self) -> Option<AgentId> {
        match self.who {
            Who::Agent { agent, .. } => Some(agent),
            Who::Key(_) => None,
        }
    }

    /// What the caller's requests are counted by.
    pub fn counted_as(&self) -> Uuid {
        match self.who {
            Who::Key(key) => key.0,
            Who::Agent { agent, .. } => agent.0,
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

/// The key that a request shows, if it shows one.
pub fn presented(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok();
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(scopes: Vec<Scope>) -> Arc<Caller> {
        Arc::new(Caller { tenant: TenantId::new(), who: Who::Key(KeyId::new()), scopes, name: "test".to_owned() })
    }

    #[test]
    fn scopes_are_needed_and_operators_have_all() {
        assert!(caller(vec![Scope::JobsRead]).require(Scope::JobsRead).is_ok());
        assert!(caller(vec![Scope::JobsRead]).require(Scope::JobsWrite).is_err());
        assert!(caller(vec![Scope::Operator]).require(Scope::JobsWrite).is_ok());
    }

    #[test]
    fn without_a_finding_nobody_is_let_in() {
        assert!(identity(&Extensions::new()).is_err());
        let mut extensions = Extensions::new();
        extensions.insert(Identity::Nobody);
        assert!(identity(&extensions).expect("found out").is_none());
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
