//! A plain reading of rules: what the words say of one person, without keys, ranges or vectors.

use marketing::segments::field::{Field, STRENGTHS};
use marketing::segments::operator::Operator;
use marketing::segments::rule::{Condition, Rule, Value};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::people::{ARCHETYPES, Person, SEGMENTS, today};

/// Whether a rule holds for somebody who is in no other segment.
pub fn holds(rule: &Rule, person: &Person) -> bool {
    match rule {
        Rule::All(parts) => parts.iter().all(|part| holds(part, person)),
        Rule::Any(parts) => parts.iter().any(|part| holds(part, person)),
        Rule::Not(part) => !holds(part, person),
        Rule::InSegment(_) => false,
        Rule::Is(condition) => is(condition, person),
    }
}

fn is(condition: &Condition, person: &Person) -> bool {
    let values = condition.values();
    match condition.field() {
        Field::TotalOrderValue => ordered(condition, Some(Decimal::new(person.spend_cents, 2)), number),
        Field::OrderCount => ordered(condition, Some(Decimal::from(person.orders)), number),
        Field::DaysSinceLastOrder => {
            ordered(condition, person.last.map(|last| Decimal::from((today() - last).num_days())), number)
        }
        Field::LastOrderDate => ordered(condition, person.last, date),
        Field::FirstOrderDate => ordered(condition, person.first, date),
        Field::ChurnProbability => ordered(condition, person.churn, float),
        Field::Ltv => ordered(condition, person.ltv, float),
        Field::ChurnRisk => {
            let band = |churn: f32| match churn {
                churn if churn < 0.3 => 0,
                churn if churn < 0.6 => 1,
                churn if churn < 0.8 => 2,
                _ => 3,
            };
            let words = ["low", "medium", "high", "critical"];
            ordered(condition, person.churn.map(band), |value| place(&words, value))
        }
        Field::Strength(axis) => {
            ordered(condition, person.axes[axis.index()].map(|fact| fact % 4), |value| {
                place(&STRENGTHS, value)
            })
        }
        Field::Segment(axis) => named(
            condition,
            person.axes[axis.index()].map(|fact| vec![SEGMENTS[usize::try_from(fact / 4).expect("a place")]]),
        ),
        Field::Archetype => {
            let name = |place: i16| ARCHETYPES[usize::try_from(place).expect("a place")].0;
            let names = || person.level1.into_iter().chain(person.level2).map(name).collect::<Vec<_>>();
            // Who has no archetype of the first level has none at all.
            if person.level1.is_none() && matches!(condition.operator(), Operator::Is | Operator::In) {
                return named(condition, Some(names()));
            }
            named(condition, person.level1.map(|_| names()))
        }
        Field::MarketingOptIn => match (condition.operator(), values) {
            (Operator::Is, [Value::Flag(flag)]) => person.opt_in == *flag,
            (Operator::IsNot, [Value::Flag(flag)]) => person.opt_in != *flag,
            (operator, _) => operator == Operator::Known,
        },
        Field::ShippingCountry => text(condition, person.country.as_deref()),
        Field::ShippingState => text(condition, person.state.as_deref()),
        Field::Email => text(condition, person.email.as_deref().filter(|_| person.listed)),
        Field::Tags => {
            let has = |value: &Value| {
                person.tags.iter().any(|tag| tag.to_lowercase() == word(value).to_lowercase())
            };
            match condition.operator() {
                Operator::Known => person.listed,
                Operator::Unknown => !person.listed,
                Operator::HasAll => values.iter().all(has),
                _ => values.iter().any(has),
            }
        }
    }
}

fn ordered<T: PartialOrd>(condition: &Condition, known: Option<T>, read: impl Fn(&Value) -> T) -> bool {
    let values: Vec<T> = condition.values().iter().map(read).collect();
    let Some(known) = known else { return condition.operator() == Operator::Unknown };
    match condition.operator() {
        Operator::Is | Operator::In => values.contains(&known),
        Operator::IsNot | Operator::NotIn => !values.contains(&known),
        Operator::Less => known < values[0],
        Operator::AtMost => known <= values[0],
        Operator::More => known > values[0],
        Operator::AtLeast => known >= values[0],
        Operator::Between => known >= values[0] && known <= values[1],
        Operator::Known => true,
        _ => false,
    }
}

fn named(condition: &Condition, known: Option<Vec<&str>>) -> bool {
    let Some(known) = known else { return condition.operator() == Operator::Unknown };
    let is_one = condition.values().iter().any(|value| known.contains(&word(value)));
    match condition.operator() {
        Operator::Is | Operator::In => is_one,
        Operator::IsNot | Operator::NotIn => !is_one,
        operator => operator == Operator::Known,
    }
}

fn text(condition: &Condition, known: Option<&str>) -> bool {
    let Some(known) = known.map(str::to_lowercase) else {
        return condition.operator() == Operator::Unknown;
    };
    let values: Vec<String> = condition.values().iter().map(|value| word(value).to_lowercase()).collect();
    match condition.operator() {
        Operator::Is | Operator::In => values.contains(&known),
        Operator::IsNot | Operator::NotIn => !values.contains(&known),
        Operator::Contains => known.contains(&values[0]),
        Operator::StartsWith => known.starts_with(&values[0]),
        Operator::EndsWith => known.ends_with(&values[0]),
        operator => operator == Operator::Known,
    }
}

fn number(value: &Value) -> Decimal {
    match value {
        Value::Number(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

fn float(value: &Value) -> f32 {
    #[allow(clippy::cast_possible_truncation, reason = "the nearest float is what is wanted")]
    let nearest = number(value).to_f64().expect("a number") as f32;
    nearest
}

fn date(value: &Value) -> chrono::NaiveDate {
    match value {
        Value::Date(day) => *day,
        other => panic!("{other:?} is no date"),
    }
}

fn word(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

fn place<T: TryFrom<usize>>(words: &[&str], value: &Value) -> T {
    let place = words.iter().position(|known| *known == word(value)).expect("a known word");
    T::try_from(place).ok().expect("a small number")
}
