//! Hands out the jobs of workers that fell silent, jobs that no lease holds, parked jobs that may have a slot
//! again, and successors that were left behind.

use std::{sync::Arc, time::Duration};

use jobs::{
    JobId, QueueError,
    looks::{self, Unrest},
    successors, sweep,
};
use tokio::time::{MissedTickBehavior, interval};

use crate::{context::Context, courier::Courier, trouble::Trouble};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After how many looks parked jobs are offered again, and successors looked for that were left behind. Usually
/// the completion that frees a slot or ends a job does it; this is for what a crash left.
const OFFER_PARKED_EVERY: u32 = 5;

/// How many successors are released at once.
const SUCCESSORS: i64 = 500;

/// After how many looks another page of the ledger is searched for running jobs without a lease. There
/// are none, unless a fail-over lost half of what belongs together.
const SEARCH_UNHELD_EVERY: u32 = 5;

/// How many jobs one such search looks at.
const UNHELD_PAGE: i64 = 10_000;

/// Looks after the workers until it is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    let mut courier = Courier::new(context.clone());
    let mut trouble = Trouble::new("looking after the workers");
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut round: u32 = 0;
    let mut searched: Option<JobId> = None;
    loop {
        ticks.tick().await;
        round = round.wrapping_add(1);
        // Without it there is nothing that a look could say: every worker seems silent.
        let silence = context.contact.silence();
        let Some(look) = trouble.note(context.store.answers(look(&context, silence)).await) else { continue };
        if let Some(silence) = silence.filter(|_| look.silent_or_gone) {
            trouble.note(recover(&context, silence, &mut courier).await);
        }
        if look.parked && round.is_multiple_of(OFFER_PARKED_EVERY) {
            trouble.note(offer_parked(&context, &mut courier).await);
        }
        if round.is_multiple_of(OFFER_PARKED_EVERY) {
            trouble.note(release_successors(&context, &mut courier).await);
        }
        if round.is_multiple_of(SEARCH_UNHELD_EVERY)
            && let Some(last) = trouble.note(recover_unheld(&context, searched, &mut courier).await)
        {
            searched = last;
        }
    }
}

/// One cheap statement a second says whether there is anything to do.
async fn look(context: &Context, silence: Option<Duration>) -> Result<Unrest, QueueError> {
    looks::unrest(&mut *context.connection().await?, silence.unwrap_or_default()).await
}

async fn recover(context: &Context, silence: Duration, courier: &mut Courier) -> Result<(), QueueError> {
    let recover = async {
        let mut conn = context.connection().await?;
        sweep::recover_lost_workers(&mut conn, silence).await
    };
    let recovered = context.store.answers(recover).await?;
    for worker in &recovered.workers {
        tracing::warn!(%worker, "a worker fell silent and is counted out");
    }
    if !recovered.offers.is_empty() || !recovered.events.is_empty() {
        tracing::warn!(
            handed_out = recovered.offers.len(),
            ended = recovered.events.len(),
            "jobs of lost workers were taken back"
        );
    }
    courier.deliver(&recovered.offers).await;
    context.dispatch.tell(&recovered.events);
    Ok(())
}

/// Searches the page after the job `after`; says where the next one begins.
async fn recover_unheld(
    context: &Context,
    after: Option<JobId>,
    courier: &mut Courier,
) -> Result<Option<JobId>, QueueError> {
    let search = async {
        let mut conn = context.connection().await?;
        sweep::recover_unheld(&mut conn, after, UNHELD_PAGE).await
    };
    let sweep::Unheld { last, returned } = context.store.answers_slowly(search).await?;
    let (offers, ended) = (&returned.announcement.ready, &returned.events);
    if !offers.is_empty() || !ended.is_empty() {
        tracing::warn!(
            handed_out = offers.len(),
            ended = ended.len(),
            "jobs ran by the ledger and no lease held them"
        );
    }
    courier.deliver(offers).await;
    context.dispatch.tell(ended);
    Ok(last)
}

async fn offer_parked(context: &Context, courier: &mut Courier) -> Result<(), QueueError> {
    let heads = async {
        let mut conn = context.connection().await?;
        sweep::parked_heads(&mut conn).await
    };
    let heads = context.store.answers(heads).await?;
    courier.deliver(&heads).await;
    Ok(())
}

async fn release_successors(context: &Context, courier: &mut Courier) -> Result<(), QueueError> {
    let release = async {
        let mut conn = context.connection().await?;
        successors::release_left_behind(&mut conn, SUCCESSORS).await
    };
    let released = context.store.answers(release).await?;
    courier.deliver(&released.ready).await;
    Ok(())
}
