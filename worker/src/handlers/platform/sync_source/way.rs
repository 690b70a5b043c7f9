//! The way to a source: what its place and its secret are to the client that reads it.

use accounts::seal::MasterKey;
use database::ids::TenantId;
use platform::sources::{Place, Source, Table};
use upstreams::files::S3Settings;
use upstreams::sources::{Database, FileAt, Object, Remote, System};

use crate::outcome::Stop;

/// What is read.
pub(super) enum Way<'s> {
    /// A table, in a database.
    Table(Database, &'s Table),
    /// A file.
    File(FileAt),
}

/// The way to a source, with its secret opened.
pub(super) fn to<'s>(key: &MasterKey, tenant: TenantId, source: &'s Source) -> Result<Way<'s>, Stop> {
    let plain = key
        .unseal(&sealed_for(tenant, &source.name), &source.sealed_secrets)
        .map_err(|error| Stop::fail("source_secrets", &error.to_string()))?;
    let secret = String::from_utf8(plain).unwrap_or_default();
    Ok(match &source.config.place {
        Place::Postgres(table) => Way::Table(database(System::Postgres, table, secret), table),
        Place::Mysql(table) => Way::Table(database(System::Mysql, table, secret), table),
        Place::File { url } => Way::File(FileAt::Url(url.clone())),
        Place::S3 { endpoint, region, bucket, key, access_key } => Way::File(FileAt::S3(Object {
            store: S3Settings {
                endpoint: endpoint.clone(),
                region: region.clone(),
                bucket: bucket.clone(),
                access_key: access_key.clone(),
                secret_key: secret,
            },
            key: key.clone(),
        })),
        Place::Sftp { host, port, user, path, host_key } => Way::File(FileAt::Sftp(Remote {
            host: host.clone(),
            port: *port,
            user: user.clone(),
            secret,
            host_key: host_key.clone(),
            path: path.clone(),
        })),
    })
}

fn database(system: System, table: &Table, password: String) -> Database {
    Database {
        system,
        host: table.host.clone(),
        port: table.port,
        database: table.database.clone(),
        user: table.user.clone(),
        password,
    }
}

/// What a source's secret is bound to; the api seals it for the same.
fn sealed_for(tenant: TenantId, name: &str) -> String {
    format!("{tenant}:source:{name}")
}
