//! A worker dies again and again while a shop's files are imported, the second of them with corrections: what is stored in
//! the end is what imports store that nobody disturbs.

use std::fmt::Write as _;
use std::time::Duration;

use cluster::{
    desk::Desk,
    processes::{Cluster, Options},
};
use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

/// From one look at the ledger to the next.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long an import is waited for, which is many times what it takes.
const ASKED_FOR: Duration = Duration::from_secs(600);

/// When a worker is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// One lane of a batch is stored, and the other one, of this number, is not.
    BetweenLanes(i32),
    /// All orders are stored, and customers' profiles are not derived.
    BeforeProfiles,
}

impl Moment {
    /// The lock that an import waits for at this moment when somebody else has it: its name and number.
    fn lock(self) -> (&'static str, i64) {
        match self {
            Moment::BetweenLanes(lane) => ("orders:", i64::from(lane)),
            Moment::BeforeProfiles => ("profiles:", 0),
        }
    }

    /// What is true of the import's row then.
    fn is_reached(self) -> &'static str {
        match self {
            Moment::BetweenLanes(0) => "lanes[2] > lanes[1]",
            Moment::BetweenLanes(_) => "lanes[1] > lanes[2]",
            Moment::BeforeProfiles => "true",
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_whose_worker_dies_again_and_again_end_as_undisturbed_ones() {
    let options = Options { workers: 1, schedulers: 1, queues: "imports=1".to_owned(), ..Options::default() };
    let mut cluster = Cluster::start(options).await.expect("it starts");
    let (undisturbed, disturbed) = (
        cluster.create_tenant("undisturbed").await.expect("a tenant"),
        cluster.create_tenant("disturbed").await.expect("a tenant"),
    );
    let folder = cluster.imports();
    std::fs::write(folder.join("first.csv"), orders()).expect("a file");
    std::fs::write(folder.join("second.csv"), corrections()).expect("a file");

    for file in ["first.csv", "second.csv"] {
        let import = begin(&undisturbed, file).await;
        assert_eq!(ended(&undisturbed, import).await, ("done".to_owned(), 0));
    }
    for (file, moments) in [
        ("first.csv", [Moment::BetweenLanes(1), Moment::BetweenLanes(0)]),
        ("second.csv", [Moment::BetweenLanes(0), Moment::BeforeProfiles]),
    ] {
        let ended = import_with_deaths(&mut cluster, &disturbed, file, moments).await;
        assert_eq!(ended, ("done".to_owned(), 2), "{file}");
    }

    let (right, got) =
        (stored(&cluster.ledger, &undisturbed).await, stored(&cluster.ledger, &disturbed).await);
    let of = |kind: &str| right.iter().filter(|row| row.starts_with(kind)).count();
    // What is compared holds all that an import with corrections does.
    for (kind, least) in [
        ("order ", ORDERS.end as usize - 100),
        ("line ", 50_000),
        ("customer ", 1_000),
        ("identity ", 1_000),
        ("profile ", 1_000),
        ("prior ", 3_000),
        ("confirmed ", 1_000),
        ("note ", 100),
        ("import ", 2),
    ] {
        assert!(of(kind) >= least, "{} rows of {kind}", of(kind));
    }
    assert_eq!(of("stale "), 0);
    let missing: Vec<_> = right.iter().filter(|row| got.binary_search(row).is_err()).take(3).collect();
    let other: Vec<_> = got.iter().filter(|row| right.binary_search(row).is_err()).take(3).collect();
    assert!(
        right == got,
        "{} rows and {}; only undisturbed: {missing:#?}; only here: {other:#?}",
        right.len(),
        got.len()
    );
    cluster.stop().await;
}

/// Orders of the first file, of three lines each: two batches of an import and half of one.
const FIRST: std::ops::Range<u32> = 0..16_000;
/// Orders of both files.
const ORDERS: std::ops::Range<u32> = 0..22_000;

const HEADER: &str =
    "order_id,customer_id,email,ordered_at,product_id,quantity,amount,currency,cancelled_at\n";

fn orders() -> String {
    let mut text = HEADER.to_owned();
    for order in FIRST {
        write_order(&mut text, order, order * 7 % 1_999, 0, "", 3);
    }
    text
}

/// A later file: some of the orders as they were, some edited, cancelled or of another customer, new ones, rows that cannot
/// be read, and further down more rows of orders that stand above.
fn corrections() -> String {
    let mut text = HEADER.to_owned();
    let from = FIRST.end / 2;
    for order in from..ORDERS.end {
        let customer = order * 7 % 1_999;
        let is_new = order >= FIRST.end;
        match order % 6 {
            0 => write_order(&mut text, order, customer, 150, "", 3),
            1 if !is_new => write_order(&mut text, order, customer, 0, "2026-02-01 08:00:00", 3),
            2 if !is_new => write_order(&mut text, order, (customer + 1) % 1_999, 0, "", 3),
            3 => write_order(&mut text, order, customer, 0, "", 2),
            _ => write_order(&mut text, order, customer, 0, "", 3),
        }
        if order % 100 == 0 {
            let _ = writeln!(text, "bad-{order},c1,,2026-01-05 10:00:00,P1,1,ten,EUR,");
        }
    }
    for order in (from..ORDERS.end).filter(|order| order % 60 == 0) {
        write_order(&mut text, order, order * 7 % 1_999, 900, "", 1);
    }
    text
}

fn write_order(
    text: &mut String,
    order: u32,
    customer: u32,
    more_cents: u32,
    cancelled_at: &str,
    lines: u32,
) {
    for line in 0..lines {
        let cents = 500 + order % 400 + line + more_cents;
        let (day, minute) = (order % 28 + 1, order % 60);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "o{order},c{customer},c{customer}@shop.example,2026-01-{day:02} 10:{minute:02}:00,P{line},1,{}.{:02},EUR,{cancelled_at}",
            cents / 100,
            cents % 100
        );
    }
}

async fn begin(desk: &Desk, file: &str) -> Uuid {
    let asked = json!({ "path": file, "currency": "EUR" });
    let answer = desk.post("/api/orders/import", &asked).await.expect("the api takes it");
    answer.body["job_id"].as_str().and_then(|id| id.parse().ok()).expect("a job")
}

/// How an import's job ended, and how many workers died of it.
async fn ended(desk: &Desk, import: Uuid) -> (String, i16) {
    let job = desk.wait(import, ASKED_FOR).await.expect("it ends");
    (job.state, job.crashes)
}

/// Imports a file by workers that are killed, each at one of these moments, and one that is not. Two may die of a job that runs
/// alone; a third one would have it buried.
async fn import_with_deaths(
    cluster: &mut Cluster,
    desk: &Desk,
    file: &str,
    moments: [Moment; 2],
) -> (String, i16) {
    let (ledger, tenant) = (cluster.ledger.clone(), desk.credentials().tenant_id);
    let mut import = None;
    for moment in moments {
        // Before anybody imports: so the import comes to the moment, however fast it is.
        let held = hold(&ledger, moment, tenant).await;
        let import = match import {
            Some(import) => {
                start_worker(cluster).await;
                import
            }
            None => *import.insert(begin(desk, file).await),
        };
        until(&ledger, desk, import, moment).await;
        cluster.kill_worker(0).await;
        held.rollback().await.expect("the ledger answers");
    }
    start_worker(cluster).await;
    ended(desk, import.expect("there are moments")).await
}

async fn start_worker(cluster: &mut Cluster) {
    cluster.start_worker().expect("another worker starts");
    cluster.ready().await.expect("it is ready");
}

/// Waits until an import has come to a moment, whose lock is held.
async fn until(ledger: &PgPool, desk: &Desk, import: Uuid, moment: Moment) {
    // Whoever waits for the lock is the import: nobody else of this tenant stores orders.
    let reached = format!(
        "select exists (select from platform.import_run where id = $1 and state = 'running' and {})
            and exists (select from pg_locks where locktype = 'advisory' and not granted
                        and (classid::bigint << 32 | objid::bigint) = hashtextextended($2 || $3::text, $4))",
        moment.is_reached()
    );
    let (name, number) = moment.lock();
    loop {
        let is_reached: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(reached.as_str()))
            .bind(import)
            .bind(name)
            .bind(desk.credentials().tenant_id)
            .bind(number)
            .fetch_one(ledger)
            .await
            .expect("the ledger answers");
        if is_reached {
            return;
        }
        let job = desk.job(import).await.expect("the api answers");
        assert!(
            !job.is_finished(),
            "the import is {} before its worker was killed: {:?}",
            job.state,
            job.error
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Takes the lock of a moment; an import waits for it until the transaction ends.
async fn hold(ledger: &PgPool, moment: Moment, tenant: Uuid) -> Transaction<'static, Postgres> {
    let mut tx = ledger.begin().await.expect("the ledger answers");
    let (name, number) = moment.lock();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1 || $2::text, $3))")
        .bind(name)
        .bind(tenant)
        .bind(number)
        .execute(&mut *tx)
        .await
        .expect("the lock");
    tx
}

/// All that a tenant's imports left, but for ids and times of their own; in order.
async fn stored(ledger: &PgPool, desk: &Desk) -> Vec<String> {
    let mut rows: Vec<String> = sqlx::query_scalar(
        "with bare as (select array['tenant_id', 'import_id', 'of_import', 'lines_key', 'line_key', 'taken_at', 'number', 'created_at',
                                    'since', 'refreshed_at', 'id', 'started_at', 'updated_at', 'finished_at'] as keys)
         select 'order ' || (to_jsonb(o) - keys)::text from platform.order o, bare where o.tenant_id = $1
         union all
         select 'line ' || (to_jsonb(l) - keys)::text from platform.order_line l, bare where l.tenant_id = $1
         union all
         select 'customer ' || (to_jsonb(c) - keys)::text from platform.customer c, bare where c.tenant_id = $1
         union all
         select 'identity ' || (to_jsonb(i) - keys)::text from platform.customer_identity i, bare where i.tenant_id = $1
         union all
         select 'profile ' || (to_jsonb(p) - keys)::text from platform.customer_profile p, bare where p.tenant_id = $1
         union all
         select 'prior ' || p.order_id || ' ' || (p.header - keys)::text || ' '
                || (select jsonb_agg(l.line - keys order by l.line ->> 'line_key')
                    from jsonb_array_elements(p.lines) as l (line))::text
         from platform.order_prior p, bare where p.tenant_id = $1
         union all
         select 'confirmed ' || u.order_id || ' ' || u.content
         from platform.order_confirmed c cross join lateral unnest(c.order_ids, c.contents) as u (order_id, content)
         where c.tenant_id = $1
         union all
         select 'note ' || n.number || ' ' || (to_jsonb(n) - keys)::text from platform.import_note n, bare where n.tenant_id = $1
         union all
         select 'import ' || (to_jsonb(r) - keys)::text from platform.import_run r, bare where r.tenant_id = $1
         union all
         select 'stale ' || s.customer_id from platform.stale_profile s where s.tenant_id = $1",
    )
    .bind(desk.credentials().tenant_id)
    .fetch_all(ledger)
    .await
    .expect("the ledger answers");
    rows.sort_unstable();
    rows
}
