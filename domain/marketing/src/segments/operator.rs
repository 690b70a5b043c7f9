//! How a field is compared, and what stands on the right of that.

use std::fmt;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Is,
    /// Not equal.
    IsNot,
    /// Below.
    Less,
    /// Below or equal.
    AtMost,
    /// Above.
    More,
    /// Above or equal.
    AtLeast,
    /// Within two bounds, both included.
    Between,
    /// One of a list.
    In,
    /// None of a list.
    NotIn,
    /// Has the text in it.
    Contains,
    /// Begins with the text.
    StartsWith,
    /// Ends with the text.
    EndsWith,
    /// Has the label.
    Has,
    /// Has one of the labels.
    HasAny,
    /// Has all of the labels.
    HasAll,
    /// There is a value.
    Known,
    /// There is none.
    Unknown,
}

/// What an operator wants on its right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// One value.
    One,
    /// A lower and an upper bound, both included.
    Two,
    /// A list.
    Many,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Operator; 17] = [
        Operator::Is,
        Operator::IsNot,
        Operator::Less,
        Operator::AtMost,
        Operator::More,
        Operator::AtLeast,
        Operator::Between,
        Operator::In,
        Operator::NotIn,
        Operator::Contains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Has,
        Operator::HasAny,
        Operator::HasAll,
        Operator::Known,
        Operator::Unknown,
    ];

    /// The operator as it stands in a text; in JSON blanks are written as `_`.
    pub const fn words(self) -> &'static str {
        match self {
            Operator::Is => "=",
            Operator::IsNot => "!=",
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::More => ">",
            Operator::AtLeast => ">=",
            Operator::Between => "between",
            Operator::In => "in",
            Operator::NotIn => "not in",
            Operator::Contains => "contains",
            Operator::StartsWith => "starts with",
            Operator::EndsWith => "ends with",
            Operator::Has => "has",
            Operator::HasAny => "has any",
            Operator::HasAll => "has all",
            Operator::Known => "is known",
            Operator::Unknown => "is unknown",
        }
    }

    /// The operator as it stands in JSON.
    pub fn wire(self) -> String {
        self.words().replace(' ', "_")
    }

    /// The operator of that name in JSON.
    pub fn from_wire(name: &str) -> Option<Operator> {
        Operator::ALL.into_iter().find(|operator| operator.wire() == name)
    }

    /// What stands on its right.
    pub fn wants(self) -> Wants {
        match self {
            Operator::Known | Operator::Unknown => Wants::Nothing,
            Operator::Between => Wants::Two,
            Operator::In | Operator::NotIn | Operator::HasAny | Operator::HasAll => Wants::Many,
            _ => Wants::One,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for operator in Operator::ALL {
            assert_eq!(Operator::from_wire(&operator.wire()), Some(operator));
        }
    }
}
