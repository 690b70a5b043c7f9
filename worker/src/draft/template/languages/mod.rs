//! The languages that the built-in drafter writes, one file each: how customers say what they want, and what is said to
//! them. Each is a whole [`Language`], so a phrase that was forgotten does not compile.
//!
//! The sentences are polite as shops of the country are, say nothing that tells the customer's or the agent's gender, and
//! promise nothing; tests hold what a machine can hold of that. Names, numbers and days are put in by functions, so no blank
//! stays open.

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

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Utc};
use support::customer_words;

use super::intent::Intent;
use crate::draft::style::Tone;

pub use english::ENGLISH;

/// All of them.
pub static ALL: [&Language; 11] = [
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

/// A language that the drafter writes.
pub struct Language {
    /// As ISO 639-1 names it.
    pub code: &'static str,
    /// How customers say what they want.
    pub heard: Heard,
    /// What is said to them.
    pub phrases: Phrases,
}

/// Words by matter, in lower case: beginnings of words, or of the last word of several; a space behind one ends it.
/// Accents may be left out by who writes.
pub struct Heard {
    /// Something arrived broken, or not what was ordered.
    pub damaged_or_wrong: &'static [&'static str],
    /// A refund, a return or an exchange.
    pub refund_or_return: &'static [&'static str],
    /// An order shall be cancelled.
    pub cancellation: &'static [&'static str],
    /// Where the parcel is.
    pub where_is_my_order: &'static [&'static str],
    /// Dissatisfaction.
    pub complaint: &'static [&'static str],
    /// A question about a product.
    pub product_question: &'static [&'static str],
    /// Thanks.
    pub thanks: &'static [&'static str],
    /// Who says thanks wants something as well, or is not content: requests, thanks in advance, negations and buts.
    pub asks: &'static [&'static str],
    /// Who says thanks is content, or thanks for what was done.
    pub pleased: &'static [&'static str],
    /// It hastes, or somebody threatens.
    pub pressing: &'static [&'static str],
}

/// What is said; each text without a slot is one sentence, but for greeting, sign-off and team, which are none.
pub struct Phrases {
    /// How a letter begins.
    pub greeting: Greeting,
    /// How it begins when it knows no name.
    pub unnamed_greeting: &'static str,
    /// Whether what follows the greeting's comma goes on in lower case.
    pub goes_on_in_lower_case: bool,
    /// The first sentence.
    pub openings: Openings,
    /// Something arrived broken, or not what was ordered.
    pub damaged_or_wrong: Matter,
    /// A refund, a return or an exchange.
    pub refund_or_return: Matter,
    /// An order shall be cancelled.
    pub cancellation: Matter,
    /// Where the parcel is.
    pub where_is_my_order: Matter,
    /// Dissatisfaction.
    pub complaint: Matter,
    /// A question about a product.
    pub product_question: Matter,
    /// Thanks.
    pub thanks: Matter,
    /// Anything else.
    pub other: Matter,
    /// There is no order.
    pub no_order: &'static str,
    /// The order that the customer names, by its id and day.
    pub named_order: fn(&str, &str) -> String,
    /// The latest order, by its id and day.
    pub latest_order: fn(&str, &str) -> String,
    /// The latest order, by its day alone.
    pub latest_order_of_day: fn(&str) -> String,
    /// How the customer answers.
    pub answer_here: &'static str,
    /// The last sentence.
    pub closing: &'static str,
    /// The last sentence to who says thanks.
    pub closing_of_thanks: &'static str,
    /// The line before the team.
    pub sign_off: &'static str,
    /// The team of a shop, by its name.
    pub team_of: fn(&str) -> String,
    /// The team of a shop whose name cannot stand there.
    pub team: &'static str,
    /// The months as they stand in a date.
    pub months: [&'static str; 12],
    /// A day as the sentences about orders take it: of day, month's name and year.
    pub day: fn(u32, &str, i32) -> String,
}

/// By which name a letter greets.
#[derive(Clone, Copy)]
pub enum Greeting {
    /// The first name.
    First(fn(&str) -> String),
    /// All of it, which tells no gender where a family name alone would.
    Whole(fn(&str) -> String),
    /// None: a name would have to be declined.
    Nameless,
}

/// The first sentence by tone, and to who says thanks.
pub struct Openings {
    /// Warm.
    pub friendly: &'static str,
    /// Warm, to who says thanks.
    pub friendly_thanks: &'static str,
    /// Courteous; to who says thanks too.
    pub professional: &'static str,
    /// Shows understanding.
    pub empathetic: &'static str,
    /// Shows that thanks are no matter of course.
    pub empathetic_thanks: &'static str,
    /// Says sorry.
    pub apologetic: &'static str,
    /// Has nothing to be sorry for.
    pub apologetic_thanks: &'static str,
}

/// What is said in a matter.
pub struct Matter {
    /// What the message is about.
    pub topic: &'static str,
    /// What happens next.
    pub next: &'static str,
    /// What is asked.
    pub ask: &'static str,
}

/// The language of that code (ISO 639-1, with or without a region), if the drafter writes it: those that the pages for
/// customers are in.
pub fn of(code: &str) -> Option<&'static Language> {
    let code = customer_words::of(code)?.code;
    ALL.into_iter().find(|language| language.code == code)
}

/// The number of the month that has this name, in lower case, in one of the languages.
pub fn month(word: &str) -> Option<u32> {
    static NUMBERS: LazyLock<HashMap<String, u32>> = LazyLock::new(|| {
        let in_dates = ALL.iter().flat_map(|language| language.phrases.months.into_iter().zip(1..));
        let others = OTHER_MONTHS
            .iter()
            .zip(1..)
            .flat_map(|(names, number)| names.iter().map(move |name| (*name, number)));
        in_dates.chain(others).map(|(name, number)| (name.to_lowercase(), number)).collect()
    });
    NUMBERS.get(word).copied()
}

/// Other names of the months.
const OTHER_MONTHS: [&[&str]; 12] = [
    &["jänner", "styczeń"],
    &["feber", "luty"],
    &["marzec"],
    &["kwiecień"],
    &["maj"],
    &["czerwiec"],
    &["lipiec"],
    &["sierpień"],
    &["setiembre", "wrzesień"],
    &["październik"],
    &["listopad"],
    &["grudzień"],
];

impl Heard {
    /// The words by matter, what costs more first; thanks are no matter beside another.
    pub fn matters(&self) -> [(Intent, &'static [&'static str]); 6] {
        [
            (Intent::DamagedOrWrong, self.damaged_or_wrong),
            (Intent::RefundOrReturn, self.refund_or_return),
            (Intent::Cancellation, self.cancellation),
            (Intent::WhereIsMyOrder, self.where_is_my_order),
            (Intent::Complaint, self.complaint),
            (Intent::ProductQuestion, self.product_question),
        ]
    }
}

impl Phrases {
    /// What is said in a matter.
    pub fn matter(&self, intent: Intent) -> &Matter {
        match intent {
            Intent::DamagedOrWrong => &self.damaged_or_wrong,
            Intent::RefundOrReturn => &self.refund_or_return,
            Intent::Cancellation => &self.cancellation,
            Intent::WhereIsMyOrder => &self.where_is_my_order,
            Intent::Complaint => &self.complaint,
            Intent::ProductQuestion => &self.product_question,
            Intent::Thanks => &self.thanks,
            Intent::Other => &self.other,
        }
    }

    /// The first sentence.
    pub fn opening(&self, intent: Intent, tone: Tone) -> &'static str {
        let openings = &self.openings;
        match (tone, intent) {
            (Tone::Friendly, Intent::Thanks) => openings.friendly_thanks,
            (Tone::Friendly, _) => openings.friendly,
            (Tone::Professional, _) => openings.professional,
            (Tone::Empathetic, Intent::Thanks) => openings.empathetic_thanks,
            (Tone::Empathetic, _) => openings.empathetic,
            (Tone::Apologetic, Intent::Thanks) => openings.apologetic_thanks,
            (Tone::Apologetic, _) => openings.apologetic,
        }
    }

    /// A day as the sentences about orders take it.
    pub fn day_of(&self, at: DateTime<Utc>) -> String {
        // `month0` is 0 to 11, as the table is long.
        (self.day)(at.day(), self.months[at.month0() as usize], at.year())
    }
}

#[cfg(test)]
pub(crate) mod tests;
