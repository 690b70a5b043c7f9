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
    if context.redis.is_away() {
        // One that answers may refuse whatever it is told.
        context.dispatch.try_write(link).await?;
    }
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

#[cfg(test)]
mod tests {
    use jobs::{
        Dispatch, Store,
        dispatch::{Commands, Server},
    };
    use migrations::testing::fresh_database;
    use uuid::Uuid;

    use super::*;
    use crate::context::{LedgerClock, RedisHealth};

    async fn allow(admin: &Commands, user: &str, rights: &[&str]) {
        let mut command = redis::cmd("ACL");
        command.arg("SETUSER").arg(user).arg(rights);
        while admin.run(&command).await.is_err() {}
    }

    #[tokio::test]
    async fn a_redis_that_answers_and_takes_nothing_is_not_back() {
        let database = fresh_database().await;
        let redis = std::env::var("TEST_REDIS_URL")
            .expect("TEST_REDIS_URL names a private test server; `make test` sets it");
        let (scheme, rest) = redis.split_once("://").expect("a URL");
        let host = rest.split('/').next().and_then(|rest| rest.rsplit('@').next()).expect("a host");
        let user = format!("reader-{}", Uuid::now_v7().simple());
        let prefix = format!("test-{}", Uuid::now_v7());
        let dispatch = |url: &str| Dispatch::new(Server::new(url).expect("a good URL"), &prefix);
        let admin = dispatch(&redis).commands();
        allow(&admin, &user, &["on", ">secret", "~*", "&*", "+@all", "-@write"]).await;
        let context = Context {
            store: Store::connect(&database.url_for("desk_scheduler"), 2).expect("a good URL"),
            dispatch: dispatch(&format!("{scheme}://{user}:secret@{host}/")),
            contact: Arc::default(),
            redis: RedisHealth::default(),
            look_every: Duration::from_secs(1),
            clock: LedgerClock::default(),
        };
        context.redis.lose();
        for _ in 0..2 {
            assert!(look(&context, &mut None).await.is_err());
            assert!(context.redis.is_away(), "it refuses what it is told");
        }
        allow(&admin, &user, &["+@write"]).await;
        while look(&context, &mut None).await.is_err() {}
        assert!(!context.redis.is_away());
        while admin.run(redis::cmd("ACL").arg("DELUSER").arg(&user)).await.is_err() {}
    }
}
