//! Compares what the ledger says is ready with what Redis knows, and offers again what it may have lost: a worker that
//! died between taking a job from Redis and claiming it leaves one that only the ledger knows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jobs::{Offer, QueueError, State, looks, queues, sweep};
use tokio::time::{MissedTickBehavior, interval};

use crate::{context::Context, courier::Courier, trouble::Trouble};

const EVERY: Duration = Duration::from_secs(5);

/// So many of the oldest ready jobs of each queue and priority are offered again each time: what goes first waits no
/// longer than that for having been lost, whatever stands before it by age.
const FIRST: i64 = 500;

/// Beside them all that is ready is offered again in turn, so many each time. A Redis that holds ids of jobs which are
/// over or parked by now seems to know enough, and what it lost among the others is found by this.
const IN_TURN: i64 = 2_000;

/// Compares until it is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    let mut comparison = Comparison::new(context);
    let mut trouble = Trouble::new("comparing the books with redis");
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        trouble.note(comparison.once().await);
    }
}

struct Comparison {
    context: Arc<Context>,
    courier: Courier,
    /// How often in a row Redis knew fewer jobs of a queue than are ready.
    short: HashMap<String, u32>,
    /// The last job that was offered in turn; none at the beginning.
    turn: Option<Offer>,
}

impl Comparison {
    fn new(context: Arc<Context>) -> Comparison {
        Comparison { courier: Courier::new(context.clone()), context, short: HashMap::new(), turn: None }
    }

    /// A queue of which Redis knows fewer jobs than are ready, twice in a row, is told again. Between the
    /// taking of a job and its claim that is so for a moment, hence twice.
    async fn once(&mut self) -> Result<(), QueueError> {
        let mut ready = ready_by_queue(&self.context).await?;
        if ready.is_empty() {
            self.short.clear();
            return Ok(());
        }
        self.offer_again().await?;
        let mut suspects = Vec::new();
        for (queue, ready) in &ready {
            let Some(depth) = self.courier.depth(queue).await else { return Ok(()) };
            if depth < *ready {
                suspects.push((queue.clone(), depth));
            }
        }
        if !suspects.is_empty() {
            // Parked jobs are ready by the books, and rightly not in Redis.
            for (queue, parked) in self.context.store.answers_slowly(parked_by_queue(&self.context)).await? {
                if let Some(ready) = ready.get_mut(&queue) {
                    *ready = ready.saturating_sub(parked);
                }
            }
            suspects.retain(|(queue, depth)| ready.get(queue).is_some_and(|ready| depth < ready));
        }
        self.short.retain(|queue, _| suspects.iter().any(|(suspect, _)| suspect == queue));
        for (queue, _) in suspects {
            *self.short.entry(queue).or_default() += 1;
        }
        if self.short.values().any(|rounds| *rounds >= 2) && self.context.redis.may_suspect() {
            self.short.clear();
            self.context.redis.want_refill();
        }
        Ok(())
    }

    /// Offers the first of each queue and priority, and the next of all.
    async fn offer_again(&mut self) -> Result<(), QueueError> {
        let turn = self.turn.take();
        let read = async {
            let mut conn = self.context.connection().await?;
            let first = sweep::first_ready(&mut conn, FIRST).await?;
            Ok::<_, QueueError>((first, sweep::ready_page(&mut conn, turn.as_ref(), IN_TURN).await?))
        };
        let (first, next) = self.context.store.answers_slowly(read).await?;
        self.courier.deliver(&first).await;
        self.courier.deliver(&next).await;
        let is_full = i64::try_from(next.len()).is_ok_and(|len| len == IN_TURN);
        self.turn = next.into_iter().next_back().filter(|_| is_full);
        Ok(())
    }
}

async fn ready_by_queue(context: &Context) -> Result<BTreeMap<String, u64>, QueueError> {
    let balances = async { queues::balances(&mut *context.connection().await?).await };
    let balances = context.store.answers_slowly(balances).await?;
    let mut ready = BTreeMap::new();
    for balance in balances {
        if balance.account == State::Ready.as_str() {
            *ready.entry(balance.queue).or_insert(0) += balance.n;
        }
    }
    Ok(ready
        .into_iter()
        .filter_map(|(queue, n)| Some((queue, u64::try_from(n).ok().filter(|n| *n > 0)?)))
        .collect())
}

async fn parked_by_queue(context: &Context) -> Result<Vec<(String, u64)>, QueueError> {
    let parked = looks::parked_by_queue(&mut *context.connection().await?).await?;
    Ok(parked.into_iter().map(|(queue, n)| (queue, n.unsigned_abs())).collect())
}
