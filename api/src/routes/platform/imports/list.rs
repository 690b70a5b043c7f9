//! Imports as people see them: which file, how it went, and whether it was taken back.

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State as Extracted};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use database::{Role, Tx};
use jobs::State;
use jobs::read::JobView;
use platform::orders::listed::{self, Listed};
use platform::orders::undo::Undone;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

/// An import that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportView {
    /// Its job.
    pub job_id: Uuid,
    /// What the file is called, without its folder; null for an upload without a name and for what was read from a source.
    pub file: Option<String>,
    /// The source that it was read from, by its name.
    pub source: Option<String>,
    /// `running`, `done`, `failed`, `cancelled`, `undoing` (it is being taken back) or `undone` (it was).
    pub state: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; null while it runs, and when it did not come to an end of its own.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub undone_at: Option<DateTime<Utc>>,
    /// The job that took or takes it back.
    pub undo_job_id: Option<Uuid>,
    /// Why it ended early; what was stored until then counts.
    pub error: Option<String>,
    /// Rows that were read.
    pub lines: i64,
    /// Lines of orders that are new or were replaced.
    pub inserted: i64,
    /// Lines of orders that were there already.
    pub duplicates: i64,
    /// Rows that were left out.
    pub rejected: i64,
    /// Orders that were not there before.
    pub orders_inserted: i64,
    /// Orders of which something else was stored.
    pub orders_replaced: i64,
    /// Orders that were stored just so already.
    pub orders_unchanged: i64,
    /// Orders of which something newer was stored.
    pub orders_older: i64,
    /// Rows left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Remarks, by reason.
    pub remarks: BTreeMap<String, u64>,
    /// What came of taking it back; null when nobody did.
    pub undone: Option<UndoneView>,
}

/// What came of taking an import back, so far.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoneView {
    /// Orders that are what they were before.
    pub orders_restored: i64,
    /// Orders that are gone.
    pub orders_removed: i64,
    /// Orders that stay, because another import that stands states the same.
    pub orders_confirmed: i64,
    /// Orders that stay, because something newer has stated them since.
    pub orders_newer: i64,
}

/// The imports, the one that began last first.
///
/// Uploads, files of the import folder, and readings of sources. One that waits for its turn is a job yet, and not listed.
#[utoipa::path(
    get,
    path = "/api/orders/imports",
    tag = "orders",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<ImportView>)),
)]
pub async fn list(
    Extracted(state): Extracted<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Shown<Page<ImportView>>, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let before = page.after_place()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let imports = listed::list(&mut tx, before, page.limit_and_one()).await?;
    let views = views(&mut tx, &caller, imports).await?;
    tx.commit().await?;
    Ok(Shown(page.page(views, |import| place(import.started_at, import.job_id))))
}

/// An import.
#[utoipa::path(
    get,
    path = "/api/orders/imports/{job_id}",
    tag = "orders",
    params(("job_id" = Uuid, Path, description = "the import's job")),
    responses(
        (status = 200, description = "the import", body = ImportView),
        (status = 404, description = "there is no such import, or it has not begun", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    Extracted(state): Extracted<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
) -> Result<Shown<ImportView>, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let id = query::id("job_id", &job_id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = listed::find(&mut tx, id).await?.into_iter().collect();
    let view = views(&mut tx, &caller, found).await?.pop();
    tx.commit().await?;
    let unknown = || Problem::not_found("there is no such import, or it has not begun");
    view.map(Shown).ok_or_else(unknown)
}

/// The imports with the states that they are in: one whose job was cancelled or failed for good does not say so itself.
async fn views(tx: &mut Tx, caller: &Caller, imports: Vec<Listed>) -> Result<Vec<ImportView>, Problem> {
    let running = imports.iter().filter(|import| import.state == "running");
    let wanted: Vec<_> = running.map(|import| (caller.tenant.0, import.id)).collect();
    let jobs = if wanted.is_empty() { Vec::new() } else { jobs::read::jobs(tx, &wanted).await? };
    Ok(imports
        .into_iter()
        .map(|import| {
            let job = jobs.iter().find(|job| job.id == import.id);
            ImportView::of(import, job)
        })
        .collect())
}

impl ImportView {
    fn of(import: Listed, job: Option<&JobView>) -> ImportView {
        let state = match (import.state.as_str(), job.map(|job| job.state)) {
            ("running", Some(State::Cancelled)) => "cancelled".to_owned(),
            // Of a job that is long gone nobody can go on with it.
            ("running", Some(State::Dead) | None) => "failed".to_owned(),
            _ => import.state,
        };
        let failure = job.filter(|_| state == "failed").and_then(|job| job.error.as_ref());
        let message = failure.and_then(|failure| failure["message"].as_str()).map(str::to_owned);
        let undone = matches!(state.as_str(), "undoing" | "undone").then(|| UndoneView::of(import.undone));
        ImportView {
            job_id: import.id,
            file: listed::file_name(&import.source).map(str::to_owned),
            source: listed::source_name(&import.source).map(str::to_owned),
            state,
            started_at: import.started_at,
            finished_at: import.finished_at,
            undone_at: import.undone_at,
            undo_job_id: import.undone_by,
            error: import.error.or(message),
            lines: import.lines_read,
            inserted: import.inserted,
            duplicates: import.duplicates,
            rejected: import.rejected,
            orders_inserted: import.orders_inserted,
            orders_replaced: import.orders_replaced,
            orders_unchanged: import.orders_unchanged,
            orders_older: import.orders_older,
            left_out: import.left_out.0,
            remarks: import.remarks.0,
            undone,
        }
    }
}

impl UndoneView {
    fn of(undone: Undone) -> UndoneView {
        UndoneView {
            orders_restored: undone.orders_restored,
            orders_removed: undone.orders_removed,
            orders_confirmed: undone.orders_confirmed,
            orders_newer: undone.orders_newer,
        }
    }
}
