//! What the scheduler is told by its environment.

use std::net::SocketAddr;

use boot::{Faults, Secret, Setting, SettingError, env, ops};
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
    /// Reads them from the environment; none when one is wrong without which there are no settings.
    pub fn read(faults: &mut Faults) -> Option<Settings> {
        const REDIS: &str = "a URL such as redis://127.0.0.1:6379";
        let redis = faults.keep(env::secret_as("REDIS_URL", REDIS, |url| Server::new(url).ok()));
        let database_url = faults.keep(database_url());
        Some(Settings {
            redis_prefix: faults.or_default(env::redis_prefix()),
            ops_bind: faults.or_default(ops::bind_from_env()),
            // At the end: what is missing leaves the rest unread.
            database_url: database_url?,
            redis: redis?,
        })
    }
}

fn database_url() -> Result<Secret, SettingError> {
    const NAME: &str = "DATABASE_URL";
    const EXPECTED: &str = "a URL such as postgres://desk_scheduler@127.0.0.1/deskwork";
    let url = env::secret_url(NAME, &["postgres", "postgresql"], EXPECTED)?;
    jobs::store::connect_options(url.expose()).map_err(|_| env::invalid_secret(NAME, EXPECTED))?;
    Ok(url)
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
