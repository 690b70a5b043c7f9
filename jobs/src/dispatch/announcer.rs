//! The task that tells Redis what this process has to tell, so that a request never waits for it.
//! While Redis is away it keeps the latest messages and tries again; what it must drop, the sweeper
//! finds.
//!
//! Offers go in small pieces, a share of every message in turn: one job that somebody waits for does not stand
//! behind the thousands of another's batch.

use std::{collections::VecDeque, sync::atomic::Ordering, time::Duration};

use redis::{RedisResult, cmd};
use tokio::sync::{mpsc, oneshot};

use super::{Dispatch, Link, OFFER_BATCH, OUTBOX_BYTES, advise};
use crate::Offer;

/// Something to tell Redis.
pub(super) enum Message {
    /// Jobs that may be claimed.
    Offer(Vec<Offer>),
    /// A message for a channel.
    Publish(String, Vec<u8>),
    /// Answered when everything before it has been told.
    Flush(oneshot::Sender<()>),
}

impl Message {
    /// About how much memory it takes, as far as that is bounded: a flush always gets through.
    pub(super) fn size_bytes(&self) -> usize {
        let size = size_of::<Message>();
        match self {
            Message::Offer(offers) => {
                size + offers.iter().map(|offer| size_of::<Offer>() + offer.queue.len()).sum::<usize>()
            }
            Message::Publish(channel, content) => size + channel.len() + content.len(),
            Message::Flush(_) => 0,
        }
    }
}

/// How many messages are kept while Redis is away, and how much memory they may take: half of what may wait,
/// so that there is room for new ones, which are worth more than old ones.
const KEPT: usize = 10_000;
const KEPT_BYTES: usize = OUTBOX_BYTES / 2;

/// How many messages are taken from the inbox at once.
const TAKEN: usize = 500;

/// How many offers of a message go before the next message has its turn.
const SHARE: usize = 20;

const RETRY_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn run(dispatch: Dispatch, mut inbox: mpsc::Receiver<Message>) {
    let mut link: Option<Link> = None;
    let mut untold = Untold::default();
    let mut batch = Vec::new();
    let mut away = false;
    loop {
        if untold.is_empty() {
            if inbox.recv_many(&mut batch, TAKEN).await == 0 {
                return;
            }
        } else if away {
            // Wait a little, and keep taking messages meanwhile.
            tokio::select! {
                taken = inbox.recv_many(&mut batch, TAKEN) => if taken == 0 { return },
                () = tokio::time::sleep(RETRY_EVERY) => {}
            }
        } else {
            while batch.len() < TAKEN
                && let Ok(message) = inbox.try_recv()
            {
                batch.push(message);
            }
        }
        for message in batch.drain(..) {
            untold.add(message);
        }
        let dropped = untold.drop_oldest(KEPT_BYTES);
        if dropped.messages > 0 {
            dispatch.waiting_bytes.fetch_sub(dropped.size_bytes, Ordering::Relaxed);
            metrics::counter!("deskwork_dispatch_dropped_total").increment(dropped.messages);
        }
        match tell(&dispatch, &mut link, &mut untold).await {
            Ok(()) => {
                untold.answer_flushes();
                // Messages for channels go through a Redis that refuses whatever is to be kept.
                if away && takes(&dispatch, &mut link).await {
                    away = false;
                    tracing::info!("redis is back");
                }
            }
            Err(error) => {
                link = None;
                let advised = advise(&error);
                if !std::mem::replace(&mut away, true) && !advised {
                    tracing::warn!(%error, "redis is away; jobs are safe in the ledger and start when it is back");
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
        }
    }
}

/// Whether Redis takes what is to be kept. A connection over which it does not is given up: it may lead to what was the primary
/// before a fail-over.
async fn takes(dispatch: &Dispatch, link: &mut Option<Link>) -> bool {
    let takes = match link.as_mut() {
        Some(open) => dispatch.try_write(open).await.is_ok(),
        None => false,
    };
    if !takes {
        *link = None;
    }
    takes
}

/// Tells a piece of what is to be told: some offers, and the messages for channels.
async fn tell(dispatch: &Dispatch, link: &mut Option<Link>, untold: &mut Untold) -> RedisResult<()> {
    let link = match link {
        Some(link) => link,
        none => none.insert(dispatch.link().await?),
    };
    let piece = untold.next_offers();
    if let Err(error) = dispatch.offer_now(link, &piece.offers).await {
        untold.put_back(piece);
        return Err(error);
    }
    dispatch.waiting_bytes.fetch_sub(piece.size_bytes, Ordering::Relaxed);
    while let Some(publication) = untold.publications.front() {
        cmd("PUBLISH")
            .arg(&publication.channel)
            .arg(&publication.content[..])
            .query_async::<()>(&mut link.connection)
            .await?;
        if let Some(told) = untold.publications.pop_front() {
            dispatch.waiting_bytes.fetch_sub(told.size_bytes, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// What Redis is to be told yet. Messages are numbered as they come, so that a flush knows which came before it.
#[derive(Default)]
struct Untold {
    offers: VecDeque<Offers>,
    publications: VecDeque<Publication>,
    flushes: VecDeque<(u64, oneshot::Sender<()>)>,
    messages: u64,
}

/// What is left of a message's offers. It takes the whole message's memory until the last of them is told.
struct Offers {
    number: u64,
    left: std::vec::IntoIter<Offer>,
    size_bytes: usize,
}

struct Publication {
    number: u64,
    channel: String,
    content: Vec<u8>,
    size_bytes: usize,
}

/// Offers that go in one call, the number of the first message that they are of, and the memory of those messages that
/// end with it.
struct Piece {
    first: u64,
    offers: Vec<Offer>,
    size_bytes: usize,
}

/// What had to be given up.
#[derive(Debug, Default, PartialEq)]
struct Dropped {
    messages: u64,
    size_bytes: usize,
}

impl Untold {
    fn add(&mut self, message: Message) {
        self.messages += 1;
        let (number, size_bytes) = (self.messages, message.size_bytes());
        match message {
            Message::Offer(offers) => {
                self.offers.push_back(Offers { number, left: offers.into_iter(), size_bytes });
            }
            Message::Publish(channel, content) => {
                self.publications.push_back(Publication { number, channel, content, size_bytes });
            }
            Message::Flush(told) => self.flushes.push_back((number, told)),
        }
    }

    fn is_empty(&self) -> bool {
        self.offers.is_empty() && self.publications.is_empty() && self.flushes.is_empty()
    }

    /// Drops the oldest messages until the rest may be kept.
    fn drop_oldest(&mut self, kept_bytes: usize) -> Dropped {
        let offers = self.offers.iter().map(|offers| offers.size_bytes);
        let mut size_bytes: usize =
            offers.chain(self.publications.iter().map(|publication| publication.size_bytes)).sum();
        let mut dropped = Dropped::default();
        while self.offers.len() + self.publications.len() > KEPT || size_bytes > kept_bytes {
            let of_offers = self.offers.front().map_or(u64::MAX, |offers| offers.number);
            let of_publications =
                self.publications.front().map_or(u64::MAX, |publication| publication.number);
            let gone = if of_offers < of_publications {
                self.offers.pop_front().map(|offers| offers.size_bytes)
            } else {
                self.publications.pop_front().map(|publication| publication.size_bytes)
            };
            let Some(gone) = gone else { break };
            size_bytes -= gone;
            dropped.size_bytes += gone;
            dropped.messages += 1;
        }
        dropped
    }

    /// As many offers as one call takes, a share of each message in turn.
    fn next_offers(&mut self) -> Piece {
        let mut piece = Piece { first: u64::MAX, offers: Vec::new(), size_bytes: 0 };
        while piece.offers.len() < OFFER_BATCH
            && let Some(mut next) = self.offers.pop_front()
        {
            piece.first = piece.first.min(next.number);
            piece.offers.extend(next.left.by_ref().take(SHARE.min(OFFER_BATCH - piece.offers.len())));
            if next.left.len() > 0 {
                self.offers.push_back(next);
            } else {
                piece.size_bytes += next.size_bytes;
            }
        }
        piece
    }

    /// Offering twice changes nothing, so it does not matter how far the call came.
    fn put_back(&mut self, piece: Piece) {
        let Piece { first, offers, size_bytes } = piece;
        if !offers.is_empty() {
            self.offers.push_front(Offers { number: first, left: offers.into_iter(), size_bytes });
        }
    }

    /// Answers those before whom everything has been told.
    fn answer_flushes(&mut self) {
        let oldest = self.offers.iter().map(|offers| offers.number).min().unwrap_or(u64::MAX);
        while self.flushes.front().is_some_and(|(number, _)| *number < oldest)
            && let Some((_, told)) = self.flushes.pop_front()
        {
            // Who asked may have given up waiting.
            let _ = told.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::dispatch::Server;

    fn offers(count: usize) -> Message {
        let offer = || Offer { id: Uuid::now_v7(), tenant: Uuid::nil(), queue: "q".to_owned(), priority: 2 };
        Message::Offer((0..count).map(|_| offer()).collect())
    }

    #[test]
    fn the_latest_messages_are_kept_within_both_bounds() {
        let size_bytes = offers(500).size_bytes();
        let mut untold = Untold::default();
        (0..10).for_each(|_| untold.add(offers(500)));
        untold.add(Message::Publish("latest".to_owned(), Vec::new()));
        let dropped = untold.drop_oldest(4 * size_bytes);
        assert_eq!(dropped, Dropped { messages: 7, size_bytes: 7 * size_bytes });
        assert_eq!((untold.offers.len(), untold.publications.len()), (3, 1));

        let mut untold = Untold::default();
        (0..KEPT + 3).for_each(|_| untold.add(offers(1)));
        assert_eq!(untold.drop_oldest(usize::MAX).messages, 3);
    }

    #[test]
    fn the_memory_of_a_message_is_free_when_its_last_offer_was_told() {
        let mut untold = Untold::default();
        let message = offers(OFFER_BATCH + 1);
        let size_bytes = message.size_bytes();
        untold.add(message);
        assert_eq!(untold.next_offers().size_bytes, 0);
        let last = untold.next_offers();
        assert_eq!((last.offers.len(), last.size_bytes), (1, size_bytes));
        untold.put_back(last);
        assert_eq!(untold.next_offers().size_bytes, size_bytes);
    }

    #[test]
    fn one_job_does_not_wait_for_a_batch_of_thousands() {
        let mut untold = Untold::default();
        untold.add(offers(5_000));
        untold.add(offers(5_000));
        untold.next_offers();
        let Message::Offer(single) = offers(1) else { unreachable!("it was made as an offer") };
        let id = single[0].id;
        untold.add(Message::Offer(single));
        let piece = untold.next_offers();
        assert!(piece.offers.iter().any(|offer| offer.id == id));
        assert_eq!(piece.offers.len(), OFFER_BATCH);
    }

    #[test]
    fn a_flush_waits_for_what_came_before_it_and_for_nothing_else() {
        let mut untold = Untold::default();
        untold.add(offers(OFFER_BATCH + 1));
        let (told, mut hears) = oneshot::channel();
        untold.add(Message::Flush(told));
        untold.add(offers(5_000));
        let piece = untold.next_offers();
        untold.answer_flushes();
        assert!(hears.try_recv().is_err());
        // Redis was away: it is all to be told again.
        untold.put_back(piece);
        let mut calls = 0;
        while hears.try_recv().is_err() {
            untold.next_offers();
            untold.answer_flushes();
            calls += 1;
            assert!(calls < 10, "the flush waited for more than what came before it");
        }
        assert!(!untold.is_empty());
    }

    /// A server that takes connections and never answers.
    #[tokio::test]
    async fn what_waits_for_a_redis_that_stands_still_is_bounded_in_bytes() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("redis://{}", silent.local_addr().expect("its address"));
        let dispatch = Dispatch::new(Server::new(&url).expect("a good URL"), "test");
        let size_bytes = offers(1000).size_bytes();
        let too_many = 3 * OUTBOX_BYTES / size_bytes;
        for _ in 0..too_many {
            dispatch.send(offers(1000));
        }
        let waiting_bytes = dispatch.waiting_bytes.load(Ordering::Relaxed);
        assert!(
            waiting_bytes <= OUTBOX_BYTES && waiting_bytes + size_bytes > OUTBOX_BYTES,
            "{waiting_bytes}"
        );
    }
}
