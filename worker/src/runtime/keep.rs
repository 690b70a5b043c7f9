//! A connection to the ledger that a lane or a completer keeps between its statements: giving it back
//! to the pool after each would cost a round trip every time.

use jobs::{QueueError, Store};
use sqlx::{PgConnection, Postgres, pool::PoolConnection};

/// The connection, if there is one at the moment.
pub(super) struct Keep {
    store: Store,
    held: Option<PoolConnection<Postgres>>,
}

impl Keep {
    pub(super) fn new(store: &Store) -> Keep {
        Keep { store: store.clone(), held: None }
    }

    /// The connection, made when it is needed.
    pub(super) async fn connection(&mut self) -> Result<&mut PgConnection, QueueError> {
        Ok(match &mut self.held {
            Some(held) => held,
            none => none.insert(self.store.pool().acquire().await?),
        })
    }

    /// Passes a statement's result on; after an error the connection is given up, as it may be dead.
    pub(super) fn keep_if_sound<T>(&mut self, result: Result<T, QueueError>) -> Result<T, QueueError> {
        if result.is_err()
            && let Some(held) = self.held.take()
        {
            drop(held.detach());
        }
        result
    }
}
