//! What the cells of a file say about its decimal mark, looked at one by one before any is read.

use serde::Serialize;

use super::{DecimalMark, Look, Proof, split};

/// What the cells of a file say about its decimal mark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    point: Option<Witness>,
    comma: Option<Witness>,
    open: Option<Witness>,
    has_small_decimals: bool,
}

/// A cell that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// Number of its line in the file, if known.
    pub line: Option<u64>,
    /// What it says.
    pub text: String,
}

impl Witness {
    pub(crate) fn new(line: Option<u64>, text: &str) -> Witness {
        Witness { line, text: text.chars().take(60).collect() }
    }
}

/// What the evidence comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// No cell has a mark; either form reads all of them alike.
    Unmarked,
    /// A cell proves this form, and none another.
    Proven(DecimalMark, &'a Witness),
    /// Cells prove both forms.
    Both(&'a Witness, &'a Witness),
    /// There are marks, and each may be the one or the other.
    Open(&'a Witness),
}

impl Evidence {
    /// Looks at a cell; what is no number is passed over.
    pub fn see(&mut self, text: &str, line: Option<u64>) {
        self.see_money(text, line, |_| false);
    }

    /// Looks at an amount of money. `is_whole` says whether amounts of the currency that stands with it, if one does, have no
    /// decimals: then three digits behind a mark are a group of thousands.
    pub fn see_money(
        &mut self,
        text: &str,
        line: Option<u64>,
        is_whole: impl FnOnce(Option<[u8; 3]>) -> bool,
    ) {
        if text.is_empty() {
            return;
        }
        let Ok(mut look) = Look::of(text) else { return };
        if let Proof::Open(mark) = look.proof
            && is_whole(look.currency)
        {
            look.proof = Proof::Of(mark.other());
        }
        if let Proof::Of(mark) = look.proof
            && split(look.core(), mark).is_ok_and(|(_, decimals)| decimals.len() > 2)
        {
            self.has_small_decimals = true;
        }
        let slot = match look.proof {
            Proof::None => return,
            Proof::Of(DecimalMark::Point) => &mut self.point,
            Proof::Of(DecimalMark::Comma) => &mut self.comma,
            Proof::Open(_) => &mut self.open,
        };
        if slot.is_none() {
            *slot = Some(Witness::new(line, text));
        }
    }

    /// What this and another say together.
    pub fn merged(&self, other: &Evidence) -> Evidence {
        let either = |one: &Option<Witness>, two: &Option<Witness>| one.as_ref().or(two.as_ref()).cloned();
        Evidence {
            point: either(&self.point, &other.point),
            comma: either(&self.comma, &other.comma),
            open: either(&self.open, &other.open),
            has_small_decimals: self.has_small_decimals || other.has_small_decimals,
        }
    }

    /// Whether a cell has three decimals or more and cannot be read otherwise, so that others may have three as well.
    pub fn has_small_decimals(&self) -> bool {
        self.has_small_decimals
    }

    /// Whether more cells would not change the verdict but for the worse.
    pub fn is_settled(&self) -> bool {
        self.point.is_some() || self.comma.is_some()
    }

    /// The verdict so far.
    pub fn verdict(&self) -> Verdict<'_> {
        match (&self.point, &self.comma, &self.open) {
            (Some(point), Some(comma), _) => Verdict::Both(point, comma),
            (Some(point), None, _) => Verdict::Proven(DecimalMark::Point, point),
            (None, Some(comma), _) => Verdict::Proven(DecimalMark::Comma, comma),
            (None, None, Some(open)) => Verdict::Open(open),
            (None, None, None) => Verdict::Unmarked,
        }
    }
}
