//! A file as a stream of orders: what form it has, what its columns mean, and what it says, row by row.
//!
//! [`Reading::open`] decides once for the whole file ([`Understood`]); [`Reading::next`] then gives orders and what is to
//! be told of rows, in the order of the file and in constant memory. Nothing here waits or knows a database: an import
//! runs it on a thread of its own.

mod assemble;
mod cells;
mod columns;
mod error;
mod forms;
pub mod names;
mod newest;
mod order;
mod unread;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
pub use tables::date::DateOrder;
pub use tables::number::DecimalMark;
pub use tables::{Container, Options as TableOptions, Source};
use tables::{Decisions, Position, Table, TableError, plain_name};

use super::mapping::{Mapping, Stated};
use super::profiles::{self, Meaning};
use super::statement::{Found, Place};
use assemble::Assembler;
use cells::Rules;
use columns::Columns;
pub use columns::{Column, Role};
pub use error::ReadError;
pub use forms::Forms;
use forms::StatedForms;
pub use unread::Unread;

/// What a file is read by.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is stated; the rest is found from the file.
    pub stated: Stated,
    /// A mapping of the tenant, if one is named.
    pub mapping: Option<Mapping>,
    /// ISO 4217 code of orders that name no currency.
    pub currency: String,
    /// Whether nobody stated that.
    pub is_currency_assumed: bool,
    /// The shop's zone, for times without an offset.
    pub zone: Tz,
    /// Orders from more than two days after this are refused.
    pub now: DateTime<Utc>,
}

impl Request {
    /// Nothing is stated but the currency; times without an offset are UTC.
    pub fn new(currency: &str, now: DateTime<Utc>) -> Request {
        Request {
            stated: Stated::default(),
            mapping: None,
            currency: currency.to_owned(),
            is_currency_assumed: false,
            zone: Tz::UTC,
            now,
        }
    }
}

/// What was understood of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Understood {
    /// Its form.
    pub file: Decisions,
    /// The profile that its header shows, by name.
    pub profile: &'static str,
    /// The same, for people.
    pub profile_title: &'static str,
    /// What its columns mean.
    pub columns: Vec<Column>,
    /// How it writes numbers and dates.
    pub forms: Forms,
}

impl Understood {
    /// Columns that were not understood, by their names.
    pub fn unknown_columns(&self) -> Vec<&str> {
        self.columns
            .iter()
            .filter(|column| column.role == Role::Unknown)
            .map(|column| column.name.as_str())
            .collect()
    }
}

/// A file being read.
pub struct Reading {
    table: Table,
    /// What it was opened by.
    options: TableOptions,
    assembler: Assembler,
    understood: Understood,
    is_over: bool,
}

impl Reading {
    /// Opens a file and decides how it is read.
    ///
    /// # Errors
    /// It is no table, columns are missing, or it can be read in two ways and does not say which.
    pub fn open(source: &Source, request: &Request) -> Result<Reading, ReadError> {
        Reading::prepare(source, request, true).and_then(|mut reading| {
            reading.understood.forms = reading.understood.forms.settled()?;
            Ok(reading)
        })
    }

    /// The same without reading more than samples: what is open stays open, and is told.
    pub(super) fn peek(source: &Source, request: &Request) -> Result<Reading, ReadError> {
        Reading::prepare(source, request, false)
    }

    fn prepare(source: &Source, request: &Request, may_read_all: bool) -> Result<Reading, ReadError> {
        let stated = match &request.mapping {
            Some(mapping) => request.stated.clone().or(&mapping.stated),
            None => request.stated.clone(),
        };
        let mut options = stated.table.clone();
        options.known_names = profiles::known_names();
        if let Some(mapping) = &request.mapping {
            options.known_names = mapping.columns.keys().map(|name| plain_name(name)).collect();
            options.known_names.sort_unstable();
        }
        let sample = Table::open(source, &options)?;
        let columns =
            Columns::of(&sample.decisions().columns, stated.profile.as_deref(), request.mapping.as_ref())?;
        let currency = request.mapping.as_ref().and_then(|mapping| mapping.currency.clone());
        let currency = currency.unwrap_or_else(|| request.currency.clone());
        let wanted = StatedForms {
            decimal: stated.decimal,
            dates: stated.dates,
            currency: currency.as_bytes().try_into().ok(),
        };
        let forms = forms::find(source, sample, &columns, wanted, may_read_all)?;
        // Opened again, because rows that were looked at are to be read.
        let table = Table::open(source, &options)?;
        let understood = Understood {
            file: table.decisions().clone(),
            profile: columns.profile.name,
            profile_title: columns.profile.title,
            columns: columns.all.clone(),
            forms: forms.clone(),
        };
        let rules = Rules {
            forms,
            currency,
            zone: stated.zone.unwrap_or(request.zone),
            now: request.now,
            is_currency_assumed: request.is_currency_assumed
                && request.mapping.as_ref().is_none_or(|mapping| mapping.currency.is_none()),
            statuses: request.mapping.iter().flat_map(|mapping| mapping.plain_statuses()).collect(),
        };
        let assembler = Assembler::new(columns, rules, understood.file.header_line);
        Ok(Reading { table, options, assembler, understood, is_over: false })
    }

    /// When the last order of the file was placed, as far as its beginning and end say; none in an empty file. It is read
    /// beside this reading.
    ///
    /// # Errors
    /// As [`Reading::next`].
    pub fn newest_order(&self, source: &Source) -> Result<Option<DateTime<Utc>>, ReadError> {
        let mut beside = Reading {
            table: Table::open(source, &self.options)?,
            options: self.options.clone(),
            assembler: self.assembler.anew(),
            understood: self.understood.clone(),
            is_over: false,
        };
        newest::of(&mut beside, source)
    }

    /// What was understood.
    pub fn understood(&self) -> &Understood {
        &self.understood
    }

    /// How many orders that were read so far name no currency, and the line of the first one.
    pub(super) fn without_currency(&self) -> (u64, u64) {
        let seen = self.assembler.seen;
        (seen.without_currency, seen.first_without_currency)
    }

    /// Words for states of orders that are not known, of what was read so far.
    pub(super) fn unknown_statuses(&self) -> &[String] {
        &self.assembler.unknown_statuses
    }

    /// The currency of orders that name none.
    pub(super) fn usual_currency(&self) -> &str {
        &self.assembler.rules.currency
    }

    /// How many orders name no currency, counted on while another thread reads.
    pub fn counter_without_currency(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.assembler.without_currency)
    }

    /// The column of orders' totals, where amounts are read from it.
    pub fn column_of_totals(&self) -> Option<String> {
        let columns = &self.assembler.columns;
        columns.index(Meaning::OrderTotal).map(|_| columns.name(Meaning::OrderTotal))
    }

    /// The column of discounts, where its name does not say of what and in what they are; it is read as money off each line.
    pub(super) fn unclear_discount(&self) -> Option<String> {
        let columns = &self.assembler.columns;
        columns.is_unclear(Meaning::LineDiscount).then(|| columns.name(Meaning::LineDiscount))
    }

    /// Columns that are not read and look as if the figures hang on them, by what they look like.
    pub fn unread_columns(&self, kind: Unread) -> Vec<&str> {
        let of_kind = self.assembler.columns.unread().into_iter().filter(|(found, _)| *found == kind);
        of_kind.map(|(_, column)| column.name.as_str()).collect()
    }

    /// The zone of times without an offset.
    pub(super) fn zone(&self) -> Tz {
        self.assembler.rules.zone
    }

    /// Bytes of the file, packed as it is, that were read so far.
    pub fn consumed_bytes(&self) -> u64 {
        self.table.consumed_bytes()
    }

    /// Goes forward to a place that was told before, of the same file.
    ///
    /// # Errors
    /// The file ends before it, or cannot be read.
    pub fn go_on_at(&mut self, place: Place) -> Result<(), ReadError> {
        if place.offset > 0 {
            self.table.skip_to(Position { offset: place.offset, line: place.line })?;
        }
        Ok(())
    }

    /// Where reading goes on now.
    pub fn place(&self) -> Place {
        let Position { offset, line } = self.table.position();
        Place { offset, line }
    }

    /// Goes to about a place of a large file without reading what is before it, to look at some orders there; false where
    /// that is not possible. Lines have no numbers then.
    pub(super) fn jump(&mut self, source: &Source, offset: u64) -> Result<bool, ReadError> {
        let Some(table) = self.table.open_near(source, offset)? else { return Ok(false) };
        self.table = table;
        self.assembler.forget();
        self.is_over = false;
        Ok(true)
    }

    /// What is found next; none at the end.
    ///
    /// # Errors
    /// The file cannot be read on. What was told before counts, and reading goes on at the last place of it.
    #[allow(clippy::should_implement_trait, reason = "an iterator would go on after an error")]
    pub fn next(&mut self) -> Result<Option<Found>, ReadError> {
        loop {
            if let Some(found) = self.assembler.pop() {
                return Ok(Some(found));
            }
            if let Some(line) = self.assembler.refused {
                return Err(ReadError::OtherColumns { line });
            }
            if self.is_over {
                return Ok(None);
            }
            let begins = self.table.position();
            match self.table.next_row()? {
                Some(row) => self.assembler.row(&row, begins, row.next),
                None => {
                    let end = self.table.position();
                    self.assembler.end(end);
                    self.is_over = true;
                }
            }
        }
    }
}

/// Whether an error says that the file was cut off or damaged on the way.
pub fn is_cut_off(error: &ReadError) -> bool {
    matches!(error, ReadError::Table(TableError::CutOff { .. } | TableError::Damaged { .. }))
}
