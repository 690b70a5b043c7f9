//! Files that look right and are not quite: what spreadsheets, mail programs and joined exports leave in them, with its
//! right value or a refusal that says what to do.

use std::io::Write as _;

use platform::orders::mapping::Stated;
use platform::orders::preview::{self, Preview};
use platform::orders::reading::{Reading, Request, Source, TableOptions};
use platform::orders::rule::RevenueRule;
use platform::orders::statement::Payment;

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
