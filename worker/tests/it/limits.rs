//! Whose turn it is at a concurrency limit: claims, completions and offers of the ledger itself, without a worker, so
//! that every order of events is the test's.

use std::collections::BTreeSet;

use database::ids::TenantId;
use jobs::{
    JobId, JobKind, NewJob, Store,
    kinds::Probe,
    ledger::{Claimed, Completion, Ending, claim, claim_limited, complete},
    queues,
    sweep::{self, Freed},
};
use migrations::testing::{TestDatabase, fresh_database};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Row, pool::PoolConnection};
use uuid::Uuid;

/// A ledger in which probes may have a limit.
struct Ledger {
    conn: PoolConnection<Postgres>,
    worker: Uuid,
    _database: TestDatabase,
}

impl Ledger {
    async fn open(limit: Option<i32>) -> Ledger {
        let database = fresh_database().await;
        let store = Store::connect(&database.url_for("desk_worker"), 1).expect("the test database's URL");
        let conn = store.pool().acquire().await.expect("the ledger");
        let mut ledger = Ledger { conn, worker: Uuid::now_v7(), _database: database };
        ledger.limit(limit).await;
        ledger
    }

    async fn limit(&mut self, max_running: Option<i32>) {
        queues::limit_kind(&mut self.conn, Probe::KIND, max_running, "test").await.expect("the ledger");
    }

    async fn enqueue(&mut self, jobs: &[NewJob]) -> Vec<JobId> {
        let (enqueued, _) = jobs::enqueue(&mut self.conn, jobs).await.expect("the ledger takes them");
        enqueued.into_iter().map(|job| job.id).collect()
    }

    /// What a worker does with ids that were delivered to it.
    async fn deliver(&mut self, ids: &[JobId]) -> Vec<Claimed> {
        let mut claimed = claim(&mut self.conn, self.worker, ids, &[]).await.expect("the ledger");
        let left: Vec<JobId> =
            ids.iter().copied().filter(|id| claimed.iter().all(|job| job.id != *id)).collect();
        claimed.extend(claim_limited(&mut self.conn, self.worker, &left).await.expect("the ledger"));
        assert!(claimed.len() <= ids.len(), "more were claimed than there are slots for");
        claimed
    }

    async fn finish(&mut self, job: &Claimed) {
        let ending = Ending::Done { result: None, then: Vec::new() };
        let mut batch = [Completion::of(job, ending)];
        let completed = complete(&mut self.conn, self.worker, &mut batch).await.expect("the ledger");
        assert!(completed.written.contains(&job.id));
    }

    /// What the completion of that job offers.
    async fn offered(&mut self, freed: &Claimed) -> Vec<JobId> {
        let offers = sweep::next_parked(&mut self.conn, &[Freed::of(freed)]).await.expect("the ledger");
        offers.into_iter().map(|offer| offer.id).collect()
    }

    /// Ends a job and starts what its end makes room for.
    async fn next(&mut self, job: &Claimed) -> Vec<Claimed> {
        self.finish(job).await;
        let offered = self.offered(job).await;
        self.deliver(&offered).await
    }

    /// The ids that the leader's look finds.
    async fn heads(&mut self) -> BTreeSet<JobId> {
        let heads = sweep::parked_heads(&mut self.conn).await.expect("the ledger");
        heads.into_iter().map(|offer| offer.id).collect()
    }
}

fn probe(tenant: TenantId) -> NewJob {
    NewJob::of(tenant, &Probe::default()).expect("a small payload")
}

fn keyed(tenant: TenantId, key: &str) -> NewJob {
    probe(tenant).with_concurrency_key(key, 1).expect("a short key")
}

fn probes(tenant: TenantId, count: usize) -> Vec<NewJob> {
    (0..count).map(|_| probe(tenant)).collect()
}

/// Tenants in the order of their ids, which is the order of their turns.
fn tenants<const N: usize>() -> [TenantId; N] {
    std::array::from_fn(|n| TenantId(Uuid::from_u128(n as u128 + 1)))
}

#[tokio::test]
async fn slots_go_over_tenants_in_turn() {
    let mut ledger = Ledger::open(Some(1)).await;
    let [many, few, one] = tenants();
    let mut ids = ledger.enqueue(&probes(many, 50)).await;
    ids.extend(ledger.enqueue(&probes(few, 2)).await);
    ids.extend(ledger.enqueue(&probes(one, 1)).await);
    let mut running = ledger.deliver(&ids).await;
    assert_eq!(running.len(), 1, "the limit");
    let mut served = vec![running[0].tenant];
    for _ in 0..6 {
        running = ledger.next(&running[0]).await;
        assert_eq!(running.len(), 1, "a free slot is filled");
        served.push(running[0].tenant);
    }
    assert_eq!(served, [many, few, one, many, few, many, many].map(|tenant| tenant.0));
}

#[tokio::test]
async fn who_comes_late_does_not_wait_for_all_who_came_before() {
    let mut ledger = Ledger::open(Some(4)).await;
    let [late, flooding] = tenants();
    let ids = ledger.enqueue(&probes(flooding, 200)).await;
    let running = ledger.deliver(&ids).await;
    assert_eq!(running.len(), 4);
    let mine = ledger.enqueue(&probes(late, 3)).await;
    assert!(ledger.deliver(&mine).await.is_empty(), "no slot is free");
    let mut started = Vec::new();
    for job in &running {
        started.extend(ledger.next(job).await);
    }
    let of_mine = started.iter().filter(|job| job.tenant == late.0).count();
    assert_eq!((started.len(), of_mine), (4, 2), "every second slot");
}

#[tokio::test]
async fn a_newcomer_does_not_overtake_those_who_wait() {
    let mut ledger = Ledger::open(Some(1)).await;
    let [first, second] = tenants();
    let ids = ledger.enqueue(&[probe(first), probe(second)]).await;
    let running = ledger.deliver(&ids).await;
    assert_eq!(running[0].tenant, first.0);
    ledger.finish(&running[0]).await;
    // The slot is free, and before anybody offers it to who waits another job of the first is delivered.
    let newcomer = ledger.enqueue(&[probe(first)]).await;
    let started = ledger.deliver(&newcomer).await;
    assert_eq!(started.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[1]]);
    let after = ledger.next(&started[0]).await;
    assert_eq!(after[0].id, newcomer[0]);
}

#[tokio::test]
async fn two_slots_that_become_free_together_are_both_filled() {
    let mut ledger = Ledger::open(Some(2)).await;
    let [only] = tenants();
    let ids = ledger.enqueue(&probes(only, 10)).await;
    let running = ledger.deliver(&ids).await;
    // Both end before either completion offers anything; each then sees both slots.
    ledger.finish(&running[0]).await;
    ledger.finish(&running[1]).await;
    let offered = ledger.offered(&running[0]).await;
    assert_eq!(offered.len(), 2);
    assert_eq!(ledger.offered(&running[1]).await, offered);
    assert_eq!(ledger.deliver(&offered).await.len(), 2);
    assert!(ledger.deliver(&offered).await.is_empty(), "delivered twice");
}

#[tokio::test]
async fn jobs_held_up_by_their_key_do_not_hide_others() {
    let mut ledger = Ledger::open(Some(2)).await;
    let [blocked, other] = tenants();
    let mut new: Vec<NewJob> = (0..40).map(|_| keyed(blocked, "one")).collect();
    new.push(keyed(blocked, "two"));
    let mut ids = ledger.enqueue(&new).await;
    let running = ledger.deliver(&ids).await;
    let keys = |jobs: &[Claimed]| -> BTreeSet<String> {
        jobs.iter().filter_map(|job| job.concurrency_key.clone()).collect()
    };
    assert_eq!((running.len(), keys(&running)), (2, BTreeSet::from(["one".to_owned(), "two".to_owned()])));
    let (one, two): (Vec<Claimed>, Vec<Claimed>) =
        running.into_iter().partition(|job| job.concurrency_key.as_deref() == Some("one"));

    // Behind 39 jobs that their key holds up stand one without a key, and one of another tenant.
    ids = ledger.enqueue(&[probe(blocked), probe(other)]).await;
    assert!(ledger.deliver(&ids).await.is_empty(), "no slot is free");
    let started = ledger.next(&two[0]).await;
    assert_eq!(started.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[1]], "the other tenant's turn");
    let started = ledger.next(&started[0]).await;
    assert_eq!(started.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[0]], "past those that are held up");
    // Nothing is left but jobs of the key that runs: the slot stays free, and nobody is offered in vain.
    assert!(ledger.next(&started[0]).await.is_empty());
    assert!(ledger.heads().await.is_empty());
    let next = ledger.next(&one[0]).await;
    assert_eq!(next.iter().map(|job| job.concurrency_key.as_deref()).collect::<Vec<_>>(), [Some("one")]);
}

#[tokio::test]
async fn a_raised_limit_is_filled_and_a_lifted_one_lets_all_go() {
    let mut ledger = Ledger::open(Some(1)).await;
    let [many, few] = tenants();
    let mut ids = ledger.enqueue(&probes(many, 20)).await;
    ids.extend(ledger.enqueue(&probes(few, 2)).await);
    assert_eq!(ledger.deliver(&ids).await.len(), 1);
    ledger.limit(Some(5)).await;
    let offers = sweep::parked_of_kind(&mut ledger.conn, Probe::KIND).await.expect("the ledger");
    assert_eq!(offers.len(), 4, "as many as slots are free");
    let offered: Vec<JobId> = offers.iter().map(|offer| offer.id).collect();
    let started = ledger.deliver(&offered).await;
    assert_eq!(started.iter().filter(|job| job.tenant == few.0).count(), 2, "in turn");
    assert_eq!(started.len(), 4);

    ledger.limit(None).await;
    let offers = sweep::parked_of_kind(&mut ledger.conn, Probe::KIND).await.expect("the ledger");
    let offered: Vec<JobId> = offers.iter().map(|offer| offer.id).collect();
    let all = ledger.deliver(&offered).await;
    assert_eq!(all.len(), 17);
    assert!(all.iter().all(|job| job.limited), "their ends offer what is parked yet");
}

#[tokio::test]
async fn the_leader_offers_what_a_crash_made_room_for() {
    let mut ledger = Ledger::open(Some(2)).await;
    let [first, second] = tenants();
    let mut ids = ledger.enqueue(&probes(first, 5)).await;
    ids.extend(ledger.enqueue(&probes(second, 5)).await);
    assert_eq!(ledger.deliver(&ids).await.len(), 2);
    assert!(ledger.heads().await.is_empty(), "no slot is free");
    // Both runs are gone without a word; their jobs are ready again, under no lease.
    sqlx::query("update jobs.live set state = 'ready', lease = null where state = 'running'")
        .execute(&mut *ledger.conn)
        .await
        .expect("the ledger");
    let heads = ledger.heads().await;
    assert_eq!(heads.len(), 2);
    let heads: Vec<JobId> = heads.into_iter().collect();
    let started: BTreeSet<Uuid> = ledger.deliver(&heads).await.iter().map(|job| job.tenant).collect();
    assert_eq!(started, BTreeSet::from([first.0, second.0]));
}

#[tokio::test]
async fn an_import_waits_for_the_tenants_other_one_in_no_slot() {
    use platform::kinds::ImportOrders;
    let mut ledger = Ledger::open(None).await;
    let [first, second] = tenants();
    let import = |tenant: TenantId, path: &str| {
        let payload = ImportOrders {
            path: path.to_owned(),
            currency: Some("EUR".to_owned()),
            stated: Default::default(),
            mapping: None,
        };
        NewJob::of(tenant, &payload).expect("a small payload")
    };
    let jobs: Vec<NewJob> =
        (0..16).map(|n| import(first, &format!("{n}.csv"))).chain([import(second, "a.csv")]).collect();
    let ids = ledger.enqueue(&jobs).await;
    let mut running = ledger.deliver(&ids).await;
    running.sort_by_key(|job| job.tenant);
    let tenants: Vec<Uuid> = running.iter().map(|job| job.tenant).collect();
    assert_eq!(tenants, [first.0, second.0], "one of each tenant");
    assert!(running.iter().all(|job| job.queue == "imports"));
    let next = ledger.next(&running[0]).await;
    assert_eq!(next.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[1]], "the tenant's next");
    // One that an older version put into the queue of everybody is still anybody's to run.
    let old = ledger.enqueue(&[import(second, "old.csv").with_queue("default")]).await;
    sqlx::query("update jobs.live set concurrency_key = null, concurrency_limit = null where id = $1")
        .bind(old[0])
        .execute(&mut *ledger.conn)
        .await
        .expect("the ledger");
    let started = ledger.deliver(&old).await;
    assert_eq!((started.len(), started[0].queue.as_str()), (1, "default"));
}

#[tokio::test]
async fn jobs_are_looked_up_by_the_primary_key_whatever_the_statistics_say() {
    let mut ledger = Ledger::open(None).await;
    let [only] = tenants();
    // Statistics of a table with one job in it, as of a queue that is nearly empty, are what plans are made by until
    // the next are taken, whatever floods in meanwhile.
    ledger.enqueue(&[probe(only)]).await;
    let mut owner = PgConnection::connect(&ledger._database.admin_url).await.expect("the server answers");
    sqlx::raw_sql("vacuum analyze jobs.live").execute(&mut owner).await.expect("the owner may");
    for (name, parameters, statement, arguments) in [
        (
            "claim",
            "uuid[], uuid, uuid, text[]",
            include_str!("../../../jobs/src/ledger/claim.sql"),
            "'{}', null, null, '{}'",
        ),
        (
            "done",
            "uuid[], uuid[], jsonb[]",
            include_str!("../../../jobs/src/ledger/done.sql"),
            "'{}', '{}', '{}'",
        ),
        (
            "waiting",
            "uuid[], uuid[], text[], float8[], jsonb[], uuid",
            include_str!("../../../jobs/src/ledger/waiting.sql"),
            "'{}', '{}', '{}', '{}', '{}', null",
        ),
        (
            "cancelled",
            "uuid[], uuid[], text[]",
            include_str!("../../../jobs/src/ledger/cancelled.sql"),
            "'{}', '{}', '{}'",
        ),
        ("release", "uuid[], uuid", include_str!("../../../jobs/src/ledger/release.sql"), "'{}', null"),
    ] {
        let prepare = format!("prepare {name}({parameters}) as {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *ledger.conn).await.expect("it is prepared");
        let explain = format!("explain execute {name}({arguments})");
        let plan: Vec<String> = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_all(&mut *ledger.conn)
            .await
            .expect("it is planned")
            .iter()
            .map(|row| row.get(0))
            .collect();
        let plan = plan.join("\n");
        let scans: Vec<&str> = plan.lines().filter(|line| line.contains(" on live j")).collect();
        assert!(
            scans.iter().any(|scan| scan.contains("Index Scan using live_pkey")),
            "{name} reads jobs in another way:\n{plan}"
        );
        assert!(plan.contains("Index Cond: (id = ANY (ARRAY["), "{name} reads all jobs:\n{plan}");
    }
}
