//! How fast plain lines are read: `cargo run --release -p tables --example speed -- LINES`. A file of order lines is
//! written to the temporary folder, read, and its numbers and dates parsed.

use std::io::{BufWriter, Write};
use std::time::Instant;

use tables::number::{self, DecimalMark, NumberForm};
use tables::{Options, Source, Table, date};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000_000);
    let path = std::env::temp_dir().join(format!("deskwork-speed-{}.csv", std::process::id()));
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(&path)?);
    writeln!(file, "order_id,customer_id,ordered_at,product_id,quantity,amount,currency")?;
    for line in 0..lines {
        let day = line % 28 + 1;
        writeln!(
            file,
            "{},c{},2026-01-{day:02} 10:15:32,P-{},{},{}.50,EUR",
            line / 3,
            line % 99_991,
            line % 997,
            line % 5 + 1,
            line % 89
        )?;
    }
    file.flush()?;
    drop(file);
    let begun = Instant::now();
    let mut table = Table::open(&Source::Path(path.clone()), &Options::default())?;
    let (mut rows, mut sum) = (0_u64, rust_decimal::Decimal::ZERO);
    while let Some(row) = table.next_row()? {
        let form = NumberForm::Mark(DecimalMark::Point);
        date::parse(row.cell(2), None)?;
        number::parse(row.cell(4), form)?;
        sum += number::parse(row.cell(5), form)?.value;
        rows += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    println!("figure: read_lines {rows} lines");
    println!("figure: read_seconds {seconds:.2} s");
    println!("figure: read_sum {sum} EUR");
    Ok(())
}
