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
        false => {
            Err("must be a name of the Encoding Standard, e.g. utf-8, windows-1252, utf-16le".to_owned())
        }
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
        _ => Err(
            "must be comma, semicolon, tab, pipe, or one ASCII character that is no letter, digit or quote"
                .to_owned(),
        ),
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
        _ => Err("must be point (1,299.50) or comma (1.299,50)".to_owned()),
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
        _ => {
            Err("must be day_first (31/12/2026), month_first (12/31/2026) or year_first (26/12/31)"
                .to_owned())
        }
    }
}

/// A time zone.
///
/// # Errors
/// Says what is accepted.
pub fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "must be a time zone like Europe/Berlin".to_owned())
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
    Err(format!("must be one of {}", names.join(", ")))
}
