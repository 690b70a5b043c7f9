//! Brings offers to Redis over a connection of its own. It cannot fail: what Redis does not take is
//! ready in the ledger, and the next refill tells it.

use std::sync::Arc;

use jobs::{
    Offer,
    dispatch::{Link, RedisError, advise},
};

use crate::context::Context;

pub(crate) struct Courier {
    context: Arc<Context>,
    link: Option<Link>,
}

impl Courier {
    pub(crate) fn new(context: Arc<Context>) -> Courier {
        Courier { context, link: None }
    }

    /// Puts jobs into their queues' order, unless Redis is away.
    pub(crate) async fn deliver(&mut self, offers: &[Offer]) {
        if offers.is_empty() {
            return;
        }
        let Some(mut link) = self.link().await else { return self.context.redis.want_refill() };
        match self.context.dispatch.offer_now(&mut link, offers).await {
            Ok(_) => self.link = Some(link),
            Err(error) => self.lose(&error),
        }
    }

    /// How many ids wait in the queue's order, if Redis says.
    pub(crate) async fn depth(&mut self, queue: &str) -> Option<u64> {
        let mut link = self.link().await?;
        match self.context.dispatch.depth(&mut link, queue).await {
            Ok(depth) => {
                self.link = Some(link);
                Some(depth)
            }
            Err(error) => {
                self.lose(&error);
                None
            }
        }
    }

    /// The connection, taken out: it is put back only after it worked.
    async fn link(&mut self) -> Option<Link> {
        if self.context.redis.is_away() {
            self.link = None;
            return None;
        }
        if let Some(link) = self.link.take() {
            return Some(link);
        }
        match self.context.dispatch.link().await {
            Ok(link) => Some(link),
            Err(error) => {
                self.lose(&error);
                None
            }
        }
    }

    fn lose(&self, error: &RedisError) {
        let advised = advise(error);
        if self.context.redis.lose() && !advised {
            tracing::warn!(%error, "redis does not take offers; they are told again when it is back");
        }
    }
}
