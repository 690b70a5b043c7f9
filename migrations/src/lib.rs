//! The database schema: embedded migrations and the way to apply them.
//!
//! Migrations only ever expand what is there (contracting comes at least one release later), so the old and
//! the new program both work while a deployment is under way. A shipped file is never edited.

use std::time::Instant;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

mod patience;
pub mod testing;

pub use patience::{Blocked, Holder, Patience};

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
    /// Others held a lock for longer than the patience lasts.
    #[error(
        "{blocked}; it was tried for {secs} s and nothing of it is applied. Wait until they are done, or end them \
         (select pg_terminate_backend(PROCESS)), then run migrate again: it goes on where it stopped"
    )]
    Blocked {
        /// What was in the way at last.
        blocked: Blocked,
        /// For how long it was tried, in seconds.
        secs: u64,
    },
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
///
/// # Errors
/// What hinders it; what was applied before stays.
pub async fn apply(admin_url: &str) -> Result<Applied, MigrationError> {
    apply_patiently(admin_url, Patience::default(), |_| {}).await
}

/// The same with another patience for locks; `tell` hears of each try that got none.
///
/// # Errors
/// What hinders it; what was applied before stays.
pub async fn apply_patiently(
    admin_url: &str,
    patience: Patience,
    tell: impl FnMut(&Blocked),
) -> Result<Applied, MigrationError> {
    apply_all(&MIGRATOR, admin_url, patience, tell).await
}

async fn apply_all(
    migrator: &Migrator,
    admin_url: &str,
    patience: Patience,
    mut tell: impl FnMut(&Blocked),
) -> Result<Applied, MigrationError> {
    let mut connection = PgConnection::connect(admin_url).await.map_err(MigrationError::Connect)?;
    // However long another one migrates; it goes with the connection.
    Migrate::lock(&mut connection).await?;
    let before = applied_version(&mut connection).await?;
    sqlx::query("select set_config('lock_timeout', $1, false)")
        .bind(patience.for_a_lock.as_millis().to_string())
        .execute(&mut connection)
        .await
        .map_err(MigrateError::Execute)?;
    let mut waiting: Option<(Option<i64>, Instant)> = None;
    loop {
        let Err(error) = migrator.run(&mut connection).await else { break };
        let Some(version) = patience::gave_way(&error) else { return Err(error.into()) };
        let since = match waiting {
            Some((waited, since)) if waited == version => since,
            _ => Instant::now(),
        };
        waiting = Some((version, since));
        let blocked = Blocked { version, holders: patience::holders(&mut connection).await? };
        if since.elapsed() >= patience.in_all {
            return Err(MigrationError::Blocked { blocked, secs: since.elapsed().as_secs() });
        }
        tell(&blocked);
        tokio::time::sleep(patience.between).await;
    }
    let after = applied_version(&mut connection).await?;
    connection.close().await.map_err(MigrationError::Connect)?;
    let steps = migrator
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::SqlSafeStr;
    use sqlx::migrate::{Migration, MigrationType};
    use tokio::sync::mpsc;

    use super::*;
    use crate::testing::{TestDatabase, empty_database};

    const SHORT: Patience = Patience {
        for_a_lock: Duration::from_millis(100),
        between: Duration::from_millis(10),
        in_all: Duration::from_secs(600),
    };

    /// A table, and what needs it for itself.
    const STEPS: [&str; 2] =
        ["create table public.busy (id integer)", "alter table public.busy add column at timestamptz"];

    fn migrator(steps: &[&'static str]) -> Migrator {
        let numbered = (1..).zip(steps).map(|(version, step)| {
            Migration::new(version, "step".into(), MigrationType::Simple, (*step).into_sql_str(), false)
        });
        Migrator::with_migrations(numbered.collect())
    }

    /// A database with the table, and a session in it.
    async fn begun() -> (TestDatabase, PgConnection) {
        let database = empty_database().await;
        let first = apply_all(&migrator(&STEPS[..1]), &database.admin_url, SHORT, |_| {}).await;
        assert_eq!(first.expect("applies").after, 1);
        let session = PgConnection::connect(&database.admin_url).await.expect("connects");
        (database, session)
    }

    async fn look(session: &mut PgConnection) -> i32 {
        sqlx::query("select id from public.busy").execute(&mut *session).await.expect("readable");
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(session).await.expect("answers")
    }

    #[tokio::test]
    async fn a_migration_behind_a_long_report_lets_readers_pass_and_is_tried_again() {
        let (database, mut session) = begun().await;
        let mut report = session.begin().await.expect("begins");
        let pid = look(&mut report).await;
        let (told, mut heard) = mpsc::unbounded_channel();
        let steps = migrator(&STEPS);
        let migrating = apply_all(&steps, &database.admin_url, SHORT, |blocked| {
            let _ = told.send(blocked.clone());
        });
        let letting_go = async {
            let blocked = heard.recv().await.expect("it is told");
            // While the report still runs, and it is tried again and again.
            let mut reader = PgConnection::connect(&database.admin_url).await.expect("connects");
            look(&mut reader).await;
            report.commit().await.expect("commits");
            blocked
        };
        let (applied, blocked) = tokio::join!(migrating, letting_go);
        let applied = applied.expect("it gets the table in the end");
        assert_eq!((applied.before, applied.after, applied.steps.len()), (1, 2, 1));
        assert_eq!(blocked.version, Some(2));
        assert!(blocked.holders.iter().any(|holder| holder.pid == pid), "{blocked}");
    }

    #[tokio::test]
    async fn what_never_gets_its_lock_ends_with_what_to_do() {
        let (database, mut session) = begun().await;
        let mut report = session.begin().await.expect("begins");
        let pid = look(&mut report).await;
        let patience = Patience { in_all: Duration::ZERO, ..SHORT };
        let refused = apply_all(&migrator(&STEPS), &database.admin_url, patience, |_| {}).await;
        let said = refused.expect_err("the report runs on").to_string();
        assert!(said.contains("migration 2 ") && said.contains(&format!("process {pid} ")), "{said}");
        assert!(said.contains("run migrate again"), "{said}");
        assert_eq!(applied_version(&mut report).await.expect("readable"), 1);
    }
}
