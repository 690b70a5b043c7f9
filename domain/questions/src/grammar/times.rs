//! Times that questions name. The tools look back on the last 1 to 36 months and ahead by months; a time that is no such
//! number of months is not taken for one, but told with the months that come closest.

use chrono::{Datelike, NaiveDate};

use super::words::{self, Meaning, Unit};

/// A time that a question names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Time {
    /// A number of months.
    Months {
        /// How many.
        months: u32,
        /// Whether the question says that they are past, or to come.
        direction: Option<Direction>,
        /// How the words were read, where they could mean something else.
        remark: Option<String>,
    },
    /// Another time.
    Other(Other),
}

/// Where a time lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Before now.
    Past,
    /// After now.
    Ahead,
}

/// A time that no tool looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// As the question has it.
    pub named: String,
    /// Months to look back on that reach it.
    pub back: Option<u32>,
    /// Months ahead that reach it.
    pub ahead: Option<u32>,
}

impl Other {
    fn of(named: &[String]) -> Other {
        let named: String = named.join(" ").chars().take(40).collect();
        Other { named, back: None, ahead: None }
    }

    /// Why it is not looked at.
    pub fn objection(&self) -> String {
        format!(
            "I can look at a number of months up to now, or ahead in forecasts, but not at \u{201c}{}\u{201d}.",
            self.named
        )
    }
}

/// The time that begins at a place, and how many words name it.
pub fn at(tokens: &[String], place: usize, today: NaiveDate) -> Option<(Time, usize)> {
    let word = |further: usize| tokens.get(place + further).map(String::as_str);
    let meaning = |further: usize| word(further).and_then(words::meaning);
    let direction = match (meaning(0), word(0)) {
        (Some(Meaning::Past), _) => Some(Direction::Past),
        (_, Some("next" | "coming" | "upcoming" | "following")) => Some(Direction::Ahead),
        _ => None,
    };
    // "The last 6 months", "6 months", "next quarter", "half a year".
    let after = usize::from(direction.is_some());
    let (number, unit_at) = match (word(after), number(word(after))) {
        (Some("half"), _) if word(after + 1) == Some("a") => (Some(Half), after + 2),
        (Some("half"), _) => (Some(Half), after + 1),
        (Some("few" | "couple" | "several"), _) => {
            (Some(Few), after + 1 + usize::from(word(after + 1) == Some("of")))
        }
        (_, Some(number)) => (Some(Whole(number)), after + 1),
        _ => (None, after),
    };
    if let Some(Meaning::Unit(unit)) = meaning(unit_at)
        && (number.is_some() || direction.is_some())
    {
        let used = unit_at + 1;
        let words = &tokens[place..place + used];
        // "In the last months" does not say how many; "last months sales" are those of the last month.
        let is_vague = number.is_none()
            && words.last().is_some_and(|word| word.ends_with('s'))
            && !matches!(meaning(used), Some(Meaning::About(_)));
        let time = match is_vague {
            true => Time::Other(Other::of(words)),
            false => of_unit(number, unit, direction, words, today),
        };
        return Some((time, used));
    }
    if matches!(number, Some(Few)) {
        return None;
    }
    // "This month", "the current year".
    let is_running = word(0) == Some("this") || meaning(0) == Some(Meaning::Running);
    if is_running {
        let used = match meaning(1) {
            Some(Meaning::Unit(_) | Meaning::Day) => 2,
            _ if word(0) == Some("ytd") => 1,
            _ => return None,
        };
        let mut other = Other::of(&tokens[place..place + used]);
        other.back = match meaning(1) {
            Some(Meaning::Unit(Unit::Months(1))) => Some(1),
            Some(Meaning::Unit(Unit::Months(3))) => Some((today.month0() % 3) + 1),
            Some(Meaning::Unit(Unit::Months(_))) => Some(today.month()),
            None if word(0) == Some("ytd") => Some(today.month()),
            _ => None,
        };
        return Some((Time::Other(other), used));
    }
    // "In October", "since March 2024", "last May".
    let begins_time =
        matches!(word(0), Some("in" | "since" | "until" | "during" | "of" | "for" | "by" | "from"));
    let name_at = usize::from(direction.is_some() || begins_time);
    let month = match (meaning(name_at), word(name_at)) {
        (Some(Meaning::Month(month)), _) => Some(month),
        (_, Some("may")) if name_at == 1 && !matches!(word(0), Some("of" | "for" | "by")) => Some(5),
        _ => None,
    };
    if let Some(month) = month {
        let year = word(name_at + 1).and_then(year);
        let used = name_at + 1 + usize::from(year.is_some());
        let mut other = Other::of(&tokens[place + usize::from(begins_time)..place + used]);
        (other.back, other.ahead) = reach(month, year, today);
        return Some((Time::Other(other), used));
    }
    if begins_time && word(1).and_then(year).is_some() {
        return Some((Time::Other(Other::of(&tokens[place + 1..place + 2])), 2));
    }
    match meaning(0) {
        Some(Meaning::Day | Meaning::Unit(_)) => Some((Time::Other(Other::of(&tokens[place..=place])), 1)),
        _ if direction.is_some() && meaning(1) == Some(Meaning::Day) => {
            Some((Time::Other(Other::of(&tokens[place..place + 2])), 2))
        }
        _ => word(0).and_then(year).map(|_| (Time::Other(Other::of(&tokens[place..=place])), 1)),
    }
}

/// Whether a word after "last" makes a time of both.
pub fn may_follow_last(word: &str) -> bool {
    matches!(
        words::meaning(word),
        Some(Meaning::Unit(_) | Meaning::Month(_) | Meaning::Day | Meaning::Number(_))
    ) || matches!(word, "few" | "couple" | "several" | "half" | "may" | "one")
        || word.parse::<u32>().is_ok()
}

/// How many units.
enum Number {
    Half,
    Whole(u32),
    Few,
}
use Number::{Few, Half, Whole};

fn number(word: Option<&str>) -> Option<u32> {
    let word = word?;
    match words::meaning(word) {
        Some(Meaning::Number(number)) => Some(number),
        _ if word == "one" => Some(1),
        _ => word.parse().ok(),
    }
}

fn year(word: &str) -> Option<i32> {
    word.parse().ok().filter(|year| word.len() == 4 && (1990..2100).contains(year))
}

fn of_unit(
    number: Option<Number>,
    unit: Unit,
    direction: Option<Direction>,
    words: &[String],
    today: NaiveDate,
) -> Time {
    let months = match (&number, unit) {
        (Some(Few), _) => None,
        (Some(Half), Unit::Months(months)) => Some(months / 2).filter(|months| *months > 0),
        (Some(Half), Unit::Days(_)) => None,
        (Some(Whole(number)), Unit::Months(months)) => Some(months.saturating_mul(*number)),
        (None, Unit::Months(months)) => Some(months),
        (Some(Whole(number)), Unit::Days(days)) => in_months(number.saturating_mul(days)),
        (None, Unit::Days(_)) => None,
    };
    let named = words.join(" ");
    let Some(months) = months else {
        let mut other = Other::of(words);
        if direction == Some(Direction::Past) {
            other.back = Some(1).filter(|_| !matches!(number, Some(Few)));
        }
        return Time::Other(other);
    };
    let length = if months == 1 { "month".to_owned() } else { format!("{months} months") };
    // The calendar's last month is another than the month up to now, but on a month's last day.
    let is_calendar = number.is_none() && today.succ_opt().is_none_or(|next| next.day() != 1 || months > 1);
    let remark = match (unit, direction) {
        (Unit::Days(_), _) => Some(format!("\u{201c}{named}\u{201d} is read as {length}.")),
        (Unit::Months(_), Some(Direction::Past)) if is_calendar => Some(format!(
            "\u{201c}{named}\u{201d} is read as the {length} up to now, not as one of the calendar."
        )),
        (Unit::Months(2..), Some(Direction::Ahead)) if number.is_none() => {
            Some(format!("\u{201c}{named}\u{201d} is read as the next {length}, not as one of the calendar."))
        }
        _ => None,
    };
    Time::Months { months, direction, remark }
}

/// Days that people say for months.
fn in_months(days: u32) -> Option<u32> {
    match days {
        30 | 31 => Some(1),
        60 => Some(2),
        90 | 91 => Some(3),
        120 => Some(4),
        180 | 182 => Some(6),
        360 | 364 | 365 => Some(12),
        730 => Some(24),
        _ => None,
    }
}

/// How many months back, and ahead, reach a month by name.
fn reach(month: u32, year: Option<i32>, today: NaiveDate) -> (Option<u32>, Option<u32>) {
    const MOST: i64 = 36;
    let place = |year: i32, month: u32| i64::from(year) * 12 + i64::from(month);
    let now = place(today.year(), today.month());
    let (back, ahead) = match year {
        Some(year) => (now - place(year, month) + 1, place(year, month) - now),
        None => {
            let difference = i64::from(today.month()) - i64::from(month);
            (difference.rem_euclid(12) + 1, (-difference).rem_euclid(12))
        }
    };
    let within = |months: i64| u32::try_from(months).ok().filter(|_| (1..=MOST).contains(&months));
    (within(back), within(ahead))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> (Option<Time>, usize) {
        let tokens: Vec<String> = text.split(' ').map(str::to_owned).collect();
        match at(&tokens, 0, "2026-06-15".parse().expect("a day")) {
            Some((time, used)) => (Some(time), used),
            None => (None, 0),
        }
    }

    #[test]
    fn numbers_of_months_are_read() {
        for (text, wanted, used) in [
            ("last month", (1, Some(Direction::Past)), 2),
            ("past 6 months", (6, Some(Direction::Past)), 3),
            ("previous quarter of", (3, Some(Direction::Past)), 2),
            ("last two years", (24, Some(Direction::Past)), 3),
            ("next half year", (6, Some(Direction::Ahead)), 3),
            ("half a year", (6, None), 3),
            ("18 months", (18, None), 2),
            ("coming year", (12, Some(Direction::Ahead)), 2),
            ("past 30 days", (1, Some(Direction::Past)), 3),
            ("last 52 weeks", (12, Some(Direction::Past)), 3),
            ("last months sales", (1, Some(Direction::Past)), 2),
        ] {
            let (found, words) = time(text);
            let Some(Time::Months { months, direction, .. }) = found else { panic!("{text}: {found:?}") };
            assert_eq!(((months, direction), words), (wanted, used), "{text}");
        }
    }

    #[test]
    fn other_times_are_named_with_the_months_that_reach_them() {
        for (text, named, back, ahead) in [
            ("in october", "october", Some(9), Some(4)),
            ("since march", "march", Some(4), Some(9)),
            ("in june", "june", Some(1), None),
            ("in may 2025", "may 2025", Some(14), None),
            ("december 2026", "december 2026", None, Some(6)),
            ("this year", "this year", Some(6), None),
            ("this quarter", "this quarter", Some(3), None),
            ("ytd", "ytd", Some(6), None),
            ("yesterday", "yesterday", None, None),
            ("last week", "last week", Some(1), None),
            ("last 7 days", "last 7 days", Some(1), None),
            ("last few months", "last few months", None, None),
            ("last months", "last months", None, None),
            ("coming years by", "coming years", None, None),
            ("in 2024", "2024", None, None),
            ("next monday", "next monday", None, None),
        ] {
            let (found, _) = time(text);
            let Some(Time::Other(other)) = found else { panic!("{text}: {found:?}") };
            assert_eq!((other.named.as_str(), other.back, other.ahead), (named, back, ahead), "{text}");
        }
        for text in ["this", "may leave", "in tea", "last order", "40 customers", "few customers"] {
            assert_eq!(time(text), (None, 0), "{text}");
        }
    }
}
