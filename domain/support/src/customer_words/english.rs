//! English.

use super::{Archive, Flaws, Form, Help, Own, Rating, Statuses, Words};

/// English.
pub static ENGLISH: Words = Words {
    code: "en",
    thanks: "Thank you",
    send: "Send",
    your_answer: "Your answer",
    ask_us: "Ask us",
    link_expired: "This link has expired",
    too_long: "That is too long.",
    try_again: "That did not work just now. Please try again in a moment.",
    at_most: |number| format!("Please use at most {number} characters."),
    thousands: ",",
    time: "%-d %B %Y, %H:%M %Z",
    your_message: "Your message",
    rating: Rating {
        title: "Your rating",
        question: "How was our help?",
        scores: ["Very good", "Good", "Fair", "Poor", "Very poor"],
        comment: "Anything to add? (optional)",
        choose: "Please choose one of the five.",
        given: "Your answer is with us. You may close this page.",
        invalid: "This link is not valid",
        invalid_next: "Please use the link in our mail as it is.",
        expired: "Thank you for wanting to answer.",
    },
    help: Help {
        search: "Search",
        found: |number| format!("{number} found"),
        not_this: "Not what you were looking for? Ask us",
        not_found: "Not found",
        no_page: "There is no such page",
    },
    form: Form {
        ask: "Ask",
        name: "Your name",
        email: "Your e-mail address",
        subject: "Subject",
        leave_empty: "Leave this empty",
        question: "Your question",
        too_fast: "That was fast. Please look at it again and send it.",
        too_late: "The form was open for too long. Please send it again.",
        suggested: "Does one of these help?",
        send_all_the_same: "No, send my question",
        too_many: "Too many questions came from your network. Please wait a minute and send it again.",
        received: "We have your question and will answer by mail.",
        email_missing: "Please write your e-mail address, so that we can answer.",
        email_not_one: "Please look at your e-mail address again: we need exactly one, such as name@example.com.",
        flawed: |flaw| {
            format!("Please look at your e-mail address again: {flaw}, so no answer would reach you.")
        },
        flaws: Flaws {
            dots_before: "it has two dots in a row before the @",
            dot_at_edge: "it has a dot at the beginning or right before the @",
            colon_before: "it has a colon before the @",
            dots_behind: "it has two dots in a row behind the @",
            no_server: "it has behind the @ what is no name of a server",
        },
        question_missing: "Please write your question.",
        name_or_subject_long: "Please use at most 200 characters for your name and 500 for the subject.",
        does_not_fit: "We could not take this as it is. Please look at it again and send it.",
    },
    own: Own {
        questions: "Your questions",
        numbered: |number| format!("Question {number}"),
        you: "You",
        somebody_else: "Somebody else",
        not_shown: "wrote to us about this by mail. We do not show here what others write.",
        statuses: Statuses {
            open: "open",
            pending: "waiting for your answer",
            resolved: "resolved",
            closed: "closed",
        },
        expired: "Please write to us for a new one.",
        too_many: "Too much came from your network. Please wait a minute.",
        empty: "Please write something.",
    },
    archive: Archive {
        title: "What is known of you",
        as_of: |time| format!("As of {time}."),
        contents: |[data, files, mails]| {
            format!(
                "Everything is in {data} for programs to read, files are in {files}, mails as they came in {mails}."
            )
        },
        names: "Names",
        addresses: "Addresses",
        numbers: "Numbers",
        customer_ids: "Customer ids",
        conversations: "Conversations",
        note: "note of the shop",
        shop: "the shop",
        you: "you",
    },
};
