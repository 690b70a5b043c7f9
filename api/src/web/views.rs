//! Who looked at whose data: lines of the trail that are written behind the request's back, so that looking costs nobody a
//! round trip.
//!
//! They wait in a bounded queue and are written together, within a second. A request whose line finds no room waits
//! for it rather than losing it; while the database is away lines are kept and tried again. A process that is killed loses
//! the lines of its last second; one that is asked to end writes them first ([`Views::flush`]).

use std::time::Duration;

use accounts::audit::{self, View};
use database::Db;
use tokio::sync::{mpsc, oneshot};

/// Lines that wait at most.
const WAITING: usize = 10_000;

/// Lines that are written at once.
const AT_ONCE: usize = 500;

/// How long the first line waits for others.
const TOGETHER: Duration = Duration::from_millis(500);

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// The way to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Views {
    sender: mpsc::Sender<Note>,
}

#[derive(Debug)]
enum Note {
    Line(Box<View>),
    Flush(oneshot::Sender<()>),
}

impl Views {
    /// Starts the writer, within a runtime; it ends with the last sender.
    pub fn start(db: Db) -> Views {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(db, receiver));
        Views { sender }
    }

    /// Notes a line. It waits only when ten thousand wait already.
    pub async fn note(&self, view: View) {
        if self.sender.send(Note::Line(Box::new(view))).await.is_err() {
            tracing::error!("the writer of the trail is gone");
        }
    }

    /// Waits until every line that was noted before is written.
    pub async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.sender.send(Note::Flush(done)).await.is_ok() {
            let _ = waiting.await;
        }
    }
}

async fn write(db: Db, mut receiver: mpsc::Receiver<Note>) {
    let mut notes = Vec::with_capacity(AT_ONCE);
    while receiver.recv_many(&mut notes, AT_ONCE).await > 0 {
        if !notes.iter().any(|note| matches!(note, Note::Flush(_))) {
            tokio::time::sleep(TOGETHER).await;
            while notes.len() < AT_ONCE {
                let Ok(note) = receiver.try_recv() else { break };
                notes.push(note);
            }
        }
        let mut lines = Vec::with_capacity(notes.len());
        let mut waiting = Vec::new();
        for note in notes.drain(..) {
            match note {
                Note::Line(line) => lines.push(*line),
                Note::Flush(done) => waiting.push(done),
            }
        }
        while let Err(error) = audit::record_views(&db, &lines).await {
            tracing::warn!(%error, lines = lines.len(), "who looked at customers' data is not written yet");
            if !error.is_transient() {
                metrics::counter!("deskwork_trail_lines_lost_total").increment(lines.len() as u64);
                tracing::error!(%error, lines = lines.len(), "lines of the trail cannot be written");
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}
