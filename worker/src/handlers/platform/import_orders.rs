//! Imports order lines from a file of the import folder. The file is read as a stream and committed
//! batch by batch with a checkpoint under the job's id, so another attempt goes on where this one ends.

use std::{
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_compression::tokio::bufread::GzipDecoder;
use chrono::Utc;
use database::Role;
use database::ids::TenantId;
use jobs::NewJob;
use platform::kinds::{ImportOrders, import_orders::ImportOrdersOutput};
use platform::orders::csv::{self, Settings};
use platform::orders::import::{self, DEFAULT_BATCH_LINES, Import, ImportError, Next, ReadError};
use platform::orders::progress::{self, Progress};
use platform::runs::published;
use tokio::io::{AsyncBufRead, AsyncRead, BufReader};

use crate::{
    app::App,
    context::Ctx,
    insight::changed,
    outcome::{Outcome, Stop, done_then},
};

/// A statement may take 60 s; a server that says nothing for longer will never answer on this connection. The next try
/// goes on from the last batch.
const SILENT_FOR: Duration = Duration::from_secs(65);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: ImportOrders) -> Outcome<ImportOrdersOutput> {
    let path = inside(&app.import_dir, ctx.tenant, &job.path).await?;
    let log = csv::open(&path).await.map_err(|error| unreadable(&error))?;
    let compressed = path.extension().is_some_and(|extension| extension == "gz");
    let wanted = Import {
        id: ctx.job_id,
        tenant: ctx.tenant,
        source: job.path,
        // The size of a compressed file says nothing about the bytes that come out of it.
        size_bytes: (!compressed).then_some(log.size_bytes),
        fingerprint: Some(log.fingerprint),
        batch_lines: DEFAULT_BATCH_LINES,
    };
    let settings = Settings { currency: job.currency, now: Utc::now() };
    let file = BufReader::new(log.file);
    let plain: Box<dyn AsyncRead + Send + Unpin> =
        if compressed { Box::new(unpacked(file)) } else { Box::new(file) };
    let open = |from| csv::read(plain, settings, from);
    let after_batch = |at: &Progress| {
        let (read, total) = match at.size_bytes {
            Some(size) => (at.next_byte, Some(size)),
            None => (at.lines_read, None),
        };
        ctx.progress(read, total, &format!("{} lines", at.lines_read));
        if ctx.is_halted() { Next::Stop } else { Next::Continue }
    };
    let import = async { import::run(&app.db, &wanted, open, after_batch).await.map_err(stop_of) };
    let outcome = app.db.unless_silent(SILENT_FOR, import).await?;
    match outcome {
        import::Outcome::Finished(progress) => {
            let output = ImportOrdersOutput {
                lines: count(progress.lines_read),
                inserted: count(progress.inserted),
                duplicates: count(progress.duplicates),
                rejected: count(progress.rejected),
                orders_inserted: count(progress.orders_inserted),
                orders_replaced: count(progress.orders_replaced),
                orders_unchanged: count(progress.orders_unchanged),
                orders_older: count(progress.orders_older),
                left_out: progress.left_out,
                remarks: progress.remarks,
            };
            done_then(output, follow_ups(&ctx, &app).await?)
        }
        // Halted: the runtime decides what becomes of the job, and this answer is not looked at.
        import::Outcome::Stopped(_) => Err(Stop::Snooze(std::time::Duration::ZERO)),
    }
}

/// The plain bytes of a compressed file. Files that were compressed one by one and then joined are one file of several
/// members, which is still a valid one; the decoder stops after the first unless told otherwise.
fn unpacked<R: AsyncBufRead>(file: R) -> GzipDecoder<R> {
    let mut decoder = GzipDecoder::new(file);
    decoder.multiple_members(true);
    decoder
}

/// Customers whose orders this import changed, in any of its attempts, are computed anew.
async fn follow_ups(ctx: &Ctx, app: &App) -> Result<Vec<NewJob>, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let has_run = published::exists(&mut tx).await?;
    let started_at = progress::started_at(&mut tx, ctx.job_id).await?;
    let changed = changed::since(&mut tx, started_at).await?;
    tx.commit().await?;
    // Before the first run there is nothing to compare a few customers with.
    if changed.is_some() && !has_run {
        return Ok(Vec::new());
    }
    changed::follow_ups(ctx.tenant, ctx.job_id, changed.as_deref())
}

/// The file, which must lie inside the folder: no way out of it by `..`, an absolute path or a link.
/// `tenants/ID/` holds what is one tenant's, `incoming/` what is not complete.
async fn inside(folder: &Path, tenant: TenantId, path: &str) -> Result<PathBuf, Stop> {
    let relative = Path::new(path);
    if !relative.components().all(|component| matches!(component, Component::Normal(_))) {
        return Err(Stop::fail("bad_path", "the path must be relative and must not leave the import folder"));
    }
    let folder = tokio::fs::canonicalize(folder).await.map_err(|error| unreadable(&error))?;
    let file = tokio::fs::canonicalize(folder.join(relative)).await.map_err(|error| unreadable(&error))?;
    let own = Path::new("tenants").join(tenant.to_string());
    let allowed = file.strip_prefix(&folder).is_ok_and(|below| {
        below.starts_with(own) || !(below.starts_with("tenants") || below.starts_with("incoming"))
    });
    if !allowed {
        return Err(Stop::fail(
            "bad_path",
            "the path must name a file of the import folder that is the tenant's",
        ));
    }
    Ok(file)
}

fn unreadable(error: &io::Error) -> Stop {
    if error.kind() == io::ErrorKind::NotFound {
        return Stop::fail(
            "file_missing",
            "the file is not in the import folder; upload it or put it there, then retry",
        );
    }
    Stop::retry("file_unreadable", &format!("the file cannot be read: {}", error.kind()))
}

fn stop_of(error: ImportError) -> Stop {
    match error {
        ImportError::Db(error) => error.into(),
        ImportError::Read { error: ReadError::Io(error), .. } if error.kind() == io::ErrorKind::NotFound => {
            unreadable(&error)
        }
        ImportError::Superseded => Stop::Cancel(error.to_string()),
        ImportError::Nothing(_) => Stop::fail("nothing_imported", &error.to_string()),
        ImportError::Read { error: ReadError::Refused { .. }, .. } => Stop::fail("bad_file", &error.to_string()),
        ImportError::Read { .. } => Stop::retry("file_unreadable", &error.to_string()),
    }
}

fn count(lines: u64) -> i64 {
    i64::try_from(lines).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::write::GzipEncoder;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn member(text: &str) -> Vec<u8> {
        let mut encoder = GzipEncoder::new(Vec::new());
        encoder.write_all(text.as_bytes()).await.expect("memory takes it");
        encoder.shutdown().await.expect("the member ends");
        encoder.into_inner()
    }

    #[tokio::test]
    async fn a_file_of_two_members_is_read_to_its_end() {
        let joined = [member("first\n").await, member("second\n").await].concat();
        let mut text = String::new();
        unpacked(&joined[..]).read_to_string(&mut text).await.expect("it is valid");
        assert_eq!(text, "first\nsecond\n");
    }
}
