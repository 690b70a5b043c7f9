//! Files that people reported, imported as they are into a real database: what is stored of them, and what is not. How
//! they are read is tested in `reading.rs`; here it is what a shop's owner sees afterwards.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::io::Write as _;

use chrono::{DateTime, Utc};
use database::Role;
use platform::customers::{self, Found};
use platform::identities::erased::ErasureKey;
use platform::orders::currency;
use platform::orders::file;
use platform::orders::import::{self, Import, ImportError, Next, Outcome};
use platform::orders::mapping::Stated;
use platform::orders::preview;
use platform::orders::progress::{self, Progress};
use platform::orders::reading::{DateOrder, Reading, Request, Source};
use platform::orders::rule::RevenueRule;
use platform::orders::state::compared;
use sqlx::FromRow;
use uuid::Uuid;
use world::{World, world};

const HEADER: &str = "order_id,customer_id,ordered_at,quantity,amount\n";

fn now() -> DateTime<Utc> {
    "2026-11-28T12:00:00Z".parse().expect("a time")
}

/// Imports a file as it is, in euros.
async fn try_to(
    world: &World,
    bytes: impl AsRef<[u8]>,
    stated: Stated,
) -> Result<(Uuid, Progress), ImportError> {
    let request = Request { stated, ..Request::new("EUR", now()) };
    let source = Source::Memory(bytes.as_ref().into());
    let newest_at =
        Reading::open(&source, &request).and_then(|reading| reading.newest_order(&source)).ok().flatten();
    let wanted = Import {
        id: Uuid::now_v7(),
        tenant: world.tenant,
        source: "test".to_owned(),
        size_bytes: None,
        fingerprint: None,
        is_current: false,
        newest_at,
        assumed_currency: None,
        batch_lines: 100,
        erasure_key: ErasureKey::of(&[7; 32], world.tenant),
    };
    let open = file::open(source, request);
    match import::run(&world.db, &wanted, open, |_| Next::Continue).await? {
        Outcome::Finished(progress) => Ok((wanted.id, progress)),
        Outcome::Stopped(_) => panic!("nobody stopped it"),
    }
}

async fn bring(world: &World, bytes: impl AsRef<[u8]>) -> Progress {
    try_to(world, bytes, Stated::default()).await.expect("imports").1
}

async fn refused(world: &World, bytes: impl AsRef<[u8]>) -> String {
    try_to(world, bytes, Stated::default()).await.expect_err("refused").to_string()
}

/// What is known of a customer.
#[derive(Debug, PartialEq, Eq, FromRow)]
struct Profile {
    customer_id: String,
    orders: i32,
    lines: i32,
    spend: String,
}

fn profile(customer_id: &str, orders: i32, lines: i32, spend: &str) -> Profile {
    Profile { customer_id: customer_id.to_owned(), orders, lines, spend: spend.to_owned() }
}

/// The customers who have bought something.
async fn profiles(world: &World) -> Vec<Profile> {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query_as(
        "select customer_id, orders, lines, spend::text as spend from platform.customer_profile where orders > 0 order by 1",
    )
    .fetch_all(&mut *tx)
    .await
    .expect("readable")
}

/// A text of each line that is stored, in the order of its order's id and of its amount.
async fn lines(world: &World, what: &'static str) -> Vec<String> {
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let statement = format!("select {what} from platform.order_line order by order_id, amount, line_key");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_all(&mut *tx).await.expect("readable")
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("memory takes it")
}

/// A Shopify order export as it is, and the same renamed to columns of our own.
#[tokio::test]
async fn a_shopify_export_counts_what_was_paid_for() {
    let shop = world().await;
    let text = "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Id\n\
        #1001,maya@example.com,paid,EUR,59.80,2026-10-07 09:50:26 +0200,2,Lamp,19.90,L-1,,741099\n\
        #1001,maya@example.com,,,,2026-10-07 09:50:26 +0200,1,Bulb,20.00,B-1,,\n\
        #1002,sven@example.com,voided,EUR,10.00,2026-10-08 11:00:00 +0200,1,Bulb,10.00,B-1,2026-10-08 12:00:00 +0200,741100\n";
    let progress = bring(&shop, text).await;
    assert_eq!((progress.orders_inserted, progress.rejected), (2, 0));
    assert_eq!(profiles(&shop).await, [profile("maya@example.com", 1, 2, "59.80")]);

    let renamed = world().await;
    let text = "order_id,customer_id,ordered_at,quantity,price,currency\n\
        #1001,maya@example.com,2026-10-07 09:50:26 +0200,2,19.90,GBP\n\
        #1001,,2026-10-07 09:50:26 +0200,1,20.00,\n";
    bring(&renamed, text).await;
    assert_eq!(profiles(&renamed).await, [profile("maya@example.com", 1, 2, "59.80")]);
    assert_eq!(
        lines(&renamed, "currency || ' ' || (ordered_at at time zone 'UTC')").await,
        ["GBP 2026-10-07 07:50:26", "GBP 2026-10-07 07:50:26"]
    );
}

/// A `.csv.gz` of several members, as `cat a.gz b.gz` writes it.
#[tokio::test]
async fn every_member_of_a_packed_file_counts() {
    let world = world().await;
    let packed = [gzip(&format!("{HEADER}1,c1,2026-10-01,1,5\n")), gzip("2,c1,2026-10-01,1,6\n")].concat();
    assert_eq!(bring(&world, packed).await.orders_inserted, 2);
    assert_eq!(profiles(&world).await, [profile("c1", 2, 2, "11.00")]);
}

/// Day first or month first: one file has one form.
#[tokio::test]
async fn a_file_has_one_order_of_dates() {
    let world = world().await;
    bring(
        &world,
        format!("{HEADER}1,c1,03/10/2026,1,10\n2,c1,13/10/2026,1,10\n3,c1,04/11/2026 18:30,1,10\n"),
    )
    .await;
    assert_eq!(
        lines(&world, "to_char(ordered_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')").await,
        ["2026-10-03 00:00", "2026-10-13 00:00", "2026-11-04 18:30"]
    );
}

/// Orders that were cancelled, failed or only tests, and one that was refunded.
#[tokio::test]
async fn only_what_was_sold_is_spend() {
    let world = world().await;
    bring(
        &world,
        "order_id,customer_id,ordered_at,quantity,amount,status,cancelled_at,test\n\
         1,c1,2026-10-01,1,40,completed,,\n2,c1,2026-10-02,1,900,cancelled,2026-10-02,\n\
         3,c1,2026-10-03,1,700,failed,,\n4,c1,2026-10-04,1,500,completed,,true\n5,c1,2026-10-05,1,60,refunded,,\n",
    )
    .await;
    // The fifth is a sale and its return.
    assert_eq!(profiles(&world).await, [profile("c1", 2, 3, "40.00")]);
}

/// The order was edited; then the first file comes again as a spreadsheet saved it.
#[tokio::test]
async fn an_edited_order_is_one_order_and_an_old_file_changes_nothing() {
    let world = world().await;
    let header = "order_id,customer_id,ordered_at,product_id,quantity,amount\n";
    bring(&world, format!("{header}5001,c34,2026-10-01 10:15:32,L-1,2,40.00\n")).await;
    bring(&world, format!("{header}5001,c34,2026-10-01 10:15:32,L-1,1,20.00\n")).await;
    let edited = [profile("c34", 1, 1, "20.00")];
    assert_eq!(profiles(&world).await, edited);
    let saved_again = format!("{header}5001,c34,10/1/2026 10:15,L-1,2,40\n");
    let asked = refused(&world, &saved_again).await;
    assert!(asked.contains("state `dates`"), "{asked}");
    let stated = Stated { dates: Some(DateOrder::MonthFirst), ..Stated::default() };
    let (_, progress) = try_to(&world, &saved_again, stated).await.expect("imports");
    assert_eq!((progress.orders_older, progress.orders_replaced), (1, 0));
    assert_eq!(profiles(&world).await, edited);
}

/// Orders that name no currency are taken as most others are.
#[tokio::test]
async fn the_usual_currency_is_that_of_most_orders() {
    let world = world().await;
    let usual = async |without: Option<Uuid>| {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        currency::usual(&mut tx, world.tenant, without).await.expect("readable")
    };
    assert_eq!(usual(None).await, None);
    let header = "order_id,customer_id,ordered_at,amount,currency\n";
    let rows = "1,c1,2026-10-01,5,SEK\n2,c1,2026-10-01,5,SEK\n3,c1,2026-10-01,5,USD\n";
    let (import, _) = try_to(&world, format!("{header}{rows}"), Stated::default()).await.expect("imports");
    assert_eq!(usual(None).await.as_deref(), Some("SEK"));
    // Each try of an import finds the same.
    assert_eq!(usual(Some(import)).await, None);
}

/// Others come between two tries of an import; it goes on as it began.
#[tokio::test]
async fn an_import_takes_orders_for_the_same_currency_in_each_of_its_tries() {
    let world = world().await;
    let of_import = async |import: Uuid| {
        let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
        currency::of_import(&mut tx, world.tenant, import).await.expect("readable")
    };
    let header = "order_id,customer_id,ordered_at,amount";
    let begun = Uuid::now_v7();
    let run = async || {
        let assumed = of_import(begun).await.unwrap_or_else(|| "USD".to_owned());
        let request = Request { is_currency_assumed: true, ..Request::new(&assumed, now()) };
        let text = format!("{header}\n1,c1,2026-10-01,5\n2,c1,2026-10-01,5\n3,c1,2026-10-01,5\n");
        let source = Source::Memory(text.into_bytes().into());
        let wanted = Import {
            id: begun,
            tenant: world.tenant,
            source: "test".to_owned(),
            size_bytes: None,
            fingerprint: Some(file::fingerprint(&source, &request).expect("readable")),
            is_current: false,
            newest_at: None,
            assumed_currency: Some(assumed),
            batch_lines: 1,
            erasure_key: ErasureKey::of(&[7; 32], world.tenant),
        };
        // One batch, as if the worker died then.
        import::run(&world.db, &wanted, file::open(source, request), |_| Next::Stop).await.expect("imports")
    };
    run().await;
    let rows: String = (6..10).map(|order| format!("{order},c{order},2026-10-01,5,SEK\n")).collect();
    bring(&world, format!("{header},currency\n{rows}")).await;
    // What begins now takes them for another one.
    assert_eq!(of_import(Uuid::now_v7()).await.as_deref(), Some("SEK"));
    assert_eq!(of_import(begun).await.as_deref(), Some("USD"));
    while matches!(run().await, Outcome::Stopped(_)) {}
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let stored: Vec<(String, String)> =
        sqlx::query_as("select order_id, currency from platform.order order by order_id")
            .fetch_all(&mut *tx)
            .await
            .expect("readable");
    let stored: Vec<(&str, &str)> = stored.iter().map(|(id, currency)| (&**id, &**currency)).collect();
    let expected =
        [("1", "USD"), ("2", "USD"), ("3", "USD"), ("6", "SEK"), ("7", "SEK"), ("8", "SEK"), ("9", "SEK")];
    assert_eq!(stored, expected);
}

/// The order was edited, and then put back; a preview says which file is taken for the newer one.
#[tokio::test]
async fn an_order_that_was_put_back_is_what_it_was_before_and_after() {
    let world = world().await;
    let header = "order_id,customer_id,ordered_at,product_id,quantity,amount\n";
    let file = |amount: &str, rest: &str| format!("{header}1,c1,2026-10-01,L-1,1,{amount}\n{rest}");
    let second = "2,c1,2026-10-02,L-1,1,5\n";
    let remarks = async |text: String, is_beginning: bool| {
        let mut request = Request::new("EUR", now());
        request.stated.table.is_beginning = is_beginning;
        let source = Source::Memory(text.into_bytes().into());
        let shown = preview::preview(&source, &request, RevenueRule::Paid, 0).expect("understood");
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        compared::remarks(&mut tx, world.tenant, &shown).await.expect("readable")
    };
    let told = async |text: String| {
        let remarks = remarks(text, false).await;
        remarks.into_iter().map(|remark| (remark.reason, remark.rows, remark.line)).collect::<Vec<_>>()
    };
    assert!(told(file("10", "")).await.is_empty());
    bring(&world, file("10", "")).await;
    bring(&world, file("11", second)).await;
    assert_eq!(told(file("10", second)).await, [("stored_later", 1, Some(2))]);
    // Of a beginning nobody knows what follows.
    let of_beginning = remarks(file("10", second), true).await;
    assert!(of_beginning[0].message.contains("if the rest of the file has an order"), "{of_beginning:?}");
    assert_eq!(bring(&world, file("10", second)).await.orders_older, 1);
    let newer = format!("{second}3,c1,2026-10-03,L-1,1,5\n");
    assert_eq!(told(file("10", &newer)).await, [("put_back", 1, Some(2))]);
    assert_eq!(bring(&world, file("10", &newer)).await.orders_replaced, 1);
    assert_eq!(profiles(&world).await, [profile("c1", 3, 3, "20.00")]);
    assert!(told(file("10", &newer)).await.is_empty());
}

/// Two equal lines of one order that stand apart, with another order between them.
#[tokio::test]
async fn equal_lines_apart_are_two_lines() {
    let world = world().await;
    let text = format!("{HEADER}1,c1,2026-10-01,1,5\n2,c2,2026-10-01,1,7\n1,c1,2026-10-01,1,5\n");
    bring(&world, &text).await;
    let expected = [profile("c1", 1, 2, "10.00"), profile("c2", 1, 1, "7.00")];
    assert_eq!(profiles(&world).await, expected);
    bring(&world, &text).await;
    assert_eq!(profiles(&world).await, expected);
}

/// Ragged rows, and an import of nothing.
#[tokio::test]
async fn ragged_rows_are_lines_and_nothing_is_no_success() {
    let world = world().await;
    let (import, progress) = try_to(
        &world,
        "order_id,customer_id,ordered_at,quantity,amount,category,customer_name\n1,c1,2026-10-01,1,10\n\
         2,c1,2026-10-02,1,10,Lamps\n3,c1,2026-10-03,1,10,,Ann,\n4,c1,2026-10-04,1,10,,Ann,extra\n",
        Stated::default(),
    )
    .await
    .expect("imports");
    assert_eq!((progress.inserted, progress.rejected), (3, 1));
    assert_eq!(progress.left_out, BTreeMap::from([("cells_too_many".to_owned(), 1)]));
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let notes = progress::notes(&mut tx, import, 0, 10).await.expect("answers");
    assert_eq!(notes.iter().map(|note| note.line_number).collect::<Vec<_>>(), [5]);
    drop(tx);
    let commas = format!("{HEADER}5,c1,2026-10-01,1,10,\n6,c1,2026-10-01,1,10,\n");
    assert_eq!(bring(&world, commas).await.inserted, 2);
    let said = refused(&world, format!("{HEADER}7,c1,2026-10-01,1,ten\n")).await;
    assert!(
        said.starts_with("nothing was imported: all 1 rows were left out (1 by number_unreadable)"),
        "{said}"
    );
    assert!(refused(&world, HEADER).await.contains("no rows below its header"));
}

/// Not UTF-8: no encoding costs an order.
#[tokio::test]
async fn no_encoding_costs_an_order() {
    let text = "order_id,customer_id,ordered_at,quantity,amount,note,customer_name\n\
        1,c1,2026-10-01,1,7,x,Ann\n2,c2,2026-10-01,1,7,caf\u{e9},Jos\u{e9}\n";
    let latin: Vec<u8> = text.chars().map(|sign| sign as u8).collect();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    // Most of it is UTF-8, and one name is not.
    let mixed =
        [text.replace("Ann", "\u{c5}sa M\u{fc}ller").as_bytes(), b"3,c3,2026-10-01,1,7,,Jos\xe9\n"].concat();
    for (bytes, orders) in [
        (latin, 2),
        (wide(&format!("\u{feff}{text}")), 2),
        (format!("\u{feff}\u{feff}{text}").into_bytes(), 2),
        (text.replace('\n', "\r").into_bytes(), 2),
        (format!("\u{feff}{}", text.replacen("order_id", "\"order_id\"", 1)).into_bytes(), 2),
        (mixed, 3),
    ] {
        let world = world().await;
        let progress = bring(&world, &bytes).await;
        assert_eq!((progress.orders_inserted, progress.rejected), (orders, 0), "{bytes:?}");
        let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
        let name: Option<String> =
            sqlx::query_scalar("select name from platform.customer order by customer_id desc limit 1")
                .fetch_one(&mut *tx)
                .await
                .expect("readable");
        assert_eq!(name.as_deref(), Some("Jos\u{e9}"));
    }
}

/// Two columns that mean the same.
#[tokio::test]
async fn the_exact_name_wins_and_two_addresses_stop_nothing() {
    let world = world().await;
    bring(
        &world,
        "Order ID,Order Number,Customer ID,Customer,Order Date,Quantity,Price,Unit Price,Email,Customer Email\n\
         77,1077,c9,Maya Lind,2026-10-01,2,99.00,5.00,other@example.com,maya@example.com\n",
    )
    .await;
    assert_eq!(profiles(&world).await, [profile("c9", 1, 1, "10.00")]);
    assert_eq!(lines(&world, "order_id").await, ["77"]);
}

/// One person, several ids; one address, two spellings.
#[tokio::test]
async fn an_order_belongs_to_one_customer_whoever_has_the_address() {
    let world = world().await;
    let header = "order_id,customer_id,ordered_at,quantity,amount,customer_email\n";
    let both =
        format!("{header}1,g-1,2026-09-01,1,30,Maya@Example.com\n2,g-2,2026-10-01,1,40,maya@example.com\n");
    bring(&world, both).await;
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    let known = customers::find(&mut tx, None, Some("maya@example.com")).await.expect("answers");
    assert_eq!(known, Found::Several(vec!["g-1".to_owned(), "g-2".to_owned()]));
    drop(tx);
    // The shop merged them, and exports the first order again.
    bring(&world, format!("{header}1,g-2,2026-09-01,1,30,maya@example.com\n")).await;
    assert_eq!(profiles(&world).await, [profile("g-2", 2, 2, "70.00")]);

    let other = self::world().await;
    let text = "order,customer,ordered_at,quantity,amount\n1,Maya@Example.com,2026-09-01,1,30\n2, maya@example.com ,2026-10-01,1,40\n";
    bring(&other, text).await;
    assert_eq!(profiles(&other).await, [profile("maya@example.com", 2, 2, "70.00")]);
}

/// Order numbers that begin with C are a shop's own prefix.
#[tokio::test]
async fn a_prefix_is_no_credit_note() {
    let world = world().await;
    bring(&world, format!("{HEADER}C1001,c1,2026-10-01,1,30\nC1002,c1,2026-10-02,-1,-10\n")).await;
    assert_eq!(profiles(&world).await, [profile("c1", 1, 2, "20.00")]);
}

/// A spreadsheet saved in Germany: title rows, semicolons or tabs, German names, decimal commas, a sum below.
#[tokio::test]
async fn a_spreadsheet_saved_in_germany_is_understood() {
    let text = "Umsatzliste Oktober;;;;;\n;;;;;\nBestellnummer;Kundennummer;Bestelldatum;Menge;Betrag;W\u{e4}hrung\n\
        1001;K-7;3.4.24;2;1.299,00 \u{20ac};EUR\n1002;K-8;13.04.2024 08:15;1;12,50;EUR\n1003;K-8;14.04.2024;1;(2,50);EUR\n\
        1004;K-8;15.04.2024;1;7,-;EUR\nSumme;;;5;1.316,00;\n";
    // Windows-1252 has the euro at a place of its own.
    let latin = text.chars().map(|sign| if sign == '\u{20ac}' { 0x80 } else { sign as u8 }).collect();
    for bytes in [
        text.as_bytes().to_vec(),
        latin,
        format!("sep=;\r\n{}", text.replace('\n', "\r\n")).into_bytes(),
        text.replace(';', "\t").encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ] {
        let world = world().await;
        let progress = bring(&world, &bytes).await;
        assert_eq!(profiles(&world).await, [profile("K-7", 1, 1, "1299.00"), profile("K-8", 2, 3, "17.00")]);
        assert_eq!(progress.left_out, BTreeMap::from([("sum_of_rows".to_owned(), 1)]));
    }
}
