//! Tests as expressions over bit vectors, simplified, and their SQL.

use std::fmt::Write;

use super::super::case::fold;
use super::super::column::{Column, Range};
use super::super::resolve::{Match, Test, Texts};
use super::{Header, Layout, known_vector, vector};

/// A bit for every customer of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// All ones or all zeros.
    Fixed(bool),
    /// A stored vector.
    Vector(i16),
    /// The opposite.
    Not(Box<Expression>),
    /// Both.
    And(Box<Expression>, Box<Expression>),
    /// Either.
    Or(Box<Expression>, Box<Expression>),
}

impl Expression {
    fn not(self) -> Expression {
        match self {
            Expression::Fixed(bit) => Expression::Fixed(!bit),
            Expression::Not(inner) => *inner,
            other => Expression::Not(Box::new(other)),
        }
    }

    fn and(self, other: Expression) -> Expression {
        match (self, other) {
            (Expression::Fixed(false), _) | (_, Expression::Fixed(false)) => Expression::Fixed(false),
            (Expression::Fixed(true), other) | (other, Expression::Fixed(true)) => other,
            (one, other) => Expression::And(Box::new(one), Box::new(other)),
        }
    }

    fn or(self, other: Expression) -> Expression {
        match (self, other) {
            (Expression::Fixed(true), _) | (_, Expression::Fixed(true)) => Expression::Fixed(true),
            (Expression::Fixed(false), other) | (other, Expression::Fixed(false)) => other,
            (one, other) => Expression::Or(Box::new(one), Box::new(other)),
        }
    }

    /// The expression as SQL for the block `b`. It holds nothing but numbers of vectors.
    pub fn sql(&self) -> String {
        let mut sql = String::new();
        self.write(&mut sql);
        sql
    }

    fn write(&self, sql: &mut String) {
        match self {
            // A root that is fixed is answered without asking; inside, nothing fixed is left.
            Expression::Fixed(bit) => sql.push_str(if *bit { "~B''" } else { "B''" }),
            Expression::Vector(vector) => {
                let _ = write!(
                    sql,
                    "(select v.bits from marketing_app.fact_bits v \
                     where v.tenant_id = b.tenant_id and v.vector = {vector} and v.block = b.block)"
                );
            }
            Expression::Not(inner) => {
                sql.push_str("(~ ");
                inner.write(sql);
                sql.push(')');
            }
            Expression::And(one, other) | Expression::Or(one, other) => {
                sql.push('(');
                one.write(sql);
                sql.push_str(if matches!(self, Expression::And(..)) { " & " } else { " | " });
                other.write(sql);
                sql.push(')');
            }
        }
    }
}

/// The tests by the vectors of an index; none when they ask for something that is not in it.
pub fn compile(test: &Test, header: &Header) -> Option<Expression> {
    Some(match test {
        Test::All(parts) => parts
            .iter()
            .try_fold(Expression::Fixed(true), |all, part| Some(all.and(compile(part, header)?)))?,
        Test::Any(parts) => parts
            .iter()
            .try_fold(Expression::Fixed(false), |any, part| Some(any.or(compile(part, header)?)))?,
        Test::Not(part) => compile(part, header)?.not(),
        Test::Keys(column, ranges) => keys(*column, header.layout(*column)?, ranges),
        Test::Known(column) => known(*column, header.layout(*column)?),
        Test::Text(text, compare, values) => {
            let column = column_of(*text)?;
            let layout = header.layout(column)?;
            keys(column, layout, &matching(layout, *text, *compare, values))
        }
        Test::TextKnown(text) => {
            let column = column_of(*text)?;
            known(column, header.layout(column)?)
        }
        Test::Tags(..) | Test::TagsKnown | Test::Member(_) => return None,
    })
}

fn column_of(text: Texts) -> Option<Column> {
    match text {
        Texts::Country => Some(Column::Country),
        Texts::State => Some(Column::State),
        Texts::Email => None,
    }
}

/// The keys of the texts that compare like this.
fn matching(layout: &Layout, text: Texts, compare: Match, values: &[String]) -> Vec<Range> {
    let holds = |stored: &String| {
        let stored = if text == Texts::Country { stored.clone() } else { fold(stored) };
        values.iter().any(|value| match compare {
            Match::Equal => stored == *value,
            Match::Contains => stored.contains(value.as_str()),
            Match::StartsWith => stored.starts_with(value.as_str()),
            Match::EndsWith => stored.ends_with(value.as_str()),
        })
    };
    let places = layout.texts.iter().enumerate().filter(|(_, stored)| holds(stored));
    let keys = places.filter_map(|(place, _)| i64::try_from(place).ok()).map(Range::only).collect();
    super::super::column::joined(keys)
}

fn known(column: Column, layout: &Layout) -> Expression {
    if layout.has_missing { Expression::Vector(known_vector(column)) } else { Expression::Fixed(true) }
}

fn keys(column: Column, layout: &Layout, ranges: &[Range]) -> Expression {
    let any =
        ranges.iter().fold(Expression::Fixed(false), |any, range| any.or(one_range(column, layout, *range)));
    // A missing value lies in the vectors as the lowest key.
    any.and(known(column, layout))
}

fn one_range(column: Column, layout: &Layout, range: Range) -> Expression {
    let highest = (1_i64 << layout.bits) - 1;
    let above = |key: i64| key.saturating_sub(layout.lowest);
    let (from, to) = (above(range.from).max(0), above(range.to).min(highest));
    if from > to {
        return Expression::Fixed(false);
    }
    if from == to {
        let equal = |slice: i16| {
            let bit = Expression::Vector(vector(column, slice));
            if from >> slice & 1 == 1 { bit } else { bit.not() }
        };
        return (0..layout.bits).fold(Expression::Fixed(true), |all, slice| all.and(equal(slice)));
    }
    at_least(column, layout, from).and(at_least(column, layout, to + 1).not())
}

/// Values whose bits read as a number are at least `bound`: from the lowest bit upwards, a one in the bound wants a
/// one, a zero is content with a one.
fn at_least(column: Column, layout: &Layout, bound: i64) -> Expression {
    if bound <= 0 {
        return Expression::Fixed(true);
    }
    if bound >> layout.bits != 0 {
        return Expression::Fixed(false);
    }
    (0..layout.bits).fold(Expression::Fixed(true), |so_far, slice| {
        let bit = Expression::Vector(vector(column, slice));
        if bound >> slice & 1 == 1 { bit.and(so_far) } else { bit.or(so_far) }
    })
}
