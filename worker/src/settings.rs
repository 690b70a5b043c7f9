//! The settings of the worker, declared once.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use accounts::seal::MasterKey;
use boot::{Faults, Secret, Setting, SettingError, env};
use jobs::dispatch::Server;

use questions::usage::Prices;
use upstreams::files::{S3, S3Settings};
use upstreams::mail::server::Protocol;
use upstreams::{Destinations, anthropic, shopify};

use crate::mail_door::MailDoor;

/// Every setting, for `--settings` and the documents.
pub const SETTINGS: &[Setting] = &[
    setting("DATABASE_URL", None, "Postgres, as postgres://desk_worker@host:5432/desk", true),
    setting(
        "REDIS_URL",
        None,
        "Redis >= 7 or Valkey: redis://, rediss://, redis+sentinel://h:p,h:p/NAME, redis+cluster://h:p,h:p",
        true,
    ),
    setting("DESK_REDIS_PREFIX", Some("deskwork"), "prefix of every key in Redis", false),
    setting(
        "DESK_QUEUES",
        Some("ai=4,bulk=1,default=16,imports=2,intelligence=3,ops=2,outbound=32,profiles=4,reading=4"),
        "slots by queue: how many jobs of each run at once in this process",
        false,
    ),
    setting(
        "DESK_DATABASE_CONNECTIONS",
        Some(""),
        "connections to Postgres that the handlers share; one for each of up to 64 slots and four more when left out",
        false,
    ),
    setting("DESK_WORKER_NAME", Some("worker"), "the process's name in lists", false),
    setting(
        "DESK_NICE",
        Some("10"),
        "how far the process, and its session when it leads one, steps back behind others on the machine, such as the api: 0 not at all, to 19",
        false,
    ),
    setting(
        "DESK_GRACE_SECS",
        Some("25"),
        "after SIGTERM, how long running jobs may take to finish before they are handed back; 0 to 600",
        false,
    ),
    setting(
        "DESK_MASTER_KEY",
        None,
        "32 bytes in base64 that seal tenants' secrets; the same in every process",
        true,
    ),
    setting("DESK_IMPORT_DIR", Some("./.local/imports"), "folder of the files to be imported", false),
    setting(
        "DESK_FILES_DIR",
        Some("./.local/files"),
        "folder of the files that come with messages, the same for every process; with a store that speaks S3 it holds only what is arriving",
        false,
    ),
    setting(
        "DESK_ATTACHMENT_MAX_BYTES",
        Some("26214400"),
        "the longest file that comes with a mail, in bytes; longer ones are left out of it",
        false,
    ),
    setting(
        "DESK_FILES_S3_ENDPOINT",
        Some(""),
        "a store that speaks S3, for files instead of the folder; as the api's",
        false,
    ),
    setting("DESK_FILES_S3_REGION", Some("us-east-1"), "its region", false),
    setting("DESK_FILES_S3_BUCKET", Some(""), "its bucket", false),
    setting("DESK_FILES_S3_ACCESS_KEY", Some(""), "the key that may write, read and delete there", false),
    setting("DESK_FILES_S3_SECRET_KEY", Some(""), "its secret", true),
    setting(
        "DESK_MAIL_BIND",
        Some(""),
        "where a mail server hands mail over, as 127.0.0.1:2424; off when empty. It knows neither TLS nor a sign-in: keep it on a private network",
        false,
    ),
    setting("DESK_MAIL_PROTOCOL", Some("lmtp"), "what is spoken there: lmtp or smtp", false),
    setting("DESK_MAIL_MAX_BYTES", Some("26214400"), "the longest mail that is taken there, in bytes", false),
    setting(
        "DESK_ALLOW_LOOPBACK",
        Some("false"),
        "true lets clients call this very machine over http; for the demo and for tests",
        false,
    ),
    setting(
        "DESK_PUBLIC_URL",
        Some(""),
        "where people reach this installation, as for the api: for links in mails and chat, and where shops deliver webhooks; none of these without it",
        false,
    ),
    setting("DESK_SLACK_URL", Some("https://slack.com/api"), "base URL of Slack's Web API", false),
    setting("DESK_PROBE_URL", Some(""), "recording upstream for probes with an effect, on loopback", false),
    setting(
        "ANTHROPIC_API_KEY",
        Some(""),
        "key of the Messages API; without it the built-in drafter writes",
        true,
    ),
    setting("ANTHROPIC_BASE_URL", Some("https://api.anthropic.com"), "base URL of the Messages API", false),
    setting("ANTHROPIC_MODEL", Some("claude-haiku-4-5"), "the model that drafts", false),
    setting("ANTHROPIC_VERSION", Some("2026-10-21"), "value of the anthropic-version header", false),
    setting(
        "SHOPIFY_CLIENT_ID",
        Some(""),
        "the app's public name at Shopify; without it no shop is connected",
        false,
    ),
    setting("SHOPIFY_CLIENT_SECRET", Some(""), "the app's secret; needed with its name", true),
    setting("SHOPIFY_API_VERSION", Some("2026-07"), "version of Shopify's Admin API", false),
    setting(
        "SHOPIFY_BASE_URL",
        Some(""),
        "where every shop is called instead of at its own domain, for tests: BASE/SHOP",
        false,
    ),
    setting(
        "ANTHROPIC_PRICE_INPUT",
        Some("1"),
        "US dollars for a million tokens that the model reads",
        false,
    ),
    setting(
        "ANTHROPIC_PRICE_OUTPUT",
        Some("5"),
        "US dollars for a million tokens that the model writes",
        false,
    ),
    boot::ops::SETTING,
];

const fn setting(
    name: &'static str,
    default: Option<&'static str>,
    meaning: &'static str,
    secret: bool,
) -> Setting {
    Setting { name, default, meaning, secret }
}

/// What a worker process is told.
#[derive(Debug)]
pub struct Settings {
    /// Postgres.
    pub database_url: Secret,
    /// Redis.
    pub redis: Server,
    /// Prefix of every key in Redis.
    pub redis_prefix: String,
    /// Slots by queue.
    pub queues: BTreeMap<String, usize>,
    /// Connections to Postgres that the handlers share; as many as there are slots when none.
    pub database_connections: Option<NonZeroU32>,
    /// For people.
    pub name: String,
    /// How long running jobs may take to finish.
    pub grace: Duration,
    /// Opens tenants' secrets.
    pub master_key: MasterKey,
    /// Folder of files to be imported.
    pub import_dir: PathBuf,
    /// The folder of files that come with messages, or of those that are arriving.
    pub files_dir: PathBuf,
    /// The store that speaks S3, if files are kept there.
    pub files_s3: Option<S3>,
    /// The longest file that comes with a mail, in bytes.
    pub file_limit_bytes: usize,
    /// Where mail is handed over, if anywhere.
    pub mail_door: Option<MailDoor>,
    /// Where clients may call.
    pub destinations: Destinations,
    /// Where people reach the installation, without a trailing slash.
    pub public_url: Option<String>,
    /// Base URL of Slack's Web API.
    pub slack_url: String,
    /// Recording upstream for probes.
    pub probe_url: Option<String>,
    /// Where metrics and health are served, if anywhere.
    pub ops_bind: Option<SocketAddr>,
    /// How the app is known to Shopify, if it is.
    pub shopify: Option<shopify::Settings>,
    /// The model, if a key is set.
    pub anthropic: Option<anthropic::Settings>,
    /// What its tokens cost.
    pub prices: Prices,
}

impl Settings {
    /// Reads them all from the environment; none when one is wrong without which there are no settings.
    pub fn read(faults: &mut Faults) -> Option<Settings> {
        const REDIS: &str = "a Redis URL like redis://host:6379/0";
        const MASTER_KEY: &str = "32 random bytes in base64: openssl rand -base64 32";
        let database_url = faults.keep(database_url());
        let redis = faults.keep(env::secret_as("REDIS_URL", REDIS, |url| Server::new(url).ok()));
        let master_key = faults.keep(env::secret_as("DESK_MASTER_KEY", MASTER_KEY, |key| key.parse().ok()));
        let queues = faults.or_default(queues());
        faults.keep(nice());
        // The stand-in refuses no other setting.
        let loopback = env::choice("DESK_ALLOW_LOOPBACK", false, &[("true", true), ("false", false)]);
        let destinations = match faults.or(loopback, true) {
            true => Destinations::PublicOrLoopback,
            false => Destinations::PublicOnly,
        };
        Some(Settings {
            redis_prefix: faults.or_default(env::redis_prefix()),
            queues,
            database_connections: faults.or_default(database_connections()),
            name: faults.or_default(env::short_name("DESK_WORKER_NAME", "worker", "_-.", 100)),
            grace: faults.or_default(env::duration_secs("DESK_GRACE_SECS", 25.0, 0.0..=600.0)),
            import_dir: folder(faults, "DESK_IMPORT_DIR", "./.local/imports"),
            files_dir: folder(faults, "DESK_FILES_DIR", "./.local/files"),
            files_s3: files_s3(faults),
            file_limit_bytes: faults.or_default(bytes("DESK_ATTACHMENT_MAX_BYTES")),
            mail_door: mail_door(faults),
            destinations,
            public_url: faults.or_default(public_url()),
            slack_url: faults
                .or_default(env::base_url("DESK_SLACK_URL", |url| destinations.base_url(url)))
                .unwrap_or_else(|| "https://slack.com/api".to_owned()),
            // It is on loopback whatever the others may call.
            probe_url: faults.or_default(env::base_url("DESK_PROBE_URL", |url| {
                Destinations::PublicOrLoopback.base_url(url)
            })),
            ops_bind: faults.or_default(boot::ops::bind_from_env()),
            shopify: shopify_settings(faults, destinations),
            anthropic: anthropic_settings(faults, destinations),
            prices: Prices {
                input: faults.or_default(price("ANTHROPIC_PRICE_INPUT", "1")),
                output: faults.or_default(price("ANTHROPIC_PRICE_OUTPUT", "5")),
            },
            // At the end: what is missing leaves the rest unread.
            database_url: database_url?,
            redis: redis?,
            master_key: master_key?,
        })
    }
}

fn database_url() -> Result<Secret, SettingError> {
    const NAME: &str = "DATABASE_URL";
    const EXPECTED: &str = "a Postgres URL like postgres://user@host:5432/name";
    let url = env::secret_url(NAME, &["postgres", "postgresql"], EXPECTED)?;
    jobs::store::connect_options(url.expose()).map_err(|_| env::invalid_secret(NAME, EXPECTED))?;
    Ok(url)
}

fn queues() -> Result<BTreeMap<String, usize>, SettingError> {
    const NAME: &str = "DESK_QUEUES";
    const DEFAULT: &str =
        "ai=4,bulk=1,default=16,imports=2,intelligence=3,ops=2,outbound=32,profiles=4,reading=4";
    let queues = env::optional(NAME, DEFAULT.to_owned(), "like ai=4,default=16")?;
    parse_queues(&queues)
        .ok_or_else(|| env::invalid(NAME, &queues, "like ai=4,default=16, slots from 1 to 10000"))
}

fn folder(faults: &mut Faults, name: &'static str, default: &str) -> PathBuf {
    faults.or_default(env::optional(name, PathBuf::from(default), "a folder"))
}

/// Where people reach the installation, without a trailing slash.
fn public_url() -> Result<Option<String>, SettingError> {
    const NAME: &str = "DESK_PUBLIC_URL";
    const EXPECTED: &str = "an origin such as https://desk.example.com";
    let Some(url) = env::maybe::<String>(NAME, EXPECTED)? else { return Ok(None) };
    let origin = url.trim_end_matches('/');
    let host = ["https://", "http://"].iter().find_map(|scheme| origin.strip_prefix(scheme));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', ' ']) => Ok(Some(origin.to_owned())),
        _ => Err(env::invalid(NAME, &url, EXPECTED)),
    }
}

/// A number of bytes, 25 MiB unless it is said.
fn bytes(name: &'static str) -> Result<usize, SettingError> {
    let bytes = env::number(name, 25 << 20, 1..=1 << 30)?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn mail_door(faults: &mut Faults) -> Option<MailDoor> {
    let protocol = env::choice(
        "DESK_MAIL_PROTOCOL",
        Protocol::Lmtp,
        &[("lmtp", Protocol::Lmtp), ("smtp", Protocol::Smtp)],
    );
    let protocol = faults.or(protocol, Protocol::Lmtp);
    let max_bytes = faults.or_default(bytes("DESK_MAIL_MAX_BYTES"));
    let bind = env::maybe("DESK_MAIL_BIND", "an address with a port, e.g. 127.0.0.1:2424");
    let bind: Option<SocketAddr> = faults.or_default(bind);
    bind.map(|bind| MailDoor { bind, protocol, max_bytes })
}

/// The store that speaks S3, if there is an endpoint; then everything else of it is needed.
fn files_s3(faults: &mut Faults) -> Option<S3> {
    const ENDPOINT: &str = "DESK_FILES_S3_ENDPOINT";
    let endpoint: String = faults.or_default(env::optional(ENDPOINT, String::new(), "a URL"));
    if endpoint.is_empty() {
        return None;
    }
    let needed = "a value, because DESK_FILES_S3_ENDPOINT is set";
    let mut text = |name, default: &str, expected: &str| {
        faults.or_default(env::optional(name, default.to_owned(), expected))
    };
    let (region, bucket) =
        (text("DESK_FILES_S3_REGION", "us-east-1", "a region"), text("DESK_FILES_S3_BUCKET", "", needed));
    let access_key = text("DESK_FILES_S3_ACCESS_KEY", "", needed);
    let secret_key = faults.keep(env::secret("DESK_FILES_S3_SECRET_KEY", needed))?.expose().to_owned();
    let settings = S3Settings { endpoint: endpoint.clone(), region, bucket, access_key, secret_key };
    faults.keep(S3::new(settings).map_err(|fault| env::unfit(ENDPOINT, &endpoint, fault)))
}

/// How far the process steps back behind others on the machine.
///
/// # Errors
/// It is not a number from 0 to 19.
pub fn nice() -> Result<i32, SettingError> {
    let nice = env::number("DESK_NICE", 10, 0..=19)?;
    Ok(i32::try_from(nice).unwrap_or(10))
}

impl Settings {
    /// Jobs that may run at once in this process.
    pub fn slots(&self) -> u32 {
        u32::try_from(self.queues.values().sum::<usize>()).unwrap_or(u32::MAX)
    }
}

/// Dollars as millionths.
fn price(name: &'static str, default: &str) -> Result<u64, SettingError> {
    let text = env::optional(name, default.to_owned(), "US dollars such as 1 or 0.25")?;
    let micros = text.parse::<f64>().ok().filter(|dollars| (0.0..=10_000.0).contains(dollars));
    micros
        .map(|dollars| (dollars * 1e6).round() as u64)
        .ok_or_else(|| env::invalid(name, &text, "US dollars such as 1 or 0.25, 0 to 10000"))
}

fn anthropic_settings(faults: &mut Faults, destinations: Destinations) -> Option<anthropic::Settings> {
    let key = env::maybe_secret("ANTHROPIC_API_KEY")?;
    if !is_plain(key.expose()) {
        let expected = "plain ASCII, which a header can carry";
        faults.keep::<()>(Err(env::invalid_secret("ANTHROPIC_API_KEY", expected)));
    }
    let version = env::passing("ANTHROPIC_VERSION", "2026-10-21", is_plain, "a date like 2026-10-21");
    let model = env::optional("ANTHROPIC_MODEL", "claude-haiku-4-5".to_owned(), "a model's name");
    Some(anthropic::Settings {
        base: faults
            .or_default(env::base_url("ANTHROPIC_BASE_URL", |url| destinations.base_url(url)))
            .unwrap_or_else(|| "https://api.anthropic.com".to_owned()),
        key: key.expose().to_owned(),
        model: faults.or_default(model),
        version: faults.or_default(version),
        max_tokens: 1_500,
    })
}

/// Whether a header can carry it.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn shopify_settings(faults: &mut Faults, destinations: Destinations) -> Option<shopify::Settings> {
    const CLIENT_ID: &str = "SHOPIFY_CLIENT_ID";
    let Some(client_id) = faults.or_default(env::maybe::<String>(CLIENT_ID, "the app's public name")) else {
        env::none_without(faults, CLIENT_ID, &["SHOPIFY_CLIENT_SECRET"]);
        return None;
    };
    let needed = "a value, because SHOPIFY_CLIENT_ID is set";
    let client_secret = faults.keep(env::secret("SHOPIFY_CLIENT_SECRET", needed));
    let version = "a version such as 2026-07";
    let version = env::passing("SHOPIFY_API_VERSION", "2026-07", shopify::is_version, version);
    Some(shopify::Settings {
        client_id,
        version: faults.or_default(version),
        // Asked for by the api, when a shop is connected.
        scopes: String::new(),
        base: faults.or_default(env::base_url("SHOPIFY_BASE_URL", |url| destinations.base_url(url))),
        client_secret: client_secret?.expose().to_owned(),
    })
}

/// The same number as the api's setting of this name; by the slots unless it is said.
fn database_connections() -> Result<Option<NonZeroU32>, SettingError> {
    const NAME: &str = "DESK_DATABASE_CONNECTIONS";
    const EXPECTED: &str = "a whole number from 1 to 1000";
    let Some(number) = env::maybe::<NonZeroU32>(NAME, EXPECTED)? else { return Ok(None) };
    if number.get() > 1_000 {
        Err(env::invalid(NAME, &number.to_string(), EXPECTED))
    } else {
        Ok(Some(number))
    }
}

fn parse_queues(text: &str) -> Option<BTreeMap<String, usize>> {
    let mut queues = BTreeMap::new();
    for part in text.split(',') {
        let (queue, slots) = part.trim().split_once('=')?;
        let slots: usize = slots.parse().ok()?;
        let named =
            !queue.is_empty() && queue.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !named || !(1..=10_000).contains(&slots) || queues.insert(queue.to_owned(), slots).is_some() {
            return None;
        }
    }
    Some(queues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_them() {
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&env::table(SETTINGS)), "take it from: target/debug/worker --settings");
    }

    #[test]
    fn queues_are_read_strictly() {
        assert_eq!(parse_queues("ai=4, default=16").map(|queues| queues.len()), Some(2));
        for bad in ["", "ai", "ai=", "ai=0", "ai=x", "ai=4,ai=5", "a b=1", "ai=10001"] {
            assert!(parse_queues(bad).is_none(), "{bad}");
        }
    }
}
