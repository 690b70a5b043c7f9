//! The connections to the ledger. The queue engine works under the role `desk_queue`, set once per
//! connection, and its hot statements are always run by index.

use std::time::Duration;

use database::DbError;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// The ledger, as the queue engine sees it: all tenants, schema `jobs` alone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// Opens a lazy pool: the process starts, and says that it is not ready, while Postgres is away.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn connect(url: &str, max_connections: u32) -> Result<Store, DbError> {
        let options = connect_options(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .min_connections(0)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(true)
            .connect_lazy_with(options);
        Ok(Store { pool })
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
    ]))
}
