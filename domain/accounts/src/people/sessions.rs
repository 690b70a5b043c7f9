//! Sessions: sign-ins of people, kept alive by refresh tokens of which each is good once.
//!
//! A refresh token reads `dsr_SESSION_GENERATION_CODE`. The code is made of the session's seed and the generation, so the
//! next token of a session is the same whoever asks for it. That settles what to do with a token that comes twice:
//!
//! - The one before the current one, within ten seconds of the exchange: an answer was lost, or two tabs of one browser
//!   asked at once. The answer is the current token again; nothing moves on. Without this, people on bad networks would
//!   be signed out. Whoever stole the token gains nothing that lasts: the thief and its owner hold the same next token,
//!   and the second of them to use it, later than ten seconds after the first, ends the session.
//! - Any other old one: it was copied. The whole session ends, for the thief and for the owner, who signs in again.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::codes::CodeKey;
use super::permissions::Role;
use crate::seal::MasterKey;
use database::ids::{AgentId, SessionId, TenantId};
use database::{Db, DbError, Tx};

/// A session ends by itself after this time, whatever is done in it.
pub const LIFETIME: TimeDelta = TimeDelta::days(30);

/// A session that nobody refreshes ends after this time.
pub const IDLE: TimeDelta = TimeDelta::days(7);

/// How long after an exchange the exchanged token is answered as if it came for the first time.
pub const GRACE: TimeDelta = TimeDelta::seconds(10);

/// Makes and checks refresh tokens.
#[derive(Debug, Clone)]
pub struct RefreshTokens(CodeKey);

/// A session's token as its holder presents it.
#[derive(Clone)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// The secret text, for its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(hidden)")
    }
}

impl RefreshTokens {
    /// Tokens under this master key.
    pub fn new(master: &MasterKey) -> RefreshTokens {
        RefreshTokens(CodeKey::of(master, "refresh tokens"))
    }

    fn make(&self, session: SessionId, seed: Uuid, generation: i64) -> RefreshToken {
        let code = self.0.code(&format!("{session} {seed} {generation}"));
        RefreshToken(format!("dsr_{}_{generation}_{code}", session.0.simple()))
    }

    fn proves(&self, session: SessionId, seed: Uuid, shown: &Shown<'_>) -> bool {
        self.0.proves(&format!("{session} {seed} {}", shown.generation), shown.code)
    }
}

/// The parts of a token that somebody shows.
struct Shown<'a> {
    session: SessionId,
    generation: i64,
    code: &'a str,
}

fn split(text: &str) -> Option<Shown<'_>> {
    let (session, rest) = text.strip_prefix("dsr_")?.split_at_checked(32)?;
    let (generation, code) = rest.strip_prefix('_')?.split_once('_')?;
    let fits =
        generation.len() <= 18 && generation.bytes().all(|byte| byte.is_ascii_digit()) && code.len() == 43;
    if !fits {
        return None;
    }
    Some(Shown { session: session.parse().ok()?, generation: generation.parse().ok()?, code })
}

/// A session just begun or refreshed.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// Whose.
    pub agent: AgentId,
    /// The person's tenant.
    pub tenant: TenantId,
    /// What the next exchange takes.
    pub refresh: RefreshToken,
    /// When it ends by itself at the latest.
    pub expires_at: DateTime<Utc>,
}

/// Begins a session (gateway role).
///
/// # Errors
/// The database failed.
pub async fn begin(
    tx: &mut Tx,
    tokens: &RefreshTokens,
    tenant: TenantId,
    agent: AgentId,
    now: DateTime<Utc>,
) -> Result<Session, DbError> {
    let (id, seed, expires_at) = (SessionId::new(), Uuid::from_u128(rand::random()), now + LIFETIME);
    sqlx::query(
        "insert into shared.session (id, tenant_id, login_id, seed, rotated_at, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $5, $6)",
    )
    .bind(id)
    .bind(tenant)
    .bind(agent)
    .bind(seed)
    .bind(now)
    .bind(expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(Session { id, agent, tenant, refresh: tokens.make(id, seed, 1), expires_at })
}

/// What became of a refresh token that somebody presented.
#[derive(Debug)]
pub enum Refreshed {
    /// It was exchanged, or had been a moment ago.
    Done(Session),
    /// It is none, or its session is over.
    Refused,
    /// It was exchanged before: its session was ended just now. Commit, so that it stays so.
    Reused {
        /// The session that was ended.
        session: SessionId,
        /// Whose it was.
        agent: AgentId,
        /// The person's tenant.
        tenant: TenantId,
    },
}

#[derive(FromRow)]
struct Stored {
    tenant_id: TenantId,
    login_id: AgentId,
    seed: Uuid,
    generation: i64,
    rotated_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    is_over: bool,
}

/// Exchanges a refresh token for the next one (gateway role).
///
/// # Errors
/// The database failed.
pub async fn refresh(
    tx: &mut Tx,
    tokens: &RefreshTokens,
    text: &str,
    now: DateTime<Utc>,
) -> Result<Refreshed, DbError> {
    let Some(shown) = split(text) else { return Ok(Refreshed::Refused) };
    let stored: Option<Stored> = sqlx::query_as(
        "select s.tenant_id, s.login_id, s.seed, s.generation, s.rotated_at, s.expires_at,
                s.ended_at is not null or l.disabled_at is not null as is_over
         from shared.session s join shared.login l on l.id = s.login_id where s.id = $1 for update of s",
    )
    .bind(shown.session)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(stored) = stored else { return Ok(Refreshed::Refused) };
    if !tokens.proves(shown.session, stored.seed, &shown) {
        return Ok(Refreshed::Refused);
    }
    let session = |generation| Session {
        id: shown.session,
        agent: stored.login_id,
        tenant: stored.tenant_id,
        refresh: tokens.make(shown.session, stored.seed, generation),
        expires_at: stored.expires_at,
    };
    if stored.is_over || now >= stored.expires_at || now >= stored.rotated_at + IDLE {
        return Ok(Refreshed::Refused);
    }
    if shown.generation == stored.generation {
        let next = stored.generation + 1;
        sqlx::query("update shared.session set generation = $2, rotated_at = $3 where id = $1")
            .bind(shown.session)
            .bind(next)
            .bind(now)
            .execute(&mut **tx)
            .await?;
        return Ok(Refreshed::Done(session(next)));
    }
    if shown.generation + 1 == stored.generation && now < stored.rotated_at + GRACE {
        return Ok(Refreshed::Done(session(stored.generation)));
    }
    end(tx, shown.session, "reuse", now).await?;
    Ok(Refreshed::Reused { session: shown.session, agent: stored.login_id, tenant: stored.tenant_id })
}

/// The session that a refresh token is of, whatever its generation: for signing out (gateway role).
///
/// # Errors
/// The database failed.
pub async fn of_token(
    tx: &mut Tx,
    tokens: &RefreshTokens,
    text: &str,
) -> Result<Option<(TenantId, AgentId, SessionId)>, DbError> {
    let Some(shown) = split(text) else { return Ok(None) };
    let stored: Option<(TenantId, AgentId, Uuid)> =
        sqlx::query_as("select tenant_id, login_id, seed from shared.session where id = $1")
            .bind(shown.session)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(stored
        .filter(|(_, _, seed)| tokens.proves(shown.session, *seed, &shown))
        .map(|(tenant, agent, _)| (tenant, agent, shown.session)))
}

/// Ends a session; false when it was over (gateway role).
///
/// # Errors
/// The database failed.
pub async fn end(
    tx: &mut Tx,
    session: SessionId,
    because: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "update shared.session set ended_at = $3, ended_because = $2 where id = $1 and ended_at is null",
    )
    .bind(session)
    .bind(because)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every session of a person and says how many (gateway role).
///
/// # Errors
/// The database failed.
pub async fn end_all(tx: &mut Tx, agent: AgentId, because: &str, now: DateTime<Utc>) -> Result<u64, DbError> {
    let done = sqlx::query(
        "update shared.session set ended_at = $3, ended_because = $2 where login_id = $1 and ended_at is null",
    )
    .bind(agent)
    .bind(because)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Who is signed in by a session.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Holder {
    /// The session.
    pub session: SessionId,
    /// The person.
    pub agent: AgentId,
    /// The person's tenant.
    pub tenant: TenantId,
    /// The person's name.
    pub name: String,
    /// What the person is now.
    pub role: Role,
}

/// Who is signed in by this session; none when it is over or the person disabled.
///
/// # Errors
/// The database failed.
pub async fn holder(db: &Db, session: SessionId) -> Result<Option<Holder>, DbError> {
    let mut tx = db.gateway_tx().await?;
    let holder = sqlx::query_as(
        "select s.id as session, l.id as agent, l.tenant_id as tenant, l.name, l.role
         from shared.session s join shared.login l on l.id = s.login_id
         where s.id = $1 and s.ended_at is null and s.expires_at > now() and l.disabled_at is null",
    )
    .bind(session)
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(holder)
}

/// Those of the sessions that are not over: whoever keeps connections open asks every few seconds, and closes the rest.
///
/// # Errors
/// The database failed.
pub async fn still_valid(db: &Db, asked: &[SessionId]) -> Result<HashSet<SessionId>, DbError> {
    let mut tx = db.gateway_tx().await?;
    let valid: Vec<SessionId> = sqlx::query_scalar(
        "select s.id from shared.session s join shared.login l on l.id = s.login_id
         where s.id = any($1) and s.ended_at is null and s.expires_at > now() and l.disabled_at is null",
    )
    .bind(asked.iter().map(|session| session.0).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(valid.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_a_refresh_token() {
        let tokens =
            RefreshTokens::new(&"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key"));
        let (session, seed) = (SessionId::new(), Uuid::from_u128(rand::random()));
        let text = tokens.make(session, seed, 12).reveal().to_owned();
        let shown = split(&text).expect("well-formed");
        assert!(shown.session == session && shown.generation == 12 && tokens.proves(session, seed, &shown));
        assert!(!tokens.proves(session, Uuid::from_u128(rand::random()), &shown));
        let later = text.replace("_12_", "_13_");
        assert!(!tokens.proves(session, seed, &split(&later).expect("well-formed")));
        let long = text.replace("_12_", "_1234567890123456789_");
        for bad in
            ["", "dsr_", "dsr_x_1_y", &text[1..], &format!("{text}x"), &text.replace("_12_", "_-1_"), &long]
        {
            assert!(split(bad).is_none(), "{bad}");
        }
    }
}
