//! Columns that were not understood and look, by their names, as if the figures hang on them: whether an order counts, or what
//! it is worth. They are told, because orders that were cancelled would be revenue otherwise.

use tables::plain_name;

/// What a column that is not read looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// How far orders are, or whether they were cancelled.
    Status,
    /// What was taken off prices.
    Discount,
    /// What was given back.
    Refund,
}

const KINDS: [(Unread, &[&str]); 3] = [
    (
        Unread::Status,
        &[
            "status",
            "statut",
            "\u{e9}tat",
            "stato",
            "estado",
            "zustand",
            "storn",
            "cancel",
            "annul",
            "anulad",
            "\u{30b9}\u{30c6}\u{30fc}\u{30bf}\u{30b9}",
            "\u{72b6}\u{614b}",
            "\u{72b6}\u{6cc1}",
            "\u{53d6}\u{6d88}",
        ],
    ),
    (
        Unread::Discount,
        &[
            "discount",
            "rabatt",
            "nachlass",
            "remise",
            "sconto",
            "descuento",
            "korting",
            "\u{5272}\u{5f15}",
            "\u{5024}\u{5f15}",
        ],
    ),
    (
        Unread::Refund,
        &[
            "refund",
            "erstatt",
            "rembours",
            "rimbors",
            "reembols",
            "retoure",
            "returned",
            "devoluci",
            "terugbetal",
            "\u{8fd4}\u{91d1}",
        ],
    ),
];

/// What else such names are about: codes of coupons, and what stands beside an amount.
const NO_FIGURES: [&str; 6] = ["code", "kunde", "type", "reason", "grund", "customer"];

/// What a column looks like by its name.
pub(super) fn of(name: &str) -> Option<Unread> {
    let plain = plain_name(name);
    if NO_FIGURES.iter().any(|word| plain.contains(word)) {
        return None;
    }
    let is_of = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    KINDS.iter().find(|(_, words)| is_of(words)).map(|(kind, _)| *kind)
}

impl Unread {
    /// The kinds, in the order in which they are told.
    pub const ALL: [Unread; 3] = [Unread::Status, Unread::Discount, Unread::Refund];

    /// In fixed words, as it is counted.
    pub fn reason(self) -> &'static str {
        match self {
            Unread::Status => "status_not_read",
            Unread::Discount => "discount_not_read",
            Unread::Refund => "refund_not_read",
        }
    }

    /// What follows from it, and what to do.
    pub(in crate::orders) fn what(self) -> &'static str {
        match self {
            Unread::Status => {
                "looks like the state of orders and is not read, so what was cancelled or not paid counts as well; a mapping may name it as `status` or `cancelled_at`"
            }
            Unread::Discount => {
                "looks like a discount and is not read, as nothing says whether it is in the amounts already; a mapping may name it as `line_discount` or `order_discount`"
            }
            Unread::Refund => {
                "looks like what was given back and is not read, so orders count in full; a mapping may name it as `line_refund` or `order_refund`"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_figures_hang_on() {
        for (name, expected) in [
            ("Bearbeitungsstatus", Some(Unread::Status)),
            ("\u{c9}tat de livraison", Some(Unread::Status)),
            ("Storno-Kennzeichen", Some(Unread::Status)),
            ("Rabatt %", Some(Unread::Discount)),
            ("Montant rembours\u{e9} HT", Some(Unread::Refund)),
            ("Discount Code", None),
            ("Kundenstatus", None),
            ("Notiz", None),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }
}
