//! What an import would make of a file, before anything is stored.

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, header};
use database::Role;
use platform::orders::preview::{self, LINES_SHOWN, Preview, Reason, Sample};
use platform::orders::reading::{ReadError, Role as ColumnRole, Source};
use platform::orders::rule;
use platform::orders::state::compared;
use platform::orders::statement::{Line, Payment, Statement};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::folder::Folder;
use super::{ImportRequest, stated, stated_currency, store, upload_form};
use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::{self, Json};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The largest part of a file that is looked at in memory. All of a longer file goes to the disk until it was looked at.
const MAX_PART_BYTES: usize = 8 * 1024 * 1024;
const ORDERS_SHOWN: i64 = 10;

/// What an import would make of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// Packing, encoding, separator, line of the header and so on, each found or stated.
    #[schema(value_type = Object)]
    pub file: serde_json::Value,
    /// The export that the header shows, by its name and for people.
    pub profile: String,
    /// The same in words.
    pub profile_title: String,
    /// Each column, what it means, and what became of it.
    pub columns: Vec<ColumnView>,
    /// Columns that were not understood.
    pub unknown_columns: Vec<String>,
    /// How numbers and dates are written, and which cells show it.
    #[schema(value_type = Object)]
    pub forms: serde_json::Value,
    /// Whether all of the file was looked at, so that the counts are those of an import.
    pub is_whole: bool,
    /// Rows that were looked at.
    pub rows: u64,
    /// Orders in them.
    pub orders: u64,
    /// What they are worth by currency, sales less returns, whatever was paid.
    pub worth: BTreeMap<String, String>,
    /// Orders that are revenue under the shop's rule (`/api/orders/revenue-rule`).
    pub orders_counted: u64,
    /// What those are worth by currency, sales less returns.
    pub revenue: BTreeMap<String, String>,
    /// The first orders.
    pub sample: Vec<OrderView>,
    /// What would be left out, by reason.
    pub left_out: Vec<ReasonView>,
    /// What would be taken with a remark, by reason.
    pub remarks: Vec<ReasonView>,
    /// Words of the status column that are not known.
    pub unknown_statuses: Vec<String>,
    /// Why an import of this file would fail or ask, if it would.
    pub problem: Option<String>,
}

/// A column of the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColumnView {
    /// Its name, as written.
    pub name: String,
    /// What it means.
    pub meaning: Option<String>,
    /// `read`, `doubled` (another column that means the same is read), `unused`, `unknown` or `unnamed`.
    pub role: String,
}

/// An order as it was understood.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// Its first line in the file.
    pub line: u64,
    /// What the shop calls it.
    pub order_id: String,
    /// The shop's id of the customer.
    pub customer_id: Option<String>,
    /// Address.
    pub customer_email: Option<String>,
    /// Name.
    pub customer_name: Option<String>,
    /// When it was placed, on the shop's clock: as `2026-10-07T11:50:26+02:00`, or as `2026-10-07` where no time of day stands
    /// with it.
    pub ordered_at: String,
    /// When it was cancelled.
    pub cancelled_at: Option<chrono::DateTime<chrono::Utc>>,
    /// `placed` (nothing is said about money), `pending`, `authorized`, `paid`, `partly_paid`, `partly_refunded`,
    /// `refunded`, `voided` or `failed`.
    pub payment: String,
    /// Whether the shop only tried its till.
    pub is_test: bool,
    /// Whether it is revenue under the shop's rule.
    pub counts: bool,
    /// Of all amounts.
    pub currency: String,
    /// Sales less returns.
    pub worth: String,
    /// Its first lines.
    pub lines: Vec<LineView>,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    /// The shop's id of the product.
    pub product_id: Option<String>,
    /// Its name.
    pub title: Option<String>,
    /// Pieces.
    pub quantity: String,
    /// What was paid; negative for a return.
    pub amount: String,
    /// Whether it was given back.
    pub is_return: bool,
}

/// Rows of which something is to be said.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonView {
    /// In fixed words, as an import counts it.
    pub reason: String,
    /// So many rows.
    pub rows: u64,
    /// The line of the first one; none from the middle of a large file.
    pub line: Option<u64>,
    /// Its column.
    pub column: Option<String>,
    /// What was seen, and what would be accepted.
    pub message: String,
}

/// Show what an import would make of a file.
///
/// Send the file as for an import, or the first megabytes of it with `part=beginning`; or name one in the import folder.
/// A ZIP archive, a workbook or Parquet has to be sent as a whole. Nothing is kept. What was found may be stated otherwise
/// by parameters, here and for the import alike. Where columns are missing, the refusal has `missing` and `columns`.
#[utoipa::path(
    post,
    path = "/api/orders/import/preview",
    tag = "orders",
    params(
        ("currency" = Option<String>, Query, description = "ISO 4217 code of amounts without a currency; by default that of most of the shop's orders"),
        ("encoding" = Option<String>, Query, description = "e.g. utf-8, windows-1252, utf-16le"),
        ("separator" = Option<String>, Query, description = "comma, semicolon, tab, pipe or one character"),
        ("header" = Option<i64>, Query, description = "number of the line of column names"),
        ("sheet" = Option<String>, Query, description = "of a workbook"),
        ("decimal" = Option<String>, Query, description = "point or comma"),
        ("dates" = Option<String>, Query, description = "day_first, month_first or year_first"),
        ("profile" = Option<String>, Query, description = "the export, when its header does not show it"),
        ("zone" = Option<String>, Query, description = "time zone of times without an offset; the tenant's by default"),
        ("mapping" = Option<String>, Query, description = "name of a saved mapping"),
        ("part" = Option<String>, Query, description = "beginning, when the body is only the file's beginning"),
        ("orders" = Option<i64>, Query, description = "orders to show, 0 to 100, 10 by default"),
    ),
    request_body(content(
        (ImportRequest = "application/json"),
        (String = "text/csv"),
        (Vec<u8> = "application/octet-stream"),
    )),
    responses(
        (status = 200, description = "what was understood", body = PreviewView),
        (status = 400, description = "a bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "larger than an import may be, or more than 8 MiB of a beginning or a body that does not tell its length", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "the file is no table, or columns are missing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "the disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::OrdersWrite as u8 }>,
    request: Request,
) -> Result<Shown<PreviewView>, Problem> {
    let known: Vec<&str> = stated::PARAMETERS.iter().copied().chain(["part", "orders"]).collect();
    let params = Params::of(request.uri(), &known)?;
    let mut form = stated::read(&params)?;
    let orders = params.number("orders")?.unwrap_or(ORDERS_SHOWN);
    form.stated.table.is_beginning = match params.text("part")? {
        None => false,
        Some("beginning") => true,
        Some(_) => return Err(Problem::bad_request("part", "may only be beginning")),
    };
    let code = params.text("currency")?.map(str::to_owned);
    let folder = Folder::new(&state.settings.import_dir, caller.tenant);
    // Removed when it was looked at.
    let mut incoming = None;
    let (source, code) = if let Some(kind) = upload_form(request.headers())? {
        let source = if form.stated.table.is_beginning || !is_large(request.headers()) {
            let (parts, content) = request.into_parts();
            let bytes = body::read(&parts.headers, content, MAX_PART_BYTES).await?;
            Source::Memory(bytes.as_ref().into())
        } else {
            let incoming = incoming.insert(folder.receive(kind, None).await?);
            store(&state, request, incoming).await?;
            Source::Path(incoming.so_far().await?)
        };
        (source, code)
    } else {
        let Json { value, .. } = Json::<ImportRequest>::from_request(request, &state).await?;
        let path = folder.find(&value.path).await?;
        (Source::Path(state.settings.import_dir.join(path)), value.currency.or(code))
    };
    let code = stated_currency(code.as_deref())?;
    let request = stated::request(&state, caller.tenant, form, code).await?;
    let shown = usize::try_from(orders).unwrap_or(0);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let rule = rule::read(&mut tx).await?.rule;
    tx.commit().await?;
    // Reading takes the processor and the disk, not the runtime's threads.
    let mut preview = tokio::task::spawn_blocking(move || preview::preview(&source, &request, rule, shown))
        .await
        .map_err(|_| Problem::internal())?
        .map_err(refusal)?;
    drop(incoming);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let of_stored = compared::remarks(&mut tx, caller.tenant, &preview).await?;
    tx.commit().await?;
    preview.remarks.extend(of_stored);
    Ok(Shown(PreviewView::from(preview)))
}

/// Whether a body is told to be too large for the memory.
fn is_large(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length > MAX_PART_BYTES)
}

/// A file that is none that can be imported.
pub fn refusal(error: ReadError) -> Problem {
    match error {
        ReadError::Option(detail) => Problem::bad_request("query", detail),
        ReadError::Mapping(detail) => Problem::bad_request("mapping", detail),
        ReadError::Ask { option, message } => Problem::unprocessable(option, message),
        ReadError::Missing { ref what, ref names, .. } => Problem::unprocessable("body", error.to_string())
            .with("missing", json!(what))
            .with("columns", json!(names)),
        ReadError::Table(tables) => match tables.into_io() {
            Ok(error) => {
                tracing::error!(%error, "a file of the import folder cannot be read");
                Problem::internal()
            }
            Err(other) => Problem::unprocessable("body", other.to_string()),
        },
        other => Problem::unprocessable("body", other.to_string()),
    }
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> PreviewView {
        let understood = preview.understood;
        let value = |shown: Result<serde_json::Value, _>| shown.unwrap_or_default();
        PreviewView {
            unknown_columns: understood.unknown_columns().into_iter().map(str::to_owned).collect(),
            file: value(serde_json::to_value(&understood.file)),
            forms: value(serde_json::to_value(&understood.forms)),
            profile: understood.profile.to_owned(),
            profile_title: understood.profile_title.to_owned(),
            columns: understood
                .columns
                .into_iter()
                .map(|column| ColumnView {
                    name: column.name,
                    meaning: column.meaning.map(|meaning| meaning.name().to_owned()),
                    role: role(column.role).to_owned(),
                })
                .collect(),
            is_whole: preview.is_whole,
            rows: preview.rows,
            orders: preview.orders,
            worth: texts(preview.worth),
            orders_counted: preview.orders_counted,
            revenue: texts(preview.revenue),
            sample: preview.sample.into_iter().map(OrderView::from).collect(),
            left_out: preview.left_out.into_iter().map(ReasonView::from).collect(),
            remarks: preview.remarks.into_iter().map(ReasonView::from).collect(),
            unknown_statuses: preview.unknown_statuses,
            problem: preview.problem,
        }
    }
}

fn texts(worth: BTreeMap<String, rust_decimal::Decimal>) -> BTreeMap<String, String> {
    worth.into_iter().map(|(code, worth)| (code, worth.to_string())).collect()
}

fn role(role: ColumnRole) -> &'static str {
    match role {
        ColumnRole::Read => "read",
        ColumnRole::Doubled => "doubled",
        ColumnRole::Unused => "unused",
        ColumnRole::Unknown => "unknown",
        ColumnRole::Unnamed => "unnamed",
    }
}

impl From<Sample> for OrderView {
    fn from(Sample { line, statement, counts, ordered_at }: Sample) -> OrderView {
        let Statement { order_id, customer, cancelled_at, payment, is_test, currency, lines, .. } = statement;
        let worth: rust_decimal::Decimal = lines.iter().map(|line| line.amount).sum();
        OrderView {
            line,
            order_id,
            customer_id: customer.shop_id,
            customer_email: customer.email,
            customer_name: customer.name,
            ordered_at,
            cancelled_at,
            payment: payment_name(payment).to_owned(),
            is_test,
            counts,
            currency,
            worth: worth.to_string(),
            lines: lines.into_iter().take(LINES_SHOWN).map(LineView::from).collect(),
        }
    }
}

impl From<Line> for LineView {
    fn from(line: Line) -> LineView {
        LineView {
            product_id: line.product_id,
            title: line.title,
            quantity: line.quantity.to_string(),
            amount: line.amount.to_string(),
            is_return: line.is_return,
        }
    }
}

fn payment_name(payment: Payment) -> &'static str {
    match payment {
        Payment::Placed => "placed",
        Payment::Pending => "pending",
        Payment::Authorized => "authorized",
        Payment::Paid => "paid",
        Payment::PartlyPaid => "partly_paid",
        Payment::PartlyRefunded => "partly_refunded",
        Payment::Refunded => "refunded",
        Payment::Voided => "voided",
        Payment::Failed => "failed",
    }
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> ReasonView {
        ReasonView {
            reason: reason.reason.to_owned(),
            rows: reason.rows,
            line: reason.line,
            column: reason.column,
            message: reason.message,
        }
    }
}
