//! The task that tells Redis what this process has to tell, so that a request never waits for it.
//! While Redis is away it keeps the latest messages and tries again; what it must drop, the sweeper
//! finds.

use std::{collections::VecDeque, time::Duration};

use redis::{RedisResult, cmd};
use tokio::sync::{mpsc, oneshot};

use super::{Dispatch, Link, OFFER_BATCH, advise};
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
        while waiting.len() > KEPT {
            waiting.pop_front();
            metrics::counter!("deskwork_dispatch_dropped_total").increment(1);
        }
        match tell(&dispatch, &mut link, &waiting).await {
            Ok(()) => {
                for message in waiting.drain(..) {
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
