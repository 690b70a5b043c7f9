//! Every language: nothing is empty, nothing is markup, nothing is another language's.

use chrono::Utc;
use chrono_tz::Tz;

use super::*;

const FLAWS: [Flaw; 5] =
    [Flaw::DotsBefore, Flaw::DotAtEdge, Flaw::ColonBefore, Flaw::DotsBehind, Flaw::NoServer];

/// Each text of a language, its slots filled. A field that is added has to be added here.
fn texts(words: &Words) -> Vec<String> {
    let Words {
        code: _,
        thanks,
        send,
        your_answer,
        ask_us,
        link_expired,
        too_long,
        try_again,
        at_most: _,
        thousands: _,
        time: _,
        your_message,
        rating,
        help,
        form,
        own,
        archive,
    } = words;
    let Rating { title, question, scores, comment, choose, given, invalid, invalid_next, expired } = rating;
    let mut texts = vec![
        *thanks,
        *send,
        *your_answer,
        *ask_us,
        *link_expired,
        *too_long,
        *try_again,
        *your_message,
        *title,
    ];
    texts.extend([*question, *comment, *choose, *given, *invalid, *invalid_next, *expired]);
    texts.extend(scores);
    let Help { search, found, not_this, not_found, no_page } = help;
    texts.extend([*search, *not_this, *not_found, *no_page]);
    let Form {
        ask,
        name,
        email,
        subject,
        leave_empty,
        question,
        too_fast,
        too_late,
        suggested,
        send_all_the_same,
        too_many,
        received,
        email_missing,
        email_not_one,
        flawed: _,
        flaws: _,
        question_missing,
        name_or_subject_long,
        does_not_fit,
    } = form;
    texts.extend([*ask, *name, *email, *subject, *leave_empty, *question, *too_fast, *too_late, *suggested]);
    texts.extend([
        *send_all_the_same,
        *too_many,
        *received,
        *email_missing,
        *email_not_one,
        *question_missing,
    ]);
    texts.extend([*name_or_subject_long, *does_not_fit]);
    let Own { questions, numbered, you, somebody_else, not_shown, statuses: _, expired, too_many, empty } =
        own;
    texts.extend([*questions, *you, *somebody_else, *not_shown, *expired, *too_many, *empty]);
    texts.extend(Status::ALL.map(|status| own.status(status)));
    let Archive {
        title,
        as_of,
        contents,
        names,
        addresses,
        numbers,
        customer_ids,
        conversations,
        note,
        shop,
        you,
    } = archive;
    texts.extend([*title, *names, *addresses, *numbers, *customer_ids, *conversations, *note, *shop, *you]);
    let mut texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
    texts.extend([found(7), numbered(7), words.at_most(2_000), words.at_most(20_000)]);
    texts.extend([as_of("2026"), contents(["data/", "files/", "mails/"])]);
    texts.extend(FLAWS.map(|flaw| form.flawed(flaw)));
    texts
}

#[test]
fn every_text_is_there_and_none_is_markup() {
    for words in ALL {
        for text in texts(words) {
            assert!(!text.trim().is_empty() && text == text.trim(), "{}: {text:?}", words.code);
            assert!(!text.contains(['<', '>', '&', '"']), "{}: {text:?}", words.code);
            assert!(!text.chars().any(char::is_control), "{}: {text:?}", words.code);
        }
    }
}

#[test]
fn sentences_are_each_language_s_own() {
    // Words and names of two languages may be the same; whole sentences are not.
    let mut seen = std::collections::HashMap::new();
    for words in ALL {
        for text in texts(words).into_iter().filter(|text| text.chars().count() > 30) {
            let before = seen.insert(text.clone(), words.code);
            assert!(
                before.is_none_or(|before| before == words.code),
                "{before:?} and {}: {text}",
                words.code
            );
        }
    }
}

#[test]
fn what_is_put_in_stands_in_the_text() {
    for words in ALL {
        assert!(
            (words.help.found)(7).contains('7') && (words.own.numbered)(7).contains('7'),
            "{}",
            words.code
        );
        assert!(words.at_most(2_000).contains("2000"), "{}", words.at_most(2_000));
        assert!((words.archive.as_of)("2026").contains("2026"), "{}", words.code);
        let contents = (words.archive.contents)(["data/", "files/", "mails/"]);
        assert!(["data/", "files/", "mails/"].iter().all(|place| contents.contains(place)), "{contents}");
        let flaws: std::collections::HashSet<String> = FLAWS.map(|flaw| words.form.flawed(flaw)).into();
        assert_eq!(flaws.len(), FLAWS.len(), "{}", words.code);
    }
}

#[test]
fn numbers_and_times_are_written_as_the_language_writes_them() {
    let at: DateTime<Utc> = "2026-03-01T14:05:00Z".parse().expect("a time");
    assert_eq!(
        of("de").expect("German").time(at.with_timezone(&Tz::Europe__Berlin)),
        "01.03.2026, 15:05 CET"
    );
    for (code, number, time) in [
        ("en", "20,000", "1 March 2026, 14:05 UTC"),
        ("de", "20.000", "01.03.2026, 14:05 UTC"),
        ("fr", "20\u{202f}000", "01/03/2026 14:05 UTC"),
        ("es", "20\u{a0}000", "01/03/2026, 14:05 UTC"),
        ("it", "20.000", "01/03/2026, 14:05 UTC"),
        ("nl", "20.000", "01-03-2026 14:05 UTC"),
        ("pt", "20\u{a0}000", "01/03/2026, 14:05 UTC"),
        ("pl", "20\u{a0}000", "01.03.2026, 14:05 UTC"),
        ("sv", "20\u{a0}000", "2026-03-01 14:05 UTC"),
        ("da", "20.000", "01.03.2026 14.05 UTC"),
        ("nb", "20\u{a0}000", "01.03.2026 14:05 UTC"),
    ] {
        let words = of(code).expect("a language");
        assert!(words.at_most(20_000).contains(number), "{}", words.at_most(20_000));
        assert_eq!(words.time(at), time);
    }
}

#[test]
fn a_code_names_a_language_or_none() {
    for (code, expected) in [("de", "de"), ("DE-at", "de"), ("pt_BR", "pt"), ("no", "nb"), ("nn-NO", "nb")] {
        assert_eq!(of(code).map(|words| words.code), Some(expected), "{code}");
    }
    for none in ["", "-", "fi", "deu", "*", "d\u{e9}", "de ", "\0"] {
        assert!(of(none).is_none(), "{none:?}");
    }
}
