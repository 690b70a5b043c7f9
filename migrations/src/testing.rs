//! A fresh, migrated database for each test, made in milliseconds from a template.
//!
//! `TEST_DATABASE_URL` names a superuser of a private server. The template is migrated once for each state of
//! the migration files, under an advisory lock, so parallel test processes share it. A test's database is
//! dropped when its guard goes out of scope; one left behind by a killed test is dropped by a later run. The same holds
//! for the folder that a test may have.

pub mod proxy;

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::MIGRATOR;

/// Serialises template creation and left-over removal on one server; the number is arbitrary but fixed.
const LOCK: i64 = 0x6465_736b_7465_7374;

/// How often [`insist`] asks.
const ASKED: u32 = 30;

/// What is answered at last. The product gives up a server that does not answer within a second or two; when the whole
/// machine stands still for longer, that says nothing of what a test is about.
pub async fn insist<T, E: Display>(ask: impl AsyncFn() -> Result<T, E>) -> T {
    let mut asked = 1;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(asked < ASKED, "not answered: {error}"),
        }
        asked += 1;
    }
}

/// A database of a test's own. Dropping the guard drops the database.
#[derive(Debug)]
pub struct TestDatabase {
    /// URL of the database as the server's superuser.
    pub admin_url: String,
    name: String,
    server: PgConnectOptions,
}

/// Creates a migrated database. Panics with a readable message when the test server is not there, because a
/// test cannot do anything sensible without it.
pub async fn fresh_database() -> TestDatabase {
    let server = server();
    let mut connection = server.connect().await.expect("the test server answers");
    let template = template(&mut connection, &server).await;
    create(&mut connection, server, &template).await
}

/// Creates a database in which nothing was migrated yet.
pub async fn empty_database() -> TestDatabase {
    let server = server();
    let mut connection = server.connect().await.expect("the test server answers");
    create(&mut connection, server, "template1").await
}

impl TestDatabase {
    /// URL of the same database for one of the product's login roles, for example `desk_api`.
    pub fn url_for(&self, role: &str) -> String {
        self.server.clone().username(role).database(&self.name).to_url_lossy().to_string()
    }

    /// A folder for what the test keeps in files: below the system's temporary folder, under the database's name. Who
    /// needs it makes it; it goes with the database.
    pub fn folder(&self) -> PathBuf {
        folder_of(&self.name)
    }
}

fn folder_of(database: &str) -> PathBuf {
    std::env::temp_dir().join(database)
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("drop database if exists {} with (force)", self.name);
        // A guard may be dropped inside a runtime, where blocking is not allowed; a thread of its own may block.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let mut connection = server.connect().await.ok()?;
                sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.ok()
            })
        });
        // A failure leaves the database to the next run's cleaning.
        let _ = dropping.join();
        // Most tests have none.
        let _ = std::fs::remove_dir_all(self.folder());
    }
}

fn server() -> PgConnectOptions {
    let url = std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL names a private test server; `make test` sets it");
    PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is a Postgres URL").database("postgres")
}

async fn create(connection: &mut PgConnection, server: PgConnectOptions, template: &str) -> TestDatabase {
    let name = format!("desk_t_{}_{}", std::process::id(), uuid::Uuid::now_v7().simple());
    run(connection, format!("create database {name} template {template}")).await;
    let own = server.clone().database(&name);
    // The first connection builds what all later ones read. It takes its time here, where nothing has a limit.
    own.connect().await.expect("the new database answers").close().await.expect("the connection closes");
    let admin_url = own.to_url_lossy().to_string();
    TestDatabase { admin_url, name, server }
}

/// Name of the template for the present migration files; creates it and cleans up when it is missing.
async fn template(connection: &mut PgConnection, server: &PgConnectOptions) -> String {
    let fingerprint = MIGRATOR.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, migration| {
        migration
            .checksum
            .iter()
            .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
    });
    let name = format!("desk_template_{fingerprint:016x}");
    if exists(connection, &name).await {
        return name;
    }
    sqlx::query("select pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await
        .expect("advisory lock");
    if !exists(connection, &name).await {
        remove_leftovers(connection).await;
        remove_old_templates(connection).await;
        // Built under another name and renamed, so that a killed run leaves no half-migrated template.
        let draft = format!("{name}_new");
        run(connection, format!("drop database if exists {draft} with (force)")).await;
        run(connection, format!("create database {draft}")).await;
        let mut fresh = server.clone().database(&draft).connect().await.expect("the new database answers");
        MIGRATOR.run(&mut fresh).await.expect("the migrations apply to an empty database");
        fresh.close().await.expect("the connection closes");
        run(connection, format!("alter database {draft} rename to {name}")).await;
    }
    sqlx::query("select pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(connection)
        .await
        .expect("advisory unlock");
    name
}

/// Drops test databases that nobody is connected to and whose process is gone.
async fn remove_leftovers(connection: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "select datname from pg_database d where datname like 'desk\\_t\\_%'
         and not exists (select from pg_stat_activity a where a.datname = d.datname)",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("pg_database is readable");
    for name in names {
        let process = name.split('_').nth(2).unwrap_or_default();
        if !std::path::Path::new("/proc").join(process).exists() {
            run(connection, format!("drop database if exists {name}")).await;
            let _ = std::fs::remove_dir_all(folder_of(&name));
        }
    }
}

/// Drops templates of former states of the migration files, unless somebody is just using one.
async fn remove_old_templates(connection: &mut PgConnection) {
    let names: Vec<String> =
        sqlx::query_scalar("select datname from pg_database where datname like 'desk\\_template\\_%'")
            .fetch_all(&mut *connection)
            .await
            .expect("pg_database is readable");
    for name in names {
        // In use means that it stays until another time.
        let _ = sqlx::query(AssertSqlSafe(format!("drop database if exists {name}")))
            .execute(&mut *connection)
            .await;
    }
}

async fn exists(connection: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .expect("pg_database is readable")
}

async fn run(connection: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement.as_str()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
