//! What an import would make of a file, before anything is stored: its form, its columns, some orders, and what would be
//! left out, and what is assumed. Of a large file the beginning is looked at, and a little of the middle and the end; of a
//! small one all.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::joined::{Evidence, Joined};
use super::progress::Progress;
use super::reading::{ReadError, Reading, Request, Source, Understood, is_cut_off};
use super::repeats::HEADER_REPEATED;
use super::rule::RevenueRule;
use super::state::Told;
use super::statement::{Found, Note, NoteKind, Payment, Statement};

/// Rows of the beginning that are read.
const ROWS: u64 = 10_000;
/// Rows of the middle and of the end.
const DISTANT_ROWS: u64 = 1_000;
/// Lines of an order that are shown.
pub const LINES_SHOWN: usize = 20;

/// What an import would make of a file.
#[derive(Debug)]
pub struct Preview {
    /// Form, columns, and how numbers and dates are written.
    pub understood: Understood,
    /// Whether all of the file was looked at, so that the counts are those of an import.
    pub is_whole: bool,
    /// Rows that were looked at.
    pub rows: u64,
    /// Orders in them; one whose rows stand apart is one, but in parts of a large file that are far from each other.
    pub orders: u64,
    /// What these orders are worth, by currency: sales less returns, whatever was paid.
    pub worth: BTreeMap<String, Decimal>,
    /// Orders that are revenue under the rule.
    pub orders_counted: u64,
    /// What those are worth, by currency.
    pub revenue: BTreeMap<String, Decimal>,
    /// The first orders.
    pub sample: Vec<Sample>,
    /// What would be left out, by reason.
    pub left_out: Vec<Reason>,
    /// What would be taken with a remark, by reason.
    pub remarks: Vec<Reason>,
    /// Why an import of this file would end without having read all of it.
    pub problem: Option<String>,
}

/// An order as it was understood.
#[derive(Debug)]
pub struct Sample {
    /// Its first row in the file.
    pub line: u64,
    /// What it says.
    pub statement: Statement,
    /// Whether it is revenue under the rule.
    pub counts: bool,
    /// The day on which it was placed, where the file knows no times of day: `placed_at` is that day's beginning then.
    pub placed_on: Option<NaiveDate>,
}

/// Rows that something is to be said of.
#[derive(Debug)]
pub struct Reason {
    /// The kind of fault, in fixed words.
    pub reason: &'static str,
    /// So many rows.
    pub rows: u64,
    /// The first of them; its line is none in the middle of a large file.
    pub line: Option<u64>,
    /// Its column.
    pub column: Option<String>,
    /// What was seen, and what would be accepted.
    pub message: String,
}

/// Looks at a file and shows at most so many orders, and what of it is revenue under a rule.
///
/// # Errors
/// As [`Reading::open`], but for what can be read in two ways: that is told as the problem.
pub fn preview(
    source: &Source,
    request: &Request,
    rule: RevenueRule,
    orders_shown: usize,
) -> Result<Preview, ReadError> {
    let mut reading = Reading::peek(source, request)?;
    let understood = reading.understood().clone();
    let mut preview = Preview {
        problem: understood.forms.clone().settled().err().map(|error| error.to_string()),
        understood,
        is_whole: false,
        rows: 0,
        orders: 0,
        worth: BTreeMap::new(),
        orders_counted: 0,
        revenue: BTreeMap::new(),
        sample: Vec::new(),
        left_out: Vec::new(),
        remarks: Vec::new(),
    };
    preview.is_whole = preview.look(&mut reading, rule, ROWS, (orders_shown, true))?;
    if !reading.has_times() {
        let zone = reading.zone();
        for order in &mut preview.sample {
            order.placed_on = Some(order.statement.placed_at.with_timezone(&zone).date_naive());
        }
    }
    if !preview.is_whole {
        let size = source.size_bytes().map_err(tables::TableError::from)?;
        for offset in [size / 2, size - size / 20] {
            if reading.jump(source, offset)? {
                // The first order there is perhaps half of one.
                reading.next()?;
                let until = preview.rows + DISTANT_ROWS;
                preview.look(&mut reading, rule, until, (0, false))?;
            }
        }
    }
    preview.tell_statuses(reading.unknown_statuses());
    preview.tell_assumptions(&reading, request);
    if preview.problem.is_none() && preview.is_whole && preview.orders == 0 {
        preview.problem = Some("no order in the file could be read; an import would fail".to_owned());
    }
    Ok(preview)
}

impl Preview {
    /// Looks at rows; true at the end of the file. Where lines have no numbers, what stands there may be half of an order,
    /// so nothing is said of what stands twice.
    fn look(
        &mut self,
        reading: &mut Reading,
        rule: RevenueRule,
        until_rows: u64,
        (orders_shown, has_lines): (usize, bool),
    ) -> Result<bool, ReadError> {
        let mut blocks = Vec::new();
        let mut headers = Vec::new();
        let is_end = loop {
            if self.rows >= until_rows {
                break false;
            }
            match reading.next() {
                Ok(None) => break true,
                Ok(Some(Found::Order { statement, line, rows, is_headed, .. })) => {
                    self.rows += u64::from(rows);
                    blocks.push((statement, line, rows, is_headed));
                }
                Ok(Some(Found::Note { note, rows, .. })) => {
                    self.rows += u64::from(rows);
                    if note.reason == HEADER_REPEATED {
                        headers.push(note.clone());
                    }
                    self.count(note, rows, has_lines);
                }
                Err(error) if is_cut_off(&error) => {
                    self.problem = Some(error.to_string());
                    break true;
                }
                // Where lines have no numbers.
                Err(ReadError::OtherColumns { .. }) if !has_lines => {
                    self.problem = Some(
                        "below its beginning the file has the names of columns again, and others than above or in another order, as in files that were joined; divide it there, and import the parts one by one".to_owned(),
                    );
                    break true;
                }
                Err(error) => return Err(error),
            }
        };
        let told: Vec<Told<'_>> = blocks
            .iter()
            .map(|(statement, line, _, is_headed)| Told { statement, line: *line, is_headed: *is_headed })
            .collect();
        let joined = match has_lines {
            true => Joined::of(&told, Evidence::of(&Progress::default(), headers.iter())),
            false => Joined::default(),
        };
        let mut counting = HashMap::new();
        for (statement, line, rows, _) in blocks {
            let further = joined.repeat(line);
            if let Some((repeat, first)) = further {
                if let Some(note) = repeat.note(&statement.order_id, line, Some(first)) {
                    self.count(note, rows, has_lines);
                }
                if repeat.is_left_out() {
                    continue;
                }
            }
            let begun = further.and_then(|(_, first)| counting.get(&first).copied());
            let counts = begun.unwrap_or_else(|| rule.counts(&statement));
            if begun.is_none() {
                self.orders += 1;
                self.orders_counted += u64::from(counts);
                counting.insert(line, counts);
            }
            self.take(statement, line, counts, orders_shown);
        }
        Ok(is_end)
    }

    /// Adds an order, or a further part of one, that is revenue or not.
    fn take(&mut self, statement: Statement, line: u64, counts: bool, orders_shown: usize) {
        let worth: Decimal = statement.lines.iter().map(|line| line.amount).sum();
        *self.worth.entry(statement.currency.clone()).or_default() += worth;
        if counts {
            let is_taken_back =
                statement.payment == Payment::Refunded && !statement.lines.iter().any(|line| line.is_return);
            *self.revenue.entry(statement.currency.clone()).or_default() +=
                if is_taken_back { Decimal::ZERO } else { worth };
        }
        if self.sample.len() < orders_shown {
            self.sample.push(Sample { line, statement, counts, placed_on: None });
        }
    }

    /// Words for states that are not known, all in one remark.
    fn tell_statuses(&mut self, words: &[String]) {
        let remark = self.remarks.iter_mut().find(|remark| remark.reason == "status_unknown");
        if let Some(remark) = remark.filter(|_| words.len() > 1) {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            remark.message = format!(
                "the statuses {} are not known; these orders count as placed, and whether they were paid as not told; a mapping may say in `statuses` what the words mean",
                words.join(", ")
            );
        }
    }

    /// What nothing in the file says, and is taken for granted.
    fn tell_assumptions(&mut self, reading: &Reading, request: &Request) {
        let mut tell = |reason, rows, line, column, message| {
            self.remarks.push(Reason { reason, rows, line, column, message });
        };
        let (orders, first) = reading.without_currency();
        let is_mapped = request.mapping.as_ref().is_some_and(|mapping| mapping.currency.is_some());
        if request.is_currency_assumed && !is_mapped && orders > 0 {
            let code = reading.usual_currency();
            let message = format!(
                "nothing says in which currency these orders are, so they are taken as {code}; state another by the parameter `currency` (as EUR), or by a mapping"
            );
            tell("currency_assumed", orders, Some(first).filter(|line| *line > 0), None, message);
        }
        let others = &self.understood.file.other_sheets;
        if let Some(sheet) = &self.understood.file.sheet
            && !others.is_empty()
        {
            let names = others.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!(
                "only the sheet `{sheet}` is read, and others are not ({names}); to import another as well, state `sheet`"
            );
            tell("other_sheets", others.len() as u64, None, None, message);
        }
        if let Some(column) = reading.column_of_totals()
            && self.orders > 0
        {
            let message = "no column says what lines amount to, so orders are worth their totals, with shipping and taxes if these are in them; a mapping may name another column as `amount`".to_owned();
            let first = self.sample.first().map(|order| order.line);
            tell("order_totals", self.orders, first, Some(column), message);
        }
    }

    fn count(&mut self, note: Note, rows: u32, has_lines: bool) {
        let list = match note.kind {
            NoteKind::LeftOut => &mut self.left_out,
            NoteKind::Remark => &mut self.remarks,
        };
        let rows = u64::from(rows.max(1));
        match list.iter_mut().find(|known| known.reason == note.reason) {
            Some(known) => known.rows += rows,
            None => list.push(Reason {
                reason: note.reason,
                rows,
                line: has_lines.then_some(note.line),
                column: note.column,
                message: note.message,
            }),
        }
    }
}
