//! What in a text could be a figure: numbers in digits and in words, dates, ids of customers.

use super::dates;

/// Something in a text that could be a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A number.
    Number {
        /// Its value, a percentage's as it is written.
        value: f64,
        /// Decimal places that were written; negative for thousands and millions.
        places: i32,
        /// Whether it is a percentage.
        is_percent: bool,
    },
    /// A day, as `YYYY-MM-DD`.
    Day(String),
    /// A month of a year, as `YYYY-MM`.
    Month(String),
    /// An anonymised id, in capitals.
    Customer(String),
    /// A number that is not told exactly, or not in digits that are read here.
    Vague,
}

/// Everything in the text that could be a figure.
pub fn scan(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut place = 0;
        while place < words.len() {
            // The number of a list's entry is no figure.
            if place == 0 && is_list_marker(words[0]) {
                place += 1;
                continue;
            }
            if let Some((date, used)) = dates::written(&words[place..]) {
                found.push(date);
                place += used;
                continue;
            }
            if let Some((number, used)) = spelled(&words[place..]) {
                found.push(number);
                place += used;
                continue;
            }
            let next = words.get(place + 1).copied().unwrap_or_default();
            of_word(words[place], next, &mut found);
            place += 1;
        }
    }
    found
}

fn is_list_marker(word: &str) -> bool {
    let digits = word.trim_end_matches(['.', ')']);
    digits.len() < word.len() && (1..=2).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
}

/// Figures of one word, which may be several with signs between them.
fn of_word(word: &str, next: &str, found: &mut Vec<Found>) {
    let chars: Vec<char> = word.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        if let Some(id) = customer(&chars[at..]) {
            found.push(Found::Customer(id));
            at += 10;
            continue;
        }
        if let Some(day) = day(&chars[at..]) {
            found.push(Found::Day(day));
            at += 10;
            continue;
        }
        if chars[at].is_ascii_digit() {
            let start = at;
            while at < chars.len()
                && (chars[at].is_ascii_digit()
                    || (matches!(chars[at], '.' | ',' | '\'' | '\u{2019}')
                        && chars.get(at + 1).is_some_and(char::is_ascii_digit)))
            {
                at += 1;
            }
            let digits: String = chars[start..at].iter().collect();
            let before = start.checked_sub(1).map(|before| chars[before]);
            let rest: String = chars[at..].iter().collect();
            // One digit inside of letters, as in B2B or Q4, is a part of a name.
            let is_of_name = digits.len() == 1 && before.is_some_and(char::is_alphabetic);
            if !is_of_name {
                found.push(number(&digits, &rest, next));
            }
            continue;
        }
        if chars[at].is_numeric() {
            found.push(Found::Vague);
        }
        at += 1;
    }
}

fn number(digits: &str, rest: &str, next: &str) -> Found {
    // Commas and apostrophes divide thousands; a comma before anything but three digits is a decimal comma.
    let is_decimal_comma = !digits.contains('.')
        && digits.matches(',').count() == 1
        && digits.split(',').nth(1).is_some_and(|places| places.len() != 3);
    let plain: String = match is_decimal_comma {
        true => digits.replace(',', "."),
        false => digits.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect(),
    };
    let Ok(value) = plain.parse::<f64>() else { return Found::Vague };
    let written = plain.split('.').nth(1).map_or(0, |places| i32::try_from(places.len()).unwrap_or(0));
    let unit: String =
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '%').collect::<String>().to_lowercase();
    let next = next.trim_matches(|c: char| !c.is_alphanumeric() && c != '%').to_lowercase();
    let unit = if unit.is_empty() { next } else { unit };
    let (value, places) = match unit.as_str() {
        "k" | "thousand" => (value * 1e3, written - 3),
        "m" | "mn" | "million" => (value * 1e6, written - 6),
        "bn" | "billion" => (value * 1e9, written - 9),
        _ => (value, written),
    };
    Found::Number { value, places, is_percent: matches!(unit.as_str(), "%" | "percent" | "pct") }
}

fn day(chars: &[char]) -> Option<String> {
    let day: String = chars.get(..10)?.iter().collect();
    if chars.get(10).is_some_and(char::is_ascii_digit) {
        return None;
    }
    day.parse::<chrono::NaiveDate>().ok().map(|day| day.to_string())
}

fn customer(chars: &[char]) -> Option<String> {
    let text: String = chars.get(..10)?.iter().collect();
    if !text.starts_with("C-") || chars.get(10).is_some_and(|c| c.is_alphanumeric()) {
        return None;
    }
    Some(text.parse::<platform::anonymous_ids::AnonymousId>().ok()?.to_string())
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// A number in words at the beginning, and of how many words it is. "One" alone is a pronoun more often than a number.
fn spelled(words: &[&str]) -> Option<(Found, usize)> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let first = bare(words[0]);
    match first.as_str() {
        "hundreds" | "thousands" | "millions" | "billions" | "dozens" | "tens" | "tenfold" => {
            return Some((Found::Vague, 1));
        }
        "twice" | "double" | "doubled" | "doubles" => return Some((whole(2.0), 1)),
        "triple" | "tripled" | "thrice" => return Some((whole(3.0), 1)),
        "dozen" => return Some((whole(12.0), 1)),
        "half" | "halved" => return Some((Found::Number { value: 50.0, places: 0, is_percent: true }, 1)),
        _ => {}
    }
    let (mut total, mut current, mut used, mut seen) = (0.0, 0.0, 0, 0);
    'words: for word in words {
        let ends_here = word.ends_with([',', '.', ';', ':', ')']);
        for part in bare(word).split('-') {
            if let Some(value) = SMALL.iter().position(|known| *known == part) {
                current += value as f64;
            } else if let Some(value) = TENS.iter().skip(2).position(|known| *known == part) {
                current += (value as f64 + 2.0) * 10.0;
            } else if part == "hundred" && seen > 0 {
                current *= 100.0;
            } else if part == "thousand" && seen > 0 {
                total += current * 1e3;
                current = 0.0;
            } else if part == "million" && seen > 0 {
                total += current * 1e6;
                current = 0.0;
            } else if part == "and"
                && seen > 0
                && words.get(used + 1).is_some_and(|next| is_number_word(&bare(next)))
                && has_scale(&words[..used])
            {
            } else {
                break 'words;
            }
            seen += 1;
        }
        used += 1;
        if ends_here {
            break;
        }
    }
    let value = total + current;
    let is_pronoun = used == 1 && first == "one";
    (used > 0 && !is_pronoun).then(|| {
        let next = words
            .get(used)
            .map(|next| next.trim_matches(|c: char| !c.is_alphanumeric() && c != '%').to_lowercase());
        let is_percent = matches!(next.as_deref(), Some("percent" | "%"));
        (Found::Number { value, places: 0, is_percent }, used)
    })
}

fn is_number_word(word: &str) -> bool {
    word.split('-').any(|part| SMALL.contains(&part) || TENS[2..].contains(&part))
}

fn has_scale(words: &[&str]) -> bool {
    words.iter().any(|word| matches!(word.to_lowercase().as_str(), "hundred" | "thousand" | "million"))
}

fn whole(value: f64) -> Found {
    Found::Number { value, places: 0, is_percent: false }
}
