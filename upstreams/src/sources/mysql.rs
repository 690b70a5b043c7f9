//! Tables of MySQL and MariaDB: row by row as the server sends them, every cell as the text that its type is written in.
//!
//! What these servers have and nobody else has is settled here. A date of zeros is none; the server writes it where nothing was
//! known. Numbers without a sign, of up to 65 digits or of one bit are digits as all others; `tinyint(1)` is 0 or 1. Texts
//! come in UTF-8, whatever they are stored in. Bytes are no text: such a column is refused by name.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use super::{CONNECT_WITHIN, Copied, Database, Lines, STATEMENT_SECS, SourceError, Wanted};
use super::{answered, connection_fault, quoted_table};

/// How long the statement may take that reads the table: its rows come all the while. A row that does not come ends it sooner.
const READ_SECS: u32 = 3_000;
/// Characters of a text that are asked for: a line with more is left out of an import as too long.
const TEXT_CHARS: u32 = 65_537;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Bits,
    Date,
    /// In UTC, because the session is.
    Instant,
    Text,
    Other,
}

pub(super) async fn open(database: &Database, address: SocketAddr) -> Result<MySqlConnection, SourceError> {
    // As for Postgres: never in clear over a network, and checked up to the authority.
    let tls = if address.ip().is_loopback() { MySqlSslMode::Preferred } else { MySqlSslMode::VerifyCa };
    let options = MySqlConnectOptions::new()
        .host(&address.ip().to_string())
        .port(address.port())
        .database(&database.database)
        .username(&database.user)
        .ssl_mode(tls)
        .timezone("+00:00".to_owned())
        .disable_statement_logging();
    // A user without a password sends none, which is not an empty one.
    let options = if database.password.is_empty() { options } else { options.password(&database.password) };
    let connected = timeout(CONNECT_WITHIN, MySqlConnection::connect_with(&options)).await;
    let mut connection =
        connected.map_err(|_| SourceError::Away("no connection in time"))?.map_err(|error| told(&error))?;
    run(
        &mut connection,
        // Nothing that is stored is an error because of the mode that it would be stored in today.
        "set session sql_mode = '', lock_wait_timeout = 5, net_write_timeout = 600, wait_timeout = 600"
            .to_owned(),
    )
    .await?;
    limit_statements(&mut connection, STATEMENT_SECS).await?;
    run(&mut connection, "set session transaction isolation level repeatable read".to_owned()).await?;
    run(&mut connection, "start transaction with consistent snapshot, read only".to_owned()).await?;
    Ok(connection)
}

/// Sets how long a statement may take. The two servers have a name and a unit each.
async fn limit_statements(connection: &mut MySqlConnection, secs: u32) -> Result<(), SourceError> {
    let version = sqlx::query_scalar("select cast(version() as char)").fetch_one(&mut *connection);
    let version: String = answered(version, told).await?;
    let limit = if version.contains("MariaDB") {
        format!("set session max_statement_time = {secs}")
    } else {
        format!("set session max_execution_time = {}", secs * 1_000)
    };
    run(connection, limit).await
}

async fn run(connection: &mut MySqlConnection, statement: String) -> Result<(), SourceError> {
    answered(sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection), told).await.map(|_| ())
}

pub(super) async fn columns(
    connection: &mut MySqlConnection,
    table: &str,
) -> Result<BTreeMap<String, String>, SourceError> {
    let (schema, name) = match table.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, table),
    };
    let select = sqlx::query_as(
        "select cast(column_name as char), cast(left(column_type, 200) as char) from information_schema.columns
         where table_schema = coalesce(?, database()) and table_name = ? limit 1000",
    )
    .bind(schema)
    .bind(name);
    let found: Vec<(String, String)> = answered(select.fetch_all(connection), told).await?;
    if found.is_empty() {
        return Err(SourceError::NoTable(table.chars().take(100).collect()));
    }
    Ok(found.into_iter().collect())
}

pub(super) async fn copy(
    connection: &mut MySqlConnection,
    wanted: &Wanted<'_>,
    sink: &mut (impl Write + Send),
) -> Result<Copied, SourceError> {
    let columns: Vec<String> =
        wanted.columns.iter().map(|name| written(name, kind_of(wanted, name))).collect::<Result<_, _>>()?;
    let (table, order_id) = (quoted_table(wanted.table, quoted_name), quoted_name(wanted.order_id));
    let until = match wanted.since {
        None => None,
        Some((column, kind, _)) => {
            check_changes(column, kind)?;
            let select = format!("select cast(max({}) as char) from {table}", quoted_name(column));
            let newest = sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut *connection);
            let newest: Option<String> = answered(newest, told).await?;
            newest.filter(|newest| !newest.starts_with("0000-00-00"))
        }
    };
    let changed = match wanted.since {
        // What was changed in the moment that was read last may have changed since.
        Some((column, kind, Some(after))) => format!(
            "where {order_id} in (select {order_id} from {table} where {} >= {})",
            quoted_name(column),
            literal(column, kind, after)?
        ),
        _ => String::new(),
    };
    // Two texts that a collation calls equal are two orders, whose rows must not stand between each other's.
    let order = match form(kind_of(wanted, wanted.order_id)) {
        Some(Form::Text) => format!("{order_id}, cast({order_id} as binary)"),
        _ => order_id,
    };
    let limit = wanted.limit.map_or(String::new(), |rows| format!("limit {rows}"));
    if wanted.limit.is_none() {
        limit_statements(connection, READ_SECS).await?;
    }
    let select = format!("select {} from {table} {changed} order by {order} {limit}", columns.join(", "));
    let mut lines = Lines::begin(sink, wanted.columns)?;
    let mut rows = 0;
    let mut coming = sqlx::raw_sql(AssertSqlSafe(select)).fetch(connection);
    while let Some(row) = answered(coming.try_next(), told).await? {
        let mut cells: Vec<Option<&str>> = Vec::with_capacity(wanted.columns.len());
        for (place, name) in wanted.columns.iter().enumerate() {
            cells.push(row.try_get_unchecked(place).map_err(|_| {
                SourceError::Column(format!("the column `{name}` has a value that is no text in UTF-8"))
            })?);
        }
        lines.write(cells.into_iter())?;
        rows += 1;
    }
    lines.end()?;
    Ok(Copied { rows, until })
}

/// Whether a column of this type can say what was changed.
pub(super) fn check_changes(column: &str, kind: &str) -> Result<Form, SourceError> {
    match form(kind) {
        Some(form @ (Form::Date | Form::Instant)) => Ok(form),
        // A fraction in base two is not written exactly, so it could be passed over.
        Some(Form::Number) if !kind.starts_with("float") && !kind.starts_with("double") => Ok(Form::Number),
        _ => Err(SourceError::Column(format!(
            "the column of changes `{}` is of type {kind}; it must be a date, datetime, timestamp, or a whole or decimal number",
            short(column)
        ))),
    }
}

fn kind_of<'w>(wanted: &Wanted<'w>, name: &str) -> &'w str {
    wanted.kinds.get(name).map_or("", String::as_str)
}

fn form(kind: &str) -> Option<Form> {
    let end =
        kind.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(kind.len());
    Some(match kind[..end].to_ascii_lowercase().as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float" | "double" | "year" => {
            Form::Number
        }
        "bit" => Form::Bits,
        "date" | "datetime" => Form::Date,
        "timestamp" => Form::Instant,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" => Form::Text,
        "json" | "uuid" | "time" | "inet4" | "inet6" => Form::Other,
        _ => return None,
    })
}

/// The expression that writes a column as text.
fn written(name: &str, kind: &str) -> Result<String, SourceError> {
    let column = quoted_name(name);
    Ok(match form(kind) {
        Some(Form::Number) => format!("cast({column} as char)"),
        Some(Form::Bits) => format!("cast({column} + 0 as char)"),
        Some(Form::Date) => {
            format!("if(cast({column} as char) like '0000-00-00%', null, cast({column} as char))")
        }
        Some(Form::Instant) => format!(
            "if(cast({column} as char) like '0000-00-00%', null, date_format({column}, '%Y-%m-%dT%H:%i:%sZ'))"
        ),
        Some(Form::Text) => format!("left({column}, {TEXT_CHARS})"),
        Some(Form::Other) => format!("left(cast({column} as char), {TEXT_CHARS})"),
        None => {
            return Err(SourceError::Column(format!(
                "the column `{}` is of type {}, which is no text; read it through a view that writes it as text, for example by hex()",
                short(name),
                kind.chars().take(60).collect::<String>()
            )));
        }
    })
}

/// The newest value that was read, in a statement. It is one of this column's own, so it has a form that needs no quoting;
/// anything else is none.
fn literal(column: &str, kind: &str, after: &str) -> Result<String, SourceError> {
    let is_of = |signs: &[u8]| {
        !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit() || signs.contains(&byte))
    };
    match check_changes(column, kind)? {
        Form::Number if is_of(b"-.") => Ok(after.to_owned()),
        Form::Date | Form::Instant if is_of(b"-.: ") => Ok(format!("cast('{after}' as datetime(6))")),
        _ => Err(SourceError::Column(format!(
            "what was read last of the column of changes `{}` does not fit its type {kind}; save the source again",
            short(column)
        ))),
    }
}

fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``").replace('\0', ""))
}

/// What a failure says to whom the source belongs; the server's own message may hold values of rows.
fn told(error: &sqlx::Error) -> SourceError {
    let number = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .map(MySqlDatabaseError::number);
    let Some(number) = number else { return connection_fault(error) };
    SourceError::Refused(match number {
        1045 | 1698 => "user or password is wrong".to_owned(),
        1044 | 1049 => "there is no such database, or the user may not use it".to_owned(),
        1142 | 1143 | 1227 | 1356 | 1370 => "the user may not read this".to_owned(),
        1130 => "the server lets nobody in from this address".to_owned(),
        1146 => "there is no such table".to_owned(),
        // Too long for MySQL, for MariaDB; ended by somebody.
        3024 | 1969 | 1317 => {
            "it took longer than two minutes; an index on the column of changes may help".to_owned()
        }
        // What passes: no room for a connection, a lock, a server that stops, a connection that was ended.
        1040 | 1203 | 1129 | 1205 | 1213 | 1053 | 1927 | 1158..=1161 => {
            return SourceError::Away("it is busy, starts or stops");
        }
        number => format!("code {number}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_cannot_leave_their_place() {
        assert_eq!(quoted_table("shop.orders", quoted_name), "`shop`.`orders`");
        assert_eq!(quoted_table("x`; drop table y; --", quoted_name), "`x``; drop table y; --`");
        assert_eq!(
            literal("n", "bigint(20) unsigned", "18446744073709551615").expect("one"),
            "18446744073709551615"
        );
        for (kind, after) in [
            ("bigint(20)", "1 or 1=1"),
            ("bigint(20)", ""),
            ("datetime", "2026-01-01' or '1"),
            ("datetime(6)", "2026-01-01\\"),
            ("varchar(10)", "a"),
            ("double", "1"),
        ] {
            assert!(literal("n", kind, after).is_err(), "{kind} {after}");
        }
    }

    #[test]
    fn every_type_is_written_or_refused_by_name() {
        for kind in [
            "tinyint(1)",
            "int(10) unsigned zerofill",
            "decimal(65,30)",
            "double",
            "year(4)",
            "bit(1)",
            "date",
            "datetime(6)",
            "timestamp",
            "varchar(20)",
            "enum('a','b')",
            "longtext",
            "json",
            "uuid",
            "time(3)",
        ] {
            assert!(written("c", kind).is_ok(), "{kind}");
        }
        for kind in ["blob", "varbinary(16)", "binary(16)", "geometry", "point", "vector(3)", ""] {
            let refused = written("who", kind).expect_err(kind).to_string();
            assert!(refused.contains("`who`") && refused.contains(kind), "{refused}");
        }
    }
}
