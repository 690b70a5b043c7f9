//! The words by which a caller states how a file is read, for parameters and arguments alike.

use chrono_tz::Tz;
use tables::date::DateOrder;
use tables::number::DecimalMark;

use crate::orders::profiles;

/// The name of an encoding.
///
/// # Errors
/// Says what is accepted.
pub fn encoding(label: &str) -> Result<String, String> {
    match tables::is_encoding(label) {
        true => Ok(label.to_owned()),
        false => Err(format!(
            "must be a name of the Encoding Standard, e.g. utf-8, windows-1252, utf-16le, {}",
            not(label)
        )),
    }
}

/// A separator: its sign or its name.
///
/// # Errors
/// Says what is accepted.
pub fn separator(text: &str) -> Result<char, String> {
    match text {
        "comma" => return Ok(','),
        "semicolon" => return Ok(';'),
        "tab" | "\\t" => return Ok('\t'),
        "pipe" => return Ok('|'),
        _ => {}
    }
    let mut signs = text.chars();
    match (signs.next(), signs.next()) {
        (Some(sign), None)
            if sign.is_ascii() && !sign.is_ascii_alphanumeric() && !"\"\r\n\0".contains(sign) =>
        {
            Ok(sign)
        }
        _ => Err(format!(
            "must be comma, semicolon, tab, pipe, or one ASCII character that is no letter, digit or quote, {}",
            not(text)
        )),
    }
}

/// What stands before decimals.
///
/// # Errors
/// Says what is accepted.
pub fn decimal(text: &str) -> Result<DecimalMark, String> {
    match text {
        "point" => Ok(DecimalMark::Point),
        "comma" => Ok(DecimalMark::Comma),
        _ => Err(format!("must be point (1,299.50) or comma (1.299,50), {}", not(text))),
    }
}

/// The order of dates that do not begin with four digits of a year.
///
/// # Errors
/// Says what is accepted.
pub fn dates(text: &str) -> Result<DateOrder, String> {
    match text {
        "day_first" => Ok(DateOrder::DayFirst),
        "month_first" => Ok(DateOrder::MonthFirst),
        "year_first" => Ok(DateOrder::YearFirst),
        _ => Err(format!(
            "must be day_first (31/12/2026), month_first (12/31/2026) or year_first (26/12/31), {}",
            not(text)
        )),
    }
}

/// A time zone.
///
/// # Errors
/// Says what is accepted.
pub fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| format!("must be a time zone like Europe/Berlin, {}", not(text)))
}

/// The name of a profile.
///
/// # Errors
/// Says which there are.
pub fn profile(text: &str) -> Result<(), String> {
    if profiles::named(text).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = profiles::ALL.iter().map(|profile| profile.name).collect();
    Err(format!("must be one of {}, {}", names.join(", "), not(text)))
}

/// What was stated instead, in part.
fn not(text: &str) -> String {
    let seen: String = text.chars().filter(|sign| !sign.is_control()).take(40).collect();
    format!("not `{seen}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_told() {
        for error in [
            encoding("komma").err(),
            separator("komma").err(),
            decimal("komma").err(),
            dates("komma").err(),
            zone("komma").err(),
            profile("komma").err(),
        ] {
            let error = error.expect("it is refused");
            assert!(error.ends_with("not `komma`"), "{error}");
        }
    }
}
