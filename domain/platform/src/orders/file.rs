//! The file of an import: what tells it from another, and its reading on a thread of its own, which hands over what it
//! finds through a bounded channel.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::import::{Chunks, ReadError as ImportReadError};
use super::reading::{ReadError, Reading, Request, Source};
use super::statement::{Found, Place};

/// Orders and notes that are handed over at once.
const CHUNK: usize = 500;
/// Chunks that may wait to be put into a batch.
const CHUNKS_WAITING: usize = 1;
/// What of a file's beginning and end is looked at to tell it from others.
const SAMPLE_BYTES: u64 = 256 * 1024;

/// What tells a file, and the way it is read, from another: a checkpoint of the one is none of the other.
///
/// # Errors
/// The file cannot be read.
pub fn fingerprint(source: &Source, request: &Request) -> io::Result<[u8; 32]> {
    let mut sample = Vec::new();
    let size = source.size_bytes()?;
    match source {
        Source::Memory(bytes) => sample.extend_from_slice(bytes),
        Source::Path(path) => {
            let mut file = File::open(path)?;
            (&mut file).take(SAMPLE_BYTES).read_to_end(&mut sample)?;
            file.seek(SeekFrom::Start(size.saturating_sub(SAMPLE_BYTES)))?;
            (&mut file).take(SAMPLE_BYTES).read_to_end(&mut sample)?;
        }
    }
    let way = serde_json::to_vec(&(&request.stated, &request.mapping, &request.currency, request.zone))?;
    Ok(Sha256::new()
        .chain_update(size.to_be_bytes())
        .chain_update(&sample)
        .chain_update(&way)
        .finalize()
        .into())
}

/// As [`read`], for a file that is opened on that thread as well; why it cannot be is the first thing that is told.
pub fn open(source: Source, request: Request) -> impl FnOnce(Place) -> Chunks {
    move |from| {
        let (sender, chunks) = mpsc::channel(CHUNKS_WAITING);
        tokio::task::spawn_blocking(move || match Reading::open(&source, &request) {
            Ok(reading) => hand_over(reading, from, &sender),
            Err(error) => {
                let _ = sender.blocking_send(Err(told(error)));
            }
        });
        chunks
    }
}

/// Reads on from a place, on a thread for work that blocks. Dropping the receiver ends it.
pub fn read(reading: Reading, from: Place) -> Chunks {
    let (sender, chunks) = mpsc::channel(CHUNKS_WAITING);
    tokio::task::spawn_blocking(move || hand_over(reading, from, &sender));
    chunks
}

/// Ends when the file does, or when nobody listens any more.
fn hand_over(mut reading: Reading, from: Place, sender: &mpsc::Sender<Result<Vec<Found>, ImportReadError>>) {
    if let Err(error) = reading.go_on_at(from) {
        let _ = sender.blocking_send(Err(told(error)));
        return;
    }
    loop {
        let (chunk, end) = chunk(&mut reading);
        if !chunk.is_empty() && sender.blocking_send(Ok(chunk)).is_err() {
            return;
        }
        match end {
            End::NotYet => {}
            End::OfFile => return,
            End::Fault(error) => {
                let _ = sender.blocking_send(Err(told(error)));
                return;
            }
        }
    }
}

enum End {
    NotYet,
    OfFile,
    Fault(ReadError),
}

fn chunk(reading: &mut Reading) -> (Vec<Found>, End) {
    let mut chunk = Vec::with_capacity(CHUNK);
    while chunk.len() < CHUNK {
        match reading.next() {
            Ok(Some(found)) => chunk.push(found),
            Ok(None) => return (chunk, End::OfFile),
            Err(error) => return (chunk, End::Fault(error)),
        }
    }
    (chunk, End::NotYet)
}

/// A fault as an import tells it.
pub fn told(error: ReadError) -> ImportReadError {
    let class = match &error {
        ReadError::Ask { .. } => "file_ambiguous",
        ReadError::Option(_) | ReadError::Mapping(_) => "bad_option",
        ReadError::Missing { .. } | ReadError::Twice(_) => "bad_columns",
        ReadError::Table(_) | ReadError::OtherColumns { .. } => "bad_file",
    };
    match error {
        ReadError::Table(tables) => match tables.into_io() {
            Ok(error) => ImportReadError::Io(error),
            Err(other) => ImportReadError::Refused { class, message: other.to_string() },
        },
        other => ImportReadError::Refused { class, message: other.to_string() },
    }
}
