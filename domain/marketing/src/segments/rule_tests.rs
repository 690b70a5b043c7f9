//! Properties of the two forms of a rule, and what their errors say.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

use super::field::{Field, Kind};
use super::json::{from_json, to_json};
use super::operator::{Operator, Wants};
use super::parse::parse;
use super::rule::{Condition, Literal, Rule};

fn literal(kind: Kind) -> BoxedStrategy<Literal> {
    let text =
        "[ -~äß€]{1,12}".prop_filter("a control character", |text| !text.is_empty()).prop_map(Literal::Text);
    match kind {
        Kind::Number => (-99_999_999_i64..99_999_999, 0_u32..4)
            .prop_map(|(digits, scale)| Literal::Number(Decimal::new(digits, scale)))
            .boxed(),
        Kind::Whole => (-5_000_i64..5_000).prop_map(|number| Literal::Number(Decimal::from(number))).boxed(),
        Kind::Date => (1_i32..700_000)
            .prop_map(|day| Literal::Date(NaiveDate::from_num_days_from_ce_opt(day).expect("a day")))
            .boxed(),
        Kind::Flag => any::<bool>().prop_map(Literal::Flag).boxed(),
        Kind::Country => "[A-Z]{2}".prop_map(Literal::Text).boxed(),
        Kind::Word(words) => {
            prop::sample::select(words.to_vec()).prop_map(|word| Literal::Word(word.to_owned())).boxed()
        }
        Kind::Text | Kind::Set | Kind::Name => text.boxed(),
    }
}

fn condition() -> impl Strategy<Value = Condition> {
    prop::sample::select(Field::all().collect::<Vec<_>>())
        .prop_flat_map(|field| {
            let operators = field.kind().operators().to_vec();
            (Just(field), prop::sample::select(operators))
        })
        .prop_flat_map(|(field, operator)| {
            let count = match operator.wants() {
                Wants::Nothing => 0..=0,
                Wants::One => 1..=1,
                Wants::Two => 2..=2,
                Wants::Many => 1..=5,
            };
            (Just(field), Just(operator), prop::collection::vec(literal(field.kind()), count))
        })
        .prop_filter_map("bounds in order", |(field, operator, values)| {
            Condition::new(field, operator, &values).ok()
        })
}

/// Any rule that a reader could give.
pub(super) fn rule() -> impl Strategy<Value = Rule> {
    let leaf = prop_oneof![
        9 => condition().prop_map(Rule::Is),
        1 => "[ -~]{0,8}[a-z\"\\\\]".prop_map(Rule::InSegment),
    ];
    leaf.prop_recursive(5, 30, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Rule::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Rule::Any),
            inner.prop_map(|part| Rule::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(rule in rule()) {
        let text = rule.to_string();
        prop_assert_eq!(parse(&text), Ok(rule), "{}", text);
    }

    #[test]
    fn what_is_stored_is_read_back(rule in rule()) {
        let json = to_json(&rule);
        // Through text, as the database keeps it.
        let json = serde_json::from_str(&json.to_string()).expect("JSON");
        prop_assert_eq!(from_json(&json), Ok(rule));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\\n\"ä]{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_mutilated_rule_makes_the_reader_panic_and_errors_point_into_it(rule in rule(), cut in 0_usize..400) {
        let text: String = rule.to_string().chars().take(cut).collect();
        if let Err(error) = parse(&text) {
            prop_assert!(error.line == 1 && error.column <= text.chars().count() + 1, "{}", error);
        }
    }
}

#[test]
fn the_example_of_the_guide_is_understood() {
    let rule = parse(
        "total_order_value >= 500 and (churn_risk in (high, critical) or not marketing_opt_in = true)
             and segment.purchase_frequency = \"Weekly regulars\" strong",
    )
    .expect("a rule");
    assert_eq!(
        rule.to_string(),
        "total_order_value >= 500 and (churn_risk in (high, critical) or not marketing_opt_in = true) \
         and (segment.purchase_frequency = \"Weekly regulars\" and strength.purchase_frequency = strong)"
    );
    let or_and = parse("order_count > 1 AND tags has vip or ltv is known").expect("a rule");
    assert_eq!(or_and.to_string(), "(order_count > 1 and tags has \"vip\") or ltv is known");
    let all = parse(
        "email ends with \"@example.com\" and last_order_date between 2026-01-01 and 2026-03-31 \
         and shipping_country not in (us, 'DE') and tags has any (a, b) and tags has all (c) \
         and shipping_state starts with N and not in segment \"VIP \\\"gold\\\"\"",
    );
    assert!(all.is_ok(), "{all:?}");
}

#[test]
fn errors_point_at_the_place_and_say_what_was_expected() {
    for (text, line, column, says) in [
        ("", 1, 1, "expected a field"),
        ("totl_order_value > 5", 1, 1, "did you mean `total_order_value`?"),
        ("weather = 5", 1, 1, "the fields are total_order_value, order_count"),
        (
            "order_count >= 2.5",
            1,
            16,
            "order_count >= takes a whole number such as 3, and this is the number 2.5",
        ),
        ("order_count >= \"2\"", 1, 16, "and this is the text \"2\""),
        (
            "order_count contains 2",
            1,
            13,
            "order_count cannot be compared by `contains`; its operators are =",
        ),
        ("order_count 5", 1, 13, "expected an operator of order_count"),
        ("order_count = 5 and", 1, 20, "found the end"),
        ("order_count = 5 xor ltv > 3", 1, 17, "expected `and`, `or` or the end, found `xor`"),
        ("(order_count = 5", 1, 17, "expected `and`, `or` or `)`, found the end"),
        ("order_count = 5)", 1, 16, "expected `and`, `or` or the end, found `)`"),
        ("order_count in 5", 1, 16, "a list in parentheses"),
        (
            "churn_risk in (high,\n  severe)",
            2,
            3,
            "one of low, medium, high, critical, and this is the text \"severe\"",
        ),
        ("churn_risk = ", 1, 14, "a value of churn_risk"),
        ("last_order_date > 2026-13-01", 1, 19, "no number and no date"),
        ("last_order_date > 5", 1, 19, "a date such as 2026-01-31"),
        ("ltv between 9 and 3", 1, 13, "the lower value first"),
        ("shipping_country = USA", 1, 20, "a country code of two letters"),
        ("shipping_state = \"CA", 1, 18, "the text has no closing \""),
        ("ltv > 1 & ltv < 3", 1, 9, "has no meaning here"),
        ("in VIP", 1, 4, "expected `segment`"),
        ("in segment VIP", 1, 12, "in quotation marks"),
        ("segment.purchase_value != \"x\" strong", 1, 31, "a strength stands after `=` or `in`"),
        ("ltv > 1234567890123456", 1, 7, "at most 15 digits"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
        let caret = error.excerpt.lines().last().expect("a caret line").chars().count();
        assert_eq!(caret, column, "{error}");
    }
}

#[test]
fn faults_of_json_are_named_by_their_path() {
    for (json, path, says) in [
        (json!(5), "", "a part of a rule is"),
        (json!({}), "", "a part of a rule is"),
        (json!({"all": []}), "all", "at least one part"),
        (json!({"some": []}), "some", "a part of a rule is"),
        (
            json!({"all": [{"field": "ltv", "operator": ">", "value": 1}, {"not": 5}]}),
            "all[1].not",
            "a part of a rule",
        ),
        (
            json!({"any": [{"field": "lvt", "operator": ">", "value": 1}]}),
            "any[0].field",
            "did you mean `ltv`?",
        ),
        (json!({"field": "ltv", "operator": "=>", "value": 1}), "operator", "did you mean"),
        (json!({"field": "ltv", "operator": "contains", "value": 1}), "operator", "cannot be compared"),
        (json!({"field": "ltv", "operator": ">", "value": "1"}), "value", "and this is the text"),
        (json!({"field": "ltv", "operator": ">"}), "value", "takes one value"),
        (json!({"field": "ltv", "operator": "is_known", "value": 3}), "value", "takes no value"),
        (json!({"field": "ltv", "operator": "in", "value": [1, true]}), "value[1]", "and this is true"),
        (json!({"field": "ltv", "operator": ">", "value": 1e300}), "value", "at most 15 digits"),
        (
            json!({"field": "ltv", "operator": ">", "value": 1, "unit": "EUR"}),
            "unit",
            "field, operator and value",
        ),
        (json!({"operator": ">"}), "field", "must be a text"),
        (json!({"in_segment": ""}), "in_segment", "the name of a segment"),
    ] {
        let error = from_json(&json).expect_err("no rule");
        assert_eq!(error.path, path, "{json}: {error}");
        assert!(error.message.contains(says), "{json}: {error}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = format!("{}ltv > 1{}", "not (".repeat(7), ")".repeat(7));
    assert!(parse(&deep).is_ok());
    assert!(parse(&format!("not {deep}")).expect_err("too deep").message.contains("8 deep"));
    assert!(parse(&"(".repeat(10_000)).is_err());
    assert!(parse(&"not ".repeat(4_000)).is_err());
    let wide = |parts: usize| vec!["ltv > 1"; parts].join(" and ");
    assert!(parse(&wide(100)).is_ok());
    assert!(parse(&wide(101)).expect_err("too many").message.contains("100 conditions"));
    let list = |values: usize| format!("order_count not in ({})", vec!["1"; values].join(", "));
    assert!(parse(&list(100)).is_ok());
    assert!(parse(&list(101)).expect_err("too long").message.contains("at most 100 values"));
    assert!(parse(&list(0)).expect_err("empty").message.contains("a value of order_count"));
    for values in [0, 101] {
        let json = json!({"field": "order_count", "operator": "in", "value": vec![1; values]});
        let error = from_json(&json).expect_err("out of bounds");
        assert!(error.message.contains("a list of 1 to 100 values"), "{error}");
    }
    let mut json = json!({"field": "ltv", "operator": "is_known"});
    for _ in 0..100 {
        json = json!({ "all": [json] });
    }
    assert!(from_json(&json).expect_err("too deep").message.contains("deep"));
    assert!(Operator::ALL.len() == 17);
}
