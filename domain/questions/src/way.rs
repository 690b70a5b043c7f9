//! How a report is made: on which database, whether it may take its time, who hears how far it is, and what it reads.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use platform::analytics::{Effort, bound};

/// What a report does one after the other, as told to whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It waits for its turn.
    Waits,
    /// What several reports share is read.
    Shared,
    /// Its own rows are read.
    Reads,
    /// Names and small groups are taken out.
    Protects,
}

impl Step {
    /// How many there are.
    pub const COUNT: u64 = 4;

    /// Its place, the first is 1.
    pub const fn place(self) -> u64 {
        self as u64 + 1
    }

    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Step::Waits => "waiting for its turn",
            Step::Shared => "reading what reports share",
            Step::Reads => "reading the shop's data",
            Step::Protects => "taking names and small groups out",
        }
    }
}

/// How a report is made.
pub(crate) struct Way<'a> {
    pub(crate) db: &'a Db,
    /// No statement may take longer.
    within: Option<Duration>,
    told: &'a (dyn Fn(Step) + Send + Sync),
    /// Rows that were read for what is kept beside the reports.
    beside: AtomicI64,
}

impl<'a> Way<'a> {
    pub(crate) fn new(
        db: &'a Db,
        within: Option<Duration>,
        told: &'a (dyn Fn(Step) + Send + Sync),
    ) -> Way<'a> {
        Way { db, within, told, beside: AtomicI64::new(0) }
    }

    pub(crate) fn tell(&self, step: Step) {
        (self.told)(step);
    }

    /// A transaction that reads a tenant's analytics.
    pub(crate) async fn begin(&self, tenant: TenantId) -> Result<Tx, DbError> {
        let mut tx = self.db.tenant_tx(Role::Marketing, tenant).await?;
        self.hurry(&mut tx).await?;
        Ok(tx)
    }

    /// The same for one that may take so much, with the rows that its connection has read so far.
    pub(crate) async fn begin_report(&self, tenant: TenantId, effort: Effort) -> Result<(Tx, i64), DbError> {
        let mut tx = self.db.tenant_tx(Role::Marketing, tenant).await?;
        bound(&mut tx, effort).await?;
        self.hurry(&mut tx).await?;
        let before = rows_read(&mut tx).await?;
        Ok((tx, before))
    }

    /// Ends a read of what is kept beside the reports, and counts its rows.
    pub(crate) async fn end_beside(&self, mut tx: Tx, before: i64) -> Result<(), DbError> {
        self.beside.fetch_add(rows_read(&mut tx).await? - before, Ordering::Relaxed);
        Ok(tx.commit().await?)
    }

    /// Rows that were read for what is kept beside the reports.
    pub(crate) fn rows_beside(&self) -> i64 {
        self.beside.load(Ordering::Relaxed)
    }

    async fn hurry(&self, tx: &mut Tx) -> Result<(), DbError> {
        if let Some(within) = self.within {
            sqlx::query("select set_config('statement_timeout', $1, true)")
                .bind(format!("{}ms", within.as_millis()))
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }
}

/// Rows that this connection has read from tables and not yet reported; the difference of two is what lies between.
pub(crate) async fn rows_read(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar(
        "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_user_tables
         where schemaname <> 'pg_catalog'",
    )
    .fetch_one(&mut **tx)
    .await?)
}
