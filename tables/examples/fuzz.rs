//! Reads millions of broken files: `cargo run --release -p tables --example fuzz -- INPUTS SEED`. Files of all packings
//! and encodings are cut, joined, and changed byte by byte. A panic ends it, and the file is kept where it says, beside
//! the seed; a hang shows as a slow input; what memory it took is told at the end.

use std::io::Write as _;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tables::date::{self, DateOrder};
use tables::number::{self, DecimalMark, NumberForm};
use tables::{Options, Source, Table};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % sides.max(1)
    }
}

/// How often it says how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments: Option<Vec<u64>> = std::env::args().skip(1).map(|text| text.parse().ok()).collect();
    let (inputs, seed) = match arguments.as_deref() {
        Some([]) => (100_000, 1),
        Some([inputs]) => (*inputs, 1),
        Some([inputs, seed]) => (*inputs, *seed),
        _ => {
            eprintln!("usage: fuzz [INPUTS [SEED]], both numbers");
            return ExitCode::from(2);
        }
    };
    let corpus = corpus();
    let mut dice = Dice(seed);
    let (mut slowest, mut rows, mut refused) = (Duration::ZERO, 0_u64, 0_u64);
    let (begun, mut told) = (Instant::now(), Instant::now());
    for input in 0..inputs {
        let bytes = changed(&corpus, &mut dice);
        let began = Instant::now();
        let read = catch_unwind(|| read(bytes.clone()));
        slowest = slowest.max(began.elapsed());
        match read {
            Ok(Ok(read)) => rows += read,
            Ok(Err(())) => refused += 1,
            Err(_) => {
                let file = std::env::temp_dir().join(format!("fuzz-tables-{seed}-{input}"));
                let kept = std::fs::write(&file, &bytes);
                println!("panicked at input {input} of seed {seed}; it is in {} ({kept:?})", file.display());
                return ExitCode::FAILURE;
            }
        }
        if told.elapsed() > TOLD_EVERY {
            told = Instant::now();
            println!("{input} of {inputs} inputs after {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned();
    println!("figure: fuzz_tables_inputs {inputs} inputs");
    println!("figure: fuzz_tables_panics 0 panics");
    println!("figure: fuzz_tables_rows {rows} rows");
    println!("figure: fuzz_tables_refused {refused} inputs");
    println!("figure: fuzz_tables_slowest {:.3} s", slowest.as_secs_f64());
    println!("figure: fuzz_tables_seconds {:.1} s", begun.elapsed().as_secs_f64());
    println!("figure: fuzz_tables_peak_memory {} kB", peak.trim_end_matches(" kB"));
    ExitCode::SUCCESS
}

fn corpus() -> Vec<Vec<u8>> {
    let plain = "order_id,customer_id,ordered_at,quantity,amount,title\n1,c1,2026-10-01,1,5.00,\"a \"\"b\"\", c\"\n2,c2,13/10/2026 09:15,2,\"1.299,50\",Gr\u{f6}\u{df}e\n";
    let semicolons = "sep=;\r\nBestellung;Kunde;Betrag\r\n1;c1;12,50\r\n2;c2;1.299,00\r\n";
    let wide: Vec<u8> = format!("\u{feff}{plain}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let gzip = gzip.write_all(plain.as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    let bzip2 = bzip2.write_all(plain.as_bytes()).and_then(|()| bzip2.finish()).unwrap_or_default();
    let zstd = zstd::encode_all(plain.as_bytes(), 1).unwrap_or_default();
    let mut latin = b"order_id|customer_id|amount\r1|Jos\xe9|5\r".to_vec();
    latin.extend(b"\"open|1\r".repeat(20));
    vec![plain.into(), semicolons.into(), wide, gzip, bzip2, zstd, latin]
}

fn changed(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    const SIGNS: &[u8] = b"\",;\t|\n\r \0\xff\xfe\xef\xbb\xbf\xc3\xa9\x1fPKBZh0123456789.-/=sep'";
    let mut bytes = corpus[dice.roll(corpus.len())].clone();
    for _ in 0..dice.roll(8) {
        let at = dice.roll(bytes.len() + 1);
        match dice.roll(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, SIGNS[dice.roll(SIGNS.len())]),
            2 if at < bytes.len() => bytes[at] = dice.roll(256) as u8,
            3 if at < bytes.len() => {
                bytes.remove(at);
            }
            4 => {
                let other = &corpus[dice.roll(corpus.len())];
                let part = &other[dice.roll(other.len())..];
                bytes.splice(at..at, part.iter().copied());
            }
            _ => {
                let sign = SIGNS[dice.roll(SIGNS.len())];
                let most = if dice.roll(200) == 0 { 200_000 } else { 40 };
                let times = dice.roll(most);
                bytes.splice(at..at, std::iter::repeat_n(sign, times));
            }
        }
    }
    bytes
}

fn read(bytes: Vec<u8>) -> Result<u64, ()> {
    let source = Source::Memory(bytes.into());
    let mut table = Table::open(&source, &Options::default()).map_err(|_| ())?;
    let mut rows = 0;
    while let Some(row) = table.next_row().map_err(|_| ())? {
        rows += 1;
        let _ = row.shown(100);
        for cell in row.cells() {
            let _ = number::parse(cell, NumberForm::Both);
            let _ = number::parse(cell, NumberForm::Mark(DecimalMark::Comma));
            let _ = date::parse(cell, Some(DateOrder::DayFirst));
            date::Evidence::default().see(cell, None);
        }
    }
    Ok(rows)
}
