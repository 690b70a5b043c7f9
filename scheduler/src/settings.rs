//! What the scheduler is told by its environment.

use std::net::SocketAddr;

use boot::{Secret, Setting, SettingError, env, ops};
use jobs::dispatch::Server;

/// Every setting of the scheduler.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "DATABASE_URL",
        default: None,
        meaning: "Postgres, as the role `desk_scheduler`",
        secret: true,
    },
    Setting {
        name: "REDIS_URL",
        default: None,
        meaning: "Redis 7 or Valkey: `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`",
        secret: true,
    },
    Setting {
        name: "DESK_REDIS_PREFIX",
        default: Some("deskwork"),
        meaning: "what the names of all keys and channels in Redis begin with",
        secret: false,
    },
    ops::SETTING,
];

/// The settings, read and checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the ledger is.
    pub database_url: Secret,
    /// Where the dispatcher is.
    pub redis: Server,
    /// The prefix of its keys.
    pub redis_prefix: String,
    /// The operators' port.
    pub ops_bind: Option<SocketAddr>,
}

impl Settings {
    /// Reads them from the environment.
    ///
    /// # Errors
    /// One is missing or cannot be read.
    pub fn from_env() -> Result<Settings, SettingError> {
        const DATABASE: &str = "a URL such as postgres://desk_scheduler@127.0.0.1/deskwork";
        const REDIS: &str = "a URL such as redis://127.0.0.1:6379";
        let redis_url = env::secret("REDIS_URL", REDIS)?;
        let database_url = env::secret_url("DATABASE_URL", &["postgres", "postgresql"], DATABASE)?;
        jobs::store::connect_options(database_url.expose())
            .map_err(|_| env::invalid_secret("DATABASE_URL", DATABASE))?;
        Ok(Settings {
            database_url,
            redis: Server::new(redis_url.expose()).map_err(|_| env::invalid_secret("REDIS_URL", REDIS))?,
            redis_prefix: env::redis_prefix()?,
            ops_bind: ops::bind_from_env()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_them() {
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&env::table(SETTINGS)), "take it from: target/debug/scheduler --settings");
    }
}
