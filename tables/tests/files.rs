//! Whole files: packings, workbooks, and what is wrong with some.

use std::io::{Cursor, Write as _};

use tables::{Container, Fault, Options, Source, Table, TableError};
use zip::write::SimpleFileOptions;

const TEXT: &str = "order_id,customer_id,amount\n1,c1,5\n2,c2,6\n";

fn options() -> Options {
    let mut known_names: Vec<String> = ["orderid", "customerid", "amount"].map(str::to_owned).into();
    known_names.sort_unstable();
    Options { known_names, ..Options::default() }
}

fn open(bytes: &[u8]) -> Result<Table, TableError> {
    Table::open(&Source::Memory(bytes.into()), &options())
}

fn rows(table: &mut Table) -> Result<Vec<Vec<String>>, TableError> {
    let mut rows = Vec::new();
    while let Some(row) = table.next_row()? {
        rows.push(row.cells().map(str::to_owned).collect());
    }
    Ok(rows)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes it")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes it")
}

fn xz(bytes: &[u8], dictionary: Option<u32>) -> Vec<u8> {
    let mut options = lzma_rust2::XzOptions::with_preset(0);
    if let Some(size) = dictionary {
        options.lzma_options.dict_size = size;
    }
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("options");
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes it")
}

/// With a checksum, as the program writes it.
fn zstd_checked(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("an encoder");
    encoder.include_checksum(true).expect("an option");
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes it")
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        archive.write_all(bytes).expect("memory takes it");
    }
    archive.finish().expect("an archive").into_inner()
}

#[test]
fn packings_are_taken_off() {
    let parts = TEXT.split_at(40);
    let two = |pack: &dyn Fn(&[u8]) -> Vec<u8>| [pack(parts.0.as_bytes()), pack(parts.1.as_bytes())].concat();
    for (bytes, container) in [
        (TEXT.as_bytes().to_vec(), Container::Plain),
        (two(&gzip), Container::Gzip),
        ([gzip(TEXT.as_bytes()), vec![0; 300_000]].concat(), Container::Gzip),
        (gzip(&gzip(TEXT.as_bytes())), Container::Gzip),
        (two(&bzip2), Container::Bzip2),
        (two(&|part| xz(part, None)), Container::Xz),
        (two(&|part| zstd::encode_all(part, 1).expect("packed")), Container::Zstd),
        (
            zip(&[("a/b.csv", TEXT.as_bytes()), ("__MACOSX/._b.csv", b"x"), ("a/.DS_Store", b"y")]),
            Container::Zip,
        ),
    ] {
        let mut table = open(&bytes).expect("readable");
        assert_eq!(table.decisions().container, container);
        assert_eq!(table.decisions().columns, ["order_id", "customer_id", "amount"]);
        assert_eq!(
            rows(&mut table).expect("to its end"),
            [["1", "c1", "5"], ["2", "c2", "6"]],
            "{container:?}"
        );
    }
}

#[test]
fn what_is_cut_off_or_damaged_says_how_far_it_got() {
    let mut text = TEXT.to_owned();
    let mut dice = 1_u64;
    for order in 3..80_000 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push_str(&format!("{order},c{},{}\n", dice >> 40, dice >> 50));
    }
    let packed = [
        gzip(text.as_bytes()),
        bzip2(text.as_bytes()),
        xz(text.as_bytes(), None),
        zstd_checked(text.as_bytes()),
    ];
    for bytes in &packed {
        let mut cut = open(&bytes[..bytes.len() * 2 / 3]).expect("its beginning is readable");
        let name = cut.decisions().container.name();
        match rows(&mut cut) {
            Err(TableError::CutOff { container, unpacked_bytes }) => {
                assert_eq!(container, name);
                assert!(unpacked_bytes > 100_000, "{name}: {unpacked_bytes}");
            }
            other => panic!("{name}: {:?}", other.map(|rows| rows.len())),
        }
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0x55);
        let end = open(&damaged).and_then(|mut table| rows(&mut table));
        assert!(
            matches!(end, Err(TableError::Damaged { .. } | TableError::CutOff { .. })),
            "{name}: {:?}",
            end.map(|rows| rows.len())
        );
    }
    // The same bytes as a beginning are no fault.
    let options = Options { is_beginning: true, ..options() };
    let source = Source::Memory(packed[0][..packed[0].len() / 2].into());
    let mut table = Table::open(&source, &options).expect("readable");
    assert!(rows(&mut table).expect("as far as it goes").len() > 1_000);
}

#[test]
fn archives_of_several_files_and_strange_formats_are_refused_by_name() {
    let said = |bytes: &[u8]| match open(bytes) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    };
    assert!(said(&zip(&[("a.csv", b"x"), ("b.csv", b"y")])).contains("2 files (a.csv, b.csv)"));
    assert!(said(&zip(&[])).contains("no file"));
    assert!(said(&zip(&[("a.csv", TEXT.as_bytes())])[..60]).contains("cut off"));
    assert!(said(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").contains(".xls"));
    assert!(said(b"%PDF-1.7").contains("PDF"));
    assert!(said(b"<html><body>Please log in").contains("web page"));
    assert!(said(b"<table><tr><td>order_id").contains("table"));
    assert!(said(b"<?xml version=\"1.0\"?>").contains("XML"));
    assert!(said(b"{\"orders\": []}").contains("JSON"));
    assert!(said(b"[{\"id\": 1}]").contains("JSON"));
    assert!(said(&zip(&[("mimetype", b"x"), ("content.xml", b"<x/>")])).contains(".ods"));
    assert!(said(&zip(&[("word/document.xml", b"<x/>")])).contains(".docx"));
    // Whatever it is called.
    for picture in [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], b"\xff\xd8\xff\xe0\0\x10JFIF", b"GIF89a\x01\0"] {
        assert!(said(picture).contains("a picture"), "{}", said(picture));
    }
    assert!(said(b"\0\0\0\x18ftypheic\0\0\0\0").contains("HEIC"));
    let pictures = zip(&[("IMG_1.jpg", b"\xff\xd8\xff"), ("IMG_2.HEIC", b"x")]);
    assert!(said(&pictures).contains("pictures (IMG_1.jpg, IMG_2.HEIC)"));
    assert!(said(&zip(&[("scan.csv", b"%PDF-1.7")])).contains("PDF"));
    assert!(said(b"\xef\xbb\xbf\r\n <!-- saved --><html>").contains("web page"));
    assert!(said(&gzip(b"{\"orders\": []}")).contains("JSON"));
    let program: Vec<u8> = (0..4_096_u32).map(|number| (number * 37 % 251) as u8).collect();
    assert!(said(&program).contains("signs that no text has"));
    let mut tar = vec![0; 1_024];
    tar[..9].copy_from_slice(b"order.csv");
    tar[257..262].copy_from_slice(b"ustar");
    assert!(said(&gzip(&tar)).contains("tar archive"));
    assert!(said(&gzip(&gzip(&vec![b'x'; 1 << 20]))).contains("no line of column names"));
    assert!(said(b"").contains("empty"));
    assert!(said(&gzip(b"")).contains("empty"));
}

#[test]
fn bombs_and_wide_windows_are_refused() {
    let mut bomb = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("an encoder");
    bomb.write_all(TEXT.as_bytes()).expect("memory takes it");
    let blank = vec![b'\n'; 4 << 20];
    for _ in 0..80 {
        bomb.write_all(&blank).expect("memory takes it");
    }
    let bomb = bomb.finish().expect("packed");
    let end = open(&bomb).and_then(|mut table| rows(&mut table));
    assert!(matches!(end, Err(TableError::TooLarge { .. })), "{:?}", end.map(|rows| rows.len()));
    let wide = xz(TEXT.as_bytes(), Some(64 << 20));
    let end = open(&wide).and_then(|mut table| rows(&mut table));
    assert!(matches!(end, Err(TableError::Damaged { .. })), "{:?}", end.map(|rows| rows.len()));
}

/// A workbook as Excel writes it, in its smallest form: a hidden sheet, the given one, and an empty one.
fn workbook(is_1904: bool, sheet: &str) -> Vec<u8> {
    workbook_of(is_1904, sheet, "")
}

/// The same with something in the last sheet (and the hidden one, which is the same part).
fn workbook_of(is_1904: bool, sheet: &str, other: &str) -> Vec<u8> {
    let workbook = format!(
        r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr date1904="{}"/><sheets><sheet name="Notes" sheetId="1" state="hidden" r:id="rId1"/><sheet name="Orders" sheetId="2" r:id="rId2"/><sheet name="Other" sheetId="3" r:id="rId1"/></sheets></workbook>"#,
        u8::from(is_1904)
    );
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{sheet}</sheetData></worksheet>"#
    );
    let other = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{other}</sheetData></worksheet>"#
    );
    zip(&[
        ("[Content_Types].xml", br#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#),
        ("_rels/.rels", br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/></Relationships>"#),
        ("xl/styles.xml", br#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="0"/><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>"#),
        ("xl/sharedStrings.xml", br#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>order_id</t></si><si><t>customer_id</t></si><si><t>Gr&#246;&#223;e</t></si></sst>"#),
        ("xl/worksheets/sheet1.xml", other.as_bytes()),
        ("xl/worksheets/sheet2.xml", sheet.as_bytes()),
    ])
}

const SHEET: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>All orders</t></is></c></row>
<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c><c r="C3" t="inlineStr"><is><t>amount</t></is></c><c r="D3" t="inlineStr"><is><t>at</t></is></c></row>
<row r="4"><c r="A4"><v>17850</v></c><c r="B4" t="s"><v>2</v></c><c r="C4"><v>12.350000000000001</v></c><c r="D4" s="1"><v>45937.5</v></c></row>
<row r="6"><c r="A6" t="str"><v>A1</v></c><c r="C6"><v>1E-2</v></c><c r="D6" t="e"><v>#N/A</v></c></row>"#;

#[test]
fn a_workbook_is_read_sheet_by_sheet() {
    let mut table = open(&workbook(false, SHEET)).expect("readable");
    let decisions = table.decisions();
    assert_eq!((decisions.container, decisions.header_line), (Container::Xlsx, 3));
    assert_eq!(
        (decisions.sheet.as_deref(), decisions.other_sheets.as_slice()),
        (Some("Orders"), &["Other".to_owned()][..])
    );
    assert_eq!(decisions.columns, ["order_id", "customer_id", "amount", "at"]);
    let first = table.next_row().expect("readable").expect("a row");
    assert_eq!((first.line, first.is_typed(0), first.is_typed(1)), (4, true, false));
    assert_eq!(
        first.cells().collect::<Vec<_>>(),
        ["17850", "Gr\u{f6}\u{df}e", "12.35", "2025-10-07 12:00:00"]
    );
    let position = table.position();
    assert_eq!(rows(&mut table).expect("to its end"), [["A1", "", "0.01", ""]]);
    let mut again = open(&workbook(false, SHEET)).expect("readable");
    again.skip_to(position).expect("it is there");
    assert_eq!(rows(&mut again).expect("to its end").len(), 1);
}

#[test]
fn the_sheet_whose_names_are_known_is_read_unless_one_is_named() {
    let cover = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Export of the shop</t></is></c></row>
        <row r="2"><c r="A2" t="inlineStr"><is><t>made by</t></is></c><c r="B2" t="inlineStr"><is><t>Ann</t></is></c></row>"#;
    for first in ["", cover] {
        let bytes = workbook_of(false, first, SHEET);
        let mut table = open(&bytes).expect("readable");
        assert_eq!(table.decisions().sheet.as_deref(), Some("Other"));
        assert_eq!(table.decisions().other_sheets, ["Orders"]);
        assert_eq!(rows(&mut table).expect("to its end").len(), 2);
    }
    // Where both are known alike it is the first.
    let table = open(&workbook_of(false, SHEET, SHEET)).expect("readable");
    assert_eq!(table.decisions().sheet.as_deref(), Some("Orders"));
    let stated = Options { sheet: Some("Orders".to_owned()), ..options() };
    let named = Table::open(&Source::Memory(workbook_of(false, cover, SHEET).into()), &stated);
    assert_eq!(named.expect("readable").decisions().columns, ["made by", "Ann"]);
}

#[test]
fn a_number_of_more_digits_than_a_spreadsheet_keeps_shows_that_it_was_rounded() {
    let sheet = SHEET.replace("<v>17850</v>", "<v>1234567890123456</v>").replace("1E-2", "123456789012345");
    let mut table = open(&workbook(false, &sheet)).expect("readable");
    let first = table.next_row().expect("readable").expect("a row");
    assert_eq!(first.cell(0), "1.23456789012346E+15");
    let second = table.next_row().expect("readable").expect("a row");
    assert_eq!(second.cell(2), "123456789012345");
}

#[test]
fn days_of_old_macs_count_from_1904() {
    let mut table = open(&workbook(true, SHEET)).expect("readable");
    let first = table.next_row().expect("readable").expect("a row");
    assert_eq!(first.cell(3), "2029-10-08 12:00:00");
}

#[test]
fn workbooks_that_are_none_or_too_large_are_refused() {
    let huge =
        format!(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row>"#, "x".repeat(300_000));
    let said = |bytes: &[u8]| match open(bytes) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    };
    assert!(said(&workbook(false, &huge)).contains("256 KiB"));
    assert!(said(&workbook(false, "<![CDATA[ <<<< ]]>")).contains("raw texts"));
    assert!(said(&workbook(false, "")).contains("empty"));
    let stated = Options { sheet: Some("Missing".to_owned()), ..options() };
    let error =
        Table::open(&Source::Memory(workbook(false, SHEET).into()), &stated).err().expect("no such sheet");
    assert!(error.to_string().contains("Orders, Other"), "{error}");
    let bytes = workbook(false, SHEET);
    assert!(open(&bytes[..bytes.len() - 30]).is_err());
    let unended = bytes.iter().rposition(|byte| *byte == b'P').expect("a directory");
    assert!(open(&bytes[..unended]).is_err());
}

#[test]
fn a_look_at_the_middle_of_a_large_file() {
    let mut text = "order_id,customer_id,amount\n".to_owned();
    for order in 0..50_000 {
        text.push_str(&format!("{order},c,5\n"));
    }
    let source = Source::Memory(text.as_bytes().into());
    let table = Table::open(&source, &options()).expect("readable");
    let mut near = table.open_near(&source, text.len() as u64 / 2).expect("readable").expect("plain text");
    let row = near.next_row().expect("readable").expect("a row");
    let order: u64 = row.cell(0).parse().expect("a whole row");
    assert!(order.abs_diff(25_000) < 3_000 && row.len() == 3, "{order}");
    let packed = Source::Memory(gzip(text.as_bytes()).into());
    let table = Table::open(&packed, &options()).expect("readable");
    assert!(table.open_near(&packed, 100).expect("readable").is_none());
}

#[test]
fn broken_rows_are_told() {
    let mut table = open(b"order_id,customer_id,amount\n1,\"c,5\n2,c,6\n").expect("readable");
    let first = table.next_row().expect("readable").expect("a row");
    assert_eq!((first.line, first.fault, first.shown(4)), (2, Some(Fault::OpenQuote), "1,\"c".to_owned()));
    assert_eq!(rows(&mut table).expect("to its end"), [["2", "c", "6"]]);
}
