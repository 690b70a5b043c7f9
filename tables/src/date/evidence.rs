//! What the cells of a file say about the order of its dates, looked at one by one before any is read.

use super::{DateOrder, Day, Look, Proof, plain, proof};
use crate::number::Witness;

/// What the cells of a file say about the order of its dates.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    day_first: Option<Witness>,
    month_first: Option<Witness>,
    year_first: Option<Witness>,
    open: Option<Witness>,
    dotted: Option<Witness>,
    /// Whether it is with dots that the month comes first.
    is_month_first_dotted: bool,
    /// Years of two digits stand last: one of them can be no day, or a day has one digit, as no year has.
    late_year: bool,
    /// A date whose year has two digits.
    short: Option<Witness>,
}

/// What the evidence comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// No cell needs an order.
    Unneeded,
    /// A cell proves this order (or writes with dots), and none another.
    Proven(DateOrder, &'a Witness),
    /// Cells prove different orders.
    Contradictory(&'a Witness, &'a Witness),
    /// There are dates that may be one or the other.
    Open(&'a Witness),
}

impl Evidence {
    /// Looks at a cell; what is no date is passed over.
    pub fn see(&mut self, text: &str, line: Option<u64>) {
        let text = text.trim();
        if plain(text).is_some() {
            return;
        }
        let Ok(look) = Look::of(text) else { return };
        let Day::Three { numbers: [_, _, c], is_short, may_be_year_first, separator } = look.day else {
            return;
        };
        if is_short {
            self.late_year |= c > 31 || !may_be_year_first;
            self.short.get_or_insert_with(|| Witness::new(line, text));
        }
        let slot = match proof(look.day) {
            Proof::None | Proof::Same => return,
            Proof::Of(DateOrder::DayFirst) => &mut self.day_first,
            Proof::Of(DateOrder::MonthFirst) => {
                self.is_month_first_dotted |= separator == b'.';
                &mut self.month_first
            }
            Proof::Of(DateOrder::YearFirst) => &mut self.year_first,
            Proof::Open if separator == b'.' => &mut self.dotted,
            Proof::Open => &mut self.open,
        };
        slot.get_or_insert_with(|| Witness::new(line, text));
    }

    /// Whether more cells would not change the verdict but for the worse.
    pub fn is_settled(&self) -> bool {
        self.month_first.is_some()
            || self.year_first.is_some()
            || (self.day_first.is_some() && (self.short.is_none() || self.late_year))
    }

    /// The verdict so far.
    pub fn verdict(&self) -> Verdict<'_> {
        if let Some(short) = &self.short {
            // `26/10/13` is a day of 2026 or of 2013, unless a month in the middle is none, or a number is no day.
            let may_be_years_first = self.month_first.is_none() && !self.late_year;
            match &self.year_first {
                Some(witness) if self.month_first.is_none() => {
                    return Verdict::Proven(DateOrder::YearFirst, witness);
                }
                Some(witness) => {
                    return Verdict::Contradictory(witness, self.month_first.as_ref().unwrap_or(short));
                }
                None if may_be_years_first => return Verdict::Open(short),
                None => {}
            }
        }
        match (&self.day_first, &self.month_first, &self.dotted, &self.open) {
            (Some(day), Some(month), _, _) => Verdict::Contradictory(day, month),
            // With dots the day comes first, unless it is with dots that it does not.
            (None, Some(month), Some(dotted), _) if !self.is_month_first_dotted => {
                Verdict::Contradictory(dotted, month)
            }
            (Some(witness), None, _, _) => Verdict::Proven(DateOrder::DayFirst, witness),
            (None, Some(witness), _, _) => Verdict::Proven(DateOrder::MonthFirst, witness),
            (None, None, _, Some(witness)) => Verdict::Open(witness),
            (None, None, Some(witness), None) => Verdict::Proven(DateOrder::DayFirst, witness),
            (None, None, None, None) => Verdict::Unneeded,
        }
    }
}
