//! The database schema: embedded migrations and the way to apply them.
//!
//! Migrations only ever expand what is there (contracting comes at least one release later), so the old and
//! the new program both work while a deployment is under way. A shipped file is never edited.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

pub mod testing;

static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Why the schema could not be brought up to date or inspected.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The server cannot be reached or refuses the credentials.
    #[error("cannot connect to the database: {0}")]
    Connect(#[source] sqlx::Error),
    /// A migration failed or does not match what was applied earlier.
    #[error("cannot migrate: {0}")]
    Apply(#[from] MigrateError),
    /// The table of applied migrations cannot be read.
    #[error("cannot read the applied schema version: {0}")]
    Read(#[source] sqlx::Error),
}

/// What [`apply`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Schema version before; 0 for an empty database.
    pub before: i64,
    /// Schema version now.
    pub after: i64,
    /// Descriptions of the migrations applied by this call, in order.
    pub steps: Vec<String>,
}

/// Applies every migration that is missing, as the owner of the schema. Concurrent calls wait for each other
/// on an advisory lock and the later ones find nothing to do.
pub async fn apply(admin_url: &str) -> Result<Applied, MigrationError> {
    let mut connection = PgConnection::connect(admin_url).await.map_err(MigrationError::Connect)?;
    let before = applied_version(&mut connection).await?;
    MIGRATOR.run(&mut connection).await?;
    let after = applied_version(&mut connection).await?;
    connection.close().await.map_err(MigrationError::Connect)?;
    let steps = MIGRATOR
        .iter()
        .filter(|migration| migration.version > before && migration.version <= after)
        .map(|migration| format!("{} {}", migration.version, migration.description))
        .collect();
    Ok(Applied { before, after, steps })
}

/// The version of the newest migration built into this program.
pub fn latest_version() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The newest version applied to the database; 0 when nothing was ever applied.
pub async fn applied_version(connection: &mut PgConnection) -> Result<i64, MigrationError> {
    let known: bool = sqlx::query_scalar("select to_regclass('public._sqlx_migrations') is not null")
        .fetch_one(&mut *connection)
        .await
        .map_err(MigrationError::Read)?;
    if !known {
        return Ok(0);
    }
    sqlx::query_scalar("select coalesce(max(version), 0) from public._sqlx_migrations where success")
        .fetch_one(connection)
        .await
        .map_err(MigrationError::Read)
}
