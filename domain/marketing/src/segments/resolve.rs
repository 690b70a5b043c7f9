//! A rule as tests of columns: names become the numbers that the facts hold, days since become dates, words become
//! ranges. Needs the tenant's names and its today, so it can fail by an unknown name.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::case::{fold, is_same};
use super::column::{Column, Range, complement, day_key, joined, real_key};
use super::field::{Axis, Field, STRENGTHS};
use super::nearest::nearest;
use super::operator::Operator;
use super::rule::{Condition, Rule, Value};
use database::ids::SegmentId;
use platform::risk::{RiskBand, RiskBands};

/// What a tenant calls things.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names {
    /// The segments of each axis in the order of the catalog; none when there is no segmentation yet.
    pub axes: Option<[Vec<String>; Axis::ALL.len()]>,
    /// The archetypes in the order of the catalog.
    pub archetypes: Vec<Archetype>,
    /// The tenant's marketing segments that are not archived, by [`fold`]ed name.
    pub segments: BTreeMap<String, SegmentId>,
}

/// What an archetype is called. A rule may use either name, so that it goes on to hold when the tenant renames one.
#[derive(Debug, Clone, PartialEq)]
pub struct Archetype {
    /// By rules.
    pub automatic_name: String,
    /// By the tenant, if it calls it otherwise.
    pub given_name: Option<String>,
    /// 1, or 2 for the finer ones.
    pub level: u8,
}

impl Archetype {
    /// The name that is shown.
    pub fn name(&self) -> &str {
        self.given_name.as_deref().unwrap_or(&self.automatic_name)
    }
}

/// A test of a customer's facts. Where a fact is missing it does not hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Every one holds.
    All(Vec<Test>),
    /// At least one holds.
    Any(Vec<Test>),
    /// It does not hold.
    Not(Box<Test>),
    /// The column's key lies in one of the ranges, which are within the column's domain, in order and apart.
    Keys(Column, Vec<Range>),
    /// The column has a value.
    Known(Column),
    /// A text compares like this with one of the texts, which are folded.
    Text(Texts, Match, Vec<String>),
    /// There is such a text.
    TextKnown(Texts),
    /// The customer has one of these labels, or all of them.
    Tags(Quantity, Vec<String>),
    /// The customer is in the shop's list of customers, so labels are known.
    TagsKnown,
    /// The customer was a member when that segment was evaluated last.
    Member(SegmentId),
}

/// A text of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// The country.
    Country,
    /// The state or region.
    State,
    /// The address.
    Email,
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The whole text.
    Equal,
    /// Anywhere in it.
    Contains,
    /// At its beginning.
    StartsWith,
    /// At its end.
    EndsWith,
}

/// How many of the labels are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// One of them, or more.
    One,
    /// All of them.
    Every,
}

/// A rule names something that the tenant does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NameError {
    /// The name as it was written.
    pub name: String,
    /// What is wrong, and the names that there are.
    pub message: String,
}

/// The rule's tests on the day `today`.
///
/// # Errors
/// The first name that is unknown.
pub fn resolve(rule: &Rule, names: &Names, today: NaiveDate) -> Result<Test, NameError> {
    let parts =
        |parts: &[Rule]| parts.iter().map(|part| resolve(part, names, today)).collect::<Result<Vec<_>, _>>();
    Ok(match rule {
        Rule::All(inner) => Test::All(parts(inner)?),
        Rule::Any(inner) => Test::Any(parts(inner)?),
        Rule::Not(inner) => Test::Not(Box::new(resolve(inner, names, today)?)),
        Rule::InSegment(name) => Test::Member(names.segment(name)?),
        Rule::Is(condition) => test(condition, names, today)?,
    })
}

impl Names {
    fn segment(&self, name: &str) -> Result<SegmentId, NameError> {
        self.segments
            .get(&fold(name))
            .copied()
            .ok_or_else(|| unknown("no segment", name, self.segments.keys().map(String::as_str)))
    }

    /// The places of an axis's segments with these names.
    fn on_axis(&self, axis: Axis, values: &[Value]) -> Result<Vec<i64>, NameError> {
        let known = self.axes.as_ref().map_or(&[][..], |axes| &axes[axis.index()]);
        let what = format!("no segment on the axis {}", axis.name());
        places(values, &what, known.iter().map(String::as_str))
    }
}

/// The places of the names in a list, every one of which must be there.
fn places<'a>(
    values: &[Value],
    what: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<Vec<i64>, NameError> {
    let mut places = Vec::new();
    for name in texts(values) {
        let before = places.len();
        let matching = known.clone().enumerate().filter(|(_, known)| is_same(known, name));
        places.extend(matching.filter_map(|(place, _)| i64::try_from(place).ok()));
        if places.len() == before {
            return Err(unknown(what, name, known));
        }
    }
    Ok(places)
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> NameError {
    let shown: String = name.chars().take(60).collect();
    let mut message = format!("there is {what} named {shown:?}");
    if let Some(near) = nearest(&shown, known.clone()) {
        message += &format!("; did you mean {near:?}?");
    }
    let mut listed: Vec<String> = known.map(|known| format!("{known:?}")).collect();
    listed.sort_unstable();
    listed.dedup();
    match listed.len() {
        0 => message += "; there are none yet",
        1..=40 => message += &format!("; known are {}", listed.join(", ")),
        more => message += &format!("; known are {} and {} more", listed[..40].join(", "), more - 40),
    }
    NameError { name: name.to_owned(), message }
}

fn test(condition: &Condition, names: &Names, today: NaiveDate) -> Result<Test, NameError> {
    let (field, operator, values) = (condition.field(), condition.operator(), condition.values());
    let keys = |column: Column, ranges: Vec<Range>| Test::Keys(column, fit(column, operator, ranges));
    Ok(match field {
        Field::TotalOrderValue => {
            known_or(condition, Column::SpendCents, || scaled(operator, values, Decimal::ONE_HUNDRED))
        }
        Field::OrderCount => known_or(condition, Column::Orders, || scaled(operator, values, Decimal::ONE)),
        Field::DaysSinceLastOrder => known_or(condition, Column::LastOrderOn, || {
            back(scaled(operator, values, Decimal::ONE), day_key(today))
        }),
        Field::LastOrderDate => {
            known_or(condition, Column::LastOrderOn, || exact(operator, values, date_key))
        }
        Field::FirstOrderDate => {
            known_or(condition, Column::FirstOrderOn, || exact(operator, values, date_key))
        }
        Field::ChurnProbability => known_or(condition, Column::Churn, || exact(operator, values, float_key)),
        Field::Ltv => known_or(condition, Column::Ltv, || exact(operator, values, float_key)),
        Field::MarketingOptIn => known_or(condition, Column::OptIn, || exact(operator, values, flag_key)),
        Field::ChurnRisk => known_or(condition, Column::Churn, || risks(operator, values)),
        Field::Segment(axis) => match is_known(Column::Segment(axis), operator) {
            Some(test) => test,
            None => {
                let places = names.on_axis(axis, values)?;
                let ranges = places.into_iter().map(|place| Range { from: place * 4, to: place * 4 + 3 });
                keys(Column::Segment(axis), ranges.collect())
            }
        },
        Field::Strength(axis) => known_or(condition, Column::Segment(axis), || strengths(operator, values)),
        Field::Archetype => match is_known(Column::ArchetypeL1, operator) {
            Some(test) => test,
            None => archetypes(operator, values, names)?,
        },
        Field::ShippingState => text(Texts::State, operator, values),
        Field::ShippingCountry => text(Texts::Country, operator, values),
        Field::Email => text(Texts::Email, operator, values),
        Field::Tags => {
            let wanted = || {
                let mut wanted: Vec<String> = texts(values).map(fold).collect();
                wanted.sort_unstable();
                wanted.dedup();
                wanted
            };
            match operator {
                Operator::Known => Test::TagsKnown,
                Operator::Unknown => Test::Not(Box::new(Test::TagsKnown)),
                Operator::HasAll => Test::Tags(Quantity::Every, wanted()),
                _ => Test::Tags(Quantity::One, wanted()),
            }
        }
    })
}

fn is_known(column: Column, operator: Operator) -> Option<Test> {
    match operator {
        Operator::Known => Some(Test::Known(column)),
        Operator::Unknown => Some(Test::Not(Box::new(Test::Known(column)))),
        _ => None,
    }
}

fn known_or(condition: &Condition, column: Column, ranges: impl FnOnce() -> Vec<Range>) -> Test {
    let operator = condition.operator();
    is_known(column, operator).unwrap_or_else(|| Test::Keys(column, fit(column, operator, ranges())))
}

/// Ranges in order, turned round for `!=` and `not in`, and cut to the column's domain.
fn fit(column: Column, operator: Operator, ranges: Vec<Range>) -> Vec<Range> {
    let ranges = joined(ranges);
    let is_negative = matches!(operator, Operator::IsNot | Operator::NotIn);
    let ranges = if is_negative { complement(&ranges) } else { ranges };
    ranges.into_iter().filter_map(|range| range.within(column.domain())).collect()
}

/// The ranges of whole-number keys for numbers that are `scale` times smaller. A number between two keys equals
/// neither.
fn scaled(operator: Operator, values: &[Value], scale: Decimal) -> Vec<Range> {
    let scaled = |value: &Value| match value {
        Value::Number(number) => *number * scale,
        _ => Decimal::ZERO,
    };
    let floor = |value: &Value| scaled(value).floor().to_i64().unwrap_or_default();
    let ceil = |value: &Value| scaled(value).ceil().to_i64().unwrap_or_default();
    match (operator, values) {
        (Operator::Less, [bound]) => vec![Range { from: i64::MIN, to: ceil(bound) - 1 }],
        (Operator::AtMost, [bound]) => vec![Range { from: i64::MIN, to: floor(bound) }],
        (Operator::More, [bound]) => vec![Range { from: floor(bound) + 1, to: i64::MAX }],
        (Operator::AtLeast, [bound]) => vec![Range { from: ceil(bound), to: i64::MAX }],
        (Operator::Between, [low, high]) => Range { from: ceil(low), to: i64::MAX }
            .within(Range { from: i64::MIN, to: floor(high) })
            .into_iter()
            .collect(),
        (_, values) => values
            .iter()
            .filter(|value| floor(value) == ceil(value))
            .map(|value| Range::only(floor(value)))
            .collect(),
    }
}

/// The ranges where every value is a key.
fn exact(operator: Operator, values: &[Value], key: impl Fn(&Value) -> i64) -> Vec<Range> {
    match (operator, values) {
        (Operator::Less, [bound]) => vec![Range { from: i64::MIN, to: key(bound) - 1 }],
        (Operator::AtMost, [bound]) => vec![Range { from: i64::MIN, to: key(bound) }],
        (Operator::More, [bound]) => vec![Range { from: key(bound) + 1, to: i64::MAX }],
        (Operator::AtLeast, [bound]) => vec![Range { from: key(bound), to: i64::MAX }],
        (Operator::Between, [low, high]) => vec![Range { from: key(low), to: key(high) }],
        (_, values) => values.iter().map(|value| Range::only(key(value))).collect(),
    }
}

/// So many days ago: the more days, the earlier the date.
fn back(ranges: Vec<Range>, today: i64) -> Vec<Range> {
    let turned = |key: i64| today.saturating_sub(key);
    let turn = |range: Range| Range {
        from: if range.to == i64::MAX { i64::MIN } else { turned(range.to) },
        to: if range.from == i64::MIN { i64::MAX } else { turned(range.from) },
    };
    ranges.into_iter().map(turn).collect()
}

fn date_key(value: &Value) -> i64 {
    match value {
        Value::Date(day) => day_key(*day),
        _ => 0,
    }
}

/// Facts are stored as floats of four bytes, and a number of a rule is compared as the nearest of those.
fn float_key(value: &Value) -> i64 {
    match value {
        #[allow(clippy::cast_possible_truncation, reason = "the nearest float is what is wanted")]
        Value::Number(number) => real_key(number.to_f64().unwrap_or_default() as f32),
        _ => 0,
    }
}

fn flag_key(value: &Value) -> i64 {
    i64::from(*value == Value::Flag(true))
}

/// The words that compare like this with the given ones, as places in their order.
fn words(operator: Operator, values: &[Value], order: &[&str]) -> Vec<usize> {
    let place = |text: &str| order.iter().position(|word| *word == text);
    let given: Vec<usize> = texts(values).filter_map(place).collect();
    let Some(first) = given.first().copied() else { return Vec::new() };
    let holds = |place: usize| match operator {
        Operator::Less => place < first,
        Operator::AtMost => place <= first,
        Operator::More => place > first,
        Operator::AtLeast => place >= first,
        // For != and "not in" these are turned round afterwards.
        _ => given.contains(&place),
    };
    (0..order.len()).filter(|place| holds(*place)).collect()
}

fn risks(operator: Operator, values: &[Value]) -> Vec<Range> {
    let order = RiskBand::ALL.map(RiskBand::name);
    let bands = RiskBands::default();
    let range = |place: usize| {
        let (from, below) = bands.range(RiskBand::ALL[place]);
        Range {
            from: from.map_or(i64::MIN, real_key),
            to: below.map_or(i64::MAX, |below| real_key(below) - 1),
        }
    };
    words(operator, values, &order).into_iter().map(range).collect()
}

/// A fact is a segment's place times four plus the strength.
fn strengths(operator: Operator, values: &[Value]) -> Vec<Range> {
    /// More segments than any axis has.
    const SEGMENTS: i64 = 64;
    let strengths = words(operator, values, &STRENGTHS);
    let keys = |strength: usize| {
        (0..SEGMENTS).map(move |segment| segment * 4 + i64::try_from(strength).unwrap_or(0))
    };
    strengths.into_iter().flat_map(keys).map(Range::only).collect()
}

fn archetypes(operator: Operator, values: &[Value], names: &Names) -> Result<Test, NameError> {
    let count = names.archetypes.len();
    // Both names of an archetype stand for its place; where one is given and another one's by rules, both are meant
    // nowhere, because a name is given only if no archetype of the version has it.
    let known = names.archetypes.iter().map(Archetype::name);
    let automatic = names.archetypes.iter().map(|archetype| archetype.automatic_name.as_str());
    let mut places = places(values, "no archetype", known.chain(automatic))?;
    for place in &mut places {
        *place %= i64::try_from(count.max(1)).unwrap_or(i64::MAX);
    }
    places.sort_unstable();
    places.dedup();
    let of_level = |level: u8, column: Column| {
        let is_of = |place: &&i64| {
            usize::try_from(**place)
                .ok()
                .and_then(|place| names.archetypes.get(place))
                .is_some_and(|archetype| archetype.level == level)
        };
        let ranges: Vec<Range> = places.iter().filter(is_of).map(|place| Range::only(*place)).collect();
        (!ranges.is_empty()).then(|| Test::Keys(column, joined(ranges)))
    };
    let any =
        [of_level(1, Column::ArchetypeL1), of_level(2, Column::ArchetypeL2)].into_iter().flatten().collect();
    Ok(negated_if(operator, Test::Any(any), Test::Known(Column::ArchetypeL1)))
}

fn text(text: Texts, operator: Operator, values: &[Value]) -> Test {
    // Codes of countries are stored in capitals, and are read as such.
    let folded = texts(values)
        .map(|value| if text == Texts::Country { value.to_owned() } else { fold(value) })
        .collect();
    let compare = match operator {
        Operator::Known => return Test::TextKnown(text),
        Operator::Unknown => return Test::Not(Box::new(Test::TextKnown(text))),
        Operator::Contains => Match::Contains,
        Operator::StartsWith => Match::StartsWith,
        Operator::EndsWith => Match::EndsWith,
        _ => Match::Equal,
    };
    negated_if(operator, Test::Text(text, compare, folded), Test::TextKnown(text))
}

/// For `!=` and `not in`: known, and not so.
fn negated_if(operator: Operator, test: Test, known: Test) -> Test {
    if matches!(operator, Operator::IsNot | Operator::NotIn) {
        return Test::All(vec![known, Test::Not(Box::new(test))]);
    }
    test
}

fn texts(values: &[Value]) -> impl Iterator<Item = &str> {
    values.iter().filter_map(|value| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}
