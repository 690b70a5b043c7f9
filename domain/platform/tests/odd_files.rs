//! Files that look right and are not quite: what spreadsheets, mail programs and joined exports leave in them, with its
//! right value or a refusal that says what to do.

use std::io::Write as _;

use platform::orders::mapping::Stated;
use platform::orders::preview::{self, Preview};
use platform::orders::reading::{ReadError, Reading, Request, Role, Source, TableOptions};
use platform::orders::rule::RevenueRule;
use platform::orders::statement::{Found, Payment};

fn request() -> Request {
    request_in("EUR")
}

fn request_in(currency: &str) -> Request {
    Request::new(currency, "2026-11-28T12:00:00Z".parse().expect("a time"))
}

fn previewed_by(bytes: impl AsRef<[u8]>, request: &Request) -> Preview {
    let source = Source::Memory(bytes.as_ref().into());
    preview::preview(&source, request, RevenueRule::Paid, 100).expect("understood")
}

fn previewed(bytes: impl AsRef<[u8]>) -> Preview {
    previewed_by(bytes, &request())
}

/// Order, customer (id, else address) and worth of each order.
fn orders(shown: &Preview) -> Vec<(String, String, String)> {
    let of_order = |order: &preview::Sample| {
        let statement = &order.statement;
        let customer = statement.customer.shop_id.clone().or(statement.customer.email.clone());
        let worth: rust_decimal::Decimal = statement.lines.iter().map(|line| line.amount).sum();
        (
            statement.order_id.clone(),
            customer.unwrap_or_default(),
            format!("{} {}", worth.normalize(), statement.currency),
        )
    };
    shown.sample.iter().map(of_order).collect()
}

fn order(id: &str, customer: &str, worth: &str) -> (String, String, String) {
    (id.to_owned(), customer.to_owned(), worth.to_owned())
}

fn left_out(shown: &Preview) -> Vec<(&str, u64)> {
    shown.left_out.iter().map(|reason| (reason.reason, reason.rows)).collect()
}

fn refusal(bytes: impl AsRef<[u8]>) -> String {
    let source = Source::Memory(bytes.as_ref().into());
    Reading::open(&source, &request()).err().expect("it is refused").to_string()
}

#[test]
fn what_a_spreadsheet_shows_instead_of_an_id_is_none() {
    let shown = previewed(
        "order_id,customer_id,customer_email,ordered_at,product_id,amount\n\
         1,#REF!,a@example.com,2026-10-01,#N/A,5\n2,#VALUE!,,2026-10-01,P,5\n#REF!,c,,2026-10-01,P,5\n\
         #######,c,,2026-10-01,P,5\n#NAME?,c,,2026-10-01,P,5\n#1001,#7,,2026-10-01,P,5\n",
    );
    assert_eq!(orders(&shown), [order("1", "a@example.com", "5 EUR"), order("#1001", "#7", "5 EUR")]);
    assert_eq!(shown.sample[0].statement.lines[0].product_id, None);
    assert_eq!(left_out(&shown), [("customer_missing", 1), ("id_lost", 3)]);
}

#[test]
fn ids_that_a_spreadsheet_may_have_rewritten_are_told_and_kept() {
    let ids = ["Oct-13", "1-Feb", "13. Okt", "\"1,001\"", "12345678901234500"];
    let others = ["1001", "A-13", "Oct-2026", "12345678901234567", "\"1,01\"", "1-2", "100"];
    let rows: String =
        ids.iter().chain(&others).map(|id| format!("{id},c1,2026-10-01,5\n{id},c1,2026-10-01,6\n")).collect();
    let shown = previewed(format!("order_id,customer_id,ordered_at,amount\n{rows}"));
    assert_eq!(shown.orders, 12);
    let remarks: Vec<_> = shown.remarks.iter().map(|reason| (reason.reason, reason.rows)).collect();
    assert_eq!(remarks, [("id_rewritten", 5)]);
}

#[test]
fn what_stands_around_a_cell_unseen_is_no_part_of_it() {
    let shown = previewed(
        "order_id,customer_id,ordered_at,amount\n1, \"c1\", 2026-10-01, \"5\"\n2,c1\u{200b},2026-10-01\u{200e},\u{200e}6\n\
         3,\u{feff}c1,2026-10-01,7\n",
    );
    assert_eq!(
        orders(&shown),
        [order("1", "c1", "5 EUR"), order("2", "c1", "6 EUR"), order("3", "c1", "7 EUR")]
    );
}

#[test]
fn addresses_as_mail_programs_write_them() {
    let shown = previewed(
        "order_id,customer_email,ordered_at,amount\n1,mailto:maya@example.com,2026-10-01,5\n\
         2,Maya Lind <maya@example.com>,2026-10-01,5\n3,\"=HYPERLINK(\"\"mailto:maya@example.com\"\")\",2026-10-01,5\n\
         4,\"maya@example.com,sven@example.com\",2026-10-01,5\n",
    );
    let maya = |id| order(id, "maya@example.com", "5 EUR");
    assert_eq!(orders(&shown), [maya("1"), maya("2")]);
    assert_eq!(left_out(&shown), [("customer_missing", 2)]);
}

#[test]
fn a_sum_is_no_order_whatever_else_its_row_names() {
    let shown = previewed(
        "order_id,customer_id,ordered_at,amount\n1,c1,2026-10-01,5\nGrand Total,c1,2026-10-01,5\n\
         Summe:,c1,2026-10-31,5\nTotal-7,c1,2026-10-31,6\n",
    );
    assert_eq!(orders(&shown), [order("1", "c1", "5 EUR"), order("Total-7", "c1", "6 EUR")]);
    assert_eq!(left_out(&shown), [("sum_of_rows", 2)]);
}

#[test]
fn currencies_by_their_signs() {
    let shown = previewed(
        "order_id,customer_id,ordered_at,amount,currency\n1,c1,2026-10-01,5,\u{20ac}\n2,c1,2026-10-01,5,US$\n\
         3,c1,2026-10-01,5,Euro\n4,c1,2026-10-01,5,$\n",
    );
    let worth: Vec<String> = orders(&shown).into_iter().map(|(_, _, worth)| worth).collect();
    assert_eq!(
        (worth, left_out(&shown)),
        (["5 EUR", "5 USD", "5 EUR"].map(str::to_owned).to_vec(), vec![("bad_currency", 1)])
    );
}

#[test]
fn files_of_the_north_and_of_japan() {
    let danish = "Ordrenummer;Kundenummer;Ordredato;Antal;Bel\u{f8}b;Ordrestatus\n\
         1;c1;13-10-2026;1;1.299,00 kr.;Betalt\n2;c1;14. maj 2026;1;10,-;Annulleret\n";
    let swedish = "Ordernummer;Kundnummer;Orderdatum;Antal;Belopp;Status\n\
         1;c1;2026-10-13;1;1 299,00 kr;Betald\n2;c1;14 augusti 2026;1;10,00;Makulerad\n";
    let japanese = "\u{6ce8}\u{6587}\u{756a}\u{53f7},\u{9867}\u{5ba2}ID,\u{6ce8}\u{6587}\u{65e5},\u{6570}\u{91cf},\u{91d1}\u{984d},\u{30b9}\u{30c6}\u{30fc}\u{30bf}\u{30b9}\n\
         1,c1,2026\u{5e74}10\u{6708}13\u{65e5},1,\"1,001,299\u{5186}\",\u{652f}\u{6255}\u{6e08}\n\
         2,c1,2026/10/14 9:05,1,10\u{5186},\u{30ad}\u{30e3}\u{30f3}\u{30bb}\u{30eb}\n";
    for (text, currency, worth) in [
        (danish, "DKK", ["1299 DKK", "10 DKK"]),
        (swedish, "SEK", ["1299 SEK", "10 SEK"]),
        (japanese, "EUR", ["1001299 JPY", "10 JPY"]),
    ] {
        let shown = previewed_by(text, &request_in(currency));
        assert_eq!(orders(&shown), [order("1", "c1", worth[0]), order("2", "c1", worth[1])]);
        let [paid, cancelled] = &shown.sample[..] else { panic!("two orders") };
        assert_eq!(paid.statement.payment, Payment::Paid, "{text}");
        assert_eq!(paid.statement.placed_at.date_naive().to_string(), "2026-10-13");
        assert!(cancelled.statement.cancelled_at.is_some(), "{text}");
        assert!(shown.remarks.is_empty() && shown.problem.is_none(), "{:?}", shown.problem);
    }
}

#[test]
fn exports_of_german_shop_and_invoice_programs() {
    // With a mark of byte order, separators at the ends of lines, and groups by narrow blanks.
    let shop = "\u{feff}Bestellnummer;Bestelldatum;Kundennummer;Kunde;E-Mail;Artikel;Menge;Einzelpreis;Gesamtpreis;W\u{e4}hrung;Bestellstatus;Zahlungsstatus;\r\n\
        10001;Mo., 1. M\u{e4}rz 2026 14:05;K-1;M\u{fc}ller, Anna;anna@example.com;Lampe;2;1\u{202f}299,00 \u{20ac};2\u{202f}598,00 \u{20ac};EUR;Abgeschlossen;Bezahlt;\r\n\
        10002;Mo 02.03.2026 09:00;K-2;Ben;ben@example.com;Birne;1;12,50 \u{20ac};12,50 \u{20ac};EUR;Offen;Offen;\r\n\
        ;;;;;Summe;3;;2\u{202f}610,50 \u{20ac};;;;\r\n";
    let stock = "\"Auftragsnummer\";\"Auftragsdatum\";\"Kundennummer\";\"Nachname\";\"Artikelbezeichnung\";\"Anzahl\";\"VK Netto\";\"VK Brutto\";\"Gesamt Brutto\";\"W\u{e4}hrung\";\"Zahlungseingang am\";\"Storniert\"\r\n\
        \"AU-1\";\"01.03.2026\";\"10001\";\"M\u{fc}ller\";\"Lampe\";\"2,00\";\"1.091,60\";\"1.299,00\";\"2.598,00\";\"EUR\";\"03.03.2026\";\"N\"\r\n\
        \"AU-2\";\"02.03.2026\";\"10002\";\"Klein\";\"Birne\";\"1,00\";\"10,50\";\"12,50\";\"12,50\";\"EUR\";\"\";\"J\"\r\n\
        \"AU-3\";\"14.03.2026\";\"10002\";\"Klein\";\"Birne\";\"-1,00\";\"10,50\";\"12,50\";\"-12,50\";\"EUR\";\"\";\"N\"\r\n";
    let several_places = "Bestellnummer;Bestelldatum;Kunden-Nr.;E-Mail;SKU;Titel;Anzahl;Einzelpreis Brutto;Gesamt Brutto;W\u{e4}hrung;Status;Bezahlt am;Versendet am\n\
        =\"00123\";2026-03-01T14:05:00.000Z;1;anna@example.com;=\"0815\";Lampe;1;12,50;12,50;EUR;Versendet;2026-03-01T15:00:00Z;2026-03-02T08:00:00Z\n\
        =\"00124\";2026-03-02T14:05:00.000Z;2;ben@example.com;=\"0816\";Birne;1;(3,50);(3,50);EUR;Storniert;;\n";
    let invoices = "\"Belegdatum\";\"Belegnummer\";\"Kundennummer\";\"Kundenname\";\"Betrag netto\";\"Betrag brutto\";\"W\u{e4}hrung\"\n\
        \"01.03.2026\";\"RE-1\";\"10001\";\"M\u{fc}ller GmbH\";\"1.037,45\";\"1.234,56\";\"EUR\"\n\
        \"02.03.2026\";\"RE-2\";\"10002\";\"Klein\";\"10,50-\";\"12,50-\";\"EUR\"\n\"Gesamt\";\"\";\"\";\"\";\"1.026,95\";\"1.222,06\";\"EUR\"\n";
    for (text, expected, counted, sums) in [
        (shop, vec![order("10001", "K-1", "2598 EUR"), order("10002", "K-2", "12.5 EUR")], 1, 1),
        (
            stock,
            vec![
                order("AU-1", "10001", "2598 EUR"),
                order("AU-2", "10002", "12.5 EUR"),
                order("AU-3", "10002", "-12.5 EUR"),
            ],
            2,
            0,
        ),
        (several_places, vec![order("00123", "1", "12.5 EUR"), order("00124", "2", "-3.5 EUR")], 1, 0),
        (invoices, vec![order("RE-1", "10001", "1234.56 EUR"), order("RE-2", "10002", "-12.5 EUR")], 2, 1),
    ] {
        let shown = previewed(text);
        assert_eq!(orders(&shown), expected);
        assert_eq!((shown.orders_counted, &shown.problem), (counted, &None), "{text}");
        assert_eq!(left_out(&shown).iter().map(|(_, rows)| rows).sum::<u64>(), sums, "{text}");
    }
    let shown = previewed(shop);
    let times: Vec<&str> = shown.sample.iter().map(|order| order.ordered_at.as_str()).collect();
    assert_eq!(times, ["2026-03-01T14:05:00Z", "2026-03-02T09:00:00Z"]);
    let first = &previewed(several_places).sample[0].statement;
    assert_eq!(first.lines[0].product_id.as_deref(), Some("0815"));
    assert!(first.fulfilled_at.is_some());
}

#[test]
fn whether_instead_of_when_it_was_paid_or_cancelled() {
    let shown = previewed(
        "order_id;customer_id;ordered_at;amount;Bezahlt;Storniert\n\
         1;c1;2026-10-01;5;Ja;Nein\n2;c1;2026-10-01;5;Nein;Nein\n3;c1;2026-10-01;5;Ja;J\n\
         4;c1;2026-10-01;5;02.10.2026;\n5;c1;2026-10-01;5;;03.10.2026\n",
    );
    let told: Vec<(Payment, bool)> = shown
        .sample
        .iter()
        .map(|order| (order.statement.payment, order.statement.cancelled_at.is_some()))
        .collect();
    assert_eq!(
        told,
        [
            (Payment::Paid, false),
            (Payment::Pending, false),
            (Payment::Paid, true),
            (Payment::Paid, false),
            (Payment::Placed, true),
        ]
    );
    assert_eq!((shown.orders_counted, shown.remarks.len(), shown.left_out.len()), (2, 0, 0));
}

#[test]
fn etsys_list_of_sold_items() {
    let shown = previewed(
        "Sale Date,Item Name,Buyer,Quantity,Price,Coupon Code,Coupon Details,Discount Amount,Shipping Discount,Order Shipping,Order Sales Tax,Item Total,Currency,Transaction ID,Listing ID,Date Paid,Date Shipped,Ship Name,Ship Address1,Ship Address2,Ship City,Ship State,Ship Zipcode,Ship Country,Order ID,Variations,Order Type,Listings Type,Payment Type,InPerson Discount,InPerson Location,VAT Paid by Buyer,SKU\n\
         03/14/26,\"Mug, blue\",annab,2,19.90,TEN,10% off,3.98,0.00,4.50,0.00,39.80,USD,3901,1234,03/14/2026,03/15/2026,Anna B,1 Main St,,Town,CA,90001,United States,2901,Color:Blue,online,listing,online_cc,,,,MUG-1\n\
         03/14/26,Plate,annab,1,9.90,,,0.00,0.00,4.50,0.00,9.90,USD,3902,1235,03/14/2026,,Anna B,1 Main St,,Town,CA,90001,United States,2901,,online,listing,online_cc,,,,\n\
         03/02/26,Plate,,1,9.90,,,0.00,0.00,4.50,0.00,9.90,USD,3903,1235,03/02/2026,,Ben K,2 Main St,,Town,CA,90001,United States,2902,,online,listing,online_cc,,,,\n",
    );
    assert_eq!(shown.understood.profile, "etsy_items");
    assert!(shown.understood.unknown_columns().is_empty(), "{:?}", shown.understood.unknown_columns());
    assert_eq!(orders(&shown), [order("2901", "annab", "45.72 USD")]);
    let [first] = &shown.sample[..] else { panic!("one order") };
    assert_eq!((first.ordered_at.as_str(), first.statement.payment), ("2026-03-14", Payment::Paid));
    let products: Vec<_> = first.statement.lines.iter().map(|line| line.product_id.as_deref()).collect();
    assert_eq!(products, [Some("MUG-1"), None], "a listing has several");
    assert_eq!(left_out(&shown), [("customer_missing", 1)], "nobody tells who that was");
}

#[test]
fn a_table_of_numbers_with_its_name_above_it() {
    let shown = previewed(
        "Table 1\nOrder;Date;Customer;Amount\n#1001;1. Mar 2026 at 14:05:00;anna@example.com;\u{20ac} 12,50\n\
         '1002;13. Mar 2026 at 9:05:00;ben@example.com;\u{20ac} 1.012,50\n",
    );
    assert_eq!(
        orders(&shown),
        [order("#1001", "anna@example.com", "12.5 EUR"), order("1002", "ben@example.com", "1012.5 EUR")]
    );
    assert_eq!(shown.sample[1].ordered_at, "2026-03-13T09:05:00Z");
}

#[test]
fn a_japanese_export_in_the_encoding_of_windows_is_understood() {
    let text = "\u{53d7}\u{6ce8}\u{756a}\u{53f7},\u{53d7}\u{6ce8}\u{65e5},\u{6ce8}\u{6587}\u{8005}\u{540d},\u{30e1}\u{30fc}\u{30eb}\u{30a2}\u{30c9}\u{30ec}\u{30b9},\u{5546}\u{54c1}\u{540d},\u{500b}\u{6570},\u{5358}\u{4fa1},\u{5165}\u{91d1}\u{72b6}\u{6cc1}\n\
        1001,2026/03/01,\u{7530}\u{4e2d} \u{592a}\u{90ce},tanaka@example.jp,\u{82b1}\u{74f6},2,\"1,200\u{5186}\",\u{5165}\u{91d1}\u{6e08}\u{307f}\n\
        1002,2026/03/02,\u{4f50}\u{85e4},sato@example.jp,\u{76bf},1,\"3,400\u{5186}\",\u{672a}\u{5165}\u{91d1}\n";
    // The same in Shift_JIS.
    let bytes = b"\x8e\xf3\x92\x8d\x94\xd4\x8d\x86,\x8e\xf3\x92\x8d\x93\xfa,\x92\x8d\x95\xb6\x8e\xd2\x96\xbc,\x83\x81\x81[\x83\x8b\x83A\x83h\x83\x8c\x83X,\x8f\xa4\x95i\x96\xbc,\x8c\xc2\x90\x94,\x92P\x89\xbf,\x93\xfc\x8b\xe0\x8f\xf3\x8b\xb5\n\
        1001,2026/03/01,\x93c\x92\x86 \x91\xbe\x98Y,tanaka@example.jp,\x89\xd4\x95r,2,\"1,200\x89~\",\x93\xfc\x8b\xe0\x8d\xcf\x82\xdd\n\
        1002,2026/03/02,\x8d\xb2\x93\xa1,sato@example.jp,\x8eM,1,\"3,400\x89~\",\x96\xa2\x93\xfc\x8b\xe0\n";
    for bytes in [&bytes[..], text.as_bytes()] {
        let shown = previewed(bytes);
        assert_eq!(
            orders(&shown),
            [order("1001", "tanaka@example.jp", "2400 JPY"), order("1002", "sato@example.jp", "3400 JPY")]
        );
        let payments: Vec<_> = shown.sample.iter().map(|order| order.statement.payment).collect();
        assert_eq!((payments, shown.problem), (vec![Payment::Paid, Payment::Pending], None));
        assert_eq!(
            shown.sample[0].statement.customer.name.as_deref(),
            Some("\u{7530}\u{4e2d} \u{592a}\u{90ce}")
        );
    }
}

#[test]
fn three_digits_behind_a_mark_are_thousands_in_a_currency_without_cents() {
    let header = "order_id,customer_id,ordered_at,amount";
    let yen = Request { currency: "JPY".to_owned(), ..request() };
    let shown = previewed_by(format!("{header}\n1,c1,2026-10-01,\"1,200\"\n2,c1,2026-10-01,800\n"), &yen);
    assert_eq!(orders(&shown), [order("1", "c1", "1200 JPY"), order("2", "c1", "800 JPY")]);
    let shown = previewed(format!("{header},currency\n1,c1,2026-10-01,\"1.200\",KRW\n"));
    assert_eq!(orders(&shown), [order("1", "c1", "1200 KRW")]);
    assert!(previewed(format!("{header}\n1,c1,2026-10-01,\"1,200\"\n")).problem.is_some());
}

#[test]
fn a_sign_that_several_currencies_have_is_none_of_the_others() {
    let text = "order_id,customer_id,ordered_at,amount\n1,c1,2026-10-01,$5\n2,c1,2026-10-01,\u{20ac}6\n";
    let by = |code: &str, is_currency_assumed| {
        let request = Request { currency: code.to_owned(), is_currency_assumed, ..request() };
        let shown = previewed_by(text, &request);
        let told =
            left_out(&shown).iter().map(|(reason, rows)| ((*reason).to_owned(), *rows)).collect::<Vec<_>>();
        let remarks: Vec<&str> = shown.remarks.iter().map(|remark| remark.reason).collect();
        (orders(&shown), told, remarks)
    };
    let refused = vec![("other_currency".to_owned(), 1)];
    let euros = order("2", "c1", "6 EUR");
    assert_eq!(by("EUR", false), (vec![euros.clone()], refused, vec![]));
    assert_eq!(by("CAD", false), (vec![order("1", "c1", "5 CAD"), euros.clone()], vec![], vec![]));
    // Where nobody stated one it is what the sign mostly is, and that is told.
    assert_eq!(by("EUR", true), (vec![order("1", "c1", "5 USD"), euros], vec![], vec!["currency_of_sign"]));
}

#[test]
fn columns_of_states_addresses_and_refunds_are_read_by_many_names() {
    for (header, state, email) in [
        (
            "order_id;customer_id;ordered_at;amount;Statut de la commande;Adresse e-mail",
            "Annul\u{e9}e",
            "a@example.fr",
        ),
        ("order_id;customer_id;ordered_at;amount;\u{c9}tat;E-mail du client", "annul\u{e9}", "a@example.fr"),
        ("order_id;customer_id;ordered_at;amount;Stato;Indirizzo email", "Annullato", "a@example.it"),
        ("order_id;customer_id;ordered_at;amount;Estado;Correo", "Cancelado", "a@example.es"),
        ("order_id;customer_id;ordered_at;amount;Auftragsstatus;Mailadresse", "Storno", "a@example.de"),
        ("order_id;customer_id;ordered_at;amount;Storno;Mail", "Ja", "a@example.de"),
        ("order_id;customer_id;ordered_at;amount;Storno;Email Address", "storniert", "a@example.de"),
    ] {
        let shown = previewed(format!("{header}\n1;c1;2026-10-01;5;{state};{email}\n"));
        let [order] = &shown.sample[..] else { panic!("one order: {header}") };
        assert!(order.statement.cancelled_at.is_some() && !order.counts, "{header}");
        assert_eq!(order.statement.customer.email.as_deref(), Some(email));
        assert_eq!(shown.remarks.len(), 0, "{header}");
    }
    let rows = "1;c1;2026-10-01;10;4,00\n2;c1;2026-10-01;10;\n";
    for column in ["Erstattungsbetrag", "Montant rembours\u{e9}", "Amount Refunded", "Refunded"] {
        let shown = previewed(format!("order_id;customer_id;ordered_at;amount;{column}\n{rows}"));
        assert_eq!(orders(&shown), [order("1", "c1", "6 EUR"), order("2", "c1", "10 EUR")], "{column}");
    }
    let shown = previewed(
        "order_id;customer_id;ordered_at;amount;Erstattet\n1;c1;2026-10-01;10;ja\n2;c1;2026-10-01;10;nein\n3;c1;2026-10-01;10;12.10.2026\n",
    );
    let payments: Vec<_> = shown.sample.iter().map(|order| order.statement.payment).collect();
    assert_eq!(payments, [Payment::Refunded, Payment::Placed, Payment::Placed]);
    let told: Vec<_> = shown.remarks.iter().map(|remark| (remark.reason, remark.rows)).collect();
    assert_eq!(told, [("number_unreadable", 1)]);
}

#[test]
fn columns_on_which_figures_hang_are_told_where_they_are_not_read() {
    let told = |header: &str, row: &str| {
        let shown = previewed(format!("order_id;customer_id;ordered_at;{header}\n1;c1;2026-10-01;{row}\n"));
        let told =
            shown.remarks.iter().map(|remark| (remark.reason, remark.column.clone().unwrap_or_default()));
        (orders(&shown)[0].2.clone(), told.collect::<Vec<_>>())
    };
    let reason = |reason, column: &str| vec![(reason, column.to_owned())];
    assert_eq!(told("amount;Rabatt", "10;2"), ("10 EUR".to_owned(), reason("discount_not_read", "Rabatt")));
    assert_eq!(
        told("quantity;price;Rabatt", "2;10;3"),
        ("17 EUR".to_owned(), reason("discount_of_lines", "Rabatt"))
    );
    assert_eq!(
        told("amount;Bearbeitungsstatus", "10;x"),
        ("10 EUR".to_owned(), reason("status_not_read", "Bearbeitungsstatus"))
    );
    assert_eq!(
        told("amount;Betrag der Erstattungen", "10;x"),
        ("10 EUR".to_owned(), reason("refund_not_read", "Betrag der Erstattungen"))
    );
    assert_eq!(told("amount;Rabattcode", "10;x"), ("10 EUR".to_owned(), vec![]));
}

#[test]
fn a_name_beside_an_address_is_the_customers() {
    let name = |header: &str, row: &str| {
        let shown = previewed(format!("{header}\n{row}\n"));
        shown.sample[0].statement.customer.name.clone()
    };
    assert_eq!(
        name("order_id,E-Mail,Name,ordered_at,amount", "1,a@example.com,Ann Lind,2026-10-01,5").as_deref(),
        Some("Ann Lind")
    );
    assert_eq!(
        name("order_id,ordered_at,amount,Courriel,Nom,Pr\u{e9}nom", "1,2026-10-01,5,a@example.com,Lind,Ann")
            .as_deref(),
        Some("Ann Lind")
    );
    assert_eq!(
        name("order_id,E-Mail,ordered_at,Name,quantity,price", "1,a@example.com,2026-10-01,Vase,1,5"),
        None
    );
    assert_eq!(
        name("order_id,E-Mail,Name,quantity,price,ordered_at", "1,a@example.com,Vase,1,5,2026-10-01"),
        None
    );
}

#[test]
fn times_are_utc_where_the_name_of_their_column_says_so() {
    let berlin = Request { zone: chrono_tz::Europe::Berlin, ..request() };
    let at = |column: &str| {
        let text = format!("order_id,customer_id,{column},amount\n1,c1,2026-02-28 23:30,5\n");
        let shown = previewed_by(text, &berlin);
        shown.sample[0].ordered_at.clone()
    };
    assert_eq!(at("Created at"), "2026-02-28T23:30:00+01:00");
    let stripe = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer Email\n\
        ch_1,2026-02-28 23:30,5.00,0.00,eur,true,Paid,a@example.com\n";
    let shown = previewed_by(stripe, &berlin);
    assert_eq!(
        (shown.understood.profile, shown.sample[0].ordered_at.as_str()),
        ("stripe_charges", "2026-03-01T00:30:00+01:00")
    );
}

#[test]
fn exports_of_two_more_systems_and_a_shops_tests() {
    let squarespace = "Order ID,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Amount Refunded,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n\
        00012,a@example.com,PAID,2026-03-01 10:00:00 +0100,FULFILLED,,EUR,30.00,4.90,0.00,0.00,29.90,TEN,5.00,Post,2026-03-01 10:00:00 +0100,1,Vase,20.00,V-1\n\
        00012,a@example.com,,,,,,,,,,,,,,,1,Plate,10.00,P-1\n";
    let shown = previewed(squarespace);
    assert_eq!(
        (shown.understood.profile, orders(&shown)),
        ("squarespace_orders", vec![order("00012", "a@example.com", "25 EUR")])
    );
    // WebToffee's export of WooCommerce.
    let shown = previewed(
        "order_id,order_date,status,order_currency,order_total,customer_id,billing_first_name,billing_last_name,billing_email\n\
        7,2026-03-01 10:00:00,completed,GBP,12.50,0,Ann,Lind,a@example.com\n",
    );
    assert_eq!(orders(&shown), [order("7", "a@example.com", "12.5 GBP")]);
    assert_eq!(shown.sample[0].statement.customer.name.as_deref(), Some("Ann Lind"));
    let shopify = "Name,Email,Financial Status,Currency,Subtotal,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Payment Method\n\
        #1,a@example.com,paid,EUR,5.00,0.00,2026-03-01 10:00:00 +0100,1,Vase,5.00,bogus\n\
        #2,a@example.com,paid,EUR,5.00,0.00,2026-03-01 10:00:00 +0100,1,Vase,5.00,Shopify Payments\n";
    let shown = previewed(shopify);
    let tests: Vec<bool> = shown.sample.iter().map(|order| order.statement.is_test).collect();
    assert_eq!((tests, shown.orders_counted), (vec![true, false], 1));
}

#[test]
fn the_day_of_an_invoice_is_that_of_the_order_where_nothing_else_is() {
    let day = |header: &str, row: &str| {
        let shown = previewed(format!("Bestellnummer,E-Mail,Betrag,{header}\n1,a@example.de,5,{row}\n"));
        shown.sample[0].ordered_at.clone()
    };
    assert_eq!(day("Rechnungsdatum,Datum", ",2026-03-31"), "2026-03-31");
    assert_eq!(day("Invoice Date,Created", "2026-04-02,2026-03-31"), "2026-03-31");
    assert_eq!(day("Rechnungsdatum", "2026-04-02"), "2026-04-02");
}

#[test]
fn one_number_of_two_customers_is_told() {
    let shown = previewed(
        "order_id,email,ordered_at,amount\n1,a@example.de,2026-03-01,5\n1,b@example.de,2026-03-05,5\n2,C@example.de,2026-03-05,5\n2,c@example.de,2026-03-05,6\n",
    );
    let told: Vec<_> = shown.remarks.iter().map(|remark| (remark.reason, remark.rows, remark.line)).collect();
    assert!(told.contains(&("order_of_two_customers", 1, Some(3))), "{told:?}");
    assert!(told.iter().all(|(reason, rows, _)| *reason != "order_of_two_customers" || *rows == 1));
}

#[test]
fn words_say_that_an_order_was_sent() {
    let source = Source::Memory("order_id,customer_id,ordered_at,amount,status\n1,c1,2026-10-01,5,Versendet\n2,c1,2026-10-01,5,shipped\n3,c1,2026-10-01,5,bezahlt\n4,c1,2026-10-01,5,wc-completed\n".as_bytes().into());
    let shown = preview::preview(&source, &request(), RevenueRule::Fulfilled, 10).expect("understood");
    let counts: Vec<bool> = shown.sample.iter().map(|order| order.counts).collect();
    assert_eq!(counts, [true, true, false, true]);
    let source = Source::Memory(
        "order_id,customer_id,ordered_at,amount,Payment Status\n1,c1,2026-10-01,5,Completed\n"
            .as_bytes()
            .into(),
    );
    let shown = preview::preview(&source, &request(), RevenueRule::Fulfilled, 10).expect("understood");
    assert!(!shown.sample[0].counts, "it was paid");
}

#[test]
fn what_is_refused_says_what_to_do() {
    // A name of a column that nobody knows; one in an encoding that is not Windows' (here Shift_JIS).
    assert!(refusal("Nummer,Wer,Wann,Wert\n1,c,2026-10-01,5\n").contains("Say by a mapping"));
    assert!(refusal(b"\x92\x8d\x95\xb6\x94\xd4\x8d\x86,\x8b\xe0\x8az\n1,5\n").contains("state `encoding`"));
    assert!(
        refusal("1,c,2026-10-01,5\n2,c,2026-10-01,5\n").contains("if the file has no such line, add one")
    );
    let quoted = refusal("\"order_id,customer_id,ordered_at,amount\"\n\"1,c1,2026-10-01,5\"\n");
    assert!(quoted.contains("in quotes as one cell"), "{quoted}");
    // Of what can be read in two ways a preview says as well what is to be stated.
    let problem = |text: &str| previewed(text).problem.expect("a problem");
    let header = "order_id,customer_id,ordered_at,amount\n";
    let dates = problem(&format!("{header}1,c1,03/04/2026,5\n"));
    assert!(dates.contains("day first or month first, and") && dates.ends_with("state `dates`"), "{dates}");
    assert!(problem(&format!("{header}1,c1,13/10/26,5\n")).contains("or year first"));
    assert!(problem(&format!("{header}1,c1,2026-10-01,\"12,800\"\n")).ends_with("state `decimal`"));
    let wide = previewed(format!("{header}1,c1,2026-10-01,12,50\n2,c1,2026-10-01,5\n"));
    assert!(wide.left_out[0].message.contains("needs quotes"), "{}", wide.left_out[0].message);
}

#[test]
fn files_of_several_separators_or_headers_that_were_joined_are_refused_by_their_lines() {
    let semicolons = "Bestellnummer;Datum;Kundennummer;Menge;Einzelpreis\nA1;15.03.2026;K1;2;5,00\n\
        A3;15.03.2026;K1;2;5,00\nA4;15.03.2026;K1;2;5,00\n";
    let commas = "Bestellnummer,Datum,Kundennummer,Menge,Einzelpreis\nA2,16.03.2026,K2,1,\"7,00\"\n";
    let told = refusal(format!("{semicolons}{commas}"));
    assert!(told.starts_with("lines 1 and 5 ") && told.contains("divide the file before line 5"), "{told}");
    // Of the same separator, with the columns in another order, or more of them: what came before is read.
    for header in [
        "Datum;Bestellnummer;Kundennummer;Menge;Einzelpreis",
        "Bestellnummer;Datum;Kundennummer;Menge;Einzelpreis;Farbe",
    ] {
        let text = format!("{semicolons}{header}\n");
        let mut reading =
            Reading::open(&Source::Memory(text.as_bytes().into()), &request()).expect("understood");
        for _ in 0..3 {
            assert!(matches!(reading.next(), Ok(Some(Found::Order { .. }))), "{header}");
        }
        for _ in 0..2 {
            let error = reading.next().expect_err("other columns");
            assert!(matches!(error, ReadError::OtherColumns { line: 5 }), "{error}");
        }
    }
}

#[test]
fn a_header_that_stands_there_again_is_known_by_its_names() {
    let shown = previewed(
        "order_id,customer_id,ordered_at,amount\n1,c1,2026-10-01,5\n\u{feff}Order ID,Customer ID,ordered_at,amount\n\
         2,c1,2026-10-01,6\n",
    );
    assert_eq!(orders(&shown), [order("1", "c1", "5 EUR"), order("2", "c1", "6 EUR")]);
    assert_eq!(left_out(&shown), [("header_repeated", 1)]);
}

#[test]
fn rows_that_became_one_are_told_as_what_they_are() {
    let shown = previewed(
        "order_id,customer_id,ordered_at,amount\n1,c1,2026-10-01,5\n2,c1,2026-10-01,53,c1,2026-10-01,6\n",
    );
    assert_eq!(left_out(&shown), [("cells_too_many", 1)]);
    assert!(shown.left_out[0].message.contains("the last line of one had no end"), "{:?}", shown.left_out);
}

#[test]
fn what_woocommerce_gave_back_of_an_order_goes_off_it() {
    let advanced = previewed(
        "Order Number,Order Status,Order Date,Email (Billing),Item Name,Item Cost,Quantity,Order Refund Amount,Currency\n\
         1,wc-processing,2026-10-01 10:00,a@example.com,Lamp,10.00,1,10.00,EUR\n\
         1,wc-processing,2026-10-01 10:00,a@example.com,Bulb,20.00,1,10.00,EUR\n",
    );
    assert_eq!(advanced.understood.profile, "woocommerce_advanced");
    assert_eq!(orders(&advanced), [order("1", "a@example.com", "20 EUR")]);
    let items = previewed(
        "order_id,billing_email,order_date,status,order_currency,item_name,item_quantity,item_total,item_refunded,refunded_total\n\
         1,a@example.com,2026-10-01,processing,EUR,Lamp,2,39.98,0,10.00\n\
         2,a@example.com,2026-10-01,processing,EUR,Lamp,2,39.98,10.00,11.90\n\
         3,a@example.com,2026-10-01,processing,EUR,Lamp,2,39.98,0,0\n",
    );
    assert_eq!(items.understood.profile, "woocommerce_items");
    let of = |id, worth| order(id, "a@example.com", worth);
    // Where items say it themselves, taxes are not in it.
    assert_eq!(orders(&items), [of("1", "29.98 EUR"), of("2", "29.98 EUR"), of("3", "39.98 EUR")]);
}

#[test]
fn how_much_instead_of_whether_it_was_cancelled() {
    let shown = previewed(
        "order_id;customer_id;ordered_at;amount;Storno\n1;c1;2026-10-01;5;0,00\n2;c1;2026-10-01;5;-5,00\n3;c1;2026-10-01;5;\n",
    );
    // What was cancelled in part nobody knows.
    assert_eq!(orders(&shown), [order("1", "c1", "5 EUR"), order("3", "c1", "5 EUR")]);
    assert!(shown.sample.iter().all(|order| order.counts));
    let left_out: Vec<_> = shown.left_out.iter().map(|reason| (reason.reason, reason.rows)).collect();
    assert_eq!(left_out, [("date_unreadable", 1)]);
}

#[test]
fn a_refund_that_may_be_a_yes_is_told() {
    let shown = previewed(
        "order_id;customer_id;ordered_at;amount;Refunded\n1;c1;2026-10-01;50;1\n2;c1;2026-10-01;50;0\n",
    );
    let told: Vec<_> = shown.remarks.iter().map(|remark| (remark.reason, remark.rows, remark.line)).collect();
    assert_eq!(told, [("refund_of_one", 1, Some(2))]);
}

#[test]
fn what_a_column_of_payments_calls_unpaid_is_no_revenue_though_it_was_sent() {
    for (header, sent, unpaid) in [
        ("Auftragsstatus;Zahlstatus", "Versendet", "offen"),
        ("Auftragsstatus;Bezahlt", "Versendet", "Nein"),
        ("Auftragsstatus;Bezahlt", "Neu", "Nein"),
        ("Order State;Payment State", "shipped", "unpaid"),
        ("Statut de la commande;Statut du paiement", "exp\u{e9}di\u{e9}e", "impay\u{e9}"),
    ] {
        let shown = previewed(format!(
            "order_id;customer_id;ordered_at;amount;{header}\n1;c1;2026-10-01;5;{sent};{unpaid}\n"
        ));
        assert_eq!(shown.sample[0].statement.payment, Payment::Pending, "{header}: {sent}, {unpaid}");
        assert_eq!((shown.orders, shown.orders_counted, shown.remarks.len()), (1, 0, 0), "{header}");
    }
}

#[test]
fn what_one_column_calls_cancelled_is_cancelled_though_another_says_paid() {
    let shown = previewed(
        "Bestellnummer;Bestelldatum;Kundennummer;Artikel;Anzahl;Einzelpreis;Bestellstatus;Zahlungsstatus\n\
         1;15.03.2026;K1;K\u{e4}se;1;100,00;Storniert;Komplett bezahlt\n\
         2;15.03.2026;K1;K\u{e4}se;1;10,00;Abgeschlossen;Komplett bezahlt\n\
         3;15.03.2026;K1;K\u{e4}se;1;7,00;Storniert;Bezahlt\n4;15.03.2026;K1;K\u{e4}se;1;5,00;Offen;Storniert\n\
         5;15.03.2026;K1;K\u{e4}se;1;3,00;Retoure;Bezahlt\n",
    );
    assert_eq!((shown.orders, shown.orders_counted, shown.revenue["EUR"]), (5, 2, 10.into()));
    assert!(shown.understood.columns[6..].iter().all(|column| column.role == Role::Read));
    assert_eq!(shown.sample[1].statement.payment, Payment::Paid);
    assert_eq!(shown.sample[4].statement.payment, Payment::Refunded);
}

#[test]
fn two_people_of_one_name_are_two_where_they_have_addresses() {
    let shown = previewed(
        "Bestellnummer;Datum;Kunde;E-Mail;Betrag\n1;13.10.2026;Thomas M\u{fc}ller;t1@example.com;5,00\n\
         2;13.10.2026;Thomas M\u{fc}ller;t2@example.com;6,00\n3;13.10.2026;K7;t3@example.com;7,00\n",
    );
    assert_eq!(
        orders(&shown),
        [
            order("1", "t1@example.com", "5 EUR"),
            order("2", "t2@example.com", "6 EUR"),
            order("3", "K7", "7 EUR")
        ]
    );
    let names: Vec<Option<&str>> =
        shown.sample.iter().map(|order| order.statement.customer.name.as_deref()).collect();
    assert_eq!(names, [Some("Thomas M\u{fc}ller"), Some("Thomas M\u{fc}ller"), None]);
}

#[test]
fn an_address_that_is_none_is_told() {
    let shown = previewed(
        "order_id,customer_id,customer_email,ordered_at,amount\n1,c1,kein-at,2026-10-01,5\n2,c2,n/a,2026-10-01,5\n\
         3,c3,,2026-10-01,5\n4,c4,maya@example.com,2026-10-01,5\n",
    );
    let [remark] = &shown.remarks[..] else { panic!("one remark: {:?}", shown.remarks) };
    assert_eq!((remark.reason, remark.rows, remark.line), ("address_unreadable", 1, Some(2)));
    assert!(remark.message.contains("`kein-at`"), "{}", remark.message);
    assert_eq!(shown.orders, 4);
}

#[test]
fn a_polish_file_and_all_words_that_are_not_known() {
    let shown = previewed(
        "Numer zam\u{f3}wienia;Data zam\u{f3}wienia;ID klienta;Ilo\u{15b}\u{107};Kwota;Waluta;Status\n\
         1;13.10.2026;c1;1;10,00;PLN;Anulowane\n2;13.10.2026;c1;1;10,00;PLN;Zwr\u{f3}cone\n\
         3;13.10.2026;c1;1;10,00;PLN;zrealizowane\n4;13.10.2026;c1;1;10,00;PLN;zur\u{fc}ckgegeben\n\
         5;13.10.2026;c1;1;10,00;PLN;teleportowane\n6;13.10.2026;c1;1;10,00;PLN;zgubione\n",
    );
    let payments: Vec<Payment> = shown.sample.iter().map(|order| order.statement.payment).collect();
    let (placed, refunded) = (Payment::Placed, Payment::Refunded);
    assert_eq!(payments, [placed, refunded, Payment::Paid, refunded, placed, placed]);
    assert!(shown.sample[0].statement.cancelled_at.is_some());
    let [remark] = &shown.remarks[..] else { panic!("one remark: {:?}", shown.remarks) };
    assert_eq!((remark.reason, remark.rows), ("status_unknown", 2));
    assert!(remark.message.contains("`teleportowane`, `zgubione`"), "{}", remark.message);
}

#[test]
fn an_item_above_its_order_s_first_row_is_told_with_what_to_do() {
    let shown = previewed(
        "Name,Email,Phone,Financial Status,Currency,Subtotal,Created at,Lineitem quantity,Lineitem name,Lineitem price\n\
         #1,,,,,,,1,Bulb,10.00\n#2,b@example.com,,paid,EUR,5.00,2026-10-07 09:50:26 +0200,1,Lamp,5.00\n\
         #1,a@example.com,,paid,EUR,54.89,2026-10-07 09:50:26 +0200,1,Lamp,44.89\n",
    );
    let [missing] = &shown.left_out[..] else { panic!("one reason: {:?}", shown.left_out) };
    assert_eq!((missing.reason, missing.column.as_deref()), ("customer_missing", Some("Email")));
    assert!(missing.message.contains("`Email` or `Phone`") && missing.message.contains("export it again"));
    let [remark] = &shown.remarks[..] else { panic!("one remark: {:?}", shown.remarks) };
    assert_eq!((remark.reason, remark.line), ("below_subtotal", Some(4)));
    assert!(remark.message.contains("44.89") && remark.message.contains("54.89"), "{}", remark.message);
}

/// A workbook with these sheets, whose cells are texts.
fn workbook(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let (mut names, mut relations, mut parts) = (String::new(), String::new(), Vec::new());
    for (number, (name, rows)) in (1..).zip(sheets) {
        names += &format!(r#"<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>"#);
        relations += &format!(
            r#"<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>"#
        );
        let mut data = String::new();
        for (row, cells) in (1..).zip(*rows) {
            data += &format!(r#"<row r="{row}">"#);
            for (column, cell) in ('A'..).zip(*cells) {
                data += &format!(r#"<c r="{column}{row}" t="inlineStr"><is><t>{cell}</t></is></c>"#);
            }
            data += "</row>";
        }
        parts.push((
            format!("xl/worksheets/sheet{number}.xml"),
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData></worksheet>"#),
        ));
    }
    let fixed = [
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#.to_owned(),
        ),
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(r#"<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(r#"<Relationships xmlns="{PACKAGE}">{relations}</Relationships>"#),
        ),
    ];
    parts.extend(fixed.map(|(name, text)| (name.to_owned(), text)));
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory takes it");
        archive.write_all(text.as_bytes()).expect("memory takes it");
    }
    archive.finish().expect("memory takes it").into_inner()
}

#[test]
fn sheets_that_are_not_read_are_told() {
    const HEADER: &[&str] = &["order_id", "customer_id", "ordered_at", "amount"];
    let bytes = workbook(&[
        ("October", &[HEADER, &["1", "c1", "2026-10-13", "5"]]),
        ("November", &[HEADER, &["2", "c1", "2026-11-13", "6"]]),
    ]);
    let shown = previewed(&bytes);
    assert_eq!(orders(&shown), [order("1", "c1", "5 EUR")]);
    let [remark] = &shown.remarks[..] else { panic!("one remark") };
    assert_eq!((remark.reason, remark.rows), ("other_sheets", 1));
    assert!(
        remark.message.contains("(November)") && remark.message.contains("`sheet`"),
        "{}",
        remark.message
    );
    let table = TableOptions { sheet: Some("November".to_owned()), ..TableOptions::default() };
    let stated = Request { stated: Stated { table, ..Stated::default() }, ..request() };
    assert_eq!(orders(&previewed_by(&bytes, &stated)), [order("2", "c1", "6 EUR")]);
}
