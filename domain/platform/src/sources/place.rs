//! Where orders lie. A place holds no secret: the password of a database, the password or private key of SFTP, or the secret
//! part of a key for S3 is sealed beside it.

use serde::{Deserialize, Serialize};

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// A table or view of a Postgres database.
    Postgres(Table),
    /// A table or view of a MySQL or MariaDB database.
    Mysql(Table),
    /// A file at an address: CSV, a workbook or Parquet, packed or not, as for an import.
    File {
        /// The address, by https.
        url: String,
    },
    /// Such a file in a store that speaks S3.
    S3 {
        /// The store, for example `https://s3.eu-central-1.amazonaws.com`.
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
    /// Such a file on a server, by SFTP.
    Sftp {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
        /// Who reads.
        user: String,
        /// Where the file lies there.
        path: String,
        /// The server's public key, as a line of `known_hosts` without the name: no other server is talked to.
        host_key: String,
    },
}

/// A table of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// Who reads; a role that may do nothing else is best.
    pub user: String,
    /// The table, with its schema if it has one.
    pub table: String,
    /// The column that grows with each change: a time of change, or a number. None reads everything each time.
    pub changes: Option<String>,
}

impl Place {
    /// The table, where it is one.
    pub fn table(&self) -> Option<&Table> {
        match self {
            Place::Postgres(table) | Place::Mysql(table) => Some(table),
            Place::File { .. } | Place::S3 { .. } | Place::Sftp { .. } => None,
        }
    }

    /// Whether a secret that was given for one place is meant for the other: the same server, in the same user's name.
    pub fn has_secret_of(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Postgres(one), Place::Postgres(other)) | (Place::Mysql(one), Place::Mysql(other)) => {
                (&one.host, one.port, &one.user) == (&other.host, other.port, &other.user)
            }
            (
                Place::S3 { endpoint, access_key, .. },
                Place::S3 { endpoint: other, access_key: other_key, .. },
            ) => (endpoint, access_key) == (other, other_key),
            (
                Place::Sftp { host, port, user, host_key, .. },
                Place::Sftp { host: other, port: other_port, user: other_user, host_key: other_key, .. },
            ) => (host, port, user, host_key) == (other, other_port, other_user, other_key),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Place {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn places_are_stored_by_kind_with_nothing_that_is_not_known() {
        let table = r#""host":"h","port":1,"database":"d","user":"u","table":"t","changes":null"#;
        let postgres = read(&format!(r#"{{"kind":"postgres",{table}}}"#));
        let mysql = read(&format!(r#"{{"kind":"mysql",{table}}}"#));
        assert!(matches!(&postgres, Place::Postgres(table) if table.table == "t"));
        assert_eq!(serde_json::to_string(&mysql).expect("text"), format!(r#"{{"kind":"mysql",{table}}}"#));
        assert!(!postgres.has_secret_of(&mysql));
        assert!(
            serde_json::from_str::<Place>(&format!(r#"{{"kind":"mysql",{table},"password":"p"}}"#)).is_err()
        );
        assert!(serde_json::from_str::<Place>(r#"{"kind":"file","url":"u","more":1}"#).is_err());
    }

    #[test]
    fn a_secret_is_for_one_server_and_user() {
        let of = |key: &str, path: &str| {
            read(&format!(
                r#"{{"kind":"sftp","host":"h","port":22,"user":"u","path":"{path}","host_key":"{key}"}}"#
            ))
        };
        assert!(of("a", "x").has_secret_of(&of("a", "y")));
        assert!(!of("a", "x").has_secret_of(&of("b", "x")), "another server answers there");
        let object = |endpoint: &str, key: &str| {
            read(&format!(
                r#"{{"kind":"s3","endpoint":"{endpoint}","region":"r","bucket":"b","key":"{key}","access_key":"a"}}"#
            ))
        };
        assert!(object("e", "1").has_secret_of(&object("e", "2")));
        assert!(!object("e", "1").has_secret_of(&object("f", "1")));
    }
}
