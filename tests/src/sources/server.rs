//! A server that has a table `sales.line`, in the words of each.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use platform::sources::{Place, Table};
use serde::Deserialize;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use upstreams::sources::{Database, Opened, System};
use worker::app::App;

/// A server whose tables are sources.
#[derive(Clone, Debug)]
pub enum Server {
    /// By the URL of who may change it, who also reads.
    Postgres(String),
    /// Changed by one user, read by another.
    Mysql(Mysql),
}

/// A MySQL or MariaDB on this machine.
#[derive(Clone, Debug, Deserialize)]
pub struct Mysql {
    /// The URL of who may change it.
    pub admin_url: String,
    /// Its port.
    pub port: u16,
    /// Who reads.
    pub user: String,
    /// Their password.
    pub password: String,
}

const POSTGRES: &str = "create schema sales; create table sales.line (
    number text, who text, at timestamptz, pieces integer, total numeric(12, 2), changed timestamptz not null, note text);";
const MYSQL: &str = "drop database if exists sales; create database sales; create table sales.line (
    number varchar(40), who varchar(40) character set latin1, at timestamp null, pieces integer, total decimal(12, 2),
    changed timestamp(6) not null default current_timestamp(6), note text) character set utf8mb4;";
const ROWS: &str = "insert into sales.line (number, who, at, pieces, total, changed, note) values
    ('A-1', 'c1', '2026-10-01 08:00:00', 2, 10.50, '2026-10-01 10:00:00', 'a \"quoted\", note'),
    ('A-1', 'c1', '2026-10-01 08:00:00', 1, 4.00, '2026-10-01 10:00:00', null),
    ('A-2', 'c2', '2026-10-02 08:00:00', 1, 7.25, '2026-10-02 10:00:00', null),
    ('A-3', null, '2026-10-02 08:00:00', 1, 7.25, '2026-10-02 10:00:00', null);";

impl Server {
    /// Makes the table with its rows, in place of one that is there.
    pub async fn fill(&self) -> Result<()> {
        match self {
            Server::Postgres(_) => self.run(&format!("set timezone = 'UTC'; {POSTGRES} {ROWS}")).await,
            Server::Mysql(_) => self.run(&format!("{MYSQL} {ROWS}")).await,
        }
    }

    /// Does something there, in UTC.
    pub async fn run(&self, statements: &str) -> Result<()> {
        match self {
            Server::Postgres(url) => {
                let mut admin = PgConnection::connect(url).await?;
                sqlx::raw_sql(AssertSqlSafe(format!("set timezone = 'UTC'; {statements}")))
                    .execute(&mut admin)
                    .await?;
            }
            Server::Mysql(mysql) => {
                let mut admin = MySqlConnection::connect(&mysql.admin_url).await?;
                sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut admin).await?;
            }
        }
        Ok(())
    }

    /// Gives a column another type.
    pub async fn retype(&self, column: &str, kind: &str) -> Result<()> {
        let word = match self {
            Server::Postgres(_) => format!("alter {column} type {kind}"),
            Server::Mysql(_) => format!("modify {column} {kind}"),
        };
        self.run(&format!("alter table sales.line {word}")).await
    }

    /// What the types of a whole number and a greater one are called.
    pub fn integers(&self) -> (&'static str, &'static str) {
        match self {
            Server::Postgres(_) => ("integer", "bigint"),
            Server::Mysql(_) => ("int(11)", "bigint(20)"),
        }
    }

    /// The table as a source.
    pub fn place(&self, table: &str, changes: Option<&str>) -> Result<Place> {
        let (changes, table) = (changes.map(str::to_owned), table.to_owned());
        Ok(match self {
            Server::Postgres(url) => {
                let options: PgConnectOptions = url.parse()?;
                Place::Postgres(Table {
                    host: "127.0.0.1".to_owned(),
                    port: options.get_port(),
                    database: options.get_database().context("no database")?.to_owned(),
                    user: options.get_username().to_owned(),
                    table,
                    changes,
                })
            }
            Server::Mysql(mysql) => Place::Mysql(Table {
                host: "127.0.0.1".to_owned(),
                port: mysql.port,
                database: "sales".to_owned(),
                user: mysql.user.clone(),
                table,
                changes,
            }),
        })
    }

    /// The password of who reads.
    pub fn secret(&self) -> &str {
        match self {
            Server::Postgres(_) => "",
            Server::Mysql(mysql) => &mysql.password,
        }
    }

    /// A connection as the worker has it.
    pub async fn opened(&self, app: &App, secret: &str) -> Result<Opened> {
        let system = match self {
            Server::Postgres(_) => System::Postgres,
            Server::Mysql(_) => System::Mysql,
        };
        let place = self.place("line", None)?;
        let Table { host, port, database, user, .. } = place.table().context("no table")?.clone();
        let database = Database { system, host, port, database, user, password: secret.to_owned() };
        Ok(app.sources.open(&database).await?)
    }

    /// The types of a table's columns.
    pub async fn kinds(&self, app: &App, table: &str) -> Result<BTreeMap<String, String>> {
        Ok(self.opened(app, self.secret()).await?.columns(table).await?)
    }
}
