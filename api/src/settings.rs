//! The settings of the `api` process: one table, and reading them at boot.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, str::FromStr, time::Duration};

use accounts::seal::MasterKey;
use boot::{Secret, Setting, SettingError, env, telemetry};
use upstreams::files::{S3, S3Settings};
use upstreams::shopify;

/// Every setting of the process's own.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "DATABASE_URL",
        default: None,
        meaning: "Postgres, under the login role of this process: `postgres://desk_api@host:5432/desk`",
        secret: true,
    },
    Setting {
        name: "REDIS_URL",
        default: None,
        meaning: "Redis: `redis://host:6379/0`, `rediss://` with TLS, `redis+sentinel://` or `redis+cluster://`",
        secret: true,
    },
    Setting {
        name: "DESK_REDIS_PREFIX",
        default: Some("deskwork"),
        meaning: "what the names of all keys in Redis begin with; the same for every process of a cluster",
        secret: false,
    },
    Setting {
        name: "DESK_MASTER_KEY",
        default: None,
        meaning: "the key that stored secrets are sealed under: 32 bytes in base64",
        secret: true,
    },
    Setting {
        name: "DESK_BIND",
        default: Some("127.0.0.1:8080"),
        meaning: "the address and port to listen on",
        secret: false,
    },
    Setting {
        name: "DESK_DATABASE_CONNECTIONS",
        default: Some("16"),
        meaning: "how many connections to Postgres the process opens at most",
        secret: false,
    },
    Setting {
        name: "DESK_IMPORT_DIR",
        default: Some("./.local/imports"),
        meaning: "the folder of files to import, shared with the workers",
        secret: false,
    },
    Setting {
        name: "DESK_IMPORT_MAX_BYTES",
        default: Some("1073741824"),
        meaning: "the largest upload, in bytes",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_DIR",
        default: Some("./.local/files"),
        meaning: "the folder of files that come with messages, shared by all processes of this kind; with a store that speaks S3 it holds only what is arriving",
        secret: false,
    },
    Setting {
        name: "DESK_ATTACHMENT_MAX_BYTES",
        default: Some("26214400"),
        meaning: "the largest file that comes with a message, in bytes",
        secret: false,
    },
    Setting {
        name: "DESK_MAIL_MAX_BYTES",
        default: Some("26214400"),
        meaning: "the longest mail that may be handed in, in bytes",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_ENDPOINT",
        default: Some(""),
        meaning: "a store that speaks S3, for files instead of the folder: `https://s3.eu-central-1.amazonaws.com`",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_REGION",
        default: Some("us-east-1"),
        meaning: "its region",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_BUCKET",
        default: Some(""),
        meaning: "its bucket; needed with an endpoint",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_ACCESS_KEY",
        default: Some(""),
        meaning: "the public part of its key; needed with an endpoint",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_SECRET_KEY",
        default: Some(""),
        meaning: "the secret part of its key; needed with an endpoint",
        secret: true,
    },
    Setting {
        name: "DESK_RATE_GENERAL_PER_MINUTE",
        default: Some("6000"),
        meaning: "requests that a key may make in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_WEBHOOKS_PER_MINUTE",
        default: Some("60000"),
        meaning: "webhook deliveries that a key may make in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_AI_PER_MINUTE",
        default: Some("300"),
        meaning: "requests for drafts that a key may make in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_SEGMENTS_PER_MINUTE",
        default: Some("120"),
        meaning: "previews and evaluations of segments that a key may ask for in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_SCANS_AT_ONCE",
        default: Some("4"),
        meaning: "reads that scan (previews of segments, analytics, lists of customers) which run at once; less than DESK_DATABASE_CONNECTIONS",
        secret: false,
    },
    Setting {
        name: "DESK_MAX_CONNECTIONS",
        default: Some("4096"),
        meaning: "connections of clients held at once; more wait until one ends",
        secret: false,
    },
    Setting {
        name: "DESK_HEAD_TIMEOUT_SECS",
        default: Some("65"),
        meaning: "how long a client may take to send the head of a request, and how long a connection may sit idle; longer than a balancer keeps its idle connections",
        secret: false,
    },
    Setting {
        name: "DESK_BODY_TIMEOUT_SECS",
        default: Some("30"),
        meaning: "how long the body of a request may send nothing",
        secret: false,
    },
    Setting {
        name: "DESK_REQUEST_TIMEOUT_SECS",
        default: Some("120"),
        meaning: "how long a request may take until its answer begins; more than the 60 s that ?wait= may ask for",
        secret: false,
    },
    Setting {
        name: "DESK_UPLOAD_TIMEOUT_SECS",
        default: Some("3600"),
        meaning: "the same for an upload of orders",
        secret: false,
    },
    Setting {
        name: "DESK_PUBLIC_URL",
        default: Some(""),
        meaning: "where people reach this installation, e.g. https://desk.example.com: links to choose a password and the return from another system's sign-in are made of it",
        secret: false,
    },
    Setting {
        name: "DESK_SLACK_CLIENT_ID",
        default: Some(""),
        meaning: "the Slack app of this installation; without it nothing is connected to Slack",
        secret: false,
    },
    Setting {
        name: "DESK_SLACK_CLIENT_SECRET",
        default: Some(""),
        meaning: "its secret; needed with DESK_SLACK_CLIENT_ID",
        secret: true,
    },
    Setting {
        name: "DESK_SLACK_SIGNING_SECRET",
        default: Some(""),
        meaning: "what Slack signs its requests with; needed with DESK_SLACK_CLIENT_ID",
        secret: true,
    },
    Setting {
        name: "DESK_SLACK_URL",
        default: Some("https://slack.com/api"),
        meaning: "base URL of Slack's Web API",
        secret: false,
    },
    Setting {
        name: "DESK_CORS_ORIGINS",
        default: Some(""),
        meaning: "origins of other web applications that may call with a person's cookie, separated by commas, e.g. https://desk.example.com; none by default",
        secret: false,
    },
    Setting {
        name: "DESK_MCP_HOSTS",
        default: Some(""),
        meaning: "names under which clients of the Model Context Protocol may reach /mcp, besides this machine and DESK_PUBLIC_URL, separated by commas, e.g. desk.example.com",
        secret: false,
    },
    Setting {
        name: "DESK_ALLOW_LOOPBACK",
        default: Some("false"),
        meaning: "whether tenants' systems may be on this machine, for development",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_SIGN_INS_PER_MINUTE",
        default: Some("120"),
        meaning: "tries to sign in, and requests for and uses of links, that one network address may make in a minute; one account may be tried a twelfth of it",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_CLIENT_ID",
        default: Some(""),
        meaning: "the app's public name at Shopify; without it no shop is connected",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_CLIENT_SECRET",
        default: Some(""),
        meaning: "the app's secret, which signs webhooks and installs; needed with its name",
        secret: true,
    },
    Setting {
        name: "SHOPIFY_CLIENT_SECRET_BEFORE",
        default: Some(""),
        meaning: "the secret that is being replaced, which Shopify signs with for up to an hour more",
        secret: true,
    },
    Setting {
        name: "SHOPIFY_SCOPES",
        default: Some("read_all_orders,read_orders,read_customers,read_products"),
        meaning: "what a shop's owner is asked to agree to, separated by commas",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_API_VERSION",
        default: Some("2026-07"),
        meaning: "version of Shopify's Admin API",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_BASE_URL",
        default: Some(""),
        meaning: "where every shop is called instead of at its own domain, for tests: BASE/SHOP",
        secret: false,
    },
];

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
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connections: 4_096,
            head: Duration::from_secs(65),
            body: Duration::from_secs(30),
            request: Duration::from_secs(120),
            upload: Duration::from_secs(3_600),
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
    fn from_env() -> Result<Option<SlackApp>, SettingError> {
        let Some(client_id) = env::maybe::<String>("DESK_SLACK_CLIENT_ID", "as Slack shows it")? else {
            return Ok(None);
        };
        Ok(Some(SlackApp {
            client_id,
            client_secret: env::secret("DESK_SLACK_CLIENT_SECRET", "as Slack shows it")?,
            signing_secret: env::secret("DESK_SLACK_SIGNING_SECRET", "as Slack shows it")?,
            authorize_url: "https://slack.com/oauth/v2/authorize".to_owned(),
        }))
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

impl Default for People {
    fn default() -> People {
        let sign_ins_per_minute = NonZeroU32::new(120).expect("not zero");
        People { public_url: None, origins: Vec::new(), allow_loopback: false, sign_ins_per_minute }
    }
}

impl Settings {
    /// Reads them from the environment.
    ///
    /// # Errors
    /// The first one that is missing or does not fit.
    pub fn from_env() -> Result<Settings, SettingError> {
        let master_key = "32 bytes in base64, for example from: openssl rand -base64 32";
        let database_connections = number("DESK_DATABASE_CONNECTIONS", 16, 1000)?.get();
        Ok(Settings {
            database_url: env::secret("DATABASE_URL", "postgres://desk_api@host:5432/desk")?,
            redis_url: env::secret("REDIS_URL", "redis://host:6379/0")?,
            redis_prefix: env::optional("DESK_REDIS_PREFIX", "deskwork".to_owned(), "a short name")?,
            master_key: env::secret("DESK_MASTER_KEY", master_key)?
                .expose()
                .parse()
                .map_err(|_| env::invalid_secret("DESK_MASTER_KEY", master_key))?,
            bind: env::optional(
                "DESK_BIND",
                SocketAddr::from(([127, 0, 0, 1], 8080)),
                "an address with a port, e.g. 127.0.0.1:8080",
            )?,
            database_connections,
            import_dir: env::optional("DESK_IMPORT_DIR", PathBuf::from("./.local/imports"), "a folder")?,
            import_max_bytes: env::number("DESK_IMPORT_MAX_BYTES", 1 << 30, 1..=1 << 40)?,
            files_dir: env::optional("DESK_FILES_DIR", PathBuf::from("./.local/files"), "a folder")?,
            files_s3: files_s3()?,
            attachment_max_bytes: env::number("DESK_ATTACHMENT_MAX_BYTES", 25 << 20, 1..=1 << 30)?,
            mail_max_bytes: usize::try_from(env::number("DESK_MAIL_MAX_BYTES", 25 << 20, 1..=1 << 30)?)
                .unwrap_or(usize::MAX),
            rates: Rates {
                general_per_minute: number("DESK_RATE_GENERAL_PER_MINUTE", 6_000, MAX_RATE)?,
                webhooks_per_minute: number("DESK_RATE_WEBHOOKS_PER_MINUTE", 60_000, MAX_RATE)?,
                ai_per_minute: number("DESK_RATE_AI_PER_MINUTE", 300, MAX_RATE)?,
                segments_per_minute: number("DESK_RATE_SEGMENTS_PER_MINUTE", 120, MAX_RATE)?,
            },
            scans_at_once: scans_at_once(database_connections)?,
            patience: patience()?,
            slack: SlackApp::from_env()?,
            slack_url: env::optional("DESK_SLACK_URL", "https://slack.com/api".to_owned(), "a URL")?,
            people: People {
                public_url: env::maybe::<Origin>("DESK_PUBLIC_URL", "an origin such as https://desk.example.com")?
                    .map(|origin| origin.0),
                origins: env::optional(
                    "DESK_CORS_ORIGINS",
                    Origins(Vec::new()),
                    "exact origins such as https://desk.example.com, separated by commas; no path, no wildcard",
                )?
                .0,
                allow_loopback: env::choice("DESK_ALLOW_LOOPBACK", false, &[("true", true), ("false", false)])?,
                sign_ins_per_minute: number("DESK_RATE_SIGN_INS_PER_MINUTE", 120, MAX_RATE)?,
            },
            shopify: shopify_settings()?,
            shopify_secret_before: env::maybe_secret("SHOPIFY_CLIENT_SECRET_BEFORE"),
            mcp_hosts: env::optional(
                "DESK_MCP_HOSTS",
                Hosts(Vec::new()),
                "host names such as desk.example.com, separated by commas; no scheme, no wildcard",
            )?
            .0,
        })
    }
}

fn shopify_settings() -> Result<Option<shopify::Settings>, SettingError> {
    let Some(client_id) = env::maybe::<String>("SHOPIFY_CLIENT_ID", "the app's public name")? else {
        return Ok(None);
    };
    let scopes = "read_all_orders,read_orders,read_customers,read_products";
    Ok(Some(shopify::Settings {
        client_id,
        client_secret: env::secret("SHOPIFY_CLIENT_SECRET", "a value, because SHOPIFY_CLIENT_ID is set")?
            .expose()
            .to_owned(),
        version: env::optional("SHOPIFY_API_VERSION", "2026-07".to_owned(), "a version such as 2026-07")?,
        scopes: env::optional("SHOPIFY_SCOPES", scopes.to_owned(), "words separated by commas")?,
        base: env::maybe("SHOPIFY_BASE_URL", "a URL like http://127.0.0.1:9000")?,
    }))
}

/// An origin as browsers write it: `https`, or `http` on this machine.
struct Origin(String);

struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Origin, NoOrigin> {
        let text = text.trim().trim_end_matches('/');
        let url = url::Url::parse(text).map_err(|_| NoOrigin)?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
        // What is more than an origin (a path, a port that goes without saying) would never equal what browsers send.
        let is_exact = url.origin().ascii_serialization() == text && !text.contains('*');
        if is_safe && is_exact { Ok(Origin(text.to_owned())) } else { Err(NoOrigin) }
    }
}

/// Names of hosts, each perhaps with a port.
struct Hosts(Vec<String>);

impl FromStr for Hosts {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Hosts, NoOrigin> {
        let is_host = |host: &str| {
            let is_plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
            is_plain && !host.is_empty() && host.len() <= 253
        };
        let hosts = text.split(',').map(str::trim).map(|host| is_host(host).then(|| host.to_owned()));
        hosts.collect::<Option<_>>().map(Hosts).ok_or(NoOrigin)
    }
}

struct Origins(Vec<String>);

impl FromStr for Origins {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Origins, NoOrigin> {
        text.split(',')
            .map(|origin| origin.parse::<Origin>().map(|origin| origin.0))
            .collect::<Result<_, _>>()
            .map(Origins)
    }
}

/// The store that speaks S3, if there is an endpoint; then everything else of it is needed.
fn files_s3() -> Result<Option<S3>, SettingError> {
    let endpoint: String = env::optional("DESK_FILES_S3_ENDPOINT", String::new(), "a URL")?;
    if endpoint.is_empty() {
        return Ok(None);
    }
    let needed = "a value, because DESK_FILES_S3_ENDPOINT is set";
    let settings = S3Settings {
        endpoint: endpoint.clone(),
        region: env::optional("DESK_FILES_S3_REGION", "us-east-1".to_owned(), "a region")?,
        bucket: env::optional("DESK_FILES_S3_BUCKET", String::new(), needed)?,
        access_key: env::optional("DESK_FILES_S3_ACCESS_KEY", String::new(), needed)?,
        secret_key: env::secret("DESK_FILES_S3_SECRET_KEY", needed)?.expose().to_owned(),
    };
    S3::new(settings).map(Some).map_err(|fault| env::invalid("DESK_FILES_S3_ENDPOINT", &endpoint, fault))
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

fn patience() -> Result<Patience, SettingError> {
    let default = Patience::default();
    let secs = |name, default: Duration, allowed| env::duration_secs(name, default.as_secs_f64(), allowed);
    let connections = number("DESK_MAX_CONNECTIONS", 4_096, 1_000_000)?.get();
    Ok(Patience {
        connections: usize::try_from(connections).expect("the number is at most a million"),
        head: secs("DESK_HEAD_TIMEOUT_SECS", default.head, 1.0..=3_600.0)?,
        body: secs("DESK_BODY_TIMEOUT_SECS", default.body, 1.0..=3_600.0)?,
        request: secs("DESK_REQUEST_TIMEOUT_SECS", default.request, 61.0..=3_600.0)?,
        upload: secs("DESK_UPLOAD_TIMEOUT_SECS", default.upload, 61.0..=86_400.0)?,
    })
}

const MAX_RATE: u32 = 10_000_000;

fn number(name: &'static str, default: u32, max: u32) -> Result<NonZeroU32, SettingError> {
    let number = env::number(name, u64::from(default), 1..=u64::from(max))?;
    Ok(u32::try_from(number).ok().and_then(NonZeroU32::new).expect("the number is within 1 and a u32"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_them() {
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&env::table(SETTINGS)), "take it from: target/debug/api --settings");
    }

    #[test]
    fn only_exact_origins_are_let_in() {
        let read = |text: &str| text.parse::<Origins>().ok().map(|origins| origins.0);
        assert_eq!(
            read("https://a.example, http://localhost:3000"),
            Some(vec!["https://a.example".to_owned(), "http://localhost:3000".to_owned()])
        );
        for bad in [
            "*",
            "null",
            "https://*.example",
            "http://a.example",
            "https://a.example/x",
            "a.example",
            ",",
            "https://a.example:443",
            "https://u@a.example",
            "https://a.example?x",
            "ftp://a.example",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
