//! How a file writes its numbers and dates: looked for in its columns of numbers and dates, in a sample first and, where
//! that does not settle it, in all of it. What only one row proves holds for all.

use serde::Serialize;
use tables::date::{self, DateOrder};
use tables::number::{self, DecimalMark, NumberForm, Witness};
use tables::{Row, Source, Table, TableError};

use super::columns::Columns;
use super::error::ReadError;
use crate::money;
use crate::orders::profiles::Meaning;

/// Rows that are looked at before anything is decided.
const SAMPLE_ROWS: usize = 2_000;
/// Rows from the middle and the end of a large file.
const DISTANT_ROWS: usize = 500;

/// The forms of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forms {
    /// What stands before decimals, or that each cell is read by itself.
    pub numbers: NumberForm,
    /// What that rests on; none when it was stated or no cell says anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers_by: Option<Witness>,
    /// The order of dates that do not begin with their year, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
    /// What that rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates_by: Option<Witness>,
    /// Whether amounts have three decimals and more, so that `1.299` is not taken for a group of thousands.
    pub has_small_decimals: bool,
    /// What could not be decided, in words; an import would ask for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
}

/// What cells say.
#[derive(Default)]
struct Evidence {
    money: number::Evidence,
    quantities: number::Evidence,
    dates: date::Evidence,
}

impl Evidence {
    fn see(&mut self, row: &Row<'_>, kinds: &Kinds, line: Option<u64>) {
        let own = kinds.currency.and_then(|index| code_of(row.cell(index).trim())).or(kinds.usual);
        let is_whole = |written: Option<[u8; 3]>| {
            let code = written.or(own);
            code.as_ref().and_then(|code| std::str::from_utf8(code).ok()).is_some_and(money::is_whole)
        };
        for index in kinds.money.iter().filter(|index| !row.is_typed(**index)) {
            self.money.see_money(row.cell(*index), line, is_whole);
        }
        for index in kinds.quantities.iter().filter(|index| !row.is_typed(**index)) {
            self.quantities.see(row.cell(*index), line);
        }
        for index in kinds.dates.iter().filter(|index| !row.is_typed(**index)) {
            self.dates.see(row.cell(*index), line);
        }
    }

    fn numbers(&self) -> number::Evidence {
        self.money.merged(&self.quantities)
    }
}

struct Kinds {
    money: Vec<usize>,
    quantities: Vec<usize>,
    dates: Vec<usize>,
    /// The column of currencies, and that of orders that name none.
    currency: Option<usize>,
    usual: Option<[u8; 3]>,
}

/// What is stated of the forms.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StatedForms {
    pub(super) decimal: Option<DecimalMark>,
    pub(super) dates: Option<DateOrder>,
    /// The currency of orders that name none.
    pub(super) currency: Option<[u8; 3]>,
}

/// Looks at a sample of a file (`table` is at its first row), and at all of it where `may_read_all` and the sample does
/// not settle it. The table's rows are used up.
pub(super) fn find(
    source: &Source,
    mut table: Table,
    columns: &Columns,
    stated: StatedForms,
    may_read_all: bool,
) -> Result<Forms, ReadError> {
    let kinds = Kinds {
        money: columns.indexes(Meaning::is_money),
        quantities: columns.indexes(|meaning| meaning == Meaning::Quantity),
        dates: columns.indexes(Meaning::is_date),
        currency: columns.index(Meaning::Currency),
        usual: stated.currency,
    };
    let mut evidence = Evidence::default();
    let mut is_whole = look(&mut table, &kinds, &mut evidence, SAMPLE_ROWS, true)?;
    if !is_whole {
        let size = source.size_bytes().map_err(TableError::from)?;
        for offset in [size / 2, size - size / 20] {
            if let Some(mut distant) = table.open_near(source, offset)? {
                look(&mut distant, &kinds, &mut evidence, DISTANT_ROWS, false)?;
            }
        }
    }
    let is_settled = |evidence: &Evidence| {
        let numbers = stated.decimal.is_some() || evidence.numbers().is_settled();
        let dates = stated.dates.is_some()
            || columns.profile.dates.is_some()
            || evidence.dates.is_settled()
            || matches!(evidence.dates.verdict(), date::Verdict::Unneeded);
        numbers && dates
    };
    while may_read_all && !is_whole && !is_settled(&evidence) {
        is_whole = look(&mut table, &kinds, &mut evidence, SAMPLE_ROWS, true)?;
    }
    let mut forms = decide(&evidence, columns.profile.dates, stated);
    if !is_whole
        && !is_settled(&evidence)
        && matches!(evidence.numbers().verdict(), number::Verdict::Unmarked)
    {
        forms.numbers = NumberForm::Both;
    }
    Ok(forms)
}

/// Looks at rows; true when the file is over.
fn look(
    table: &mut Table,
    kinds: &Kinds,
    evidence: &mut Evidence,
    rows: usize,
    has_lines: bool,
) -> Result<bool, TableError> {
    for _ in 0..rows {
        match table.next_row() {
            Ok(Some(row)) => {
                let line = has_lines.then_some(row.line);
                evidence.see(&row, kinds, line);
            }
            Ok(None) => return Ok(true),
            // What is before the fault can be read, and the reading itself will tell of the fault.
            Err(TableError::CutOff { .. } | TableError::Damaged { .. }) => return Ok(true),
            Err(other) => return Err(other),
        }
    }
    Ok(false)
}

fn decide(evidence: &Evidence, usual: Option<DateOrder>, stated: StatedForms) -> Forms {
    let mut open = Vec::new();
    let numbers_seen = evidence.numbers();
    let (numbers, numbers_by) = match (stated.decimal, numbers_seen.verdict()) {
        (Some(mark), _) => (NumberForm::Mark(mark), None),
        (None, number::Verdict::Unmarked) => (NumberForm::Mark(DecimalMark::Point), None),
        (None, number::Verdict::Proven(mark, witness)) => (NumberForm::Mark(mark), Some(witness.clone())),
        (None, number::Verdict::Both(point, _)) => (NumberForm::Both, Some(point.clone())),
        (None, number::Verdict::Open(witness)) => {
            open.push(format!(
                "numbers such as {} may have three decimals or a group of thousands, and no cell shows which",
                shown(witness)
            ));
            (NumberForm::Both, Some(witness.clone()))
        }
    };
    let (dates, dates_by) = match (stated.dates.or(usual), evidence.dates.verdict()) {
        (Some(order), _) => (Some(order), None),
        (None, date::Verdict::Unneeded) => (None, None),
        (None, date::Verdict::Proven(order, witness)) => (Some(order), Some(witness.clone())),
        (None, date::Verdict::Contradictory(one, other)) => {
            open.push(format!(
                "dates are written in two orders, as {} and {} show",
                shown(one),
                shown(other)
            ));
            (None, None)
        }
        (None, date::Verdict::Open(witness)) => {
            let has_long_year =
                witness.text.split(|sign: char| !sign.is_ascii_digit()).any(|part| part.len() == 4);
            let or_year = if has_long_year { "" } else { " or year first" };
            open.push(format!(
                "dates such as {} may be day first or month first{or_year}, and no cell shows which",
                shown(witness)
            ));
            (None, None)
        }
    };
    let has_small_decimals = stated.decimal.is_some() || evidence.money.has_small_decimals();
    Forms { numbers, numbers_by, dates, dates_by, has_small_decimals, open }
}

/// The code of a currency in its column.
fn code_of(text: &str) -> Option<[u8; 3]> {
    let code =
        <[u8; 3]>::try_from(text.as_bytes()).ok().map(|code| code.map(|byte| byte.to_ascii_uppercase()));
    number::currency_of(text).or(code)
}

fn shown(witness: &Witness) -> String {
    match witness.line {
        Some(line) => format!("`{}` (line {line})", witness.text),
        None => format!("`{}`", witness.text),
    }
}

impl Forms {
    /// An import goes on only when nothing is open.
    pub(in crate::orders) fn settled(self) -> Result<Forms, ReadError> {
        let Some(message) = self.open.first() else { return Ok(self) };
        let option = if message.starts_with("dates") { "dates" } else { "decimal" };
        Err(ReadError::Ask { option, message: message.clone() })
    }
}
