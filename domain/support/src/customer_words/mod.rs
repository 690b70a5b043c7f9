//! What customers read of ours besides what a shop or an agent wrote: the words of the public pages and of the archive of what
//! is known of them, and the subject of a mail that has none. One file a language, those that the built-in drafter writes;
//! each is a whole [`Words`], so a phrase that was forgotten does not compile.
//!
//! The sentences are polite as shops of the country are and say nothing that tells the customer's gender. They stand in pages
//! as they are, so none has a character that means something in HTML; a test holds that.

mod danish;
mod dutch;
mod english;
mod french;
mod german;
mod italian;
mod norwegian;
mod polish;
mod portuguese;
mod spanish;
mod swedish;

use std::fmt::Display;

use chrono::{DateTime, TimeZone};
use database::address::Flaw;

use crate::tickets::state::Status;

pub use english::ENGLISH;

/// All of them.
pub static ALL: [&Words; 11] = [
    &ENGLISH,
    &german::GERMAN,
    &french::FRENCH,
    &spanish::SPANISH,
    &italian::ITALIAN,
    &dutch::DUTCH,
    &portuguese::PORTUGUESE,
    &polish::POLISH,
    &swedish::SWEDISH,
    &danish::DANISH,
    &norwegian::NORWEGIAN,
];

/// The words of one language.
pub struct Words {
    /// As ISO 639-1 names it.
    pub code: &'static str,
    /// Thanks for an answer or a question.
    pub thanks: &'static str,
    /// The button that sends.
    pub send: &'static str,
    /// Above what the customer answers.
    pub your_answer: &'static str,
    /// The link to the form, and its title.
    pub ask_us: &'static str,
    /// A link's time is over.
    pub link_expired: &'static str,
    /// What was sent is more than any form of ours.
    pub too_long: &'static str,
    /// Nothing came of it, for no fault of theirs.
    pub try_again: &'static str,
    /// How many characters a text may have, by that number as `Words::at_most` writes it.
    at_most: fn(&str) -> String,
    /// What stands between the thousands of a number.
    thousands: &'static str,
    /// A time as `chrono` writes it, with the short name of its zone.
    time: &'static str,
    /// The subject of a mail that has none.
    pub your_message: &'static str,
    /// The page behind a rating link.
    pub rating: Rating,
    /// The help page's articles and search.
    pub help: Help,
    /// The form by which one asks.
    pub form: Form,
    /// The page behind a customer's link.
    pub own: Own,
    /// The page of an archive of what is known of a person.
    pub archive: Archive,
}

/// The page behind a rating link.
pub struct Rating {
    /// The title.
    pub title: &'static str,
    /// What is asked.
    pub question: &'static str,
    /// The five answers, the best first.
    pub scores: [&'static str; 5],
    /// Above the field for words.
    pub comment: &'static str,
    /// No answer was chosen.
    pub choose: &'static str,
    /// The answer came.
    pub given: &'static str,
    /// The link is none of ours.
    pub invalid: &'static str,
    /// What to do about that.
    pub invalid_next: &'static str,
    /// To who comes when the time is over.
    pub expired: &'static str,
}

/// The help page's articles and search.
pub struct Help {
    /// Above the field of the search.
    pub search: &'static str,
    /// How many articles were found.
    pub found: fn(usize) -> String,
    /// The link to the form, below an article.
    pub not_this: &'static str,
    /// The title of an address that has no page.
    pub not_found: &'static str,
    /// The same as a sentence.
    pub no_page: &'static str,
}

/// The form by which one asks.
pub struct Form {
    /// The button that asks.
    pub ask: &'static str,
    /// The customer's name.
    pub name: &'static str,
    /// The customer's address.
    pub email: &'static str,
    /// The subject.
    pub subject: &'static str,
    /// What nobody who sees it fills in.
    pub leave_empty: &'static str,
    /// The question.
    pub question: &'static str,
    /// It came back faster than anybody writes.
    pub too_fast: &'static str,
    /// It was open for hours.
    pub too_late: &'static str,
    /// Above the articles that may answer the question.
    pub suggested: &'static str,
    /// The button that sends it all the same.
    pub send_all_the_same: &'static str,
    /// Too many came from one network.
    pub too_many: &'static str,
    /// The question came.
    pub received: &'static str,
    /// There is no address.
    pub email_missing: &'static str,
    /// What stands for one is none, or is several.
    pub email_not_one: &'static str,
    /// No mail server takes the address, by what is wrong with it.
    flawed: fn(&str) -> String,
    /// What can be wrong with it.
    flaws: Flaws,
    /// There is no question.
    pub question_missing: &'static str,
    /// Name or subject are too long.
    pub name_or_subject_long: &'static str,
    /// Something else is wrong with it.
    pub does_not_fit: &'static str,
}

/// What can be wrong with an address, as a part of a sentence.
struct Flaws {
    dots_before: &'static str,
    dot_at_edge: &'static str,
    colon_before: &'static str,
    dots_behind: &'static str,
    no_server: &'static str,
}

/// The page behind a customer's link.
pub struct Own {
    /// The customer's tickets.
    pub questions: &'static str,
    /// A ticket without a subject, by its number.
    pub numbered: fn(i64) -> String,
    /// Who wrote what the customer wrote.
    pub you: &'static str,
    /// Who wrote what somebody else did.
    pub somebody_else: &'static str,
    /// What stands for that.
    pub not_shown: &'static str,
    /// Where a ticket stands.
    statuses: Statuses,
    /// What to do when the link's time is over.
    pub expired: &'static str,
    /// Too much came from one network.
    pub too_many: &'static str,
    /// The answer is empty.
    pub empty: &'static str,
}

/// The page of an archive of what is known of a person.
pub struct Archive {
    /// The title.
    pub title: &'static str,
    /// What it is, by the time it was made as `Words::time` writes it.
    pub as_of: fn(&str) -> String,
    /// Where everything is for programs, where files are, and where mails as they came.
    pub contents: fn([&str; 3]) -> String,
    /// The person's names.
    pub names: &'static str,
    /// Their e-mail addresses.
    pub addresses: &'static str,
    /// Their telephone numbers.
    pub numbers: &'static str,
    /// The shop's ids of them.
    pub customer_ids: &'static str,
    /// Their tickets.
    pub conversations: &'static str,
    /// Who wrote a note.
    pub note: &'static str,
    /// Who wrote what an agent did.
    pub shop: &'static str,
    /// Who wrote what the person did.
    pub you: &'static str,
}

/// Where a ticket stands, as its customer sees it.
struct Statuses {
    open: &'static str,
    pending: &'static str,
    resolved: &'static str,
    closed: &'static str,
}

/// The words of the language of that code (ISO 639-1, with or without a region), if there are any.
pub fn of(code: &str) -> Option<&'static Words> {
    let primary = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    // Norwegian has a name for both of its forms.
    let code = if matches!(primary.as_str(), "no" | "nn") { "nb" } else { &primary };
    ALL.into_iter().find(|words| words.code == code)
}

impl Words {
    /// How many characters a text may have.
    pub fn at_most(&self, characters: usize) -> String {
        let (thousands, rest) = (characters / 1_000, characters % 1_000);
        // Four digits stand together in every language, and in some they have to.
        let number = match characters < 10_000 {
            true => characters.to_string(),
            false => format!("{thousands}{}{rest:03}", self.thousands),
        };
        (self.at_most)(&number)
    }

    /// A time as the language writes it, in its zone.
    pub fn time<Zone: TimeZone<Offset: Display>>(&self, at: DateTime<Zone>) -> String {
        at.format(self.time).to_string()
    }
}

impl Form {
    /// No mail server takes the address, for this.
    pub fn flawed(&self, flaw: Flaw) -> String {
        let flaws = &self.flaws;
        (self.flawed)(match flaw {
            Flaw::DotsBefore => flaws.dots_before,
            Flaw::DotAtEdge => flaws.dot_at_edge,
            Flaw::ColonBefore => flaws.colon_before,
            Flaw::DotsBehind => flaws.dots_behind,
            Flaw::NoServer => flaws.no_server,
        })
    }
}

impl Own {
    /// Where a ticket stands.
    pub fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Open => self.statuses.open,
            Status::Pending => self.statuses.pending,
            Status::Resolved => self.statuses.resolved,
            Status::Closed => self.statuses.closed,
        }
    }
}

#[cfg(test)]
mod tests;
