//! Dates and times as people and programs write them, read in one form for a whole file.
//!
//! `03/10/2026` is a day of October in one file and of March in another. As with numbers, the cells of a file are looked
//! at first: `13/10/2026` proves the order of all. What nothing proves is not guessed, with one exception that is a rule
//! of writing rather than a guess: with dots the day comes first (`03.10.2026`), unless the file shows otherwise.

mod evidence;
mod months;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

pub use evidence::{Evidence, Verdict};

/// In which order a date that does not begin with its year is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// `13/10/2026`
    DayFirst,
    /// `10/13/2026`
    MonthFirst,
    /// `26/10/13`; four digits of a year need no order to be stated.
    YearFirst,
}

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// As written.
    pub local: NaiveDateTime,
    /// Seconds east of Greenwich, if the cell says.
    pub offset_secs: Option<i32>,
    /// Whether a time of day was written.
    pub has_time: bool,
}

/// Why a cell is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// It is not written as a date.
    #[error("is not a date and time (as 2026-01-31T12:00:00Z)")]
    NotADate,
    /// There is no such day or time.
    #[error("is a day or a time that does not exist")]
    NoSuchDay,
    /// It would need another order than the file's.
    #[error("does not fit the order of day and month of the rest of the file")]
    OtherOrder,
    /// Day first or month first: nothing says.
    #[error("may be day first or month first; state `dates`")]
    Open,
    /// A bare number of days, which a spreadsheet shows as a date and writes as a number.
    #[error("is a spreadsheet's number of a day; give the column a date format and save again")]
    DayNumber,
}

/// Reads a cell in the order that was found or stated; none when no cell of the file needed one.
pub fn parse(text: &str, order: Option<DateOrder>) -> Result<Moment, DateError> {
    let text = text.trim();
    if let Some(moment) = plain(text) {
        return moment;
    }
    let look = Look::of(text)?;
    look.read(order)
}

/// What most cells are: `2026-10-07`, perhaps with ` 09:50:26` behind it.
fn plain(text: &str) -> Option<Result<Moment, DateError>> {
    let bytes = text.as_bytes();
    let two = |at: usize| Some(digit(bytes[at])? * 10 + digit(bytes[at + 1])?);
    if !(bytes.len() == 10 || bytes.len() == 19) || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let date = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let time = if bytes.len() == 19 {
        if !matches!(bytes[10], b' ' | b'T') || bytes[13] != b':' || bytes[16] != b':' {
            return None;
        }
        (two(11)?, two(14)?, two(17)?)
    } else {
        (0, 0, 0)
    };
    let local = NaiveDate::from_ymd_opt(i32::try_from(date.0).ok()?, date.1, date.2)
        .and_then(|day| day.and_hms_opt(time.0, time.1, time.2));
    Some(match local {
        Some(local) => Ok(Moment { local, offset_secs: None, has_time: bytes.len() == 19 }),
        // A leap second, perhaps; the long way decides.
        None if time.2 == 60 => return None,
        None => Err(DateError::NoSuchDay),
    })
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

/// The day as written.
#[derive(Debug, Clone, Copy)]
enum Day {
    /// Nothing to decide.
    Certain(NaiveDate),
    /// Three numbers of which the last is the year, or with two digits perhaps the first; with one digit (`3.4.24`) the
    /// first is none.
    Three { numbers: [u32; 3], is_short: bool, may_be_year_first: bool, separator: u8 },
}

struct Look {
    day: Day,
    time: NaiveTime,
    offset_secs: Option<i32>,
    has_time: bool,
}

impl Look {
    fn of(text: &str) -> Result<Look, DateError> {
        let bare = without_zone_name(text);
        let look = Look::of_bare(bare)?;
        // The name repeats an offset; by itself it would have to be known.
        if bare.len() < text.len() && look.offset_secs.is_none() {
            return Err(DateError::NotADate);
        }
        Ok(look)
    }

    fn of_bare(text: &str) -> Result<Look, DateError> {
        if text.len() > 64 {
            return Err(DateError::NotADate);
        }
        // Spreadsheets and web pages put blanks that are not broken between the parts.
        let plain: String;
        let text = if text.contains(['\u{a0}', '\u{202f}']) {
            plain = text.replace(['\u{a0}', '\u{202f}'], " ");
            plain.as_str()
        } else {
            text
        };
        let east_asian: String;
        let text = if text.contains('\u{5e74}') {
            east_asian = with_signs(text);
            east_asian.as_str()
        } else {
            without_weekday(text)
        };
        let bytes = text.as_bytes();
        if bytes.iter().all(u8::is_ascii_digit) {
            return digits_only(text);
        }
        if let Some(look) = compact(text) {
            return look;
        }
        if text.split_once('.').is_some_and(|(days, part)| {
            days.len() == 5 && days.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit())
        }) {
            return Err(DateError::DayNumber);
        }
        let mut scan = Scan { rest: bytes };
        let day = scan.day()?;
        // Where the year comes first, some write a point behind the day as well.
        if matches!(day, Day::Certain(_)) {
            scan.skip(b".");
        }
        scan.blanks();
        if scan.rest.is_empty() {
            return Ok(Look { day, time: NaiveTime::MIN, offset_secs: None, has_time: false });
        }
        if scan.rest[0] == b',' || scan.rest[0] == b'T' || scan.rest[0] == b't' {
            scan.rest = &scan.rest[1..];
            scan.blanks();
        }
        scan.at();
        let time = scan.time()?;
        scan.blanks();
        let offset_secs = scan.offset()?;
        Ok(Look { day, time, offset_secs, has_time: true })
    }

    fn read(&self, order: Option<DateOrder>) -> Result<Moment, DateError> {
        let day = match self.day {
            Day::Certain(day) => day,
            Day::Three { numbers: [a, b, c], is_short, may_be_year_first, separator } => {
                let order = match order {
                    Some(order) => order,
                    None if separator == b'.' => DateOrder::DayFirst,
                    None => match proof(self.day) {
                        Proof::Of(order) => order,
                        Proof::Same => DateOrder::DayFirst,
                        Proof::Open | Proof::None => return Err(DateError::Open),
                    },
                };
                let (year, month, day) = match order {
                    DateOrder::DayFirst => (c, b, a),
                    DateOrder::MonthFirst => (c, a, b),
                    DateOrder::YearFirst if may_be_year_first => (a, b, c),
                    DateOrder::YearFirst => return Err(DateError::OtherOrder),
                };
                let year = if is_short { full_year(year) } else { year };
                match date(year, month, day) {
                    Some(date) => date,
                    None if month > 12 && day <= 12 => return Err(DateError::OtherOrder),
                    None => return Err(DateError::NoSuchDay),
                }
            }
        };
        Ok(Moment { local: day.and_time(self.time), offset_secs: self.offset_secs, has_time: self.has_time })
    }
}

/// Two digits are a year from 1970 to 2069, as POSIX has it (but for 1969, in which nobody sold on the web).
fn full_year(short: u32) -> u32 {
    if short >= 70 { 1900 + short } else { 2000 + short }
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// `2026年10月13日 9時5分` with the signs that stand for these words elsewhere.
fn with_signs(text: &str) -> String {
    let mut signs = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\u{5e74}' | '\u{6708}' => signs.push('-'),
            '\u{65e5}' => signs.push(' '),
            '\u{6642}' | '\u{65f6}' | '\u{5206}' => signs.push(':'),
            '\u{79d2}' => {}
            other => signs.push(other),
        }
    }
    signs.trim_end_matches([':', ' ']).to_owned()
}

/// Days of the week as they stand before a date without a comma, in lower case.
const WEEKDAYS: &str = "mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mon tue \
    wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday lun mar mer jeu ven sam \
    dim lundi mardi mercredi jeudi vendredi samedi dimanche ma wo";

/// Takes the day of the week off: `Tue, 13 Oct 2026`, `Mo 02.03.2026`, `Fri Mar 13 2026`.
fn without_weekday(text: &str) -> &str {
    if let Some((word, rest)) = text.split_once(',')
        && !word.is_empty()
        && word.chars().all(|sign| sign.is_alphabetic() || sign == '.')
    {
        return rest.trim_start();
    }
    let Some((word, rest)) = text.split_once(' ') else { return text };
    let rest = rest.trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // `mar 13 2026` is a day of March.
    let is_before_date = match rest.as_bytes().get(digits) {
        Some(b'.' | b'/' | b'-') => digits > 0,
        Some(sign) => digits == 0 && sign.is_ascii_alphabetic(),
        None => false,
    };
    let is_weekday = || {
        let word = word.trim_end_matches('.').to_lowercase();
        WEEKDAYS.split(' ').any(|day| day == word)
    };
    if is_before_date && is_weekday() { rest } else { text }
}

/// Takes off the name of the zone that some write behind its offset: `GMT+0100 (Central European Standard Time)`,
/// `+01:00[Europe/Berlin]`.
fn without_zone_name(text: &str) -> &str {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|sign| sign.is_alphabetic() || " /_+-".contains(sign))
    };
    let parted = match text.strip_suffix(')') {
        Some(rest) => rest.split_once(" ("),
        None => text.strip_suffix(']').and_then(|rest| rest.split_once('[')),
    };
    parted.filter(|(_, name)| is_name(name)).map_or(text, |(bare, _)| bare)
}

/// A day and a time without signs between their parts: `20261013T101500Z`, `20261013T1015`.
fn compact(text: &str) -> Option<Result<Look, DateError>> {
    let (text, offset_secs) = match text.strip_suffix('Z') {
        Some(rest) => (rest, Some(0)),
        None => (text, None),
    };
    let (day, time) = text.split_at_checked(8)?;
    let time = time.strip_prefix('T')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(day) || !is_digits(time) || !matches!(time.len(), 4 | 6) {
        return None;
    }
    Some(of_digits(day, time, offset_secs))
}

/// `20261013` and `101500` or `1015`.
fn of_digits(day: &str, time: &str, offset_secs: Option<i32>) -> Result<Look, DateError> {
    let of = |text: &str| text.parse::<u32>().unwrap_or(0);
    let day = date(of(&day[0..4]), of(&day[4..6]), of(&day[6..8])).ok_or(DateError::NoSuchDay)?;
    let time = NaiveTime::from_hms_opt(of(&time[0..2]), of(&time[2..4]), of(time.get(4..6).unwrap_or("0")))
        .ok_or(DateError::NoSuchDay)?;
    Ok(Look { day: Day::Certain(day), time, offset_secs, has_time: true })
}

/// Digits alone: a compact day, perhaps with its time, or seconds or milliseconds since 1970.
fn digits_only(text: &str) -> Result<Look, DateError> {
    let number: i64 = text.parse().map_err(|_| DateError::NotADate)?;
    let whole = |local: NaiveDateTime| Look {
        day: Day::Certain(local.date()),
        time: local.time(),
        offset_secs: Some(0),
        has_time: true,
    };
    match text.len() {
        5 => Err(DateError::DayNumber),
        8 => {
            let of = |range: std::ops::Range<usize>| text[range].parse().unwrap_or(0);
            let day = date(of(0..4), of(4..6), of(6..8)).ok_or(DateError::NoSuchDay)?;
            Ok(Look { day: Day::Certain(day), time: NaiveTime::MIN, offset_secs: None, has_time: false })
        }
        9 | 10 => Ok(whole(DateTime::from_timestamp(number, 0).ok_or(DateError::NotADate)?.naive_utc())),
        12 | 13 => Ok(whole(DateTime::from_timestamp_millis(number).ok_or(DateError::NotADate)?.naive_utc())),
        14 => of_digits(&text[..8], &text[8..], None),
        _ => Err(DateError::NotADate),
    }
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Digits from here, at most `most`: their value and number.
    fn digits(&mut self, most: usize) -> Option<(u32, usize)> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 || length > most {
            return None;
        }
        let value = self.rest[..length].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
        self.rest = &self.rest[length..];
        Some((value, length))
    }

    fn skip(&mut self, signs: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        if !signs.contains(first) {
            return None;
        }
        self.rest = rest;
        Some(*first)
    }

    /// A name of a month, at least three letters of it.
    fn month(&mut self) -> Option<u32> {
        let length =
            self.rest.iter().take_while(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()).count();
        let number = months::number(std::str::from_utf8(&self.rest[..length]).ok()?)?;
        self.rest = &self.rest[length..];
        Some(number)
    }

    /// The word that stands between the parts of a date in Spanish and Portuguese: `7 de octubre de 2026`.
    fn of(&mut self) {
        if let [b'd' | b'D', b'e' | b'E', b' ', rest @ ..] = self.rest {
            self.rest = rest.trim_ascii_start();
        }
    }

    fn day(&mut self) -> Result<Day, DateError> {
        const BETWEEN: &[u8] = b"-/. ";
        if let Some(month) = self.month() {
            // October 7, 2026
            self.skip(b".");
            self.blanks();
            let (day, _) = self.digits(2).ok_or(DateError::NotADate)?;
            self.skip(b",");
            self.blanks();
            let (year, length) = self.digits(4).ok_or(DateError::NotADate)?;
            return certain(year, length, month, day);
        }
        let (first, length) = self.digits(4).ok_or(DateError::NotADate)?;
        let separator = self.skip(BETWEEN).ok_or(DateError::NotADate)?;
        if separator == b'.' || separator == b' ' {
            // 7. Oktober 2026, 13. 10. 2026
            self.blanks();
            self.of();
        }
        if let Some(month) = self.month() {
            // 7 Oct 2026, 07-Oct-26
            self.skip(b".");
            self.skip(b"-/ ,").ok_or(DateError::NotADate)?;
            self.blanks();
            self.of();
            let (year, digits) = self.digits(4).ok_or(DateError::NotADate)?;
            return certain(year, digits, month, first);
        }
        let (second, middle) = self.digits(2).ok_or(DateError::NotADate)?;
        if self.skip(&[separator]).is_none() || separator == b' ' {
            return Err(DateError::NotADate);
        }
        if separator == b'.' {
            self.blanks();
        }
        let (third, last) = self.digits(4).ok_or(DateError::NotADate)?;
        match (length, middle, last) {
            (4, 1..=2, 1..=2) => certain(first, 4, second, third),
            (1..=2, 1..=2, 2 | 4) => {
                let is_short = last == 2;
                let may_be_year_first = is_short && length == 2;
                Ok(Day::Three { numbers: [first, second, third], is_short, may_be_year_first, separator })
            }
            _ => Err(DateError::NotADate),
        }
    }

    /// The word between a day and its time: `1 March 2026 at 14:05`, `1. März 2026 um 14:05 Uhr`.
    fn at(&mut self) {
        for word in ["at ", "um ", "\u{e0} ", "kl. ", "kl ", "om "] {
            if let Some(rest) = self.rest.strip_prefix(word.as_bytes()) {
                self.rest = rest.trim_ascii_start();
                return;
            }
        }
    }

    /// `am`, `a.m.` or `a. m.`: the hours that are added to those of the clock's face.
    fn half_of_day(&mut self) -> Option<u32> {
        let (first, rest) = self.rest.split_first()?;
        let hours = match first {
            b'a' | b'A' => 0,
            b'p' | b'P' => 12,
            _ => return None,
        };
        let rest = rest.strip_prefix(b".").map_or(rest, <[u8]>::trim_ascii_start);
        let [b'm' | b'M', rest @ ..] = rest else { return None };
        self.rest = rest.strip_prefix(b".").unwrap_or(rest);
        Some(hours)
    }

    fn time(&mut self) -> Result<NaiveTime, DateError> {
        let (mut hour, _) = self.digits(2).ok_or(DateError::NotADate)?;
        let mut minute = 0;
        let mut second = 0;
        let mut micros = 0;
        // 10:15, 10h15, 10.15
        let mark = self.skip(b":hH.");
        let has_minutes = mark.is_some();
        if has_minutes {
            let (minutes, length) = self.digits(2).ok_or(DateError::NotADate)?;
            if length == 1 && mark != Some(b':') {
                return Err(DateError::NotADate);
            }
            minute = minutes;
            let again: &[u8] = if mark == Some(b'.') { b"." } else { b":" };
            if self.skip(again).is_some() {
                (second, _) = self.digits(2).ok_or(DateError::NotADate)?;
                if self.skip(b".,").is_some() {
                    let (fraction, length) = self.digits(9).ok_or(DateError::NotADate)?;
                    let scale = 10_u64.pow(9 - u32::try_from(length).unwrap_or(9));
                    micros = u32::try_from(u64::from(fraction) * scale / 1_000).unwrap_or(0);
                }
            }
        }
        self.blanks();
        if let Some(half) = self.half_of_day() {
            if !(1..=12).contains(&hour) {
                return Err(DateError::NoSuchDay);
            }
            hour = hour % 12 + half;
        } else if !has_minutes {
            return Err(DateError::NotADate);
        }
        self.blanks();
        if let Some(rest) = self.rest.strip_prefix(b"Uhr") {
            self.rest = rest;
        }
        // A leap second is the last one of its minute: nothing here counts that finely.
        let second = if second == 60 { 59 } else { second };
        NaiveTime::from_hms_micro_opt(hour, minute, second, micros).ok_or(DateError::NoSuchDay)
    }

    /// Nothing, `Z`, `UTC`, `GMT`, `+02:00`, `+0200`, `+02`, or one of these behind `UTC` or `GMT`.
    fn offset(&mut self) -> Result<Option<i32>, DateError> {
        let mut is_named = false;
        for name in ["UTC", "GMT", "Z", "z"] {
            if let Some(rest) = self.rest.strip_prefix(name.as_bytes()) {
                self.rest = rest;
                is_named = true;
                break;
            }
        }
        let Some(sign) = self.skip(b"+-") else {
            return if self.rest.is_empty() { Ok(is_named.then_some(0)) } else { Err(DateError::NotADate) };
        };
        let (hours, minutes) = match self.digits(4).ok_or(DateError::NotADate)? {
            (hours, 1..=2) if self.skip(b":").is_some() => {
                (hours, self.digits(2).ok_or(DateError::NotADate)?.0)
            }
            (hours, 1..=2) => (hours, 0),
            (both, 4) => (both / 100, both % 100),
            _ => return Err(DateError::NotADate),
        };
        if !self.rest.is_empty() || hours > 14 || minutes > 59 {
            return Err(DateError::NotADate);
        }
        let secs = i32::try_from(hours * 3_600 + minutes * 60).map_err(|_| DateError::NotADate)?;
        Ok(Some(if sign == b'-' { -secs } else { secs }))
    }
}

fn certain(year: u32, year_digits: usize, month: u32, day: u32) -> Result<Day, DateError> {
    let year = match year_digits {
        4 => year,
        2 => full_year(year),
        _ => return Err(DateError::NotADate),
    };
    date(year, month, day).map(Day::Certain).ok_or(DateError::NoSuchDay)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    None,
    Of(DateOrder),
    /// Day and month are equal: it is the same day either way.
    Same,
    Open,
}

fn proof(day: Day) -> Proof {
    let Day::Three { numbers: [a, b, _], is_short, may_be_year_first, .. } = day else { return Proof::None };
    if may_be_year_first && a > 31 {
        return Proof::Of(DateOrder::YearFirst);
    }
    match (a > 12, b > 12) {
        (true, false) => Proof::Of(DateOrder::DayFirst),
        (false, true) => Proof::Of(DateOrder::MonthFirst),
        (true, true) => Proof::None,
        (false, false) if a == b && !is_short => Proof::Same,
        (false, false) => Proof::Open,
    }
}
