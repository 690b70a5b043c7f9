//! What an import would make of a file, before anything is stored: its form, its columns, some orders, and what would be
//! left out, and what is assumed. Of a large file the beginning is looked at, and a little of the middle and the end; of a
//! small one all.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::joined::{Evidence, Joined};
use super::progress::Progress;
use super::reading::{ReadError, Reading, Request, Source, Understood, Unread, is_cut_off};
use super::repeats::HEADER_REPEATED;
use super::rule::RevenueRule;
use super::state::Told;
use super::statement::{Found, Note, NoteKind, Payment, Statement};
use crate::identities::normal;

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
    /// Words for states of orders that are not known.
    pub unknown_statuses: Vec<String>,
    /// Why an import of this file would end without having read all of it.
    pub problem: Option<String>,
    /// When the last order was placed, as [`Reading::newest_order`].
    pub(super) newest_at: Option<DateTime<Utc>>,
    /// Whether only the beginning of the file was given, so that later orders may follow.
    pub(super) is_beginning: bool,
    /// The orders that were looked at, with their lines; 0 where these have no numbers.
    pub(super) stated: Vec<(u64, Statement)>,
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
    /// When it was placed, as the file has it on the clock of its times: `2026-10-07T11:50:26+02:00`, or `2026-10-07` where
    /// no time of day stands with it; its `placed_at` is that day's beginning then.
    pub ordered_at: String,
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
        unknown_statuses: Vec::new(),
        newest_at: reading.newest_order(source).ok().flatten(),
        is_beginning: request.stated.table.is_beginning,
        stated: Vec::new(),
    };
    preview.is_whole = preview.look(&mut reading, rule, ROWS, (orders_shown, true))?;
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
    preview.unknown_statuses = reading.unknown_statuses().to_vec();
    preview.tell_statuses(reading.unknown_statuses());
    preview.tell_assumptions(&reading, request);
    if preview.problem.is_none() && preview.is_whole && preview.orders == 0 {
        preview.problem = Some("no order in the file could be read; an import would fail".to_owned());
    }
    Ok(preview)
}

/// A time as it stands in the file.
fn ordered_at(placed_at: DateTime<Utc>, has_time: bool, zone: Tz) -> String {
    let local = placed_at.with_timezone(&zone);
    match has_time {
        true => local.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        false => local.date_naive().to_string(),
    }
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
                Ok(Some(Found::Order { statement, line, rows, is_headed, has_time, .. })) => {
                    self.rows += u64::from(rows);
                    blocks.push((statement, (line, has_time), rows, is_headed));
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
            .map(|(statement, (line, _), _, is_headed)| Told {
                statement,
                line: *line,
                is_headed: *is_headed,
            })
            .collect();
        let joined = match has_lines {
            true => Joined::of(&told, Evidence::of(&Progress::default(), headers.iter())),
            false => Joined::default(),
        };
        let (mut counting, mut buyers) = (HashMap::new(), HashMap::new());
        for (statement, (line, has_time), rows, _) in blocks {
            let further = joined.repeat(line);
            if let Some((repeat, first)) = further {
                if let Some(note) = repeat.note(&statement.order_id, line, Some(first)) {
                    self.count(note, rows, has_lines);
                }
                if repeat.is_left_out() {
                    continue;
                }
            }
            if let Ok(key) = normal::key(&statement.customer) {
                let first = buyers.entry(statement.order_id.clone()).or_insert_with(|| key.clone());
                if *first != key {
                    let message = format!(
                        "rows of order {} name two customers; it counts for the first one, {}",
                        statement.order_id,
                        first.text()
                    );
                    let (kind, reason) = (NoteKind::Remark, "order_of_two_customers");
                    let note = Note { line, column: None, kind, reason, message, raw: String::new() };
                    self.count(note, 1, has_lines);
                }
            }
            let begun = further.and_then(|(_, first)| counting.get(&first).copied());
            let counts = begun.unwrap_or_else(|| rule.counts(&statement));
            if begun.is_none() {
                self.orders += 1;
                self.orders_counted += u64::from(counts);
                counting.insert(line, counts);
            }
            self.take(&statement, counts);
            self.stated.push((if has_lines { line } else { 0 }, statement.clone()));
            if self.sample.len() < orders_shown {
                let ordered_at = ordered_at(statement.placed_at, has_time, reading.zone());
                self.sample.push(Sample { line, statement, counts, ordered_at });
            }
        }
        Ok(is_end)
    }

    /// Adds an order, or a further part of one, that is revenue or not.
    fn take(&mut self, statement: &Statement, counts: bool) {
        let worth: Decimal = statement.lines.iter().map(|line| line.amount).sum();
        *self.worth.entry(statement.currency.clone()).or_default() += worth;
        if counts {
            let is_taken_back =
                statement.payment == Payment::Refunded && !statement.lines.iter().any(|line| line.is_return);
            *self.revenue.entry(statement.currency.clone()).or_default() +=
                if is_taken_back { Decimal::ZERO } else { worth };
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
                "nothing says in which currency these orders are, so they are taken as {code} (what most of the shop's orders are in, and USD as long as there are none); state another by the parameter `currency` (as EUR), or by a mapping"
            );
            tell("currency_assumed", orders, Some(first).filter(|line| *line > 0), None, message);
        }
        for kind in Unread::ALL {
            let columns = reading.unread_columns(kind);
            let Some(first) = columns.first().filter(|_| self.orders > 0) else { continue };
            let named = columns.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("{named} {}", kind.what());
            tell(kind.reason(), self.orders, None, Some((*first).to_owned()), message);
        }
        if let Some(column) = reading.unclear_discount()
            && self.orders > 0
        {
            let message = format!(
                "`{column}` is taken off each line, as an amount of money for all of its pieces; if it is a percentage, or the whole order's, it is wrong: a mapping may name it as `order_discount`, or leave it out"
            );
            tell("discount_of_lines", self.orders, None, Some(column), message);
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
