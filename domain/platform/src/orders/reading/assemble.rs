//! Rows into orders. Rows of one order that stand together are one statement; a row that cannot be read takes its order
//! with it, because half an order is a wrong order, and both are told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tables::{Kept, Position, Row, plain_name};

use super::cells::{Cells, Rules, Wrong};
use super::columns::Columns;
use super::order::{Order, Remark, STATUS_UNKNOWN, WORD_SHOWN};
use crate::orders::profiles::Meaning;
use crate::orders::repeats::HEADER_REPEATED;
use crate::orders::statement::{Found, LINES_LIMIT, Note, NoteKind, Place};

/// So much of a row is kept to be shown.
const SHOWN_CHARACTERS: usize = 500;

/// What to do about rows that are not where their system wrote them.
const SORT: &str = "only the first row of an order has the order's own data, and its other rows stand below it, so if the file \
                    was sorted since, export it again and import it as it is";
/// So many words for states that are not known are told together.
const UNKNOWN_STATUSES_KEPT: usize = 20;

/// What the sum below a table is called, by its plain name.
const SUMS: [&str; 12] = [
    "total",
    "totals",
    "grandtotal",
    "subtotal",
    "sum",
    "summe",
    "gesamt",
    "gesamtsumme",
    "zwischensumme",
    "totale",
    "somme",
    "suma",
];

pub(super) struct Assembler {
    pub(super) columns: Columns,
    pub(super) rules: Rules,
    pub(super) seen: Seen,
    /// Orders that name no currency, for whoever gave the reading away.
    pub(super) without_currency: Arc<AtomicU64>,
    /// Words for states of orders that are not known, the first of them.
    pub(super) unknown_statuses: Vec<String>,
    /// The line in which other names of columns stand: from there on nothing is read.
    pub(super) refused: Option<u64>,
    header_line: u64,
    /// Whether a row was seen that goes on with its order and has none of what the first row has: only then a row that has
    /// it is known to be a first one. One whose lines amount to the order's subtotal is known by itself.
    knows_heads: bool,
    open: Option<Open>,
    found: VecDeque<Found>,
}

/// What orders have and lack, which is told of the file as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Orders that name no currency, and the line of the first one.
    pub(super) without_currency: u64,
    pub(super) first_without_currency: u64,
}

/// The order whose rows are being read.
struct Open {
    order: Order,
    line: u64,
    rows: u32,
    /// Whether its first row has what only first rows have.
    has_head: bool,
    /// The first row, to be shown when all of them are left out.
    raw: Kept,
    /// The first row that cannot be read, and how many there are; the note of the last one is kept back, because where
    /// reading goes on is known only at the order's end.
    bad_line: Option<u64>,
    bad_rows: u32,
    kept: Option<Note>,
}

impl Assembler {
    pub(super) fn new(columns: Columns, rules: Rules, header_line: u64) -> Assembler {
        Assembler {
            columns,
            rules,
            seen: Seen::default(),
            without_currency: Arc::default(),
            unknown_statuses: Vec::new(),
            refused: None,
            header_line,
            knows_heads: false,
            open: None,
            found: VecDeque::new(),
        }
    }

    /// One that has seen nothing yet.
    pub(super) fn anew(&self) -> Assembler {
        Assembler::new(self.columns.clone(), self.rules.clone(), self.header_line)
    }

    /// What was found out so far, in the order of the file.
    pub(super) fn pop(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    /// Takes a row that begins at one position and ends at the other.
    pub(super) fn row(&mut self, row: &Row<'_>, begins: Position, ends: Position) {
        if row.is_blank() {
            return;
        }
        if let Some(fault) = row.fault {
            let note = self.note(row, "row_unreadable", None, fault.to_string());
            return self.leave_out(note, ends);
        }
        let is_header = self.columns.is_header(row);
        // Right below the header the same names may stand in another language.
        if is_header && row.line > self.header_line + 1 && !self.columns.are_those_of(row) {
            self.close(begins);
            self.refused = Some(row.line);
            return;
        }
        let cells = Cells { row, columns: &self.columns, rules: &self.rules };
        if let Some(wrong) = too_wide(row, self.columns.all.len()) {
            let note = self.note(row, wrong.reason, None, wrong.message);
            // It may belong to any order; if it names the open one, that one is incomplete.
            if self.continues(row) {
                self.bad_row(note);
            } else {
                self.close(begins);
                self.leave_out(note, ends);
            }
            return;
        }
        let id = match cells.id(Meaning::OrderId) {
            Ok(Some(id)) => id,
            Ok(None) if self.is_continuation(&cells) => "",
            Ok(None) => {
                let note =
                    self.note(row, "cell_missing", Some(Meaning::OrderId), "order_id is missing".to_owned());
                self.close(begins);
                return self.leave_out(note, ends);
            }
            Err(wrong) => {
                let note = self.note(row, wrong.reason, wrong.column, wrong.message);
                self.close(begins);
                return self.leave_out(note, ends);
            }
        };
        if is_sum(id) {
            let message =
                format!("the row is a sum of the table, as its order_id `{id}` says; it is no order");
            let note = self.note(row, "sum_of_rows", Some(Meaning::OrderId), message);
            self.close(begins);
            return self.leave_out(note, ends);
        }
        if (is_header && self.columns.are_those_of(row)) || self.columns.are_named_by(row, id) {
            let message =
                "the line of column names stands here again, as in files that were joined".to_owned();
            let note = self.note(row, HEADER_REPEATED, None, message);
            self.close(begins);
            return self.leave_out(note, ends);
        }
        let customer = cells.id(Meaning::CustomerId).ok().flatten();
        let has_head = self.columns.profile.first_row.is_some_and(|first| cells.text(first).is_some());
        let is_same = self.open.as_ref().is_some_and(|open| {
            let known = &open.order.customer;
            let is_other_customer = match (customer, &known.shop_id) {
                (Some(new), Some(old)) => old != new,
                (None, None) => {
                    let old = known.email.as_deref();
                    old.is_some_and(|old| cells.email().is_some_and(|new| !old.eq_ignore_ascii_case(new)))
                }
                _ => false,
            };
            let is_headed_again = open.has_head
                && has_head
                && (open.order.is_whole() || (self.knows_heads && !open.order.is_filled_down_by(&cells)));
            (id.is_empty() || open.order.id == id)
                && !is_other_customer
                && !is_headed_again
                && (open.rows as usize) < LINES_LIMIT
        });
        if !is_same {
            let id = if id.is_empty() {
                self.open.as_ref().map_or_else(String::new, |open| open.order.id.clone())
            } else {
                id.to_owned()
            };
            self.close(begins);
            self.open = Some(Open {
                order: Order::new(&id),
                line: row.line,
                rows: 0,
                has_head,
                raw: row.kept(SHOWN_CHARACTERS),
                bad_line: None,
                bad_rows: 0,
                kept: None,
            });
        }
        let Some(open) = &mut self.open else { return };
        self.knows_heads |= open.has_head && !has_head;
        open.rows += 1;
        let mut remarks = Vec::new();
        if !is_same && is_rewritten(id) {
            remarks.push(Remark {
                reason: "id_rewritten",
                column: Meaning::OrderId,
                message: format!(
                    "order_id is `{id}`, as a spreadsheet writes a date, groups of thousands, or a number of which it keeps 15 digits; if the shop's number is another, format the column as text and export again"
                ),
            });
        }
        let cells = Cells { row, columns: &self.columns, rules: &self.rules };
        let added = open.order.add(&cells, &mut remarks);
        if remarks.iter().any(|remark| remark.reason == STATUS_UNKNOWN)
            && let Some(Err(word)) = cells.status()
            && self.unknown_statuses.len() < UNKNOWN_STATUSES_KEPT
        {
            let word: String = word.chars().take(WORD_SHOWN).collect();
            if !self.unknown_statuses.contains(&word) {
                self.unknown_statuses.push(word);
            }
        }
        for Remark { reason, column, message } in remarks {
            let note = Note { kind: NoteKind::Remark, ..self.note(row, reason, Some(column), message) };
            self.found.push_back(Found::Note { note, rows: 0, after: None });
        }
        if row.is_repaired {
            let message = "cells that are not UTF-8 were read as Windows-1252".to_owned();
            let note = Note { kind: NoteKind::Remark, ..self.note(row, "not_utf8", None, message) };
            self.found.push_back(Found::Note { note, rows: 0, after: None });
        }
        if let Err(wrong) = added {
            let note = self.note(row, wrong.reason, wrong.column, wrong.message);
            if let Some(open) = &mut self.open {
                open.rows -= 1;
            }
            self.bad_row(note);
        }
    }

    /// Begins anew at another place.
    pub(super) fn forget(&mut self) {
        self.open = None;
        self.refused = None;
        self.found.clear();
    }

    /// Ends the last order.
    pub(super) fn end(&mut self, at: Position) {
        self.close(at);
    }

    /// Whether a row names the open order.
    fn continues(&self, row: &Row<'_>) -> bool {
        let cells = Cells { row, columns: &self.columns, rules: &self.rules };
        let id = cells.id(Meaning::OrderId).ok().flatten();
        self.open.as_ref().is_some_and(|open| id == Some(open.order.id.as_str()))
    }

    /// A row with neither order, customer nor time goes on with the order above it, when it says what was bought: one
    /// with figures alone is the sum below a table.
    fn is_continuation(&self, cells: &Cells<'_, '_>) -> bool {
        let says = |meaning| cells.text(meaning).is_some();
        let has_buyer =
            [Meaning::CustomerId, Meaning::CustomerEmail, Meaning::OrderedAt].into_iter().any(says);
        let has_product =
            [Meaning::ProductId, Meaning::Title, Meaning::LineId, Meaning::Category].into_iter().any(says);
        let is_sum =
            cells.text(Meaning::Title).is_some_and(|title| SUMS.contains(&plain_name(title).as_str()));
        self.open.is_some() && !has_buyer && has_product && !is_sum
    }

    fn bad_row(&mut self, note: Note) {
        let Some(open) = &mut self.open else { return };
        open.bad_rows += 1;
        open.bad_line.get_or_insert(note.line);
        if let Some(before) = open.kept.replace(note) {
            self.found.push_back(Found::Note { note: before, rows: 1, after: None });
        }
    }

    /// A row that belongs to no order.
    fn leave_out(&mut self, note: Note, ends: Position) {
        let after = self.open.is_none().then(|| place(ends));
        self.found.push_back(Found::Note { note, rows: 1, after });
    }

    fn close(&mut self, at: Position) {
        let Some(open) = self.open.take() else { return };
        let after = place(at);
        let Open { order, line, rows, has_head, raw, bad_line, kept, .. } = open;
        if let Some(bad_line) = bad_line {
            if let Some(note) = kept {
                let after = (rows == 0).then_some(after);
                self.found.push_back(Found::Note { note, rows: 1, after });
            }
            if rows > 0 {
                let id: String = order.id.chars().take(60).collect();
                let message =
                    format!("order {id} is left out, because its row at line {bad_line} cannot be read");
                let raw = raw.shown(SHOWN_CHARACTERS);
                let note = Note {
                    line,
                    column: None,
                    kind: NoteKind::LeftOut,
                    reason: "order_incomplete",
                    message,
                    raw,
                };
                self.found.push_back(Found::Note { note, rows, after: Some(after) });
            }
            return;
        }
        let is_headed = has_head && (self.knows_heads || order.is_whole());
        if order.has_no_currency() {
            if self.seen.without_currency == 0 {
                self.seen.first_without_currency = line;
            }
            self.seen.without_currency += 1;
            self.without_currency.fetch_add(1, Ordering::Relaxed);
        }
        let lacks = order.lacks().filter(|_| has_head);
        let has_time = order.has_time;
        match order.finish(&self.rules.currency, self.rules.is_currency_assumed) {
            Ok(statement) => {
                if let Some((sold, subtotal)) = lacks {
                    let note = Note {
                        line,
                        column: Some(self.columns.name(Meaning::OrderSubtotal)),
                        kind: NoteKind::Remark,
                        reason: "below_subtotal",
                        message: format!(
                            "the lines that stand here amount to {sold}, and the order's subtotal is {subtotal}; others may stand elsewhere in the file or be missing: {SORT}"
                        ),
                        raw: raw.shown(SHOWN_CHARACTERS),
                    };
                    self.found.push_back(Found::Note { note, rows: 0, after: None });
                }
                self.found.push_back(Found::Order { statement, line, rows, is_headed, has_time, after });
            }
            Err(wrong) => {
                let Wrong { reason, column, message } = self.explained(wrong, has_head);
                let column = column.map(|meaning| self.columns.name(meaning));
                let raw = raw.shown(SHOWN_CHARACTERS);
                let note = Note { line, column, kind: NoteKind::LeftOut, reason, message, raw };
                self.found.push_back(Found::Note { note, rows, after: Some(after) });
            }
        }
    }

    /// Says what is missing by the columns that the file has, and why it may be.
    fn explained(&self, wrong: Wrong, has_head: bool) -> Wrong {
        let mut wrong = wrong;
        let has = |meaning: &Meaning| self.columns.index(*meaning).is_some();
        if wrong.reason == "customer_missing" && !has(&Meaning::CustomerId) {
            let named: Vec<Meaning> =
                [Meaning::CustomerEmail, Meaning::CustomerPhone].into_iter().filter(has).collect();
            let names: Vec<String> =
                named.iter().map(|meaning| format!("`{}`", self.columns.name(*meaning))).collect();
            wrong.column = named.first().copied();
            wrong.message = match names.is_empty() {
                true => {
                    "no column has the customer's id, e-mail address or telephone number; add one".to_owned()
                }
                false => format!("nothing tells the customer: what would be read is {}", names.join(" or ")),
            };
        }
        if self.columns.profile.first_row.is_some() && !has_head {
            wrong.message = format!("{}; {SORT}", wrong.message);
        }
        wrong
    }

    fn note(&self, row: &Row<'_>, reason: &'static str, column: Option<Meaning>, message: String) -> Note {
        Note {
            line: row.line,
            column: column.map(|meaning| self.columns.name(meaning)),
            kind: NoteKind::LeftOut,
            reason,
            message,
            raw: row.shown(SHOWN_CHARACTERS),
        }
    }
}

fn place(position: Position) -> Place {
    Place { offset: position.offset, line: position.line }
}

/// Whether an order's number is a word for a sum. Numbers mostly have digits, and these words none.
fn is_sum(id: &str) -> bool {
    id.len() <= 24 && !id.bytes().any(|byte| byte.is_ascii_digit()) && SUMS.contains(&plain_name(id).as_str())
}

/// Whether an order's number looks like what a spreadsheet makes of another: `10-13` becomes `13-Oct`, 1001 `1,001`, and
/// of a long one the last digits are zeros.
fn is_rewritten(id: &str) -> bool {
    const MONTHS: [&str; 16] = [
        "jan", "feb", "mar", "mrz", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct", "okt", "nov",
        "dec", "dez",
    ];
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_month = |text: &str| MONTHS.iter().any(|month| month.eq_ignore_ascii_case(text));
    if is_number(id) {
        return id.len() > 16 && id.bytes().skip(15).all(|byte| byte == b'0');
    }
    if let Some((one, other)) = id.split_once('-').or_else(|| id.split_once(". ")) {
        let is_short = |text: &str| is_number(text) && text.len() <= 2;
        return (is_short(one) && is_month(other)) || (is_month(one) && is_short(other));
    }
    let mut groups = id.split(',');
    let first = groups.next().unwrap_or_default();
    is_number(first)
        && first.len() <= 3
        && first.len() < id.len()
        && groups.all(|group| group.len() == 3 && is_number(group))
}

/// Cells that are missing at the end are empty, and empty ones too many are nothing; others belong to no column.
fn too_wide(row: &Row<'_>, columns: usize) -> Option<Wrong> {
    let has_more = (columns..row.len()).any(|index| !row.cell(index).trim().is_empty());
    let cells = row.len();
    has_more.then(|| Wrong {
        reason: "cells_too_many",
        column: None,
        // The last cell of one row and the first of the next have become one.
        message: if columns > 1 && cells + 1 >= columns * 2 {
            format!(
                "the line has {cells} cells and the header {columns}, as when files were joined and the last line of one had no end; put a line end between its rows"
            )
        } else {
            format!(
                "the line has {cells} cells and the header {columns}; a cell in which the separator stands needs quotes around it"
            )
        },
    })
}
