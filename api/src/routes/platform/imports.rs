//! Imports of orders: a file sent in the request, or one that lies in the import folder already.
//!
//! An upload may have hundreds of megabytes: it goes to a file of a random name as it arrives, and becomes a job
//! only when all of it is on the disk. The import folder is shared with the workers; its form is told in
//! `folder`.

mod folder;
mod list;
pub(super) mod mappings;
pub(super) mod preview;
pub(super) mod stated;

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::body::Body;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use database::{Role, Tx};
use futures_util::StreamExt;
use jobs::{JobKind, NewJob};
use platform::kinds::ImportOrders;
use platform::money::{NO_CURRENCY, is_currency};
use platform::orders::progress;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::{self, Json};
use crate::web::correlation;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::packing::Packing;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use folder::{Folder, FolderError, Form, Incoming};

/// The routes of imports.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(list::list))
        .routes(routes!(list::show))
        .routes(routes!(rejects))
        .routes(routes!(rejects_as_csv))
        .routes(routes!(preview::show))
        .routes(routes!(mappings::list))
        .routes(routes!(mappings::read, mappings::save, mappings::delete))
}

/// A file that lies in the import folder already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// Path below the import folder, ending in `.csv`, `.tsv`, `.txt`, `.xlsx` or `.parquet`, perhaps with `.gz`,
    /// `.zip`, `.bz2`, `.xz` or `.zst` behind it.
    pub path: String,
    /// ISO 4217 code of amounts without a currency; when missing that of most of the shop's orders, USD before the first.
    #[serde(default)]
    pub currency: Option<String>,
}

/// The import that is under way.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportJob {
    /// The job, as in GET /api/jobs/{id}.
    pub job_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// The file, below the import folder.
    pub path: String,
}

/// Import orders from a file.
///
/// Send the file itself, or name one that lies in the import folder as JSON. Packing (gzip, ZIP, bzip2, xz, Zstandard),
/// encoding, separator, header, and the forms of numbers and dates are found from the file, as are the exports of
/// Shopify, WooCommerce, Magento, BigCommerce, Squarespace, Amazon, Etsy, Stripe and Klaviyo; workbooks (XLSX) and Parquet are read as well.
/// Other columns are found by their names: `customer_id`, `order_id`, `ordered_at`, `product_id`, `category`, `quantity`,
/// `amount`, `list_amount`, `currency`, `is_return`, `status` and the usual other names for them, or by a saved mapping.
/// What was found is shown by `/api/orders/import/preview`, and may be stated otherwise by parameters. An order that was
/// imported before changes nothing.
#[utoipa::path(
    post,
    path = "/api/orders/import",
    tag = "orders",
    params(
        ("currency" = Option<String>, Query, description = "of an upload: ISO 4217 code of amounts without a currency"),
        ("encoding" = Option<String>, Query, description = "e.g. utf-8, windows-1252, utf-16le"),
        ("separator" = Option<String>, Query, description = "comma, semicolon, tab, pipe or one character"),
        ("header" = Option<i64>, Query, description = "number of the line of column names"),
        ("sheet" = Option<String>, Query, description = "of a workbook"),
        ("decimal" = Option<String>, Query, description = "point or comma"),
        ("dates" = Option<String>, Query, description = "day_first, month_first or year_first"),
        ("profile" = Option<String>, Query, description = "the export, when its header does not show it"),
        ("zone" = Option<String>, Query, description = "time zone of times without an offset; the tenant's by default"),
        ("mapping" = Option<String>, Query, description = "name of a saved mapping"),
        ("name" = Option<String>, Query, description = "of an upload: what the file is called, for the list of imports"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body(content(
        (ImportRequest = "application/json", example = json!({ "path": "cdnow.csv.gz", "currency": "USD" })),
        (String = "text/csv"),
        (Vec<u8> = "application/gzip"),
        (Vec<u8> = "application/octet-stream"),
    )),
    responses(
        (status = 202, description = "the import is under way", body = ImportJob),
        (status = 400, description = "a bad path or currency", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "the file is larger than allowed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "neither CSV nor JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "there is no such file", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "the disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn start(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::OrdersWrite as u8 }>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Answer, Problem> {
    let known: Vec<&str> = stated::PARAMETERS.iter().copied().chain(["name"]).collect();
    let params = Params::of(request.uri(), &known)?;
    let form = stated::read(&params)?;
    let called = params.text("name")?;
    if let Some(name) = &form.mapping {
        let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
        stated::find_mapping(&mut tx, name).await?;
    }
    let folder = Folder::new(&state.settings.import_dir, caller.tenant);
    let Some(kind) = upload_form(request.headers())? else {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let Json { value, digest } = Json::<ImportRequest>::from_request(request, &state).await?;
        // The same body with other parameters is another request.
        let digest = if query.is_empty() {
            digest
        } else {
            Sha256::new().chain_update(digest).chain_update(&query).finalize().into()
        };
        let currency = stated_currency(value.currency.as_deref().or(params.text("currency")?))?;
        let path = folder.find(&value.path).await?;
        // The same file twice at once, read in the same way, is one import.
        let payload =
            ImportOrders { path: path.clone(), currency, stated: form.stated, mapping: form.mapping };
        let way = serde_json::to_vec(&payload).map_err(|_| Problem::internal())?;
        let dedup_key = format!("file:{}", hex::encode(Sha256::digest(&way)));
        let job = NewJob::of(caller.tenant, &payload)?.with_dedup_key(&dedup_key)?;
        return enqueue(&state, &caller, &key, &digest, job, path, None).await;
    };
    let currency = stated_currency(params.text("currency")?)?;
    let mut incoming = folder.receive(kind, called).await?;
    let digest = store(&state, request, &mut incoming).await?;
    let path = incoming.finish().await?;
    let payload = ImportOrders { path: path.clone(), currency, stated: form.stated, mapping: form.mapping };
    let job = NewJob::of(caller.tenant, &payload)?;
    enqueue(&state, &caller, &key, &digest, job, path, Some(incoming)).await
}

/// Writes the body to the file as it arrives, and returns the digest of the request.
async fn store(state: &AppState, request: Request, incoming: &mut Incoming) -> Result<[u8; 32], Problem> {
    let limit = state.settings.import_max_bytes;
    let too_large = || Problem::too_large("body", usize::try_from(limit).unwrap_or(usize::MAX));
    let (parts, body): (_, Body) = request.into_parts();
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut digest = Sha256::new().chain_update(parts.uri.to_string());
    let mut received = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| body::broken(&error))?;
        received += chunk.len() as u64;
        if received > limit {
            return Err(too_large());
        }
        digest.update(&chunk);
        incoming.write(&chunk).await?;
    }
    if received == 0 {
        return Err(Problem::bad_request("body", "the file is empty"));
    }
    Ok(digest.finalize().into())
}

async fn enqueue(
    state: &AppState,
    caller: &Caller,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    job: NewJob,
    path: String,
    incoming: Option<Incoming>,
) -> Result<Answer, Problem> {
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    let job = job.with_cause(correlation::current().as_str(), trace_parent.as_deref(), "api");
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, key, digest).await? {
        return Ok(answer);
    }
    let (enqueued, announcement) = jobs::enqueue_one(&mut tx, job).await?;
    let job_state = enqueued.state.to_string();
    let answer = Answer::accepted(enqueued.id, &ImportJob { job_id: enqueued.id, state: job_state, path });
    idempotency::keep(&mut tx, caller.tenant, key, digest, &answer).await?;
    // From here on the job may exist, whatever becomes of this request, and it needs its file.
    if let Some(incoming) = incoming {
        incoming.keep();
    }
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// A line that was not imported, or was with a remark.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectView {
    /// Number in the file, from 1.
    pub line_number: i64,
    /// `left_out`, or `remark` for a line that was imported.
    pub kind: String,
    /// The kind of fault in fixed words, as they are counted in the job's result.
    pub code: String,
    /// The column as the file names it, if it is about one.
    pub column: Option<String>,
    /// What was seen, and what would be accepted.
    pub reason: String,
    /// Its first 500 characters.
    pub raw: String,
    #[serde(skip)]
    number: i64,
}

impl From<progress::NotedLine> for RejectView {
    fn from(line: progress::NotedLine) -> RejectView {
        RejectView {
            line_number: line.line_number,
            kind: line.kind.name().to_owned(),
            code: line.reason,
            column: line.column_name,
            reason: line.message,
            raw: line.raw,
            number: line.number,
        }
    }
}

/// The lines of an import that were not taken, or with a remark, in the order of the file.
#[utoipa::path(
    get,
    path = "/api/orders/imports/{job_id}/rejects",
    tag = "orders",
    params(
        ("job_id" = Uuid, Path, description = "the import's job"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<RejectView>),
        (status = 404, description = "there is no such import", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn rejects(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
    uri: Uri,
) -> Result<Shown<Page<RejectView>>, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let id = query::id("job_id", &job_id)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let after =
        page.after.as_deref().map(str::parse::<i64>).transpose().map_err(|_| bad_cursor())?.unwrap_or(0);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    check_import(&mut tx, &caller, id).await?;
    let limit = u32::try_from(page.limit_and_one()).unwrap_or(u32::MAX);
    let lines = progress::notes(&mut tx, id, after, limit).await?;
    tx.commit().await?;
    let lines = lines.into_iter().map(RejectView::from).collect();
    Ok(Shown(page.page(lines, |line: &RejectView| line.number.to_string())))
}

/// The same as a file in CSV, for a spreadsheet: all that were kept, at most 10,000.
#[utoipa::path(
    get,
    path = "/api/orders/imports/{job_id}/rejects.csv",
    tag = "orders",
    params(("job_id" = Uuid, Path, description = "the import's job")),
    responses(
        (status = 200, description = "a file with a header", body = String, content_type = "text/csv"),
        (status = 404, description = "there is no such import", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn rejects_as_csv(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let id = query::id("job_id", &job_id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    check_import(&mut tx, &caller, id).await?;
    let lines = progress::notes(&mut tx, id, 0, progress::NOTES_LISTED).await?;
    tx.commit().await?;
    let mut text = "line_number,kind,code,column,reason,raw\r\n".to_owned();
    for line in lines {
        let column = line.column_name.unwrap_or_default();
        let number = line.line_number.to_string();
        let cells = [&number, line.kind.name(), &line.reason, &column, &line.message, &line.raw];
        text.push_str(&cells.map(cell).join(","));
        text.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"rejects.csv\""),
    ];
    Ok((headers, text).into_response())
}

/// A cell, quoted. What a spreadsheet would compute is shown as text: the rows are a stranger's.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

async fn check_import(tx: &mut Tx, caller: &Caller, id: Uuid) -> Result<(), Problem> {
    if progress::find(tx, id).await?.is_none() {
        // An import that has not begun has rejected nothing.
        let job = jobs::read::job(tx, Some(caller.tenant.0), id).await?;
        if job.is_none_or(|job| job.kind != ImportOrders::KIND) {
            return Err(Problem::not_found("there is no such import"));
        }
    }
    Ok(())
}

/// How the file is sent, or none when JSON names one. What is in it is found from the bytes; the content type only names
/// the file.
fn upload_form(headers: &HeaderMap) -> Result<Option<Form>, Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_gzip = match Packing::of(headers)? {
        Packing::Plain => false,
        Packing::Gzip => true,
        Packing::Deflate => {
            return Err(Problem::unsupported_media_type("a file that is not packed, or packed with gzip")
                .at("Content-Encoding"));
        }
    };
    match value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(None),
        "text/csv" | "application/csv" | "text/plain" | "text/tab-separated-values" if !is_gzip => {
            Ok(Some(Form::Plain))
        }
        "application/octet-stream"
        | "application/zip"
        | "application/x-zip-compressed"
        | "application/x-bzip2"
        | "application/x-xz"
        | "application/zstd"
        | "application/vnd.apache.parquet"
        | "application/vnd.ms-excel"
        | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            if !is_gzip =>
        {
            Ok(Some(Form::Plain))
        }
        "text/csv"
        | "application/csv"
        | "text/plain"
        | "text/tab-separated-values"
        | "application/gzip"
        | "application/x-gzip"
        | "application/octet-stream" => Ok(Some(Form::Gzip)),
        _ => Err(Problem::unsupported_media_type(
            "text/csv, application/gzip, application/zip, XLSX, Parquet, application/octet-stream or application/json",
        )),
    }
}

/// None where it is not stated, which the import tells.
fn stated_currency(code: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(code) = code else { return Ok(None) };
    if is_currency(code) {
        return Ok(Some(code.to_owned()));
    }
    let seen: String = code.chars().filter(|sign| !sign.is_control()).take(20).collect();
    Err(Problem::bad_request("currency", format!("{NO_CURRENCY}, not `{seen}`")))
}

impl From<FolderError> for Problem {
    fn from(error: FolderError) -> Problem {
        match error {
            FolderError::BadPath(rule) => Problem::bad_request("path", rule),
            FolderError::NoFile => {
                Problem::unprocessable("path", "there is no such file in the import folder")
            }
            FolderError::Full => {
                tracing::error!(
                    "the disk of the import folder is full: uploads are refused until there is room"
                );
                Problem {
                    status: axum::http::StatusCode::INSUFFICIENT_STORAGE,
                    kind: "insufficient-storage",
                    title: "There is no room for the file",
                    detail: "the disk of the import folder is full".into(),
                    ..Problem::internal()
                }
            }
            FolderError::Io(error) => {
                tracing::error!(%error, "the import folder cannot be used");
                Problem::internal()
            }
        }
    }
}
