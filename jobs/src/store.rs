//! The connections to the ledger. The queue engine works under the role `desk_queue`, set once per
//! connection, and its hot statements are always run by index.

use std::time::Duration;

use database::{DbError, Mistrust};
use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::QueueError;

/// The ledger, as the queue engine sees it: all tenants, schema `jobs` alone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    mistrust: Mistrust,
}

/// How long the ledger may take for each answer. A statement that waits longer has met a server that is gone
/// without a word; jobs run again that much later, at the most, once a new primary is there. A server that needs
/// two seconds for everything is slow, and waited for.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// The same for statements that go through much: folding the books, reading all that is ready, partitions. The
/// server ends them by their own timeout first, and says so.
pub const LONG_ANSWER_WITHIN: Duration = Duration::from_secs(35);

/// After this the server ends a statement of the engine by itself: what was given up does not go on for ever.
const STATEMENT_TIMEOUT: &str = "30s";

/// How long a connection is used at most: a proxy in front of Postgres may lead an old one to a former primary.
pub const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long an idle connection may take to prove that it lives; what is left of the time to acquire one is for
/// making another.
const PROOF_WITHIN: Duration = Duration::from_secs(3);

impl Store {
    /// Opens a lazy pool: the process starts, and says that it is not ready, while Postgres is away.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn connect(url: &str, max_connections: u32) -> Result<Store, DbError> {
        let options = connect_options(url)?;
        let mistrust = Mistrust::default();
        let (on_acquire, on_release) = (mistrust.clone(), mistrust.clone());
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .min_connections(0)
            .acquire_timeout(PROOF_WITHIN * 2)
            .max_lifetime(LIFETIME)
            // The pool's own test waits for a dead connection without a limit.
            .test_before_acquire(false)
            .before_acquire(move |conn, meta| {
                let mistrust = on_acquire.clone();
                Box::pin(async move {
                    let trusted = mistrust.trusts(meta.age);
                    Ok(trusted && mistrust.unless_silent(PROOF_WITHIN, conn.ping()).await.is_ok())
                })
            })
            .after_release(move |conn, meta| {
                let mistrust = on_release.clone();
                Box::pin(async move { mistrust.accepts_back(conn, meta.age).await })
            })
            .connect_lazy_with(options);
        Ok(Store { pool, mistrust })
    }

    /// Waits for `work` on this ledger as long as the ledger answers within [`ANSWER_WITHIN`] each time. Then the
    /// connection it used is closed, and the older ones are mistrusted.
    ///
    /// # Errors
    /// What `work` failed with, or that the ledger is unavailable.
    pub async fn answers<T>(
        &self,
        work: impl Future<Output = Result<T, QueueError>>,
    ) -> Result<T, QueueError> {
        self.mistrust.unless_silent(ANSWER_WITHIN, work).await
    }

    /// The same for statements that go through much: each answer within [`LONG_ANSWER_WITHIN`].
    ///
    /// # Errors
    /// As [`Store::answers`].
    pub async fn answers_slowly<T>(
        &self,
        work: impl Future<Output = Result<T, QueueError>>,
    ) -> Result<T, QueueError> {
        self.answers_within(LONG_ANSWER_WITHIN, work).await
    }

    /// The same for work that may be silent for so long, and for which nobody waits: what a process looks after by
    /// itself, and jobs about the ledger.
    ///
    /// # Errors
    /// As [`Store::answers`].
    pub async fn answers_within<T, E: From<sqlx::Error>>(
        &self,
        silence: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.mistrust.unless_silent(silence, work).await
    }

    /// Whether a connection that is held since so long may go on being used.
    pub fn trusts(&self, held_for: Duration) -> bool {
        held_for < LIFETIME && self.mistrust.trusts(held_for)
    }

    /// The pool behind it.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// How a connection of the queue engine is opened, in the pool or beside it.
///
/// # Errors
/// The URL cannot be read.
pub fn connect_options(url: &str) -> Result<PgConnectOptions, DbError> {
    let options: PgConnectOptions = url.parse().map_err(DbError::from)?;
    // The planner must never scan the ledger for a batch of ids, whatever its statistics say of
    // a table that was empty a second ago.
    Ok(options.options([
        ("role", "desk_queue"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
        // Whoever freezes or is cut off in the middle must not hold others up for longer than a moment.
        ("idle_in_transaction_session_timeout", "1500"),
        ("lock_timeout", "5s"),
        ("statement_timeout", STATEMENT_TIMEOUT),
        // Statements whose client dropped the connection end soon, instead of waiting for a lock unheard.
        ("client_connection_check_interval", "5s"),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_connection_is_used_for_longer_than_its_life() {
        let store = Store::connect("postgres://nobody@127.0.0.1:1/nothing", 1).expect("a URL");
        assert_eq!(store.pool().options().get_max_lifetime(), Some(LIFETIME));
        // Who keeps one beside the pool asks each time.
        assert!(store.trusts(LIFETIME - Duration::from_secs(1)) && !store.trusts(LIFETIME));
    }
}
