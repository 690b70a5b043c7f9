//! What a question says besides its subject: customers by id, how many rows, which time, which axis, which band.

use super::words::{self, Concept, Concepts, Meaning};

/// What was read of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// An axis of behaviour.
    pub axis: Option<&'static str>,
    /// A band of the probability of leaving.
    pub band: Option<&'static str>,
    /// Whether it goes on from the question before.
    pub goes_on: bool,
    /// Why it cannot be answered, whatever it is about.
    pub objection: Option<String>,
}

/// Words that begin a question which goes on from the one before.
const BEGINNINGS: [&[&str]; 6] =
    [&["and"], &["what", "about"], &["how", "about"], &["also"], &["same"], &["now"]];
/// Words of a question that are looked at.
const LONGEST: usize = 60;

/// Reads a question.
pub fn read(question: &str) -> Read {
    let mut read = Read::default();
    let mut tokens = tokens(question, &mut read);
    if tokens.len() > LONGEST {
        read.objection =
            Some(format!("The question has more than {LONGEST} words; please ask for one thing."));
        return read;
    }
    read.goes_on = BEGINNINGS.iter().any(|beginning| {
        tokens.len() >= beginning.len() && tokens.iter().zip(*beginning).all(|(token, word)| token == word)
    });
    take_phrases(&mut tokens, &mut read);
    let mut place = 0;
    while place < tokens.len() {
        place += of_token(&tokens, place, &mut read);
    }
    read
}

/// Words in small letters, as they are known if they are a slip of a known one. Ids of customers are taken out.
fn tokens(question: &str, read: &mut Read) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut words = question.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '#');
        if bare.parse::<platform::anonymous_ids::AnonymousId>().is_ok() {
            name_customer(bare.to_uppercase(), read);
            continue;
        }
        let small = bare.to_lowercase().replace(['\'', '\u{2019}'], "");
        // "customer 7041" names one by the shop's own id.
        if matches!(small.as_str(), "customer" | "client" | "buyer") {
            let next = words
                .peek()
                .map(|next| next.trim_matches(|c: char| !c.is_alphanumeric() && c != '#' && c != '-'));
            let next = next.map(|next| next.trim_start_matches('#'));
            if let Some(id) = next.filter(|next| {
                next.chars().any(|c| c.is_ascii_digit())
                    && next.parse::<platform::anonymous_ids::AnonymousId>().is_err()
            }) {
                name_customer(id.to_owned(), read);
                words.next();
                continue;
            }
        }
        for part in small.split(['-', '/', ',']).filter(|part| !part.is_empty()) {
            let known = words::known(part).map(str::to_owned);
            tokens.push(known.unwrap_or_else(|| part.to_owned()));
        }
    }
    tokens
}

fn name_customer(id: String, read: &mut Read) {
    if read.customer.as_ref().is_some_and(|known| *known != id) {
        read.objection = Some("I can look up one customer at a time; which one?".to_owned());
    }
    read.customer = Some(id);
}

/// Takes groups of words out that are about something together, the longest first.
fn take_phrases(tokens: &mut Vec<String>, read: &mut Read) {
    let mut phrases: Vec<(Vec<&str>, Option<Concept>, Option<&'static str>)> = words::PHRASES
        .iter()
        .map(|(phrase, concept)| (phrase.split(' ').collect(), Some(*concept), None))
        .chain(words::AXES.iter().map(|(phrase, axis)| (phrase.split(' ').collect(), None, Some(*axis))))
        .collect();
    phrases.sort_by_key(|(phrase, _, _)| std::cmp::Reverse(phrase.len()));
    for (phrase, concept, axis) in phrases {
        while let Some(place) = tokens
            .windows(phrase.len())
            .position(|window| window.iter().zip(&phrase).all(|(token, word)| token == word))
        {
            if let Some(concept) = concept {
                read.about = read.about.with(concept);
            }
            if let Some(axis) = axis {
                if read.axis.is_some_and(|known| known != axis) {
                    read.objection = Some("I can compare by one axis at a time; which one?".to_owned());
                }
                read.axis = Some(axis);
            }
            tokens.splice(place..place + phrase.len(), ["the".to_owned()]);
        }
    }
}

/// Reads one token, and what belongs to it; how many tokens that was.
fn of_token(tokens: &[String], place: usize, read: &mut Read) -> usize {
    let token = tokens[place].as_str();
    let at = |further: usize| tokens.get(place + further).map(String::as_str);
    let unit = |word: Option<&str>| match word.and_then(words::meaning) {
        Some(Meaning::Unit(months)) => Some(months),
        _ => None,
    };
    let number = token.parse::<u32>().ok().or(match words::meaning(token) {
        Some(Meaning::Number(number)) => Some(number),
        _ => None,
    });
    if let Some(number) = number {
        if let Some(months) = unit(at(1)) {
            set_months(read, months.map(|months| months.saturating_mul(number)));
            return 2;
        }
        let before = place.checked_sub(1).map(|before| tokens[before].as_str());
        let is_rows = matches!(before, Some("top" | "best" | "first" | "show" | "list" | "limit"))
            || matches!(
                at(1).and_then(words::meaning),
                Some(Meaning::About(
                    Concept::Customer | Concept::Product | Concept::Category | Concept::Vip | Concept::More
                ))
            );
        if is_rows && read.limit.is_none() {
            read.limit = Some(number);
        } else {
            object(read, format!("I do not know what {number} stands for."));
        }
        return 1;
    }
    if token == "half" && matches!(at(1), Some("year")) {
        set_months(read, Some(6));
        return 2;
    }
    if token == "half" && matches!((at(1), at(2)), (Some("a"), Some("year"))) {
        set_months(read, Some(6));
        return 3;
    }
    match words::meaning(token) {
        Some(Meaning::About(Concept::Future)) => {
            read.about = read.about.with(Concept::Future);
            if let Some(months) = unit(at(1)) {
                set_months(read, months);
                return 2;
            }
            1
        }
        Some(Meaning::Past) => match unit(at(1)) {
            Some(months) => {
                read.is_past = true;
                set_months(read, months);
                2
            }
            None => {
                let is_span = at(1).is_some_and(|next| {
                    next == "half"
                        || next.parse::<u32>().is_ok()
                        || matches!(words::meaning(next), Some(Meaning::Number(_)))
                });
                read.is_past |= is_span;
                1
            }
        },
        // "Top 10" says how many; "top customers" says which.
        Some(Meaning::About(Concept::Best)) if at(1).is_some_and(|next| next.parse::<u32>().is_ok()) => 1,
        Some(Meaning::About(concept)) => {
            read.about = read.about.with(concept);
            1
        }
        Some(Meaning::Level(band)) => {
            if read.band.is_some_and(|known| known != band) {
                object(read, "I can look at one band of risk at a time; which one?".to_owned());
            }
            read.band = Some(band);
            read.about = read.about.with(Concept::Band);
            1
        }
        Some(Meaning::Unit(_)) => {
            object(
                read,
                "I can look at a number of months, such as the last 6 months; which time do you mean?"
                    .to_owned(),
            );
            1
        }
        Some(Meaning::Negation) => {
            object(
                read,
                format!(
                    "I cannot leave anything out (\u{201c}{token}\u{201d}); please ask for what you want to see."
                ),
            );
            1
        }
        Some(Meaning::Nothing) => 1,
        Some(Meaning::Number(_)) => 1,
        None => {
            let shown: String = token.chars().take(40).collect();
            object(read, format!("I do not know the word \u{201c}{shown}\u{201d}."));
            1
        }
    }
}

fn set_months(read: &mut Read, months: Option<u32>) {
    match months {
        None => object(read, "I can look at whole months, not at days or weeks.".to_owned()),
        Some(months) if read.months.is_some_and(|known| known != months) => {
            object(read, "I can look at one time at once; which one?".to_owned());
        }
        Some(months) => read.months = Some(months),
    }
}

/// The first objection is told.
fn object(read: &mut Read, objection: String) {
    read.objection.get_or_insert(objection);
}
