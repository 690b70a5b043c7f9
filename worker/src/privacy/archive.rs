//! The archive of what is known of a person: `index.html` for people, `data/TABLE.json` for programs, `files/` with what came
//! along with messages, `mails/` mails as they came. It is written to an unnamed file, sealed piece by piece under the tenant's key, and put into the store
//! of files under the request's id.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use accounts::sealed_stream::{PIECE_BYTES, Sealer};
use accounts::tenant_keys;
use chrono::{DateTime, Utc};
use database::Role;
use database::personal::{self, Person, Reached, Store};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::analysis;
use support::customer_words::Words;
use support::mail::inbound;
use support::privacy::{FILE_ROWS, MESSAGE_ROWS, TICKET_ROWS, elsewhere, find, requests, tickets};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use upstreams::files::{FilesError, Place};
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::page;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Rows of a table for so many tickets; what is beyond is told of in the archive.
const MOST_ROWS: i64 = 20_000;

/// An archive that was made.
pub struct Made {
    /// Rows by table.
    pub rows: Reached,
    /// Files, and mails as they came.
    pub files: u64,
    /// How long it is before it is sealed.
    pub bytes: u64,
    /// Of the same.
    pub sha256: String,
}

/// Makes it. An earlier one of the same request is replaced.
pub async fn make(
    ctx: &Ctx,
    app: &App,
    request: Uuid,
    person: &Person,
    now: DateTime<Utc>,
) -> Result<Made, Stop> {
    let mut zip = Zip::begin()?;
    let mut rows = Reached::new();
    zip.entry("person.json").await?;
    let known = json!({
        "request_id": request, "made_at": now, "customers": person.customers, "emails": person.emails,
        "phones": person.phones, "help_desk_ids": person.desk_ids, "names": person.names,
    });
    zip.bytes(serde_json::to_vec_pretty(&known).expect("plain data")).await?;
    let owners = [
        (Role::Support, support::privacy::STORES),
        (Role::Platform, platform::personal::STORES),
        (Role::Marketing, marketing::personal::STORES),
        (Role::Outbound, outbound::personal::STORES),
    ];
    for (role, stores) in owners {
        for store in one_a_table(stores) {
            ctx.progress(rows.values().sum(), None, store.table);
            zip.entry(&format!("data/{}.json", store.table)).await?;
            write_table(ctx, app, role, stores, store.table, person, &mut zip, &mut rows).await?;
        }
    }
    zip.entry("index.html").await?;
    let words = words_of(ctx, app, person).await?;
    zip.bytes(page::head(person, words, now)).await?;
    for chunk in person.tickets.chunks(tickets::AT_ONCE) {
        let part = Person { tickets: chunk.to_vec(), ..person.clone() };
        let of = |table| rows_of(ctx, app, Role::Support, support::privacy::STORES, table, &part);
        let (tickets, messages, files) =
            (of(TICKET_ROWS).await?, of(MESSAGE_ROWS).await?, of(FILE_ROWS).await?);
        zip.bytes(page::tickets(words, &tickets, &messages, &files)).await?;
    }
    zip.bytes(page::foot()).await?;
    let files =
        write_files(ctx, app, person, &mut zip).await? + write_mails(ctx, app, person, &mut zip).await?;
    let plain = zip.end().await?;
    let (bytes, sha256) = seal(ctx, app, request, plain).await?;
    Ok(Made { rows, files, bytes, sha256 })
}

/// The words of the page: in the person's language, as far as it is known, else the shop's, else English.
async fn words_of(ctx: &Ctx, app: &App, person: &Person) -> Result<&'static Words, Stop> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let known = analysis::languages_of_person(&mut tx, &person.tickets).await?;
    tx.commit().await?;
    Ok(known.words())
}

/// The exported entries, each table once.
fn one_a_table(stores: &'static [Store]) -> Vec<&'static Store> {
    let mut tables: Vec<&Store> = Vec::new();
    for store in stores.iter().filter(|store| store.exported) {
        if !tables.iter().any(|known| known.table == store.table) {
            tables.push(store);
        }
    }
    tables
}

/// A person's rows of a table, of all entries that name it.
async fn rows_of(
    ctx: &Ctx,
    app: &App,
    role: Role,
    stores: &'static [Store],
    table: &str,
    person: &Person,
) -> Result<Vec<Value>, Stop> {
    let mut rows = Vec::new();
    let mut tx = app.db.tenant_tx(role, ctx.tenant).await?;
    for store in stores.iter().filter(|store| store.exported && store.table == table) {
        rows.extend(personal::export(&mut tx, store, person, MOST_ROWS).await?);
    }
    tx.commit().await?;
    Ok(rows)
}

#[expect(clippy::too_many_arguments, reason = "a step of `make`, of which these are the parts")]
async fn write_table(
    ctx: &Ctx,
    app: &App,
    role: Role,
    stores: &'static [Store],
    table: &'static str,
    person: &Person,
    zip: &mut Zip,
    rows: &mut Reached,
) -> Result<(), Stop> {
    let mut is_first = true;
    zip.bytes(b"[".to_vec()).await?;
    // What is not of tickets is of the whole person, and written once.
    let whole = [Vec::new()];
    let chunks: Vec<&[Uuid]> = match role {
        Role::Support => person.tickets.chunks(tickets::AT_ONCE).collect(),
        _ => whole.iter().map(Vec::as_slice).collect(),
    };
    for chunk in chunks {
        let part = Person { tickets: chunk.to_vec(), ..person.clone() };
        for row in rows_of(ctx, app, role, stores, table, &part).await? {
            let text = format!("{}{row}", if is_first { "\n" } else { ",\n" });
            is_first = false;
            zip.bytes(text.into_bytes()).await?;
            personal::add(rows, table, 1);
        }
    }
    if table == MESSAGE_ROWS {
        let mut tx = app.db.tenant_tx(role, ctx.tenant).await?;
        let in_tickets_of_others = elsewhere::rows(&mut tx, person, MOST_ROWS).await?;
        tx.commit().await?;
        for row in in_tickets_of_others {
            let text = format!("{}{row}", if is_first { "\n" } else { ",\n" });
            is_first = false;
            zip.bytes(text.into_bytes()).await?;
            personal::add(rows, table, 1);
        }
    }
    zip.bytes(b"\n]\n".to_vec()).await
}

async fn write_files(ctx: &Ctx, app: &App, person: &Person, zip: &mut Zip) -> Result<u64, Stop> {
    let mut count = 0;
    for chunk in person.tickets.chunks(tickets::AT_ONCE) {
        let part = Person { tickets: chunk.to_vec(), ..person.clone() };
        let files = rows_of(ctx, app, Role::Support, support::privacy::STORES, FILE_ROWS, &part).await?;
        for file in files {
            let Some(id) = file["id"].as_str().and_then(|id| id.parse::<Uuid>().ok()) else { continue };
            if !file["redacted_at"].is_null() {
                continue;
            }
            let mut reading = match app.files.read(Place { tenant: ctx.tenant.0, id }).await {
                Ok(reading) => reading,
                // A row without bytes is in the data; there is nothing to add.
                Err(FilesError::Missing) => continue,
                Err(error) => return Err(error.into()),
            };
            zip.entry(&page::file_path(&file)).await?;
            while let Some(piece) = reading.bytes.next().await {
                let piece = piece.map_err(|error| Stop::from(FilesError::from(error)))?;
                zip.bytes(piece.to_vec()).await?;
            }
            count += 1;
        }
    }
    Ok(count)
}

/// Mails as they came, one at a time: each may have many million bytes.
async fn write_mails(ctx: &Ctx, app: &App, person: &Person, zip: &mut Zip) -> Result<u64, Stop> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let mails = find::mails(&mut tx, person).await?;
    tx.commit().await?;
    let mut count = 0;
    for mail in mails {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let raw = inbound::raw(&mut tx, mail).await?;
        tx.commit().await?;
        let Some(raw) = raw else { continue };
        zip.entry(&format!("mails/{mail}.eml")).await?;
        zip.bytes(raw).await?;
        count += 1;
    }
    Ok(count)
}

/// Seals the archive into the store; how long it is and its hash, both of what will be fetched.
async fn seal(ctx: &Ctx, app: &App, request: Uuid, plain: File) -> Result<(u64, String), Stop> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let key = tenant_keys::current(&mut tx, &app.master_key, ctx.tenant).await?;
    tx.commit().await?;
    let mut sealer = Sealer::new(key, requests::archive_owner(request));
    let mut plain = tokio::fs::File::from_std(plain);
    let mut incoming = app.files.receive().await?;
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        piece.clear();
        let read = (&mut plain)
            .take(PIECE_BYTES as u64)
            .read_to_end(&mut piece)
            .await
            .map_err(|error| Stop::from(FilesError::from(error)))?;
        if read == 0 {
            break;
        }
        digest.update(&piece);
        bytes += read as u64;
        incoming.write(&sealer.piece(&piece)).await?;
    }
    incoming.write(&sealer.last(b"")).await?;
    app.files.keep(incoming, Place { tenant: ctx.tenant.0, id: request }).await?;
    Ok((bytes, hex::encode(digest.finalize())))
}

/// An archive that is being written by a thread of its own.
struct Zip {
    sender: mpsc::Sender<Part>,
    writer: JoinHandle<std::io::Result<File>>,
}

enum Part {
    Entry(String),
    Bytes(Vec<u8>),
}

impl Zip {
    fn begin() -> Result<Zip, Stop> {
        let file = unnamed().map_err(|error| Stop::from(FilesError::from(error)))?;
        let (sender, receiver) = mpsc::channel(64);
        Ok(Zip { sender, writer: tokio::task::spawn_blocking(move || write(file, receiver)) })
    }

    async fn entry(&mut self, name: &str) -> Result<(), Stop> {
        self.send(Part::Entry(name.to_owned())).await
    }

    async fn bytes(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        self.send(Part::Bytes(bytes)).await
    }

    async fn send(&mut self, part: Part) -> Result<(), Stop> {
        if self.sender.send(part).await.is_ok() {
            return Ok(());
        }
        Err(match (&mut self.writer).await {
            Ok(Err(error)) => FilesError::from(error).into(),
            _ => Stop::retry("archive", "the archive could not be written"),
        })
    }

    /// The archive, to be read from its beginning.
    async fn end(self) -> Result<File, Stop> {
        drop(self.sender);
        match self.writer.await {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(error)) => Err(FilesError::from(error).into()),
            Err(_) => Err(Stop::retry("archive", "the archive could not be written")),
        }
    }
}

fn write(file: File, mut parts: mpsc::Receiver<Part>) -> std::io::Result<File> {
    let mut zip = ZipWriter::new(file);
    let options =
        SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(true);
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Entry(name) => zip.start_file(name, options).map_err(std::io::Error::other)?,
            Part::Bytes(bytes) => zip.write_all(&bytes)?,
        }
    }
    let mut file = zip.finish().map_err(std::io::Error::other)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// A file that nobody else can find, and that is gone when it is closed.
fn unnamed() -> std::io::Result<File> {
    let path = std::env::temp_dir().join(format!("deskwork-archive-{}", Uuid::now_v7().simple()));
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}
