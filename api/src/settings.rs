//! The settings of the `api` process: one table, and reading them at boot.

mod origins;
mod table;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use accounts::seal::MasterKey;
use boot::{Faults, Secret, Setting, SettingError, env, telemetry};
use jobs::dispatch::Server;
use upstreams::files::{S3, S3Settings};
use upstreams::{Destinations, shopify};

use origins::{Hosts, Origin, Origins};
pub use table::SETTINGS;

/// All settings that the process reads, those of logs and traces included.
pub fn all() -> Vec<Setting> {
    SETTINGS.iter().chain(telemetry::SETTINGS).copied().collect()
}

/// Requests that a key may make in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Everything that has no limit of its own.
    pub general_per_minute: NonZeroU32,
    /// Webhook deliveries.
    pub webhooks_per_minute: NonZeroU32,
    /// Drafts and whatever else a model may be asked for.
    pub ai_per_minute: NonZeroU32,
    /// Previews and evaluations of segments.
    pub segments_per_minute: NonZeroU32,
}

/// What slow clients and slow requests may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Connections held at once; more wait in the listener's queue.
    pub connections: usize,
    /// How long a connection may take to send the head of a request, and how long it may sit idle.
    pub head: Duration,
    /// How long a request's body may send nothing.
    pub body: Duration,
    /// How long a request may take until its answer begins.
    pub request: Duration,
    /// The same for an upload of orders.
    pub upload: Duration,
    /// How long a tool that an assistant calls may take before the call becomes a job.
    pub tool: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connections: 4_096,
            head: Duration::from_secs(65),
            body: Duration::from_secs(30),
            request: Duration::from_secs(120),
            upload: Duration::from_secs(3_600),
            tool: Duration::from_secs(2),
        }
    }
}

/// The settings, read. Its `Debug` form shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Postgres.
    pub database_url: Secret,
    /// Redis.
    pub redis_url: Secret,
    /// What the names of all keys in Redis begin with.
    pub redis_prefix: String,
    /// The key that stored secrets are sealed under.
    pub master_key: MasterKey,
    /// Where to listen.
    pub bind: SocketAddr,
    /// Connections to Postgres at most.
    pub database_connections: u32,
    /// The folder of files to import.
    pub import_dir: PathBuf,
    /// The largest upload, in bytes.
    pub import_max_bytes: u64,
    /// The folder of files that come with messages, or of those that are arriving.
    pub files_dir: PathBuf,
    /// The store that speaks S3, if files are kept there.
    pub files_s3: Option<S3>,
    /// The largest file that comes with a message, in bytes.
    pub attachment_max_bytes: u64,
    /// The longest mail that may be handed in, in bytes.
    pub mail_max_bytes: usize,
    /// The rate limits.
    pub rates: Rates,
    /// Reads that scan which may run at once.
    pub scans_at_once: usize,
    /// What slow clients and slow requests may take.
    pub patience: Patience,
    /// People in browsers.
    pub people: People,
    /// How this installation is known to Shopify, if it is.
    pub shopify: Option<shopify::Settings>,
    /// The secret at Shopify that is being replaced.
    pub shopify_secret_before: Option<Secret>,
    /// Names under which the Model Context Protocol may be reached besides.
    pub mcp_hosts: Vec<String>,
    /// The installation's Slack app, if it has one.
    pub slack: Option<SlackApp>,
    /// Base URL of Slack's Web API.
    pub slack_url: String,
}

/// An app that was made at Slack, and may be installed into workspaces.
#[derive(Clone, Debug)]
pub struct SlackApp {
    /// Its public name.
    pub client_id: String,
    /// What a code is exchanged with.
    pub client_secret: Secret,
    /// What Slack signs its requests with.
    pub signing_secret: Secret,
    /// Slack's page, on which somebody agrees.
    pub authorize_url: String,
}

impl SlackApp {
    fn read(faults: &mut Faults) -> Option<SlackApp> {
        const CLIENT_ID: &str = "DESK_SLACK_CLIENT_ID";
        const EXPECTED: &str = "as Slack shows it";
        let Some(client_id) = faults.or_default(env::maybe::<String>(CLIENT_ID, EXPECTED)) else {
            env::none_without(faults, CLIENT_ID, &["DESK_SLACK_CLIENT_SECRET", "DESK_SLACK_SIGNING_SECRET"]);
            return None;
        };
        let client_secret = faults.keep(env::secret("DESK_SLACK_CLIENT_SECRET", EXPECTED));
        let signing_secret = faults.keep(env::secret("DESK_SLACK_SIGNING_SECRET", EXPECTED));
        Some(SlackApp {
            client_id,
            client_secret: client_secret?,
            signing_secret: signing_secret?,
            authorize_url: "https://slack.com/oauth/v2/authorize".to_owned(),
        })
    }
}

/// How people in browsers come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Where people reach the installation, without a trailing slash.
    pub public_url: Option<String>,
    /// Origins of other web applications that may call with a person's cookie.
    pub origins: Vec<String>,
    /// Whether another system for signing in may be on this machine.
    pub allow_loopback: bool,
    /// Tries to sign in that one address may make in a minute.
    pub sign_ins_per_minute: NonZeroU32,
}

impl People {
    /// Where clients may call.
    pub fn destinations(&self) -> Destinations {
        destinations(self.allow_loopback)
    }
}

fn destinations(allow_loopback: bool) -> Destinations {
    if allow_loopback { Destinations::PublicOrLoopback } else { Destinations::PublicOnly }
}

impl Default for People {
    fn default() -> People {
        let sign_ins_per_minute = NonZeroU32::new(120).expect("not zero");
        People { public_url: None, origins: Vec::new(), allow_loopback: false, sign_ins_per_minute }
    }
}

impl Settings {
    /// Reads them from the environment; none when one is wrong without which there are no settings.
    pub fn read(faults: &mut Faults) -> Option<Settings> {
        const BIND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
        let database_url = faults.keep(database_url());
        let redis_url = faults.keep(redis_url());
        let master_key = "32 bytes in base64, for example from: openssl rand -base64 32";
        let master_key = faults.keep(env::secret_as("DESK_MASTER_KEY", master_key, |key| key.parse().ok()));
        // The stand-ins of these refuse no other setting.
        let loopback = env::choice("DESK_ALLOW_LOOPBACK", false, &[("true", true), ("false", false)]);
        let allow_loopback = faults.or(loopback, true);
        let destinations = destinations(allow_loopback);
        let database_connections = number("DESK_DATABASE_CONNECTIONS", 16, 1000);
        let database_connections = faults.or(database_connections, NonZeroU32::MAX).get();
        let mut rate = |name, default| faults.or(number(name, default, MAX_RATE), NonZeroU32::MIN);
        let rates = Rates {
            general_per_minute: rate("DESK_RATE_GENERAL_PER_MINUTE", 6_000),
            webhooks_per_minute: rate("DESK_RATE_WEBHOOKS_PER_MINUTE", 60_000),
            ai_per_minute: rate("DESK_RATE_AI_PER_MINUTE", 300),
            segments_per_minute: rate("DESK_RATE_SEGMENTS_PER_MINUTE", 120),
        };
        let sign_ins_per_minute = rate("DESK_RATE_SIGN_INS_PER_MINUTE", 120);
        Some(Settings {
            redis_prefix: faults.or_default(env::redis_prefix()),
            bind: faults
                .or(env::optional("DESK_BIND", BIND, "an address with a port, e.g. 127.0.0.1:8080"), BIND),
            database_connections,
            import_dir: folder(faults, "DESK_IMPORT_DIR", "./.local/imports"),
            import_max_bytes: faults.or_default(env::number("DESK_IMPORT_MAX_BYTES", 1 << 30, 1..=1 << 40)),
            files_dir: folder(faults, "DESK_FILES_DIR", "./.local/files"),
            files_s3: files_s3(faults),
            attachment_max_bytes: faults.or_default(bytes("DESK_ATTACHMENT_MAX_BYTES")),
            mail_max_bytes: usize::try_from(faults.or_default(bytes("DESK_MAIL_MAX_BYTES")))
                .unwrap_or(usize::MAX),
            rates,
            scans_at_once: faults.or_default(scans_at_once(database_connections)),
            patience: patience(faults),
            slack: SlackApp::read(faults),
            slack_url: faults
                .or_default(env::base_url("DESK_SLACK_URL", |url| destinations.base_url(url)))
                .unwrap_or_else(|| "https://slack.com/api".to_owned()),
            people: people(faults, allow_loopback, sign_ins_per_minute),
            shopify: shopify_settings(faults, destinations),
            shopify_secret_before: env::maybe_secret("SHOPIFY_CLIENT_SECRET_BEFORE"),
            mcp_hosts: mcp_hosts(faults),
            // At the end: what is missing leaves the rest unread.
            database_url: database_url?,
            redis_url: redis_url?,
            master_key: master_key?,
        })
    }
}

fn database_url() -> Result<Secret, SettingError> {
    const NAME: &str = "DATABASE_URL";
    const EXPECTED: &str = "postgres://desk_api@host:5432/desk";
    let url = env::secret_url(NAME, &["postgres", "postgresql"], EXPECTED)?;
    jobs::store::connect_options(url.expose()).map_err(|_| env::invalid_secret(NAME, EXPECTED))?;
    Ok(url)
}

fn redis_url() -> Result<Secret, SettingError> {
    env::secret_as("REDIS_URL", "redis://host:6379/0", |url| {
        Server::new(url).ok().map(|_| Secret::from(url.to_owned()))
    })
}

fn folder(faults: &mut Faults, name: &'static str, default: &str) -> PathBuf {
    faults.or_default(env::optional(name, PathBuf::from(default), "a folder"))
}

/// A number of bytes, 25 MiB unless it is said.
fn bytes(name: &'static str) -> Result<u64, SettingError> {
    env::number(name, 25 << 20, 1..=1 << 30)
}

fn people(faults: &mut Faults, allow_loopback: bool, sign_ins_per_minute: NonZeroU32) -> People {
    let origin = "an origin such as https://desk.example.com";
    let origins = "exact origins such as https://desk.example.com, separated by commas; no path, no wildcard";
    let public_url = faults.or_default(env::maybe::<Origin>("DESK_PUBLIC_URL", origin));
    let none = || Origins(Vec::new());
    People {
        public_url: public_url.map(|origin| origin.0),
        origins: faults.or(env::optional("DESK_CORS_ORIGINS", none(), origins), none()).0,
        allow_loopback,
        sign_ins_per_minute,
    }
}

fn mcp_hosts(faults: &mut Faults) -> Vec<String> {
    let expected = "host names such as desk.example.com, separated by commas; no scheme, no wildcard";
    let none = || Hosts(Vec::new());
    faults.or(env::optional("DESK_MCP_HOSTS", none(), expected), none()).0
}

fn shopify_settings(faults: &mut Faults, destinations: Destinations) -> Option<shopify::Settings> {
    const CLIENT_ID: &str = "SHOPIFY_CLIENT_ID";
    let Some(client_id) = faults.or_default(env::maybe::<String>(CLIENT_ID, "the app's public name")) else {
        env::none_without(faults, CLIENT_ID, &["SHOPIFY_CLIENT_SECRET", "SHOPIFY_CLIENT_SECRET_BEFORE"]);
        return None;
    };
    let needed = "a value, because SHOPIFY_CLIENT_ID is set";
    let client_secret = faults.keep(env::secret("SHOPIFY_CLIENT_SECRET", needed));
    let version = "a version such as 2026-07";
    let version = env::passing("SHOPIFY_API_VERSION", "2026-07", shopify::is_version, version);
    let scopes = env::passing(
        "SHOPIFY_SCOPES",
        "read_all_orders,read_orders,read_customers,read_products",
        are_scopes,
        "words such as read_orders, separated by commas without blanks",
    );
    Some(shopify::Settings {
        client_id,
        version: faults.or_default(version),
        scopes: faults.or_default(scopes),
        base: faults.or_default(env::base_url("SHOPIFY_BASE_URL", |url| destinations.base_url(url))),
        client_secret: client_secret?.expose().to_owned(),
    })
}

fn are_scopes(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    text.split(',').all(is_word)
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

/// Fewer than there are connections, so that one is left for everybody else.
fn scans_at_once(database_connections: u32) -> Result<usize, SettingError> {
    let scans = number("DESK_SCANS_AT_ONCE", 4, 1_000)?.get();
    if scans >= database_connections {
        let expected = format!("less than DESK_DATABASE_CONNECTIONS, which is {database_connections}");
        return Err(env::invalid("DESK_SCANS_AT_ONCE", &scans.to_string(), &expected));
    }
    Ok(usize::try_from(scans).expect("the number is at most 1000"))
}

fn patience(faults: &mut Faults) -> Patience {
    let default = Patience::default();
    let connections = faults.or(number("DESK_MAX_CONNECTIONS", 4_096, 1_000_000), NonZeroU32::MIN);
    let mut secs = |name, default: Duration, allowed| {
        faults.or_default(env::duration_secs(name, default.as_secs_f64(), allowed))
    };
    Patience {
        connections: usize::try_from(connections.get()).expect("the number is at most a million"),
        head: secs("DESK_HEAD_TIMEOUT_SECS", default.head, 1.0..=3_600.0),
        body: secs("DESK_BODY_TIMEOUT_SECS", default.body, 1.0..=3_600.0),
        request: secs("DESK_REQUEST_TIMEOUT_SECS", default.request, 61.0..=3_600.0),
        upload: secs("DESK_UPLOAD_TIMEOUT_SECS", default.upload, 61.0..=86_400.0),
        tool: default.tool,
    }
}

const MAX_RATE: u32 = 10_000_000;

fn number(name: &'static str, default: u32, max: u32) -> Result<NonZeroU32, SettingError> {
    let number = env::number(name, u64::from(default), 1..=u64::from(max))?;
    Ok(u32::try_from(number).ok().and_then(NonZeroU32::new).expect("the number is within 1 and a u32"))
}
