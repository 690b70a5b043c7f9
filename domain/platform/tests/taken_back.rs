//! Taking imports back, when other imports state the same orders: an order stays while anybody who states it stands.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use chrono::{DateTime, Utc};
use database::Role;
use platform::identities::erased::ErasureKey;
use platform::orders::file;
use platform::orders::import::{self, Import, Next, Outcome};
use platform::orders::reading::{Request, Source};
use platform::orders::state;
use platform::orders::statement::{Line, Party, Payment, Statement};
use platform::orders::undo::{self, UndoError, Undone};
use rust_decimal::Decimal;
use uuid::Uuid;
use world::{World, world};

const HEADER: &str = "order_id,customer_id,ordered_at,quantity,amount\n";
const FIRST: &str = "1,c1,2026-10-01,1,10\n2,c2,2026-10-02,1,20\n";
/// Order 1 with another amount.
const CHANGED: &str = "1,c1,2026-10-01,1,11\n2,c2,2026-10-02,1,20\n";

fn import_of(world: &World) -> Import {
    Import {
        id: Uuid::now_v7(),
        tenant: world.tenant,
        source: "test".to_owned(),
        size_bytes: None,
        fingerprint: None,
        is_current: false,
        newest_at: None,
        assumed_currency: None,
        batch_lines: 1_000,
        erasure_key: ErasureKey::of(&[7; 32], world.tenant),
    }
}

/// Imports rows; answers the import and how many orders were new, replaced, unchanged and older.
async fn bring(world: &World, rows: &str) -> (Uuid, [u64; 4]) {
    let now = "2026-11-21T12:00:00Z".parse().expect("a time");
    let text = format!("{HEADER}{rows}");
    let open = file::open(Source::Memory(text.as_bytes().into()), Request::new("EUR", now));
    let import = import_of(world);
    let outcome = import::run(&world.db, &import, open, |_| Next::Continue).await.expect("imports");
    let Outcome::Finished(progress) = outcome else { panic!("nobody stopped it") };
    let counts = [
        progress.orders_inserted,
        progress.orders_replaced,
        progress.orders_unchanged,
        progress.orders_older,
    ];
    (import.id, counts)
}

async fn take_back(world: &World, import: Uuid) -> Undone {
    try_back(world, import).await.expect("taken back")
}

async fn try_back(world: &World, import: Uuid) -> Result<Undone, UndoError> {
    undo::run(&world.db, world.tenant, (import, Uuid::now_v7()), Utc::now(), |_| {}).await
}

/// What each order is worth, by its lines and by its customer's profile.
async fn worth(world: &World) -> Vec<String> {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query_scalar(
        "select l.order_id || ' ' || sum(l.amount)::bigint || ' ' || max(p.spend)::bigint
         from platform.order_line l join platform.order o using (tenant_id, order_id)
         join platform.customer_profile p on p.tenant_id = l.tenant_id and p.customer_id = l.customer_id
         group by l.order_id order by 1",
    )
    .fetch_all(&mut *tx)
    .await
    .expect("readable")
}

async fn rows(world: &World, table: &str) -> i64 {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from platform.{table}")))
        .fetch_one(&mut *tx)
        .await
        .expect("readable")
}

fn came(restored: i64, removed: i64, confirmed: i64, newer: i64) -> Undone {
    Undone {
        orders_restored: restored,
        orders_removed: removed,
        orders_confirmed: confirmed,
        orders_newer: newer,
    }
}

#[tokio::test]
async fn an_order_of_two_files_stays_until_both_are_taken_back() {
    for turns in [[0, 1], [1, 0]] {
        let world = world().await;
        let (first, _) = bring(&world, FIRST).await;
        let (second, counts) = bring(&world, FIRST).await;
        assert_eq!(counts, [0, 0, 2, 0]);
        let imports = [first, second];
        let kept = if turns[0] == 0 { came(0, 0, 2, 0) } else { came(0, 0, 0, 0) };
        assert_eq!(take_back(&world, imports[turns[0]]).await, kept, "{turns:?}");
        assert_eq!(worth(&world).await, ["1 10 10", "2 20 20"], "{turns:?}");
        assert_eq!(take_back(&world, imports[turns[1]]).await, came(0, 2, 0, 0), "{turns:?}");
        assert_eq!(worth(&world).await, [""; 0], "{turns:?}");
        assert_eq!((rows(&world, "order_confirmed").await, rows(&world, "order_prior").await), (0, 0));
    }
}

#[tokio::test]
async fn only_what_the_other_file_has_stays() {
    let world = world().await;
    let (first, _) = bring(&world, FIRST).await;
    let (second, counts) = bring(&world, "2,c2,2026-10-02,1,20\n3,c3,2026-10-03,1,30\n").await;
    assert_eq!(counts, [1, 0, 1, 0]);
    assert_eq!(take_back(&world, first).await, came(0, 1, 1, 0));
    assert_eq!(worth(&world).await, ["2 20 20", "3 30 30"]);
    assert_eq!(take_back(&world, second).await, came(0, 2, 0, 0));
    assert_eq!(worth(&world).await, [""; 0]);
}

#[tokio::test]
async fn three_files_with_a_change_in_between_are_taken_back_in_any_order() {
    let turns = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for turns in turns {
        let world = world().await;
        let mut imports = Vec::new();
        for (rows, counts) in [(FIRST, [2, 0, 0, 0]), (CHANGED, [0, 1, 1, 0]), (CHANGED, [0, 0, 2, 0])] {
            let (import, came) = bring(&world, rows).await;
            assert_eq!(came, counts);
            imports.push(import);
        }
        let mut standing = vec![0, 1, 2];
        for turn in turns {
            take_back(&world, imports[turn]).await;
            standing.retain(|one| *one != turn);
            let expected: &[&str] = match standing[..] {
                [] => &[],
                [0] => &["1 10 10", "2 20 20"],
                _ => &["1 11 11", "2 20 20"],
            };
            assert_eq!(worth(&world).await, expected, "{turns:?}, when {standing:?} stand");
        }
        assert_eq!((rows(&world, "order_confirmed").await, rows(&world, "order_prior").await), (0, 0));
    }
}

#[tokio::test]
async fn what_was_before_two_equal_files_comes_back_when_both_are_gone() {
    let world = world().await;
    bring(&world, FIRST).await;
    let (second, _) = bring(&world, CHANGED).await;
    let (third, _) = bring(&world, CHANGED).await;
    assert_eq!(take_back(&world, second).await, came(0, 0, 1, 0));
    assert_eq!(worth(&world).await, ["1 11 11", "2 20 20"]);
    assert_eq!(take_back(&world, third).await, came(1, 0, 0, 0));
    assert_eq!(worth(&world).await, ["1 10 10", "2 20 20"]);
}

#[tokio::test]
async fn an_old_file_states_what_is_kept_behind_something_newer() {
    let world = world().await;
    let (first, _) = bring(&world, FIRST).await;
    let (second, _) = bring(&world, CHANGED).await;
    let (again, counts) = bring(&world, FIRST).await;
    assert_eq!(counts, [0, 0, 1, 1]);
    assert_eq!(take_back(&world, first).await, came(0, 0, 2, 0));
    assert_eq!(worth(&world).await, ["1 11 11", "2 20 20"]);
    assert_eq!(take_back(&world, second).await, came(1, 0, 1, 0));
    assert_eq!(worth(&world).await, ["1 10 10", "2 20 20"]);
    assert_eq!(take_back(&world, again).await, came(0, 2, 0, 0));
    assert_eq!(worth(&world).await, [""; 0]);
}

#[tokio::test]
async fn what_the_shop_says_too_stays() {
    let world = world().await;
    let (first, _) = bring(&world, FIRST).await;
    let order = Statement {
        order_id: "1".to_owned(),
        customer: Party { shop_id: Some("c1".to_owned()), ..Party::default() },
        placed_at: "2026-10-01T00:00:00Z".parse().expect("a time"),
        paid_at: None,
        fulfilled_at: None,
        cancelled_at: None,
        stated_at: None,
        is_test: false,
        payment: Payment::Placed,
        currency: "EUR".to_owned(),
        is_currency_assumed: false,
        lines: vec![Line {
            line_id: None,
            product_id: None,
            category: None,
            title: None,
            quantity: Decimal::ONE,
            amount: Decimal::TEN,
            list_amount: None,
            is_return: false,
            at: None,
        }],
    };
    let source = state::Source {
        name: "shopify",
        import: None,
        taken_at: Utc::now(),
        is_current: true,
        is_ahead: false,
        cause: Uuid::now_v7(),
        erasure_key: ErasureKey::of(&[7; 32], world.tenant),
    };
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let stated = state::state(&mut tx, world.tenant, &source, &[order]).await.expect("stated");
    tx.commit().await.expect("commits");
    assert_eq!(stated.counts.unchanged, 1);
    assert_eq!(take_back(&world, first).await, came(0, 1, 0, 0));
    assert_eq!(worth(&world).await, ["1 10 10"]);
}

#[tokio::test]
async fn a_file_that_comes_while_another_is_taken_back_has_its_orders_at_once() {
    let world = world().await;
    bring(&world, FIRST).await;
    let (second, _) = bring(&world, CHANGED).await;
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query("update platform.import_run set state = 'undoing' where id = $1")
        .bind(second)
        .execute(&mut *tx)
        .await
        .expect("updated");
    tx.commit().await.expect("commits");
    let (third, counts) = bring(&world, CHANGED).await;
    assert_eq!(counts, [0, 0, 2, 0]);
    assert_eq!(take_back(&world, second).await, came(0, 0, 0, 0));
    assert_eq!(worth(&world).await, ["1 11 11", "2 20 20"]);
    assert_eq!(take_back(&world, third).await, came(1, 0, 0, 0));
    assert_eq!(worth(&world).await, ["1 10 10", "2 20 20"]);
}

#[tokio::test]
async fn what_a_killed_try_took_back_is_counted() {
    let world = world().await;
    // A few more than are taken back in one transaction.
    let many: String = (0..1_100).map(|order| format!("{order},c{order},2026-10-01,1,10\n")).collect();
    let (import, counts) = bring(&world, &many).await;
    assert_eq!(counts, [1_100, 0, 0, 0]);
    let job = Uuid::now_v7();
    let (db, tenant) = (world.db.clone(), world.tenant);
    let killed = tokio::spawn(async move {
        undo::run(&db, tenant, (import, job), Utc::now(), |_| panic!("it is killed here")).await
    });
    assert!(killed.await.is_err_and(|error| error.is_panic()));
    assert_eq!(rows(&world, "order").await, 100, "the first step was committed");
    let again = || undo::run(&world.db, world.tenant, (import, job), Utc::now(), |_| {});
    assert_eq!(again().await.expect("taken back"), came(0, 1_100, 0, 0));
    // Its job did not hear of that: tried again it says the same, and another one is told that it is done.
    assert_eq!(again().await.expect("answers"), came(0, 1_100, 0, 0));
    let other = try_back(&world, import).await.expect_err("once");
    assert!(matches!(other, UndoError::Already(_)), "{other}");
}

#[tokio::test]
async fn an_import_whose_job_is_over_can_be_taken_back() {
    let world = world().await;
    let (import, _) = bring(&world, FIRST).await;
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    // As one leaves it that was cancelled, or failed for good, in the middle.
    sqlx::query("update platform.import_run set state = 'running', finished_at = null where id = $1")
        .bind(import)
        .execute(&mut *tx)
        .await
        .expect("updated");
    tx.commit().await.expect("commits");
    assert_eq!(take_back(&world, import).await, came(0, 2, 0, 0));
}

#[tokio::test]
async fn what_can_be_of_no_use_any_more_is_forgotten() {
    let world = world().await;
    bring(&world, FIRST).await;
    bring(&world, FIRST).await;
    assert!(rows(&world, "order_confirmed").await > 0);
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let long_ago: DateTime<Utc> = Utc::now() - chrono::TimeDelta::days(40);
    for statement in [
        "update platform.order_confirmed set confirmed_at = $1",
        "update platform.import_run set finished_at = $1, updated_at = $1",
    ] {
        sqlx::query(statement).bind(long_ago).execute(&mut *tx).await.expect("updated");
    }
    tx.commit().await.expect("commits");
    // The import that brought them cannot be taken back any more, so nothing is noted for it.
    bring(&world, FIRST).await;
    assert_eq!(rows(&world, "order_confirmed").await, 0);
}
