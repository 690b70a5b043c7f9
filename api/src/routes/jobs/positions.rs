//! Where a waiting job stands in its queue. Redis knows; when it is away the position is simply not
//! told, and nobody waits for it.

use std::time::{Duration, Instant};

use jobs::{Dispatch, JobId, dispatch::Link};
use tokio::{sync::Mutex, time::timeout};

/// The process's one connection for positions; it comes back by itself.
pub struct Positions {
    dispatch: Dispatch,
    link: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    failed_at: Option<Instant>,
}

/// A position is worth no more waiting than this.
const PATIENCE: Duration = Duration::from_millis(100);

/// After a failure Redis is left alone for this long.
const PAUSE: Duration = Duration::from_secs(1);

impl Positions {
    /// Connects when first asked.
    pub fn new(dispatch: Dispatch) -> Positions {
        Positions { dispatch, link: Mutex::default() }
    }

    /// How many jobs stand before this one, if it waits in its queue's order and Redis answers soon.
    pub async fn of(&self, queue: &str, id: JobId) -> Option<u64> {
        timeout(PATIENCE, self.ask(queue, id)).await.ok().flatten()
    }

    async fn ask(&self, queue: &str, id: JobId) -> Option<u64> {
        let mut state = self.link.lock().await;
        if state.failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        // Noted beforehand: a question that is given up on after the patience counts as failed.
        state.failed_at = Some(Instant::now());
        let mut link = match state.link.take() {
            Some(link) => link,
            None => self.dispatch.link().await.ok()?,
        };
        let position = self.dispatch.position(&mut link, queue, id).await.ok()?;
        *state = State { link: Some(link), failed_at: None };
        position
    }
}

impl std::fmt::Debug for Positions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Positions")
    }
}
