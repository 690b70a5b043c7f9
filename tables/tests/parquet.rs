//! Parquet files: typed cells, packings, and what is damaged.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tables::{Container, Options, Source, Table, TableError};

const SCHEMA: &str = "message orders {
    required binary order_id (UTF8);
    required int64 customer_id;
    required double amount;
    optional int64 at (TIMESTAMP(MICROS, false));
    required int64 seen (TIMESTAMP(NANOS, true));
    required int32 cents (DECIMAL(9, 2));
}";

/// 1760003426 is 2025-10-09 09:50:26.
fn file(compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).expect("a writer");
    for group in 0..2 {
        let mut rows = writer.next_row_group().expect("a group");
        let mut index = 0;
        while let Some(mut column) = rows.next_column().expect("a column") {
            match index {
                0 => {
                    let ids = [format!("A{group}"), format!("Gr\u{f6}\u{df}e {group}")];
                    let ids = ids.map(|id| ByteArray::from(id.as_str()));
                    column.typed::<ByteArrayType>().write_batch(&ids, None, None).map(|_| ())
                }
                1 => column
                    .typed::<Int64Type>()
                    .write_batch(&[9_007_199_254_740_993, 2], None, None)
                    .map(|_| ()),
                2 => column.typed::<DoubleType>().write_batch(&[12.35, 0.1 + 0.2], None, None).map(|_| ()),
                3 => column
                    .typed::<Int64Type>()
                    .write_batch(&[1_760_003_426_000_000], Some(&[1, 0]), None)
                    .map(|_| ()),
                4 => column
                    .typed::<Int64Type>()
                    .write_batch(&[1_760_003_426_000_000_000, 0], None, None)
                    .map(|_| ()),
                _ => column.typed::<Int32Type>().write_batch(&[1_250, -5], None, None).map(|_| ()),
            }
            .expect("written");
            column.close().expect("closed");
            index += 1;
        }
        rows.close().expect("closed");
    }
    writer.into_inner().expect("finished")
}

fn rows(bytes: &[u8]) -> Result<Vec<Vec<String>>, TableError> {
    let mut table = Table::open(&Source::Memory(bytes.into()), &Options::default())?;
    let mut rows = Vec::new();
    while let Some(row) = table.next_row()? {
        assert!(row.is_typed(1) && !row.is_typed(0));
        rows.push(row.cells().map(str::to_owned).collect());
    }
    Ok(rows)
}

#[test]
fn cells_are_typed_whatever_the_packing() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
        Compression::LZ4_RAW,
        Compression::BROTLI(Default::default()),
    ] {
        let bytes = file(compression);
        let table =
            Table::open(&Source::Memory(bytes.as_slice().into()), &Options::default()).expect("readable");
        assert_eq!((table.decisions().container, table.decisions().columns.len()), (Container::Parquet, 6));
        let found = rows(&bytes).expect("to its end");
        assert_eq!(found.len(), 4);
        assert_eq!(
            found[0],
            [
                "A0",
                "9007199254740993",
                "12.35",
                "2025-10-09T09:50:26.000000",
                "2025-10-09T09:50:26.000000Z",
                "12.50"
            ]
        );
        assert_eq!(found[3], ["Gr\u{f6}\u{df}e 1", "2", "0.3", "", "1970-01-01T00:00:00.000000Z", "-0.05"]);
    }
}

#[test]
fn reading_goes_on_at_a_row() {
    let source = Source::Memory(file(Compression::SNAPPY).into());
    let mut table = Table::open(&source, &Options::default()).expect("readable");
    table.next_row().expect("readable");
    let position = table.position();
    let mut again = Table::open(&source, &Options::default()).expect("readable");
    again.skip_to(position).expect("it is there");
    assert_eq!(again.next_row().expect("readable").map(|row| row.line), Some(2));
}

#[test]
fn damaged_files_are_refused_and_do_not_end_the_process() {
    let whole = file(Compression::SNAPPY);
    for length in [4, 12, whole.len() / 2, whole.len() - 1] {
        assert!(rows(&whole[..length]).is_err(), "{length}");
    }
    for at in (4..whole.len()).step_by(3) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        let _ = Table::open(&Source::Memory(damaged.into()), &Options::default())
            .map(|mut table| while let Ok(Some(_)) = table.next_row() {});
    }
}
