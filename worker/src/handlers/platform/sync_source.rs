//! Reads a source: first into a file of the import folder, then by an import of that file. A job that is tried again goes on with
//! the file that is there, so the source is asked once. What came is noted when the import is over; what a table's columns are
//! is compared before a row is read.

mod way;

use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use jobs::NewJob;
use jobs::ledger::Failure;
use platform::kinds::SyncSource;
use platform::kinds::sync_source::SyncSourceOutput;
use platform::orders::mapping::{self, Mapping};
use platform::orders::reading::Request;
use platform::sources::{self, Plan, Source};
use platform::zone;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use upstreams::sources::{SourceError, Wanted};
use upstreams::{CallContext, ClientError};

use self::way::Way;
use super::import_orders::{self, Age};
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done, done_then};

/// What a job left behind that was never tried again is removed after so long.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How long a file may take to begin.
const FILE_WITHIN: Duration = Duration::from_secs(60);

/// What is known of the file beside it.
#[derive(Default, Serialize, Deserialize)]
struct Read {
    rows: u64,
    until: Option<String>,
    /// The source's file is the one that was read before.
    is_known: bool,
}

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SyncSource) -> Outcome<SyncSourceOutput> {
    let Some(name) = &job.source else { return fan_out(&ctx, &app).await };
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let source = sources::find(&mut tx, name).await?;
    let source = source.ok_or_else(|| Stop::Cancel("the source was deleted".to_owned()))?;
    let saved = mapping::find(&mut tx, &source.config.mapping).await?;
    let zone = zone::read(&mut tx).await?;
    tx.commit().await?;
    let Some(saved) = saved else {
        return Err(stopped(
            &ctx,
            &app,
            &source,
            "its mapping was deleted: save one of that name, and the source again (code no_mapping)",
        )
        .await?);
    };
    let stated = source.config.place.table().map(|_| sources::stated()).unwrap_or_default();
    let request = Request {
        stated,
        mapping: Some(saved.mapping.clone()),
        zone,
        ..Request::new(&source.config.currency, Utc::now())
    };
    let folder = app.import_dir.join("tenants").join(ctx.tenant.to_string()).join("sources");
    let file = folder.join(format!("{}.read", ctx.job_id));
    let read = match told_beside(&file) {
        Some(read) => read,
        None => read(&ctx, &app, &source, &saved.mapping, &folder, &file).await?,
    };
    let (output, then) = if read.rows == 0 || read.is_known {
        (None, Vec::new())
    } else {
        let label = (format!("source {}", source.name), Age::Current);
        let (output, then) = import_orders::import(&ctx, &app, file.clone(), request, label).await?;
        (Some(output), then)
    };
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    sources::ended(&mut tx, &source, ctx.job_id, Ok(read.until.as_deref()), Utc::now()).await?;
    tx.commit().await?;
    remove(&file);
    done_then(SyncSourceOutput { import: output, rows: read.rows }, then)
}

/// A job for each of the tenant's sources that is read.
async fn fan_out(ctx: &Ctx, app: &App) -> Outcome<SyncSourceOutput> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let all = sources::all(&mut tx).await?;
    tx.commit().await?;
    let jobs = all
        .into_iter()
        .filter(|source| source.problem.is_none())
        .map(|source| {
            let key = SyncSource::key(&source.name);
            let job = NewJob::of(ctx.tenant, &SyncSource { source: Some(source.name) })?;
            Ok(job.with_dedup_key(&key)?.with_concurrency_key(&key, 1)?.with_parent(ctx.job_id))
        })
        .collect::<Result<Vec<_>, Stop>>()?;
    let output = SyncSourceOutput { import: None, rows: 0 };
    if jobs.is_empty() { done(output) } else { done_then(output, jobs) }
}

/// Reads the source into the file, which is there under its name when all of it is.
async fn read(
    ctx: &Ctx,
    app: &App,
    source: &Source,
    mapping: &Mapping,
    folder: &Path,
    file: &Path,
) -> Result<Read, Stop> {
    std::fs::create_dir_all(folder).map_err(|error| unkept(&error))?;
    remove_abandoned(folder);
    let part = file.with_extension("part");
    let mut sink = BufWriter::new(std::fs::File::create(&part).map_err(|error| unkept(&error))?);
    let read = match way::to(&app.master_key, ctx.tenant, source)? {
        Way::Table(database, from) => {
            let (table, changes) = (&from.table, &from.changes);
            let opened = app.sources.open(&database).await;
            let mut opened = or_stop(ctx, app, source, opened).await?;
            let columns = or_stop(ctx, app, source, opened.columns(table).await).await?;
            let plan = match sources::plan(mapping, &columns) {
                Ok(plan) => plan,
                Err(told) => return Err(stopped(ctx, app, source, &told).await?),
            };
            let needed = plan.columns.iter().chain(changes).map(String::as_str);
            if let Some(told) = sources::difference(needed, &source.columns, &columns) {
                return Err(stopped(ctx, app, source, &told).await?);
            }
            let Plan { columns: names, order_id } = plan;
            let since = changes.as_deref().and_then(|column| {
                Some((column, columns.get(column)?.as_str(), source.read_until.as_deref()))
            });
            let wanted =
                Wanted { table, columns: &names, kinds: &columns, order_id: &order_id, since, limit: None };
            ctx.progress(0, None, "reading the table");
            let copied = or_stop(ctx, app, source, opened.copy(&wanted, &mut sink).await).await?;
            Read { rows: copied.rows, until: copied.until, is_known: false }
        }
        Way::File(file) => {
            let call = CallContext { deadline: Instant::now() + FILE_WITHIN, traceparent: None };
            ctx.progress(0, None, "reading the file");
            let fetched = app.sources.fetch(&call, &file, source.read_until.as_deref(), &mut sink).await;
            match or_stop(ctx, app, source, fetched).await? {
                Some(mark) => {
                    Read { rows: 1, until: Some(mark).filter(|mark| !mark.is_empty()), is_known: false }
                }
                None => Read { rows: 0, until: None, is_known: true },
            }
        }
    };
    drop(sink);
    let beside = serde_json::to_vec(&read).unwrap_or_default();
    std::fs::write(file.with_extension("told"), beside).map_err(|error| unkept(&error))?;
    std::fs::rename(&part, file).map_err(|error| unkept(&error))?;
    Ok(read)
}

/// What an earlier try left beside the file, when it read all of it.
fn told_beside(file: &Path) -> Option<Read> {
    if !file.exists() {
        return None;
    }
    serde_json::from_slice(&std::fs::read(file.with_extension("told")).ok()?).ok()
}

async fn or_stop<T>(ctx: &Ctx, app: &App, source: &Source, came: Result<T, SourceError>) -> Result<T, Stop> {
    match came {
        Ok(came) => Ok(came),
        Err(error) => {
            let told = error.to_string();
            Err(match error {
                SourceError::Io(_) => Stop::retry("source_file", &told),
                SourceError::Client(ClientError::RetryAfter { after, .. }) => {
                    Stop::Wait { failure: Failure::new("source_away", &told), after: Some(after) }
                }
                SourceError::Busy | SourceError::Client(ClientError::Busy { .. }) => {
                    Stop::wait("source_away", &told)
                }
                error if error.passes() => Stop::retry("source_away", &told),
                _ => stopped(ctx, app, source, &told).await?,
            })
        }
    }
}

/// Notes that a source is not read any more until somebody saves it again.
async fn stopped(ctx: &Ctx, app: &App, source: &Source, told: &str) -> Result<Stop, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    sources::ended(&mut tx, source, ctx.job_id, Err(told), Utc::now()).await?;
    tx.commit().await?;
    Ok(Stop::fail("source_stopped", told))
}

fn unkept(error: &io::Error) -> Stop {
    Stop::retry("source_file", &format!("what was read cannot be kept: {}", error.kind()))
}

fn remove(file: &Path) {
    for name in [file.to_owned(), file.with_extension("told"), file.with_extension("part")] {
        let _ = std::fs::remove_file(name);
    }
}

/// Removes what jobs left that were never tried again.
fn remove_abandoned(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED_AFTER) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
