//! The one gate of every text that we write to customers and into their tickets, whoever wrote it: a model, the built-in
//! drafter, an agent, a program that used the API. A client that sends text takes an [`Outgoing`], a mail a [`Subject`] as well,
//! and only this gate makes them, so a way around it does not compile.
//!
//! Slack's alerts and answers and the events of outbound webhooks do not pass it: they tell the team and its programs what
//! customers wrote, brackets and all, and what is refused there would be news that nobody gets.
//!
//! | Check | What happens |
//! | --- | --- |
//! | NUL and other control characters (but line break and tab), characters that turn the direction of text, U+FEFF and noncharacters | taken out |
//! | nothing is left that can be seen | refused: `Empty` |
//! | more than [`MAX_CHARS`] characters, or HTML of more than [`MAX_HTML_BYTES`] bytes | refused: `TooLong` |
//! | a tag or name of our own prompts, such as `<reply>`; a mark that models put between turns, such as `<\|im_end\|>` | refused: `Tag` |
//! | a placeholder that nobody filled in: `[name]`, `{{customer}}`, `{order}`, `{% if a %}`, `<NAME>`, `%NAME%`, `{0}`, `XXXX`, `____` | refused: `Placeholder` |
//! | eight words in a row from our own instructions to a model | refused: `Instructions` |
//!
//! A subject is one line, and square brackets in it are a shop's labels (`[Lampenwelt]`) unless they hold a known blank. One that
//! repeats the customer's is theirs, and is cleaned alone: `[EXTERNAL]` is no placeholder.
//!
//! The checks are about the text's form and ours alone. What a reply may promise is the drafter's policy
//! (`worker/src/draft/policy`), which an agent is free to overrule.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use thiserror::Error;

/// Longest text, in characters.
pub const MAX_CHARS: usize = 20_000;
/// Longest HTML, in bytes: what `MAX_CHARS` become when each is an entity of a few characters.
pub const MAX_HTML_BYTES: usize = 256 * 1024;
/// So many words in a row from our instructions are no coincidence.
const QUOTED_WORDS: usize = 8;
/// Longest text between brackets that can be a placeholder.
const PLACEHOLDER_CHARS: usize = 60;
/// The same of one that says what to do with it, or that stands between two brackets.
const LONG_PLACEHOLDER_CHARS: usize = 160;
/// What such a one begins with, in lower case.
const TO_BE_FILLED: [&str; 8] =
    ["insert ", "enter ", "add ", "fill in", "your ", "provide ", "einf\u{fc}gen", "ins\u{e9}rer "];
/// What models and the programs that run them put between turns and around calls, in lower case.
const MARKS: [&str; 15] = [
    "<|",
    "[/inst]",
    "<<sys>>",
    "</s>",
    "<parameter ",
    "</parameter",
    "<invoke ",
    "<function_calls",
    "</think",
    "</reasoning",
    "</scratchpad",
    "</answer",
    "</output",
    "</response",
    "</draft",
];
/// Placeholders that stand for themselves, in lower case.
const BLANKS: [&str; 8] = [
    "(your name)",
    "(customer name)",
    "(agent name)",
    "(company name)",
    "#xxx",
    "$xx",
    "\u{20ac}xx",
    "\u{a3}xx",
];

/// What must never get out: ours, and meant for a model.
#[derive(Debug, Clone, Copy)]
pub struct Inside {
    /// Tags and names of our prompts, in lower case.
    pub tags: &'static [&'static str],
    /// The instructions themselves.
    pub instructions: &'static [&'static str],
}

/// A text that may go out, with its HTML.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    text: String,
    html: String,
}

/// Why a text may not go out. No variant carries the text itself, and no reason is one for being refused: it may stand
/// in a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Objection {
    /// There is nothing to read in it.
    #[error("it is empty")]
    Empty,
    /// It is longer than anybody reads.
    #[error("it is longer than {MAX_CHARS} characters")]
    TooLong,
    /// It holds a tag of our prompts.
    #[error("it holds a tag that is meant for us")]
    Tag,
    /// It holds a placeholder.
    #[error("it holds a placeholder that nobody filled in")]
    Placeholder,
    /// It repeats our instructions to a model.
    #[error("it repeats our own instructions")]
    Instructions,
}

/// A text that was refused, with every reason.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the text was not sent: {}", reasons(.0))]
pub struct Refused(pub Vec<Objection>);

/// A subject that was refused, with every reason.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the mail was not sent, for its subject: {}", reasons(.0))]
pub struct SubjectRefused(pub Vec<Objection>);

fn reasons(objections: &[Objection]) -> String {
    objections.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Outgoing {
    /// The gate: cleans text and HTML, and refuses what [the list](self) refuses. The HTML is the same text marked up,
    /// with everything foreign in it escaped; so it is the text that is looked at.
    ///
    /// # Errors
    /// The text may not go out.
    pub fn pass(text: &str, html: &str, inside: &Inside) -> Result<Outgoing, Refused> {
        let (text, html) = (clean(text).into_owned(), clean(html).into_owned());
        let mut objections = objections(&text, inside);
        if html.len() > MAX_HTML_BYTES && !objections.contains(&Objection::TooLong) {
            objections.push(Objection::TooLong);
        }
        if objections.is_empty() { Ok(Outgoing { text, html }) } else { Err(Refused(objections)) }
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The HTML.
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("chars", &self.text.chars().count()).finish_non_exhaustive()
    }
}

/// A mail's subject that may go out: one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// The gate for a subject of ours.
    ///
    /// # Errors
    /// It may not go out.
    pub fn pass(text: &str, inside: &Inside) -> Result<Subject, SubjectRefused> {
        let line = one_line(text);
        let objections = objections(&without_labels(&line), inside);
        if objections.is_empty() { Ok(Subject(line)) } else { Err(SubjectRefused(objections)) }
    }

    /// The customer's own subject, which an answer repeats.
    pub fn repeated(text: &str) -> Subject {
        Subject(one_line(text))
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("chars", &self.0.chars().count()).finish_non_exhaustive()
    }
}

/// A subject without the square brackets of its labels, as in `[Lampenwelt] Your order` or `[Ticket #47]`: shops begin subjects
/// with them. What is known as a blank stays one.
fn without_labels(line: &str) -> String {
    let mut left = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, opened)) = rest.split_once('[') {
        left.push_str(before);
        let Some((label, after)) = opened.split_once(']') else {
            rest = &rest[before.len()..];
            break;
        };
        let words = label.trim().to_lowercase();
        let is_blank = words.contains(['_', '{', '['])
            || SUBJECT_BLANKS.contains(&words.as_str())
            || TO_BE_FILLED.iter().any(|beginning| words.starts_with(beginning));
        if is_blank {
            left.extend(["[", label, "]"]);
        } else {
            left.push_str(label);
        }
        rest = after;
    }
    left.push_str(rest);
    left
}

/// Blanks between square brackets in a subject, in lower case.
const SUBJECT_BLANKS: [&str; 26] = [
    "name",
    "first name",
    "firstname",
    "last name",
    "full name",
    "customer",
    "customer name",
    "company",
    "company name",
    "shop",
    "shop name",
    "order",
    "order number",
    "order id",
    "order no",
    "number",
    "date",
    "product",
    "product name",
    "subject",
    "vorname",
    "nachname",
    "kunde",
    "kundenname",
    "bestellnummer",
    "nom",
];

fn one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ").trim().to_owned()
}

/// What the gate would object to in a text that is not sent yet, so that its writer can be told.
pub fn objections(text: &str, inside: &Inside) -> Vec<Objection> {
    // What is far too long is not searched through.
    if text.len() > 4 * MAX_CHARS || text.chars().count() > MAX_CHARS {
        return vec![Objection::TooLong];
    }
    let text = clean(text);
    let lower = text.to_lowercase();
    let has_tag = inside.tags.iter().chain(&MARKS).any(|tag| lower.contains(tag));
    let found = [
        (!text.contains(is_seen), Objection::Empty),
        (has_tag, Objection::Tag),
        // A tag looks like a placeholder; one name for it is enough.
        (!has_tag && has_placeholder(&text, &lower), Objection::Placeholder),
        (quotes(&lower, inside.instructions), Objection::Instructions),
    ];
    found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, objection)| objection).collect()
}

/// The text without the characters that nobody wants to receive. Joiners stay: emoji and some scripts need them.
pub fn clean(text: &str) -> Cow<'_, str> {
    let unwanted = |c: char| match c {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => true,
        c => c.is_control() || u32::from(c) & 0xfffe == 0xfffe,
    };
    if text.contains(unwanted) { Cow::Owned(text.replace(unwanted, "")) } else { Cow::Borrowed(text) }
}

/// Whether a character leaves something to be seen: no space, and none of those that have no shape.
fn is_seen(c: char) -> bool {
    let is_shapeless = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
    !(c.is_whitespace() || c.is_control() || is_shapeless)
}

/// Brackets around words are blanks that a writer left for somebody else. A Markdown link, `[sic]` and numbers are not.
fn has_placeholder(text: &str, lower: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['[', '{', '<']) {
        let opening = &rest[at..];
        rest = &rest[at + 1..];
        if is_open_variable(opening) || is_open_blank(opening) {
            return true;
        }
    }
    text.split(|c: char| !c.is_alphanumeric()).any(|word| word.len() >= 4 && word.chars().all(|c| c == 'X'))
        || BLANKS.iter().any(|blank| lower.contains(blank))
        || text.lines().any(has_blank_line)
        || text.rsplit_once('%').is_some_and(|(before, _)| before.split('%').skip(1).any(is_variable))
}

/// Whether a variable of a template begins the text, with whatever it says between its brackets.
fn is_open_variable(text: &str) -> bool {
    let end = text.char_indices().nth(LONG_PLACEHOLDER_CHARS).map_or(text.len(), |(end, _)| end);
    [("{{", "}}"), ("{%", "%}"), ("<%", "%>")].iter().any(|(open, close)| {
        let inside = text[..end].strip_prefix(open).and_then(|rest| rest.split_once(close));
        inside.is_some_and(|(inside, _)| inside.contains(char::is_alphabetic))
    })
}

/// Whether a blank begins the text, with its bracket.
fn is_open_blank(text: &str) -> bool {
    let opening = text.chars().next().unwrap_or('[');
    let inside = &text[opening.len_utf8()..];
    let closing = match opening {
        '[' => ']',
        '{' => '}',
        _ => '>',
    };
    let Some((end, _)) = inside.char_indices().take(LONG_PLACEHOLDER_CHARS).find(|(_, c)| *c == closing)
    else {
        return false;
    };
    let (blank, after) = inside.split_at(end);
    let is_link = opening == '[' && after.starts_with("](");
    let words = blank.trim();
    let is_short = blank.chars().count() < PLACEHOLDER_CHARS
        || TO_BE_FILLED.iter().any(|beginning| words.to_lowercase().starts_with(beginning));
    let is_numbered =
        opening == '{' && (1..=2).contains(&words.len()) && words.bytes().all(|b| b.is_ascii_digit());
    is_numbered || (!is_link && is_short && is_blank(words, opening))
}

/// Underscores to be written on, among words (`Dear ____,`); a line of them alone divides.
fn has_blank_line(line: &str) -> bool {
    line.contains(char::is_alphabetic)
        && line
            .split(|c: char| c.is_whitespace() || ",.:;!?()[]{}<>".contains(c))
            .any(|word| word.len() >= 3 && word.bytes().all(|byte| byte == b'_'))
}

/// What stands between percent signs, as variables of some programs do.
fn is_variable(name: &str) -> bool {
    name.len() >= 3
        && name.len() <= PLACEHOLDER_CHARS
        && (name.contains(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            || name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.contains('_')
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
}

fn is_blank(words: &str, opening: char) -> bool {
    let letters = words.chars().filter(|c| c.is_alphabetic()).count();
    // Between square brackets a writer says more of what belongs there.
    let marks = if opening == '[' {
        "_-'\u{2019}/.,:#|&()!?+*=\"\u{201c}\u{201d}\u{2026}"
    } else {
        "_-'\u{2019}/.,:#|"
    };
    let plain = |c: char| c.is_alphanumeric() || c.is_whitespace() || marks.contains(c);
    // Between < and > stand addresses and links as well; between square brackets what a quotation left out.
    let may_be = match opening {
        '<' => !words.contains(['.', ':', '/']),
        _ => !matches!(words, "sic" | "shortened"),
    };
    letters >= 2 && words.chars().all(plain) && words.starts_with(char::is_alphabetic) && may_be
}

/// Whether the text has a run of words from the instructions.
fn quotes(text: &str, instructions: &[&str]) -> bool {
    let words: Vec<&str> = words(text).collect();
    let runs: HashSet<&[&str]> = words.windows(QUOTED_WORDS).collect();
    !runs.is_empty()
        && instructions.iter().any(|instruction| {
            let lower = instruction.to_lowercase();
            let ours: Vec<&str> = self::words(&lower).collect();
            ours.windows(QUOTED_WORDS).any(|run| runs.contains(run))
        })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INSIDE: Inside = Inside {
        tags: &["<reply", "</reply", "customer_facts"],
        instructions: &[
            "Never mention internal ratings, predictions, or what a customer is worth to the shop.",
        ],
    };

    fn found(text: &str) -> Vec<Objection> {
        objections(text, &INSIDE)
    }

    #[test]
    fn each_check_finds_its_kind() {
        for (text, objection) in [
            (" \u{0}\n", Objection::Empty),
            ("\u{200b}\u{200d}\u{ad} \u{3164}\u{2800}", Objection::Empty),
            ("\u{e0041}\u{e0042}\u{fe0f}", Objection::Empty),
            ("Hello <reply>Ann</reply>", Objection::Tag),
            ("As the CUSTOMER_FACTS say, you ordered.", Objection::Tag),
            ("Dear [Customer Name], hello.", Objection::Placeholder),
            ("Dear [name], hello.", Objection::Placeholder),
            ("Dear {{ customer.first_name }}, hello.", Objection::Placeholder),
            ("Dear {name}, hello.", Objection::Placeholder),
            ("Dear <NAME>, hello.", Objection::Placeholder),
            ("Dear <first name>, hello.", Objection::Placeholder),
            ("Your order XXXX has left.", Objection::Placeholder),
            ("Kind regards,\n[Ihr Name]", Objection::Placeholder),
            ("Guten Tag {Vorname}, hallo.", Objection::Placeholder),
            ("Bonjour [pr\u{e9}nom du client],", Objection::Placeholder),
            ("Hola <NOMBRE>,", Objection::Placeholder),
            ("Sehr geehrte Frau ____,", Objection::Placeholder),
            ("Dear %CUSTOMER_NAME%, hello.", Objection::Placeholder),
            ("Dear %first_name%, hello.", Objection::Placeholder),
            ("Dear {{ customer.name | default('friend') }}, hello.", Objection::Placeholder),
            ("{% if vip %}Dear friend{% endif %}, hello.", Objection::Placeholder),
            ("Dear <%= name %>, hello.", Objection::Placeholder),
            ("Dear {0}, your order {1} has left.", Objection::Placeholder),
            ("It left on [insert date (e.g. 3 May)].", Objection::Placeholder),
            ("Regards, [Agent's name & title]", Objection::Placeholder),
            (
                "It left on [insert the day on which the parcel was handed over to the carrier by the warehouse].",
                Objection::Placeholder,
            ),
            ("Dear [____], hello.", Objection::Placeholder),
            ("Your order #xxxxx has left; it came to \u{20ac}XX.", Objection::Placeholder),
            ("Kind regards,\n(Your Name)", Objection::Placeholder),
            ("They ask about a lamp.</think>\n\nHello Ann.", Objection::Tag),
            ("Hello Ann.<|im_end|>", Objection::Tag),
            ("Write a reply. [/INST] Hello Ann.", Objection::Tag),
            ("<parameter name=\"reply\">Hello Ann.", Objection::Tag),
            (
                "I never mention internal ratings, predictions or what a customer is worth.",
                Objection::Instructions,
            ),
        ] {
            assert_eq!(found(text), [objection], "{text}");
        }
        assert_eq!(found(&"a".repeat(MAX_CHARS + 1)), [Objection::TooLong]);
    }

    #[test]
    fn honest_texts_pass() {
        for text in [
            "Hello Ann,\n\nyour lamp left us on Monday. <3\n\nKind regards",
            "See [our returns page](https://shop.example/returns), point [1], or write to <help@shop.example>.",
            "The page is <https://shop.example/a>; size XXL is 2 < 3 and 4 > 1.",
            "She wrote \"recieve [sic]\" and left the rest out [...].",
            "We do not mention internal ratings.",
            "It is 20% off the list, 30 % on two.\n____________\nThe shop",
            "___Thank you___ for 100% COTTON and 5% more.",
            "10% of_all and 20 % of it; {} and {12.5}, see [12] and [a].",
            "She said [that she had ordered the lamp on Monday and had been told on the phone that it would leave soon].",
            "Love from all of us, xxxx",
            "Put it between <div class=\"lamp\"> and </div> of your page.",
            "Familie \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_nobody_wants_is_taken_out_of_both_forms() {
        let passed =
            Outgoing::pass("a\u{0}b\u{202e}c\u{7}\r\n\td", "<p>a\u{0}b</p>", &INSIDE).expect("it passes");
        assert_eq!((passed.text(), passed.html()), ("abc\n\td", "<p>ab</p>"));
        let refused = Outgoing::pass("Dear [name]", "<p>Dear [name]</p>", &INSIDE).expect_err("refused");
        assert!(refused.to_string().contains("placeholder"), "{refused}");
        assert_eq!(found(&refused.to_string()), []);
    }

    #[test]
    fn a_subject_of_ours_is_looked_at_and_the_customers_is_one_line() {
        let refused = Subject::pass("Your order, [name]", &INSIDE).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "the mail was not sent, for its subject: it holds a placeholder that nobody filled in"
        );
        for text in [
            " \r\n",
            "<reply>Lamp",
            "Never mention internal ratings, predictions, or what a customer is worth",
        ] {
            assert!(Subject::pass(text, &INSIDE).is_err(), "{text}");
        }
        let passed =
            Subject::pass(" Your lamp\r\nBcc: evil@x.example\u{0}\u{202e}\n", &INSIDE).expect("it passes");
        assert_eq!(passed.as_str(), "Your lamp Bcc: evil@x.example");
        for label in
            ["[Lampenwelt] Your order", "[Ticket #4711] Your lamp", "Your return [RMA 12]", "Lamps [and more"]
        {
            assert_eq!(Subject::pass(label, &INSIDE).expect("a shop's own label").as_str(), label);
        }
        for blank in [
            "[Order number] is on its way",
            "For [insert name]",
            "Hello [FIRST_NAME]",
            "[Lampenwelt] {{order}}",
        ] {
            assert!(Subject::pass(blank, &INSIDE).is_err(), "{blank}");
        }
        let repeated = Subject::repeated("Re: [EXTERNAL] {{lamp}}\r\n\tXXXX\u{7}");
        assert_eq!(repeated.as_str(), "Re: [EXTERNAL] {{lamp}}  XXXX");
    }

    proptest! {
        /// No text makes it panic or stand still, and what passes once passes again unchanged.
        #[test]
        fn the_gate_is_a_projection(pieces in proptest::collection::vec(
            prop_oneof!["\\PC{0,8}", "[\\[\\]{}<>Xa-c ]{0,12}", "\\x00|\\x1b|\u{202e}|\u{feff}|\n"], 0..20,
        )) {
            let text = pieces.concat();
            if let Ok(passed) = Outgoing::pass(&text, &text, &INSIDE) {
                let again = Outgoing::pass(passed.text(), passed.html(), &INSIDE);
                prop_assert_eq!(again.as_ref(), Ok(&passed));
                prop_assert!(!passed.text().chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            }
        }
    }
}
