//! Redis's part: which claimable job goes next, and who is told of what. Nothing here is needed to
//! keep a job, so nothing here can fail a caller: what could not be told is found by the sweeper.

mod advice;
mod announcer;
mod commands;
mod eviction;
mod keys;
mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use redis::{RedisResult, Script, Value, aio::PubSub, cmd};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use advice::{advise, what_to_do};
pub use commands::{Commands, Runner};
pub use redis::RedisError;
pub use server::Server;

use crate::{
    Announcement, JobId, Offer,
    events::{self, Event},
};
use announcer::Message;
use server::Connection;

/// How many messages to Redis may wait in this process, and how much memory they may take; beyond that the
/// sweeper finds the jobs.
const OUTBOX: usize = 100_000;
const OUTBOX_BYTES: usize = 32 * 1024 * 1024;

/// How many ids a script call takes: it blocks Redis, and with it every worker that wants a job, for a fifth of a
/// millisecond.
pub(crate) const OFFER_BATCH: usize = 100;

/// A process's link to the dispatcher. Cheap to clone.
#[derive(Clone)]
pub struct Dispatch {
    server: Server,
    prefix: Arc<str>,
    outbox: mpsc::Sender<Message>,
    /// How many bytes wait, in the outbox or with the announcer.
    waiting_bytes: Arc<AtomicUsize>,
    script: Arc<Script>,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").field("server", &self.server).field("prefix", &self.prefix).finish()
    }
}

impl Dispatch {
    /// Links the process to a Redis under a key prefix and starts the task that talks to it. Must be
    /// called within a tokio runtime.
    pub fn new(server: Server, prefix: &str) -> Dispatch {
        let (outbox, inbox) = mpsc::channel(OUTBOX);
        let dispatch = Dispatch {
            server,
            prefix: prefix.into(),
            outbox,
            waiting_bytes: Arc::default(),
            script: Arc::new(Script::new(include_str!("offer.lua"))),
        };
        // There from the start: an alert on its growth does not see a counter that is born at 1.
        metrics::counter!("deskwork_dispatch_dropped_total").increment(0);
        tokio::spawn(announcer::run(dispatch.clone_without_outbox(), inbox));
        tokio::spawn(eviction::tell_at_boot(dispatch.clone_without_outbox()));
        dispatch
    }

    /// The announcer must not keep its own inbox open, or it would never end.
    fn clone_without_outbox(&self) -> Dispatch {
        let (closed, _) = mpsc::channel(1);
        Dispatch { outbox: closed, ..self.clone() }
    }

    /// Tells Redis what may be claimed. Never waits and never fails: see the module's comment.
    pub fn announce(&self, announcement: Announcement) {
        if !announcement.ready.is_empty() {
            self.send(Message::Offer(announcement.ready));
        }
        if let Some(at) = announcement.next_due {
            self.send(Message::Publish(
                keys::due_channel(&self.prefix),
                at.timestamp_millis().to_string().into_bytes(),
            ));
        }
    }

    /// Tells whoever waits what happened to jobs.
    pub fn tell(&self, events: &[Event]) {
        if !events.is_empty() {
            self.send(Message::Publish(keys::events_channel(&self.prefix), events::encode(events)));
        }
    }

    /// Tells every worker that its settings or cancellations changed; they would notice within a
    /// second by themselves.
    pub fn poke_workers(&self) {
        self.send(Message::Publish(keys::control_channel(&self.prefix), Vec::new()));
    }

    /// Tells every process of the api something that needs not be kept: ids alone. It may get lost.
    pub fn whisper(&self, content: Vec<u8>) {
        self.send(Message::Publish(keys::desk_channel(&self.prefix), content));
    }

    /// Listens to [`Dispatch::whisper`].
    ///
    /// # Errors
    /// Redis is away.
    pub async fn listen_whispers(&self) -> RedisResult<PubSub> {
        self.server.subscribe(&[keys::desk_channel(&self.prefix)]).await
    }

    /// Waits until Redis has been told everything so far, for a process that is about to end.
    pub async fn flush(&self) {
        let (told, hears) = oneshot::channel();
        if self.outbox.send(Message::Flush(told)).await.is_ok() {
            let _ = hears.await;
        }
    }

    fn send(&self, message: Message) {
        let size_bytes = message.size_bytes();
        let waiting_bytes = self.waiting_bytes.fetch_add(size_bytes, Ordering::Relaxed) + size_bytes;
        if waiting_bytes > OUTBOX_BYTES || self.outbox.try_send(message).is_err() {
            self.waiting_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
            metrics::counter!("deskwork_dispatch_dropped_total").increment(1);
        }
    }

    /// Opens the blocking connection on which one lane of a worker waits for work.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn open_lane(&self, queue: &str) -> RedisResult<Lane> {
        // The answer comes at the latest when the blocking time is over; a server that does not
        // answer for longer than that is paused or gone.
        let connection = self.server.connect(Lane::BLOCK + Duration::from_secs(2)).await?;
        Ok(Lane { connection, key: keys::order(&self.prefix, queue) })
    }

    /// Puts jobs into the order now and waits until it is done; for the sweeper.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn offer_now(&self, link: &mut Link, offers: &[Offer]) -> RedisResult<u64> {
        let mut by_queue: std::collections::BTreeMap<&str, Vec<&Offer>> = Default::default();
        for offer in offers {
            by_queue.entry(&offer.queue).or_default().push(offer);
        }
        let mut added = 0;
        for (queue, offers) in by_queue {
            for batch in offers.chunks(OFFER_BATCH) {
                let mut call = self.script.prepare_invoke();
                call.key(keys::order(&self.prefix, queue));
                for priority in 0..4 {
                    call.key(keys::tags(&self.prefix, queue, priority));
                }
                for offer in batch {
                    call.arg(offer.priority).arg(offer.tenant.as_bytes()).arg(offer.id.as_bytes());
                }
                let started = std::time::Instant::now();
                added += call.invoke_async::<u64>(&mut link.connection).await?;
                metrics::histogram!("deskwork_dispatch_script_seconds")
                    .record(started.elapsed().as_secs_f64());
            }
        }
        Ok(added)
    }

    /// A connection for commands that answer at once.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn link(&self) -> RedisResult<Link> {
        Ok(Link { connection: self.server.connect(Duration::from_secs(1)).await? })
    }

    /// Whether Redis still knows what it was told: false after it lost its data.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn has_epoch(&self, link: &mut Link) -> RedisResult<bool> {
        cmd("EXISTS").arg(keys::epoch(&self.prefix)).query_async(&mut link.connection).await
    }

    /// Notes that Redis has been told of every claimable job.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn set_epoch(&self, link: &mut Link) -> RedisResult<()> {
        cmd("SET").arg(keys::epoch(&self.prefix)).arg(1).query_async(&mut link.connection).await
    }

    /// How many ids wait in the queue's order, stale ones included.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn depth(&self, link: &mut Link, queue: &str) -> RedisResult<u64> {
        cmd("ZCARD").arg(keys::order(&self.prefix, queue)).query_async(&mut link.connection).await
    }

    /// How many jobs stand before this one in its queue, if it is there.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn position(&self, link: &mut Link, queue: &str, id: JobId) -> RedisResult<Option<u64>> {
        cmd("ZRANK")
            .arg(keys::order(&self.prefix, queue))
            .arg(id.as_bytes())
            .query_async(&mut link.connection)
            .await
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self, link: &mut Link) -> RedisResult<()> {
        cmd("PING").query_async(&mut link.connection).await
    }

    /// Whether Redis takes what it is told: one that is a replica, is full, or lets this user only read answers a ping
    /// all the same.
    ///
    /// # Errors
    /// It does not, or is away.
    pub async fn try_write(&self, link: &mut Link) -> RedisResult<()> {
        let trial = keys::trial(&self.prefix);
        cmd("SET").arg(trial).arg(1).arg("PX").arg(1_000).query_async(&mut link.connection).await
    }

    /// Listens to what happens to jobs.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn listen_events(&self) -> RedisResult<PubSub> {
        self.server.subscribe(&[keys::events_channel(&self.prefix)]).await
    }

    /// Listens to [`Dispatch::poke_workers`].
    ///
    /// # Errors
    /// Redis is away.
    pub async fn listen_control(&self) -> RedisResult<PubSub> {
        self.server.subscribe(&[keys::control_channel(&self.prefix)]).await
    }

    /// Listens to the times at which new jobs fall due, as milliseconds since 1970.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn listen_due(&self) -> RedisResult<PubSub> {
        self.server.subscribe(&[keys::due_channel(&self.prefix)]).await
    }
}

/// A connection for commands that answer at once.
pub struct Link {
    connection: Connection,
}

/// The connection on which one lane of a worker waits for work.
pub struct Lane {
    connection: Connection,
    key: String,
}

/// An id and its place in the order.
type Member = (Vec<u8>, Value);

impl Lane {
    /// How long one call waits for work.
    pub const BLOCK: Duration = Duration::from_secs(5);

    /// Takes up to `max` jobs that go next, waiting for the first. Empty when none came in time.
    ///
    /// # Errors
    /// Redis is away or too old (older than 7.0).
    pub async fn pop(&mut self, max: usize) -> RedisResult<Vec<JobId>> {
        let answer: Option<(Value, Vec<Member>)> = cmd("BZMPOP")
            .arg(Lane::BLOCK.as_secs())
            .arg(1)
            .arg(&self.key)
            .arg("MIN")
            .arg("COUNT")
            .arg(max)
            .query_async(&mut self.connection)
            .await?;
        let Some((_, members)) = answer else { return Ok(Vec::new()) };
        Ok(members.iter().filter_map(|(id, _)| Uuid::from_slice(id).ok()).collect())
    }
}
