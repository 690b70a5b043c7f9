//! The shop's mailboxes: an address, the server that its mail leaves through, and the token with which programs hand mail
//! in. Password, key and token are never told again: the first two are sealed, of the token a hash is kept.

use accounts::seal::{MasterKey, UnsealError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx, address};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use uuid::Uuid;

use super::normal_address;
use crate::tickets::TicketError;
use crate::tickets::words::REPLY_LIMIT;

/// Mailboxes of a shop.
const MOST: i64 = 100;
/// What a token begins with.
const TOKEN_PREFIX: &str = "dsm_";
/// Bytes of a token's secret part.
const SECRET_BYTES: usize = 24;

/// A mailbox.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct Mailbox {
    /// Identity.
    pub id: Uuid,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its address, in small letters.
    pub address: String,
    /// The name beside it.
    pub display_name: Option<String>,
    /// Whether tickets are answered from it that came to no mailbox.
    pub is_default: bool,
    /// The server that its mail leaves through.
    pub smtp_host: Option<String>,
    /// Its port.
    pub smtp_port: Option<i32>,
    /// tls, starttls or plain.
    pub smtp_security: Option<String>,
    /// Who signs in there.
    pub smtp_username: Option<String>,
    /// For which domain its mail is signed.
    pub dkim_domain: Option<String>,
    /// Under which selector.
    pub dkim_selector: Option<String>,
    /// What a customer is told at once.
    pub acknowledgement: Option<String>,
    /// When mail last left.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// When mail last came.
    pub last_received_at: Option<DateTime<Utc>>,
    /// What last went wrong.
    pub last_error: Option<String>,
    /// When.
    pub last_error_at: Option<DateTime<Utc>>,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was given up.
    pub disabled_at: Option<DateTime<Utc>>,
    sealed_secrets: Vec<u8>,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").field("id", &self.id).finish_non_exhaustive()
    }
}

const COLUMNS: &str = "b.id, b.tenant_id, b.address, b.display_name, b.is_default, b.smtp_host, b.smtp_port, \
    b.smtp_security, b.smtp_username, b.dkim_domain, b.dkim_selector, b.acknowledgement, b.last_sent_at, b.last_error, \
    b.last_error_at, b.version, b.created_at, b.disabled_at, b.sealed_secrets, \
    (select m.received_at from support_app.mail m where m.mailbox_id = b.id order by m.received_at desc limit 1) \
    as last_received_at";

/// What is sealed.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Secrets {
    /// The password of the server.
    pub password: Option<String>,
    /// The key that signs.
    pub dkim_key: Option<String>,
}

/// What a mailbox is to be.
#[derive(Clone)]
pub struct Wanted {
    /// Its address.
    pub address: String,
    /// The name beside it.
    pub display_name: Option<String>,
    /// Whether it is the default one; the one before is none any more.
    pub is_default: bool,
    /// The server, if mail leaves from it.
    pub smtp: Option<Smtp>,
    /// How its mail is signed, if it is.
    pub dkim: Option<Dkim>,
    /// What a customer is told at once, if anything.
    pub acknowledgement: Option<String>,
}

/// A server that mail leaves through.
#[derive(Clone)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: i32,
    /// tls, starttls or plain.
    pub security: String,
    /// Who signs in.
    pub username: Option<String>,
    /// With what; none keeps the one that is known.
    pub password: Option<String>,
}

/// How mail is signed.
#[derive(Clone)]
pub struct Dkim {
    /// For which domain.
    pub domain: String,
    /// Under which selector.
    pub selector: String,
    /// With which key; none keeps the one that is known.
    pub key: Option<String>,
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted").finish_non_exhaustive()
    }
}

/// The shop's mailboxes, by address (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, with_disabled: bool) -> Result<Vec<Mailbox>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.mailbox b
         where b.tenant_id = (select shared.current_tenant()) and ($1 or b.disabled_at is null)
         order by b.address, b.created_at limit $2"
    )))
    .bind(with_disabled)
    .bind(MOST * 2)
    .fetch_all(&mut **tx)
    .await?)
}

/// One of them (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Mailbox>, DbError> {
    one(tx, "b.id = $1 and b.disabled_at is null", id).await
}

/// One of them, also when it was given up (support role).
///
/// # Errors
/// The database failed.
pub(crate) async fn get_any(tx: &mut Tx, id: Uuid) -> Result<Option<Mailbox>, DbError> {
    one(tx, "b.id = $1", id).await
}

/// The one of a ticket, or the default one, if mail can leave from it (support role).
///
/// # Errors
/// The database failed.
pub async fn to_send_from(tx: &mut Tx, preferred: Option<Uuid>) -> Result<Option<Mailbox>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.mailbox b
         where b.tenant_id = (select shared.current_tenant()) and b.disabled_at is null and b.smtp_host is not null
           and (b.id = $1 or b.is_default)
         order by (b.id = $1) is true desc limit 1"
    )))
    .bind(preferred)
    .fetch_optional(&mut **tx)
    .await?)
}

async fn one(tx: &mut Tx, condition: &str, id: Uuid) -> Result<Option<Mailbox>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.mailbox b where {condition}"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The one of an address, whoever's it is: its shop and itself (support role, no tenant needed). What stands behind a `+` is a
/// sender's own mark, unless a mailbox is called so.
///
/// # Errors
/// The database failed.
pub async fn of_address(tx: &mut Tx, address: &str) -> Result<Option<(TenantId, Uuid)>, DbError> {
    for address in forms(address) {
        let found = sqlx::query_as("select tenant_id, mailbox_id from support_app.mailbox_of($1)")
            .bind(address)
            .fetch_optional(&mut **tx)
            .await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether mail to this address comes to a mailbox of the shop (support role).
///
/// # Errors
/// The database failed.
pub(crate) async fn is_own(tx: &mut Tx, address: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (select from support_app.mailbox where tenant_id = (select shared.current_tenant())
                                                          and address = any($1) and disabled_at is null)",
    )
    .bind(forms(address))
    .fetch_one(&mut **tx)
    .await?)
}

/// An address as it is compared, and without its mark: `help+order-7@shop.example` comes to `help@shop.example`.
fn forms(address: &str) -> Vec<String> {
    let Some(address) = normal_address(address) else { return Vec::new() };
    let unmarked = address.rsplit_once('@').and_then(|(local, domain)| {
        let (name, _) = local.split_once('+').filter(|(name, _)| !name.is_empty())?;
        Some(format!("{name}@{domain}"))
    });
    std::iter::once(address.clone()).chain(unmarked).collect()
}

/// Makes one (support role); the token is told this once.
///
/// # Errors
/// A value does not fit, the address is taken, or the database failed.
pub async fn create(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    wanted: &Wanted,
) -> Result<(Mailbox, String), TicketError> {
    let address = check(wanted)?;
    if list(tx, false).await?.len() as i64 >= MOST {
        return Err(TicketError::Conflict(format!("a shop has at most {MOST} mailboxes")));
    }
    let id = Uuid::now_v7();
    let (token, hash) = new_token(tenant, id);
    if wanted.is_default {
        no_default(tx).await?;
    }
    let secrets = kept_secrets(&Secrets::default(), wanted);
    let made = sqlx::query_scalar::<_, Uuid>(
        "insert into support_app.mailbox (id, tenant_id, address, display_name, is_default, smtp_host, smtp_port,
             smtp_security, smtp_username, dkim_domain, dkim_selector, sealed_secrets, token_hash, acknowledgement)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         on conflict (address) where disabled_at is null do nothing returning id",
    )
    .bind(id)
    .bind(tenant)
    .bind(&address)
    .bind(&wanted.display_name)
    .bind(wanted.is_default)
    .bind(wanted.smtp.as_ref().map(|smtp| smtp.host.as_str()))
    .bind(wanted.smtp.as_ref().map(|smtp| smtp.port))
    .bind(wanted.smtp.as_ref().map(|smtp| smtp.security.as_str()))
    .bind(wanted.smtp.as_ref().and_then(|smtp| smtp.username.as_deref()))
    .bind(wanted.dkim.as_ref().map(|dkim| dkim.domain.as_str()))
    .bind(wanted.dkim.as_ref().map(|dkim| dkim.selector.as_str()))
    .bind(seal(key, tenant, id, &secrets))
    .bind(hash)
    .bind(&wanted.acknowledgement)
    .fetch_optional(&mut **tx)
    .await?;
    if made.is_none() {
        return Err(TicketError::Conflict("the address is a mailbox already; an address has one".to_owned()));
    }
    let mailbox = get(tx, id).await?.ok_or(TicketError::Unknown("mailbox"))?;
    Ok((mailbox, token))
}

/// Changes one (support role). `version` is the one that the caller knows, if it is to be that.
///
/// # Errors
/// There is none, a value does not fit, it was changed meanwhile, or the database failed.
pub async fn put(
    tx: &mut Tx,
    key: &MasterKey,
    id: Uuid,
    wanted: &Wanted,
    version: Option<i64>,
) -> Result<Mailbox, TicketError> {
    let address = check(wanted)?;
    sqlx::query("select from support_app.mailbox where id = $1 for update")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    let known = get(tx, id).await?.ok_or(TicketError::Unknown("mailbox"))?;
    if version.is_some_and(|version| version != known.version) {
        return Err(TicketError::Stale(known.version));
    }
    if address != known.address {
        return Err(TicketError::field(
            "address",
            "cannot be changed; make another mailbox, and delete this one",
        ));
    }
    if wanted.is_default && !known.is_default {
        no_default(tx).await?;
    }
    // Secrets that no longer open are replaced by those that are told.
    let secrets = kept_secrets(&secrets(&known, key).unwrap_or_default(), wanted);
    sqlx::query(
        "update support_app.mailbox set display_name = $2, is_default = $3, smtp_host = $4, smtp_port = $5,
             smtp_security = $6, smtp_username = $7, dkim_domain = $8, dkim_selector = $9, sealed_secrets = $10,
             acknowledgement = $11, last_error = null, last_error_at = null, version = version + 1, updated_at = now()
         where id = $1",
    )
    .bind(id)
    .bind(&wanted.display_name)
    .bind(wanted.is_default)
    .bind(wanted.smtp.as_ref().map(|smtp| smtp.host.as_str()))
    .bind(wanted.smtp.as_ref().map(|smtp| smtp.port))
    .bind(wanted.smtp.as_ref().map(|smtp| smtp.security.as_str()))
    .bind(wanted.smtp.as_ref().and_then(|smtp| smtp.username.as_deref()))
    .bind(wanted.dkim.as_ref().map(|dkim| dkim.domain.as_str()))
    .bind(wanted.dkim.as_ref().map(|dkim| dkim.selector.as_str()))
    .bind(seal(key, known.tenant_id, id, &secrets))
    .bind(&wanted.acknowledgement)
    .execute(&mut **tx)
    .await?;
    get(tx, id).await?.ok_or(TicketError::Unknown("mailbox"))
}

/// A new token in place of the one before (support role).
///
/// # Errors
/// There is no such mailbox, or the database failed.
pub async fn renew_token(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<String, TicketError> {
    let (token, hash) = new_token(tenant, id);
    let done = sqlx::query(
        "update support_app.mailbox set token_hash = $2, version = version + 1, updated_at = now()
         where id = $1 and disabled_at is null",
    )
    .bind(id)
    .bind(hash)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(token) } else { Err(TicketError::Unknown("mailbox")) }
}

/// Gives one up (support role): nothing comes to it and nothing leaves from it any more.
///
/// # Errors
/// There is no such mailbox, or the database failed.
pub async fn disable(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> Result<(), TicketError> {
    let done = sqlx::query(
        "update support_app.mailbox set disabled_at = $2, is_default = false, version = version + 1, updated_at = now()
         where id = $1 and disabled_at is null",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(TicketError::Unknown("mailbox")) }
}

/// Notes how a sending went (support role); a success at most once a minute, because many mails leave at once.
///
/// # Errors
/// The database failed.
pub async fn note(tx: &mut Tx, id: Uuid, error: Option<&str>, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.mailbox set
             last_sent_at = case when $2::text is null then $3 else last_sent_at end,
             last_error = $2, last_error_at = case when $2::text is null then null else $3 end
         where id = (select b.id from support_app.mailbox b where b.id = $1
                       and ($2::text is not null or b.last_error is not null or b.last_sent_at is null
                            or b.last_sent_at < $3 - interval '1 minute')
                     for update skip locked)",
    )
    .bind(id)
    .bind(error)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Opens its secrets.
///
/// # Errors
/// They do not open under this key.
pub fn secrets(mailbox: &Mailbox, key: &MasterKey) -> Result<Secrets, UnsealError> {
    let plain = key.unseal(&owner(mailbox.tenant_id, mailbox.id), &mailbox.sealed_secrets)?;
    serde_json::from_slice(&plain).map_err(|_| UnsealError)
}

/// Whose token it says that it is. It is not proven yet: [`proves`].
pub fn read_token(token: &str) -> Option<(TenantId, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(TOKEN_PREFIX)?).ok()?;
    let (tenant, rest) = bytes.split_first_chunk::<16>()?;
    let (mailbox, secret) = rest.split_first_chunk::<16>()?;
    (secret.len() == SECRET_BYTES).then(|| (TenantId(Uuid::from_bytes(*tenant)), Uuid::from_bytes(*mailbox)))
}

/// Whether the token is the mailbox's (support role).
///
/// # Errors
/// The database failed.
pub async fn proves(tx: &mut Tx, mailbox: Uuid, token: &str) -> Result<bool, DbError> {
    // The hash is of 192 random bits, so comparing it tells nobody anything.
    Ok(sqlx::query_scalar(
        "select exists (select from support_app.mailbox where id = $1 and token_hash = $2 and disabled_at is null)",
    )
    .bind(mailbox)
    .bind(hash(token))
    .fetch_one(&mut **tx)
    .await?)
}

fn new_token(tenant: TenantId, mailbox: Uuid) -> (String, Vec<u8>) {
    let secret = rand::random::<[u8; SECRET_BYTES]>();
    let bytes = [tenant.0.as_bytes().as_slice(), mailbox.as_bytes(), &secret].concat();
    let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = hash(&token);
    (token, hash)
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn owner(tenant: TenantId, mailbox: Uuid) -> String {
    format!("{tenant}:mailbox:{mailbox}")
}

fn seal(key: &MasterKey, tenant: TenantId, mailbox: Uuid, secrets: &Secrets) -> Vec<u8> {
    let plain = serde_json::to_vec(secrets).expect("texts are serialisable");
    key.seal(&owner(tenant, mailbox), &plain)
}

fn kept_secrets(known: &Secrets, wanted: &Wanted) -> Secrets {
    let password = wanted.smtp.as_ref().filter(|smtp| smtp.username.is_some());
    Secrets {
        password: password.and_then(|smtp| smtp.password.clone().or_else(|| known.password.clone())),
        dkim_key: wanted.dkim.as_ref().and_then(|dkim| dkim.key.clone().or_else(|| known.dkim_key.clone())),
    }
}

async fn no_default(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.mailbox set is_default = false
         where tenant_id = (select shared.current_tenant()) and is_default",
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The address, when everything fits.
fn check(wanted: &Wanted) -> Result<String, TicketError> {
    let wrong = |field: &str, problem: &str| Err(TicketError::field(field, problem));
    let address = address::normal(&wanted.address)
        .map_err(|problem| TicketError::field("address", problem.to_string()))?;
    let is_word = |text: &str, most: usize| {
        (1..=most).contains(&text.chars().count()) && !text.contains(|c: char| c.is_control())
    };
    if wanted.display_name.as_deref().is_some_and(|name| !is_word(name, 200)) {
        return wrong("display_name", "must have 1 to 200 characters and no line breaks");
    }
    if wanted
        .acknowledgement
        .as_deref()
        .is_some_and(|text| text.trim().is_empty() || text.chars().count() > REPLY_LIMIT)
    {
        return wrong("acknowledgement", "must have 1 to 20000 characters, or be null for none");
    }
    if let Some(smtp) = &wanted.smtp {
        if !is_word(&smtp.host, 253) || smtp.host.contains(['/', '@', ' ']) {
            return wrong("smtp.host", "must be the name of a mail server such as smtp.shop.example");
        }
        if !(1..=65_535).contains(&smtp.port) {
            return wrong("smtp.port", "must be a port such as 465 or 587");
        }
        if !matches!(smtp.security.as_str(), "tls" | "starttls" | "plain") {
            return wrong(
                "smtp.security",
                "must be tls (port 465), starttls (port 587), or plain for this very machine",
            );
        }
        let is_secret = |text: &str| is_word(text, 1_000);
        if smtp.username.as_deref().is_some_and(|name| !is_secret(name)) {
            return wrong("smtp.username", "must have 1 to 1000 characters");
        }
        if smtp.password.as_deref().is_some_and(|password| !is_secret(password)) {
            return wrong("smtp.password", "must have 1 to 1000 characters");
        }
    }
    if let Some(dkim) = &wanted.dkim {
        let is_name = |text: &str| {
            is_word(text, 253)
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        if !is_name(&dkim.domain) {
            return wrong("dkim.domain", "must be a domain such as shop.example");
        }
        if !is_name(&dkim.selector) {
            return wrong("dkim.selector", "must be the name under ._domainkey, such as desk1");
        }
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_mailbox_and_cannot_be_made_up() {
        let (tenant, mailbox) = (TenantId::new(), Uuid::now_v7());
        let (token, known) = new_token(tenant, mailbox);
        assert_eq!(read_token(&token), Some((tenant, mailbox)));
        assert_eq!(hash(&token), known);
        for bad in ["", "dsm_", "dsk_x", &token[..token.len() - 2], &format!("{token}AA")] {
            assert_eq!(read_token(bad), None, "{bad}");
        }
    }
}
