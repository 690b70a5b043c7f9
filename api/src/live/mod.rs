//! Real time: what this process keeps for the clients that are connected to it.
//!
//! - [`hub`]: one statement about every 100 ms while anybody is connected (none otherwise) numbers and reads the events of
//!   every tenant that has clients here, and a bounded channel a tenant hands them on. A client that reads too slowly is
//!   dropped and comes back with the last number that it saw.
//! - [`presence`]: tells the database who is connected, in bulk.
//! - [`whispers`]: who types and who looks at what, between processes by Redis, kept nowhere.
//! - [`validity`]: every few seconds, whether the credentials of open connections still hold.
//!
//! Nothing of it is needed to keep an event: a process that dies takes connections with it and nothing else.

pub mod availability;
pub mod hub;
pub mod presence;
pub mod validity;
pub mod whispers;

use std::sync::Arc;
use std::time::Duration;

use database::Db;
use jobs::Dispatch;
use tokio::sync::Semaphore;

use hub::Hub;
use presence::Presence;
use validity::Validity;
use whispers::Whispers;

/// Connections for the pump, for clients that catch up, and for tending.
pub const CONNECTIONS: u32 = 4;

/// How many WebSockets and streams of events a process holds at most.
pub const PLACES: usize = 20_000;

/// How often what is old is removed, and what nobody was there to be told is numbered.
const TEND_EVERY: Duration = Duration::from_secs(15);

/// How many events one round of tending numbers or removes.
const TEND_BATCH: i32 = 5_000;

/// The process's part in real time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live {
    /// Events, by tenant.
    pub hub: Hub,
    /// Who is connected.
    pub presence: Presence,
    /// Who types and who looks at what.
    pub whispers: Whispers,
    /// Whose credentials still hold.
    pub validity: Validity,
    /// Free places for connections.
    pub places: Arc<Semaphore>,
}

impl Live {
    /// Starts the tasks. `gateway` is a pool whose connections act as the gateway; must be called within a runtime.
    pub fn start(gateway: Db, db: &Db, dispatch: &Dispatch) -> Live {
        let hub = Hub::start(gateway.clone());
        let whispers = Whispers::start(dispatch.clone(), hub.clone());
        tokio::spawn(tend(gateway));
        Live {
            presence: Presence::start(db.clone(), dispatch.clone()),
            validity: Validity::start(db.clone()),
            places: Arc::new(Semaphore::new(PLACES)),
            hub,
            whispers,
        }
    }
}

async fn tend(gateway: Db) {
    loop {
        tokio::time::sleep(TEND_EVERY).await;
        // A batch that was not full was the last one.
        while matches!(support::live::tend(gateway.pool(), TEND_BATCH).await, Ok(done) if done >= TEND_BATCH)
        {
        }
    }
}
