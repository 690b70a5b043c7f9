//! Tells Redis of every claimable job again, when it lost its data, was away, or knows too few. The
//! epoch key tells a Redis that lost its data: whoever loses the jobs loses that key too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jobs::{
    Offer, QueueError,
    dispatch::{Link, advise},
    sweep,
};
use tokio::time::{MissedTickBehavior, interval};

use crate::{context::Context, trouble::Trouble};

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many jobs one statement reads.
const PAGE: i64 = 5000;

/// Watches Redis until it is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    let mut link: Option<Link> = None;
    let mut trouble = Trouble::new("reading what redis is to be told");
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match look(&context, &mut link).await {
            Ok(()) => {
                trouble.note(Ok(()));
            }
            Err(QueueError::Dispatch(error)) => {
                link = None;
                let advised = advise(&error);
                if context.redis.lose() && !advised {
                    tracing::warn!(%error, "redis is away; jobs are safe in the ledger");
                }
            }
            Err(error) => {
                context.redis.want_refill();
                trouble.note::<()>(Err(error));
            }
        }
    }
}

async fn look(context: &Context, link: &mut Option<Link>) -> Result<(), QueueError> {
    let link = match link {
        Some(link) => link,
        none => none.insert(context.dispatch.link().await?),
    };
    let complete = context.dispatch.has_epoch(link).await?;
    if context.redis.find() {
        tracing::info!("redis is back");
    }
    // Taken before reading the ledger: what becomes ready and is not told from here on asks again.
    if complete && !context.redis.take_refill_wanted() {
        return Ok(());
    }
    loop {
        // First the epoch, then the jobs, then a look at the epoch: a Redis that loses its data
        // half-way is noticed. A leader that dies half-way is followed by one that refills anyway.
        context.dispatch.set_epoch(link).await?;
        refill(context, link).await?;
        if context.dispatch.has_epoch(link).await? {
            return Ok(());
        }
        tracing::warn!("redis lost its data while it was told of the ready jobs");
    }
}

async fn refill(context: &Context, link: &mut Link) -> Result<(), QueueError> {
    let started = Instant::now();
    let (mut after, mut offered, mut missing): (Option<Offer>, usize, u64) = (None, 0, 0);
    loop {
        let page = async {
            let mut conn = context.connection().await?;
            sweep::ready_page(&mut conn, after.as_ref(), PAGE).await
        };
        let page = context.store.answers(page).await?;
        missing += context.dispatch.offer_now(link, &page).await?;
        offered += page.len();
        let Some(last) = page.last().filter(|_| i64::try_from(page.len()).is_ok_and(|len| len == PAGE))
        else {
            break;
        };
        after = Some(last.clone());
    }
    let took = started.elapsed();
    context.redis.note_refill(took);
    if missing > 0 {
        tracing::info!(
            ready = offered,
            missing,
            took_ms = took.as_millis(),
            "redis was told of the ready jobs"
        );
    }
    Ok(())
}
