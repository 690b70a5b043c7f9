//! Dates as people write them: 10 March 2026, March 10, 2026, and March 2026.

use chrono::NaiveDate;

use super::numbers::Found;
use crate::months::{NAMES, SHORTEST};

/// A date in words at the beginning, and of how many words it is.
pub(super) fn written(words: &[&str]) -> Option<(Found, usize)> {
    let word = |place: usize| words.get(place).copied().unwrap_or_default();
    if let (Some(day), Some(month), Some(year)) = (day(word(0)), month(word(1)), year(word(2))) {
        return NaiveDate::from_ymd_opt(year, month, day).map(|day| (Found::Day(day.to_string()), 3));
    }
    let month = month(word(0))?;
    if let (Some(day), Some(year)) = (day(word(1)), year(word(2))) {
        return NaiveDate::from_ymd_opt(year, month, day).map(|day| (Found::Day(day.to_string()), 3));
    }
    let year = year(word(1))?;
    Some((Found::Month(format!("{year:04}-{month:02}")), 2))
}

/// The month of a name or its first three letters.
fn month(word: &str) -> Option<u32> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let is_name = |name: &str| {
        name == word || ((SHORTEST..=4).contains(&word.len()) && name.starts_with(word.as_str()))
    };
    (1..).zip(NAMES).find(|(_, name)| is_name(name)).map(|(number, _)| number)
}

fn day(word: &str) -> Option<u32> {
    let word = word.trim_matches(['(', ')', ',']);
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    (digits.len() <= 2 && digits.chars().all(|c| c.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn year(word: &str) -> Option<i32> {
    // A slash or a dash would begin another number.
    let digits = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\u{201d}']);
    (digits.len() == 4 && digits.chars().all(|c| c.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Found, usize)> {
        written(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn dates_are_read_in_each_form() {
        for (text, day) in [
            ("10 March 2026", "2026-03-10"),
            ("10th March 2026.", "2026-03-10"),
            ("March 10, 2026, and", "2026-03-10"),
            ("(1 Sept 2025)", "2025-09-01"),
        ] {
            assert_eq!(read(text), Some((Found::Day(day.to_owned()), 3)), "{text}");
        }
        assert_eq!(read("May 2026;"), Some((Found::Month("2026-05".to_owned()), 2)));
    }

    #[test]
    fn what_is_no_date_is_left_to_the_reader_of_numbers() {
        for text in [
            "31 February 2026",
            "10 marches 2026",
            "March",
            "May 37",
            "10 March",
            "March 20267",
            "2026 March",
            "March 2026/7",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
