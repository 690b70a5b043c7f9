//! Links that let a person choose a password: an invitation, or a reset. Each is good once and for a time.
//!
//! A token reads `dsl_ID_CODE`. Only the id is stored, so it can be shown again to whoever made it, for an answer that was
//! lost, and a copy of the database opens nothing.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::codes::CodeKey;
use crate::seal::MasterKey;
use database::ids::{AgentId, TenantId};
use database::{DbError, Tx};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Purpose {
    /// A person's first password.
    Invitation,
    /// Another password.
    Reset,
}

impl Purpose {
    /// How long such a link is good.
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Purpose::Invitation => TimeDelta::days(7),
            Purpose::Reset => TimeDelta::hours(1),
        }
    }

    /// Its name in answers and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Invitation => "invitation",
            Purpose::Reset => "reset",
        }
    }
}

/// Makes and checks the texts of links.
#[derive(Debug, Clone)]
pub struct LinkTokens(CodeKey);

impl LinkTokens {
    /// Tokens under this master key.
    pub fn new(master: &MasterKey) -> LinkTokens {
        LinkTokens(CodeKey::of(master, "links to choose a password"))
    }

    /// The text of a link. Only for whoever may hand it to the person.
    pub fn text(&self, link: Uuid) -> String {
        format!("dsl_{}_{}", link.simple(), self.0.code(&link.to_string()))
    }

    /// The link of this text, if it was made here.
    fn read(&self, text: &str) -> Option<Uuid> {
        let (id, code) = text.strip_prefix("dsl_")?.split_at_checked(32)?;
        let id: Uuid = id.parse().ok()?;
        self.0.proves(&id.to_string(), code.strip_prefix('_')?).then_some(id)
    }
}

/// A link just made.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// What its text is made of.
    pub id: Uuid,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// Makes a link for a person; their earlier ones are good no more (gateway role).
///
/// # Errors
/// The database failed.
pub async fn make(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    purpose: Purpose,
    made_by: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Link, DbError> {
    spend_all(tx, agent, now).await?;
    add(tx, tenant, agent, purpose, made_by, now).await
}

/// The same, and earlier ones stay good: for whoever has not proved to be the person, and must not spoil their links
/// (gateway role).
///
/// # Errors
/// The database failed.
pub async fn add(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    purpose: Purpose,
    made_by: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Link, DbError> {
    let link = Link { id: Uuid::now_v7(), expires_at: now + purpose.lifetime() };
    sqlx::query(
        "insert into shared.login_token (id, tenant_id, login_id, purpose, made_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(link.id)
    .bind(tenant)
    .bind(agent)
    .bind(purpose)
    .bind(made_by)
    .bind(now)
    .bind(link.expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(link)
}

/// Open links that a person asked for by themselves, at most: whoever knows an address could fill its mailbox.
pub const OPEN_OF_ONES_OWN: i64 = 3;

/// Whether one more may be made of those that a person asks for (gateway role).
///
/// # Errors
/// The database failed.
pub async fn may_ask(tx: &mut Tx, agent: AgentId, now: DateTime<Utc>) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select count(*) < $3 from shared.login_token
         where login_id = $1 and used_at is null and expires_at > $2 and made_by is null",
    )
    .bind(agent)
    .bind(now)
    .bind(OPEN_OF_ONES_OWN)
    .fetch_one(&mut **tx)
    .await?)
}

/// Whom a link was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Addressee {
    /// The person.
    pub agent: AgentId,
    /// The person's tenant.
    pub tenant: TenantId,
}

/// Whether the text is a link that is good now, without using it: no password is computed for any other.
///
/// # Errors
/// The database failed.
pub async fn look(
    tx: &mut Tx,
    tokens: &LinkTokens,
    text: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let Some(id) = tokens.read(text) else { return Ok(false) };
    Ok(sqlx::query_scalar(
        "select exists (select from shared.login_token t join shared.login l on l.id = t.login_id
                        where t.id = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3
                          and l.disabled_at is null)",
    )
    .bind(id)
    .bind(purpose)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?)
}

/// Uses a link; none when it is none, was used, has expired, or is for something else (gateway role). Of two at once
/// one gets it.
///
/// # Errors
/// The database failed.
pub async fn spend(
    tx: &mut Tx,
    tokens: &LinkTokens,
    text: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<Addressee>, DbError> {
    let Some(id) = tokens.read(text) else { return Ok(None) };
    Ok(sqlx::query_as(
        "update shared.login_token t set used_at = $3 from shared.login l
         where t.id = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3
           and l.id = t.login_id and l.disabled_at is null
         returning t.login_id as agent, t.tenant_id as tenant",
    )
    .bind(id)
    .bind(purpose)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes every open link of a person useless (gateway role).
///
/// # Errors
/// The database failed.
pub async fn spend_all(tx: &mut Tx, agent: AgentId, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query("update shared.login_token set used_at = $2 where login_id = $1 and used_at is null")
        .bind(agent)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_links_text_cannot_be_made_up() {
        let tokens = LinkTokens::new(&"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key"));
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        let text = tokens.text(one);
        assert_eq!(tokens.read(&text), Some(one));
        let swapped = text.replace(&one.simple().to_string(), &other.simple().to_string());
        for bad in ["", "dsl_", "dsl_é", &text[..text.len() - 1], &swapped, &text.replace("dsl", "dsr")] {
            assert_eq!(tokens.read(bad), None, "{bad}");
        }
    }
}
