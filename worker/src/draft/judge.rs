//! Holds a model's answer to every rule that a reply has to keep: it becomes a draft, or a list of faults.

use upstreams::anthropic::Completion;
use upstreams::outgoing::{Objection, clean, objections};

use super::answer;
use super::fault::Fault;
use super::input::{Draft, DraftInput, Drafter, Recommendation};
use super::policy::{KnownFacts, ViolationKind, check, honest_recommendation};
use super::prompt::INSIDE;
use super::style::{Channel, sms_parts, style};
use super::{blanks, chatter, frame, language, markup, template};

/// The draft that an answer makes, or what is wrong with the answer.
///
/// # Errors
/// The faults, at least one.
pub fn judge(completion: &Completion, input: &DraftInput) -> Result<Draft, Vec<Fault>> {
    let answer = answer::read(completion, style(input.channel, input.length).max_chars)
        .map_err(|fault| vec![fault])?;
    let facts = KnownFacts::of(input);
    // What nobody sees goes first: it could stand in the middle of a word that is looked for.
    let reply = clean(&answer.reply).trim().to_owned();
    let faults = faults(&reply, input, &facts);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut remarks: Vec<String> = language::doubt(&reply, input).into_iter().collect();
    if language::is_unchecked(&reply) {
        remarks.push(UNCHECKED.to_owned());
    }
    let recommendation = match answer.recommendation {
        Ok(advice) => presentable(advice, &facts),
        Err(problem) => {
            remarks.push(problem.to_string());
            None
        }
    };
    let sms_parts = if input.channel == Channel::Sms { sms_parts(&reply) } else { Vec::new() };
    let model = Some(completion.model.clone());
    let customer = input.customer_lines();
    Ok(Draft { reply, sms_parts, recommendation, drafter: Drafter::Anthropic, model, customer, remarks })
}

/// What an agent is told of a reply in a language that the policy knows no words of.
const UNCHECKED: &str = "In the language of this reply promises are not looked for: have it read by somebody who knows it before it is sent.";

/// What is wrong with a reply.
fn faults(reply: &str, input: &DraftInput, facts: &KnownFacts) -> Vec<Fault> {
    let mut faults: Vec<Fault> = objections(reply, &INSIDE).into_iter().map(Fault::Gate).collect();
    // Nothing can be said of what holds nothing.
    if faults.contains(&Fault::Gate(Objection::Empty)) {
        return faults;
    }
    if faults.is_empty() && blanks::has_blank(reply) {
        faults.push(Fault::Blank);
    }
    if reply.contains(char::REPLACEMENT_CHARACTER) {
        faults.push(Fault::BrokenCharacter);
    }
    if markup::has_markup(reply) {
        faults.push(Fault::Markup);
    }
    if faults.is_empty() && frame::says_nothing(reply) {
        faults.push(Fault::NothingSaid);
    }
    if chatter::is_refusal(reply) {
        faults.push(Fault::Refusal);
    } else if chatter::speaks_of_itself(reply) || frame::has_words_around(reply) {
        faults.push(Fault::Chatter);
    }
    if ends_in_the_middle(reply) {
        faults.push(Fault::CutOff);
    }
    faults.extend(language::other_language(reply, input));
    let mut broken: Vec<ViolationKind> =
        check(reply, facts).into_iter().map(|violation| violation.kind).collect();
    broken.sort_unstable();
    broken.dedup();
    faults.extend(broken.into_iter().map(Fault::Policy));
    faults
}

/// So many words in the last line are a sentence, and no sign-off.
const SENTENCE_WORDS: usize = 8;

/// Whether the last sentence has no end, as of an answer that was cut and is called complete. A link or an address may
/// stand at the end, and so may a sign-off.
fn ends_in_the_middle(reply: &str) -> bool {
    let last = reply.trim_end().lines().next_back().unwrap_or_default();
    let mut words = last.split_whitespace();
    let is_sentence = words.clone().count() >= SENTENCE_WORDS;
    let last_word = words.next_back().unwrap_or_default();
    let is_cut = last_word.ends_with(|c: char| c.is_alphabetic() || matches!(c, ',' | ';' | '-' | '('));
    is_sentence && is_cut && !last_word.contains(['/', '@', '.']) && !frame::has_formula(last)
}

/// A recommendation without the entries that break the policy or that the gate would refuse.
fn presentable(mut advice: Recommendation, facts: &KnownFacts) -> Option<Recommendation> {
    for list in [&mut advice.actions, &mut advice.talking_points, &mut advice.warnings] {
        list.retain(|entry| objections(entry, &INSIDE).is_empty());
    }
    honest_recommendation(advice, facts)
}

/// The built-in drafter's draft, for a model that could not be asked.
pub fn without(input: &DraftInput, why: &str) -> Draft {
    let mut draft = template::draft(input);
    draft.remarks.push(format!("The model could not be asked: {why}."));
    draft
}

/// The built-in drafter's draft with a remark why it stands in the model's place.
pub fn instead(input: &DraftInput, faults: &[Fault]) -> Draft {
    let mut draft = template::draft(input);
    let why: Vec<String> = faults.iter().map(ToString::to_string).collect();
    draft.remarks.push(format!(
        "The model was asked twice and neither answer could be used; about the second: {}.",
        why.join("; ")
    ));
    draft
}

#[cfg(test)]
mod tests;
