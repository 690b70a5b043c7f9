//! Deliveries that meet others' locks crosswise: whoever gives way comes again, and the sender notices nothing of it.

use jobs::dispatch::{Dispatch, Server};
use sqlx::AssertSqlSafe;
use tokio::sync::oneshot;

use super::*;
use crate::intake::send;
use crate::intake::together::{AT_ONCE, Intakes, Waiting, store};

/// Somebody else's transaction, for example a job's. It waits for ever, so a deadlock is ended by the one who meets it.
struct Other {
    conn: PgConnection,
    pid: i32,
}

impl Other {
    async fn begin(world: &World) -> Other {
        let mut conn = PgConnection::connect(&world.database.admin_url).await.expect("connects");
        for statement in ["set deadlock_timeout = '1h'", "begin"] {
            sqlx::query(statement).execute(&mut conn).await.expect(statement);
        }
        let pid = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut conn).await.expect("a number");
        Other { conn, pid }
    }

    async fn take(&mut self, row: &str) {
        sqlx::query(AssertSqlSafe(row.to_owned())).execute(&mut self.conn).await.expect(row);
    }

    async fn end(mut self) {
        sqlx::query("rollback").execute(&mut self.conn).await.expect("ended");
    }
}

/// Looks until somebody waits for this transaction.
async fn is_waited_for(admin: &mut PgConnection, pid: i32) {
    let waited_for = "select exists (select from pg_stat_activity a
                      where a.datname = current_database() and $1 = any (pg_blocking_pids(a.pid)))";
    while !sqlx::query_scalar::<_, bool>(waited_for).bind(pid).fetch_one(&mut *admin).await.expect("asked") {}
}

/// Looks until this transaction waits for somebody.
async fn waits(admin: &mut PgConnection, pid: i32) {
    let waits = "select cardinality(pg_blocking_pids($1)) > 0";
    while !sqlx::query_scalar::<_, bool>(waits).bind(pid).fetch_one(&mut *admin).await.expect("asked") {}
}

/// Has `work`, which takes three rows one after the other, give way in so many deadlocks: somebody who has the last row waits
/// for the first one before `work` gets to the last.
async fn crossed<T>(
    world: &World,
    rounds: usize,
    [first, between, last]: [&str; 3],
    work: impl Future<Output = T>,
) -> T {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let mut holds_up = Other::begin(world).await;
    holds_up.take(between).await;
    let play = async {
        let mut held_up = Some(holds_up);
        let mut crossed: Option<Other> = None;
        for _ in 0..rounds {
            let holds_up = match held_up.take() {
                Some(holds_up) => holds_up,
                None => {
                    let mut holds_up = Other::begin(world).await;
                    holds_up.take(between).await;
                    holds_up
                }
            };
            if let Some(before) = crossed.take() {
                before.end().await;
            }
            is_waited_for(&mut admin, holds_up.pid).await;
            let mut crosses = Other::begin(world).await;
            crosses.take(last).await;
            let pid = crosses.pid;
            // It gets the first row, so the work gave way: nobody else looks for deadlocks.
            tokio::join!(crosses.take(first), async {
                waits(&mut admin, pid).await;
                holds_up.end().await;
            });
            crossed = Some(crosses);
        }
        if let Some(crossed) = crossed {
            crossed.end().await;
        }
    };
    tokio::join!(work, play).0
}

/// A world in which who waits in a circle finds that out at once.
async fn quick_world() -> World {
    let mut world = world().await;
    let quick = "do $$ begin execute format('alter database %I set deadlock_timeout = ''10ms''', current_database()); end $$";
    sqlx::raw_sql(quick).execute(&mut world.admin).await.expect("set");
    world
}

/// Nobody listens there, and nobody waits for it.
fn dispatch() -> Dispatch {
    Dispatch::new(Server::new("redis://127.0.0.1:1/").expect("a URL"), "contended")
}

const TICKETS: [&str; 3] = [
    "select from support_app.ticket where external_id = '101' for no key update",
    "select from support_app.ticket where external_id = '102' for no key update",
    "select from support_app.ticket where external_id = '103' for no key update",
];

/// How many deliveries and messages there are.
const STORED: &str =
    "select (select count(*) from support_app.inbox), (select count(*) from support_app.message)";

/// Three known tickets are told of together and have to give way so many times; answers in how many transactions what was
/// told of them was stored.
async fn stored_in_spite_of(rounds: usize) -> i64 {
    let mut world = quick_world().await;
    let known: Vec<Call> = (1..=3).map(|number| question((number, number)).call(100, None)).collect();
    send_all(world.support.pool(), &known.iter().collect::<Vec<_>>()).await.expect("taken in");
    let (mut together, mut told) = (Vec::new(), Vec::new());
    for number in 1..=3 {
        let (tell, hears) = oneshot::channel();
        together.push(Waiting { call: question((number, number + 3)).call(100, None), tell });
        told.push(hears);
    }
    let dispatch = dispatch();
    crossed(&world, rounds, TICKETS, async {
        store(&world.support, &dispatch, together).await;
        for one in told {
            let taken = one.await.expect("told").expect("taken in");
            assert!(taken.is_new && taken.answer.job.is_some() && taken.settle_job.is_some());
        }
    })
    .await;
    let stored: (i64, i64) = sqlx::query_as(STORED).fetch_one(&mut world.admin).await.expect("read");
    let jobs = LEFT.iter().find(|(what, _)| *what == "jobs").expect("they are looked at").1;
    let jobs = left(&mut world, jobs).await;
    let drafts = jobs.iter().filter(|job| job["kind"] == "draft_reply").count();
    assert_eq!((stored, drafts), ((6, 6), 6), "nothing is lost and nothing is there twice");
    sqlx::query_scalar(
        "select count(distinct xmin::text) from support_app.message where external_id in ('4', '5', '6')",
    )
    .fetch_one(&mut world.admin)
    .await
    .expect("read")
}

#[tokio::test]
async fn what_is_stored_together_and_gives_way_to_others_is_stored_together_again() {
    assert_eq!(stored_in_spite_of(1).await, 1);
}

#[tokio::test]
async fn what_gives_way_again_is_stored_one_by_one() {
    assert_eq!(stored_in_spite_of(2).await, 3);
}

#[tokio::test]
async fn a_delivery_alone_that_gives_way_is_stored_all_the_same() {
    let mut world = quick_world().await;
    let told = |event: u32| Drawn {
        messages: [1, 2].map(|id| Said { id, by: 0, has_text: true }).to_vec(),
        ..question((1, event))
    };
    send(&world.support, &dispatch(), &told(1).call(100, None)).await.expect("taken in");
    // Its messages are looked at after its ticket, in their order.
    let rows = [
        TICKETS[0],
        "select from support_app.message where external_id = '1' for update",
        "select from support_app.message where external_id = '2' for update",
    ];
    let (again, dispatch) = (told(3).call(100, None), dispatch());
    let taken = crossed(&world, 2, rows, send(&world.support, &dispatch, &again)).await.expect("taken in");
    assert!(taken.is_new);
    let stored: (i64, i64) = sqlx::query_as(STORED).fetch_one(&mut world.admin).await.expect("read");
    assert_eq!(stored, (2, 2));
}

#[tokio::test]
async fn deliveries_that_wait_for_a_held_ticket_keep_no_other_waiting() {
    let mut world = world().await;
    let known = question((1, 1)).call(100, None);
    send_all(world.support.pool(), &[&known]).await.expect("taken in");
    let mut holds = Other::begin(&world).await;
    holds.take(TICKETS[0]).await;
    let intakes = Intakes::start(&world.support, &dispatch());
    let take_in = |told| {
        let (intakes, call) = (intakes.clone(), question(told).call(100, None));
        tokio::spawn(async move { intakes.send(call).await })
    };
    let mut held_up = Vec::new();
    for message in 2..3 + AT_ONCE as u32 {
        held_up.push(take_in((1, message)));
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        let all = i64::try_from(held_up.len()).expect("few");
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut world.admin).await.expect("asked") < all {}
    }
    let other = take_in((2, 9)).await.expect("it goes on").expect("taken in");
    assert!(other.is_new && held_up.iter().all(|one| !one.is_finished()));
    holds.end().await;
    for one in held_up {
        assert!(one.await.expect("it goes on").expect("taken in").is_new);
    }
}
