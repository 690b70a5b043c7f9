//! Looking at a place before it is saved: the types of its columns, and its beginning as a file.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use platform::orders::mapping::Mapping;
use platform::sources::{self, Place, Plan, Table};
use tokio::time::{Duration, Instant, timeout};
use upstreams::breaker::BreakerSettings;
use upstreams::files::S3Settings;
use upstreams::sources::{Database, FileAt, Object, Remote, SourceError, Sources, System, Wanted};
use upstreams::{Breakers, CallContext, Destinations};

use crate::state::AppState;
use crate::web::problem::Problem;

/// Rows that a preview looks at.
const ROWS_SHOWN: u32 = 2_000;
/// How long a file may take to begin.
const FILE_WITHIN: Duration = Duration::from_secs(20);
/// How long a look may take: less than a request, so that whoever waits is told what was slow.
const WITHIN: Duration = Duration::from_secs(100);
/// What of a file is looked at.
const FILE_SHOWN_BYTES: usize = 8 * 1024 * 1024;

/// The way to sources, made when it is first used.
#[derive(Debug)]
pub struct Way {
    destinations: Destinations,
    made: OnceLock<Option<Sources>>,
}

impl Way {
    /// To sources that may be called.
    pub fn new(destinations: Destinations) -> Way {
        Way { destinations, made: OnceLock::new() }
    }

    fn open(&self) -> Result<Sources, Problem> {
        let make = || Sources::new(self.destinations, Breakers::new(BreakerSettings::default())).ok();
        self.made.get_or_init(make).clone().ok_or_else(Problem::internal)
    }
}

/// Looks at a place: the types of its columns, and its first rows as a file; of a table no rows without a mapping.
pub(super) async fn look(
    state: &AppState,
    place: &Place,
    secret: &str,
    mapping: Option<&Mapping>,
) -> Result<(BTreeMap<String, String>, Vec<u8>), Problem> {
    timeout(WITHIN, looked(state, place, secret, mapping))
        .await
        .unwrap_or_else(|_| Err(not_read(SourceError::Silent)))
}

async fn looked(
    state: &AppState,
    place: &Place,
    secret: &str,
    mapping: Option<&Mapping>,
) -> Result<(BTreeMap<String, String>, Vec<u8>), Problem> {
    let way = state.sources.open()?;
    let secret = secret.to_owned();
    let file = match place {
        Place::Postgres(table) => return look_at(&way, (System::Postgres, table), secret, mapping).await,
        Place::Mysql(table) => return look_at(&way, (System::Mysql, table), secret, mapping).await,
        Place::File { url } => FileAt::Url(url.clone()),
        Place::S3 { endpoint, region, bucket, key, access_key } => FileAt::S3(Object {
            store: S3Settings {
                endpoint: endpoint.clone(),
                region: region.clone(),
                bucket: bucket.clone(),
                access_key: access_key.clone(),
                secret_key: secret,
            },
            key: key.clone(),
        }),
        Place::Sftp { host, port, user, path, host_key } => FileAt::Sftp(Remote {
            host: host.clone(),
            port: *port,
            user: user.clone(),
            secret,
            host_key: host_key.clone(),
            path: path.clone(),
        }),
    };
    let context = CallContext { deadline: Instant::now() + FILE_WITHIN, traceparent: None };
    let mut beginning = Beginning(Vec::new());
    match way.fetch(&context, &file, None, &mut beginning).await {
        Ok(_) => {}
        // The beginning is enough.
        Err(SourceError::Io(_)) if beginning.0.len() >= FILE_SHOWN_BYTES => {}
        Err(error) => return Err(not_read(error)),
    }
    Ok((BTreeMap::new(), beginning.0))
}

async fn look_at(
    way: &Sources,
    (system, from): (System, &Table),
    password: String,
    mapping: Option<&Mapping>,
) -> Result<(BTreeMap<String, String>, Vec<u8>), Problem> {
    let Table { host, port, database, user, table, changes } = from;
    let database = Database {
        system,
        host: host.clone(),
        port: *port,
        database: database.clone(),
        user: user.clone(),
        password,
    };
    let mut bytes = Vec::new();
    let mut opened = way.open(&database).await.map_err(not_read)?;
    let columns = opened.columns(table).await.map_err(not_read)?;
    let Some(mapping) = mapping else { return Ok((columns, bytes)) };
    let Plan { columns: names, order_id } =
        sources::plan(mapping, &columns).map_err(|told| Problem::unprocessable("mapping", told))?;
    if let Some(changes) = changes {
        let Some(kind) = columns.get(changes) else {
            let name: String = changes.chars().take(60).collect();
            return Err(Problem::unprocessable("place.changes", format!("there is no column `{name}`")));
        };
        opened
            .check_changes(changes, kind)
            .map_err(|error| Problem::unprocessable("place.changes", error.to_string()))?;
    }
    let limit = Some(ROWS_SHOWN);
    let wanted = Wanted { table, columns: &names, kinds: &columns, order_id: &order_id, since: None, limit };
    opened.copy(&wanted, &mut bytes).await.map_err(not_read)?;
    Ok((columns, bytes))
}

/// Takes the beginning of what is written to it, and then no more.
struct Beginning(Vec<u8>);

impl std::io::Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = FILE_SHOWN_BYTES.saturating_sub(self.0.len()).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(std::io::Error::other("the beginning is there"));
        }
        self.0.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A place that does not answer is one to correct, as is any other that cannot be read: nothing of ours is away.
fn not_read(error: SourceError) -> Problem {
    Problem::unprocessable("place", error.to_string())
}
