//! Sixty questions in plain English with what they ask for: at least seven of ten are understood without a model, and none
//! is taken for another. Prints what `make questions` shows.

use questions::grammar::{Understood, understand};
use questions::tools::Call;
use serde_json::Value;

const QUESTIONS: &str = include_str!("sixty.txt");

#[test]
fn most_are_understood_and_none_is_misunderstood() {
    let (mut asked, mut right, mut asked_back, mut wrong) = (0, 0, 0, Vec::new());
    let mut last: Option<Call> = None;
    for line in QUESTIONS.lines().filter(|line| !line.starts_with('#')) {
        asked += 1;
        let parts: Vec<&str> = line.split(" | ").collect();
        let (question, goes_on) = match parts[0].strip_prefix("> ") {
            Some(question) => (question, true),
            None => (parts[0], false),
        };
        // What goes on from a question that was not understood goes on from what that asked for.
        let before = if goes_on { last.clone() } else { None };
        let expected = match parts[..] {
            [_, "ask"] => None,
            [_, tool, variant, arguments] => Some((tool, variant, arguments.parse::<Value>().expect(line))),
            _ => panic!("{line}"),
        };
        let understood = understand(question, before.as_ref());
        match (&understood, &expected) {
            (Understood::Call(call), Some((tool, variant, arguments))) => {
                let given = call.arguments();
                let others = given.as_object().expect("an object").len() - 1;
                let wanted = arguments.as_object().expect("an object");
                let fits = call.tool() == *tool
                    && call.variant() == *variant
                    && others == wanted.len()
                    && wanted.iter().all(|(name, value)| given[name] == *value);
                if fits {
                    right += 1;
                } else {
                    wrong.push(format!("{question}: {} {given}", call.tool()));
                }
                last = Some((**call).clone());
            }
            (Understood::Call(call), None) => wrong.push(format!("{question}: {call:?}")),
            (_, None) => right += 1,
            (other, Some(_)) => {
                eprintln!("not understood: {question}: {other:?}");
                asked_back += 1;
                last = None;
            }
        }
    }
    println!("figure: questions_asked {asked} questions");
    println!("figure: questions_right {:.1} %", 100.0 * f64::from(right) / f64::from(asked));
    println!("figure: questions_asked_back {asked_back} questions");
    println!("figure: questions_wrong {} questions", wrong.len());
    assert_eq!(asked, 60);
    assert_eq!(wrong, Vec::<String>::new());
    assert!(right * 10 >= asked * 7, "{right} of {asked}");
}
