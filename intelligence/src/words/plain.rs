//! Numbers, spans of time and months as people say them.

use crate::evaluate::date;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS_IN_MONTH: f64 = 30.44;
const DAYS_IN_YEAR: f64 = 365.25;

/// "1 order", "143 orders".
pub(super) fn orders(count: u32) -> String {
    format!("{} order{}", grouped(f64::from(count)), if count == 1 { "" } else { "s" })
}

/// "March 1997" of a day since 1970-01-01.
pub(super) fn month_of(day: i32) -> String {
    let name = date::name(day);
    let (year, rest) = name.split_once('-').unwrap_or((&name, ""));
    let month = rest.get(..2).and_then(|month| month.parse::<usize>().ok()).unwrap_or(1);
    format!("{} {year}", MONTHS[(month - 1).min(11)])
}

/// How often somebody comes who comes after so many days: "two weeks", to stand behind "every".
pub(super) fn every(days: f64) -> String {
    let words = match days {
        days if days < 1.5 => "day",
        days if days < 4.5 => "few days",
        days if days < 10.5 => "week",
        days if days < 17.5 => "two weeks",
        days if days < 24.5 => "three weeks",
        days if days < 38.0 => "month",
        days if days < 52.0 => "six weeks",
        days if days < 76.0 => "two months",
        days if days < 106.0 => "three months",
        days if days < 137.0 => "four months",
        days if days < 228.0 => "six months",
        days if days < 548.0 => "year",
        days => return format!("{:.0} years", days / DAYS_IN_YEAR),
    };
    words.to_owned()
}

/// The same in one word.
pub(super) fn pace(days: f64) -> &'static str {
    match days {
        days if days < 1.5 => "daily",
        days if days < 4.5 => "twice-weekly",
        days if days < 10.5 => "weekly",
        days if days < 24.5 => "fortnightly",
        days if days < 45.0 => "monthly",
        days if days < 76.0 => "two-monthly",
        days if days < 137.0 => "quarterly",
        days if days < 274.0 => "half-yearly",
        _ => "yearly",
    }
}

/// How far apart two or three orders are; too few to be a rhythm.
pub(super) fn distance(days: f64) -> &'static str {
    match days {
        days if days < 10.5 => "days apart",
        days if days < 45.0 => "weeks apart",
        days if days < 548.0 => "months apart",
        _ => "years apart",
    }
}

/// "a day", "12 days", "3 weeks", "a year", "14 months", "3 years".
pub(super) fn span(days: f64) -> String {
    let days = days.round().max(0.0);
    match days {
        days if days <= 1.0 => "a day".to_owned(),
        days if days < 21.0 => format!("{days:.0} days"),
        days if days < 60.0 => format!("{:.0} weeks", days / 7.0),
        days if (350.0..381.0).contains(&days) => "a year".to_owned(),
        days if days < 730.0 => format!("{:.0} months", days / DAYS_IN_MONTH),
        days => format!("{:.0} years", days / DAYS_IN_YEAR),
    }
}

/// A whole number with commas between thousands.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number <= -0.5 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The words with a capital at their beginning.
pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_as_people_say_them() {
        assert_eq!(
            [0.4, 12.0, 30.0, 61.0, 365.0, 425.0, 1200.0].map(span),
            ["a day", "12 days", "4 weeks", "2 months", "a year", "14 months", "3 years"]
        );
        assert_eq!(
            [1.0, 7.0, 14.0, 30.0, 180.0, 365.0, 800.0].map(every),
            ["day", "week", "two weeks", "month", "six months", "year", "2 years"]
        );
        assert_eq!(
            [1.0, 7.0, 14.0, 30.0, 90.0, 400.0].map(pace),
            ["daily", "weekly", "fortnightly", "monthly", "quarterly", "yearly"]
        );
        assert_eq!(
            [3.0, 20.0, 200.0, 800.0].map(distance),
            ["days apart", "weeks apart", "months apart", "years apart"]
        );
    }

    #[test]
    fn numbers_months_and_counts() {
        assert_eq!([0.0, 999.0, 1_000.0, -1_234_567.0].map(grouped), ["0", "999", "1,000", "-1,234,567"]);
        assert_eq!((month_of(0), month_of(9_921)), ("January 1970".to_owned(), "March 1997".to_owned()));
        assert_eq!((orders(1), orders(1_143)), ("1 order".to_owned(), "1,143 orders".to_owned()));
    }
}
