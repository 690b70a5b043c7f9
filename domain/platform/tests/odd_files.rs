//! Files that look right and are not quite: what spreadsheets, mail programs and joined exports leave in them, with its
//! right value or a refusal that says what to do.

use std::io::Write as _;

use platform::orders::mapping::Stated;
use platform::orders::preview::{self, Preview};
use platform::orders::reading::{ReadError, Reading, Request, Role, Source, TableOptions};
use platform::orders::rule::RevenueRule;
use platform::orders::statement::{Found, Payment};

fn request() -> Request {
    Request::new("EUR", "2026-11-28T12:00:00Z".parse().expect("a time"))
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
    for (text, worth) in [
        (danish, ["1299 EUR", "10 EUR"]),
        (swedish, ["1299 EUR", "10 EUR"]),
        (japanese, ["1001299 JPY", "10 JPY"]),
    ] {
        let shown = previewed(text);
        assert_eq!(orders(&shown), [order("1", "c1", worth[0]), order("2", "c1", worth[1])]);
        let [paid, cancelled] = &shown.sample[..] else { panic!("two orders") };
        assert_eq!(paid.statement.payment, Payment::Paid, "{text}");
        assert_eq!(paid.statement.placed_at.date_naive().to_string(), "2026-10-13");
        assert!(cancelled.statement.cancelled_at.is_some(), "{text}");
        assert!(shown.remarks.is_empty() && shown.problem.is_none(), "{:?}", shown.problem);
    }
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
