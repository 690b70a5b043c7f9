//! Imports against a real database: nothing lost, nothing twice, wherever they are interrupted.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use std::io::Write as _;

use chrono::{DateTime, Utc};
use database::Role;
use platform::customers;
use platform::identities::erased::ErasureKey;
use platform::orders::file;
use platform::orders::import::{self, Chunks, Import, ImportError, Next, Outcome};
use platform::orders::preview;
use platform::orders::progress::{self, Progress};
use platform::orders::reading::{Request, Source};
use platform::orders::rule::RevenueRule;
use platform::orders::statement::Place;
use platform::orders::undo;
use rust_decimal::Decimal;
use uuid::Uuid;
use world::{World, add_tenant, world};

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().expect("a time")
}

fn log(world: &World) -> Import {
    Import {
        id: Uuid::now_v7(),
        tenant: world.tenant,
        source: "test".to_owned(),
        size_bytes: None,
        fingerprint: Some([7; 32]),
        is_current: false,
        newest_at: None,
        assumed_currency: None,
        batch_lines: 10,
        erasure_key: ErasureKey::of(&[7; 32], world.tenant),
    }
}

/// Reads a log that lies in memory.
fn open(text: &[u8]) -> impl FnOnce(Place) -> Chunks {
    file::open(Source::Memory(text.into()), Request::new("GBP", now()))
}

async fn run(world: &World, import: &Import, text: &str) -> Progress {
    match import::run(&world.db, import, open(text.as_bytes()), |_| Next::Continue).await.expect("imports") {
        Outcome::Finished(progress) => progress,
        Outcome::Stopped(_) => panic!("nobody stopped it"),
    }
}

/// Everything that an import leaves behind, to compare two ways of getting there.
async fn contents(world: &World) -> Vec<String> {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query_scalar(
        "select order_id || ' ' || product_id || ' ' || amount from platform.order_line
         union all
         select order_id || ' ' || lines || ' ' || content from platform.order
         union all
         select customer_id || ' ' || orders || ' ' || lines || ' ' || spend || ' ' || returned_value || ' '
                || coalesce(mean_order_value, 0) from platform.customer_profile
         order by 1",
    )
    .fetch_all(&mut *tx)
    .await
    .expect("readable")
}

/// Orders of one to seven lines, equal lines among them, for a few customers.
fn sample(orders: usize) -> String {
    let mut text =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for order in 0..orders {
        for line in 0..=order % 7 {
            let product = line / 2;
            let customer = order % 13;
            text.push_str(&format!(
                "{order},P{product},\"A, B\",2,2011-01-{:02} 08:00:00,1.25,{customer},UK\n",
                order % 28 + 1
            ));
        }
    }
    text
}

#[tokio::test]
async fn sales_returns_and_profiles_add_up() {
    let world = world().await;
    let text = "\u{feff}InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n\
        536365,85123A,LIGHT,6,2010-12-01 08:26:00,2.55,17850,UK\r\n\
        536365,85123A,LIGHT,6,2010-12-01 08:26:00,2.55,17850,UK\r\n\
        536366,71053,LANTERN,1,2010-12-03 10:00:00,9.40,17850,UK\r\n\
        C536379,71053,LANTERN,-1,2010-12-05 09:41:00,9.40,17850,UK\r\n\
        536367,POST,POSTAGE,1,2010-12-03 10:00:00,9.40,,UK\r\n";
    let import = log(&world);
    let progress = run(&world, &import, text).await;
    assert_eq!((progress.lines_read, progress.inserted, progress.rejected), (5, 4, 1));
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let profile = customers::profile(&mut tx, "17850", "2010-12-13T10:00:00Z".parse().expect("a time"), 2)
        .await
        .expect("answers")
        .expect("exists");
    assert_eq!((profile.orders, profile.currency.as_str(), profile.recency_days), (2, "GBP", Some(10)));
    assert_eq!(profile.spend, Decimal::new(3060, 2));
    assert_eq!(profile.returned_value, Decimal::new(940, 2));
    assert_eq!(profile.mean_order_value, Some(Decimal::new(2000, 2)));
    let recent: Vec<_> =
        profile.recent_orders.iter().map(|order| (order.order_id.as_str(), order.is_return)).collect();
    assert_eq!(recent, [("C536379", true), ("536366", false)]);
    let rejects = progress::notes(&mut tx, import.id, 0, 10).await.expect("answers");
    assert_eq!((rejects[0].line_number, rejects[0].message.as_str()), (6, "customer_id is missing"));
    assert!(rejects[0].raw.starts_with("536367,POST"));
}

#[tokio::test]
async fn a_log_imported_twice_changes_nothing() {
    let world = world().await;
    let text = sample(60);
    let lines = text.lines().count() as u64 - 1;
    let first = run(&world, &log(&world), &text).await;
    assert_eq!((first.inserted, first.duplicates, first.lines_read), (lines, 0, lines));
    let before = contents(&world).await;
    // Another import of the same log, in batches of another size; then of a later export that overlaps.
    let again = run(&world, &Import { batch_lines: 1_000, ..log(&world) }, &text).await;
    assert_eq!((again.inserted, again.duplicates), (0, lines));
    assert_eq!(contents(&world).await, before);
    let header = text.lines().next().expect("a header");
    let later = text.lines().skip_while(|line| !line.starts_with("30,")).collect::<Vec<_>>().join("\n");
    let overlap = run(&world, &log(&world), &format!("{header}\n{later}\n")).await;
    assert_eq!(overlap.inserted, 0);
    assert_eq!(contents(&world).await, before);
}

#[tokio::test]
async fn an_import_stopped_after_every_batch_ends_the_same() {
    let whole = world().await;
    let text = sample(60);
    run(&whole, &log(&whole), &text).await;
    let parts = world().await;
    let import = log(&parts);
    let mut tries = 0;
    let progress = loop {
        tries += 1;
        match import::run(&parts.db, &import, open(text.as_bytes()), |_| Next::Stop).await.expect("imports") {
            Outcome::Finished(progress) => break progress,
            Outcome::Stopped(progress) => assert!(progress.next_byte > 0),
        }
    };
    assert!(tries > 10, "{tries}");
    assert_eq!(progress.duplicates, 0, "each try went on where the last one stopped");
    assert_eq!(progress.inserted + 1, text.lines().count() as u64);
    assert_eq!(contents(&whole).await, contents(&parts).await);
    // A finished import that is tried again answers at once.
    let again =
        import::run(&parts.db, &import, open(b"not even read"), |_| Next::Continue).await.expect("answers");
    assert_eq!(again, Outcome::Finished(progress));
}

#[tokio::test]
async fn another_log_or_an_unknown_one_starts_over_harmlessly() {
    let world = world().await;
    let text = sample(40);
    let import = log(&world);
    import::run(&world.db, &import, open(text.as_bytes()), |_| Next::Stop).await.expect("stops");
    let changed = Import { fingerprint: Some([8; 32]), ..import.clone() };
    let progress = run(&world, &changed, &text).await;
    assert_eq!(progress.inserted + progress.duplicates + 1, text.lines().count() as u64);
    assert!(progress.duplicates > 0);
    let unknown = Import { fingerprint: None, ..import.clone() };
    let progress = run(&world, &unknown, &text).await;
    assert_eq!((progress.inserted, progress.duplicates + 1), (0, text.lines().count() as u64));
}

#[tokio::test]
async fn a_cancelled_or_overtaken_import_writes_nothing_more() {
    let world = world().await;
    let text = sample(40);
    let import = log(&world);
    import::run(&world.db, &import, open(text.as_bytes()), |_| Next::Stop).await.expect("stops");
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let at = progress::find(&mut tx, import.id).await.expect("answers").expect("exists");
    drop(tx);
    assert!(at.next_byte > 0 && at.inserted >= 10);
    import::cancel(&world.db, world.tenant, import.id).await.expect("cancelled");
    let before = contents(&world).await;
    let error = import::run(&world.db, &import, open(text.as_bytes()), |_| Next::Continue)
        .await
        .expect_err("cancelled");
    assert!(matches!(error, ImportError::Superseded));
    assert_eq!(contents(&world).await, before);
    let short = Import { id: Uuid::now_v7(), ..import };
    import::run(&world.db, &short, open(text.as_bytes()), |_| Next::Stop).await.expect("stops");
    let beginning = &text.as_bytes()[..100];
    let error =
        import::run(&world.db, &short, open(beginning), |_| Next::Continue).await.expect_err("too short");
    let ImportError::Read { error, progress } = error else { panic!("{error}") };
    assert_eq!(error.to_string(), "the file is shorter than what was read from it before");
    // The cancelled import brought the same lines before.
    assert!(progress.inserted + progress.duplicates >= 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_whose_last_batches_postgres_forgot_is_tried_again_and_not_taken_for_another_run() {
    let world = world().await;
    let text = sample(40);
    // What a crash leaves of the import's row: it is as it was before.
    let set_back = |import: &Import, to: &'static str| {
        let (db, tenant, import) = (world.db.clone(), world.tenant, import.id);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async move {
                let mut tx = db.tenant_tx(Role::Platform, tenant).await.expect("begins");
                sqlx::query(to).bind(import).execute(&mut *tx).await.expect("set back");
                tx.commit().await.expect("commits");
            });
        });
        Next::Continue
    };
    for (to, is_forgotten) in [
        ("update platform.import_run set next_byte = 0, next_line = 1, lanes = '{0,0}' where id = $1", true),
        ("update platform.import_run set next_byte = 0, next_line = 1, lanes[1] = 0 where id = $1", true),
        ("update platform.import_run set lanes[1] = lanes[1] + 1000 where id = $1", false),
        (
            "update platform.import_run set lanes = '{0,0}', started_at = clock_timestamp() where id = $1",
            false,
        ),
        ("update platform.import_run set lanes = '{0,0}', state = 'cancelled' where id = $1", false),
    ] {
        let import = log(&world);
        let error = import::run(&world.db, &import, open(text.as_bytes()), |_| set_back(&import, to))
            .await
            .expect_err("the row is another");
        assert_eq!(matches!(error, ImportError::Forgotten), is_forgotten, "{to}: {error}");
        assert_eq!(matches!(error, ImportError::Superseded), !is_forgotten, "{to}: {error}");
    }
}

#[tokio::test]
async fn dirt_is_rejected_line_by_line() {
    let world = world().await;
    let mut text = b"order_id,customer_id,order_date,quantity,amount\n1,c,2026-01-01,1,5\n".to_vec();
    text.extend_from_slice(b"2,c\xff,2026-01-01,1,5\n");
    text.extend(std::iter::repeat_n(b'x', 100_000));
    text.extend_from_slice(
        b"\n\n3,c,2026-01-01,1\n4,\"open,2026-01-01,1,5\n5,c,2026-01-01,1,NaN\n6,c\\x,2026-01-02,1,5.0050\n",
    );
    let import = log(&world);
    let outcome = import::run(&world.db, &import, open(&text), |_| Next::Continue).await.expect("imports");
    let Outcome::Finished(progress) = outcome else { panic!("nobody stopped it") };
    assert_eq!((progress.lines_read, progress.inserted, progress.rejected), (7, 3, 4));
    // Places are those of the text in UTF-8, in which the one odd byte has two.
    assert_eq!(progress.next_byte, text.len() as u64 + 1);
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let rejects = progress::notes(&mut tx, import.id, 0, 10).await.expect("answers");
    let lines: Vec<_> = rejects.iter().map(|reject| (reject.line_number, reject.message.as_str())).collect();
    assert_eq!(
        lines,
        [
            (4, "the line is longer than 64 KiB"),
            (6, "amount is missing"),
            (7, "a quoted cell is not closed"),
            (8, "amount is not a number"),
        ]
    );
    assert!(rejects.iter().all(|reject| reject.raw.chars().count() <= 500));
    let kept: (String, Decimal) =
        sqlx::query_as("select customer_id, amount from platform.order_line where order_id = '6'")
            .fetch_one(&mut *tx)
            .await
            .expect("stored");
    assert_eq!(kept, ("c\\x".to_owned(), Decimal::new(501, 2)));
}

#[tokio::test]
async fn an_unusable_log_says_why() {
    let world = world().await;
    let error = async |text: &str| {
        import::run(&world.db, &log(&world), open(text.as_bytes()), |_| Next::Continue)
            .await
            .expect_err("unusable")
            .to_string()
    };
    assert!(error("").await.starts_with("the file is empty"));
    assert!(error("a,b,c\n1,2,3\n").await.starts_with("there is no column for amount"));
}

#[tokio::test]
async fn tenants_do_not_see_or_disturb_each_other() {
    let world = world().await;
    let text = sample(20);
    let first = run(&world, &log(&world), &text).await;
    let other = add_tenant(&world.db, "other").await;
    let second = run(&world, &Import { tenant: other, ..log(&world) }, &text).await;
    assert_eq!(first.inserted, second.inserted);
    let mut tx = world.db.tenant_tx(Role::Platform, other).await.expect("begins");
    let seen: i64 = sqlx::query_scalar("select count(*) from platform.order_line")
        .fetch_one(&mut *tx)
        .await
        .expect("readable");
    assert_eq!(seen as u64, second.inserted);
}

#[tokio::test]
async fn customers_get_address_and_name_from_the_log() {
    let world = world().await;
    let header = "order_id,customer_id,order_date,amount,customer_email,customer_name\n";
    run(&world, &log(&world), &format!("{header}1,c,2026-01-01,5,a@b.example,Ann\n2,c,2026-01-02,5,,\n"))
        .await;
    let read = async || -> (String, String) {
        let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
        sqlx::query_as("select email, name from platform.customer")
            .fetch_one(&mut *tx)
            .await
            .expect("readable")
    };
    assert_eq!(read().await, ("a@b.example".to_owned(), "Ann".to_owned()));
    run(&world, &log(&world), &format!("{header}3,c,2026-01-03,5,new@b.example,\n")).await;
    assert_eq!(read().await, ("new@b.example".to_owned(), "Ann".to_owned()));
}

#[tokio::test]
async fn files_are_told_apart_by_their_content() {
    let directory = std::env::temp_dir().join(format!("desk-import-{}", Uuid::now_v7()));
    std::fs::create_dir(&directory).expect("writable");
    let path = directory.join("log.csv");
    std::fs::File::create(&path).expect("writable").write_all(sample(5).as_bytes()).expect("writable");
    let (source, request) = (Source::Path(path.clone()), Request::new("GBP", now()));
    let fingerprint = || file::fingerprint(&source, &request).expect("readable");
    let (first, size) = (fingerprint(), source.size_bytes().expect("readable"));
    assert_eq!(size, sample(5).len() as u64);
    assert_eq!(fingerprint(), first);
    assert_ne!(file::fingerprint(&source, &Request::new("EUR", now())).expect("readable"), first);
    let world = world().await;
    let import = Import { size_bytes: Some(size), fingerprint: Some(first), ..log(&world) };
    let open_file = file::open(source.clone(), request.clone());
    let outcome = import::run(&world.db, &import, open_file, |_| Next::Continue).await.expect("imports");
    assert!(matches!(outcome, Outcome::Finished(progress) if progress.size_bytes == Some(size)));
    std::fs::write(&path, sample(6)).expect("writable");
    assert_ne!(fingerprint(), first);
    std::fs::remove_dir_all(&directory).expect("removable");
}

/// What is noted of an import's rows by reason, and lines and sum of an order.
async fn of_order(world: &World, import: &Import, order: &str) -> (Vec<(String, i64)>, i64, Decimal) {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let notes = sqlx::query_as(
        "select reason, count(*) from platform.import_note where import_id = $1 group by reason order by 1",
    )
    .bind(import.id)
    .fetch_all(&mut *tx)
    .await
    .expect("readable");
    let (lines, sum) =
        sqlx::query_as("select count(*), sum(amount) from platform.order_line where order_id = $1")
            .bind(order)
            .fetch_one(&mut *tx)
            .await
            .expect("readable");
    (notes, lines, sum)
}

/// Order 1 of two lines, twice, with other orders between.
fn joined(header: &str, lines: [&str; 2]) -> String {
    let mut text = format!("{header}\n{}\n{}\n", lines[0], lines[1]);
    let others = if header.contains("line_id") { ",x" } else { "" };
    for order in 2..40 {
        text.push_str(&format!("{order},c{order},2026-10-01,P,1{others}\n"));
    }
    text + &format!("{}\n{}\n", lines[0], lines[1])
}

#[tokio::test]
async fn an_order_of_several_lines_that_stands_twice_counts_once() {
    let plain = joined(
        "order_id,customer_id,ordered_at,product_id,amount",
        ["1,c1,2026-10-01,A,10", "1,c1,2026-10-01,B,5"],
    );
    let with_ids = joined(
        "order_id,customer_id,ordered_at,product_id,amount,line_id",
        ["1,c1,2026-10-01,A,10,71", "1,c1,2026-10-01,B,5,72"],
    );
    // In one batch, and in several.
    for batch_lines in [10, 1_000] {
        for (text, reason) in [(&plain, "repeated_order"), (&with_ids, "repeated_block")] {
            let world = world().await;
            let import = Import { batch_lines, ..log(&world) };
            let progress = run(&world, &import, text).await;
            let told = vec![(reason.to_owned(), 1)];
            assert_eq!(of_order(&world, &import, "1").await, (told, 2, Decimal::from(15)), "{batch_lines}");
            assert_eq!((progress.rejected, progress.left_out.get(reason)), (2, Some(&2)));
            // The same file again changes nothing.
            let again = Import { batch_lines, ..log(&world) };
            let progress = run(&world, &again, text).await;
            assert_eq!((progress.orders_inserted, progress.orders_replaced), (0, 0), "{batch_lines}");
            assert_eq!(of_order(&world, &again, "1").await.1, 2);
        }
    }
}

#[tokio::test]
async fn lines_with_other_ids_or_in_an_order_of_another_head_are_no_repetition() {
    let header = "order_id,customer_id,ordered_at,product_id,amount,line_id,status";
    for (ids, status) in [(["73", "74"], "paid"), (["", ""], "cancelled")] {
        let first = if ids[0].is_empty() { ["", ""] } else { ["71", "72"] };
        let rows = |ids: [&str; 2], status: &str| {
            format!("1,c1,2026-10-01,A,10,{},{status}\n1,c1,2026-10-01,B,5,{},{status}\n", ids[0], ids[1])
        };
        let text =
            format!("{header}\n{}2,c2,2026-10-01,A,1,75,paid\n{}", rows(first, "paid"), rows(ids, status));
        let world = world().await;
        let import = Import { batch_lines: 1_000, ..log(&world) };
        run(&world, &import, &text).await;
        let told = vec![("order_in_two_places".to_owned(), 1)];
        assert_eq!(of_order(&world, &import, "1").await, (told, 4, Decimal::from(30)), "{status}");
    }
}

/// Orders of one line each.
fn single_lines(orders: impl Iterator<Item = u32>) -> String {
    orders.map(|order| format!("{order},c{order},2026-10-01,A,{order}\n")).collect()
}

const PLAIN: &str = "order_id,customer_id,ordered_at,product_id,amount\n";

/// How many lines there are in all, and how many orders.
async fn lines_and_orders(world: &World) -> (i64, i64) {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query_as("select count(*), count(distinct order_id) from platform.order_line")
        .fetch_one(&mut *tx)
        .await
        .expect("readable")
}

#[tokio::test]
async fn orders_of_one_line_count_once_where_the_file_shows_that_it_was_joined() {
    let (first, second) = (single_lines(1..31), single_lines(21..41));
    let with_header = format!("{PLAIN}{first}{PLAIN}{second}");
    let without = format!("{PLAIN}{first}{second}");
    // An order of the overlap was edited between the exports, and is told.
    let edited =
        format!("{PLAIN}{first}{}", second.replace("26,c26,2026-10-01,A,26", "26,c26,2026-10-01,A,99"));
    for (text, batch_lines, edited) in
        [(&with_header, 10, 0), (&with_header, 1_000, 0), (&without, 1_000, 0), (&edited, 1_000, 1)]
    {
        let world = world().await;
        let progress = run(&world, &Import { batch_lines, ..log(&world) }, text).await;
        assert_eq!(lines_and_orders(&world).await, (40 + edited, 40), "{batch_lines}: {text}");
        assert_eq!(progress.left_out.get("repeated_order"), Some(&(10 - edited.unsigned_abs())));
        let told = progress.remarks.get("order_stated_twice").copied().unwrap_or_default();
        assert_eq!((told, progress.remarks.get("order_in_two_places")), (edited.unsigned_abs(), None));
    }
}

#[tokio::test]
async fn orders_of_earlier_batches_count_once_wherever_the_import_is_stopped() {
    let all = single_lines(1..101);
    // The few of the last batch are known by the many before.
    let text = format!("{PLAIN}{all}{all}{}", single_lines(1..6));
    for next in [Next::Continue, Next::Stop] {
        let world = world().await;
        let import = Import { batch_lines: 100, ..log(&world) };
        let progress = loop {
            match import::run(&world.db, &import, open(text.as_bytes()), |_| next).await.expect("imports") {
                Outcome::Finished(progress) => break progress,
                Outcome::Stopped(_) => {}
            }
        };
        assert_eq!(lines_and_orders(&world).await, (100, 100), "{next:?}");
        assert_eq!(progress.left_out.get("repeated_order"), Some(&105), "{next:?}");
    }
}

#[tokio::test]
async fn a_file_in_another_order_keeps_lines_that_are_alike() {
    // In the order of products, and order 3 has the first one twice.
    let of = |product: &str| -> String {
        (1..21).map(|order| format!("{order},c{order},2026-10-01,{product},10\n")).collect()
    };
    let by_product = format!("{PLAIN}{}3,c3,2026-10-01,A,10\n{}", of("A"), of("B"));
    // Tickets in the order of guests: of each second order the other ticket stands somewhere below.
    let guests = (0..30).flat_map(|order| {
        let other = (order % 2 == 1).then(|| (order - 1) / 2 * 7 % 15).filter(|other| *other < order);
        [Some(order), other]
    });
    let tickets = format!("{PLAIN}{}", single_lines(guests.flatten().map(|order| order + 1)));
    let ticket_rows = tickets.lines().count() as i64 - 1;
    for (text, batch_lines, lines) in
        [(&by_product, 10, 41), (&by_product, 1_000, 41), (&tickets, 1_000, ticket_rows)]
    {
        let world = world().await;
        let progress = run(&world, &Import { batch_lines, ..log(&world) }, text).await;
        assert_eq!(lines_and_orders(&world).await.0, lines, "{batch_lines}: {text}");
        assert_eq!(progress.left_out.get("repeated_order"), None);
    }
    // What cannot be decided is told.
    let world = world().await;
    let import = Import { batch_lines: 1_000, ..log(&world) };
    run(&world, &import, &format!("{PLAIN}{}", single_lines([1, 2, 3, 1].into_iter()))).await;
    let told = vec![("order_in_two_places".to_owned(), 1)];
    assert_eq!(of_order(&world, &import, "1").await, (told, 2, Decimal::from(2)));
}

#[tokio::test]
async fn an_order_s_own_data_once_more_is_the_order_once_more() {
    let header = "Name,Email,Financial Status,Currency,Subtotal,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n";
    let head = |order: u32, total: u32, pieces: u32, sku: &str| {
        format!(
            "#{order},a{order}@example.com,paid,EUR,{total},2026-10-07 09:50:26 +0200,{pieces},Lamp,10,{sku}\n"
        )
    };
    let more = |order: u32, sku: &str| format!("#{order},a{order}@example.com,,,,,1,Bulb,10,{sku}\n");
    let text = [
        header.to_owned(),
        head(1, 20, 1, "L"),
        more(1, "B"),
        head(2, 10, 1, "L"),
        head(3, 10, 1, "L"),
        head(2, 10, 1, "L"),
        // Edited, in a newer export.
        head(3, 20, 2, "L"),
        // Joined and sorted by order.
        head(4, 10, 1, "L"),
        head(4, 10, 1, "L"),
        // Parts of one order, of which one has its data.
        head(5, 10, 1, "L"),
        head(6, 10, 1, "L"),
        more(5, "L").replace(",,,,,", ",,,,2026-10-07 09:50:26 +0200,"),
    ];
    let world = world().await;
    let import = Import { batch_lines: 1_000, ..log(&world) };
    let progress = run(&world, &import, &text.concat()).await;
    assert_eq!(progress.left_out.get("repeated_order"), Some(&2));
    assert_eq!(progress.left_out.get("order_stated_twice"), Some(&1));
    for (order, lines) in [("#1", 2), ("#2", 1), ("#3", 1), ("#4", 1), ("#5", 2)] {
        assert_eq!(of_order(&world, &import, order).await.1, lines, "{order}");
    }
    assert_eq!(of_order(&world, &import, "#3").await.2, Decimal::from(20), "the newer words count");
    // Where each row has been given them, they say nothing.
    let world = self::world().await;
    let import = log(&world);
    run(&world, &import, &[header.to_owned(), head(1, 20, 1, "L"), head(1, 20, 1, "L")].concat()).await;
    assert_eq!(of_order(&world, &import, "#1").await.1, 2);
}

#[tokio::test]
async fn rows_of_an_order_that_stand_apart_and_differ_are_nothing_to_tell() {
    let world = world().await;
    let import = log(&world);
    let text = "order_id,customer_id,ordered_at,product_id,amount\n\
        1,c1,2026-10-01,A,10\n2,c2,2026-10-01,A,10\n1,c1,2026-10-01,B,10\n";
    run(&world, &import, text).await;
    assert_eq!(of_order(&world, &import, "1").await, (vec![], 2, Decimal::from(20)));
}

/// Order, payment, lines, whether it counts, and what it is worth.
type Stored = (String, String, i32, bool, Decimal);

async fn stored(world: &World) -> Vec<Stored> {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query_as(
        "select o.order_id, o.payment, o.lines, o.counts,
                (select sum(l.amount) from platform.order_line l where l.order_id = o.order_id)
         from platform.order o order by 1",
    )
    .fetch_all(&mut *tx)
    .await
    .expect("readable")
}

#[tokio::test]
async fn an_order_that_came_further_between_two_joined_exports_counts_as_it_is_now() {
    let header = "Name,Email,Financial Status,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Refunded Amount\n";
    let row = |order: u32, status: &str, worth: &str, back: &str| {
        format!(
            "#{order},a{order}@example.com,{status},{worth},{worth},2026-10-07 09:50:26 +0200,1,Lamp,{worth},L,{back}\n"
        )
    };
    let older = row(991, "pending", "10.00", "0.00")
        + &row(992, "paid", "10.00", "0.00")
        + &row(993, "paid", "7.00", "0.00");
    let newer = row(991, "paid", "10.00", "0.00")
        + &row(992, "refunded", "10.00", "10.00")
        + &row(994, "paid", "5.00", "0.00");
    let order = |id: &str, payment: &str, lines, worth: i64| -> Stored {
        (id.to_owned(), payment.to_owned(), lines, true, Decimal::from(worth))
    };
    let expected = [
        order("#991", "paid", 1, 10),
        order("#992", "refunded", 2, 0),
        order("#993", "paid", 1, 7),
        order("#994", "paid", 1, 5),
    ];
    // In whatever order they were joined, with the names of the columns between or without; in one batch and in several.
    for text in [
        format!("{header}{older}{header}{newer}"),
        format!("{header}{newer}{header}{older}"),
        format!("{header}{older}{newer}"),
    ] {
        for batch_lines in [3, 1_000] {
            let world = world().await;
            let import = Import { batch_lines, ..log(&world) };
            let progress = run(&world, &import, &text).await;
            assert_eq!(stored(&world).await, expected, "{batch_lines}: {text}");
            assert_eq!(progress.orders_inserted, 4);
            let of = |told: &std::collections::BTreeMap<String, u64>| {
                told.get("order_stated_twice").copied().unwrap_or_default()
            };
            assert_eq!(of(&progress.left_out) + of(&progress.remarks), 2);
            // Again it changes nothing.
            let again = run(&world, &Import { batch_lines: 1_000, ..log(&world) }, &text).await;
            assert_eq!((again.orders_inserted, again.orders_replaced), (0, 0), "{batch_lines}: {text}");
            assert_eq!(stored(&world).await, expected, "{batch_lines}: {text}");
        }
        let source = Source::Memory(text.as_bytes().into());
        let shown = preview::preview(&source, &Request::new("GBP", now()), RevenueRule::Paid, 10)
            .expect("understood");
        assert_eq!((shown.orders, shown.orders_counted, shown.revenue["GBP"]), (4, 4, 22.into()), "{text}");
        let twice = shown.left_out.iter().find(|reason| reason.reason == "order_stated_twice");
        assert_eq!(twice.map(|reason| reason.rows), Some(2), "{text}");
    }
}

#[tokio::test]
async fn an_order_that_was_edited_and_sent_counts_as_it_is_now_where_the_newer_export_stands_first() {
    let header = "Name,Email,Financial Status,Fulfilled at,Subtotal,Created at,Lineitem quantity,Lineitem name,Lineitem price\n";
    let row = |order: u32, sent: &str, pieces: u32| {
        let worth = pieces * 10;
        format!(
            "#{order},a{order}@example.com,paid,{sent},{worth},2026-10-07 09:50:26 +0200,{pieces},Lamp,10\n"
        )
    };
    let newer = row(991, "2026-10-08 09:00:00 +0200", 2) + &row(992, "", 1);
    let older = row(991, "", 1) + &row(993, "", 1);
    let worth = |id: &str, pieces: i64| -> Stored {
        (id.to_owned(), "paid".to_owned(), 1, true, Decimal::from(pieces * 10))
    };
    for text in [format!("{header}{newer}{older}"), format!("{header}{older}{newer}")] {
        for batch_lines in [2, 1_000] {
            let world = world().await;
            run(&world, &Import { batch_lines, ..log(&world) }, &text).await;
            let expected = [worth("#991", 2), worth("#992", 1), worth("#993", 1)];
            assert_eq!(stored(&world).await, expected, "{batch_lines}: {text}");
        }
    }
}

#[tokio::test]
async fn a_file_that_was_filled_down_in_part_keeps_all_lines() {
    let header = "Name,Email,Financial Status,Currency,Subtotal,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price\n";
    let head = |order: u32, (subtotal, discount): (u32, u32), pieces: u32, price: u32| {
        format!(
            "#{order},a{order}@example.com,paid,GBP,{subtotal},{discount},2026-10-07 09:50:26 +0200,{pieces},Lamp {price},{price}\n"
        )
    };
    let text = [
        header.to_owned(),
        // As it was exported.
        head(1, (20, 0), 1, 15),
        "#1,a1@example.com,,,,,,1,Bulb,5\n".to_owned(),
        // With blank cells filled by what stands above them.
        head(2, (35, 0), 1, 10),
        head(2, (35, 0), 1, 20),
        head(2, (35, 0), 1, 5),
        head(3, (20, 10), 1, 20),
        head(3, (20, 10), 2, 5),
        // The same order in two exports, and edited between them.
        head(4, (10, 0), 1, 10),
        head(4, (20, 0), 2, 10),
        head(5, (10, 0), 1, 10),
        head(5, (10, 0), 1, 10),
    ];
    for batch_lines in [1, 1_000] {
        let world = world().await;
        run(&world, &Import { batch_lines, ..log(&world) }, &text.concat()).await;
        let of = |id: &str, lines, worth: i64| -> Stored {
            (id.to_owned(), "paid".to_owned(), lines, true, Decimal::from(worth))
        };
        let expected = [of("#1", 2, 20), of("#2", 3, 35), of("#3", 2, 20), of("#4", 1, 20), of("#5", 1, 10)];
        assert_eq!(stored(&world).await, expected, "{batch_lines}");
    }
}

#[tokio::test]
async fn an_import_that_stated_an_order_anew_is_taken_back_as_a_whole() {
    let world = world().await;
    let header =
        "Name,Email,Financial Status,Subtotal,Created at,Lineitem quantity,Lineitem name,Lineitem price\n";
    let row = |order: u32, status: &str| {
        format!("#{order},a@example.com,{status},10.00,2026-10-07 09:50:26 +0200,1,Lamp,10.00\n")
    };
    let import = Import { batch_lines: 1, ..log(&world) };
    run(&world, &import, &[header.to_owned(), row(1, "pending"), row(2, "paid"), row(1, "paid")].concat())
        .await;
    let payments: Vec<String> = stored(&world).await.into_iter().map(|order| order.1).collect();
    assert_eq!(payments, ["paid", "paid"]);
    let undone = undo::run(&world.db, world.tenant, (import.id, Uuid::now_v7()), Utc::now(), |_| ())
        .await
        .expect("taken back");
    assert_eq!((undone.orders_removed, undone.orders_restored), (2, 0));
    assert_eq!(stored(&world).await, []);
}

#[tokio::test]
async fn an_assumed_currency_changes_no_order_whose_currency_is_known() {
    let world = world().await;
    let text = format!("{PLAIN}{}", single_lines(1..3));
    let bring = async |code: &str, is_currency_assumed| {
        let request = Request { is_currency_assumed, ..Request::new(code, now()) };
        let chunks = file::open(Source::Memory(text.as_bytes().into()), request);
        let outcome = import::run(&world.db, &log(&world), chunks, |_| Next::Continue).await;
        let Outcome::Finished(progress) = outcome.expect("imports") else { panic!("nobody stopped it") };
        let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
        let codes: Vec<String> = sqlx::query_scalar(
            "select o.currency || ' ' || l.currency from platform.order o
             join platform.order_line l using (tenant_id, order_id) order by o.order_id",
        )
        .fetch_all(&mut *tx)
        .await
        .expect("readable");
        let counts = (progress.orders_inserted, progress.orders_replaced, progress.orders_unchanged);
        (counts, codes.join(", "))
    };
    assert_eq!(bring("EUR", false).await, ((2, 0, 0), "EUR EUR, EUR EUR".to_owned()));
    assert_eq!(bring("USD", true).await, ((0, 0, 2), "EUR EUR, EUR EUR".to_owned()));
    // Whoever states another one means it.
    assert_eq!(bring("USD", false).await, ((0, 2, 0), "USD USD, USD USD".to_owned()));
}
