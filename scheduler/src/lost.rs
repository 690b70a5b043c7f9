//! Hands out the jobs of workers that fell silent, and parked jobs that may have a slot again.

use std::{sync::Arc, time::Duration};

use jobs::{QueueError, sweep, workers::SILENCE_SECS};
use sqlx::Row;
use tokio::time::{MissedTickBehavior, interval};

use crate::{context::Context, courier::Courier, trouble::Trouble};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After how many looks parked jobs are offered again. Usually the completion that frees a slot does
/// it; this is for slots that a crash freed.
const OFFER_PARKED_EVERY: u32 = 5;

/// Looks after the workers until it is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    let mut courier = Courier::new(context.clone());
    let mut trouble = Trouble::new("looking after the workers");
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut round: u32 = 0;
    loop {
        ticks.tick().await;
        round = round.wrapping_add(1);
        match trouble.note(look(&context).await) {
            Some(Look { silent_or_gone, parked }) => {
                if silent_or_gone && context.contact.can_judge_silence() {
                    trouble.note(recover(&context, &mut courier).await);
                }
                if parked && round.is_multiple_of(OFFER_PARKED_EVERY) {
                    trouble.note(offer_parked(&context, &mut courier).await);
                }
            }
            None => context.contact.lose(),
        }
    }
}

struct Look {
    /// A worker is silent, or one that is counted out or was never heard of still holds a lease.
    silent_or_gone: bool,
    parked: bool,
}

/// One cheap statement a second says whether there is anything to do.
async fn look(context: &Context) -> Result<Look, QueueError> {
    let mut conn = context.connection().await?;
    let row = sqlx::query(
        "select exists (select from jobs.worker
                 where state in ('active', 'draining') and beat_at < now() - make_interval(secs => $1))
             or exists (select from jobs.lease l left join jobs.worker w on w.id = l.worker_id
                 where w.state in ('lost', 'stopped')
                    or w.id is null and l.claimed_at < now() - make_interval(secs => $1)),
             exists (select from jobs.live where parked)",
    )
    .bind(f64::from(SILENCE_SECS))
    .fetch_one(&mut *conn)
    .await?;
    Ok(Look { silent_or_gone: row.get(0), parked: row.get(1) })
}

async fn recover(context: &Context, courier: &mut Courier) -> Result<(), QueueError> {
    let recovered = {
        let mut conn = context.connection().await?;
        sweep::recover_lost_workers(&mut conn).await?
    };
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

async fn offer_parked(context: &Context, courier: &mut Courier) -> Result<(), QueueError> {
    let heads = {
        let mut conn = context.connection().await?;
        sweep::parked_heads(&mut conn).await?
    };
    courier.deliver(&heads).await;
    Ok(())
}
