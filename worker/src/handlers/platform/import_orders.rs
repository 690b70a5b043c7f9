//! Imports orders from a file of the import folder. The file is read as a stream, on a thread of its own, and committed
//! batch by batch with a checkpoint under the job's id, so another attempt goes on where this one ends.

use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use database::Role;
use database::ids::TenantId;
use jobs::NewJob;
use platform::kinds::{
    ImportOrders,
    import_orders::{ASSUMED_CURRENCY, ImportOrdersOutput},
};
use platform::orders::currency;
use platform::orders::file;
use platform::orders::import::{self, DEFAULT_BATCH_LINES, Import, ImportError, Next, ReadError};
use platform::orders::mapping;
use platform::orders::progress::{self, Progress};
use platform::orders::reading::{
    Container, Reading, Request, Role as ColumnRole, Source, Understood, Unread,
};
use platform::runs::published;
use platform::zone;

use crate::{
    app::{App, SILENT_FOR},
    context::Ctx,
    nightly::changed,
    outcome::{Outcome, Stop, done_then},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: ImportOrders) -> Outcome<ImportOrdersOutput> {
    let path = inside(&app.import_dir, ctx.tenant, &job.path).await?;
    let request = app.db.unless_silent(SILENT_FOR, request(&ctx, &app, &job)).await?;
    let (output, then) = import(&ctx, &app, path, request, (job.path, Age::Unknown)).await?;
    done_then(output, then)
}

/// What is known of when a file was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// People keep old files, and upload them.
    Unknown,
    /// It was read from a source just now.
    Current,
}

/// Imports a file, with what it is called and how old it is, under the job's id; what it did, and the jobs that follow.
pub(super) async fn import(
    ctx: &Ctx,
    app: &App,
    path: PathBuf,
    request: Request,
    (label, age): (String, Age),
) -> Result<(ImportOrdersOutput, Vec<NewJob>), Stop> {
    let assumed_currency = request.is_currency_assumed.then(|| request.currency.clone());
    let opened = tokio::task::spawn_blocking(move || open(Source::Path(path), &request)).await;
    let Opened { reading, fingerprint, size_bytes, newest_at, assumed } = opened
        .map_err(|_| Stop::fail("bad_file", "the file is built in a way that its reader does not know"))??;
    let understood = reading.understood().clone();
    let is_plain =
        understood.file.container == Container::Plain && understood.file.encoding.as_deref() == Some("utf-8");
    let wanted = Import {
        id: ctx.job_id,
        tenant: ctx.tenant,
        source: label,
        // The size of a packed file says nothing about the bytes that come out of it.
        size_bytes: is_plain.then_some(size_bytes),
        fingerprint: Some(fingerprint),
        is_current: age == Age::Current,
        newest_at,
        assumed_currency,
        batch_lines: DEFAULT_BATCH_LINES,
        erasure_key: app.erasure_key(ctx.tenant),
    };
    let open = |from| file::read(reading, from);
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
            let of_file = assumed.remarks(&progress);
            app.db.unless_silent(SILENT_FOR, keep(ctx, app, &of_file)).await?;
            let mut remarks = progress.remarks;
            remarks.extend(of_file);
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
                remarks,
                profile: understood.profile.to_owned(),
                columns: columns(&understood),
                unknown_columns: unknown_columns(&understood),
            };
            Ok((output, app.db.unless_silent(SILENT_FOR, follow_ups(ctx, app)).await?))
        }
        // Halted: the runtime decides what becomes of the job, and this answer is not looked at.
        import::Outcome::Stopped(_) => Err(Stop::Snooze(Duration::ZERO)),
    }
}

struct Opened {
    reading: Reading,
    fingerprint: [u8; 32],
    size_bytes: u64,
    newest_at: Option<DateTime<Utc>>,
    assumed: Assumed,
}

/// What is taken for granted of a file, which a preview of it tells as well.
struct Assumed {
    /// Orders without a currency that this try has read; none where somebody stated what theirs is.
    without_currency: Option<Arc<AtomicU64>>,
    /// Whether orders are worth their totals, because no column says what lines amount to.
    has_totals: bool,
    /// What columns look like that are not read.
    unread: Vec<Unread>,
}

impl Assumed {
    fn of(reading: &Reading, request: &Request) -> Assumed {
        let is_mapped = request.mapping.as_ref().is_some_and(|mapping| mapping.currency.is_some());
        let is_assumed = request.is_currency_assumed && !is_mapped;
        Assumed {
            without_currency: is_assumed.then(|| reading.counter_without_currency()),
            has_totals: reading.column_of_totals().is_some(),
            unread: Unread::ALL
                .into_iter()
                .filter(|kind| !reading.unread_columns(*kind).is_empty())
                .collect(),
        }
    }

    /// Orders by what was taken for granted of them.
    fn remarks(&self, progress: &Progress) -> BTreeMap<String, u64> {
        let without = self.without_currency.as_ref().map_or(0, |count| count.load(Ordering::Relaxed));
        let of_totals = if self.has_totals { progress.orders() } else { 0 };
        [("currency_assumed", without), ("order_totals", of_totals)]
            .into_iter()
            .chain(self.unread.iter().map(|kind| (kind.reason(), progress.orders())))
            .filter(|(_, orders)| *orders > 0)
            .map(|(reason, orders)| (reason.to_owned(), orders))
            .collect()
    }
}

/// Keeps them with the import, beside what is told of its rows.
async fn keep(ctx: &Ctx, app: &App, remarks: &BTreeMap<String, u64>) -> Result<(), Stop> {
    if remarks.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    progress::remark(&mut tx, ctx.job_id, remarks).await?;
    tx.commit().await?;
    Ok(())
}

/// Opens the file and finds out how it is read; it may take a while, and blocks.
fn open(source: Source, request: &Request) -> Result<Opened, Stop> {
    let size_bytes = source.size_bytes().map_err(|error| unreadable(&error))?;
    let fingerprint = file::fingerprint(&source, request).map_err(|error| unreadable(&error))?;
    let reading = Reading::open(&source, request).map_err(|error| match file::told(error) {
        ReadError::Io(error) => unreadable(&error),
        ReadError::Refused { class, message } => Stop::fail(class, &message),
    })?;
    let assumed = Assumed::of(&reading, request);
    // What hinders that hinders the import as well, which tells it.
    let newest_at = reading.newest_order(&source).ok().flatten();
    Ok(Opened { reading, fingerprint, size_bytes, newest_at, assumed })
}

/// What the file is read by: what the job states, a mapping of the tenant, and the shop's zone.
async fn request(ctx: &Ctx, app: &App, job: &ImportOrders) -> Result<Request, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let zone = zone::read(&mut tx).await?;
    let usual = match &job.currency {
        Some(_) => None,
        None => currency::of_import(&mut tx, ctx.tenant, ctx.job_id).await?,
    };
    let mapping = match &job.mapping {
        None => None,
        Some(name) => {
            let saved = mapping::find(&mut tx, name).await?;
            let saved = saved.ok_or_else(|| {
                Stop::fail(
                    "no_mapping",
                    "the mapping that the import names was deleted; save it again, then retry",
                )
            })?;
            Some(saved.mapping)
        }
    };
    tx.commit().await?;
    let currency = job.currency.as_deref().or(usual.as_deref()).unwrap_or(ASSUMED_CURRENCY);
    Ok(Request {
        stated: job.stated.clone(),
        mapping,
        is_currency_assumed: job.currency.is_none(),
        zone,
        ..Request::new(currency, Utc::now())
    })
}

/// So many columns are told in a result, and so much of each name.
const COLUMNS_TOLD: usize = 100;

fn columns(understood: &Understood) -> BTreeMap<String, String> {
    let read = understood.columns.iter().filter(|column| column.role == ColumnRole::Read);
    read.filter_map(|column| Some((column.meaning?.name().to_owned(), shortened(&column.name)))).collect()
}

fn unknown_columns(understood: &Understood) -> Vec<String> {
    understood.unknown_columns().into_iter().take(COLUMNS_TOLD).map(shortened).collect()
}

fn shortened(name: &str) -> String {
    name.chars().take(100).collect()
}

/// Customers whose orders this import changed, in any of its attempts, are computed anew. Before a shop's first run there is
/// nothing to compare a few of them with, and nobody is known at all: all of them are computed, however small the import was.
async fn follow_ups(ctx: &Ctx, app: &App) -> Result<Vec<NewJob>, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let has_run = published::exists(&mut tx).await?;
    let started_at = progress::started_at(&mut tx, ctx.job_id).await?;
    let changed = changed::since(&mut tx, started_at).await?;
    tx.commit().await?;
    changed::follow_ups(ctx.tenant, ctx.job_id, changed.as_deref().filter(|_| has_run))
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
        ImportError::Forgotten => Stop::retry("database_crashed", &error.to_string()),
        ImportError::Nothing(_) => Stop::fail("nothing_imported", &error.to_string()),
        ImportError::Read { error: ReadError::Refused { class, .. }, .. } => {
            Stop::fail(class, &error.to_string())
        }
        ImportError::Read { .. } => Stop::retry("file_unreadable", &error.to_string()),
    }
}

fn count(lines: u64) -> i64 {
    i64::try_from(lines).unwrap_or(i64::MAX)
}
