//! Databases and files of tenants, read and never written. A table is read in one transaction that may only read, through a
//! cursor, a thousand rows at a time, as the lines of a CSV file; a file as it is. Where a name leads is looked up and checked
//! here, and the connection goes to the address that was checked.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ETAG, HeaderMap, LAST_MODIFIED};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use super::addresses::allowed_addresses;
use super::error::{ClientError, SetupError};
use super::http::{CallContext, Outbound, RetryPolicy};
use super::{Breakers, Destinations};

const UPSTREAM: &str = "source";

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// How long one statement may take there, and here a little longer.
const STATEMENT: &str = "120s";
const ANSWER_WITHIN: Duration = Duration::from_secs(130);
/// Rows that are fetched at once.
const FETCHED: i64 = 1_000;
/// The largest table or file that is read, in bytes as written.
pub const MOST_BYTES: u64 = 4 << 30;
/// A file that sends nothing for so long is broken.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// A Postgres database. Printing it for debugging shows no secret.
#[derive(Clone)]
pub struct Database {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// Who reads.
    pub user: String,
    /// Their password.
    pub password: String,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("host", &self.host)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// What of a table is read.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The table, with its schema if it has one.
    pub table: &'w str,
    /// The columns.
    pub columns: &'w [String],
    /// Their types; times with a zone are written with it.
    pub kinds: &'w BTreeMap<String, String>,
    /// The column of the orders' numbers: rows of an order stand together, and all of them are read when one changed.
    pub order_id: &'w str,
    /// The column of changes, its type there, and the newest value that was read.
    pub since: Option<(&'w str, &'w str, Option<&'w str>)>,
    /// At most so many rows; none reads all.
    pub limit: Option<u32>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copied {
    /// Rows.
    pub rows: u64,
    /// The newest value of the column of changes.
    pub until: Option<String>,
}

/// Why a source is not read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The address is one that must not be called.
    #[error("the server must not be called at this address: {0}")]
    Forbidden(&'static str),
    /// No connection, or it broke; later it may be there again.
    #[error("the server does not answer: {0}")]
    Away(&'static str),
    /// It does not let us in, or refuses the statement; it would again.
    #[error("the server refused: {0}")]
    Refused(String),
    /// There is no such table.
    #[error("there is no table or view {0} that this user may read")]
    NoTable(String),
    /// It is larger than what is read.
    #[error("it is larger than 4 GiB; read less of it, by a view or a column of changes")]
    TooLarge,
    /// What was read could not be kept.
    #[error("what was read cannot be kept: {0}")]
    Io(#[from] io::Error),
    /// A file's server.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl From<sqlx::Error> for SourceError {
    fn from(error: sqlx::Error) -> SourceError {
        match error.as_database_error() {
            // The message may hold values of rows; the code says what is wrong.
            Some(database) => SourceError::Refused(match database.code().as_deref() {
                Some("28000" | "28P01") => "user or password is wrong".to_owned(),
                Some("3D000") => "there is no such database".to_owned(),
                Some("42501") => "the user may not read this".to_owned(),
                Some("57014") => {
                    "it took longer than two minutes; an index on the column of changes may help".to_owned()
                }
                Some(code) => format!("code {code}"),
                None => "no code".to_owned(),
            }),
            None => SourceError::Away("the connection broke or could not be made"),
        }
    }
}

/// The way to sources. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sources {
    outbound: Outbound,
    destinations: Destinations,
}

impl Sources {
    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 1,
        first_delay: Duration::from_millis(250),
        longest_delay: Duration::from_secs(2),
        attempt_timeout: Duration::from_secs(30),
        longest_named_wait: Duration::from_secs(1),
    };

    /// A way to these destinations.
    ///
    /// # Errors
    /// No TLS.
    pub fn new(destinations: Destinations, breakers: Breakers) -> Result<Sources, SetupError> {
        Ok(Sources {
            outbound: Outbound::new(UPSTREAM, destinations, Sources::POLICY, breakers)?,
            destinations,
        })
    }

    /// Connects to a database.
    ///
    /// # Errors
    /// It must not be called, is away, or does not let us in.
    pub async fn open(&self, database: &Database) -> Result<PgConnection, SourceError> {
        let found =
            timeout(CONNECT_WITHIN, tokio::net::lookup_host((database.host.as_str(), database.port))).await;
        let found: Vec<SocketAddr> = found
            .map_err(|_| SourceError::Away("its name was not found in time"))?
            .map_err(|_| SourceError::Away("its name leads nowhere"))?
            .collect();
        let allowed = allowed_addresses(self.destinations, &database.host, found.into_iter())
            .map_err(|forbidden| SourceError::Forbidden(forbidden.0))?;
        let address = *allowed.first().ok_or(SourceError::Forbidden("it has no address"))?;
        // Over a network nothing is sent in clear. The certificate is checked up to its authority; its name is not, because
        // the connection goes to the address that was checked and not to the name, which may lead elsewhere by now.
        let tls = if address.ip().is_loopback() { PgSslMode::Prefer } else { PgSslMode::VerifyCa };
        let options = PgConnectOptions::new_without_pgpass()
            .host(&address.ip().to_string())
            .port(address.port())
            .database(&database.database)
            .username(&database.user)
            .password(&database.password)
            .ssl_mode(tls)
            .application_name("deskwork")
            .disable_statement_logging();
        let connected = timeout(CONNECT_WITHIN, PgConnection::connect_with(&options)).await;
        let mut connection = connected.map_err(|_| SourceError::Away("no connection in time"))??;
        let begin = format!(
            "begin isolation level repeatable read, read only; set local statement_timeout = '{STATEMENT}';
             set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '600s';
             set local timezone = 'UTC'; set local datestyle = 'ISO'; set local standard_conforming_strings = on"
        );
        answered(sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection)).await?;
        Ok(connection)
    }

    /// Begins to read a file into `sink`; its mark, by which it is known when nothing changed, or none when it has the mark
    /// that is known.
    ///
    /// # Errors
    /// It must not be called, is away, or broke off.
    pub async fn fetch(
        &self,
        context: &CallContext,
        url: &str,
        known: Option<&str>,
        sink: &mut (impl Write + Send),
    ) -> Result<Option<String>, SourceError> {
        let url = Url::parse(url).map_err(|_| SourceError::Forbidden("it is not a URL"))?;
        let mut answer = self.outbound.open(context, url, HeaderMap::new()).await?;
        let mark = [ETAG, LAST_MODIFIED].iter().find_map(|name| {
            Some(answer.headers().get(name)?.to_str().ok()?.chars().take(200).collect::<String>())
        });
        if mark.is_some() && mark.as_deref() == known {
            return Ok(None);
        }
        let mut bytes = 0;
        while let Some(piece) = answer.next(SILENT_FOR).await? {
            bytes += piece.len() as u64;
            if bytes > MOST_BYTES {
                return Err(SourceError::TooLarge);
            }
            sink.write_all(&piece)?;
        }
        sink.flush()?;
        Ok(Some(mark.unwrap_or_default()))
    }
}

/// The columns of a table with their types, as its database names both.
///
/// # Errors
/// There is none, or the database failed.
pub async fn columns(
    connection: &mut PgConnection,
    table: &str,
) -> Result<BTreeMap<String, String>, SourceError> {
    let found: Vec<(String, String)> = answered(
        sqlx::query_as(
            "select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a
             where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped limit 1000",
        )
        .bind(quoted(table))
        .fetch_all(connection),
    )
    .await?;
    if found.is_empty() {
        return Err(SourceError::NoTable(table.chars().take(100).collect()));
    }
    Ok(found.into_iter().collect())
}

/// Reads a table as the lines of a CSV file, with its names first.
///
/// # Errors
/// The database failed, or what was read cannot be kept.
pub async fn copy(
    connection: &mut PgConnection,
    wanted: &Wanted<'_>,
    sink: &mut (impl Write + Send),
) -> Result<Copied, SourceError> {
    let (table, order_id) = (quoted(wanted.table), quoted_name(wanted.order_id));
    let until = match wanted.since {
        None => None,
        Some((column, _, _)) => {
            let select = format!("select max({})::text from {table}", quoted_name(column));
            answered(sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut *connection)).await?
        }
    };
    let changed = match wanted.since {
        // What was changed in the moment that was read last may have changed since.
        Some((column, kind, Some(after))) => format!(
            "where {order_id} in (select {order_id} from {table} where {} >= {}::{kind})",
            quoted_name(column),
            literal(after)
        ),
        _ => String::new(),
    };
    let limit = wanted.limit.map_or(String::new(), |rows| format!("limit {rows}"));
    let columns: Vec<String> = wanted
        .columns
        .iter()
        .map(|name| match wanted.kinds.get(name).map(String::as_str) {
            Some(kind) if kind.starts_with("timestamp") && kind.ends_with("with time zone") => {
                format!("to_char({}, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", quoted_name(name))
            }
            _ => format!("{}::text", quoted_name(name)),
        })
        .collect();
    let declare = format!(
        "declare read no scroll cursor for select {} from {table} {changed} order by {order_id} {limit}",
        columns.join(", ")
    );
    answered(sqlx::raw_sql(AssertSqlSafe(declare)).execute(&mut *connection)).await?;
    let mut line = Vec::new();
    write_line(&mut line, wanted.columns.iter().map(|name| Some(name.as_str())));
    sink.write_all(&line)?;
    let (mut rows, mut bytes) = (0, line.len() as u64);
    loop {
        let fetch = format!("fetch forward {FETCHED} from read");
        let fetched =
            answered(sqlx::query(AssertSqlSafe(fetch)).persistent(false).fetch_all(&mut *connection)).await?;
        if fetched.is_empty() {
            break;
        }
        for row in &fetched {
            let cells: Vec<Option<String>> =
                (0..wanted.columns.len()).map(|place| row.try_get(place)).collect::<Result<_, _>>()?;
            line.clear();
            write_line(&mut line, cells.iter().map(Option::as_deref));
            bytes += line.len() as u64;
            if bytes > MOST_BYTES {
                return Err(SourceError::TooLarge);
            }
            sink.write_all(&line)?;
        }
        rows += fetched.len() as u64;
    }
    sink.flush()?;
    Ok(Copied { rows, until })
}

/// Every cell in quotes, so that whatever is in it stays in it.
fn write_line<'c>(line: &mut Vec<u8>, cells: impl Iterator<Item = Option<&'c str>>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            line.push(b',');
        }
        if let Some(cell) = cell {
            line.push(b'"');
            line.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            line.push(b'"');
        }
    }
    line.extend_from_slice(b"\r\n");
}

/// A table's name, with its schema if it has one.
fn quoted(table: &str) -> String {
    table.splitn(2, '.').map(quoted_name).collect::<Vec<_>>().join(".")
}

fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// A text in a statement; backslashes mean nothing there, because that was said at the beginning.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\0', ""))
}

async fn answered<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, SourceError> {
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(SourceError::Away("it did not answer in time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_leave_their_place() {
        assert_eq!(quoted("shop.orders"), "\"shop\".\"orders\"");
        assert_eq!(quoted("x\"; drop table y; --"), "\"x\"\"; drop table y; --\"");
        assert_eq!(literal("2026-01-01' or true --"), "'2026-01-01'' or true --'");
        let mut line = Vec::new();
        write_line(&mut line, [Some("a,\"b\"\r\nc"), None, Some("")].into_iter());
        assert_eq!(line, b"\"a,\"\"b\"\"\r\nc\",,\"\"\r\n");
    }
}
