//! The task that tells Redis what this process has to tell, so that a request never waits for it.
//! While Redis is away it keeps the latest messages and tries again; what it must drop, the sweeper
//! finds.

use std::{collections::VecDeque, sync::atomic::Ordering, time::Duration};

use redis::{RedisResult, cmd};
use tokio::sync::{mpsc, oneshot};

use super::{Dispatch, Link, OFFER_BATCH, OUTBOX_BYTES, advise};
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

const RETRY_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn run(dispatch: Dispatch, mut inbox: mpsc::Receiver<Message>) {
    let mut link: Option<Link> = None;
    let mut waiting: VecDeque<Message> = VecDeque::new();
    let mut batch = Vec::new();
    let mut away = false;
    loop {
        if waiting.is_empty() {
            if inbox.recv_many(&mut batch, OFFER_BATCH).await == 0 {
                return;
            }
        } else {
            // Redis was away a moment ago: wait a little, and keep taking messages meanwhile.
            tokio::select! {
                taken = inbox.recv_many(&mut batch, OFFER_BATCH) => if taken == 0 { return },
                () = tokio::time::sleep(RETRY_EVERY) => {}
            }
        }
        waiting.extend(batch.drain(..));
        let dropped = drop_oldest(&mut waiting, KEPT_BYTES);
        if dropped.messages > 0 {
            dispatch.waiting_bytes.fetch_sub(dropped.bytes, Ordering::Relaxed);
            metrics::counter!("deskwork_dispatch_dropped_total").increment(dropped.messages);
        }
        match tell(&dispatch, &mut link, &waiting).await {
            Ok(()) => {
                for message in waiting.drain(..) {
                    dispatch.waiting_bytes.fetch_sub(message.size_bytes(), Ordering::Relaxed);
                    if let Message::Flush(told) = message {
                        // Who asked may have given up waiting.
                        let _ = told.send(());
                    }
                }
                if std::mem::take(&mut away) {
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

/// What had to be given up.
#[derive(Debug, Default, PartialEq)]
struct Dropped {
    messages: u64,
    bytes: usize,
}

/// Drops the oldest messages until the rest may be kept.
fn drop_oldest(waiting: &mut VecDeque<Message>, kept_bytes: usize) -> Dropped {
    let mut bytes: usize = waiting.iter().map(Message::size_bytes).sum();
    let mut dropped = Dropped::default();
    while waiting.len() > KEPT || bytes > kept_bytes {
        let Some(oldest) = waiting.pop_front() else { break };
        bytes -= oldest.size_bytes();
        dropped.bytes += oldest.size_bytes();
        dropped.messages += 1;
    }
    dropped
}

async fn tell(dispatch: &Dispatch, link: &mut Option<Link>, messages: &VecDeque<Message>) -> RedisResult<()> {
    let link = match link {
        Some(link) => link,
        none => none.insert(dispatch.link().await?),
    };
    let offers: Vec<Offer> = messages
        .iter()
        .filter_map(|message| match message {
            Message::Offer(offers) => Some(offers.iter().cloned()),
            Message::Publish(..) | Message::Flush(_) => None,
        })
        .flatten()
        .collect();
    dispatch.offer_now(link, &offers).await?;
    for message in messages {
        if let Message::Publish(channel, content) = message {
            cmd("PUBLISH").arg(channel).arg(content).query_async::<()>(&mut link.connection).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::dispatch::Server;

    fn offers(n: usize) -> Message {
        let offer =
            Offer { id: Uuid::now_v7(), tenant: Uuid::nil(), queue: "default".to_owned(), priority: 2 };
        Message::Offer(vec![offer; n])
    }

    #[test]
    fn the_latest_messages_are_kept_within_both_bounds() {
        let size_bytes = offers(500).size_bytes();
        let mut waiting: VecDeque<Message> = (0..10).map(|_| offers(500)).collect();
        waiting.push_back(Message::Publish("latest".to_owned(), Vec::new()));
        let dropped = drop_oldest(&mut waiting, 4 * size_bytes);
        assert_eq!(dropped, Dropped { messages: 7, bytes: 7 * size_bytes });
        assert!(matches!(waiting.back(), Some(Message::Publish(channel, _)) if channel == "latest"));

        let mut waiting: VecDeque<Message> = (0..KEPT + 3).map(|_| offers(1)).collect();
        assert_eq!(drop_oldest(&mut waiting, usize::MAX).messages, 3);
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
