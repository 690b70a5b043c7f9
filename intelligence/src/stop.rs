//! Whether anybody still waits for what is being computed. Training takes minutes, and a thread cannot be ended from
//! outside: who starts the work keeps a handle of it, and the long steps look at it between two rounds.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A wish to stop, shared by who has it and those who work. It is passed along rather than kept by a thread, because
/// work is taken over by other threads in between.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Work that always runs to its end.
    pub fn never() -> Stop {
        Stop::default()
    }

    /// Asks all who work under it to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
