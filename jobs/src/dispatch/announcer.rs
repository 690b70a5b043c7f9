//! The task that tells Redis what this process has to tell, so that a request never waits for it.
//! While Redis is away it keeps the latest messages and tries again; what it must drop, the sweeper
//! finds.
//!
//! Offers go in small pieces, a share of every message in turn: one job that somebody waits for does not stand
//! behind the thousands of another's batch.

use std::{collections::VecDeque, time::Duration};

use redis::{RedisResult, cmd};
use tokio::sync::{mpsc, oneshot};

use super::{Dispatch, Link, OFFER_BATCH};
use crate::enqueue::Offer;

/// Something to tell Redis.
pub(super) enum Message {
    /// Jobs that may be claimed.
    Offer(Vec<Offer>),
    /// A message for a channel.
    Publish(String, Vec<u8>),
    /// Answered when everything before it has been told.
    Flush(oneshot::Sender<()>),
}

/// How many messages are kept while Redis is away.
const KEPT: usize = 10_000;

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
        match tell(&dispatch, &mut link, &mut untold).await {
            Ok(()) => {
                untold.answer_flushes();
                if std::mem::take(&mut away) {
                    tracing::info!("redis is back");
                }
            }
            Err(error) => {
                link = None;
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(%error, "redis is away; jobs are safe in the ledger and start when it is back");
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
        }
    }
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
    while let Some((_, channel, content)) = untold.publications.front() {
        cmd("PUBLISH").arg(channel).arg(content).query_async::<()>(&mut link.connection).await?;
        untold.publications.pop_front();
    }
    Ok(())
}

/// What Redis is to be told yet. Messages are numbered as they come, so that a flush knows which came before it.
#[derive(Default)]
struct Untold {
    offers: VecDeque<(u64, std::vec::IntoIter<Offer>)>,
    publications: VecDeque<(u64, String, Vec<u8>)>,
    flushes: VecDeque<(u64, oneshot::Sender<()>)>,
    messages: u64,
}

/// Offers that go in one call, and the number of the first message that they are of.
struct Piece {
    first: u64,
    offers: Vec<Offer>,
}

impl Untold {
    fn add(&mut self, message: Message) {
        self.messages += 1;
        match message {
            Message::Offer(offers) => self.offers.push_back((self.messages, offers.into_iter())),
            Message::Publish(channel, content) => {
                self.publications.push_back((self.messages, channel, content));
            }
            Message::Flush(told) => self.flushes.push_back((self.messages, told)),
        }
        let dropped = [
            self.offers.len() > KEPT && self.offers.pop_front().is_some(),
            self.publications.len() > KEPT && self.publications.pop_front().is_some(),
        ];
        if dropped.contains(&true) {
            metrics::counter!("deskwork_dispatch_dropped_total").increment(1);
        }
    }

    fn is_empty(&self) -> bool {
        self.offers.is_empty() && self.publications.is_empty() && self.flushes.is_empty()
    }

    /// As many offers as one call takes, a share of each message in turn.
    fn next_offers(&mut self) -> Piece {
        let mut piece = Piece { first: u64::MAX, offers: Vec::new() };
        while piece.offers.len() < OFFER_BATCH
            && let Some((number, mut left)) = self.offers.pop_front()
        {
            piece.first = piece.first.min(number);
            piece.offers.extend(left.by_ref().take(SHARE.min(OFFER_BATCH - piece.offers.len())));
            if left.len() > 0 {
                self.offers.push_back((number, left));
            }
        }
        piece
    }

    /// Offering twice changes nothing, so it does not matter how far the call came.
    fn put_back(&mut self, piece: Piece) {
        self.offers.push_front((piece.first, piece.offers.into_iter()));
    }

    /// Answers those before whom everything has been told.
    fn answer_flushes(&mut self) {
        let oldest = self.offers.iter().map(|(number, _)| *number).min().unwrap_or(u64::MAX);
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

    fn offers(count: usize) -> Message {
        let offer = || Offer { id: Uuid::now_v7(), tenant: Uuid::nil(), queue: "q".to_owned(), priority: 2 };
        Message::Offer((0..count).map(|_| offer()).collect())
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
}
