//! Whether the credentials of open connections still hold: asked every few seconds for all of them at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::api_keys;
use accounts::people::sessions;
use database::Db;
use database::ids::{KeyId, SessionId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::web::auth::Who;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(3);

/// The credentials of open connections. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Validity {
    held: Arc<Mutex<HashMap<Credential, Held>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Credential {
    Key(Uuid),
    Session(Uuid),
}

#[derive(Debug)]
struct Held {
    ended: CancellationToken,
    connections: usize,
}

/// One connection's hold on its credential.
#[derive(Debug)]
pub struct Hold {
    validity: Validity,
    credential: Credential,
    ended: CancellationToken,
}

impl Validity {
    /// Starts looking.
    pub fn start(db: Db) -> Validity {
        let validity = Validity::default();
        tokio::spawn(look(db, validity.clone()));
        validity
    }

    /// Watches a connection's credential for as long as the answer lives.
    pub fn hold(&self, who: Who) -> Hold {
        let credential = match who {
            Who::Key(key) => Credential::Key(key.0),
            Who::Agent { session, .. } => Credential::Session(session.0),
            // Tokens of other issuers come in at one route only; here no key has this id, so nothing is held open.
            Who::Assistant(id) => Credential::Key(id),
        };
        let mut held = self.held.lock().expect("no holder of this lock panics");
        let entry = held
            .entry(credential)
            .or_insert_with(|| Held { ended: CancellationToken::new(), connections: 0 });
        entry.connections += 1;
        Hold { validity: self.clone(), credential, ended: entry.ended.clone() }
    }

    fn credentials(&self) -> (Vec<KeyId>, Vec<SessionId>) {
        let held = self.held.lock().expect("no holder of this lock panics");
        let (mut keys, mut sessions) = (Vec::new(), Vec::new());
        for credential in held.keys() {
            match credential {
                Credential::Key(id) => keys.push(KeyId(*id)),
                Credential::Session(id) => sessions.push(SessionId(*id)),
            }
        }
        (keys, sessions)
    }

    fn end(&self, credential: Credential) {
        let mut held = self.held.lock().expect("no holder of this lock panics");
        if let Some(over) = held.remove(&credential) {
            over.ended.cancel();
        }
    }
}

impl Hold {
    /// Returns when the credential holds no longer.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // What ended was forgotten; another entry of this credential is not this connection's.
        if self.ended.is_cancelled() {
            return;
        }
        let mut held = self.validity.held.lock().expect("no holder of this lock panics");
        if let Some(entry) = held.get_mut(&self.credential) {
            entry.connections -= 1;
            if entry.connections == 0 {
                held.remove(&self.credential);
            }
        }
    }
}

async fn look(db: Db, validity: Validity) {
    loop {
        tokio::time::sleep(EVERY).await;
        let (keys, sessions) = validity.credentials();
        if !keys.is_empty() {
            match api_keys::still_valid(&db, &keys).await {
                Ok(valid) => {
                    for key in keys.into_iter().filter(|key| !valid.contains(key)) {
                        validity.end(Credential::Key(key.0));
                    }
                }
                // An outage of the database signs nobody out.
                Err(error) => tracing::warn!(%error, "keys of connections cannot be looked at"),
            }
        }
        if !sessions.is_empty() {
            match sessions::still_valid(&db, &sessions).await {
                Ok(valid) => {
                    for session in sessions.into_iter().filter(|session| !valid.contains(session)) {
                        validity.end(Credential::Session(session.0));
                    }
                }
                Err(error) => tracing::warn!(%error, "sessions of connections cannot be looked at"),
            }
        }
    }
}
