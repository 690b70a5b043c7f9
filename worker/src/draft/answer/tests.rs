//! The reader against answers as models give them, and against whatever else may come.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::draft::input::Priority;

const ADVICE: &str = r#"{"priority":"high","actions":["a","b"],"talking_points":["c","d","e"],
    "warnings":[],"retention_probability":0.5,"revenue_at_risk":"120.50"}"#;

fn advice(json: &str) -> Result<Recommendation, RecommendationProblem> {
    let answer = format!("<reply>Hello.</reply><recommendation>{json}</recommendation>");
    read_text(&answer, 100).expect("the reply is fine").recommendation
}

#[test]
fn reads_both_parts_with_chatter_and_fences() {
    let answer = format!("Sure!\n<reply>\n Hello. \n</reply>\n<recommendation>\n```json\n{ADVICE}\n```");
    let parsed = read_text(&answer, 100).expect("a reply");
    assert_eq!(parsed.reply, "Hello.");
    let advice = parsed.recommendation.expect("a recommendation");
    assert_eq!(advice.priority, Priority::High);
    assert_eq!(advice.revenue_at_risk.as_deref(), Some("120.50"));
}

#[test]
fn a_model_that_talks_around_its_answer_is_read_all_the_same() {
    let answer = r#"I will put it inside <reply> tags.
<reply>Hello Maya, your lamp left us on Monday.</reply>
<recommendation>{"priority":"High","actions":["a","b"],"talking_points":["c","d","e"],"retention_probability":"0.7"} Tell me if {this} is wrong.</recommendation>"#;
    let parsed = read_text(answer, 200).expect("a reply");
    assert_eq!(parsed.reply, "Hello Maya, your lamp left us on Monday.");
    let advice = parsed.recommendation.expect("a recommendation");
    assert_eq!((advice.priority, advice.retention_probability), (Priority::High, Some(0.7)));
    let braces_before = answer.replace("<recommendation>", "<recommendation>For {you} and {me}: ");
    assert!(read_text(&braces_before, 200).expect("a reply").recommendation.is_ok());
}

#[test]
fn a_form_is_read_field_by_field() {
    let advice: Value = serde_json::from_str(ADVICE).expect("JSON");
    let form = json!({"reply": " Hello. ", "recommendation": advice});
    let as_text = json!({"reply": "Hello.", "recommendation": ADVICE});
    let whole_as_text = Value::String(form.to_string());
    for form in [&form, &as_text, &whole_as_text] {
        let read = read_form(form, 100).expect("a reply");
        assert_eq!(read.reply, "Hello.");
        assert_eq!(read.recommendation.expect("a recommendation").priority, Priority::High);
    }
    let error = |form: Value| read_form(&form, 5).err();
    assert_eq!(error(json!({"recommendation": advice})), Some(Fault::NoReply));
    assert_eq!(error(json!({"reply": ["Hello."]})), Some(Fault::NoReply));
    assert_eq!(error(json!([{"reply": "One."}, {"reply": "Two."}])), Some(Fault::SeveralReplies));
    assert_eq!(error(json!("nonsense")), Some(Fault::NoReply));
    assert_eq!(error(json!({"reply": " "})), Some(Fault::EmptyReply));
    assert_eq!(error(json!({"reply": "Hello."})), Some(Fault::TooLong { found: 6, allowed: 5 }));
}

#[test]
fn an_answer_ends_in_its_own_way() {
    let completion = |text: &str, ending| Completion {
        text: text.into(),
        form: None,
        ending,
        model: "m".into(),
        usage: upstreams::anthropic::Usage::default(),
    };
    let whole = "<reply>Hello.</reply>";
    for (ending, fault) in [
        (Ending::Refused, Fault::Refusal),
        (Ending::CutOff, Fault::CutOff),
        (Ending::OtherTool, Fault::OtherTool),
        (Ending::Empty, Fault::NoReply),
    ] {
        assert_eq!(read(&completion(whole, ending), 100).err(), Some(fault), "{ending:?}");
    }
    for text in [
        whole.to_owned(),
        format!("{{\"reply\": \"Hello.\", \"recommendation\": {ADVICE}}}"),
        "```json\n{\"reply\": \"Hello.\"}\n```".to_owned(),
    ] {
        assert_eq!(
            read(&completion(&text, Ending::Complete), 100).map(|answer| answer.reply),
            Ok("Hello.".into()),
            "{text}"
        );
    }
    for text in ["{\"answer\": \"Hello.\"}", "Sure: {\"reply\": \"Hello.\"}", "{\"reply\": \"Hel"] {
        assert_eq!(read(&completion(text, Ending::Complete), 100).err(), Some(Fault::NoReply), "{text}");
    }
}

#[test]
fn a_bad_recommendation_leaves_the_reply() {
    use RecommendationProblem::*;
    let missing = read_text("<reply>Hi.</reply>", 9).expect("a reply").recommendation;
    assert_eq!(missing.err(), Some(Missing));
    assert_eq!(advice("none").err(), Some(Malformed));
    assert_eq!(advice(&ADVICE.replace("high", "extreme")).err(), Some(Malformed));
    assert_eq!(advice(&ADVICE.replace(r#""a","b""#, r#""a""#)).err(), Some(OutOfBounds("actions")));
    assert_eq!(advice(&ADVICE.replace(r#""c","#, r#""","#)).err(), Some(OutOfBounds("talking_points")));
    assert_eq!(advice(&ADVICE.replace("0.5", "1.5")).err(), Some(OutOfBounds("retention_probability")));
    assert_eq!(
        advice(&ADVICE.replace(":0.5", r#":"NaN""#)).err(),
        Some(OutOfBounds("retention_probability"))
    );
    assert_eq!(advice(&ADVICE.replace("120.50", "-1")).err(), Some(OutOfBounds("revenue_at_risk")));
    assert!(advice(&ADVICE.replace(r#""120.50""#, "null")).is_ok());
}

#[test]
fn an_answer_without_a_whole_reply_is_a_fault() {
    let error = |answer: &str| read_text(answer, 10).err();
    assert_eq!(error("hello"), Some(Fault::NoReply));
    assert_eq!(error("<reply>cut off"), Some(Fault::NoReply));
    assert_eq!(error("<reply> </reply>"), Some(Fault::EmptyReply));
    assert_eq!(error("<reply>12345678901</reply>"), Some(Fault::TooLong { found: 11, allowed: 10 }));
    let deep = format!("<reply>Hi.</reply><recommendation>{}", "{\"a\":".repeat(12_000));
    let deep = read_text(&deep, 10).expect("a reply");
    assert_eq!(deep.recommendation.err(), Some(RecommendationProblem::Malformed));
    assert!(matches!(read_text(&"<reply>".repeat(20_000), 10), Err(Fault::TooLong { .. })));
}

/// JSON of any shape, as a model may write it into a form.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from(ADVICE)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name = prop_oneof![
            Just("reply".to_owned()),
            Just("recommendation".to_owned()),
            Just("priority".to_owned()),
            Just("actions".to_owned()),
            Just("talking_points".to_owned()),
            Just("retention_probability".to_owned()),
            "[a-z]{1,4}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn bounds_hold(answer: Result<Answer, Fault>, most: usize) -> Result<(), TestCaseError> {
    if let Ok(answer) = answer {
        prop_assert!((1..=most).contains(&answer.reply.chars().count()));
        prop_assert!(!answer.reply.to_lowercase().contains("</reply>"));
        if let Ok(advice) = answer.recommendation {
            prop_assert!(ACTIONS.contains(&advice.actions.len()));
            prop_assert!(TALKING_POINTS.contains(&advice.talking_points.len()));
            prop_assert!(advice.retention_probability.is_none_or(|p| (0.0..=1.0).contains(&p)));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_text_panics_and_bounds_hold(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("<reply>".to_owned()), Just("</reply>".to_owned()), Just("<recommendation>".to_owned()),
                Just("</recommendation>".to_owned()), Just("<Reply>".to_owned()), Just(ADVICE.to_owned()),
                Just("{".to_owned()), Just("}".to_owned()), Just("\n".to_owned()), ".{0,20}",
            ],
            0..16,
        )
    ) {
        bounds_hold(read_text(&pieces.concat(), 50), 50)?;
    }

    #[test]
    fn no_form_panics_and_bounds_hold(form in any_json()) {
        if let Ok(answer) = read_form(&form, 50) {
            prop_assert!((1..=50).contains(&answer.reply.chars().count()));
        }
    }
}
