//! Tables of Postgres: through a cursor, a thousand rows at a time.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use super::{CONNECT_WITHIN, Copied, Database, Lines, STATEMENT_SECS, SourceError, Wanted};
use super::{answered, connection_fault, quoted_table};

/// Rows that are fetched at once.
const FETCHED: i64 = 1_000;

pub(super) async fn open(database: &Database, address: SocketAddr) -> Result<PgConnection, SourceError> {
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
    let mut connection =
        connected.map_err(|_| SourceError::Away("no connection in time"))?.map_err(|error| told(&error))?;
    let begin = format!(
        "begin isolation level repeatable read, read only; set local statement_timeout = '{STATEMENT_SECS}s';
         set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '600s';
         set local timezone = 'UTC'; set local datestyle = 'ISO'; set local standard_conforming_strings = on"
    );
    answered(sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection), told).await?;
    Ok(connection)
}

pub(super) async fn columns(
    connection: &mut PgConnection,
    table: &str,
) -> Result<BTreeMap<String, String>, SourceError> {
    let select = sqlx::query_as(
        "select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a
         where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped limit 1000",
    )
    .bind(quoted_table(table, quoted_name));
    let found: Vec<(String, String)> = answered(select.fetch_all(connection), told).await?;
    if found.is_empty() {
        return Err(SourceError::NoTable(table.chars().take(100).collect()));
    }
    Ok(found.into_iter().collect())
}

pub(super) async fn copy(
    connection: &mut PgConnection,
    wanted: &Wanted<'_>,
    sink: &mut (impl Write + Send),
) -> Result<Copied, SourceError> {
    let (table, order_id) = (quoted_table(wanted.table, quoted_name), quoted_name(wanted.order_id));
    let until = match wanted.since {
        None => None,
        Some((column, _, _)) => {
            let select = format!("select max({})::text from {table}", quoted_name(column));
            answered(sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut *connection), told).await?
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
    answered(sqlx::raw_sql(AssertSqlSafe(declare)).execute(&mut *connection), told).await?;
    let mut lines = Lines::begin(sink, wanted.columns)?;
    let mut rows = 0;
    loop {
        let fetch = format!("fetch forward {FETCHED} from read");
        let fetch = sqlx::query(AssertSqlSafe(fetch)).persistent(false);
        let fetched = answered(fetch.fetch_all(&mut *connection), told).await?;
        if fetched.is_empty() {
            break;
        }
        for row in &fetched {
            let cells: Vec<Option<String>> = (0..wanted.columns.len())
                .map(|place| row.try_get(place))
                .collect::<Result<_, _>>()
                .map_err(|error| told(&error))?;
            lines.write(cells.iter().map(Option::as_deref))?;
        }
        rows += fetched.len() as u64;
    }
    lines.end()?;
    Ok(Copied { rows, until })
}

/// What a failure says to whom the source belongs. The database's own message may hold values of rows; the code says what is
/// wrong.
fn told(error: &sqlx::Error) -> SourceError {
    let Some(database) = error.as_database_error() else { return connection_fault(error) };
    let code = database.code();
    SourceError::Refused(match code.as_deref().unwrap_or_default() {
        "28000" | "28P01" => "user or password is wrong".to_owned(),
        "3D000" => "there is no such database".to_owned(),
        "42501" => "the user may not read this".to_owned(),
        "57014" => "it took longer than two minutes; an index on the column of changes may help".to_owned(),
        // What passes: no room for a connection, a server that starts or stops, a lock, a standby that goes on.
        "57P01" | "57P02" | "57P03" | "55P03" | "40001" | "40P01" => {
            return SourceError::Away("it is busy, starts or stops");
        }
        code if code.starts_with("53") || code.starts_with("08") => {
            return SourceError::Away("it has no room for a connection");
        }
        "" => "no code".to_owned(),
        code => format!("code {code}"),
    })
}

fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// A text in a statement; backslashes mean nothing there, because that was said at the beginning.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_leave_their_place() {
        assert_eq!(quoted_table("shop.orders", quoted_name), "\"shop\".\"orders\"");
        assert_eq!(quoted_table("x\"; drop table y; --", quoted_name), "\"x\"\"; drop table y; --\"");
        assert_eq!(literal("2026-01-01' or true --"), "'2026-01-01'' or true --'");
    }
}
