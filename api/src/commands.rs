//! The commands of the `api` program beside serving: tenants, keys, people, and the connection to a help desk.
//!
//! They are how an installation gets its first tenant and key, so they need the database and nothing else.
//! A new key is printed alone on standard output, once; hints go to standard error. What is done is audited.

mod arguments;
mod people;
mod preview;

use std::ffi::OsString;
use std::process::ExitCode;

use accounts::api_keys::{self, KeySummary, Scope};
use accounts::audit;
use accounts::base_url::Loopback;
use accounts::integrations::{self, Gorgias, IntegrationError};
use accounts::people::oidc::Oidc;
use accounts::seal::MasterKey;
use accounts::tenants::{self, CreateTenantError, Tenant};
use accounts::verify::{Mode, Verification};
use boot::env;
use chrono::{Days, Utc};
use clap::Parser;
use database::ids::TenantId;
use database::{Db, DbError, Tx};
use serde_json::json;

use arguments::{Arguments, Command};

/// The command that the arguments ask for; none when the process is to serve, or to print what every process prints.
///
/// # Errors
/// The exit code, when the arguments are wrong or were about the help: that was said already.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Command>, ExitCode> {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => Ok(arguments.command),
        Err(error) => Err(boot::arguments::end("api", &error)),
    }
}

/// Runs a command. The exit code is 0 when it is done, 1 when it failed, and 2 when a setting is wrong; an error is
/// one line.
pub fn run(command: Command) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(CommandError::Start).and_then(|runtime| runtime.block_on(execute(command)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("api: {error}");
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

/// Why a command was not done. Each text is one line and says what to do.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Setting(#[from] boot::SettingError),
    #[error("the command cannot start: {0}")]
    Start(std::io::Error),
    #[error("there is no tenant {0:?}; create it with: api create-tenant --slug {0} --name NAME")]
    NoTenant(String),
    #[error("there is no key with the prefix {0:?} that is not revoked; see: api list-keys --tenant SLUG")]
    NoKey(String),
    #[error("--name: must have 1-200 characters")]
    BadName,
    #[error("--timezone: {0:?} is no time zone; it should be like Europe/Berlin")]
    BadTimezone(String),
    #[error("the tenant was not created: {0}")]
    Tenant(CreateTenantError),
    #[error("--{0}: {1}")]
    Person(&'static str, String),
    #[error("the help desk was not connected: {0}")]
    Integration(#[from] IntegrationError),
    #[error("the file cannot be imported: {0}")]
    Preview(#[from] platform::orders::reading::ReadError),
    #[error("the database does not answer; check DATABASE_URL and that the server runs")]
    Unavailable,
    #[error("{0}; has the schema been migrated (run: migrate)?")]
    Database(DbError),
}

impl CommandError {
    fn is_usage(&self) -> bool {
        matches!(self, CommandError::Setting(_))
    }
}

impl From<DbError> for CommandError {
    fn from(error: DbError) -> CommandError {
        if error.is_unavailable() { CommandError::Unavailable } else { CommandError::Database(error) }
    }
}

impl From<sqlx::Error> for CommandError {
    fn from(error: sqlx::Error) -> CommandError {
        DbError::from(error).into()
    }
}

async fn execute(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Import(arguments) => println!("{}", preview::run(arguments)?),
        Command::Openapi => println!("{}", crate::openapi_json()),
        Command::Settings => print!("{}", env::table(&crate::settings::all())),
        Command::CreateTenant { slug, name, timezone } => create_tenant(&slug, &name, &timezone).await?,
        Command::CreateKey { tenant, name, scopes, expires_days } => {
            create_key(&tenant, name, &scopes, expires_days).await?;
        }
        Command::CreateAgent { tenant, email, name, role, password_stdin } => {
            let new = people::NewPerson { tenant, email, name, role, password_stdin };
            people::create(&new).await?;
        }
        Command::Permissions => print!("{}", accounts::people::permissions::document()),
        Command::ListKeys { tenant } => list_keys(&tenant).await?,
        Command::RevokeKey { prefix } => revoke_key(&prefix).await?,
        Command::ConnectOidc { tenant, issuer, client_id, creates, allow_loopback } => {
            let loopback = if allow_loopback { Loopback::Allowed } else { Loopback::Refused };
            let secret = env::secret("OIDC_CLIENT_SECRET", "the client's secret at the issuer")?;
            let settings = Oidc { issuer, client_id, client_secret: secret.expose().to_owned(), creates };
            people::connect_oidc(&tenant, &settings, loopback).await?;
        }
        Command::ConnectGorgias { tenant, base_url, email, verify, allow_loopback } => {
            let loopback = if allow_loopback { Loopback::Allowed } else { Loopback::Refused };
            let settings = Gorgias {
                base_url,
                email,
                api_key: env::secret("GORGIAS_API_KEY", "the API key of the help desk's user")?
                    .expose()
                    .to_owned(),
                verification: Some(Verification { mode: verify, secrets: webhook_secrets()? }),
            };
            connect_gorgias(&tenant, &settings, loopback).await?;
        }
    }
    Ok(())
}

async fn create_tenant(slug: &str, name: &str, timezone: &str) -> Result<(), CommandError> {
    let mut tx = database()?.gateway_tx().await?;
    let known: bool = sqlx::query_scalar("select exists (select from pg_timezone_names where name = $1)")
        .bind(timezone)
        .fetch_one(&mut *tx)
        .await?;
    if !known {
        return Err(CommandError::BadTimezone(timezone.to_owned()));
    }
    let tenant = tenants::create(&mut tx, slug, name, timezone).await.map_err(|error| match error {
        CreateTenantError::Db(error) => error.into(),
        error => CommandError::Tenant(error),
    })?;
    record(&mut tx, tenant.id, "tenant.create", &format!("tenant:{}", tenant.id), json!({ "slug": slug }))
        .await?;
    tx.commit().await?;
    println!("{}", tenant.id);
    eprintln!(
        "tenant {slug} created; next: api create-key --tenant {slug} --scopes jobs:read,jobs:write --name NAME"
    );
    Ok(())
}

async fn create_key(
    slug: &str,
    name: Option<String>,
    scopes: &[Scope],
    expires_days: Option<u32>,
) -> Result<(), CommandError> {
    let now = Utc::now();
    let name = name.unwrap_or_else(|| format!("made on {}", now.format("%Y-%m-%d")));
    let expires_at = expires_days.and_then(|days| now.checked_add_days(Days::new(u64::from(days))));
    let mut tx = database()?.gateway_tx().await?;
    let tenant = find_tenant(&mut tx, slug).await?;
    let key = api_keys::create(&mut tx, tenant.id, &name, scopes, expires_at).await.map_err(|error| {
        if error.violates("api_key_name_length") { CommandError::BadName } else { error.into() }
    })?;
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let detail = json!({ "prefix": key.prefix, "scopes": names, "expires_at": expires_at });
    record(&mut tx, tenant.id, "key.create", &format!("key:{}", key.id), detail).await?;
    tx.commit().await?;
    println!("{}", key.text.reveal());
    eprintln!(
        "this key is shown once; send it as: X-API-Key. End it with: api revoke-key --prefix {}",
        key.prefix
    );
    Ok(())
}

async fn list_keys(slug: &str) -> Result<(), CommandError> {
    let mut tx = database()?.gateway_tx().await?;
    let tenant = find_tenant(&mut tx, slug).await?;
    println!("{:<14} {:<24} {:<10} {:<17} SCOPES", "PREFIX", "NAME", "STATE", "LAST USED");
    let mut after = None;
    loop {
        let keys = api_keys::list(&mut tx, tenant.id, after, 100).await?;
        for key in &keys {
            println!("{}", key_line(key));
        }
        match keys.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(()),
        }
    }
}

fn key_line(key: &KeySummary) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= Utc::now() => "expired",
        _ => "valid",
    };
    let used =
        key.last_used_at.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string());
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
    format!("{:<14} {:<24} {state:<10} {used:<17} {}", key.prefix, key.name, scopes.join(","))
}

async fn revoke_key(prefix: &str) -> Result<(), CommandError> {
    // Whoever pastes a whole key means its prefix.
    let prefix = prefix.strip_prefix("dsk_").unwrap_or(prefix);
    let prefix = prefix.split('_').next().unwrap_or_default();
    let mut tx = database()?.gateway_tx().await?;
    let found = api_keys::find_by_prefix(&mut tx, prefix).await?;
    let (key, tenant) = found.ok_or_else(|| CommandError::NoKey(prefix.to_owned()))?;
    if !api_keys::revoke(&mut tx, tenant, key).await? {
        return Err(CommandError::NoKey(prefix.to_owned()));
    }
    record(&mut tx, tenant, "key.revoke", &format!("key:{key}"), json!({ "prefix": prefix })).await?;
    tx.commit().await?;
    eprintln!("the key is revoked; running processes forget it within 30 s");
    Ok(())
}

async fn connect_gorgias(slug: &str, settings: &Gorgias, loopback: Loopback) -> Result<(), CommandError> {
    let db = database()?;
    let master_key = master_key(&db).await?;
    let mut tx = db.gateway_tx().await?;
    let tenant = find_tenant(&mut tx, slug).await?;
    integrations::put_gorgias(&mut tx, &master_key, tenant.id, settings, loopback).await.map_err(
        |error| match error {
            IntegrationError::Db(error) => error.into(),
            error => CommandError::Integration(error),
        },
    )?;
    let mode = settings.verification.as_ref().map(|verification| verification.mode);
    let detail = json!({ "base_url": settings.base_url, "verification": mode });
    record(&mut tx, tenant.id, "integration.put", "integration:gorgias", detail).await?;
    tx.commit().await?;
    let header = match mode {
        Some(Mode::Hmac) => "X-Gorgias-Signature: sha256=HMAC of the body under the webhook secret",
        _ => "X-Webhook-Token: the webhook secret",
    };
    eprintln!(
        "connected; let the help desk post to /api/gorgias/webhook with the headers X-Webhook-Tenant: {slug} and {header}. Running processes know it within 30 s"
    );
    Ok(())
}

/// One secret, or two while one replaces the other.
fn webhook_secrets() -> Result<Vec<String>, CommandError> {
    const CURRENT: &str = "GORGIAS_WEBHOOK_SECRET";
    const OLD: &str = "GORGIAS_WEBHOOK_SECRET_OLD";
    const EXPECTED: &str = "the secret that deliveries prove, 16-1000 characters";
    let current = env::secret(CURRENT, EXPECTED)?;
    let given = [(CURRENT, Some(current)), (OLD, env::maybe_secret(OLD))];
    let mut secrets = Vec::new();
    for (name, secret) in given {
        let Some(secret) = secret else { continue };
        if !(16..=1_000).contains(&secret.expose().len()) {
            return Err(env::invalid_secret(name, EXPECTED).into());
        }
        secrets.push(secret.expose().to_owned());
    }
    Ok(secrets)
}

/// The master key, when it is the database's: what is sealed under another one, and a link that it signs, opens nowhere.
async fn master_key(db: &Db) -> Result<MasterKey, CommandError> {
    const NAME: &str = "DESK_MASTER_KEY";
    let expected = "32 bytes in base64, for example from: openssl rand -base64 32";
    let key: MasterKey = env::secret_as(NAME, expected, |key| key.parse().ok())?;
    if accounts::master_key::is_of(db, &key).await? {
        Ok(key)
    } else {
        Err(env::invalid_secret(NAME, accounts::master_key::EXPECTED).into())
    }
}

fn database() -> Result<Db, CommandError> {
    let expected = "postgres://desk_api@host:5432/database";
    let url = env::required("DATABASE_URL", expected)?;
    Db::connect(&url, 1).map_err(|_| env::invalid_secret("DATABASE_URL", expected).into())
}

async fn find_tenant(tx: &mut Tx, slug: &str) -> Result<Tenant, CommandError> {
    tenants::find_by_slug(tx, slug).await?.ok_or_else(|| CommandError::NoTenant(slug.to_owned()))
}

async fn record(
    tx: &mut Tx,
    tenant: TenantId,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), CommandError> {
    let event = audit::Event {
        tenant: Some(tenant),
        actor: "command",
        action,
        subject,
        detail,
        correlation_id: None,
    };
    Ok(audit::record(tx, &event).await?)
}
