//! The answer to whoever signed in or refreshed: tokens in the body for programs, in cookies for browsers, where no script
//! can read them.

use accounts::people::access_tokens::{self, Claims};
use accounts::people::logins::Login;
use accounts::people::sessions::Session;
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::web::auth::{ACCESS_COOKIE, CONSOLE_COOKIE, MARK_COOKIE, REFRESH_COOKIE};
use crate::web::people::People;

/// Somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    /// What to send as `Authorization: Bearer`; missing when it came as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// What to exchange for the next pair, once; missing when it came as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// `Bearer`.
    pub token_type: &'static str,
    /// How long the access token is valid, in seconds.
    pub expires_in: i64,
    /// When the session ends by itself at the latest.
    pub session_expires_at: DateTime<Utc>,
    /// The session.
    pub session_id: Uuid,
    /// Who it is.
    pub person: Person,
}

/// A person as they are told of themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// The person, also as an agent.
    pub id: Uuid,
    /// The person's tenant.
    pub tenant_id: Uuid,
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// viewer, agent, senior_agent, team_lead, manager or admin.
    pub role: &'static str,
    /// What the role may do.
    pub permissions: Vec<&'static str>,
}

impl From<&Login> for Person {
    fn from(login: &Login) -> Person {
        Person {
            id: login.id.0,
            tenant_id: login.tenant.0,
            name: login.name.clone(),
            email: login.email.clone(),
            role: login.role.name(),
            permissions: login.role.scopes().into_iter().map(|scope| scope.name()).collect(),
        }
    }
}

/// Where the tokens go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// The body.
    Body,
    /// Cookies.
    Cookies,
}

/// The answer with an access token that is valid from `now` on.
pub fn answer(people: &People, login: &Login, session: &Session, into: Into, now: DateTime<Utc>) -> Response {
    let claims = Claims { agent: session.agent, session: session.id, tenant: session.tenant };
    let access = people.access.make(claims, now);
    let refresh = session.refresh.reveal();
    let expires_in = access_tokens::LIFETIME.num_seconds();
    let mut headers = HeaderMap::new();
    if into == Into::Cookies {
        let left = (session.expires_at - now).num_seconds().max(0);
        set_cookies(&mut headers, (&access, expires_in), (refresh, left));
        set_console_cookie(&mut headers, "", 0);
        mark(&mut headers, left);
    }
    let in_body = |token: &str| (into == Into::Body).then(|| token.to_owned());
    let body = SignedIn {
        access_token: in_body(&access),
        refresh_token: in_body(refresh),
        token_type: "Bearer",
        expires_in,
        session_expires_at: session.expires_at,
        session_id: session.id.0,
        person: Person::from(login),
    };
    (headers, Json(body)).into_response()
}

/// Has a browser forget a person's cookies.
pub fn forget_cookies(headers: &mut HeaderMap) {
    set_cookies(headers, ("", 0), ("", 0));
    mark(headers, 0);
}

/// Lets the page know for so many seconds that there is a session.
pub fn mark(headers: &mut HeaderMap, secs: i64) {
    let value = if secs > 0 { "1" } else { "" };
    append(headers, format!("{MARK_COOKIE}={value}; Path=/; Max-Age={secs}; Secure; SameSite=Strict"));
}

/// Has a browser hold an operator's session for so many seconds; none when it is to forget it.
pub fn set_console_cookie(headers: &mut HeaderMap, session: &str, secs: i64) {
    set_cookie(headers, CONSOLE_COOKIE, "/", (session, secs));
}

fn set_cookies(headers: &mut HeaderMap, access: (&str, i64), refresh: (&str, i64)) {
    set_cookie(headers, ACCESS_COOKIE, "/", access);
    set_cookie(headers, REFRESH_COOKIE, "/api/auth", refresh);
}

fn set_cookie(headers: &mut HeaderMap, name: &str, path: &str, (value, secs): (&str, i64)) {
    append(
        headers,
        format!("{name}={value}; Path={path}; Max-Age={secs}; HttpOnly; Secure; SameSite=Strict"),
    );
}

fn append(headers: &mut HeaderMap, cookie: String) {
    headers.append(header::SET_COOKIE, HeaderValue::from_str(&cookie).expect("tokens are plain ASCII"));
}
