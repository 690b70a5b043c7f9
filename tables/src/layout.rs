//! Finds what separates cells, what ends lines, and which line names the columns, from the beginning of a text.

use memchr::{memchr, memchr_iter};

use crate::decisions::{Found, LineEnd, Options, plain_name};
use crate::delimited::Delimited;
use crate::error::TableError;

/// Lines in which the names of columns are looked for.
pub(crate) const HEADER_WITHIN: usize = 20;
pub(crate) const SAMPLE_ROWS: usize = 60;
const SEPARATORS: [u8; 4] = *b",;\t|";

/// How a text is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) line_end: LineEnd,
    pub(crate) separator: u8,
    pub(crate) separator_by: Found,
    pub(crate) header_line: u64,
}

/// The rows at the beginning, with their lines.
pub(crate) type Sample = Vec<(u64, Vec<String>)>;

/// Finds the layout; `is_whole` says that `head` is all there is.
pub(crate) fn find(head: &[u8], is_whole: bool, options: &Options) -> Result<Layout, TableError> {
    let line_end = line_end(head);
    let terminator = line_end.terminator();
    let marked = separator_line(head, terminator);
    let stated = options.separator.map(separator_byte).transpose()?;
    let candidates: Vec<u8> = match stated.or(marked) {
        Some(separator) => vec![separator],
        None => SEPARATORS.to_vec(),
    };
    let best = candidates
        .iter()
        .map(|separator| {
            let mut sample = rows(head, is_whole, *separator, terminator);
            if marked.is_some() && !sample.is_empty() {
                sample.remove(0);
            }
            (score(&sample, options), *separator)
        })
        .max_by(|(one, _), (other, _)| one.rank().total_cmp(&other.rank()));
    let Some((score, separator)) = best else { return Err(TableError::Empty) };
    let separator_by = match (stated, marked) {
        (Some(_), _) => Found::Stated,
        (None, Some(_)) => Found::Marked,
        (None, None) => Found::Content,
    };
    let header_line = match (options.header, score.header) {
        (Some(0), _) => {
            return Err(TableError::Option("`header` is the number of a line, from 1".to_owned()));
        }
        (Some(line), _) => line,
        (None, Some(line)) => {
            other_headers(head, is_whole, (separator, line), terminator, options)?;
            line
        }
        (None, None) => return Err(no_header(head, terminator)),
    };
    Ok(Layout { line_end, separator, separator_by, header_line })
}

/// Refuses a text of several tables of which one only would be read: lines of names stand above the header, or below it with
/// another separator.
fn other_headers(
    head: &[u8],
    is_whole: bool,
    (separator, header_line): (u8, u64),
    terminator: u8,
    options: &Options,
) -> Result<(), TableError> {
    for other in SEPARATORS {
        let sample = rows(head, is_whole, other, terminator);
        let found = sample.iter().position(|(line, cells)| {
            let is_elsewhere = if other == separator { *line < header_line } else { *line != header_line };
            is_elsewhere && is_header(cells, options)
        });
        let Some(index) = found else { continue };
        let (line, width) = (sample[index].0, sample[index].1.len());
        // Names right above the header are a part of it.
        let has_rows = sample[index + 1..]
            .iter()
            .take_while(|(at, _)| line > header_line || *at < header_line)
            .any(|(_, cells)| cells.len().abs_diff(width) <= 1 && cells.iter().any(|cell| is_value(cell)));
        if has_rows {
            return Err(several(line.min(header_line), line.max(header_line)));
        }
    }
    Ok(())
}

fn several(first: u64, second: u64) -> TableError {
    TableError::Unsupported(format!(
        "lines {first} and {second} both hold names of columns, as in files that were joined, and they differ in their names or \
         separators; divide the file before line {second}, and send the parts one by one"
    ))
}

/// Refuses rows above the one of names that begin with another one of them.
pub(crate) fn refuse_earlier_header(
    sample: &Sample,
    header: usize,
    options: &Options,
) -> Result<(), TableError> {
    if options.header.is_some() {
        return Ok(());
    }
    let above = &sample[..header];
    let Some(index) = above.iter().position(|(_, cells)| is_header(cells, options)) else { return Ok(()) };
    let has_rows = above[index + 1..].iter().any(|(_, cells)| cells.iter().any(|cell| is_value(cell)));
    if has_rows { Err(several(above[index].0, sample[header].0)) } else { Ok(()) }
}

/// Whether a row is surely one of names: several are known, and they are half of it.
fn is_header(cells: &[String], options: &Options) -> bool {
    const NAMES_ENOUGH: usize = 3;
    let known = known(cells, options);
    let named = cells.iter().filter(|cell| !cell.is_empty()).count();
    known >= NAMES_ENOUGH && known * 2 >= named && !cells.iter().any(|cell| is_value(cell))
}

/// A separator that a caller states.
pub(crate) fn separator_byte(separator: char) -> Result<u8, TableError> {
    u8::try_from(separator)
        .ok()
        .filter(|byte| {
            byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r' | 0)
        })
        .ok_or_else(|| {
            TableError::Option(
                "`separator` must be one ASCII character that is no letter, digit, quote or line end"
                    .to_owned(),
            )
        })
}

pub(crate) fn no_header(head: &[u8], terminator: u8) -> TableError {
    if head.iter().all(u8::is_ascii_whitespace) {
        return TableError::Empty;
    }
    let mut lines = head.split(|byte| *byte == terminator).filter(|line| !line.trim_ascii().is_empty());
    let first = lines.next().unwrap_or_default();
    if is_one_quoted_cell(first.trim_ascii())
        && lines.next().is_none_or(|second| is_one_quoted_cell(second.trim_ascii()))
    {
        return TableError::Unsupported(
            "each line of the file stands in quotes as one cell, as when a table was opened as a single column; divide that \
             column by its separator, and save the file again"
                .to_owned(),
        );
    }
    let first = String::from_utf8_lossy(&first[..first.len().min(400)]);
    TableError::NoHeader {
        looked_at: HEADER_WITHIN,
        first: first.chars().filter(|sign| !sign.is_control()).take(80).collect(),
    }
}

/// Whether a line is one cell in quotes that holds a line of cells.
fn is_one_quoted_cell(line: &[u8]) -> bool {
    let inner = line.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner.is_some_and(|inner| {
        !inner.contains(&b'"')
            && SEPARATORS.iter().any(|separator| memchr_iter(*separator, inner).count() >= 2)
    })
}

/// Carriage returns alone end lines only where no line feed does: spreadsheets put line feeds into cells as well.
fn line_end(head: &[u8]) -> LineEnd {
    let feeds = memchr_iter(b'\n', head).count();
    let paired = memchr_iter(b'\r', head).filter(|at| head.get(at + 1) == Some(&b'\n')).count();
    let alone = memchr_iter(b'\r', head).count() - paired;
    let first_is_alone = memchr(b'\r', head)
        .is_some_and(|at| head.get(at + 1) != Some(&b'\n') && memchr(b'\n', &head[..at]).is_none());
    // The last byte of a sample may be half of a pair.
    let alone = alone - usize::from(alone > 0 && head.last() == Some(&b'\r') && feeds > 0);
    match () {
        () if first_is_alone && alone > feeds => LineEnd::Cr,
        () if paired > 0 && paired * 2 >= feeds => LineEnd::CrLf,
        () => LineEnd::Lf,
    }
}

/// What a first line `sep=;` says, which spreadsheets write and read.
fn separator_line(head: &[u8], terminator: u8) -> Option<u8> {
    let line = &head[..memchr(terminator, head).unwrap_or(head.len())];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (name, separator) = line.split_at_checked(4)?;
    match separator {
        [separator]
            if name.eq_ignore_ascii_case(b"sep=") && separator_byte(char::from(*separator)).is_ok() =>
        {
            Some(*separator)
        }
        _ => None,
    }
}

/// The first rows by a separator.
fn rows(head: &[u8], is_whole: bool, separator: u8, terminator: u8) -> Sample {
    let mut delimited = Delimited::new(head, separator, terminator);
    let mut sample = Vec::new();
    while sample.len() < SAMPLE_ROWS {
        let Ok(Some(row)) = delimited.next_row() else { break };
        if row.fault.is_none() {
            sample.push((row.line, row.cells().map(|cell| cell.trim().to_owned()).collect()));
        } else {
            sample.push((row.line, Vec::new()));
        }
        // The last row of a part is perhaps half of one.
        if !is_whole && delimited.position().offset == head.len() as u64 && sample.len() > 1 {
            sample.pop();
        }
    }
    sample
}

/// How well a separator explains the text.
#[derive(Debug, Clone, Copy)]
struct Score {
    header: Option<u64>,
    /// Names of the header that are known.
    known: usize,
    /// Share of the rows below that are as wide as the header.
    fitting: f64,
    width: usize,
}

impl Score {
    /// Known names first, then rows of one width, then more columns.
    fn rank(&self) -> f64 {
        if self.header.is_none() {
            return -1.0;
        }
        self.known as f64 * 1_000_000.0 + self.fitting * 10_000.0 + self.width as f64
    }
}

fn score(sample: &Sample, options: &Options) -> Score {
    let none = Score { header: None, known: 0, fitting: 0.0, width: 0 };
    let Some((index, known)) = header_of(sample, options) else { return none };
    let (line, names) = &sample[index];
    let width = used(names);
    let below: Vec<usize> = sample[index + 1..].iter().map(|(_, cells)| cells.len()).collect();
    let fits = below.iter().filter(|cells| **cells >= width.min(2) && cells.abs_diff(width) <= 1).count();
    // A last line with many names may be the text of a cell.
    let fitting = if below.is_empty() { 0.0 } else { fits as f64 / below.len() as f64 };
    Score { header: Some(*line), known, fitting, width }
}

/// Index of the row of names, and how many of them are known.
pub(crate) fn header_of(sample: &Sample, options: &Options) -> Option<(usize, usize)> {
    if let Some(line) = options.header {
        let index = sample.iter().position(|(at, _)| *at == line)?;
        return Some((index, known(&sample[index].1, options)));
    }
    let within = &sample[..sample.len().min(HEADER_WITHIN)];
    let most = within.iter().enumerate().map(|(index, (_, cells))| (index, known(cells, options)));
    // Of several rows with as many the first; `max_by_key` would take the last.
    let best = most.rev().max_by_key(|(_, known)| *known)?;
    if best.1 >= 2 {
        return Some(best);
    }
    // No name is known. A header has names in nearly all columns of the rows below, none twice, and no numbers.
    let mut widths: Vec<usize> = sample.iter().map(|(_, cells)| cells.len()).collect();
    widths.sort_unstable();
    let usual = widths.get(widths.len() / 2).copied().unwrap_or(0);
    let index = within.iter().position(|(_, cells)| {
        let named = cells.iter().filter(|cell| !cell.is_empty()).count();
        named >= 2 && named * 10 >= usual * 6 && cells.iter().all(|cell| !is_value(cell))
    })?;
    Some((index, 0))
}

fn used(cells: &[String]) -> usize {
    cells.len() - cells.iter().rev().take_while(|cell| cell.is_empty()).count()
}

fn known(cells: &[String], options: &Options) -> usize {
    let mut names: Vec<String> = cells.iter().map(|cell| plain_name(cell)).collect();
    names.sort_unstable();
    names.dedup();
    names.iter().filter(|name| options.known_names.binary_search(name).is_ok()).count()
}

/// Numbers and dates are values, not names.
fn is_value(cell: &str) -> bool {
    cell.bytes().any(|byte| byte.is_ascii_digit())
        && cell.chars().all(|sign| sign.is_ascii_digit() || " .,:-/+()TZ\u{a0}".contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        let mut known_names: Vec<String> =
            ["orderid", "customerid", "orderedat", "quantity", "amount"].map(str::to_owned).to_vec();
        known_names.sort_unstable();
        Options { known_names, ..Options::default() }
    }

    fn layout(text: &str) -> (char, u64, LineEnd) {
        let found = find(text.as_bytes(), true, &options()).expect("it has a layout");
        (char::from(found.separator), found.header_line, found.line_end)
    }

    #[test]
    fn separators_are_found() {
        assert_eq!(layout("order_id,customer_id,amount\n1,c1,5\n"), (',', 1, LineEnd::Lf));
        assert_eq!(layout("order_id;customer_id;amount\r\n1;c1;12,50\r\n"), (';', 1, LineEnd::CrLf));
        assert_eq!(layout("order_id\tcustomer_id\tamount\r1\tc1\t5\r"), ('\t', 1, LineEnd::Cr));
        assert_eq!(layout("order_id|customer_id|amount\n"), ('|', 1, LineEnd::Lf));
        assert_eq!(layout("sep=;\norder_id;customer_id;amount\n1;c1;12,50\n"), (';', 2, LineEnd::Lf));
        assert_eq!(layout("Bestellung;Kunde;Betrag\n1;c1;12,50\n2;c2;13,50\n"), (';', 1, LineEnd::Lf));
        assert_eq!(layout("x,y,z\n1,2,3\n"), (',', 1, LineEnd::Lf));
    }

    #[test]
    fn a_header_may_stand_below_a_title() {
        assert_eq!(
            layout("Orders of Example GmbH, October\n\nOrder ID,Customer ID,Amount\n1,c1,5\n"),
            (',', 3, LineEnd::Lf)
        );
        assert_eq!(
            layout("Report;;\nmade 2026-10-01;;\nNummer;Kunde;Betrag\n1;c1;5\n2;c1;5\n"),
            (';', 3, LineEnd::Lf)
        );
    }

    #[test]
    fn statements_go_before_what_is_found() {
        let stated = Options { separator: Some('|'), header: Some(2), ..options() };
        let found = find(b"x|y\norder_id|amount\n1|2\n", true, &stated).expect("it has a layout");
        assert_eq!((found.separator, found.separator_by, found.header_line), (b'|', Found::Stated, 2));
        let bad = Options { separator: Some('"'), ..options() };
        assert!(matches!(find(b"a,b\n", true, &bad), Err(TableError::Option(_))));
    }

    #[test]
    fn tables_of_which_one_only_would_be_read_are_refused() {
        let semicolons = "order_id;customer_id;amount\n1;c1;5,00\n2;c1;6,00\n3;c1;6,00\n";
        let commas = "order_id,customer_id,amount\n4,c2,7.00\n";
        let wider = "order_id;customer_id;quantity;amount\n4;c2;1;7,00\n";
        for (text, lines) in [
            (format!("{semicolons}{commas}"), "lines 1 and 5 "),
            (format!("{commas}{semicolons}"), "lines 1 and 3 "),
            // The second one has more names that are known.
            (format!("{semicolons}{wider}"), "lines 1 and 5 "),
        ] {
            let error = find(text.as_bytes(), true, &options()).expect_err("two tables").to_string();
            assert!(error.starts_with(lines) && error.contains("divide the file"), "{error}");
            // Whoever states where the names are knows it.
            let stated = Options { header: Some(1), ..options() };
            assert!(find(text.as_bytes(), true, &stated).is_ok());
        }
        // Names of groups above the names, and names in the text of a cell, are no table.
        assert_eq!(
            layout("Order ID;Customer ID;Amount;\norder_id;customer_id;amount;quantity\n1;c1;5;1\n").1,
            2
        );
        assert_eq!(layout("order_id;customer_id;amount;note\n1;c1;5;x,quantity,amount,order_id,y\n").0, ';');
    }

    #[test]
    fn what_has_no_names_is_told() {
        assert!(matches!(find(b"", true, &options()), Err(TableError::Empty)));
        assert!(matches!(find(b"\n\n", true, &options()), Err(TableError::Empty)));
        let error = find(b"1,2,3\n4,5,6\n", true, &options()).expect_err("no names");
        assert!(error.to_string().contains("`1,2,3`"), "{error}");
        assert!(matches!(find(b"hello\nworld\n", true, &options()), Err(TableError::NoHeader { .. })));
        let quoted = find(b"\"order_id,customer_id,amount\"\n\"1,c1,5\"\n", true, &options());
        assert!(quoted.is_err_and(|error| error.to_string().contains("in quotes as one cell")));
    }

    #[test]
    fn line_feeds_in_cells_do_not_hide_carriage_returns() {
        assert_eq!(line_end(b"a,b\r1,\"x\ny\"\r2,z\r"), LineEnd::Cr);
        assert_eq!(line_end(b"a,b\n1,x\ry\n"), LineEnd::Lf);
    }
}
