//! Databases and files of tenants, read and never written. A table is read in one transaction that may only read, as the lines
//! of a CSV file, with a bounded part of it in memory, however much the server sends (`relay`); a file as it is. Where a name
//! leads is looked up and checked here, and the connection goes to the address that was checked.

mod fault;
mod file;
#[cfg(test)]
mod hostile;
mod mysql;
mod postgres;
mod relay;
mod sftp;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use super::addresses::allowed_addresses;
use super::error::SetupError;
use super::http::{Outbound, RetryPolicy};
use super::{Breakers, Destinations};

use self::relay::{Relay, Tls};
pub use fault::SourceError;
pub use file::{FileAt, Object};
pub use sftp::{Remote, host_key_fault};

const UPSTREAM: &str = "source";

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// How long one statement may take there, and here a little longer.
const STATEMENT_SECS: u32 = 120;
const ANSWER_WITHIN: Duration = Duration::from_secs(130);
/// The largest table or file that is read, in bytes as written.
pub const MOST_BYTES: u64 = 4 << 30;
/// The most of a table that is read as a sample, in bytes as written.
const SAMPLE_BYTES: u64 = relay::PAGE_BYTES;
/// Columns of a table.
const COLUMNS: usize = 1_000;
/// Characters of a text that are asked for: a line with more is left out of an import as too long.
const TEXT_CHARS: u32 = 65_537;
/// A file that sends nothing for so long is broken.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// What a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Postgres, and what speaks as it does.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

/// A database. Printing it for debugging shows no secret.
#[derive(Clone)]
pub struct Database {
    /// What it speaks.
    pub system: System,
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
            .field("system", &self.system)
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

/// The way to sources. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sources {
    outbound: Outbound,
    destinations: Destinations,
}

/// A database that may be read from, in a transaction that sees one moment of it.
#[derive(Debug)]
pub struct Opened {
    /// What was opened.
    pub session: Session,
    relay: Relay,
}

/// A session with it.
#[derive(Debug)]
pub enum Session {
    /// Postgres.
    Postgres(Box<PgConnection>),
    /// MySQL or MariaDB.
    Mysql(Box<MySqlConnection>),
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
    pub async fn open(&self, database: &Database) -> Result<Opened, SourceError> {
        let address = self.address(&database.host, database.port).await?;
        let is_here = address.ip().to_canonical().is_loopback();
        opened(database, address, Tls::to(&database.host, is_here)).await
    }

    /// The address that a name leads to, if it may be called.
    async fn address(&self, host: &str, port: u16) -> Result<SocketAddr, SourceError> {
        let found = timeout(CONNECT_WITHIN, tokio::net::lookup_host((host, port))).await;
        let found: Vec<SocketAddr> =
            found.map_err(|_| SourceError::Silent)?.map_err(|_| SourceError::HostUnknown)?.collect();
        let allowed = allowed_addresses(self.destinations, host, found.into_iter())
            .map_err(|forbidden| SourceError::Forbidden(forbidden.0))?;
        allowed.first().copied().ok_or(SourceError::Forbidden("it has no address"))
    }
}

/// A session with the server at an address.
async fn opened(database: &Database, address: SocketAddr, tls: Tls) -> Result<Opened, SourceError> {
    let relay = Relay::open(database, address, tls).await?;
    let session = async {
        Ok(match database.system {
            System::Postgres => Session::Postgres(Box::new(postgres::open(database, relay.port()).await?)),
            System::Mysql => Session::Mysql(Box::new(mysql::open(database, relay.port()).await?)),
        })
    };
    let session = guarded(&relay, session).await?;
    Ok(Opened { session, relay })
}

/// Does something with a server that may send anything: the library panics at some of it, and what the relay saw says more than
/// what came of it.
async fn guarded<T>(
    relay: &Relay,
    work: impl Future<Output = Result<T, SourceError>>,
) -> Result<T, SourceError> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(relay.fault().unwrap_or(error)),
        Err(_) => Err(relay.fault().unwrap_or(SourceError::Odd)),
    }
}

impl Opened {
    /// The columns of a table with their types, as its database names both.
    ///
    /// # Errors
    /// There is none, or the database failed.
    pub async fn columns(&mut self, table: &str) -> Result<BTreeMap<String, String>, SourceError> {
        let Opened { session, relay } = self;
        let relay = &*relay;
        let columns = async {
            match session {
                Session::Postgres(connection) => postgres::columns(connection, table).await,
                Session::Mysql(connection) => mysql::columns(connection, table).await,
            }
        };
        let found = guarded(relay, columns).await?;
        if found.is_empty() {
            return Err(SourceError::NoTable(table.chars().take(100).collect()));
        }
        Ok(found)
    }

    /// Whether a column of this type can say what was changed.
    ///
    /// # Errors
    /// Says that it cannot, and what could.
    pub fn check_changes(&self, column: &str, kind: &str) -> Result<(), SourceError> {
        match self.session {
            Session::Postgres(_) => Ok(()),
            Session::Mysql(_) => mysql::check_changes(column, kind).map(|_| ()),
        }
    }

    /// Reads a table as the lines of a CSV file, with its names first.
    ///
    /// # Errors
    /// The database failed, or what was read cannot be kept.
    pub async fn copy(
        &mut self,
        wanted: &Wanted<'_>,
        sink: &mut (impl Write + Send),
    ) -> Result<Copied, SourceError> {
        let Opened { session, relay } = self;
        let relay = &*relay;
        let copied = async {
            match session {
                Session::Postgres(connection) => postgres::copy(connection, wanted, sink).await,
                Session::Mysql(connection) => mysql::copy(connection, relay, wanted, sink).await,
            }
        };
        guarded(relay, copied).await
    }
}

/// The lines of a CSV file on their way into a sink, as many as are read of a source.
struct Lines<'s, W> {
    sink: &'s mut W,
    line: Vec<u8>,
    bytes: u64,
    rows: u64,
    /// Of a sample.
    most_rows: Option<u32>,
}

impl<'s, W: Write> Lines<'s, W> {
    /// Begins with the names of the columns.
    fn begin(sink: &'s mut W, wanted: &Wanted<'_>) -> Result<Lines<'s, W>, SourceError> {
        let mut lines = Lines { sink, line: Vec::new(), bytes: 0, rows: 0, most_rows: wanted.limit };
        lines.put(wanted.columns.iter().map(|name| Some(name.as_str())))?;
        Ok(lines)
    }

    /// A row.
    fn write<'c>(&mut self, cells: impl Iterator<Item = Option<&'c str>>) -> Result<(), SourceError> {
        self.rows += 1;
        // Whoever sends more rows than were asked for would send them without end.
        if self.most_rows.is_some_and(|most| self.rows > u64::from(most)) {
            return Err(SourceError::Odd);
        }
        self.put(cells)
    }

    fn put<'c>(&mut self, cells: impl Iterator<Item = Option<&'c str>>) -> Result<(), SourceError> {
        self.line.clear();
        write_line(&mut self.line, cells);
        self.bytes += self.line.len() as u64;
        if self.most_rows.is_some() && self.bytes > SAMPLE_BYTES {
            return Err(SourceError::TooMuch(relay::PAGE_TOLD));
        }
        if self.bytes > MOST_BYTES {
            return Err(SourceError::TooLarge);
        }
        Ok(self.sink.write_all(&self.line)?)
    }

    /// The rows that were written.
    fn end(self) -> Result<u64, SourceError> {
        self.sink.flush()?;
        Ok(self.rows)
    }
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

/// A table's name, with its schema if it has one, each part quoted.
fn quoted_table(table: &str, quoted_name: fn(&str) -> String) -> String {
    table.splitn(2, '.').map(quoted_name).collect::<Vec<_>>().join(".")
}

async fn answered<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
    told: fn(&sqlx::Error) -> SourceError,
) -> Result<T, SourceError> {
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer.map_err(|error| told(&error)),
        Err(_) => Err(SourceError::Silent),
    }
}

/// What a failure says that is no answer of the database itself.
fn connection_fault(error: &sqlx::Error) -> SourceError {
    match error {
        sqlx::Error::Io(_) => SourceError::Broken,
        sqlx::Error::Protocol(told) if told.contains("auth") => SourceError::SignInWay,
        sqlx::Error::Configuration(_) => SourceError::SignInWay,
        _ => SourceError::Odd,
    }
}

/// A server's own code, of letters and digits.
fn plain_code(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
    if plain.is_empty() { "unknown".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_in_its_place() {
        let mut file = Vec::new();
        let columns = ["x".to_owned(), "y".to_owned()];
        let kinds = BTreeMap::new();
        let wanted = Wanted {
            table: "t",
            columns: &columns,
            kinds: &kinds,
            order_id: "x",
            since: None,
            limit: Some(2),
        };
        let mut lines = Lines::begin(&mut file, &wanted).expect("begun");
        lines.write([Some("a,\"b\"\r\nc"), None].into_iter()).expect("written");
        lines.write([Some(""), Some("z")].into_iter()).expect("written");
        assert!(
            matches!(lines.write([None, None].into_iter()), Err(SourceError::Odd)),
            "a row that nobody asked for"
        );
        lines.end().expect("ended");
        assert_eq!(file, b"\"x\",\"y\"\r\n\"a,\"\"b\"\"\r\nc\",\r\n\"\",\"z\"\r\n");
    }
}
