//! The order lines that a run's statistics were made of, kept for its shards: a shard that is computed where they are does
//! not read its own again. They are those of one run, and go when it is published or when nobody has asked for them for a
//! while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::material::Read;

/// Lines that nobody has asked for so long belong to a run that is over, or whose shards others compute.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);

/// The lines of a run, or none.
#[derive(Clone, Default)]
pub struct Kept {
    held: Arc<Mutex<Option<Held>>>,
}

struct Held {
    run: Uuid,
    read: Arc<Read>,
    asked_at: Instant,
}

impl Kept {
    /// Keeps the lines of a run in place of another one's.
    pub fn keep(&self, run: Uuid, read: Arc<Read>) {
        self.with(|held| *held = Some(Held { run, read, asked_at: Instant::now() }));
        let kept = self.clone();
        tokio::spawn(async move {
            while let Some(until) = kept.forgotten_at(run) {
                tokio::time::sleep_until(until).await;
            }
        });
    }

    /// The lines of a run, if they are here.
    pub fn of_run(&self, run: Uuid) -> Option<Arc<Read>> {
        self.with(|held| {
            let held = held.as_mut().filter(|held| held.run == run)?;
            held.asked_at = Instant::now();
            Some(held.read.clone())
        })
    }

    /// Forgets the lines of a run that is over.
    pub fn forget(&self, run: Uuid) {
        self.with(|held| {
            held.take_if(|held| held.run == run);
        });
    }

    /// When the lines of a run will be forgotten; none when they are not here any more.
    fn forgotten_at(&self, run: Uuid) -> Option<Instant> {
        self.with(|held| {
            held.take_if(|held| held.run == run && held.asked_at.elapsed() >= FORGOTTEN_AFTER);
            held.as_ref().filter(|held| held.run == run).map(|held| held.asked_at + FORGOTTEN_AFTER)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<Held>) -> T) -> T {
        act(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
