//! Where a source is, as it is stated and shown: checked, and turned into what is saved. Its secret is never among it.

use platform::sources::{Place, Table};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use upstreams::files::S3Settings;
use upstreams::sources::host_key_fault;
use utoipa::ToSchema;

use crate::web::problem::Problem;

/// The kinds of places, as they are told to who names another.
const KINDS: [&str; 5] = ["postgres", "mysql", "file", "s3", "sftp"];

/// Where it is.
///
/// SQL Server and Azure SQL are not read: let them write the table to a file, by `file`, `s3` or `sftp`.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlaceForm {
    /// A table or view of a Postgres database.
    Postgres {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
        /// The database.
        database: String,
        /// Who reads; a role that may do nothing else is best.
        user: String,
        /// The table, with its schema if it has one.
        table: String,
        /// The column that grows with each change: a time of change, or a number. Without one everything is read each time.
        #[serde(default)]
        changes: Option<String>,
    },
    /// A table or view of a MySQL or MariaDB database.
    Mysql {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
        /// The database.
        database: String,
        /// Who reads; a user that may do nothing else is best.
        user: String,
        /// The table, with its database before a dot if it is in another.
        table: String,
        /// The column that grows with each change: a date, a time, or a whole or decimal number. Without one everything is read
        /// each time.
        #[serde(default)]
        changes: Option<String>,
    },
    /// A file at an address, in any form that an import takes.
    File {
        /// The address, by https.
        url: String,
    },
    /// Such a file in a store that speaks S3. The secret part of the key is the source's `password`.
    S3 {
        /// The store, by https: scheme and host alone, for example `https://s3.eu-central-1.amazonaws.com`.
        endpoint: String,
        /// For example `eu-central-1`.
        region: String,
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
        /// The public part of the key that reads.
        access_key: String,
    },
    /// Such a file on a server, by SFTP. The source's `password` is a password, or a private key as OpenSSH writes it, without a
    /// passphrase.
    Sftp {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
        /// Who reads.
        user: String,
        /// Where the file lies there.
        path: String,
        /// The server's public key, as in `known_hosts` without the name: no other server is talked to.
        host_key: String,
    },
}

/// Reads a place; one of a kind that is not known is refused with those that are.
pub(super) fn known<'de, D: Deserializer<'de>>(from: D) -> Result<PlaceForm, D::Error> {
    use serde::de::Error;
    let place = Map::<String, Value>::deserialize(from)?;
    if let Some(kind) = place.get("kind").and_then(Value::as_str).filter(|kind| !KINDS.contains(kind)) {
        let kind: String = kind.chars().take(40).collect();
        return Err(D::Error::custom(format!(
            "`{kind}` is no kind of place; there are {} (`mysql` reads MariaDB too). SQL Server and Azure SQL are not read: \
             let them write the table to a file, and read that",
            KINDS.join(", ")
        )));
    }
    serde_json::from_value(Value::Object(place)).map_err(D::Error::custom)
}

/// The place, when all of it fits.
pub(super) fn place(form: &PlaceForm) -> Result<Place, Problem> {
    Ok(match form {
        PlaceForm::Postgres { host, port, database, user, table, changes } => {
            Place::Postgres(table_at((host, *port), (database, user), (table, changes))?)
        }
        PlaceForm::Mysql { host, port, database, user, table, changes } => {
            Place::Mysql(table_at((host, *port), (database, user), (table, changes))?)
        }
        PlaceForm::File { url } => Place::File { url: fits("place.url", url, 2_000)? },
        PlaceForm::S3 { endpoint, region, bucket, key, access_key } => {
            let fitting = S3Settings {
                endpoint: fits("place.endpoint", endpoint, 253)?,
                region: fits("place.region", region, 63)?,
                bucket: fits("place.bucket", bucket, 63)?,
                access_key: fits("place.access_key", access_key, 200)?,
                // It is checked where it is used; here is looked at the rest.
                secret_key: "secret".to_owned(),
            };
            fitting.checked().map_err(|fault| Problem::unprocessable("place", fault))?;
            let S3Settings { endpoint, region, bucket, access_key, .. } = fitting;
            Place::S3 { endpoint, region, bucket, key: fits("place.key", key, 1_024)?, access_key }
        }
        PlaceForm::Sftp { host, port, user, path, host_key } => {
            let host_key = host_key.trim().to_owned();
            if let Some(fault) = host_key_fault(&host_key) {
                return Err(Problem::unprocessable("place.host_key", fault));
            }
            Place::Sftp {
                host: fits("place.host", host, 253)?,
                port: *port,
                user: fits("place.user", user, 63)?,
                path: fits("place.path", path, 1_000)?,
                host_key,
            }
        }
    })
}

fn table_at(
    (host, port): (&str, u16),
    (database, user): (&str, &str),
    (table, changes): (&str, &Option<String>),
) -> Result<Table, Problem> {
    Ok(Table {
        host: fits("place.host", host, 253)?,
        port,
        database: fits("place.database", database, 63)?,
        user: fits("place.user", user, 80)?,
        table: fits("place.table", table, 129)?,
        changes: changes.as_ref().map(|name| fits("place.changes", name, 64)).transpose()?,
    })
}

impl From<Place> for PlaceForm {
    fn from(place: Place) -> PlaceForm {
        match place {
            Place::Postgres(Table { host, port, database, user, table, changes }) => {
                PlaceForm::Postgres { host, port, database, user, table, changes }
            }
            Place::Mysql(Table { host, port, database, user, table, changes }) => {
                PlaceForm::Mysql { host, port, database, user, table, changes }
            }
            Place::File { url } => PlaceForm::File { url },
            Place::S3 { endpoint, region, bucket, key, access_key } => {
                PlaceForm::S3 { endpoint, region, bucket, key, access_key }
            }
            Place::Sftp { host, port, user, path, host_key } => {
                PlaceForm::Sftp { host, port, user, path, host_key }
            }
        }
    }
}

/// A text of 1 to so many characters.
pub(super) fn fits(field: &'static str, text: &str, limit: usize) -> Result<String, Problem> {
    if (1..=limit).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Problem::unprocessable(field, format!("must have 1 to {limit} characters")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<PlaceForm, String> {
        known(value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_kind_that_is_not_known_is_refused_with_those_that_are() {
        let told = read(&json!({"kind": "sqlserver", "host": "h"})).expect_err("it is not read");
        assert!(
            told.contains("postgres, mysql, file, s3, sftp")
                && told.contains("SQL Server and Azure SQL are not read"),
            "{told}"
        );
        assert!(read(&json!({"host": "h"})).expect_err("no kind").contains("kind"));
        let more = json!({"kind": "file", "url": "https://x/y", "password": "p"});
        assert!(read(&more).expect_err("no secret is in a place").contains("password"));
    }

    #[test]
    fn places_are_checked_and_shown_as_they_are_saved() {
        let table =
            json!({"host": "h", "port": 1, "database": "d", "user": "u", "table": "t", "changes": null});
        let key = format!("ssh-ed25519 {}", "A".repeat(68));
        let sftp =
            json!({"kind": "sftp", "host": "h", "port": 22, "user": "u", "path": "/f", "host_key": key});
        let s3 = json!({"kind": "s3", "endpoint": "https://s3.example", "region": "r", "bucket": "b", "key": "k/é",
                        "access_key": "a"});
        let with = |of: &Value, field: &str, value: &str| {
            let mut place = of.clone();
            place[field] = value.into();
            place
        };
        for fits in [
            with(&table, "kind", "postgres"),
            with(&table, "kind", "mysql"),
            json!({"kind": "file", "url": "https://x/y"}),
            sftp.clone(),
            s3.clone(),
        ] {
            let saved = place(&read(&fits).expect("it is read")).unwrap_or_else(|_| panic!("{fits}"));
            let shown = serde_json::to_value(PlaceForm::from(saved)).expect("JSON");
            assert_eq!(shown, fits);
        }
        for (unfit, field) in [
            (with(&sftp, "host_key", "ssh-ed25519 A\n* B"), "place.host_key"),
            (with(&sftp, "path", "a\nb"), "place.path"),
            (with(&s3, "endpoint", "https://s3.example/x"), "place"),
            (with(&s3, "bucket", "a/b"), "place"),
            (with(&s3, "key", ""), "place.key"),
            (with(&with(&table, "kind", "mysql"), "table", ""), "place.table"),
        ] {
            let problem = place(&read(&unfit).expect("it is read")).expect_err(field);
            assert!(format!("{problem:?}").contains(field), "{field}: {problem:?}");
        }
    }
}
