//! Reads a purchase log in CSV into statements: `records` cuts the stream into records in constant memory, `columns` finds
//! out which column means what, `line` turns a record into an order line or a reason why not, and the lines of an order that
//! stand together become its statement.

use std::io::{self, SeekFrom};
use std::path::Path;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

use super::columns::{self, Columns, HeaderError};
use super::import::{Chunks, ReadError};
use super::line::{self, OrderLine, Rules};
use super::records::{Records, fields};
use super::statement::{Found, LINES_LIMIT, Line, Note, NoteKind, Party, Payment, Place, Statement};

/// Lines that are handed over at once.
const CHUNK_LINES: usize = 1_000;
/// Chunks that may wait to be stored.
const CHUNKS_WAITING: usize = 8;

/// How a log is to be understood.
#[derive(Debug, Clone)]
pub struct Settings {
    /// ISO 4217 code of lines that name no currency.
    pub currency: String,
    /// Orders from more than two days after this are left out.
    pub now: DateTime<Utc>,
}

/// A log file, ready to be read.
#[derive(Debug)]
pub struct LogFile {
    /// At its beginning.
    pub file: tokio::fs::File,
    /// Its size.
    pub size_bytes: u64,
    /// Hash of its size, beginning and end: enough to tell one log from another without reading all of it.
    pub fingerprint: [u8; 32],
}

/// Opens a log file and fingerprints it.
///
/// # Errors
/// The file cannot be read.
pub async fn open(path: &Path) -> io::Result<LogFile> {
    const SAMPLE_BYTES: u64 = 256 * 1024;
    let mut file = tokio::fs::File::open(path).await?;
    let size_bytes = file.metadata().await?.len();
    let mut sample = Vec::new();
    (&mut file).take(SAMPLE_BYTES).read_to_end(&mut sample).await?;
    file.seek(SeekFrom::Start(size_bytes.saturating_sub(SAMPLE_BYTES))).await?;
    (&mut file).take(SAMPLE_BYTES).read_to_end(&mut sample).await?;
    file.seek(SeekFrom::Start(0)).await?;
    let fingerprint =
        Sha256::new().chain_update(size_bytes.to_be_bytes()).chain_update(&sample).finalize().into();
    Ok(LogFile { file, size_bytes, fingerprint })
}

/// Begins to read a log, whose beginning is where `reader` stands, from a place on.
pub fn read<R: AsyncRead + Send + Unpin + 'static>(reader: R, settings: Settings, from: Place) -> Chunks {
    let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING);
    tokio::spawn(async move {
        if let Err(error) = read_all(reader, &settings, from, &chunks).await {
            // Whoever does not listen any more does not need to know.
            let _ = chunks.send(Err(error)).await;
        }
    });
    receiver
}

async fn read_all<R: AsyncRead + Unpin>(
    reader: R,
    settings: &Settings,
    from: Place,
    chunks: &mpsc::Sender<Result<Vec<Found>, ReadError>>,
) -> Result<(), ReadError> {
    let mut records = Records::new(reader);
    let columns = read_header(&mut records).await?;
    if from.offset > 0 && !records.skip_to(from.offset, from.line).await? {
        let message = "the log is shorter than what was imported from it before".to_owned();
        return Err(ReadError::Refused { class: "file_shortened", message });
    }
    let rules = Rules { columns: &columns, currency: &settings.currency, now: settings.now };
    let mut chunk = Vec::new();
    let mut chunk_lines = 0;
    let mut order: Option<Order> = None;
    loop {
        let (offset, line) = records.position();
        let read = read_line(&mut records, &rules).await?;
        chunk_lines += 1;
        let continues = match (&read, &order) {
            (Some((_, Ok(line))), Some(order)) => order.takes(line),
            _ => false,
        };
        if !continues && let Some(order) = order.take() {
            chunk.push(order.found(Place { offset, line }));
        }
        match read {
            Some((number, Ok(line))) => match &mut order {
                Some(order) => order.add(line),
                None => order = Some(Order::begin(number, line)),
            },
            Some((_, Err(note))) => {
                let (offset, line) = records.position();
                chunk.push(Found::Note { note, rows: 1, after: Some(Place { offset, line }) });
            }
            None => {
                let _ = chunks.send(Ok(chunk)).await;
                return Ok(());
            }
        }
        if chunk_lines >= CHUNK_LINES && !chunk.is_empty() {
            chunk_lines = 0;
            if chunks.send(Ok(std::mem::take(&mut chunk))).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// The lines of an order that stand together.
struct Order {
    line: u64,
    rows: u32,
    statement: Statement,
}

impl Order {
    fn begin(number: u64, line: OrderLine) -> Order {
        let statement = Statement {
            order_id: line.order_id.clone(),
            customer: Party {
                shop_id: Some(line.customer_id.clone()),
                email: line.email.clone(),
                phone: None,
                name: line.name.clone(),
            },
            placed_at: line.ordered_at,
            paid_at: None,
            fulfilled_at: None,
            cancelled_at: None,
            stated_at: None,
            is_test: false,
            payment: Payment::Placed,
            currency: line.currency.clone(),
            lines: Vec::new(),
        };
        let mut order = Order { line: number, rows: 0, statement };
        order.add(line);
        order
    }

    fn takes(&self, line: &OrderLine) -> bool {
        let statement = &self.statement;
        statement.order_id == line.order_id
            && statement.customer.shop_id.as_ref() == Some(&line.customer_id)
            && statement.currency == line.currency
            && statement.lines.len() < LINES_LIMIT
    }

    fn add(&mut self, line: OrderLine) {
        self.rows += 1;
        let party = &mut self.statement.customer;
        party.email = line.email.or(party.email.take());
        party.name = line.name.or(party.name.take());
        self.statement.lines.push(Line {
            line_id: None,
            product_id: line.product_id,
            category: line.category,
            title: None,
            quantity: line.quantity,
            amount: line.amount,
            list_amount: line.list_amount,
            is_return: line.is_return,
            at: (line.ordered_at != self.statement.placed_at).then_some(line.ordered_at),
        });
    }

    fn found(self, after: Place) -> Found {
        Found::Order { statement: self.statement, line: self.line, rows: self.rows, after }
    }
}

async fn read_header<R: AsyncRead + Unpin>(records: &mut Records<R>) -> Result<Columns, ReadError> {
    let refused = |error: HeaderError| ReadError::Refused { class: "bad_header", message: error.to_string() };
    let header = records.next().await?.ok_or(refused(HeaderError::Empty))?;
    if header.broken.is_some() {
        return Err(refused(HeaderError::Unreadable));
    }
    let text = std::str::from_utf8(header.bytes).map_err(|_| refused(HeaderError::Unreadable))?;
    columns::read_header(text).map_err(refused)
}

/// The next line that is not blank, with its number.
async fn read_line<R: AsyncRead + Unpin>(
    records: &mut Records<R>,
    rules: &Rules<'_>,
) -> io::Result<Option<(u64, Result<OrderLine, Note>)>> {
    const RAW_BYTES: usize = 2_000;
    loop {
        let Some(record) = records.next().await? else { return Ok(None) };
        if record.bytes.trim_ascii().is_empty() {
            continue;
        }
        let judged = match (record.broken, std::str::from_utf8(record.bytes)) {
            (Some(reason), _) => Err(reason.to_owned()),
            (None, Err(_)) => Err("the line is not UTF-8 text".to_owned()),
            (None, Ok(text)) => line::read(&fields(text), rules),
        };
        let raw = &record.bytes[..record.bytes.len().min(RAW_BYTES)];
        return Ok(Some((
            record.line,
            judged.map_err(|message| Note {
                line: record.line,
                column: None,
                kind: NoteKind::LeftOut,
                reason: "line_unreadable",
                message,
                raw: String::from_utf8_lossy(raw).into_owned(),
            }),
        )));
    }
}
