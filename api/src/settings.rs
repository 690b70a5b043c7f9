//! The settings of the `api` process: one table, and reading them at boot.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf};

use accounts::seal::MasterKey;
use boot::{Secret, Setting, SettingError, env, telemetry};

use crate::web::limits::Rates;

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
];

/// All settings that the process reads, those of logs and traces included.
pub fn all() -> Vec<Setting> {
    SETTINGS.iter().chain(telemetry::SETTINGS).copied().collect()
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
    /// The rate limits.
    pub rates: Rates,
}

impl Settings {
    /// Reads them from the environment.
    ///
    /// # Errors
    /// The first one that is missing or does not fit.
    pub fn from_env() -> Result<Settings, SettingError> {
        let master_key = "32 bytes in base64, for example from: openssl rand -base64 32";
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
            database_connections: number("DESK_DATABASE_CONNECTIONS", 16, 1000)?.get(),
            import_dir: env::optional("DESK_IMPORT_DIR", PathBuf::from("./.local/imports"), "a folder")?,
            import_max_bytes: env::number("DESK_IMPORT_MAX_BYTES", 1 << 30, 1..=1 << 40)?,
            rates: Rates {
                general_per_minute: number("DESK_RATE_GENERAL_PER_MINUTE", 6_000, MAX_RATE)?,
                webhooks_per_minute: number("DESK_RATE_WEBHOOKS_PER_MINUTE", 60_000, MAX_RATE)?,
                ai_per_minute: number("DESK_RATE_AI_PER_MINUTE", 300, MAX_RATE)?,
                segments_per_minute: number("DESK_RATE_SEGMENTS_PER_MINUTE", 120, MAX_RATE)?,
            },
        })
    }
}

const MAX_RATE: u32 = 10_000_000;

fn number(name: &'static str, default: u32, max: u32) -> Result<NonZeroU32, SettingError> {
    let number = env::number(name, u64::from(default), 1..=u64::from(max))?;
    Ok(u32::try_from(number).ok().and_then(NonZeroU32::new).expect("the number is within 1 and a u32"))
}
