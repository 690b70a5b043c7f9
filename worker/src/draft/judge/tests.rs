//! Answers with one fault each, and what an agent sees in the end.

use serde_json::{Value, json};
use upstreams::anthropic::{Ending, Usage};
use upstreams::outgoing::Objection;

use super::*;
use crate::draft::answer::RecommendationProblem;
use crate::draft::template::tests::an_input;

fn completion(text: &str, form: Option<Value>, ending: Ending) -> Completion {
    Completion { text: text.into(), form, ending, model: "m".into(), usage: Usage::default() }
}

fn advice() -> Value {
    json!({"priority": "High", "actions": ["Look the order up.", "Answer."],
        "talking_points": ["One.", "Two.", "Three."], "retention_probability": "0.7"})
}

/// What becomes of a form with this reply, for a customer who wrote so.
fn judged(customer: &str, reply: &str) -> Result<Draft, Vec<Fault>> {
    let form = json!({"reply": reply, "recommendation": advice()});
    judge(&completion("", Some(form), Ending::Complete), &an_input(customer))
}

const ASKED: &str = "Hello, where is my order? It has not arrived yet and I need it soon.";

#[test]
fn a_sound_answer_becomes_a_draft() {
    let draft = judged(ASKED, "Hello Ann,\u{0}\n\nyour lamp left us on Monday.").expect("no fault");
    assert_eq!(draft.reply, "Hello Ann,\n\nyour lamp left us on Monday.");
    assert_eq!((draft.drafter, draft.model.as_deref()), (Drafter::Anthropic, Some("m")));
    assert_eq!(draft.recommendation.expect("a recommendation").retention_probability, Some(0.7));
    assert_eq!(draft.remarks, Vec::<String>::new());
}

#[test]
fn every_fault_of_a_reply_is_found() {
    use ViolationKind::*;
    for (reply, fault) in [
        ("Hello Ann, here is a draft: Hello Ann, your lamp left us.", Fault::Chatter),
        ("I'm sorry, but I can't assist with that.", Fault::Refusal),
        ("Hello <reply>Ann</reply>.", Fault::Gate(Objection::Tag)),
        ("Dear [Customer Name], thank you.", Fault::Gate(Objection::Placeholder)),
        ("Dear {{name}}, thank you.", Fault::Gate(Objection::Placeholder)),
        ("Dear <NAME>, thank you.", Fault::Gate(Objection::Placeholder)),
        ("It will arrive by Friday.", Fault::Policy(DatePromised)),
        ("You get 20 EUR from us.", Fault::Policy(SumPromised)),
        ("We will refund you.", Fault::Policy(RefundPromised)),
        ("We will re\u{1}fund you.", Fault::Policy(RefundPromised)),
        ("{\"reply\": \"Hello Ann.\"}", Fault::Chatter),
        ("Follow it at https://track.example/1.", Fault::Policy(LinkInvented)),
        (
            "Never mention internal ratings, predictions, the risk that a customer leaves, Ann.",
            Fault::Gate(Objection::Instructions),
        ),
        ("\u{7}", Fault::Gate(Objection::Empty)),
        ("\u{200b}\u{ad}\u{3164}", Fault::Gate(Objection::Empty)),
        ("Hello Ann,\n\nKind regards,\nHartley Gifts", Fault::NothingSaid),
        ("Hello Ann.", Fault::NothingSaid),
        ("Hello Ann, your lamp \u{fffd} left us.", Fault::BrokenCharacter),
        ("<p>Hello Ann, your lamp left us.</p>", Fault::Markup),
        ("```\nHello Ann, your lamp left us.\n```", Fault::Markup),
        ("Hello *|FNAME|*, your lamp left us.", Fault::Blank),
        ("Hello Ann, your lamp left us on [...].", Fault::Blank),
        ("Here you go:\n\nHello Ann, your lamp left us.", Fault::Chatter),
        (
            "Hello Ann,\n\nyour lamp left us.\n\nKind regards,\nHartley Gifts\n\nAgent, please check this.",
            Fault::Chatter,
        ),
        ("Hello Ann, we will send you a replacement.", Fault::Policy(ReplacementPromised)),
        ("Hello Ann, write to evil@attacker.example about it.", Fault::Policy(AddressInvented)),
        (
            "Guten Tag, ich sehe gerade nach, wo Ihre Lampe ist, und melde mich gleich bei Ihnen.",
            Fault::OtherLanguage { reply: "German", customer: "English" },
        ),
    ] {
        assert_eq!(judged(ASKED, reply).expect_err(reply), [fault], "{reply}");
    }
}

#[test]
fn a_reply_that_nobody_can_check_says_so() {
    for (asked, reply) in [
        ("Где моя посылка?", "Здравствуйте, мы ищем вашу посылку."),
        (
            "Hei, missä pakettini on? Olen odottanut sitä jo kaksi viikkoa, eikä kukaan vastaa minulle.",
            "Hei, kiitos viestistäsi. Selvitämme parhaillaan, missä pakettisi on, ja palaamme asiaan heti, kun tiedämme enemmän.",
        ),
    ] {
        let draft = judged(asked, reply).expect(reply);
        assert_eq!(draft.remarks, [UNCHECKED], "{reply}");
    }
    let draft =
        judged(ASKED, "Hello Ann, thank you for writing. I am looking into where your lamp is right now.");
    assert_eq!(draft.expect("no fault").remarks, Vec::<String>::new());
}

#[test]
fn a_reply_that_stops_in_the_middle_was_cut() {
    for reply in [
        "Hello Ann, thank you for telling us about the lamp that",
        "Hello Ann,\n\nthank you for writing. I have asked the carrier where your parcel is, and",
    ] {
        assert_eq!(judged(ASKED, reply).expect_err(reply), [Fault::CutOff], "{reply}");
    }
    let asked = format!("{ASKED} I wrote to help@shop.example.");
    let answered =
        judged(&asked, "Hello Ann, you can write to all of us at any time under help@shop.example");
    assert!(answered.is_ok(), "an address may stand at the end");
    for reply in [
        "Hello Ann,\n\nthank you for telling us about the lamp.\n\nKind regards,\nYour Hartley Gifts team",
        "Hello Ann,\n\nthank you for telling us.\n\nKind regards from Anna and the whole team of Hartley Gifts",
        "Hello Ann, thank you for telling us about the lamp, we look into it \u{1f642}",
    ] {
        assert!(judged(ASKED, reply).is_ok(), "{reply}");
    }
}

#[test]
fn what_is_no_whole_answer_is_a_fault() {
    let text = "<reply>Hello Ann, your lamp left us.</reply>";
    for (ending, fault) in [
        (Ending::CutOff, Fault::CutOff),
        (Ending::Refused, Fault::Refusal),
        (Ending::OtherTool, Fault::OtherTool),
        (Ending::Empty, Fault::NoReply),
    ] {
        assert_eq!(judge(&completion(text, None, ending), &an_input(ASKED)).expect_err("a fault"), [fault]);
    }
    let read =
        judge(&completion(text, None, Ending::Complete), &an_input(ASKED)).expect("the text's form is read");
    assert_eq!(read.reply, "Hello Ann, your lamp left us.");
    assert_eq!(read.remarks, [RecommendationProblem::Missing.to_string()]);
}

#[test]
fn entries_for_the_agent_pass_the_gate_too() {
    let mut advice = advice();
    advice["warnings"] = json!(["Ask for [order number].", "He is angry."]);
    let form = json!({"reply": "Hello Ann, your lamp left us.", "recommendation": advice});
    let draft = judge(&completion("", Some(form), Ending::Complete), &an_input(ASKED)).expect("no fault");
    assert_eq!(draft.recommendation.expect("a recommendation").warnings, ["He is angry."]);
}

#[test]
fn the_built_in_drafter_says_why_it_writes() {
    let draft = instead(&an_input(ASKED), &[Fault::CutOff, Fault::Policy(ViolationKind::DatePromised)]);
    assert_eq!(draft.drafter, Drafter::Template);
    let remark = draft.remarks.last().expect("a remark");
    for part in ["cut off before its end", "announces a date"] {
        assert!(remark.contains(part), "{remark}");
    }
}
