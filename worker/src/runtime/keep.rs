//! A connection to the ledger that a lane or a completer keeps between its statements: giving it back
//! to the pool after each would cost a round trip every time.

use std::time::Instant;

use jobs::{QueueError, Store};
use sqlx::{PgConnection, Postgres, pool::PoolConnection};

/// The connection, if there is one at the moment.
pub(super) struct Keep {
    store: Store,
    held: Option<(PoolConnection<Postgres>, Instant)>,
}

impl Keep {
    pub(super) fn new(store: &Store) -> Keep {
        Keep { store: store.clone(), held: None }
    }

    /// The connection, made when it is needed, and made anew when it has become too old or suspect.
    pub(super) async fn connection(&mut self) -> Result<&mut PgConnection, QueueError> {
        if self.held.as_ref().is_some_and(|(_, since)| !self.store.trusts(since.elapsed())) {
            self.give_up();
        }
        Ok(match &mut self.held {
            Some((held, _)) => held,
            none => {
                let held = self.store.answers(async { Ok(self.store.pool().acquire().await?) }).await?;
                &mut none.insert((held, Instant::now())).0
            }
        })
    }

    /// Passes a statement's result on; after an error the connection is given up, as it may be dead.
    pub(super) fn keep_if_sound<T>(&mut self, result: Result<T, QueueError>) -> Result<T, QueueError> {
        if result.is_err() {
            self.give_up();
        }
        result
    }

    fn give_up(&mut self) {
        if let Some((held, _)) = self.held.take() {
            drop(held.detach());
        }
    }
}
