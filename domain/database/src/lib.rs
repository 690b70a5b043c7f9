//! The connection pool and transactions that carry a database role and a tenant.
//!
//! A process logs in as a role without rights and takes, for each transaction, the one group role that its
//! purpose needs; the tenant set beside it is what row-level security compares. The pool is lazy, so a process
//! starts and answers while Postgres is down.

mod advice;
mod silence;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Postgres};

pub mod address;
pub mod ids;
pub mod nul;
pub mod personal;

pub use silence::{Listening, Mistrust, RELEASE_WITHIN, unless_silent};

use advice::Advised;
use ids::TenantId;

/// A transaction with role (and usually tenant) set; both end with it.
pub type Tx = sqlx::Transaction<'static, Postgres>;

/// How long a request waits for a connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The same for a step of a job, for which nobody waits: the few connections for steps are all busy in a flood, and what is put
/// off then is begun anew. A third of the shortest deadline of a kind that has steps.
const STEP_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the beginning of a transaction may go unanswered.
const BEGIN_WITHIN: Duration = Duration::from_secs(3);

/// How long a commit may go unanswered: a synchronous standby that is away lets it wait without a limit.
const COMMIT_WITHIN: Duration = Duration::from_secs(4);

/// How long it may go on behind the request's back.
const COMMIT_ENDS_WITHIN: Duration = Duration::from_secs(120);

/// How long any other statement of a request may go unanswered: a little longer, so that a commit speaks first.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(5);

/// How long a connection is used at most: a proxy in front of Postgres may lead an old one to a former primary.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    max_connections: u32,
    mistrust: Mistrust,
}

/// The group role that a transaction acts as; its grants are in the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Orders, customers, profiles: writes schema `platform`.
    Platform,
    /// Tickets and drafts: writes schema `support_app`.
    Support,
    /// Segments and campaigns: writes schema `marketing_app`.
    Marketing,
    /// What other systems are told: writes schema `outbound`.
    Outbound,
    /// The job ledger, for all tenants.
    Queue,
    /// Credentials, tenants, settings and audit, before the tenant is known.
    Gateway,
}

impl Role {
    /// The role's name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Role::Platform => "desk_platform",
            Role::Support => "desk_support",
            Role::Marketing => "desk_marketing",
            Role::Outbound => "desk_outbound",
            Role::Queue => "desk_queue",
            Role::Gateway => "desk_gateway",
        }
    }
}

impl Db {
    /// A pool for `url` that connects when first used. Must be called inside a Tokio runtime. Fails only when
    /// the URL is malformed or its TLS settings are.
    pub fn connect(url: &str, max_connections: u32) -> Result<Db, DbError> {
        Db::open(PgConnectOptions::from_str(url)?, max_connections, ACQUIRE_TIMEOUT)
    }

    /// Like `connect`, with connections that act as `role` from their first moment: for work that is one statement
    /// on [`Db::pool`] and therefore a transaction by itself, in one round trip instead of one for each of begin,
    /// work and commit. A statement that needs a tenant calls a function that sets it, for its own transaction,
    /// by `set_config('desk.tenant_id', ..., true)`; until then no policy lets a row through.
    pub fn connect_as(url: &str, role: Role, max_connections: u32) -> Result<Db, DbError> {
        let options = PgConnectOptions::from_str(url)?.options([("role", role.name())]);
        Db::open(options, max_connections, ACQUIRE_TIMEOUT)
    }

    /// Like `connect`, for the short steps of jobs, by keys. Statements are planned once a connection, whatever their
    /// parameters are: the planner's first five tries with the parameters of the moment cost more than the statements.
    /// Commits do not wait for the disk: the job's completion, which is written to the same log after them, does, so a
    /// crash that takes the one takes the other, and the job runs again. Not for what is told to somebody outside
    /// before the completion, nor for what holds a connection longer than a moment: there are few, so that a full
    /// queue does not stand in the way of those who wait for an answer. Who finds none free waits for one for longer than
    /// elsewhere. Not for what comes behind a call that was paid for either.
    pub fn connect_for_steps(url: &str, max_connections: u32) -> Result<Db, DbError> {
        let set = [("plan_cache_mode", "force_generic_plan"), ("synchronous_commit", "off")];
        Db::open(PgConnectOptions::from_str(url)?.options(set), max_connections, STEP_ACQUIRE_TIMEOUT)
    }

    fn open(
        options: PgConnectOptions,
        max_connections: u32,
        acquire_timeout: Duration,
    ) -> Result<Db, DbError> {
        let options = options.application_name("deskwork").options([
            ("statement_timeout", "60s"),
            ("idle_in_transaction_session_timeout", "60s"),
            // Statements whose client dropped the connection end soon, instead of waiting for a lock unheard.
            ("client_connection_check_interval", "5s"),
            ("jit", "off"),
        ]);
        let mistrust = Mistrust::default();
        let (on_acquire, on_release) = (mistrust.clone(), mistrust.clone());
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(acquire_timeout)
            .max_lifetime(LIFETIME)
            // A connection that died while idle is found by `begin` below without a round trip for each use.
            .test_before_acquire(false)
            .before_acquire(move |_, meta| {
                let is_trusted = on_acquire.trusts(meta.age);
                Box::pin(async move { Ok(is_trusted) })
            })
            .after_release(move |conn, meta| {
                let mistrust = on_release.clone();
                Box::pin(async move { mistrust.accepts_back(conn, meta.age).await })
            })
            .connect_lazy_with(options);
        Ok(Db { pool, max_connections, mistrust })
    }

    /// Begins a transaction as `role` that sees the rows of `tenant` only.
    pub async fn tenant_tx(&self, role: Role, tenant: TenantId) -> Result<Tx, DbError> {
        let role = role.name();
        self.begin(format!("begin; set local role {role}; set local desk.tenant_id = '{tenant}'")).await
    }

    /// Begins a transaction as the gateway: credentials, tenants, settings and audit of all tenants.
    pub async fn gateway_tx(&self) -> Result<Tx, DbError> {
        self.begin("begin; set local role desk_gateway".to_owned()).await
    }

    /// Begins a transaction as the queue: the job ledger of all tenants and nothing else.
    pub async fn queue_tx(&self) -> Result<Tx, DbError> {
        self.begin("begin; set local role desk_queue".to_owned()).await
    }

    /// Asks the server for a sign of life.
    pub async fn ping(&self) -> Result<(), DbError> {
        let transaction = self.begin("begin".to_owned()).await?;
        Ok(transaction.rollback().await?)
    }

    /// The pool itself, for what needs a connection rather than a transaction. Its connections have the login
    /// role's rights, which are none, or those of the role given to [`Db::connect_as`].
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Waits for `work`, which uses transactions of this database, as long as Postgres goes on answering within
    /// `longest` each time; after that its connection is closed and the older ones are mistrusted.
    ///
    /// # Errors
    /// What `work` failed with, or [`DbError::Unavailable`] when Postgres fell silent. Whether a commit that was
    /// under way took place is then unknown.
    pub async fn unless_silent<T, E: From<sqlx::Error>>(
        &self,
        longest: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.mistrust.unless_silent(longest, work).await
    }

    /// What is known of connections that are dead without a word.
    pub fn mistrust(&self) -> &Mistrust {
        &self.mistrust
    }

    /// Whether the server has been at a statement of this login role for longer than this, in whichever process. Who waits
    /// for its answer met a slow statement and no silence.
    ///
    /// # Errors
    /// The server does not say.
    pub async fn is_long_at_work(&self, longest: Duration) -> Result<bool, DbError> {
        const AT_WORK: &str = "select exists (
            select from pg_stat_activity
            where datname = current_database() and usename = session_user and state = 'active'
              and pid <> pg_backend_pid() and query_start < clock_timestamp() - make_interval(secs => $1))";
        let asked = sqlx::query_scalar::<_, bool>(AT_WORK).bind(longest.as_secs_f64()).fetch_one(&self.pool);
        Ok(self.mistrust.unless_silent(REQUEST_WITHIN, asked).await?)
    }

    /// Commits, and waits for the answer for a few seconds only. The commit itself goes on: to cancel it would make
    /// it take place on this server alone, and to drop its connection would let every request open another one that
    /// hangs, until Postgres has none left. So it keeps its place in the pool, for two minutes at most.
    ///
    /// # Errors
    /// [`DbError::Unanswered`] when whether it took place is not known.
    pub async fn commit(&self, tx: Tx) -> Result<(), DbError> {
        let mistrust = self.mistrust.clone();
        let commit =
            tokio::spawn(async move { mistrust.unless_silent(COMMIT_ENDS_WITHIN, tx.commit()).await });
        match tokio::time::timeout(COMMIT_WITHIN, commit).await {
            Ok(Ok(Err(error))) if is_dead_connection(&error) => Err(DbError::Unanswered(error)),
            Ok(Ok(committed)) => Ok(committed?),
            Ok(Err(_)) => Err(DbError::Unanswered(sqlx::Error::WorkerCrashed)),
            Err(_) => Err(DbError::Unanswered(sqlx::Error::Io(silence::silent(COMMIT_WITHIN)))),
        }
    }

    /// How many connections may turn out dead one after the other before a live one must come: after a restart of
    /// Postgres all idle ones are, and each is met at most once.
    pub fn max_connections(&self) -> u32 {
        self.max_connections
    }

    async fn begin(&self, statement: String) -> Result<Tx, DbError> {
        // After a restart of Postgres every idle connection is dead; each is met at most once. Silence is met once
        // as well: all that are older than its discovery are closed unasked.
        let mut dead_connections = 0;
        let mut silence_met = false;
        loop {
            let (pool, mistrust, statement) = (self.pool.clone(), self.mistrust.clone(), statement.clone());
            // A caller may give up at any moment. In a task of its own the statement is seen through, so that no
            // connection returns to the pool with a transaction that the pool does not know of.
            let begun = tokio::spawn(async move {
                mistrust.unless_silent(BEGIN_WITHIN, pool.begin_with(AssertSqlSafe(statement))).await
            });
            match begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)) {
                Ok(transaction) => return Ok(transaction),
                Err(error) if silence::is_silence(&error) => {
                    if std::mem::replace(&mut silence_met, true) {
                        return Err(error.into());
                    }
                }
                Err(error) if dead_connections < self.max_connections && is_dead_connection(&error) => {
                    dead_connections += 1;
                }
                Err(error) => {
                    // It failed halfway, so the connection may sit in the pool inside a failed transaction.
                    if matches!(error, sqlx::Error::Database(_)) {
                        self.mistrust.begin();
                    }
                    return Err(error.into());
                }
            }
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("connections", &self.pool.size())
            .field("idle", &self.pool.num_idle())
            .finish()
    }
}

/// Changes the role, and the tenant if given, for the rest of the transaction; for steps of different purpose
/// that must commit together.
pub async fn act_as(tx: &mut Tx, role: Role, tenant: Option<TenantId>) -> Result<(), DbError> {
    let tenant = tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
    sqlx::query("select set_config('role', $1, true), set_config('desk.tenant_id', $2, true)")
        .bind(role.name())
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What the database answered instead of a result. Neither form of printing shows row values.
#[derive(thiserror::Error)]
pub enum DbError {
    /// The server cannot be reached, is starting or stopping, or has no connection to spare; trying again
    /// later is right.
    #[error("the database is unavailable: {}", Advised(.0))]
    Unavailable(#[source] sqlx::Error),
    /// The answer to a commit was lost or did not come in time: it may have taken place, or take place yet.
    #[error("whether the transaction was committed is not known: {0}")]
    Unanswered(#[source] sqlx::Error),
    /// A statement broke the constraint of this name.
    #[error("the constraint {name} was violated")]
    Constraint {
        /// The constraint's name as in the migrations.
        name: String,
    },
    /// Two transactions collided, or a statement waited or ran too long; trying the whole transaction again is right.
    #[error("the transaction collided with another: {0}")]
    Conflict(#[source] sqlx::Error),
    /// Anything else: a fault of the program or of the schema.
    #[error("the database refused the statement: {0}")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// Whether trying again later is right without any change.
    pub fn is_transient(&self) -> bool {
        self.is_unavailable() || matches!(self, DbError::Conflict(_))
    }

    /// Whether another transaction was in the way of this one: it was chosen to end a deadlock, fits into no order with
    /// others, or did not get a lock in time. It left nothing behind, and nothing is wrong with it; a statement that
    /// ran for too long is another thing.
    pub fn is_collision(&self) -> bool {
        let DbError::Conflict(error) = self else { return false };
        error.as_database_error().and_then(|error| error.code()).as_deref() != Some(QUERY_CANCELED)
    }

    /// Whether the database cannot be reached or is overloaded (HTTP 503).
    pub fn is_unavailable(&self) -> bool {
        matches!(self, DbError::Unavailable(_) | DbError::Unanswered(_))
    }

    /// Whether the connection broke, so that nobody knows what became of the statement: what may be done twice may
    /// be sent again over another connection.
    pub fn is_connection_lost(&self) -> bool {
        matches!(self, DbError::Unavailable(error) if is_dead_connection(error))
    }

    /// Whether a value could not be stored or read: a text, number or time beyond what Postgres has, or a row too large
    /// for its index. Such values are refused at the door; one that came past it is still its sender's mistake.
    pub fn is_bad_value(&self) -> bool {
        const CODES: [&str; 8] = ["22021", "22P05", "22P02", "22001", "22003", "22008", "54000", "54001"];
        let DbError::Other(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| CODES.contains(&code.as_ref()))
    }

    /// Whether the constraint of this name was violated.
    pub fn violates(&self, constraint: &str) -> bool {
        matches!(self, DbError::Constraint { name } if name == constraint)
    }
}

/// The SQLSTATE of a statement that was ended by its timeout, or by somebody who cancelled it.
const QUERY_CANCELED: &str = "57014";

impl fmt::Debug for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DbError({self})")
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> DbError {
        if is_dead_connection(&error) || matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
        {
            return DbError::Unavailable(error);
        }
        let Some(database) = error.as_database_error() else { return DbError::Other(error) };
        if let Some(name) = database.constraint() {
            return DbError::Constraint { name: name.to_owned() };
        }
        match database.code().as_deref() {
            Some("40001" | "40P01" | "55P03" | QUERY_CANCELED) => DbError::Conflict(error),
            // Too many connections, out of memory or disk; or the server is a standby since a failover.
            Some("53000" | "53100" | "53200" | "53300" | "25006") => DbError::Unavailable(error),
            _ => DbError::Other(error),
        }
    }
}

/// Whether the connection, not the statement, is at fault: closed, refused, or the server stops or recovers.
pub fn is_dead_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => true,
        // A connection that breaks in mid-message shows as a protocol error.
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(database) => {
            // 25P03: the server ended a session that sat idle in a transaction.
            matches!(database.code().as_deref(), Some(code)
                if code.starts_with("08") || code.starts_with("57P") || code == "25P03")
        }
        _ => false,
    }
}
