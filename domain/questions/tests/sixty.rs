//! Questions in plain English with what they ask for, and how many of them are understood without a model. None may be
//! taken for another. Prints what `make questions` shows.
//!
//! `sixty.txt` is written as on paper and as people type; `typed.txt` as people type who do not know the tools;
//! `fresh.txt`, `second.txt`, `third.txt`, `fourth.txt` and `fifth.txt` were written after the grammar, without a look at its words;
//! `asked.txt` has questions one after the other, and what sounds like a question that a tool answers and is another one;
//! `near_misses.txt` is close to what tools answer and must be answered by none; `wordings.txt` has the commonest questions
//! of each tool in several wordings.

use chrono::NaiveDate;
use questions::grammar::{Understood, understand};
use questions::tools::{Call, call};
use serde_json::Value;

/// What came of a list of questions.
#[derive(Debug, Default)]
struct Outcome {
    asked: usize,
    /// Questions that a tool can answer, and how many of them were understood.
    answerable: usize,
    understood: usize,
    /// Questions that none can, and how many of them were asked back or declined.
    unanswerable: usize,
    declined: usize,
    wrong: Vec<String>,
    missed: Vec<String>,
}

impl Outcome {
    fn tell(&self, name: &str) {
        let right = self.understood + self.declined;
        println!("figure: {name}_asked {} questions", self.asked);
        println!("figure: {name}_right {:.1} %", percent(right, self.asked));
        println!("figure: {name}_understood {:.1} %", percent(self.understood, self.answerable));
        println!("figure: {name}_asked_back {} questions", self.missed.len());
        println!("figure: {name}_wrong {} questions", self.wrong.len());
        for missed in &self.missed {
            eprintln!("not understood: {missed}");
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn today() -> NaiveDate {
    "2026-06-15".parse().expect("a day")
}

/// Asks every question of a list. A line that begins with > goes on from the one before.
fn ask(list: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut last: Option<Call> = None;
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        outcome.asked += 1;
        let parts: Vec<&str> = line.split(" | ").collect();
        let (question, goes_on) = match parts[0].strip_prefix("> ") {
            Some(question) => (question, true),
            None => (parts[0], false),
        };
        let before = if goes_on { last.clone() } else { None };
        let expected = match parts[..] {
            [_] | [_, "ask"] => None,
            [_, tool, variant, arguments] => Some((tool, variant, arguments.parse::<Value>().expect(line))),
            _ => panic!("{line}"),
        };
        let understood = understand(question, before.as_ref(), today()).understood;
        match expected {
            None => outcome.unanswerable += 1,
            Some(_) => outcome.answerable += 1,
        }
        match (understood, expected) {
            (Understood::Call(call), Some((tool, variant, arguments))) => {
                if fits(&call, tool, variant, &arguments) {
                    outcome.understood += 1;
                } else {
                    outcome.wrong.push(format!("{question}: {} {}", call.tool(), call.arguments()));
                }
                last = Some(*call);
            }
            (Understood::Call(call), None) => {
                outcome.wrong.push(format!("{question}: {} {}", call.tool(), call.arguments()));
            }
            (_, None) => outcome.declined += 1,
            (other, Some(_)) => {
                outcome.missed.push(format!("{question}: {other:?}"));
                // What goes on from a question that was not understood goes on from nothing.
                last = None;
            }
        }
    }
    outcome
}

fn fits(call: &Call, tool: &str, variant: &str, arguments: &Value) -> bool {
    let given = call.arguments();
    let others = given.as_object().expect("an object").len() - 1;
    let wanted = arguments.as_object().expect("an object");
    call.tool() == tool
        && call.variant() == variant
        && others == wanted.len()
        && wanted.iter().all(|(name, value)| given[name] == *value)
}

#[test]
fn most_are_understood_and_none_is_misunderstood() {
    let outcome = ask(include_str!("sixty.txt"));
    outcome.tell("questions");
    assert_eq!(outcome.asked, 60);
    assert_eq!(outcome.wrong, Vec::<String>::new());
    let right = outcome.understood + outcome.declined;
    assert!(right * 10 >= outcome.asked * 7, "{right} of {}", outcome.asked);
}

#[test]
fn most_are_understood_of_what_people_type() {
    let outcome = ask(include_str!("typed.txt"));
    outcome.tell("typed");
    assert!(outcome.asked >= 80, "{}", outcome.asked);
    assert_eq!(outcome.wrong, Vec::<String>::new());
    assert!(
        outcome.understood * 100 >= outcome.answerable * 80,
        "{} of {}: {:#?}",
        outcome.understood,
        outcome.answerable,
        outcome.missed
    );
}

#[test]
fn most_are_understood_of_what_was_asked_afterwards() {
    for (name, list) in [
        ("fresh", include_str!("fresh.txt")),
        ("second", include_str!("second.txt")),
        ("third", include_str!("third.txt")),
        ("fourth", include_str!("fourth.txt")),
        ("fifth", include_str!("fifth.txt")),
    ] {
        let outcome = ask(list);
        outcome.tell(name);
        assert_eq!(outcome.wrong, Vec::<String>::new());
        assert!(outcome.understood * 100 >= outcome.answerable * 80, "{name}: {:#?}", outcome.missed);
    }
}

#[test]
fn most_are_understood_that_go_on_and_none_is_taken_for_another() {
    let outcome = ask(include_str!("asked.txt"));
    outcome.tell("asked");
    assert!(outcome.asked >= 60 && outcome.unanswerable >= 25, "{outcome:?}");
    assert_eq!((&outcome.wrong, &outcome.missed), (&Vec::new(), &Vec::new()));
}

#[test]
fn most_are_understood_but_near_misses_are_not() {
    let outcome = ask(include_str!("near_misses.txt"));
    println!("figure: near_misses_asked {} questions", outcome.asked);
    println!("figure: near_misses_wrong {} questions", outcome.wrong.len());
    assert!(outcome.asked >= 40 && outcome.answerable == 0, "{outcome:?}");
    assert_eq!(outcome.wrong, Vec::<String>::new());
}

#[test]
fn most_are_understood_in_each_wording() {
    let list = include_str!("wordings.txt");
    let outcome = ask(list);
    outcome.tell("wordings");
    assert_eq!((&outcome.wrong, &outcome.missed), (&Vec::new(), &Vec::new()));
    // Ten questions of each tool in five wordings at least: a paragraph is a question.
    for tool in call::NAMES {
        let questions: Vec<usize> = list
            .split("\n\n")
            .map(|paragraph| paragraph.lines().filter(|line| line.split(" | ").nth(1) == Some(tool)).count())
            .filter(|wordings| *wordings > 0)
            .collect();
        assert!(questions.len() >= 10, "{tool}: {} questions", questions.len());
        assert!(questions.iter().all(|wordings| *wordings >= 5), "{tool}: {questions:?}");
    }
}
