//! Tables of MySQL and MariaDB: row by row as the server sends them, every cell as the text that its type is written in.
//!
//! What these servers have and nobody else has is settled here. A date of zeros is none; the server writes it where nothing was
//! known. Numbers without a sign, of up to 65 digits or of one bit are digits as all others; `tinyint(1)` is 0 or 1. Texts
//! come in UTF-8, whatever they are stored in. Bytes are no text: such a column is refused by name.
//!
//! Statements are sent as text, one at a time: the relay follows no others.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Ipv4Addr;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use super::relay::Relay;
use super::{
    COLUMNS, CONNECT_WITHIN, Copied, Database, Lines, STATEMENT_SECS, SourceError, TEXT_CHARS, Wanted,
};
use super::{answered, connection_fault, quoted_table};

/// How long the statement may take that reads the table: its rows come all the while. A row that does not come ends it sooner.
const READ_SECS: u32 = 3_000;

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

/// Signs in by the relay's port.
pub(super) async fn open(database: &Database, port: u16) -> Result<MySqlConnection, SourceError> {
    let options = MySqlConnectOptions::new()
        .host(&Ipv4Addr::LOCALHOST.to_string())
        .port(port)
        .database(&database.database)
        .username(&database.user)
        // TLS is the relay's.
        .ssl_mode(MySqlSslMode::Disabled)
        .timezone("+00:00".to_owned())
        .disable_statement_logging();
    // A user without a password sends none, which is not an empty one.
    let options = if database.password.is_empty() { options } else { options.password(&database.password) };
    let connected = timeout(CONNECT_WITHIN, MySqlConnection::connect_with(&options)).await;
    let mut connection = connected.map_err(|_| SourceError::Silent)?.map_err(|error| told(&error))?;
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
    let version = text(connection, "select cast(version() as char)".to_owned()).await?;
    let limit = if version.is_some_and(|version| version.contains("MariaDB")) {
        format!("set session max_statement_time = {secs}")
    } else {
        format!("set session max_execution_time = {}", secs * 1_000)
    };
    run(connection, limit).await
}

async fn run(connection: &mut MySqlConnection, statement: String) -> Result<(), SourceError> {
    answered(sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection), told).await.map(|_| ())
}

/// The one value that a statement answers with.
async fn text(connection: &mut MySqlConnection, select: String) -> Result<Option<String>, SourceError> {
    let row = answered(sqlx::raw_sql(AssertSqlSafe(select)).fetch_one(connection), told).await?;
    row.try_get_unchecked(0).map_err(|_| SourceError::Odd)
}

/// The columns of a table with their types; none where there is no table.
pub(super) async fn columns(
    connection: &mut MySqlConnection,
    table: &str,
) -> Result<BTreeMap<String, String>, SourceError> {
    let (schema, name) = match table.split_once('.') {
        Some((schema, name)) => (in_hex(schema), name),
        None => ("database()".to_owned(), table),
    };
    let select = format!(
        "select cast(column_name as char), cast(left(column_type, 200) as char) from information_schema.columns
         where table_schema = {schema} and table_name = {} limit {COLUMNS}",
        in_hex(name)
    );
    let (mut found, mut rows) = (BTreeMap::new(), 0);
    let mut coming = sqlx::raw_sql(AssertSqlSafe(select)).fetch(connection);
    while let Some(row) = answered(coming.try_next(), told).await? {
        let text = |place: usize| row.try_get_unchecked::<String, _>(place).map_err(|_| SourceError::Odd);
        found.insert(text(0)?, text(1)?);
        rows += 1;
        if rows > COLUMNS {
            return Err(SourceError::Odd);
        }
    }
    Ok(found)
}

pub(super) async fn copy(
    connection: &mut MySqlConnection,
    relay: &Relay,
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
            let newest = text(connection, select).await?;
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
        relay.expect_stream();
    }
    let select = format!("select {} from {table} {changed} order by {order} {limit}", columns.join(", "));
    let mut lines = Lines::begin(sink, wanted)?;
    let mut coming = sqlx::raw_sql(AssertSqlSafe(select)).fetch(connection);
    while let Some(row) = answered(coming.try_next(), told).await? {
        let mut cells: Vec<Option<&str>> = Vec::with_capacity(wanted.columns.len());
        for (place, name) in wanted.columns.iter().enumerate() {
            cells.push(row.try_get_unchecked(place).map_err(|_| {
                SourceError::Column(format!("the column `{name}` has a value that is no text in UTF-8"))
            })?);
        }
        lines.write(cells.into_iter())?;
    }
    Ok(Copied { rows: lines.end()?, until })
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

/// A text in a statement, whatever quotes and backslashes mean there.
fn in_hex(text: &str) -> String {
    format!("_utf8mb4 x'{}'", hex::encode(text))
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
    let Some(number) = number else {
        return connection_fault(error);
    };
    match number {
        1045 | 1698 => SourceError::SignIn,
        1044 | 1049 => SourceError::NoDatabase,
        1142 | 1143 | 1227 | 1356 | 1370 => SourceError::NotPermitted,
        1130 => SourceError::NotFromHere,
        1146 => SourceError::NoTable("of this name".to_owned()),
        1054 => SourceError::NoColumn,
        // Too long for MySQL, for MariaDB; ended by somebody.
        3024 | 1969 | 1317 => SourceError::Slow,
        // A way that is not known here or there, or that is not let in without TLS.
        1251 | 1524 | 2059 | 3159 => SourceError::SignInWay,
        // What passes: no room for a connection, a lock, a server that stops, a connection that was ended.
        1040 | 1203 | 1129 | 1205 | 1213 | 1053 | 1927 | 1158..=1161 => SourceError::Busy,
        number => SourceError::Statement(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_cannot_leave_their_place() {
        assert_eq!(quoted_table("shop.orders", quoted_name), "`shop`.`orders`");
        assert_eq!(quoted_table("x`; drop table y; --", quoted_name), "`x``; drop table y; --`");
        assert_eq!(in_hex("x' or '1"), "_utf8mb4 x'7827206f72202731'");
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
