//! What a question says besides its subject: customers by id, how many rows, which time, which axis, which band.

use std::sync::LazyLock;

use chrono::NaiveDate;

use super::concepts::{Concept, Concepts};
use super::manner::{self, Manner};
use super::names::Named;
use super::outside::{self, Topic};
use super::phrases::{AXES, PHRASES};
use super::places::{self, Place};
use super::times::{self, Direction, Other, Time};
use super::tokens::{self, TAKEN, Tokens};
use super::words::{self, Meaning};

/// What was read of a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// What it is about.
    pub about: Concepts,
    /// The customer who is named.
    pub customer: Option<String>,
    /// Rows that are asked for.
    pub limit: Option<u32>,
    /// Months that are asked for.
    pub months: Option<u32>,
    /// Whether the time is one of the past.
    pub is_past: bool,
    /// Whether it is about the present day.
    pub is_today: bool,
    /// An axis of behaviour.
    pub axis: Option<&'static str>,
    /// A band of the probability of leaving.
    pub band: Option<&'static str>,
    /// Whether it goes on from the question before.
    pub goes_on: bool,
    /// Whether it begins with a word that asks, so that it stands without the question before.
    pub is_whole: bool,
    /// Whether it says "top 5", so that what is listed has to be a ranking.
    pub is_ranked: bool,
    /// Whether it says "those" or "of them" and means what was answered before.
    pub points: bool,
    /// Whether it says "only", which whoever buys with discounts alone does.
    pub says_only: bool,
    /// Whether it begins with that: "only the VIPs" is a part of what was answered before.
    pub begins_only: bool,
    /// Whether it begins with "just", which may say the same.
    pub begins_just: bool,
    /// Whether it says "first", which of orders is the oldest.
    pub says_first: bool,
    /// Whether it begins with "the same" or "that": it changes nothing but what it says.
    pub says_same: bool,
    /// Whether it says "loyalty", which is no person.
    pub says_loyalty: bool,
    /// How it asks.
    pub manner: Manner,
    /// Whether it says "ones", who were named before.
    pub says_ones: bool,
    /// Whether it says "instead" of what was asked before.
    pub says_instead: bool,
    /// Whether it begins with "sort by", and so is about the list before.
    pub begins_sort: bool,
    /// Whether it is "by risk" or "per segment" and no more: an order, or parts, of what was answered before.
    pub begins_by: bool,
    /// Whether it wants something by how likely customers are to leave.
    pub is_by_risk: bool,
    /// Whether it says whose momentum it means.
    pub is_momentum_of: bool,
    /// Whether it says "our" or "are there", and so is about the shop rather than one customer.
    pub is_of_shop: bool,
    /// Whether it is about customers who buy, beside one who is named.
    pub is_of_others: bool,
    /// Names of the shop's own that it has.
    pub named: Named,
    /// Why it cannot be answered, whatever it is about.
    pub objection: Option<Objection>,
    /// How many reasons there are.
    pub objections: u32,
    /// How slips were read.
    pub slips: Vec<String>,
    /// How its time was read, where that is not what the words say.
    pub time_remark: Option<String>,
}

/// Why a question cannot be answered. Of several the first in this order is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Objection {
    /// It has too many words.
    Long,
    /// It is in another language; what is said to that.
    Language(&'static str),
    /// It is about what no tool has.
    Outside(&'static Topic),
    /// It names a segment or an archetype that there is not.
    UnknownName(String),
    /// It names what could be several.
    UnclearName(String),
    /// It leaves something out, by this word.
    Negation(String),
    /// It wants a list sorted by what lists are not sorted by.
    Sort,
    /// Its time is none that tools look at.
    Time(Other),
    /// It asks for several of something of which there can be one.
    Several(&'static str),
    /// A number stands for nothing.
    Number(u32),
    /// A word is not known.
    Word(String),
}

impl Objection {
    fn rank(&self) -> u8 {
        match self {
            Objection::Long => 0,
            Objection::Language(_) => 1,
            Objection::Outside(_) => 2,
            Objection::UnknownName(_) => 3,
            Objection::UnclearName(_) => 4,
            Objection::Negation(_) => 5,
            Objection::Sort => 6,
            Objection::Time(_) => 7,
            Objection::Several(_) => 8,
            Objection::Number(_) => 9,
            Objection::Word(_) => 10,
        }
    }

    /// The objection in words.
    pub fn text(&self) -> String {
        match self {
            Objection::Long => {
                format!("The question has more than {LONGEST} words; please ask for one thing.")
            }
            Objection::Language(says) | Objection::Several(says) => (*says).to_owned(),
            Objection::Outside(topic) => topic.says.to_owned(),
            Objection::UnknownName(name) => format!(
                "I know no segment and no archetype called \u{201c}{name}\u{201d}; the pages Segments and Archetypes list those \
                 that there are."
            ),
            Objection::UnclearName(name) => format!(
                "I can narrow down to one segment and one archetype, and do not know which \u{201c}{name}\u{201d} is; please \
                 write segment or archetype before its name."
            ),
            Objection::Negation(word) => format!(
                "I cannot leave anything out (\u{201c}{word}\u{201d}); please ask for what you want to see."
            ),
            Objection::Sort => "A list cannot be sorted by that. Who might leave can be sorted by risk, by spend or by lifetime \
                                value; every other list has an order of its own. What customers bought last can stand beside it."
                .to_owned(),
            Objection::Time(other) => other.objection(),
            Objection::Number(number) => format!("I do not know what {number} stands for."),
            Objection::Word(word) => format!("I do not know the word \u{201c}{word}\u{201d}."),
        }
    }
}

/// Words that begin a question which goes on from the one before.
const BEGINNINGS: [&[&str]; 18] = [
    &["and"],
    &["or"],
    &["what", "about"],
    &["how", "about"],
    &["also"],
    &["same"],
    &["the", "same"],
    &["do", "the", "same"],
    &["show", "the", "same"],
    &["do", "that"],
    &["show", "that"],
    &["that", "for"],
    &["now"],
    &["then"],
    &["for"],
    &["sort"],
    &["sorted"],
    &["order", "by"],
];
/// Whoever is named in the plural, beside one customer.
const OTHERS: [&str; 10] = [
    "customers",
    "clients",
    "buyers",
    "shoppers",
    "consumers",
    "people",
    "folks",
    "users",
    "anyone",
    "anybody",
];
/// Words before such a beginning.
const FILLERS: [&str; 9] = ["ok", "okay", "so", "well", "hey", "hi", "thanks", "oh", "yes"];
/// Words that begin a question of its own.
const ASKING: [&str; 12] =
    ["who", "whom", "whose", "which", "what", "when", "where", "how", "show", "list", "are", "is"];
/// Words of the whole shop, or of many.
const OF_SHOP: [&str; 15] = [
    "our", "we", "all", "every", "each", "are", "there", "list", "overall", "total", "shop", "store",
    "webshop", "risks", "churners",
];
/// Words of a question that are looked at.
const LONGEST: usize = 60;

/// Reads a question out of which the shop's own names were taken.
pub fn read(question: &str, named: &Named, today: NaiveDate) -> Read {
    let mut read = Read { named: named.clone(), ..Read::default() };
    if let Some(name) = &named.unknown {
        read.object(Objection::UnknownName(name.clone()));
    }
    if let Some(name) = &named.unclear {
        read.object(Objection::UnclearName(name.clone()));
    }
    let typed: Vec<String> = tokens::plain(question).take(LONGEST + 1).collect();
    if typed.len() > LONGEST {
        read.object(Objection::Long);
        return read;
    }
    if let Some(says) = outside::other_language(typed.iter().map(String::as_str)) {
        read.object(Objection::Language(says));
    }
    let Tokens { words: mut tokens, customers, slips, is_below_zero } = tokens::of(question);
    if is_below_zero {
        read.object(Objection::Several("A number below zero means nothing here; how many do you mean?"));
    }
    read.points = points(&tokens);
    if customers.len() > 1 {
        read.object(Objection::Several("I can look up one customer at a time; which one?"));
    }
    read.customer = customers.into_iter().next();
    for (slip, known) in slips {
        let remark = format!("I read \u{201c}{slip}\u{201d} as \u{201c}{known}\u{201d}.");
        if !read.slips.contains(&remark) {
            read.slips.push(remark);
        }
    }
    let fillers = tokens.iter().take_while(|token| FILLERS.contains(&token.as_str())).count();
    let mut begun = &tokens[fillers..];
    // "And what about ..." begins twice.
    while let Some(beginning) = BEGINNINGS.iter().find(|beginning| begins(begun, beginning)) {
        read.goes_on = true;
        read.begins_sort |= matches!(beginning[0], "sort" | "sorted" | "order");
        read.says_same |= beginning.iter().any(|word| matches!(*word, "same" | "that"));
        begun = &begun[beginning.len()..];
    }
    read.is_whole = begun.first().is_some_and(|token| ASKING.contains(&token.as_str()));
    read.begins_by = begins_by(begun, read.begins_sort);
    read.is_by_risk = is_by_risk(&tokens);
    read.is_momentum_of = tokens.windows(2).any(|pair| pair[0] == "momentum" && pair[1] == "of");
    read.is_of_shop = tokens.iter().any(|token| OF_SHOP.contains(&token.as_str()));
    let only_at = tokens.len() - begun.len();
    read.says_first = tokens.iter().any(|token| matches!(token.as_str(), "first" | "earliest" | "oldest"));
    read.says_ones = tokens.iter().any(|token| token == "ones");
    read.says_loyalty = tokens.iter().any(|token| token == "loyalty");
    if manner::is_order(begun) {
        read.object(Objection::Outside(&outside::ORDERS));
    }
    let asks_who_left = manner::asks_who_left(&tokens);
    read.is_of_others = tokens.iter().enumerate().any(|(place, token)| {
        let next = tokens.get(place + 1).and_then(|next| words::meaning(next));
        OTHERS.contains(&token.as_str()) || (token == "who" && next == Some(Meaning::About(Concept::Buy)))
    });
    let is_next_page = match begun.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["next", number] | ["the" | "show", "next", number] | ["show", "me" | "the", "next", number] => {
            number.parse::<u32>().is_ok() || matches!(words::meaning(number), Some(Meaning::Number(_)))
        }
        _ => false,
    };
    if sorts_by_last_order(&tokens) {
        read.object(Objection::Sort);
    }
    if joins_groups(&tokens) {
        read.object(Objection::Several("I can look at one group of customers at a time; which one?"));
    }
    take_phrases(&mut tokens, &mut read);
    read.begins_only = tokens.get(only_at).is_some_and(|token| token == "only");
    read.begins_just = tokens.get(only_at).is_some_and(|token| token == "just");
    read.manner = manner::of(tokens.get(only_at..).unwrap_or_default(), &tokens);
    let begins_at = Some(only_at).filter(|_| read.goes_on);
    // "The next 10" of a list.
    if is_next_page {
        tokens.retain(|token| token != "next");
        tokens.push("more".to_owned());
    }
    let mut place = 0;
    while place < tokens.len() {
        let time = times::at(&tokens, place, today);
        place += match (time, places::at(&tokens, place, begins_at)) {
            (Some((time, used)), _) => {
                read.set_time(time);
                used
            }
            (None, Some((country, used))) => {
                read.set_place(country);
                used
            }
            (None, None) => of_token(&tokens, place, &mut read),
        };
    }
    if asks_who_left {
        read.about = read.about.without(Concept::Leave).with(Concept::Gone);
    }
    if read.says_only && !read.about.has(Concept::Discount) {
        read.object(Objection::Negation("only".to_owned()));
    }
    read
}

fn begins(words: &[String], beginning: &[&str]) -> bool {
    words.len() >= beginning.len() && words.iter().zip(beginning).all(|(word, known)| word == known)
}

/// Whether words are "by risk", "show them by risk" or "in each segment", and no more than that.
fn begins_by(begun: &[String], is_sort: bool) -> bool {
    const PASSED: [&str; 19] = [
        "show", "list", "sort", "sorted", "rank", "ranked", "ranking", "top", "first", "them", "it", "these",
        "those", "this", "that", "the", "same", "all", "me",
    ];
    const LONGEST_REST: usize = 4;
    let is_passed = |token: &&str| {
        PASSED.contains(token)
            || token.parse::<u32>().is_ok()
            || (is_sort && words::meaning(token) == Some(Meaning::About(Concept::Customer)))
    };
    let all: Vec<&str> = begun.iter().map(String::as_str).collect();
    let told: Vec<&str> = all.iter().copied().skip_while(is_passed).collect();
    let rest = match (&told[..], &all[..]) {
        (["by" | "per", rest @ ..], _)
        | (_, ["in", "each" | "every", rest @ ..] | ["each" | "every", rest @ ..]) => rest,
        _ => return false,
    };
    rest.len() <= LONGEST_REST && !rest.starts_with(&["the", "way"])
}

/// Whether words want something by how likely customers are to leave: "by risk", "by their churn".
fn is_by_risk(tokens: &[String]) -> bool {
    let passed = ["the", "their", "its", "highest", "most"];
    tokens.iter().enumerate().filter(|(_, token)| *token == "by").any(|(place, _)| {
        let key = tokens[place + 1..].iter().find(|token| !passed.contains(&token.as_str()));
        key.and_then(|key| words::meaning(key)) == Some(Meaning::About(Concept::Leave))
    })
}

/// Whether words mean whoever was named before: "those", but not "those who"; "of them".
fn points(tokens: &[String]) -> bool {
    tokens.iter().enumerate().any(|(place, token)| {
        let before = place.checked_sub(1).map(|before| tokens[before].as_str());
        let next = tokens.get(place + 1).map(String::as_str);
        match token.as_str() {
            "those" | "these" => !matches!(next, Some("who" | "whose" | "that" | "which" | "with" | "days")),
            "them" => matches!(before, Some("of" | "among" | "from")),
            _ => false,
        }
    })
}

/// Whether two groups are named side by side: "VIPs and loyal customers" are all of both, and no list is of that.
fn joins_groups(tokens: &[String]) -> bool {
    let group = |token: &String| match words::meaning(token) {
        Some(Meaning::About(
            concept @ (Concept::Vip
            | Concept::New
            | Concept::Loyal
            | Concept::Once
            | Concept::Decline
            | Concept::Repeat
            | Concept::Company
            | Concept::Gone),
        )) => Some(concept),
        _ if token == "time" => Some(Concept::Once),
        _ => None,
    };
    let is_customers = |token: &&String| words::meaning(token) == Some(Meaning::About(Concept::Customer));
    tokens.iter().enumerate().any(|(place, token)| {
        let before = tokens[..place].iter().rev().find(|token| !is_customers(token));
        let passed = ["our", "the", "all", "one"];
        let after = tokens[place + 1..].iter().find(|token| !passed.contains(&token.as_str()));
        let pair = (before.and_then(group), after.and_then(group));
        matches!(token.as_str(), "and" | "or" | "plus")
            && matches!(pair, (Some(one), Some(other)) if one != other)
    })
}

/// Whether words want a list sorted by when customers bought last: "by last order", "sort newest first". "By recency,
/// frequency and money" are the scores of all customers.
fn sorts_by_last_order(tokens: &[String]) -> bool {
    tokens.iter().enumerate().any(|(place, token)| {
        let is_sort = matches!(token.as_str(), "sort" | "sorted" | "ranked");
        if token != "by" && !is_sort {
            return false;
        }
        let passed = ["the", "their", "its", "most", "day", "time", "of", "them", "it", "these", "those"];
        let mut rest =
            tokens[place + 1..].iter().map(String::as_str).skip_while(|token| passed.contains(token));
        let (key, next) = (rest.next(), rest.next());
        match key {
            Some("last") => next.is_some_and(|next| {
                words::meaning(next) == Some(Meaning::About(Concept::Buy)) && next != "history"
            }),
            Some("recency") => next != Some("frequency") && next != Some("and"),
            Some("recent" | "recently" | "date" | "dates" | "latest" | "newest" | "oldest") => true,
            _ => false,
        }
    })
}

/// What a group of words is about, or which axis it names.
type Phrase = (Vec<&'static str>, &'static [Concept], Option<&'static str>);

/// All groups of words, the longest first.
static LONGEST_FIRST: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let mut phrases: Vec<Phrase> = PHRASES
        .iter()
        .map(|(phrase, about)| (phrase.split(' ').collect(), *about, None))
        .chain(AXES.iter().map(|(phrase, axis)| (phrase.split(' ').collect(), SEGMENTS, Some(*axis))))
        .collect();
    phrases.sort_by_key(|(phrase, _, _)| std::cmp::Reverse(phrase.len()));
    phrases
});
/// An axis divides customers into segments.
const SEGMENTS: &[Concept] = &[Concept::Segment];

/// Takes groups of words out that are about something together.
fn take_phrases(tokens: &mut Vec<String>, read: &mut Read) {
    for (phrase, about, axis) in LONGEST_FIRST.iter() {
        // "Bought last" is the last order, "bought last month" is not.
        let is_open = phrase.last() == Some(&"last");
        let ends = |tokens: &[String], end: usize| {
            let next = tokens.get(end).map(String::as_str);
            !is_open || next.is_none_or(|next| !times::may_follow_last(next))
        };
        while let Some(place) = (0..(tokens.len() + 1).saturating_sub(phrase.len())).find(|place| {
            let end = place + phrase.len();
            tokens[*place..end].iter().zip(phrase).all(|(token, word)| token == word)
                && ends(&tokens[..], end)
        }) {
            read.about = read.about.and(Concepts::of(about));
            if let Some(axis) = axis {
                if read.axis.is_some_and(|known| known != *axis) {
                    read.object(Objection::Several("I can compare by one axis at a time; which one?"));
                }
                read.axis = Some(axis);
            }
            tokens.splice(place..place + phrase.len(), [TAKEN.to_owned()]);
        }
    }
}

/// Reads one token, and what belongs to it; how many tokens that was.
fn of_token(tokens: &[String], place: usize, read: &mut Read) -> usize {
    let token = tokens[place].as_str();
    let next = tokens.get(place + 1).map(String::as_str);
    let meaning = words::meaning(token);
    let number = match meaning {
        Some(Meaning::Number(number)) => Some(number),
        _ => token.parse::<u32>().ok(),
    };
    if let Some(number) = number {
        if next == Some("percent") {
            // The highest tenth is what the tools know; any other share of customers is not.
            let is_top = place > 0 && matches!(tokens[place - 1].as_str(), "top" | "best");
            let of = tokens[place + 2..].iter().find(|token| !matches!(token.as_str(), "of" | "our" | "the"));
            let is_of_customers =
                of.and_then(|of| words::meaning(of)) == Some(Meaning::About(Concept::Customer));
            if number == 10 && is_top && is_of_customers {
                read.about = read.about.with(Concept::Best);
            } else {
                read.object(Objection::Several(
                    "The only share that I can look at is the highest tenth of customers by spend; please ask for it, or for a \
                     number of customers.",
                ));
            }
            return 2;
        }
        let is_telling = |token: &&str| !matches!(*token, "the" | TAKEN);
        let before = tokens[..place].iter().map(String::as_str).rfind(is_telling);
        let next = tokens[place + 1..].iter().map(String::as_str).find(is_telling);
        let is_rows = matches!(
            before,
            Some("top" | "best" | "first" | "show" | "list" | "limit" | "biggest" | "largest")
        ) || matches!(
            next.and_then(words::meaning),
            Some(Meaning::About(
                Concept::Customer
                    | Concept::Product
                    | Concept::Category
                    | Concept::Vip
                    | Concept::More
                    | Concept::Most
                    | Concept::Loyal
                    | Concept::Company
                    | Concept::Winback
                    | Concept::Gone
                    | Concept::Segment
                    | Concept::Archetype
                    | Concept::Upsell
                    | Concept::Best
            ))
        );
        if is_rows && read.limit.is_none() {
            read.limit = Some(number);
        } else {
            read.object(Objection::Number(number));
        }
        return 1;
    }
    match meaning {
        // "Top 10" says how many; "top customers" says which.
        Some(Meaning::About(Concept::Best)) if next.is_some_and(|next| next.parse::<u32>().is_ok()) => {
            read.is_ranked = true;
        }
        // "Top customers by churn" are those who are most likely to leave, of all, as the top 10 by churn are.
        Some(Meaning::About(Concept::Best))
            if token == "top"
                && read.is_by_risk
                && next.and_then(words::meaning) == Some(Meaning::About(Concept::Customer)) =>
        {
            read.is_ranked = true;
        }
        // "Our best customers" are the VIPs; the best customer is one, and "the best time" is not about them.
        Some(Meaning::About(Concept::Best))
            if next.is_some_and(|next| next.ends_with('s'))
                && next.and_then(words::meaning) == Some(Meaning::About(Concept::Customer)) =>
        {
            read.about = read.about.with(Concept::Vip);
        }
        Some(Meaning::About(concept)) => read.about = read.about.with(concept),
        Some(Meaning::Level(band)) => {
            // "High spend" is no band of risk.
            let is_of_risk = |word: Option<&str>| {
                word == Some("band") || word.and_then(words::meaning) == Some(Meaning::About(Concept::Leave))
            };
            let before = place.checked_sub(1).map(|before| tokens[before].as_str());
            if band != "critical" && !is_of_risk(next) && !is_of_risk(before) {
                read.object(Objection::Several(
                    "I know low, medium, high and critical as bands of risk only.",
                ));
            }
            if read.band.is_some_and(|known| known != band) {
                read.object(Objection::Several("I can look at one band of risk at a time; which one?"));
            }
            read.band = Some(band);
            read.about = read.about.with(Concept::Band);
        }
        Some(Meaning::Outside(topic)) => read.object(Objection::Outside(topic)),
        Some(Meaning::Negation) if token == "only" => read.says_only = true,
        Some(Meaning::Negation) if token == "instead" && next != Some("of") => read.says_instead = true,
        Some(Meaning::Negation) => read.object(Objection::Negation(token.to_owned())),
        Some(Meaning::Today) => read.is_today = true,
        // Times and countries are read before; what is left of them says nothing.
        Some(
            Meaning::Nothing
            | Meaning::Past
            | Meaning::Number(_)
            | Meaning::Unit(_)
            | Meaning::Month(_)
            | Meaning::Day
            | Meaning::Running
            | Meaning::Country(_)
            | Meaning::OfCountry(_),
        ) => {}
        None if token == TAKEN => {}
        None => read.object(Objection::Word(token.chars().take(40).collect())),
    }
    1
}

impl Read {
    /// The first in order is told.
    fn object(&mut self, objection: Objection) {
        self.objections += 1;
        if self.objection.as_ref().is_none_or(|known| objection.rank() < known.rank()) {
            self.objection = Some(objection);
        }
    }

    fn set_place(&mut self, place: Place) {
        match place {
            Place::In(code) if self.named.country.is_some_and(|known| known != code) => {
                self.object(Objection::Several("I can look at one country at a time; which one?"));
            }
            Place::In(code) => self.named.country = Some(code),
            Place::Unsaid => self.object(Objection::Several(places::UNSAID)),
        }
    }

    fn set_time(&mut self, time: Time) {
        match time {
            Time::Months { months, direction, remark } => {
                if self.months.is_some_and(|known| known != months) {
                    self.object(Objection::Several("I can look at one time at once; which one?"));
                }
                self.months = Some(months);
                self.is_past |= direction == Some(Direction::Past);
                if direction == Some(Direction::Ahead) {
                    self.about = self.about.with(Concept::Future);
                }
                self.time_remark = remark.or(self.time_remark.take());
            }
            Time::Other(other) => self.object(Objection::Time(other)),
        }
    }
}
