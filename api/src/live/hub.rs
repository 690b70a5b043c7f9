//! Events by tenant: read once a process, written as text once, handed to every connection.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use database::ids::{AgentId, TenantId};
use database::{Db, DbError};
use serde_json::{Value, json};
use support::live::topics::Topic;
use support::live::{self, Numbered};
use tokio::sync::{Notify, broadcast};

/// Between two looks of the pump.
const EVERY: Duration = Duration::from_millis(100);

/// After a look that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How many events of a tenant one look reads; more come with the next one at once.
const BATCH: i32 = 500;

/// How many events a connection may be behind before it is dropped.
pub const BEHIND: usize = 1_024;

/// How many events a client that comes back may catch up; beyond that it starts anew.
const CATCH_UP: i64 = 20_000;

/// One event as it is sent.
#[derive(Debug)]
pub struct Line {
    /// Its number; none for what is kept nowhere.
    pub seq: Option<i64>,
    /// Its kind.
    pub topic: Topic,
    /// The document, as JSON.
    pub text: Utf8Bytes,
}

impl Line {
    fn of(event: &Numbered) -> Option<Line> {
        let topic = Topic::named(&event.kind)?;
        let document = json!({
            "type": "event",
            "id": event.seq,
            "kind": topic.name(),
            "at": event.at,
            "ticket_id": event.ticket_id,
            "agent_id": event.agent_id,
            "data": topic.shown(&event.payload),
        });
        Some(Line { seq: Some(event.seq), topic, text: document.to_string().into() })
    }

    /// Something that is kept nowhere.
    pub fn passing(topic: Topic, ticket: uuid::Uuid, agent: AgentId, state: &str) -> Line {
        let document = json!({
            "type": "event",
            "kind": topic.name(),
            "at": chrono::Utc::now(),
            "ticket_id": ticket,
            "agent_id": agent,
            "data": { "state": state },
        });
        Line { seq: None, topic, text: document.to_string().into() }
    }
}

/// The events of every tenant that has clients here. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub {
    gateway: Db,
    by_tenant: Arc<Mutex<HashMap<TenantId, Room>>>,
    wanted: Arc<Notify>,
}

#[derive(Debug)]
struct Room {
    sender: broadcast::Sender<Arc<Line>>,
    seq: i64,
}

/// Why no feed begins where the client wants it to.
#[derive(Debug)]
pub enum NoFeed {
    /// The number was never given; the newest is this.
    Future(i64),
    /// The database failed.
    Db(DbError),
}

/// A client's events, from where it stood.
#[derive(Debug)]
pub struct Feed {
    receiver: broadcast::Receiver<Arc<Line>>,
    backlog: VecDeque<Arc<Line>>,
    hub: Hub,
    tenant: TenantId,
    last: i64,
    caught_up: i64,
    /// What is between the client's number and the oldest that is kept is gone.
    pub is_reset: bool,
}

/// Why a feed ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedEnd {
    /// The client is too far behind.
    Slow,
    /// What it has to catch up cannot be read now.
    Unreadable,
}

impl Hub {
    /// Starts the pump.
    pub fn start(gateway: Db) -> Hub {
        let hub = Hub { gateway, by_tenant: Arc::default(), wanted: Arc::default() };
        tokio::spawn(pump(hub.clone()));
        hub
    }

    /// The tenant's events after a number; from now on when there is none.
    ///
    /// # Errors
    /// The number is from the future, or the database failed.
    pub async fn follow(&self, tenant: TenantId, after: Option<i64>) -> Result<Feed, NoFeed> {
        let span = live::span(self.gateway.pool(), tenant).await.map_err(NoFeed::Db)?;
        let wanted = after.unwrap_or(span.newest);
        if wanted > span.newest {
            return Err(NoFeed::Future(span.newest));
        }
        let is_reset = wanted + 1 < span.oldest || span.newest - wanted > CATCH_UP;
        let last = if is_reset { span.newest } else { wanted };
        let (receiver, caught_up) = {
            let mut rooms = self.rooms();
            let room = rooms
                .entry(tenant)
                .or_insert_with(|| Room { sender: broadcast::channel(BEHIND).0, seq: span.newest });
            (room.sender.subscribe(), room.seq)
        };
        self.wanted.notify_one();
        let hub = self.clone();
        Ok(Feed { receiver, backlog: VecDeque::new(), hub, tenant, last, caught_up, is_reset })
    }

    /// Hands something that is kept nowhere to the tenant's clients here.
    pub fn pass(&self, tenant: TenantId, line: Line) {
        if let Some(room) = self.rooms().get(&tenant) {
            // Nobody listens any more: then nobody has to know.
            let _ = room.sender.send(Arc::new(line));
        }
    }

    /// How many clients the tenant has here.
    pub fn clients(&self, tenant: TenantId) -> usize {
        self.rooms().get(&tenant).map_or(0, |room| room.sender.receiver_count())
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<TenantId, Room>> {
        self.by_tenant.lock().expect("no holder of this lock panics")
    }

    /// The tenants with clients, and how far each was read; others are forgotten.
    fn tenants(&self) -> Vec<(TenantId, i64)> {
        let mut rooms = self.rooms();
        rooms.retain(|_, room| room.sender.receiver_count() > 0);
        rooms.iter().map(|(tenant, room)| (*tenant, room.seq)).collect()
    }

    fn hand_out(&self, events: &[Numbered]) {
        let mut rooms = self.rooms();
        for event in events {
            let Some(room) = rooms.get_mut(&event.tenant_id) else { continue };
            if event.seq <= room.seq {
                continue;
            }
            room.seq = event.seq;
            if let Some(line) = Line::of(event) {
                let _ = room.sender.send(Arc::new(line));
            }
        }
    }
}

async fn pump(hub: Hub) {
    loop {
        let tenants = hub.tenants();
        if tenants.is_empty() {
            hub.wanted.notified().await;
            continue;
        }
        match live::pump(hub.gateway.pool(), &tenants, BATCH).await {
            Ok(events) => {
                hub.hand_out(&events);
                if events.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                    tokio::time::sleep(EVERY).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "events cannot be read");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Feed {
    /// The number that the client has seen.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// The next event. May be dropped and called again.
    ///
    /// # Errors
    /// The feed is over; the client comes back with the last number that it saw.
    pub async fn next(&mut self) -> Result<Arc<Line>, FeedEnd> {
        loop {
            if let Some(line) = self.backlog.pop_front() {
                self.last = line.seq.unwrap_or(self.last);
                return Ok(line);
            }
            if self.last < self.caught_up {
                // Rare and large: in a box, so that it is no part of every connection.
                Box::pin(self.catch_up()).await?;
                continue;
            }
            let line = self.receiver.recv().await.map_err(|_| FeedEnd::Slow)?;
            match line.seq {
                Some(seq) if seq <= self.last => {}
                Some(seq) => {
                    self.last = seq;
                    return Ok(line);
                }
                None => return Ok(line),
            }
        }
    }

    /// Reads what was numbered before the feed began.
    async fn catch_up(&mut self) -> Result<(), FeedEnd> {
        let read = live::after(self.hub.gateway.pool(), self.tenant, self.last, BATCH).await;
        let events = read.map_err(|_| FeedEnd::Unreadable)?;
        let upto = events.last().map_or(self.caught_up, |event| event.seq);
        for event in events.iter().filter(|event| event.seq <= self.caught_up) {
            if let Some(line) = Line::of(event) {
                self.backlog.push_back(Arc::new(line));
            }
        }
        if self.backlog.is_empty() {
            self.last = self.last.max(upto.min(self.caught_up));
        }
        Ok(())
    }
}

/// The document that tells a client to load everything anew.
pub fn reset(newest: i64) -> Value {
    json!({ "type": "reset", "id": newest, "detail": "events between your last one and this number are gone: load anew" })
}
