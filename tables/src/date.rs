//! Dates and times as people and programs write them, read in one form for a whole file.
//!
//! `03/10/2026` is a day of October in one file and of March in another. As with numbers, the cells of a file are looked
//! at first: `13/10/2026` proves the order of all. What nothing proves is not guessed, with one exception that is a rule
//! of writing rather than a guess: with dots the day comes first (`03.10.2026`), unless the file shows otherwise.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::number::Witness;

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
    /// Three numbers of which the last is the year, or with two digits perhaps the first.
    Three { numbers: [u32; 3], is_short: bool, separator: u8 },
}

struct Look {
    day: Day,
    time: NaiveTime,
    offset_secs: Option<i32>,
    has_time: bool,
}

impl Look {
    fn of(text: &str) -> Result<Look, DateError> {
        if text.len() > 64 || !text.is_ascii() {
            return Err(DateError::NotADate);
        }
        let bytes = text.as_bytes();
        if bytes.iter().all(u8::is_ascii_digit) {
            return digits_only(text);
        }
        if text.split_once('.').is_some_and(|(days, part)| {
            days.len() == 5 && days.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit())
        }) {
            return Err(DateError::DayNumber);
        }
        let mut scan = Scan { rest: bytes };
        let day = scan.day()?;
        scan.blanks();
        if scan.rest.is_empty() {
            return Ok(Look { day, time: NaiveTime::MIN, offset_secs: None, has_time: false });
        }
        if scan.rest[0] == b',' || scan.rest[0] == b'T' || scan.rest[0] == b't' {
            scan.rest = &scan.rest[1..];
            scan.blanks();
        }
        let time = scan.time()?;
        scan.blanks();
        let offset_secs = scan.offset()?;
        Ok(Look { day, time, offset_secs, has_time: true })
    }

    fn read(&self, order: Option<DateOrder>) -> Result<Moment, DateError> {
        let day = match self.day {
            Day::Certain(day) => day,
            Day::Three { numbers: [a, b, c], is_short, separator } => {
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
                    DateOrder::YearFirst if is_short => (a, b, c),
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

/// Digits alone: a compact day, or seconds or milliseconds since 1970.
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

    /// An English name of a month, at least three letters of it.
    fn month(&mut self) -> Option<u32> {
        const MONTHS: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = std::str::from_utf8(&self.rest[..length]).ok()?.to_ascii_lowercase();
        let number = MONTHS.iter().position(|month| {
            word.len() >= 3 && (month.starts_with(word.as_str()) || (word == "sept" && *month == "september"))
        })?;
        self.rest = &self.rest[length..];
        Some(u32::try_from(number).ok()? + 1)
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
        if let Some(month) = self.month() {
            // 7 Oct 2026, 07-Oct-26
            self.skip(b".");
            self.skip(b"-/ ,").ok_or(DateError::NotADate)?;
            self.blanks();
            let (year, digits) = self.digits(4).ok_or(DateError::NotADate)?;
            return certain(year, digits, month, first);
        }
        let (second, middle) = self.digits(2).ok_or(DateError::NotADate)?;
        if self.skip(&[separator]).is_none() || separator == b' ' {
            return Err(DateError::NotADate);
        }
        let (third, last) = self.digits(4).ok_or(DateError::NotADate)?;
        match (length, middle, last) {
            (4, 1..=2, 1..=2) => certain(first, 4, second, third),
            (1..=2, 1..=2, 4) => {
                Ok(Day::Three { numbers: [first, second, third], is_short: false, separator })
            }
            (1..=2, 1..=2, 2) => {
                Ok(Day::Three { numbers: [first, second, third], is_short: true, separator })
            }
            _ => Err(DateError::NotADate),
        }
    }

    fn time(&mut self) -> Result<NaiveTime, DateError> {
        let (mut hour, _) = self.digits(2).ok_or(DateError::NotADate)?;
        let mut minute = 0;
        let mut second = 0;
        let mut micros = 0;
        let has_minutes = self.skip(b":").is_some();
        if has_minutes {
            (minute, _) = self.digits(2).ok_or(DateError::NotADate)?;
            if self.skip(b":").is_some() {
                (second, _) = self.digits(2).ok_or(DateError::NotADate)?;
                if self.skip(b".,").is_some() {
                    let (fraction, length) = self.digits(9).ok_or(DateError::NotADate)?;
                    let scale = 10_u64.pow(9 - u32::try_from(length).unwrap_or(9));
                    micros = u32::try_from(u64::from(fraction) * scale / 1_000).unwrap_or(0);
                }
            }
        }
        self.blanks();
        let half = match self.rest {
            [b'a' | b'A', b'm' | b'M', ..] => Some(0),
            [b'p' | b'P', b'm' | b'M', ..] => Some(12),
            _ => None,
        };
        if let Some(half) = half {
            if !(1..=12).contains(&hour) {
                return Err(DateError::NoSuchDay);
            }
            hour = hour % 12 + half;
            self.rest = &self.rest[2..];
        } else if !has_minutes {
            return Err(DateError::NotADate);
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
    let Day::Three { numbers: [a, b, _], is_short, .. } = day else { return Proof::None };
    if is_short && a > 31 {
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

/// What the cells of a file say about the order of its dates.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    day_first: Option<Witness>,
    month_first: Option<Witness>,
    year_first: Option<Witness>,
    open: Option<Witness>,
    dotted: Option<Witness>,
    /// A year of two digits that can be no day, and so stands last.
    late_year: bool,
    /// A date whose year has two digits.
    short: Option<Witness>,
}

/// What the evidence comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// No cell needs an order.
    Unneeded,
    /// A cell proves this order (or writes with dots), and none another.
    Proven(DateOrder, &'a Witness),
    /// Cells prove different orders.
    Contradictory(&'a Witness, &'a Witness),
    /// There are dates that may be one or the other.
    Open(&'a Witness),
}

impl Evidence {
    /// Looks at a cell; what is no date is passed over.
    pub fn see(&mut self, text: &str, line: Option<u64>) {
        let text = text.trim();
        if plain(text).is_some() {
            return;
        }
        let Ok(look) = Look::of(text) else { return };
        let Day::Three { numbers: [_, _, c], is_short, separator } = look.day else { return };
        if is_short {
            self.late_year |= c > 31;
            self.short.get_or_insert_with(|| Witness::new(line, text));
        }
        let slot = match proof(look.day) {
            Proof::None | Proof::Same => return,
            Proof::Of(DateOrder::DayFirst) => &mut self.day_first,
            Proof::Of(DateOrder::MonthFirst) => &mut self.month_first,
            Proof::Of(DateOrder::YearFirst) => &mut self.year_first,
            Proof::Open if separator == b'.' => &mut self.dotted,
            Proof::Open => &mut self.open,
        };
        slot.get_or_insert_with(|| Witness::new(line, text));
    }

    /// Whether more cells would not change the verdict but for the worse.
    pub fn is_settled(&self) -> bool {
        self.month_first.is_some()
            || self.year_first.is_some()
            || (self.day_first.is_some() && (self.short.is_none() || self.late_year))
    }

    /// The verdict so far.
    pub fn verdict(&self) -> Verdict<'_> {
        if let Some(short) = &self.short {
            // `26/10/13` is a day of 2026 or of 2013, unless a month in the middle is none, or a number is no day.
            let may_be_years_first = self.month_first.is_none() && !self.late_year;
            match &self.year_first {
                Some(witness) if self.month_first.is_none() => {
                    return Verdict::Proven(DateOrder::YearFirst, witness);
                }
                Some(witness) => {
                    return Verdict::Contradictory(witness, self.month_first.as_ref().unwrap_or(short));
                }
                None if may_be_years_first => return Verdict::Open(short),
                None => {}
            }
        }
        match (&self.day_first, &self.month_first, &self.dotted, &self.open) {
            (Some(day), Some(month), _, _) => Verdict::Contradictory(day, month),
            (Some(witness), None, _, _) => Verdict::Proven(DateOrder::DayFirst, witness),
            (None, Some(witness), _, _) => Verdict::Proven(DateOrder::MonthFirst, witness),
            (None, None, _, Some(witness)) => Verdict::Open(witness),
            (None, None, Some(witness), None) => Verdict::Proven(DateOrder::DayFirst, witness),
            (None, None, None, None) => Verdict::Unneeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, order: Option<DateOrder>) -> Result<String, DateError> {
        parse(text, order).map(|moment| {
            let offset = moment.offset_secs.map(|secs| format!(" {secs}")).unwrap_or_default();
            format!("{}{offset}", moment.local.format("%Y-%m-%dT%H:%M:%S%.f"))
        })
    }

    #[test]
    fn dates_that_need_no_order() {
        for (text, expected) in [
            ("2026-10-07", "2026-10-07T00:00:00"),
            ("2026-10-07 09:50:26", "2026-10-07T09:50:26"),
            ("2026-10-07T09:50:26", "2026-10-07T09:50:26"),
            ("2026-10-07 09:50", "2026-10-07T09:50:00"),
            ("2026-10-07 09:50:26 +0200", "2026-10-07T09:50:26 7200"),
            ("2026-10-07T09:50:26.123456Z", "2026-10-07T09:50:26.123456 0"),
            ("2026-10-07T09:50:26-05:30", "2026-10-07T09:50:26 -19800"),
            ("2026-10-07 09:50:26 UTC", "2026-10-07T09:50:26 0"),
            ("2026-10-07 09:50:26 GMT+2", "2026-10-07T09:50:26 7200"),
            ("2026/10/7 9:05", "2026-10-07T09:05:00"),
            ("20261007", "2026-10-07T00:00:00"),
            ("1795168800", "2026-11-20T10:00:00 0"),
            ("1795168800000", "2026-11-20T10:00:00 0"),
            ("Oct 7, 2026, 1:05 PM", "2026-10-07T13:05:00"),
            ("October 7, 2026 12:05 am", "2026-10-07T00:05:00"),
            ("7 Oct 2026", "2026-10-07T00:00:00"),
            ("07-Oct-26 10:15:32", "2026-10-07T10:15:32"),
            ("03.10.2026", "2026-10-03T00:00:00"),
            ("13/10/2026", "2026-10-13T00:00:00"),
            ("10/13/2026", "2026-10-13T00:00:00"),
            ("10/10/2026", "2026-10-10T00:00:00"),
            ("2026-06-30T23:59:60Z", "2026-06-30T23:59:59 0"),
        ] {
            assert_eq!(read(text, None).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn dates_in_an_order() {
        use DateOrder::{DayFirst, MonthFirst, YearFirst};
        for (text, order, expected) in [
            ("03/10/2026", Some(DayFirst), Ok("2026-10-03T00:00:00")),
            ("03/10/2026", Some(MonthFirst), Ok("2026-03-10T00:00:00")),
            ("03/10/2026", None, Err(DateError::Open)),
            ("13/10/2026", Some(MonthFirst), Err(DateError::OtherOrder)),
            ("10/13/2026 10:15", Some(DayFirst), Err(DateError::OtherOrder)),
            ("31/11/2026", Some(DayFirst), Err(DateError::NoSuchDay)),
            ("10/1/26 8:26", Some(MonthFirst), Ok("2026-10-01T08:26:00")),
            ("26/10/01", Some(YearFirst), Ok("2026-10-01T00:00:00")),
            ("1/2/1998", Some(MonthFirst), Ok("1998-01-02T00:00:00")),
        ] {
            assert_eq!(read(text, order), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "2026",
            "10/2026",
            "2026-10-07T",
            "2026-10-07 9",
            "2026-10-07 10:15 CET",
            "1/2/3",
            "2026-1-1-1",
            "7 Foo 2026",
            "+5",
            "1e5",
        ] {
            assert_eq!(read(text, None), Err(DateError::NotADate), "{text}");
        }
        for text in ["2026-13-01", "2026-02-30", "2026-10-07 25:00:00", "20261340", "2026-10-07 13:00 PM"] {
            assert_eq!(read(text, None), Err(DateError::NoSuchDay), "{text}");
        }
        assert_eq!(read("45937", None), Err(DateError::DayNumber));
        assert_eq!(read("45937.4271", None), Err(DateError::DayNumber));
    }

    #[test]
    fn one_cell_proves_the_order_of_all() {
        let verdict = |cells: &[&str]| {
            let mut evidence = Evidence::default();
            for cell in cells {
                evidence.see(cell, None);
            }
            match evidence.verdict() {
                Verdict::Unneeded => "unneeded".to_owned(),
                Verdict::Proven(order, witness) => format!("{order:?} {}", witness.text),
                Verdict::Contradictory(one, other) => format!("{} against {}", one.text, other.text),
                Verdict::Open(witness) => format!("open {}", witness.text),
            }
        };
        assert_eq!(verdict(&["2026-10-07", "Oct 7, 2026"]), "unneeded");
        assert_eq!(verdict(&["03/10/2026", "13/10/2026", "04/11/2026 18:30"]), "DayFirst 13/10/2026");
        assert_eq!(verdict(&["03/10/2026", "04/11/2026"]), "open 03/10/2026");
        assert_eq!(verdict(&["10/10/2026"]), "unneeded");
        assert_eq!(verdict(&["13/10/2026", "10/13/2026"]), "13/10/2026 against 10/13/2026");
        assert_eq!(verdict(&["03.10.2026"]), "DayFirst 03.10.2026");
        assert_eq!(verdict(&["03.10.2026", "10.13.2026"]), "MonthFirst 10.13.2026");
        assert_eq!(verdict(&["26/10/01", "26/10/13"]), "open 26/10/01");
        assert_eq!(verdict(&["99/10/01", "99/10/13"]), "YearFirst 99/10/01");
        assert_eq!(verdict(&["13.10.26", "14.10.26"]), "open 13.10.26");
        assert_eq!(verdict(&["13.10.98", "14.10.26"]), "DayFirst 13.10.98");
        assert_eq!(verdict(&["10/1/26", "10/13/26", "11/2/26"]), "MonthFirst 10/13/26");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_date_or_a_reason(text in "\\PC{0,40}") {
            for order in [None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst), Some(DateOrder::YearFirst)] {
                let _ = parse(&text, order);
            }
            Evidence::default().see(&text, None);
        }

        #[test]
        fn what_looks_like_a_date_does_not_panic(text in "[0-9]{1,4}[-/. ][0-9]{1,4}[-/. ][0-9]{1,4}[T ,]?[0-9:. APMZ+-]{0,16}") {
            let _ = parse(&text, Some(DateOrder::DayFirst));
            Evidence::default().see(&text, None);
        }
    }
}
