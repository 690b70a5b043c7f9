//! What statements do to orders, customers and revenue, against a real database.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use chrono::{DateTime, Utc};
use database::{Role, Tx};
use platform::analytics::Standing;
use platform::customers::{self, Contact, Found as Customer};
use platform::directory;
use platform::identities::desk::{self, Noted};
use platform::identities::erased::ErasureKey;
use platform::identities::merge::{self, MergeError};
use platform::orders::export::{Selection, export};
use platform::orders::import::{self, Chunks, Import, ImportError, Next, Outcome, ReadError};
use platform::orders::progress::Progress;
use platform::orders::rule::{self, RevenueRule};
use platform::orders::state::{self, Counts, Source};
use platform::orders::statement::{Found, Line, Party, Payment, Place, Statement};
use platform::orders::undo::{self, UndoError, Undone};
use rust_decimal::Decimal;
use uuid::Uuid;
use world::{World, world};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn line(amount: i64) -> Line {
    Line {
        line_id: None,
        product_id: Some("L-1".to_owned()),
        category: None,
        title: None,
        quantity: Decimal::ONE,
        amount: Decimal::from(amount),
        list_amount: None,
        is_return: amount < 0,
        at: None,
    }
}

/// An order of c1, placed on 1 October.
fn order(id: &str, amounts: &[i64]) -> Statement {
    Statement {
        order_id: id.to_owned(),
        customer: Party { shop_id: Some("c1".to_owned()), ..Party::default() },
        placed_at: time("2026-10-01T10:15:32Z"),
        paid_at: None,
        fulfilled_at: None,
        cancelled_at: None,
        stated_at: None,
        is_test: false,
        payment: Payment::Placed,
        currency: "EUR".to_owned(),
        is_currency_assumed: false,
        lines: amounts.iter().map(|amount| line(*amount)).collect(),
    }
}

fn of(customer: &str, email: Option<&str>, statement: Statement) -> Statement {
    let email = email.map(str::to_owned);
    Statement {
        customer: Party { shop_id: Some(customer.to_owned()), email, ..Party::default() },
        ..statement
    }
}

async fn tx(world: &World) -> Tx {
    world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins")
}

/// States orders as a shop's system does, at a time.
async fn say(world: &World, at: &str, statements: &[Statement]) -> Counts {
    let source = Source {
        name: "shopify",
        import: None,
        taken_at: time(at),
        is_current: true,
        is_ahead: false,
        cause: Uuid::now_v7(),
        erasure_key: ErasureKey::of(&[7; 32], world.tenant),
    };
    let mut tx = tx(world).await;
    let stated = state::state(&mut tx, world.tenant, &source, statements).await.expect("stated");
    tx.commit().await.expect("commits");
    stated.counts
}

/// A file of orders, each of which stands at so many lines after the one before, and how it ends.
fn file(statements: &[Statement], end: Option<ReadError>) -> impl FnOnce(Place) -> Chunks {
    let statements = statements.to_vec();
    move |from| {
        let (sender, chunks) = tokio::sync::mpsc::channel(statements.len() + 1);
        let mut line = 2;
        for statement in statements {
            let rows = statement.lines.len() as u32;
            let (first, after) = (line, line + u64::from(rows));
            line = after;
            if first >= from.line.max(2) {
                let after = Place { offset: after * 10, line: after };
                let found =
                    Found::Order { statement, line: first, rows, is_headed: false, has_time: true, after };
                sender.try_send(Ok(vec![found])).expect("there is room");
            }
        }
        if let Some(end) = end {
            sender.try_send(Err(end)).expect("there is room");
        }
        chunks
    }
}

fn an_import(world: &World) -> Import {
    Import {
        id: Uuid::now_v7(),
        tenant: world.tenant,
        source: "test".to_owned(),
        size_bytes: None,
        fingerprint: Some([7; 32]),
        is_current: false,
        newest_at: None,
        assumed_currency: None,
        batch_lines: 2,
        erasure_key: ErasureKey::of(&[7; 32], world.tenant),
    }
}

/// Imports a file; answers the import's id and what came of it.
async fn bring(world: &World, statements: &[Statement]) -> (Uuid, Progress) {
    let import = an_import(world);
    let outcome = import::run(&world.db, &import, file(statements, None), |_| Next::Continue).await;
    let Outcome::Finished(progress) = outcome.expect("imports") else { panic!("nobody stopped it") };
    (import.id, progress)
}

/// Takes an import back, by a job of its own.
async fn take_back(world: &World, import: Uuid) -> Result<Undone, UndoError> {
    undo::run(&world.db, world.tenant, (import, Uuid::now_v7()), Utc::now(), |_| {}).await
}

/// Customer, orders, lines and spend of each profile.
async fn profiles(world: &World) -> Vec<(String, i32, i32, Decimal)> {
    let mut tx = tx(world).await;
    sqlx::query_as("select customer_id, orders, lines, spend from platform.customer_profile order by 1")
        .fetch_all(&mut *tx)
        .await
        .expect("readable")
}

fn profile(customer: &str, orders: i32, lines: i32, spend: i64) -> (String, i32, i32, Decimal) {
    (customer.to_owned(), orders, lines, Decimal::new(spend * 100, 2))
}

fn done(progress: &Progress) -> (u64, u64, u64, u64) {
    let Progress { orders_inserted, orders_replaced, orders_unchanged, orders_older, .. } = progress;
    (*orders_inserted, *orders_replaced, *orders_unchanged, *orders_older)
}

#[tokio::test]
async fn an_edited_order_replaces_the_one_before() {
    let world = world().await;
    let (_, first) = bring(&world, &[order("5001", &[40])]).await;
    assert_eq!(done(&first), (1, 0, 0, 0));
    let (_, edited) = bring(&world, &[order("5001", &[20])]).await;
    assert_eq!(done(&edited), (0, 1, 0, 0));
    assert_eq!(profiles(&world).await, [profile("c1", 1, 1, 20)]);
    // A spreadsheet cuts the time to minutes and the number to what it is.
    let saved_again = Statement { placed_at: time("2026-10-01T10:15:00Z"), ..order("5001.0", &[20]) };
    let (_, saved) = bring(&world, &[saved_again]).await;
    assert_eq!(done(&saved), (0, 0, 1, 0));
    assert_eq!(profiles(&world).await, [profile("c1", 1, 1, 20)]);
    // The file of before, imported later, says what was replaced: it is an old one.
    let (_, before) = bring(&world, &[order("5001", &[40])]).await;
    assert_eq!(done(&before), (0, 0, 0, 1));
    assert_eq!(profiles(&world).await, [profile("c1", 1, 1, 20)]);
    // So are all before it, and what is new stays news.
    let (_, newest) = bring(&world, &[order("5001", &[20, 5])]).await;
    assert_eq!(done(&newest), (0, 1, 0, 0));
    for amounts in [&[40][..], &[20]] {
        let (_, old) = bring(&world, &[order("5001", amounts)]).await;
        assert_eq!(done(&old), (0, 0, 0, 1), "{amounts:?}");
    }
    assert_eq!(profiles(&world).await, [profile("c1", 1, 2, 25)]);
    // A copy of what a shop has now is never old.
    let now = Import { is_current: true, ..an_import(&world) };
    import::run(&world.db, &now, file(&[order("5001", &[40])], None), |_| Next::Continue)
        .await
        .expect("imports");
    assert_eq!(profiles(&world).await, [profile("c1", 1, 1, 40)]);
}

/// Imports orders of a file of which it is known when the last one was placed.
async fn bring_whole(world: &World, statements: &[Statement]) -> Progress {
    let newest_at = statements.iter().map(|statement| statement.placed_at).max();
    let import = Import { newest_at, ..an_import(world) };
    let outcome = import::run(&world.db, &import, file(statements, None), |_| Next::Continue).await;
    let Outcome::Finished(progress) = outcome.expect("imports") else { panic!("nobody stopped it") };
    progress
}

#[tokio::test]
async fn an_order_is_put_back_by_a_file_that_is_newer_than_all_before_and_by_no_other() {
    let world = world().await;
    let later = |id: &str, at: &str, amount| Statement { placed_at: time(at), ..order(id, &[amount]) };
    let (second, third) = (later("2", "2026-10-02T08:00:00Z", 1), later("3", "2026-10-03T08:00:00Z", 5));
    let amount = async || profiles(&world).await[0].3;
    assert_eq!(done(&bring_whole(&world, &[order("1", &[10]), second.clone()]).await), (2, 0, 0, 0));
    // A correction that has this order alone.
    assert_eq!(done(&bring_whole(&world, &[order("1", &[11])]).await), (0, 1, 0, 0));
    // The file of before, saved again, has later orders than the correction, and none that was not known then.
    assert_eq!(done(&bring_whole(&world, &[order("1", &[10]), second.clone()]).await), (0, 0, 1, 1));
    assert_eq!(amount().await, Decimal::new(1200, 2));
    // The shop's export of the day after, in which it is what it was.
    let newer = [order("1", &[10]), second.clone(), third.clone()];
    assert_eq!(done(&bring_whole(&world, &newer).await), (1, 1, 1, 0));
    assert_eq!(amount().await, Decimal::new(1600, 2));
    // And the correction, saved again, is an old one now.
    assert_eq!(done(&bring_whole(&world, &[order("1", &[11])]).await), (0, 0, 0, 1));
    // What the shop's system said no file puts back.
    say(&world, "2026-10-04T00:00:00Z", &[order("9", &[12])]).await;
    say(&world, "2026-10-05T00:00:00Z", &[order("9", &[13])]).await;
    let fourth = later("4", "2026-10-05T08:00:00Z", 1);
    assert_eq!(done(&bring_whole(&world, &[order("9", &[12]), fourth]).await), (1, 0, 0, 1));
    assert_eq!(amount().await, Decimal::new(3000, 2));
}

/// Orders that were imported before imports told how new they are count for all imports after them, and an import that failed
/// before it stored anything counts for none.
#[tokio::test]
async fn an_old_file_puts_nothing_back_where_orders_are_newer_than_what_imports_tell() {
    let world = world().await;
    let at = |id: &str, day: u32| Statement {
        placed_at: time(&format!("2026-10-{day:02}T08:00:00Z")),
        ..order(id, &[1])
    };
    bring_whole(&world, &[order("1", &[10]), at("2", 20)]).await;
    bring_whole(&world, &[order("1", &[11])]).await;
    let mut as_before = tx(&world).await;
    sqlx::query("update platform.import_run set newest_at = null, known_until = null")
        .execute(&mut *as_before)
        .await
        .expect("updated");
    as_before.commit().await.expect("commits");
    // Two old files, of which the second is newer than the first.
    assert_eq!(done(&bring_whole(&world, &[at("3", 5)]).await), (1, 0, 0, 0));
    assert_eq!(done(&bring_whole(&world, &[order("1", &[10]), at("4", 10)]).await), (1, 0, 0, 1));
    // The newest file ends before anything of it is stored, and is imported once more.
    let newest = [order("1", &[10]), at("5", 21)];
    let import = Import { newest_at: Some(newest[1].placed_at), ..an_import(&world) };
    let torn = ReadError::Refused { class: "gzip_cut_off", message: "the gzip file ends at once".to_owned() };
    let failed = import::run(&world.db, &import, file(&[], Some(torn)), |_| Next::Continue).await;
    assert!(failed.is_err());
    assert_eq!(done(&bring_whole(&world, &newest).await), (1, 1, 0, 0));
}

#[tokio::test]
async fn a_file_without_times_takes_nothing_back_that_the_shop_said() {
    let world = world().await;
    let paid = |payment| Statement { payment, ..order("1", &[40]) };
    let cancelled_at = Some(time("2026-10-02T00:00:00Z"));
    let refunded = Statement {
        stated_at: Some(time("2026-10-03T00:00:00Z")),
        ..Statement { payment: Payment::Refunded, ..order("1", &[40, -40]) }
    };
    let cancelled = Statement { cancelled_at, stated_at: cancelled_at, ..order("2", &[60]) };
    say(&world, "2026-10-03T00:00:01Z", &[refunded, cancelled]).await;
    // An export of the first of October, uploaded now, and one that says nothing of payments.
    for old in [paid(Payment::Paid), paid(Payment::Pending), paid(Payment::Placed), order("2", &[60])] {
        let (_, progress) = bring(&world, &[old]).await;
        assert_eq!(done(&progress), (0, 0, 0, 1));
    }
    assert_eq!(profiles(&world).await, [profile("c1", 1, 2, 0)]);
    // One that knows of both and says more is news.
    let edited = [
        Statement { payment: Payment::Refunded, ..order("1", &[40, 5, -45]) },
        Statement { cancelled_at, ..order("2", &[61]) },
    ];
    let (_, progress) = bring(&world, &edited).await;
    assert_eq!(done(&progress), (0, 2, 0, 0));
}

#[tokio::test]
async fn rows_that_stand_apart_are_one_order() {
    let world = world().await;
    let parts = [
        order("1", &[5]),
        of("c2", None, order("2", &[7])),
        of("c3", None, order("3", &[7])),
        order("1", &[5]),
    ];
    let (_, progress) = bring(&world, &parts).await;
    assert_eq!((done(&progress), progress.inserted), ((3, 0, 0, 0), 4));
    assert_eq!(profiles(&world).await[0], profile("c1", 1, 2, 10));
    // However the parts are batched, the same file is the same order.
    let whole = Import { batch_lines: 100, ..an_import(&world) };
    import::run(&world.db, &whole, file(&parts, None), |_| Next::Continue).await.expect("imports");
    let mut tx = tx(&world).await;
    let again = platform::orders::progress::find(&mut tx, whole.id).await.expect("answers").expect("exists");
    assert_eq!(done(&again), (0, 0, 3, 0));
}

#[tokio::test]
async fn the_newer_statement_holds_in_any_order_of_arrival() {
    let stated = |at: &str, amount| Statement { stated_at: Some(time(at)), ..order("1", &[amount]) };
    let all = [
        stated("2026-10-01T11:00:00Z", 10),
        stated("2026-10-02T11:00:00Z", 20),
        stated("2026-10-03T11:00:00Z", 30),
        stated("2026-10-04T11:00:00Z", 20),
    ];
    for turns in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 2, 0], [3, 0, 2, 1], [1, 3, 0, 2]] {
        let world = world().await;
        for (hour, turn) in turns.into_iter().enumerate() {
            say(&world, &format!("2026-10-05T0{hour}:00:00Z"), std::slice::from_ref(&all[turn])).await;
        }
        assert_eq!(profiles(&world).await, [profile("c1", 1, 1, 20)], "{turns:?}");
    }
}

#[tokio::test]
async fn what_was_not_paid_is_no_revenue() {
    let world = world().await;
    let with = |id: &str, amount, payment| Statement { payment, ..order(id, &[amount]) };
    let orders = [
        with("1", 40, Payment::Paid),
        Statement { cancelled_at: Some(time("2026-10-02T00:00:00Z")), ..with("2", 900, Payment::Paid) },
        with("3", 700, Payment::Failed),
        Statement { is_test: true, ..with("4", 500, Payment::Paid) },
        with("5", 60, Payment::Refunded),
        with("6", 11, Payment::Pending),
        Statement { fulfilled_at: Some(time("2026-10-03T00:00:00Z")), ..with("7", 13, Payment::Authorized) },
        with("8", 600, Payment::Voided),
    ];
    bring(&world, &orders).await;
    // 1, and 5 as a sale and its return.
    assert_eq!(profiles(&world).await, [profile("c1", 2, 3, 40)]);
    for (rule, expected) in [
        (RevenueRule::Placed, Some(profile("c1", 4, 5, 64))),
        (RevenueRule::Fulfilled, Some(profile("c1", 1, 1, 13))),
        (RevenueRule::Paid, Some(profile("c1", 2, 3, 40))),
    ] {
        let mut tx = tx(&world).await;
        let version = rule::change(&mut tx, world.tenant, rule, "a test").await.expect("changed");
        tx.commit().await.expect("commits");
        assert!(version.is_some());
        rule::recount(&world.db, world.tenant, Uuid::now_v7()).await.expect("recounted");
        assert_eq!(profiles(&world).await.first().cloned(), expected, "{rule:?}");
        let mut tx = self::tx(&world).await;
        let stored = rule::read(&mut tx).await.expect("readable");
        assert_eq!((stored.rule, stored.applied), (rule, stored.version));
    }
}

#[tokio::test]
async fn the_rule_is_the_same_here_and_in_the_database() {
    let world = world().await;
    let mut tx = tx(&world).await;
    let payments = [
        Payment::Placed,
        Payment::Pending,
        Payment::Authorized,
        Payment::Paid,
        Payment::PartlyPaid,
        Payment::PartlyRefunded,
        Payment::Refunded,
        Payment::Voided,
        Payment::Failed,
    ];
    for rule in [RevenueRule::Paid, RevenueRule::Fulfilled, RevenueRule::Placed] {
        for payment in payments {
            for bits in 0..8 {
                let at = |bit: u32| (bits & bit != 0).then(|| time("2026-10-02T00:00:00Z"));
                let (fulfilled_at, cancelled_at, is_test) = (at(1), at(2), bits & 4 != 0);
                let order = Statement { payment, fulfilled_at, cancelled_at, is_test, ..order("1", &[1]) };
                let counts: bool = sqlx::query_scalar("select platform.order_counts($1, $2, $3, $4, $5)")
                    .bind(rule)
                    .bind(is_test)
                    .bind(payment.name())
                    .bind(fulfilled_at)
                    .bind(cancelled_at)
                    .fetch_one(&mut *tx)
                    .await
                    .expect("answers");
                assert_eq!(rule.counts(&order), counts, "{rule:?} {order:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_import_is_taken_back_as_a_whole() {
    let world = world().await;
    bring(&world, &[order("1", &[10, 3]), of("c2", None, order("2", &[20]))]).await;
    let before = profiles(&world).await;
    let (undone, _) = bring(
        &world,
        &[
            order("1", &[99]),
            order("3", &[30]),
            of("c3", None, order("4", &[40])),
            of("c2", None, order("2", &[50])),
        ],
    )
    .await;
    // Something newer has stated order 2 since.
    bring(&world, &[of("c2", None, order("2", &[60]))]).await;
    let result = take_back(&world, undone).await.expect("undone");
    assert_eq!(
        result,
        Undone { orders_restored: 1, orders_removed: 2, orders_confirmed: 0, orders_newer: 1 }
    );
    assert_eq!(profiles(&world).await, [before[0].clone(), profile("c2", 1, 1, 60)]);
    let again = take_back(&world, undone).await.expect_err("once");
    assert!(matches!(again, UndoError::Already(_)), "{again}");
    let unknown = take_back(&world, Uuid::now_v7()).await.expect_err("unknown");
    assert!(matches!(unknown, UndoError::Unknown), "{unknown}");
}

#[tokio::test]
async fn taking_back_both_of_two_imports_leaves_what_was_before_both() {
    let world = world().await;
    bring(&world, &[order("1", &[10])]).await;
    let (first, _) = bring(&world, &[order("1", &[20])]).await;
    let (second, _) = bring(&world, &[order("1", &[30])]).await;
    take_back(&world, first).await.expect("undone");
    assert_eq!(profiles(&world).await, [profile("c1", 1, 1, 30)]);
    take_back(&world, second).await.expect("undone");
    assert_eq!(profiles(&world).await, [profile("c1", 1, 1, 10)]);
}

#[tokio::test]
async fn an_import_that_did_not_end_says_what_of_it_counts() {
    let world = world().await;
    let cut_off =
        ReadError::Refused { class: "gzip_cut_off", message: "the gzip file ends in the middle".to_owned() };
    let orders: Vec<Statement> = (0..5).map(|number| order(&number.to_string(), &[10])).collect();
    let import = an_import(&world);
    let error = import::run(&world.db, &import, file(&orders, Some(cut_off)), |_| Next::Continue)
        .await
        .expect_err("cut off");
    let text = error.to_string();
    assert!(
        text.starts_with(
            "the gzip file ends in the middle; 5 of its lines were imported up to line 6 and count"
        ),
        "{text}"
    );
    assert_eq!(profiles(&world).await, [profile("c1", 5, 5, 50)]);
    // The mended file, as the same job's next try would read it, goes on.
    let outcome =
        import::run(&world.db, &import, file(&orders, None), |_| Next::Continue).await.expect("imports");
    assert!(matches!(outcome, Outcome::Finished(progress) if progress.inserted == 5));
    // And it can be taken back.
    take_back(&world, import.id).await.expect("undone");
    assert_eq!(profiles(&world).await, []);
}

#[tokio::test]
async fn an_import_of_nothing_fails_by_name() {
    let world = world().await;
    let nobody = Statement { customer: Party::default(), ..order("1", &[10, 20]) };
    let rounded = of("1.23E+11", None, order("2", &[10]));
    let error =
        import::run(&world.db, &an_import(&world), file(&[nobody, rounded], None), |_| Next::Continue)
            .await
            .expect_err("nothing");
    assert!(matches!(error, ImportError::Nothing(_)));
    assert_eq!(
        error.to_string(),
        "nothing was imported: all 3 rows were left out (1 by customer_id_rounded, 2 by customer_missing)"
    );
    let error = import::run(&world.db, &an_import(&world), file(&[], None), |_| Next::Continue)
        .await
        .expect_err("nothing");
    assert_eq!(error.to_string(), "nothing was imported: the file has no rows below its header");
}

#[tokio::test]
async fn one_address_of_two_customers_names_nobody_until_they_are_merged() {
    let world = world().await;
    let first = of("g-1", Some("Maya@Example.com"), order("1", &[30]));
    bring(&world, &[first.clone(), of("g-2", Some("maya@example.com"), order("2", &[40]))]).await;
    let found = async || {
        let mut tx = tx(&world).await;
        customers::find(&mut tx, None, Some(" MAYA@example.com")).await.expect("answers")
    };
    assert_eq!(found().await, Customer::Several(vec!["g-1".to_owned(), "g-2".to_owned()]));

    let mut tx = tx(&world).await;
    let merged = merge::merge(&mut tx, world.tenant, "g-2", "g-1", "ann").await.expect("merged");
    tx.commit().await.expect("commits");
    assert_eq!((merged.kept.as_str(), merged.merged.as_str(), merged.orders), ("g-2", "g-1", 1));
    assert_eq!(profiles(&world).await, [profile("g-2", 2, 2, 70)]);
    assert_eq!(found().await, Customer::One("g-2".to_owned()));
    // Exported again after the merge, under either id, order 1 is one person's.
    for (customer, at) in [("g-2", "2026-10-02T00:00:00Z"), ("g-1", "2026-10-03T00:00:00Z")] {
        let again = Statement { stated_at: Some(time(at)), ..order("1", &[30]) };
        bring(&world, &[of(customer, Some("maya@example.com"), again)]).await;
        assert_eq!(profiles(&world).await, [profile("g-2", 2, 2, 70)], "{customer}");
    }
    bring(&world, &[of("g-1", None, order("3", &[5]))]).await;
    assert_eq!(profiles(&world).await, [profile("g-2", 3, 3, 75)]);

    let mut tx = self::tx(&world).await;
    let again = merge::merge(&mut tx, world.tenant, "g-2", "g-1", "ann").await.expect_err("once");
    assert!(matches!(again, MergeError::Merged(..)), "{again}");
    drop(tx);
    let mut tx = self::tx(&world).await;
    merge::undo(&mut tx, world.tenant, merged.id, "bea").await.expect("undone");
    let trail = merge::of_customer(&mut tx, "g-1").await.expect("readable");
    tx.commit().await.expect("commits");
    assert_eq!((trail.len(), trail[0].by.as_str(), trail[0].undone_by.as_deref()), (1, "ann", Some("bea")));
    // What names g-1 is theirs, also what came since.
    assert_eq!(profiles(&world).await, [profile("g-1", 2, 2, 35), profile("g-2", 1, 1, 40)]);
    assert_eq!(found().await, Customer::Several(vec!["g-1".to_owned(), "g-2".to_owned()]));
}

#[tokio::test]
async fn what_became_known_of_a_customer_while_they_were_merged_is_theirs_afterwards() {
    let world = world().await;
    let by = |email: &str, name: &str, id: &str| Statement {
        customer: Party { email: Some(email.to_owned()), name: Some(name.to_owned()), ..Party::default() },
        ..order(id, &[1])
    };
    let (kim, ole) = ("kim@example.com", "ole@example.com");
    bring(&world, &[by(kim, "Kim", "1"), by(ole, "Ole", "2"), of("g-1", None, order("3", &[1]))]).await;
    let merged_into = async |kept: &str, merged: &str| {
        let mut tx = tx(&world).await;
        let merged = merge::merge(&mut tx, world.tenant, kept, merged, "ann").await.expect("merged");
        tx.commit().await.expect("commits");
        merged.id
    };
    let known = async |id: &str| {
        let mut tx = tx(&world).await;
        let customer = directory::get(&mut tx, id).await.expect("readable").expect("known");
        let addresses = directory::addresses(&mut tx, &customer).await.expect("readable");
        (customer.email, customer.name, addresses.join(" "))
    };
    let found = async |email: &str| {
        let mut tx = tx(&world).await;
        customers::find(&mut tx, None, Some(email)).await.expect("answers")
    };
    let undo = async |id: Uuid| {
        let mut tx = tx(&world).await;
        merge::undo(&mut tx, world.tenant, id, "ann").await.expect("undone");
        tx.commit().await.expect("commits");
    };
    let before = known(kim).await;
    assert_eq!(before, (Some(kim.to_owned()), Some("Kim".to_owned()), kim.to_owned()));
    let (first, second) = (merged_into(kim, ole).await, merged_into(kim, "g-1").await);
    assert_eq!(known(kim).await.2, format!("{ole} {kim}"));
    // What comes now for those two is said of one.
    bring(&world, &[by(ole, "Ole", "4"), of("g-1", Some("new@example.com"), order("5", &[1]))]).await;
    assert_eq!(found("new@example.com").await, Customer::One(kim.to_owned()));
    assert_eq!(profiles(&world).await, [profile(kim, 5, 5, 5)]);
    undo(second).await;
    assert_eq!(found("new@example.com").await, Customer::One("g-1".to_owned()));
    undo(first).await;
    assert_eq!(found(ole).await, Customer::One(ole.to_owned()));
    assert_eq!(known(kim).await, before);
    assert_eq!(known(ole).await.2, ole);
    assert_eq!(
        profiles(&world).await,
        [profile("g-1", 2, 2, 2), profile(kim, 1, 1, 1), profile(ole, 2, 2, 2)]
    );
}

#[tokio::test]
async fn what_became_known_of_one_who_was_merged_twice_finds_its_way_back() {
    let world = world().await;
    let orders = ["g-1", "g-2", "g-3"].map(|id| of(id, None, order(id, &[1])));
    bring(&world, &orders).await;
    let mut merging = tx(&world).await;
    let first = merge::merge(&mut merging, world.tenant, "g-2", "g-1", "ann").await.expect("merged");
    merging.commit().await.expect("commits");
    bring(&world, &[of("g-1", Some("early@example.com"), order("4", &[1]))]).await;
    let mut merging = tx(&world).await;
    let second = merge::merge(&mut merging, world.tenant, "g-3", "g-2", "ann").await.expect("merged");
    merging.commit().await.expect("commits");
    bring(&world, &[of("g-1", Some("late@example.com"), order("5", &[1]))]).await;
    let mut parting = tx(&world).await;
    merge::undo(&mut parting, world.tenant, second.id, "ann").await.expect("undone");
    merge::undo(&mut parting, world.tenant, first.id, "ann").await.expect("undone");
    parting.commit().await.expect("commits");
    let mut tx = tx(&world).await;
    for email in ["early@example.com", "late@example.com"] {
        let found = customers::find(&mut tx, None, Some(email)).await.expect("answers");
        assert_eq!(found, Customer::One("g-1".to_owned()), "{email}");
    }
}

#[tokio::test]
async fn an_address_that_both_had_stays_when_an_old_merge_is_taken_back() {
    let world = world().await;
    let email = Some("ann@example.com");
    bring(&world, &[of("g-1", email, order("1", &[1])), of("g-2", email, order("2", &[1]))]).await;
    let mut tx = tx(&world).await;
    let merged = merge::merge(&mut tx, world.tenant, "g-2", "g-1", "ann").await.expect("merged");
    // As of before it was kept what the first one was called.
    sqlx::query("update platform.customer_merge set kept_before = null")
        .execute(&mut *tx)
        .await
        .expect("updated");
    merge::undo(&mut tx, world.tenant, merged.id, "ann").await.expect("undone");
    for id in ["g-1", "g-2"] {
        let customer = directory::get(&mut tx, id).await.expect("readable").expect("known");
        assert_eq!(customer.email.as_deref(), email, "{id}");
    }
}

#[tokio::test]
async fn recency_counts_the_shops_days() {
    let world = world().await;
    let mut gateway = world.db.gateway_tx().await.expect("begins");
    let berlin = accounts::tenants::create(&mut gateway, "berlin", "berlin", "Europe/Berlin").await;
    gateway.commit().await.expect("commits");
    let world = World { tenant: berlin.expect("the slug is free").id, ..world };
    let late = Statement { placed_at: time("2026-10-01T22:30:00Z"), ..of("c2", None, order("2", &[1])) };
    bring(&world, &[order("1", &[1]), late]).await;
    let mut tx = tx(&world).await;
    for (customer, days) in [("c1", 2), ("c2", 1)] {
        let now = time("2026-10-03T08:00:00Z");
        let known = customers::profile(&mut tx, customer, now, 1).await.expect("readable").expect("known");
        assert_eq!(known.recency_days, Some(days), "{customer}");
    }
}

#[tokio::test]
async fn a_help_desks_id_names_a_customer_as_long_as_it_is_one() {
    let world = world().await;
    let (ann, bea) = (Some("ann@example.com"), Some("bea@example.com"));
    bring(&world, &[of("c1", ann, order("1", &[30])), of("c2", bea, order("2", &[40]))]).await;
    let whom = async |email: Option<&'static str>, desk_id: &'static str| {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        let contact = Contact { customer_id: None, email, desk_id: Some(desk_id) };
        let whom = customers::of_contact(&mut tx, contact).await.expect("answers");
        (whom.found, whom.is_news)
    };
    let note = async |desk_id: &'static str, customers: &[&str]| {
        let noted: Vec<Noted> = customers
            .iter()
            .map(|id| Noted { desk_id: desk_id.to_owned(), customer_id: (*id).to_owned() })
            .collect();
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        desk::note(&mut tx, &noted).await.expect("noted");
        tx.commit().await.expect("commits");
    };
    let (c1, c2) = (Customer::One("c1".to_owned()), Customer::One("c2".to_owned()));
    assert_eq!(whom(None, "7").await, (Customer::Nobody, false));
    assert_eq!(whom(ann, "7").await, (c1.clone(), true));
    note("7", &["c1"]).await;
    assert_eq!(whom(ann, "7").await, (c1.clone(), false));
    assert_eq!(whom(None, "7").await, (c1.clone(), false));
    assert_eq!(whom(Some("ann@work.example"), "7").await, (c1.clone(), false));
    assert_eq!(whom(None, "70").await, (Customer::Nobody, false));
    // An address that is somebody's goes before. Then the id is said of two, and decides nothing by itself.
    assert_eq!(whom(bea, "7").await, (c2.clone(), true));
    note("7", &["c2"]).await;
    assert_eq!(whom(None, "7").await, (Customer::Nobody, false));
    assert_eq!(whom(ann, "7").await, (c1.clone(), false));
    // Whoever is one person is named by it, and is two again when that is taken back.
    note("8", &["c1"]).await;
    let mut tx = tx(&world).await;
    let merged = merge::merge(&mut tx, world.tenant, "c2", "c1", "ann").await.expect("merged");
    tx.commit().await.expect("commits");
    assert_eq!(whom(None, "7").await, (c2.clone(), false));
    assert_eq!(whom(None, "8").await, (c2.clone(), false));
    // Nobody is noted who is another one by now, or whom the shop does not know.
    note("9", &["c1", "c3"]).await;
    assert_eq!(whom(None, "9").await, (Customer::Nobody, false));
    let mut tx = self::tx(&world).await;
    merge::undo(&mut tx, world.tenant, merged.id, "ann").await.expect("undone");
    tx.commit().await.expect("commits");
    assert_eq!(whom(None, "7").await, (Customer::Nobody, false));
    assert_eq!(whom(None, "8").await, (c1, false));

    // The id of a form, as which everybody writes, is noted for ten customers and then no more.
    let many: Vec<Statement> =
        (0..10).map(|n| of(&format!("f{n}"), None, order(&format!("f{n}"), &[1]))).collect();
    bring(&world, &many).await;
    let ids: Vec<String> = (0..10).map(|n| format!("f{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    note("form", &ids[..9]).await;
    assert_eq!(whom(bea, "form").await, (c2.clone(), true));
    note("form", &ids[9..]).await;
    assert_eq!(whom(bea, "form").await, (c2, false));
    assert_eq!(whom(None, "form").await, (Customer::Nobody, false));
}

#[tokio::test]
async fn an_address_for_an_id_is_one_customer_in_any_spelling() {
    let world = world().await;
    let orders =
        [of("Maya@Example.com", None, order("1", &[30])), of(" maya@example.COM", None, order("2", &[40]))];
    bring(&world, &orders).await;
    assert_eq!(profiles(&world).await, [profile("maya@example.com", 2, 2, 70)]);
    // An id that a spreadsheet took for a number is the same one.
    bring(&world, &[of("17850", None, order("3", &[1])), of("17850.0", None, order("4", &[2]))]).await;
    assert_eq!(profiles(&world).await[0], profile("17850", 2, 2, 3));
}

#[tokio::test]
async fn lines_of_before_there_were_orders_become_orders_with_equal_figures() {
    let world = world().await;
    let mut tx = tx(&world).await;
    sqlx::query(
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, quantity, amount,
             currency, is_return)
         select $1, gen_random_uuid(), (n / 3)::text, 'c1', '2026-10-01 10:15:32+00', 'L-1', 1, 10, 'EUR', false
         from generate_series(0, 8) n",
    )
    .bind(world.tenant)
    .execute(&mut *tx)
    .await
    .expect("inserted");
    sqlx::query("insert into platform.customer (tenant_id, customer_id) values ($1, 'c1')")
        .bind(world.tenant)
        .execute(&mut *tx)
        .await
        .expect("inserted");
    tx.commit().await.expect("commits");
    // Order 1 is stated again by a file, order 7 is new, and 0 and 2 stay what they were.
    let (_, progress) = bring(&world, &[order("1", &[10, 10, 10]), order("7", &[5])]).await;
    assert_eq!(done(&progress), (1, 1, 0, 0));
    assert_eq!(profiles(&world).await, [profile("c1", 4, 10, 95)]);
    let mut tx = self::tx(&world).await;
    let (orders, lines): (i64, i64) =
        sqlx::query_as("select count(*), sum(lines)::bigint from platform.order")
            .fetch_one(&mut *tx)
            .await
            .expect("readable");
    assert_eq!((orders, lines), (4, 10));
}

#[tokio::test]
async fn profiles_of_very_many_are_what_the_lines_say() {
    const FROM_ORDERS: &str = include_str!("../src/orders/bulk_profiles.sql");
    let world = world().await;
    let returned = Line { at: Some(time("2026-10-09T10:00:00Z")), ..line(-3) };
    let later = Line { at: Some(time("2026-10-04T10:00:00Z")), ..line(8) };
    let dollars = |statement| Statement { currency: "USD".to_owned(), ..statement };
    let orders = [
        order("1", &[10, 5]),
        Statement { lines: vec![line(7), later, returned.clone()], ..order("2", &[]) },
        Statement { lines: vec![returned], ..order("3", &[]) },
        of("c2", None, dollars(order("4", &[100]))),
        of("c2", None, order("5", &[1, 2])),
        of("c3", None, Statement { payment: Payment::Refunded, ..order("6", &[4, 6]) }),
        of("c4", None, Statement { is_test: true, ..order("7", &[4]) }),
    ];
    bring(&world, &orders).await;
    let all = async || -> Vec<String> {
        let mut tx = tx(&world).await;
        sqlx::query_scalar(
            "select (to_jsonb(p) - 'refreshed_at')::text from platform.customer_profile p order by customer_id",
        )
        .fetch_all(&mut *tx)
        .await
        .expect("readable")
    };
    let by_lines = all().await;
    assert_eq!(by_lines.len(), 3);
    let mut tx = tx(&world).await;
    let cause = Uuid::now_v7();
    for statement in [
        "insert into platform.stale_profile select tenant_id, $1, customer_id from platform.customer",
        "update platform.customer_profile set orders = 0, lines = 0, spend = 0, mean_order_value = null where $1 is not null",
    ] {
        sqlx::query(statement).bind(cause).execute(&mut *tx).await.expect("written");
    }
    for part in 0..2i64 {
        sqlx::query(FROM_ORDERS)
            .bind(world.tenant)
            .bind(cause)
            .bind(2i64)
            .bind(part)
            .execute(&mut *tx)
            .await
            .expect("derived");
    }
    let left: Vec<String> = sqlx::query_scalar("select customer_id from platform.stale_profile")
        .fetch_all(&mut *tx)
        .await
        .expect("readable");
    tx.commit().await.expect("commits");
    assert_eq!(left, ["c4"], "nothing of theirs counts");
    assert_eq!(all().await, by_lines);
}

#[tokio::test]
async fn the_day_is_the_shop_s_day() {
    let World { db, database, .. } = world().await;
    let mut gateway = db.gateway_tx().await.expect("begins");
    let tenant =
        accounts::tenants::create(&mut gateway, "berlin", "Berlin", "Europe/Berlin").await.expect("made").id;
    gateway.commit().await.expect("commits");
    let world = World { db, tenant, database };
    let late = Statement { placed_at: time("2026-10-01T22:30:00Z"), ..order("1", &[10]) };
    say(&world, "2026-10-05T00:00:00Z", &[late]).await;
    let minutes = async |until: &str| {
        let mut tx = tx(&world).await;
        let mut minutes = Vec::new();
        let everybody = Selection::Sample(1);
        let take = |line: platform::orders::export::ExportedLine<'_>| {
            minutes.push(line.minute);
            Ok(())
        };
        export(&mut tx, &everybody, "EUR", until.parse().expect("a day"), take, |_| true)
            .await
            .expect("exported");
        minutes
    };
    assert_eq!(minutes("2026-10-01").await, Vec::<i32>::new(), "in Berlin it is the second of October");
    let local = time("2026-10-02T00:30:00Z").timestamp() / 60;
    assert_eq!(minutes("2026-10-02").await.into_iter().map(i64::from).collect::<Vec<_>>(), [local]);
    let mut tx = tx(&world).await;
    let standing = Standing::read(&mut tx, tenant, time("2026-10-01T22:30:00Z")).await.expect("readable");
    assert_eq!(standing.as_of.to_string(), "2026-10-02");
    assert_eq!(standing.end(), time("2026-10-02T22:00:00Z"));
}
