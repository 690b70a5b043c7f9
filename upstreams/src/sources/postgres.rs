//! Tables of Postgres: through a cursor, a thousand rows at a time.
//!
//! Statements are sent as text. Of those that are prepared the library asks the server what their types are, and what the
//! types of these are, as long as the server likes.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Ipv4Addr;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use super::{
    COLUMNS, CONNECT_WITHIN, Copied, Database, Lines, STATEMENT_SECS, SourceError, TEXT_CHARS, Wanted,
};
use super::{answered, connection_fault, plain_code, quoted_table};

/// Rows that are fetched at once.
const FETCHED: u64 = 1_000;

/// Signs in by the relay's port.
pub(super) async fn open(database: &Database, port: u16) -> Result<PgConnection, SourceError> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&Ipv4Addr::LOCALHOST.to_string())
        .port(port)
        .database(&database.database)
        .username(&database.user)
        .password(&database.password)
        // TLS is the relay's.
        .ssl_mode(PgSslMode::Disable)
        .application_name("deskwork")
        .disable_statement_logging();
    let connected = timeout(CONNECT_WITHIN, PgConnection::connect_with(&options)).await;
    let mut connection = connected.map_err(|_| SourceError::Silent)?.map_err(|error| told(&error))?;
    let begin = format!(
        "begin isolation level repeatable read, read only; set local statement_timeout = '{STATEMENT_SECS}s';
         set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '600s';
         set local timezone = 'UTC'; set local datestyle = 'ISO'; set local standard_conforming_strings = on"
    );
    answered(sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection), told).await?;
    Ok(connection)
}

/// The columns of a table with their types; none where there is no table.
pub(super) async fn columns(
    connection: &mut PgConnection,
    table: &str,
) -> Result<BTreeMap<String, String>, SourceError> {
    let select = format!(
        "select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a
         where a.attrelid = to_regclass({}) and a.attnum > 0 and not a.attisdropped limit {COLUMNS}",
        literal(&quoted_table(table, quoted_name))
    );
    let (mut found, mut rows) = (BTreeMap::new(), 0);
    let mut coming = sqlx::raw_sql(AssertSqlSafe(select)).fetch(connection);
    while let Some(row) = answered(coming.try_next(), told).await? {
        let text = |place: usize| row.try_get_unchecked::<String, _>(place).map_err(|error| told(&error));
        found.insert(text(0)?, text(1)?);
        rows += 1;
        if rows > COLUMNS {
            return Err(SourceError::Odd);
        }
    }
    Ok(found)
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
            let newest =
                answered(sqlx::raw_sql(AssertSqlSafe(select)).fetch_one(&mut *connection), told).await?;
            newest.try_get_unchecked::<Option<String>, _>(0).map_err(|error| told(&error))?
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
            _ => format!("left({}::text, {TEXT_CHARS})", quoted_name(name)),
        })
        .collect();
    let declare = format!(
        "declare read no scroll cursor for select {} from {table} {changed} order by {order_id} {limit}",
        columns.join(", ")
    );
    answered(sqlx::raw_sql(AssertSqlSafe(declare)).execute(&mut *connection), told).await?;
    let mut lines = Lines::begin(sink, wanted)?;
    let fetch = format!("fetch forward {FETCHED} from read");
    loop {
        let mut fetched = 0;
        let mut coming = sqlx::raw_sql(AssertSqlSafe(fetch.clone())).fetch(&mut *connection);
        while let Some(row) = answered(coming.try_next(), told).await? {
            fetched += 1;
            if fetched > FETCHED {
                return Err(SourceError::Odd);
            }
            let cells: Vec<Option<&str>> = (0..wanted.columns.len())
                .map(|place| row.try_get_unchecked(place))
                .collect::<Result<_, _>>()
                .map_err(|error| told(&error))?;
            lines.write(cells.into_iter())?;
        }
        if fetched == 0 {
            break;
        }
    }
    Ok(Copied { rows: lines.end()?, until })
}

/// What a failure says to whom the source belongs. The database's own message may hold values of rows; the code says what is
/// wrong.
fn told(error: &sqlx::Error) -> SourceError {
    let Some(database) = error.as_database_error() else {
        return connection_fault(error);
    };
    match database.code().as_deref().unwrap_or_default() {
        "28P01" => SourceError::SignIn,
        // No line of pg_hba.conf lets this user in from here, or there is no such user.
        "28000" => SourceError::NotFromHere,
        "3D000" => SourceError::NoDatabase,
        "42501" => SourceError::NotPermitted,
        "42703" => SourceError::NoColumn,
        "42P01" | "3F000" => SourceError::NoTable("of this name".to_owned()),
        "57014" => SourceError::Slow,
        // What passes: no room for a connection, a server that starts or stops, a lock, a standby that goes on.
        "57P01" | "57P02" | "57P03" | "55P03" | "40001" | "40P01" => SourceError::Busy,
        code if code.starts_with("53") || code.starts_with("08") => SourceError::Busy,
        code => SourceError::Statement(plain_code(code)),
    }
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
