//! How long a migration waits for locks. One that changes a table needs it for itself for a moment; behind a dump or a long
//! report it would wait, and every reader of the table behind it. So it waits for seconds, gives up, lets the others pass,
//! and tries again.

use std::fmt::{self, Display};
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::{FromRow, PgConnection};

use crate::MigrationError;

/// How many of those that may hold the lock are named.
const NAMED: i64 = 3;

/// How long migrations wait for locks.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The longest for one lock: for so long others stand behind it.
    pub for_a_lock: Duration,
    /// What the others have until it is tried again.
    pub between: Duration,
    /// After how long in vain it is given up.
    pub in_all: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            for_a_lock: Duration::from_secs(3),
            between: Duration::from_secs(7),
            in_all: Duration::from_secs(600),
        }
    }
}

/// A migration that did not get a lock; nothing of it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The migration's version; none when the table of migrations itself is locked.
    pub version: Option<i64>,
    /// Transactions that hold locks on tables, the longest first: the first few.
    pub holders: Vec<Holder>,
}

/// A transaction that holds locks on tables.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Holder {
    /// The server's process.
    pub pid: i32,
    /// What the client calls itself, for example `pg_dump`; none when it does not, or the owner may not see it.
    pub program: Option<String>,
    /// Its role.
    pub role: Option<String>,
    /// For how long it has run, in seconds; none when the owner may not see it.
    pub secs: Option<i64>,
}

impl Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "migration {version} does not get a lock that somebody else holds")?,
            None => write!(f, "the table of migrations is locked by somebody else")?,
        }
        for (number, holder) in self.holders.iter().enumerate() {
            write!(f, "{}{holder}", if number == 0 { "; these hold locks: " } else { ", " })?;
        }
        Ok(())
    }
}

impl Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        let known = [
            self.program.clone(),
            self.role.as_ref().map(|role| format!("role {role}")),
            self.secs.map(|secs| format!("for {secs} s")),
        ];
        let known: Vec<String> = known.into_iter().flatten().collect();
        if known.is_empty() { Ok(()) } else { write!(f, " ({})", known.join(", ")) }
    }
}

/// Whether others were in the way: a lock that was not got in time, or locks taken crosswise. The migration's version, if
/// it was in one.
pub(crate) fn gave_way(error: &MigrateError) -> Option<Option<i64>> {
    let (error, version) = match error {
        MigrateError::Execute(error) => (error, None),
        MigrateError::ExecuteMigration(error, version) => (error, Some(*version)),
        _ => return None,
    };
    let code = error.as_database_error()?.code()?;
    // lock_not_available, deadlock_detected
    matches!(code.as_ref(), "55P03" | "40P01").then_some(version)
}

/// The transactions that hold locks on tables, the longest first.
pub(crate) async fn holders(connection: &mut PgConnection) -> Result<Vec<Holder>, MigrationError> {
    // What the catalogue itself has, everybody locks all the time: its numbers are below 16384.
    sqlx::query_as(
        "select a.pid, nullif(a.application_name, '') as program, a.usename::text as role,
             extract(epoch from clock_timestamp() - a.xact_start)::bigint as secs
         from pg_stat_activity a
         where a.datname = current_database() and a.pid <> pg_backend_pid()
           and exists (select from pg_locks l where l.pid = a.pid and l.granted and l.locktype = 'relation'
                           and l.database = a.datid and l.relation >= 16384)
         order by a.xact_start nulls last, a.pid limit $1",
    )
    .bind(NAMED)
    .fetch_all(connection)
    .await
    .map_err(MigrationError::Read)
}
