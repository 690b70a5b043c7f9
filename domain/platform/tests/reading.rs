//! Files of people, read as orders: what shops, spreadsheets and exporters write, with its right value.

use std::collections::BTreeMap;
use std::io::Write as _;

use chrono::{DateTime, Utc};
use platform::orders::mapping::{Mapping, Stated};
use platform::orders::preview::{self, Preview};
use platform::orders::reading::{DateOrder, DecimalMark, ReadError, Reading, Request, Role, Source};
use platform::orders::rule::RevenueRule;
use platform::orders::statement::{Found, Note, NoteKind, Payment, Place, Statement};
use platform::orders::{Meaning, Status};

fn now() -> DateTime<Utc> {
    "2026-11-28T12:00:00Z".parse().expect("a time")
}

fn request() -> Request {
    Request {
        stated: Stated::default(),
        mapping: None,
        currency: "EUR".to_owned(),
        is_currency_assumed: false,
        zone: chrono_tz::Tz::UTC,
        now: now(),
    }
}

fn source(bytes: impl AsRef<[u8]>) -> Source {
    Source::Memory(bytes.as_ref().into())
}

struct Read {
    orders: Vec<Statement>,
    notes: Vec<Note>,
    rows: u32,
}

fn all(reading: &mut Reading) -> Read {
    let mut read = Read { orders: Vec::new(), notes: Vec::new(), rows: 0 };
    while let Some(found) = reading.next().expect("readable") {
        match found {
            Found::Order { statement, rows, .. } => {
                read.orders.push(statement);
                read.rows += rows;
            }
            Found::Note { note, rows, .. } => {
                read.notes.push(note);
                read.rows += rows;
            }
        }
    }
    read
}

fn read_by(bytes: impl AsRef<[u8]>, request: &Request) -> Read {
    all(&mut Reading::open(&source(bytes), request).expect("understood"))
}

fn read(bytes: impl AsRef<[u8]>) -> Read {
    read_by(bytes, &request())
}

impl Read {
    fn amounts(&self) -> Vec<String> {
        self.orders.iter().flat_map(|order| &order.lines).map(|line| line.amount.to_string()).collect()
    }

    /// Lines and reasons of what was left out.
    fn left_out(&self) -> Vec<(u64, &str)> {
        let left_out = self.notes.iter().filter(|note| note.kind == NoteKind::LeftOut);
        left_out.map(|note| (note.line, note.reason)).collect()
    }
}

fn refusal(bytes: impl AsRef<[u8]>) -> String {
    match Reading::open(&source(bytes), &request()) {
        Ok(_) => panic!("it was understood"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_shopify_export_as_it_is() {
    let text = "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Id\n\
        #1001,maya@example.com,paid,EUR,59.80,2026-10-07 09:50:26 +0200,2,Lamp,19.90,L-1,,741099\n\
        #1001,maya@example.com,,,,2026-10-07 09:50:26 +0200,1,Bulb,20.00,B-1,,\n\
        #1002,sven@example.com,voided,EUR,10.00,2026-10-08 11:00:00 +0200,1,Bulb,10.00,B-1,2026-10-08 12:00:00 +0200,741100\n";
    let mut reading = Reading::open(&source(text), &request()).expect("understood");
    assert_eq!(reading.understood().profile, "shopify_orders");
    assert!(reading.understood().unknown_columns().is_empty());
    let read = all(&mut reading);
    assert!(read.notes.is_empty(), "{:?}", read.notes);
    let [first, second] = read.orders.as_slice() else { panic!("two orders") };
    assert_eq!((first.order_id.as_str(), first.lines.len()), ("#1001", 2));
    assert_eq!(
        first.lines.iter().map(|line| line.amount).sum::<rust_decimal::Decimal>().to_string(),
        "59.80"
    );
    assert_eq!(first.customer.email.as_deref(), Some("maya@example.com"));
    assert_eq!((first.payment, first.currency.as_str()), (Payment::Paid, "EUR"));
    assert_eq!(first.placed_at.to_rfc3339(), "2026-10-07T07:50:26+00:00");
    assert_eq!((second.payment, second.cancelled_at.is_some()), (Payment::Voided, true));
}

#[test]
fn shopify_discounts_refunds_tips_and_tests() {
    let text = "Name,Email,Financial Status,Paid at,Currency,Subtotal,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Refunded Amount,Test\n\
        #1,a@example.com,partially_refunded,2026-10-07 10:00:00 +0200,EUR,45.00,5.00,2026-10-07 09:50:26 +0200,2,Lamp,20.00,L-1,15.00,\n\
        #1,a@example.com,,,,,,,1,Bulb,10.00,B-1,,\n\
        #1,a@example.com,,,,,,,1,Tip,3.00,,,\n\
        #2,b@example.com,paid,,EUR,10.00,0.00,2026-10-08 09:50:26 +0200,1,Bulb,10.00,B-1,0.00,true\n";
    let read = read(text);
    let first = &read.orders[0];
    let amounts: Vec<String> = first.lines.iter().map(|line| line.amount.to_string()).collect();
    assert_eq!(amounts, ["36.00", "9.00", "-15.00"]);
    assert!(first.lines[2].is_return);
    assert_eq!(first.lines[0].list_amount.map(|amount| amount.to_string()).as_deref(), Some("40.00"));
    assert_eq!((first.payment, first.paid_at.is_some()), (Payment::PartlyRefunded, true));
    assert_eq!((first.is_test, read.orders[1].is_test), (false, true));
    assert_eq!(read.notes.iter().map(|note| note.reason).collect::<Vec<_>>(), ["tip"]);
}

#[test]
fn blanks_are_filled_from_the_order_above() {
    let read = read(
        "order_id,customer_id,ordered_at,quantity,price,currency\n\
         #1001,maya@example.com,2026-10-07 09:50:26 +0200,2,19.90,GBP\n\
         #1001,,2026-10-07 09:50:26 +0200,1,20.00,\n",
    );
    assert!(read.notes.is_empty(), "{:?}", read.notes);
    assert_eq!((read.orders.len(), read.orders[0].currency.as_str()), (1, "GBP"));
    assert_eq!(read.amounts(), ["39.80", "20.00"]);
    assert_eq!(read.orders[0].placed_at.to_rfc3339(), "2026-10-07T07:50:26+00:00");
}

#[test]
fn one_form_of_dates_for_a_file() {
    let text = "order_id,customer_id,ordered_at,quantity,amount\n1,c1,03/10/2026,1,10\n2,c1,13/10/2026,1,10\n3,c1,04/11/2026 18:30,1,10\n";
    let times: Vec<String> = read(text).orders.iter().map(|order| order.placed_at.to_rfc3339()).collect();
    assert_eq!(
        times,
        ["2026-10-03T00:00:00+00:00", "2026-10-13T00:00:00+00:00", "2026-11-04T18:30:00+00:00"]
    );
    // Nothing proves it: the import asks.
    let open = text.replace("13/10", "11/10");
    let error = refusal(&open);
    assert!(error.contains("`03/10/2026` (line 2)") && error.ends_with("state `dates`"), "{error}");
    let stated = Stated { dates: Some(DateOrder::MonthFirst), ..Stated::default() };
    let read = read_by(&open, &Request { stated, ..request() });
    assert_eq!(read.orders[0].placed_at.to_rfc3339(), "2026-03-10T00:00:00+00:00");
    // A row far behind the sample proves it as well.
    let mut long = "order_id,customer_id,ordered_at,quantity,amount\n".to_owned();
    for order in 0..20_000 {
        long.push_str(&format!("{order},c1,03/10/2026,1,10\n"));
    }
    long.push_str("x,c1,10/13/2026,1,10\n");
    let read = self::read(&long);
    assert_eq!((read.orders.len(), read.notes.len()), (20_001, 0));
    assert!(
        read.orders
            .iter()
            .take(20_000)
            .all(|order| order.placed_at.to_rfc3339() == "2026-03-10T00:00:00+00:00")
    );
}

#[test]
fn amounts_in_all_their_dresses() {
    let cells = [
        ("1.299", None),
        ("\"1.299,00\"", Some("1299.00")),
        ("\"1,299.00\"", Some("1299.00")),
        ("\"12,50\"", Some("12.50")),
        ("\u{20ac}12.50", Some("12.50")),
        ("12.50 EUR", Some("12.50")),
        ("1\u{a0}234.50", Some("1234.50")),
        ("(12.50)", Some("-12.50")),
        ("-12.50", Some("-12.50")),
        ("12.50-", Some("-12.50")),
        ("+5", Some("5")),
        ("1e2", None),
        (".5", Some("0.5")),
        ("5.", Some("5")),
        ("12.50 USD", Some("12.50")),
    ];
    let mut text = "order_id,customer_id,ordered_at,quantity,amount\n".to_owned();
    for (index, (cell, _)) in cells.iter().enumerate() {
        text.push_str(&format!("{index},c32,2026-10-01,1,{cell}\n"));
    }
    let found: BTreeMap<String, String> = read(&text)
        .orders
        .into_iter()
        .map(|order| (order.order_id, order.lines[0].amount.to_string()))
        .collect();
    for (index, (cell, expected)) in cells.iter().enumerate() {
        assert_eq!(found.get(&index.to_string()).map(String::as_str), *expected, "{cell}");
    }
}

#[test]
fn a_file_of_another_decimal_form() {
    let text = "sep=;\norder_id;customer_id;ordered_at;quantity;amount\n1;c1;01.10.2026;1;1.299\n2;c1;13.10.2026 08:15;2,5;12,50\n";
    let read = read(text);
    assert_eq!(read.amounts(), ["1299", "12.50"]);
    assert_eq!(read.orders[1].lines[0].quantity.to_string(), "2.5");
    assert!(read.notes.is_empty());
    // Without the first line as well, and by tab.
    assert_eq!(self::read(text.trim_start_matches("sep=;\n")).amounts(), ["1299", "12.50"]);
    assert_eq!(
        self::read(text.trim_start_matches("sep=;\n").replace(';', "\t")).amounts(),
        ["1299", "12.50"]
    );
    assert_eq!(self::read(text.trim_start_matches("sep=;\n").replace(';', "|")).amounts(), ["1299", "12.50"]);
}

#[test]
fn a_point_that_may_be_either_is_asked_for() {
    let text =
        "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,1.299\n2,c1,2026-10-01,1,5\n";
    let error = refusal(text);
    assert!(error.contains("`1.299` (line 2)") && error.ends_with("state `decimal`"), "{error}");
    let by = |mark| {
        let stated = Stated { decimal: Some(mark), ..Stated::default() };
        read_by(text, &Request { stated, ..request() }).amounts()
    };
    assert_eq!(by(DecimalMark::Comma), ["1299", "5"]);
    assert_eq!(by(DecimalMark::Point), ["1.30", "5"]);
    // Three decimals that the file proves, and a currency that has them.
    let proven =
        "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,1.299\n2,c1,2026-10-01,1,0.125\n";
    assert_eq!(read(proven).amounts(), ["1.30", "0.13"]);
    // One amount of three decimals among others of two is neither rounded nor multiplied.
    let mixed =
        "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,1.299\n2,c1,2026-10-01,1,12.50\n";
    let read = read(mixed);
    assert_eq!((read.amounts(), read.left_out()), (vec!["12.50".to_owned()], vec![(2, "number_ambiguous")]));
}

#[test]
fn three_decimals_of_a_quantity_are_of_the_files_form() {
    let quantity = |text: &str| {
        let read = read(text);
        assert!(read.notes.is_empty(), "{:?}", read.notes);
        read.orders[0].lines[0].quantity.normalize().to_string()
    };
    assert_eq!(
        quantity("order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1.000,12.50\n"),
        "1"
    );
    assert_eq!(
        quantity("order_id;customer_id;ordered_at;quantity;amount\n1;c1;2026-10-01;1.000;12,50\n"),
        "1000"
    );
    assert_eq!(
        quantity("order_id;customer_id;ordered_at;quantity;amount\n1;c1;2026-10-01;1,000;12,50\n"),
        "1"
    );
    // Nothing shows the form: it is asked for.
    let error = refusal("order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1.000,12\n");
    assert!(error.ends_with("state `decimal`"), "{error}");
}

#[test]
fn an_order_has_one_currency() {
    let header = "order_id,customer_id,ordered_at,quantity,amount,currency\n";
    let read = read(format!(
        "{header}1,c1,2026-10-01,1,10,EUR\n1,c1,2026-10-01,1,12,USD\n2,c1,2026-10-01,1,5,usd\n2,c1,2026-10-01,1,5,\n\
         3,c1,2026-10-01,1,$4.00,CAD\n4,c1,2026-10-01,1,\u{20ac}4.00,CAD\n"
    ));
    let kept: Vec<_> =
        read.orders.iter().map(|order| (order.order_id.as_str(), order.currency.as_str())).collect();
    assert_eq!(kept, [("2", "USD"), ("3", "CAD")]);
    assert_eq!(read.left_out(), [(3, "other_currency"), (2, "order_incomplete"), (7, "other_currency")]);
    // A currency of three decimals, of which two are kept, is told.
    let dinars = self::read(format!("{header}1,c1,2026-10-01,1,1.299,KWD\n2,c1,2026-10-01,1,0.250,KWD\n"));
    assert_eq!(dinars.amounts(), ["1.30", "0.25"]);
    let remarks: Vec<_> = dinars.notes.iter().map(|note| (note.line, note.reason, note.kind)).collect();
    assert_eq!(remarks, [(2, "amount_rounded", NoteKind::Remark)]);
}

#[test]
fn money_that_there_is_not_is_told_by_its_name() {
    let header = "order_id,customer_id,ordered_at,quantity,amount,currency\n";
    let read = read(format!(
        "{header}1,c1,2026-10-01,1,10,ABC\n2,c1,2026-10-01,1,12,eur\n3,c1,2026-10-01,1,7.50 XYZ,\n4,c1,2026-10-01,1,9,Taler\n\
         5,c1,2026-10-01,1,3.50 USD,\n6,c1,2019-10-01,1,3,HRK\n"
    ));
    let kept: Vec<_> =
        read.orders.iter().map(|order| (order.order_id.as_str(), order.currency.as_str())).collect();
    assert_eq!(kept, [("2", "EUR"), ("5", "USD"), ("6", "HRK")]);
    assert_eq!(read.left_out(), [(2, "bad_currency"), (4, "bad_currency"), (5, "bad_currency")]);
    let said: Vec<_> =
        read.notes.iter().map(|note| (note.column.as_deref(), note.message.split(',').next())).collect();
    assert_eq!(
        said,
        [
            (Some("currency"), Some("currency is `ABC`")),
            (Some("amount"), Some("amount is written with `XYZ`")),
            (Some("currency"), Some("currency is `Taler`")),
        ]
    );
}

#[test]
fn a_sum_below_the_table_is_no_line() {
    let header = "order_id,customer_id,ordered_at,product,quantity,amount\n";
    for sum in [",,,,3,30", ",,,Total,3,30", "Total,,,,3,30", ",,,Summe:,,30"] {
        let read = read(format!("{header}1,c1,2026-10-01,Lamp,1,10\n1,c1,2026-10-01,Bulb,2,20\n{sum}\n"));
        assert_eq!(read.amounts(), ["10", "20"], "{sum}");
        assert_eq!(read.left_out().len(), 1, "{sum}: {:?}", read.notes);
    }
    // Cells that are merged over the rows of an order are empty in all but its first.
    let merged =
        read(format!("{header}1,c1,2026-10-01,Lamp,1,10\n,,,Bulb,2,20\n2,c2,2026-10-01,Lamp,1,10\n"));
    assert_eq!(merged.orders.iter().map(|order| order.lines.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn guests_are_not_one_customer() {
    let known = |read: &Read| -> Vec<(Option<String>, Option<String>)> {
        let of = |order: &Statement| (order.customer.shop_id.clone(), order.customer.email.clone());
        read.orders.iter().map(of).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    // WooCommerce and BigCommerce write 0 for whoever ordered without an account.
    let woo = read(
        "order_id,order_date,status,customer_id,billing_email,item_quantity,item_total\n\
         1,2026-10-07,completed,0,a@example.com,1,5\n2,2026-10-07,completed,0,b@example.com,1,5\n\
         3,2026-10-07,completed,7,c@example.com,1,5\n4,2026-10-07,completed,0,,1,5\n",
    );
    assert_eq!(
        known(&woo),
        [(None, some("a@example.com")), (None, some("b@example.com")), (some("7"), some("c@example.com"))]
    );
    assert_eq!(woo.left_out(), [(5, "customer_missing")]);
    let words = read(
        "order_id,customer_id,ordered_at,quantity,amount,email\n1,Guest,2026-10-01,1,5,a@example.com\n\
         2,N/A,2026-10-01,1,5,b@example.com\n3,-,2026-10-01,1,5,\n4,0,2026-10-01,1,5,\n5,Gustav,2026-10-01,1,5,\n\
         6,0,2026-10-01,1,5,d@example.com\n7,-1,2026-10-01,1,5,e@example.com\n8,00,2026-10-01,1,5,f@example.com\n\
         9,10,2026-10-01,1,5,g@example.com\n",
    );
    assert_eq!(
        known(&words),
        [
            (None, some("a@example.com")),
            (None, some("b@example.com")),
            (some("Gustav"), None),
            (None, some("d@example.com")),
            (None, some("e@example.com")),
            (None, some("f@example.com")),
            (some("10"), some("g@example.com")),
        ]
    );
    // Where there are addresses, nobody is the customer 0.
    assert_eq!(words.left_out(), [(4, "customer_missing"), (5, "customer_missing")]);
}

#[test]
fn refunds_are_never_more_than_was_sold() {
    let read = read(
        "Name,Email,Financial Status,Currency,Subtotal,Created at,Lineitem quantity,Lineitem name,Lineitem price,Refunded Amount\n\
         #1,a@example.com,refunded,EUR,10.00,2026-10-07 09:50:26 +0200,1,Lamp,10.00,17.90\n",
    );
    assert_eq!(read.amounts(), ["10.00", "-10.00"]);
    let discount = self::read(
        "order_id,customer_id,ordered_at,quantity,unit_price,line_discount\n1,c1,2026-10-01,1,10.00,12.50\n2,c1,2026-10-01,2,10.00,-5.00\n",
    );
    assert_eq!(discount.amounts(), ["0.00", "15.00"]);
    assert!(discount.orders.iter().flat_map(|order| &order.lines).all(|line| !line.is_return));
}

#[test]
fn ids_that_a_spreadsheet_changed_are_seen_for_what_they_are() {
    let header = "order_id,customer_id,ordered_at,quantity,amount\n";
    let read = read(format!(
        "{header}1.23457E+12,c1,2026-10-01,1,5\n\"=\"\"0815\"\"\",c1,2026-10-01,1,5\n'0816,c1,2026-10-01,1,5\n17850.0,c1,2026-10-01,1,5\n"
    ));
    let ids: Vec<&str> = read.orders.iter().map(|order| order.order_id.as_str()).collect();
    assert_eq!(ids, ["0815", "0816", "17850"]);
    assert_eq!(read.left_out(), [(2, "id_shortened")]);
}

#[test]
fn states_of_orders_are_understood() {
    let read = read(
        "order_id,customer_id,ordered_at,quantity,amount,status,cancelled_at,test,note\n\
         1,c1,2026-10-01,1,40,completed,,,x\n2,c1,2026-10-02,1,900,cancelled,2026-10-02,,\n\
         3,c1,2026-10-03,1,700,failed,,,\n4,c1,2026-10-04,1,500,completed,,true,\n5,c1,2026-10-05,1,60,refunded,,,\n\
         6,c1,2026-10-05,1,60,teleported,,,\n7,c1,2026-10-06,1,60,wc-cancelled,,,\n",
    );
    let seen: Vec<_> = read
        .orders
        .iter()
        .map(|order| (order.payment, order.cancelled_at.is_some(), order.is_test))
        .collect();
    assert_eq!(
        seen,
        [
            (Payment::Paid, false, false),
            (Payment::Placed, true, false),
            (Payment::Failed, false, false),
            (Payment::Paid, false, true),
            (Payment::Refunded, false, false),
            (Payment::Placed, false, false),
            (Payment::Placed, true, false),
        ]
    );
    let remarks: Vec<_> = read.notes.iter().map(|note| (note.line, note.reason, note.kind)).collect();
    assert_eq!(remarks, [(7, "status_unknown", NoteKind::Remark)]);
}

#[test]
fn columns_that_were_not_understood_are_named() {
    let text = "order_id,customer_id,ordered_at,quantity,amount,note,colour\n1,c1,2026-10-01,1,40,x,y\n";
    let reading = Reading::open(&source(text), &request()).expect("understood");
    assert_eq!(reading.understood().unknown_columns(), ["note", "colour"]);
}

#[test]
fn ragged_rows() {
    let read = read(
        "order_id,customer_id,ordered_at,quantity,amount,category,customer_name\n1,c1,2026-10-01,1,10\n\
         2,c1,2026-10-02,1,10,Lamps\n3,c1,2026-10-03,1,10,,Ann,\n4,c1,2026-10-04,1,10,,Ann,extra\n",
    );
    assert_eq!(read.orders.iter().map(|order| order.order_id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(read.left_out(), [(5, "cells_too_many")]);
    let commas =
        "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,10,\n2,c1,2026-10-01,1,10,\n";
    assert_eq!(self::read(commas).amounts(), ["10", "10"]);
}

#[test]
fn texts_of_other_encodings() {
    let header = "order_id,customer_id,ordered_at,quantity,amount,customer_name\n";
    let text = format!("{header}1,c1,2026-10-01,1,10,Jos\u{e9}\n");
    let name = |bytes: &[u8]| read(bytes).orders[0].customer.name.clone();
    let wide = |text: &str, swap: bool| -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    };
    let jose = Some("Jos\u{e9}".to_owned());
    let latin: Vec<u8> = text.chars().map(|sign| sign as u8).collect();
    assert_eq!(name(&latin), jose);
    assert_eq!(name(text.as_bytes()), jose);
    assert_eq!(name(format!("\u{feff}{text}").as_bytes()), jose);
    assert_eq!(name(format!("\u{feff}\u{feff}{text}").as_bytes()), jose);
    assert_eq!(name(&wide(&text, false)), jose);
    assert_eq!(name(&wide(&format!("\u{feff}{text}"), false)), jose);
    assert_eq!(name(&wide(&format!("\u{feff}{text}"), true)), jose);
    assert_eq!(name(text.replace('\n', "\r").as_bytes()), jose);
    assert_eq!(name(format!("\u{feff}{}", text.replacen("order_id", "\"order_id\"", 1)).as_bytes()), jose);
    // A single byte far behind, in a column that nobody reads, in a file that was ASCII until then.
    let mut long = format!("{}note\n", header.trim_end().replace("customer_name", ""));
    for order in 0..30_000 {
        long.push_str(&format!("{order},c1,2026-10-01,1,10,plain\n"));
    }
    let mut bytes = long.into_bytes();
    bytes.extend_from_slice(b"last,c1,2026-10-01,1,10,caf\xe9\n");
    let read = self::read(&bytes);
    assert_eq!((read.orders.len(), read.left_out().len()), (30_001, 0));
}

#[test]
fn two_columns_that_mean_the_same() {
    let text = "Order ID,Order Number,Customer ID,Customer,Order Date,Quantity,Price,Unit Price,Email,Customer Email\n\
                77,1077,c9,Maya Lind,2026-10-01,2,99.00,5.00,other@example.com,maya@example.com\n";
    let reading = Reading::open(&source(text), &request()).expect("understood");
    let doubled: Vec<&str> = reading
        .understood()
        .columns
        .iter()
        .filter(|column| column.role == Role::Doubled)
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(doubled, ["Order Number", "Customer", "Price", "Email"]);
    let read = read(text);
    let order = &read.orders[0];
    assert_eq!((order.order_id.as_str(), order.customer.shop_id.as_deref()), ("77", Some("c9")));
    assert_eq!(
        (order.customer.email.as_deref(), read.amounts()),
        (Some("maya@example.com"), vec!["10.00".to_owned()])
    );
}

#[test]
fn an_order_number_says_nothing_about_returns() {
    let text = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
        C1001,85123A,LIGHT,6,2010-12-01 08:26:00,5,17850.0,UK\nC536379,D,Discount,-1,12/13/2010 9:41,27.5,14527,UK\n";
    let read = read(text);
    assert_eq!(read.amounts(), ["30", "-27.5"]);
    assert_eq!(read.orders.iter().map(|order| order.lines[0].is_return).collect::<Vec<_>>(), [false, true]);
    assert_eq!(read.orders[0].customer.shop_id.as_deref(), Some("17850.0"));
    let told = read_by(
        "order_id,customer_id,ordered_at,quantity,amount,is_return\n1,c,2026-10-01,1,10,yes\n",
        &request(),
    );
    assert_eq!(told.amounts(), ["-10"]);
}

#[test]
fn a_row_that_cannot_be_read_takes_its_order_with_it() {
    let text = "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,10\n2,c1,2026-10-01,1,10\n\
                2,c1,2026-10-01,1,ten\n2,c1,2026-10-01,1,11\n3,c1,2026-10-01,1,10\n";
    let read = read(text);
    assert_eq!(read.orders.iter().map(|order| order.order_id.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(read.left_out(), [(4, "number_unreadable"), (3, "order_incomplete")]);
    assert_eq!(read.rows, 5);
    assert_eq!(read.notes[0].column.as_deref(), Some("amount"));
}

#[test]
fn rows_of_an_order_that_stand_apart_are_told_as_runs() {
    let text = "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,5\n2,c1,2026-10-01,1,5\n1,c1,2026-10-01,1,5\n";
    let mut reading = Reading::open(&source(text), &request()).expect("understood");
    let read = all(&mut reading);
    assert_eq!(read.orders.iter().map(|order| order.order_id.as_str()).collect::<Vec<_>>(), ["1", "2", "1"]);
}

#[test]
fn reading_goes_on_at_any_place_that_was_told() {
    let mut text = "order_id,customer_id,ordered_at,quantity,amount,title\n".to_owned();
    for order in 0..60 {
        for line in 0..=order % 4 {
            text.push_str(&format!("{order},c{},2026-10-01,1,{line}.50,\"a\nb {line}\"\n", order % 7));
        }
        if order % 9 == 0 {
            text.push_str("nonsense\nx,\"open,1\n");
        }
    }
    let whole = told(&mut Reading::open(&source(&text), &request()).expect("understood"));
    for (index, found) in whole.iter().enumerate() {
        let place = match found {
            Found::Order { after, .. } => Some(*after),
            Found::Note { after, .. } => *after,
        };
        let Some(place) = place else { continue };
        let mut again = Reading::open(&source(&text), &request()).expect("understood");
        again.go_on_at(place).expect("it is there");
        assert_eq!(told(&mut again), whole[index + 1..], "from {place:?}");
    }
    let mut short = Reading::open(&source(&text[..200]), &request()).expect("understood");
    assert!(short.go_on_at(Place { offset: 900, line: 20 }).is_err());
}

fn told(reading: &mut Reading) -> Vec<Found> {
    let mut told = Vec::new();
    while let Some(found) = reading.next().expect("readable") {
        told.push(found);
    }
    told
}

#[test]
fn what_is_cut_off_says_how_far_it_got() {
    let mut text = "order_id,customer_id,ordered_at,quantity,amount\n".to_owned();
    for order in 0..30_000 {
        text.push_str(&format!("{order},c{},2026-10-01,1,{}.50\n", order % 701, order % 89));
    }
    let packed = gzip(text.as_bytes());
    let mut reading = Reading::open(&source(&packed[..packed.len() / 2]), &request()).expect("understood");
    let mut orders = 0;
    let error = loop {
        match reading.next() {
            Ok(Some(_)) => orders += 1,
            Ok(None) => panic!("the end is missing"),
            Err(error) => break error,
        }
    };
    assert!(orders > 10_000, "{orders}");
    let said = error.to_string();
    assert!(said.contains("cut off") && said.contains("gzip"), "{said}");
    assert!(matches!(error, ReadError::Table(_)));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("it ends")
}

#[test]
fn joined_gzip_files_are_one_file() {
    let one = gzip(b"order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-01,1,5\n");
    let two = gzip(b"2,c1,2026-10-01,1,6\n");
    assert_eq!(read([one.clone(), two, vec![0; 512]].concat()).amounts(), ["5", "6"]);
    // Each with its header.
    let twice = read([one.clone(), one].concat());
    assert_eq!(
        (twice.amounts(), twice.left_out()),
        (vec!["5".to_owned(), "5".to_owned()], vec![(3, "header_repeated")])
    );
}

#[test]
fn a_mapping_explains_what_no_profile_knows() {
    let mapping = Mapping {
        columns: [
            ("Beleg", Meaning::OrderId),
            ("Kundennummer", Meaning::CustomerId),
            ("Datum", Meaning::OrderedAt),
            ("Umsatz", Meaning::Amount),
            ("Zustand", Meaning::Status),
        ]
        .map(|(name, meaning)| (name.to_owned(), meaning))
        .into(),
        statuses: [("weg".to_owned(), Status::Cancelled)].into(),
        currency: Some("CHF".to_owned()),
        stated: Stated::default(),
    };
    mapping.check().expect("it is complete");
    let text = "Umsatzliste Oktober\nBeleg;Datum;Kundennummer;Umsatz;Zustand;Lager\n1;13.10.2026;4711;1.299,00;bezahlt;A\n2;14.10.2026;4711;12,00;weg;A\n";
    let request = Request { mapping: Some(mapping), ..request() };
    let mut reading = Reading::open(&source(text), &request).expect("understood");
    assert_eq!(reading.understood().file.header_line, 2);
    assert_eq!(reading.understood().unknown_columns(), ["Lager"]);
    let read = all(&mut reading);
    assert_eq!(
        (read.amounts(), read.orders[0].currency.as_str()),
        (vec!["1299.00".to_owned(), "12.00".to_owned()], "CHF")
    );
    assert_eq!((read.orders[0].payment, read.orders[1].cancelled_at.is_some()), (Payment::Paid, true));
}

#[test]
fn other_exports_are_known() {
    let profile = |text: &str| {
        let mut reading = Reading::open(&source(text), &request()).expect("understood");
        let name = reading.understood().profile;
        assert!(
            reading.understood().unknown_columns().is_empty(),
            "{:?}",
            reading.understood().unknown_columns()
        );
        let read = all(&mut reading);
        assert!(read.left_out().is_empty(), "{:?}", read.notes);
        let order = read.orders[0].clone();
        let amounts: Vec<String> = order.lines.iter().map(|line| line.amount.to_string()).collect();
        (name, order.order_id, order.payment, amounts.join(" "))
    };
    let expect = |name, id: &str, payment, amounts: &str| (name, id.to_owned(), payment, amounts.to_owned());
    assert_eq!(
        profile(
            "order_id,order_number,order_date,status,customer_id,billing_email,item_id,item_sku,item_name,item_quantity,item_subtotal,item_total,item_refunded,order_currency\n\
                 91,91,2026-10-07 09:50:26,refunded,5,a@example.com,12,L-1,Lamp,2,40.00,36.00,36.00,EUR\n"
        ),
        expect("woocommerce_items", "91", Payment::Refunded, "36.00 -36.00")
    );
    assert_eq!(
        profile(
            "ID,Purchase Point,Purchase Date,Bill-to Name,Ship-to Name,Grand Total (Base),Grand Total (Purchased),Status,Customer Email,Customer Group,Subtotal,Shipping and Handling,Total Refunded\n\
                 000000012,Main,\"Oct 7, 2026 9:50:26 AM\",Ann,Ann,59.80,59.80,Complete,a@example.com,General,49.80,10.00,0.00\n"
        ),
        expect("magento_orders", "000000012", Payment::Paid, "49.80")
    );
    assert_eq!(
        profile(
            "Order ID,Customer ID,Customer Name,Customer Email,Order Date,Order Status,Subtotal (inc tax),Order Total (inc tax),Product SKU,Product Name,Product Qty,Product Unit Price\n\
                 100,7,Ann,a@example.com,13/10/2026,Shipped,20.00,25.00,L-1,Lamp,2,10.00\n"
        ),
        expect("bigcommerce_products", "100", Payment::Paid, "20.00")
    );
    assert_eq!(
        profile(
            "order-id\torder-item-id\tpurchase-date\tpayments-date\tbuyer-email\tbuyer-name\tsku\tproduct-name\tquantity-purchased\tcurrency\titem-price\n\
                 114-1\t77\t2026-10-07T09:50:26+00:00\t2026-10-07T09:50:26+00:00\tx@marketplace.example\tAnn\tL-1\tLamp\t2\tEUR\t20.00\n"
        ),
        expect("amazon_new_orders", "114-1", Payment::Paid, "20.00")
    );
    assert_eq!(
        profile(
            "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Captured,Customer ID,Customer Email,Mode\n\
                 ch_1,2026-10-07 09:50:26,59.80,9.80,eur,Paid,true,cus_1,a@example.com,Live\n"
        ),
        expect("stripe_charges", "ch_1", Payment::Paid, "59.80 -9.80")
    );
    assert_eq!(
        profile("Email,Event ID,Timestamp,Value\na@example.com,e1,1795168800,12.50\n"),
        expect("klaviyo_events", "e1", Payment::Placed, "12.50")
    );
    // Amazon's other report names no buyers.
    let nobody = read(
        "amazon-order-id\tpurchase-date\torder-status\tsku\tquantity\tcurrency\titem-price\tbuyer-name\n1\t2026-10-07T09:50:26+00:00\tShipped\tL\t1\tEUR\t5.00\tAnn\n",
    );
    assert_eq!((nobody.orders.len(), nobody.left_out()), (0, vec![(2, "customer_missing")]));
}

#[test]
fn a_preview_says_what_an_import_would_do() {
    let show = |text: &str| -> Preview {
        preview::preview(&source(text), &request(), RevenueRule::Paid, 5).expect("shown")
    };
    let text = "order_id,customer_id,ordered_at,quantity,amount,note\n1,c1,03/10/2026,1,10,\n2,c1,04/10/2026,1,ten,\n3,c1,04/10/2026,1,12,\n";
    let shown = show(text);
    assert_eq!((shown.is_whole, shown.rows, shown.orders), (true, 3, 0));
    assert!(shown.problem.as_deref().is_some_and(|problem| problem.contains("day first or month first")));
    let shown = show(&text.replace("04/10", "24/10"));
    assert_eq!((shown.rows, shown.orders, shown.problem), (3, 2, None));
    assert_eq!(shown.sample[1].line, 4);
    assert_eq!(shown.worth["EUR"].to_string(), "22");
    let reason = &shown.left_out[0];
    assert_eq!(
        (reason.reason, reason.rows, reason.line, reason.column.as_deref()),
        ("number_unreadable", 1, Some(3), Some("amount"))
    );
    assert_eq!(shown.understood.unknown_columns(), ["note"]);
    assert!(matches!(
        preview::preview(&source("a,b\n1,2\n"), &request(), RevenueRule::Paid, 5),
        Err(ReadError::Missing { .. })
    ));
    // Of a large file parts are looked at.
    let mut long = "order_id,customer_id,ordered_at,quantity,amount\n".to_owned();
    for order in 0..100_000 {
        long.push_str(&format!(
            "{order},c1,2026-10-01,1,{}\n",
            if order == 50_300 { "ten" } else { "12.50" }
        ));
    }
    let shown = show(&long);
    assert!(!shown.is_whole && shown.rows >= 12_000, "{}", shown.rows);
    assert_eq!((shown.left_out.len(), shown.left_out[0].line), (1, None));
}

#[test]
fn orders_of_a_zone_are_of_its_day() {
    let text = "order_id,customer_id,ordered_at,quantity,amount\n1,c1,2026-10-07,1,10\n2,c1,2026-03-29 02:30,1,10\n3,c1,2026-10-07T10:00:00Z,1,1\n";
    let read = read_by(text, &Request { zone: chrono_tz::Europe::Berlin, ..request() });
    let times: Vec<String> = read.orders.iter().map(|order| order.placed_at.to_rfc3339()).collect();
    assert_eq!(
        times,
        ["2026-10-06T22:00:00+00:00", "2026-03-29T01:30:00+00:00", "2026-10-07T10:00:00+00:00"]
    );
    // The last minute of a day and the first of the next, where the shop is.
    let border = "order_id,customer_id,ordered_at,quantity,amount\n1,c1,31.12.2025 23:59,1,10\n2,c1,01.01.2026 00:00,1,10\n";
    let read = read_by(border, &Request { zone: chrono_tz::America::Los_Angeles, ..request() });
    let times: Vec<String> = read.orders.iter().map(|order| order.placed_at.to_rfc3339()).collect();
    assert_eq!(times, ["2026-01-01T07:59:00+00:00", "2026-01-01T08:00:00+00:00"]);
}

/// What the orders of a file are worth, line by line, or why each was left out.
fn worths(text: &str) -> Vec<String> {
    let read = read(text);
    let orders = read.orders.iter().map(|order| {
        let lines: Vec<String> = order.lines.iter().map(|line| line.amount.normalize().to_string()).collect();
        format!("{}: {}", order.order_id, lines.join(" "))
    });
    orders.chain(read.notes.iter().map(|note| note.reason.to_owned())).collect()
}

#[test]
fn totals_of_orders_are_read_where_there_are_no_amounts_of_lines() {
    // A row is an order.
    for name in ["Total", "Order Total", "Gesamtbetrag", "Summe", "grand total"] {
        let text =
            format!("order_id,customer_id,ordered_at,{name}\n1,c1,2026-10-01,59.80\n2,c2,2026-10-02,-5\n");
        assert_eq!(worths(&text), ["1: 59.8", "2: -5"], "{name}");
    }
    let rows = |name: &str, totals: [&str; 3]| {
        worths(&format!(
            "order_id,customer_id,ordered_at,sku,quantity,{name}\n1,c1,2026-10-01,A,2,{}\n1,c1,2026-10-01,B,1,{}\n2,c2,2026-10-02,A,1,{}\n",
            totals[0], totals[1], totals[2]
        ))
    };
    // The order's, repeated in each row or in the first one alone: shared by pieces, to the cent.
    assert_eq!(rows("Order Total", ["10", "10", "7"]), ["1: 6.67 3.33", "2: 7"]);
    assert_eq!(rows("Order Total", ["10", "", "7"]), ["1: 6.67 3.33", "2: 7"]);
    assert_eq!(rows("Total", ["10", "", "7"]), ["1: 6.67 3.33", "2: 7"]);
    // Each line's own, by a name that says both.
    assert_eq!(rows("Total", ["10", "4", "7"]), ["1: 10 4", "2: 7"]);
    // What may be either, or is neither, is left out by name.
    assert_eq!(rows("Total", ["10", "10", "7"]), ["2: 7", "total_ambiguous"]);
    assert_eq!(rows("Order Total", ["10", "4", "7"]), ["2: 7", "totals_differ"]);
    assert_eq!(rows("Order Total", ["", "", "7"]), ["2: 7", "cell_missing"]);
    // Beside amounts they are not needed.
    let both = "order_id,customer_id,ordered_at,amount,total\n1,c1,2026-10-01,10,99\n1,c1,2026-10-01,5,99\n";
    assert_eq!(worths(both), ["1: 10 5"]);
    // A mapping says what a name does not.
    for (meaning, amounts) in [(Meaning::OrderTotal, ["5", "5"]), (Meaning::Amount, ["10", "10"])] {
        let columns = [
            ("Nr", Meaning::OrderId),
            ("Wer", Meaning::CustomerId),
            ("Wann", Meaning::OrderedAt),
            ("Total", meaning),
        ];
        let columns = columns.into_iter().map(|(name, meaning)| (name.to_owned(), meaning)).collect();
        let mapping = Mapping { columns, ..Mapping::default() };
        assert!(mapping.check().is_ok());
        let request = Request { mapping: Some(mapping), ..request() };
        let read = read_by("Nr,Wer,Wann,Total\n1,c1,2026-10-01,10\n1,c1,2026-10-01,10\n", &request);
        assert_eq!(read.amounts(), amounts, "{meaning:?}");
    }
}

fn previewed(text: &str, request: &Request) -> Preview {
    preview::preview(&source(text), request, RevenueRule::Paid, 10).expect("understood")
}

fn remarks(preview: &Preview) -> Vec<(&str, u64)> {
    preview.remarks.iter().map(|remark| (remark.reason, remark.rows)).collect()
}

#[test]
fn a_preview_names_what_it_takes_for_granted() {
    let assumed = Request { is_currency_assumed: true, ..Request::new("USD", now()) };
    let text = "order_id,customer_id,ordered_at,amount,currency\n1,c1,2026-10-01,5,EUR\n2,c2,2026-10-01,5,\n3,c3,2026-10-01,5,\n";
    let shown = previewed(text, &assumed);
    assert_eq!(remarks(&shown), [("currency_assumed", 2)]);
    let remark = &shown.remarks[0];
    assert!(remark.message.contains("USD") && remark.message.contains("`currency`"), "{}", remark.message);
    assert_eq!(remark.line, Some(3));
    assert_eq!(remarks(&previewed(text, &request())), [], "whoever states it knows it");
    let totals = previewed("order_id,customer_id,ordered_at,total\n1,c1,2026-10-01,5\n", &request());
    assert_eq!(remarks(&totals), [("order_totals", 1)]);
    assert_eq!(totals.remarks[0].column.as_deref(), Some("total"));
}

#[test]
fn a_preview_shows_days_where_an_order_has_no_hour_and_times_on_the_shops_clock() {
    let berlin = Request { zone: chrono_tz::Europe::Berlin, ..request() };
    let header = "order_id,customer_id,ordered_at,amount\n";
    let shown = previewed(
        &format!("{header}1,c1,2026-10-03,5\n2,c2,2026-12-31,5\n"),
        &Request { now: "2027-01-10T00:00:00Z".parse().expect("a time"), ..berlin.clone() },
    );
    let placed = |shown: &Preview| -> Vec<String> {
        shown.sample.iter().map(|order| order.ordered_at.clone()).collect()
    };
    assert_eq!(placed(&shown), ["2026-10-03", "2026-12-31"], "the shop's days");
    let text = format!("{header}1,c1,2026-03-01,5\n2,c2,2026-10-03 18:30,5\n3,c3,2026-11-03T18:30:00Z,5\n");
    let shown = previewed(&text, &berlin);
    assert_eq!(placed(&shown), ["2026-03-01", "2026-10-03T18:30:00+02:00", "2026-11-03T19:30:00+01:00"]);
    assert_eq!(placed(&previewed(&text, &request()))[1], "2026-10-03T18:30:00Z");
}

#[test]
fn a_preview_tells_what_stands_twice() {
    let header = "order_id,customer_id,ordered_at,amount";
    let twice = format!("{header}\n1,c1,2026-10-01,5\n2,c2,2026-10-01,5\n1,c1,2026-10-01,5\n");
    let shown = previewed(&twice, &request());
    assert_eq!(remarks(&shown), [("order_in_two_places", 1)]);
    assert_eq!((shown.remarks[0].line, shown.worth["EUR"]), (Some(4), 15.into()));
    let with_ids =
        format!("{header},line_id\n1,c1,2026-10-01,5,7\n2,c2,2026-10-01,5,8\n1,c1,2026-10-01,5,7\n");
    let shown = previewed(&with_ids, &request());
    let left_out: Vec<_> = shown.left_out.iter().map(|reason| (reason.reason, reason.rows)).collect();
    assert_eq!((left_out, shown.orders, shown.worth["EUR"]), (vec![("repeated_block", 1)], 2, 10.into()));
    // Two exports, one below the other, which share three orders.
    let rows = |orders: std::ops::Range<u32>| -> String {
        orders.map(|order| format!("{order},c{order},2026-10-01,5\n")).collect()
    };
    let shown = previewed(&format!("{header}\n{}{}", rows(1..7), rows(4..9)), &request());
    let left_out: Vec<_> = shown.left_out.iter().map(|reason| (reason.reason, reason.rows)).collect();
    assert_eq!((left_out, shown.orders, shown.worth["EUR"]), (vec![("repeated_order", 3)], 8, 40.into()));
}

#[test]
fn a_preview_says_which_orders_count() {
    let text = "order_id,customer_id,ordered_at,amount,status\n1,c1,2026-10-01,40,paid\n2,c1,2026-10-01,900,cancelled\n\
        3,c1,2026-10-01,60,refunded\n4,c1,2026-10-01,7,pending\n";
    let of = |rule| {
        let shown = preview::preview(&source(text), &request(), rule, 10).expect("understood");
        let counting = shown.sample.iter().filter(|order| order.counts);
        let ids: Vec<String> = counting.map(|order| order.statement.order_id.clone()).collect();
        assert_eq!(ids.len() as u64, shown.orders_counted);
        (ids.join(" "), shown.revenue.get("EUR").copied())
    };
    assert_eq!(of(RevenueRule::Paid), ("1 3".to_owned(), Some(40.into())));
    assert_eq!(of(RevenueRule::Placed), ("1 3 4".to_owned(), Some(47.into())));
    assert_eq!(of(RevenueRule::Fulfilled), (String::new(), None));
}
