//! A point in time, in whichever form it comes: ISO 8601 with and without an offset, with and without its colon, a
//! number of seconds or of parts of them since 1970, the form of mail and of browsers, and as people write it, unless it
//! may mean two days.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};

/// The longest text that is looked at, in bytes.
const MAX_BYTES: usize = 80;

/// Forms of a time whose offset, if there is one, was taken off before.
const LOCAL: [&str; 9] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y%m%dT%H%M%S%.f",
    "%a %b %d %Y %H:%M:%S",
    "%a %b %e %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S",
];

/// Days as people write them, and times behind them. With dots the day stands first; with strokes either does.
const DOTTED: &str = "%d.%m.%Y";
const STROKED: [&str; 2] = ["%d/%m/%Y", "%m/%d/%Y"];
const BEHIND: [&str; 6] = [" %H:%M:%S%.f", " %H:%M", ", %H:%M:%S%.f", ", %H:%M", " %I:%M %p", " %I:%M:%S %p"];

/// The time that a text means; without an offset it is UTC. None when it means none, or one that no ticket can have.
pub fn of_text(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_BYTES {
        return None;
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return plausible(time.to_utc());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+')) {
        return of_number(text);
    }
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return plausible(time.to_utc());
    }
    let (local, ahead_secs) = without_offset(text)?;
    let time = LOCAL.iter().find_map(|form| NaiveDateTime::parse_from_str(local, form).ok());
    let time = time.or_else(|| NaiveDate::parse_from_str(local, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0));
    let time = time.or_else(|| as_people_write(local))?;
    plausible(time.checked_sub_signed(TimeDelta::seconds(ahead_secs))?.and_utc())
}

/// None when the same text means two days, the fourth of May and the fifth of April.
fn as_people_write(local: &str) -> Option<NaiveDateTime> {
    let read = |day: &str| {
        BEHIND.iter().find_map(|time| NaiveDateTime::parse_from_str(local, &format!("{day}{time}")).ok())
    };
    let [day_first, month_first] = STROKED.map(read);
    match (day_first, month_first) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other).or_else(|| read(DOTTED)),
    }
}

/// The time that a number means: seconds since 1970, or thousandths, millionths or billionths of them, by its size.
pub fn of_number(digits: &str) -> Option<DateTime<Utc>> {
    let number: f64 = digits.parse().ok()?;
    let per_second = match number {
        1e8..1e11 => 1.0,
        1e11..1e14 => 1e3,
        1e14..1e17 => 1e6,
        1e17..1e20 => 1e9,
        _ => return None,
    };
    // Whole numbers keep every digit; a double has room for microseconds.
    let whole = digits.parse::<i64>().ok();
    let time = match (whole, per_second) {
        (Some(secs), 1.0) => DateTime::from_timestamp(secs, 0),
        (Some(millis), 1e3) => DateTime::from_timestamp_millis(millis),
        (Some(micros), 1e6) => DateTime::from_timestamp_micros(micros),
        #[expect(clippy::cast_possible_truncation, reason = "the ranges above bound it")]
        _ => DateTime::from_timestamp_micros((number / per_second * 1e6).round() as i64),
    };
    plausible(time?)
}

/// The text without its offset, and how many seconds that is ahead of UTC.
fn without_offset(text: &str) -> Option<(&str, i64)> {
    // Browsers add the zone's name: `GMT+0100 (Central European Standard Time)`.
    let text = match text.split_once('(') {
        Some((before, _)) => before.trim_end(),
        None => text,
    };
    let zone = |text: &str, name: &str| {
        let start = text.len().checked_sub(name.len())?;
        text.get(start..)?.eq_ignore_ascii_case(name).then_some(start)
    };
    for name in ["UTC", "GMT", "Z"] {
        if let Some(start) = zone(text, name) {
            return Some((text[..start].trim_end(), 0));
        }
    }
    // An offset stands behind the minutes; a sign before them belongs to the date.
    let behind_minutes = text.find(':').unwrap_or(text.len());
    let Some(sign_at) = text[behind_minutes..].find(['+', '-']).map(|found| behind_minutes + found) else {
        return Some((text, 0));
    };
    let digits = text[sign_at + 1..].replace(':', "");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 15 || minutes > 59 {
        return None;
    }
    let secs = (hours * 60 + minutes) * 60;
    let local = text[..sign_at].trim_end();
    let local = ["UTC", "GMT"].iter().find_map(|name| zone(local, name)).map_or(local, |end| &local[..end]);
    let is_behind = text.as_bytes()[sign_at] == b'-';
    Some((local.trim_end(), if is_behind { -secs } else { secs }))
}

/// A year that a help desk's tickets can have; any other is a mistake, or a placeholder.
fn plausible(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1990..2200).contains(&time.year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_means_the_same_moment() {
        for text in [
            "2026-11-20T10:00:00Z",
            "2026-11-20T10:00:00",
            "2026-11-20 10:00:00",
            "2026-11-20 10:00:00 UTC",
            "2026-11-20 10:00:00Z",
            "2026-11-20T10:00:00+0000",
            "2026-11-20T12:00:00+0200",
            "2026-11-20T12:00:00+02",
            "2026-11-20 12:00:00 +02:00",
            "2026-11-20T04:30:00.000-05:30",
            "2026-11-20T04:30:00.000-0530",
            "2026-11-20T10:00Z",
            "2026-11-20 10:00",
            "2026/11/20 10:00:00",
            "20261120T100000Z",
            "Fri, 20 Nov 2026 10:00:00 +0000",
            "Fri, 20 Nov 2026 10:00:00 GMT",
            "Fri Nov 20 2026 11:00:00 GMT+0100 (Central European Standard Time)",
            "Fri Nov 20 10:00:00 2026",
            "20.11.2026 10:00",
            "20.11.2026, 10:00:00",
            "20.11.2026 12:00:00 +0200",
            "20/11/2026 10:00",
            "11/20/2026 10:00:00",
            "11/20/2026 10:00 AM",
            "1795168800",
            "1795168800.0",
            "1795168800000",
            "1795168800000000",
            "1795168800000000000",
            "1.7951688e9",
            " 2026-11-20T10:00:00Z ",
        ] {
            assert_eq!(
                of_text(text).map(|time| time.timestamp_micros()),
                Some(1_795_168_800_000_000),
                "{text}"
            );
        }
        assert_eq!(of_text("2026-11-20").map(|time| time.timestamp()), Some(1_795_132_800));
        assert_eq!(of_text("1795168800.25").map(|time| time.timestamp_millis()), Some(1_795_168_800_250));
        assert_eq!(of_text("1795168800123").map(|time| time.timestamp_millis()), Some(1_795_168_800_123));
    }

    #[test]
    fn a_day_that_may_be_another_is_none_and_one_that_may_not_is_read() {
        let at = |text: &str| of_text(text).map(|time| time.to_rfc3339());
        assert_eq!(at("01.03.2026 10:00").as_deref(), Some("2026-03-01T10:00:00+00:00"));
        assert_eq!(at("05/05/2026 10:00").as_deref(), Some("2026-05-05T10:00:00+00:00"));
        assert_eq!(at("04/05/2026 10:00"), None);
    }

    #[test]
    fn what_means_no_moment_is_none() {
        for text in [
            "",
            "soon",
            "0",
            "5",
            "-1",
            "12",
            "false",
            "0000-00-00 00:00:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
            "2026-11-20T10:00:00+99:00",
            "11.20.2026 10:00:00",
            "01.03.26 10:00",
            "04/05/2026 10:00",
            "1e300",
            "99999999999999999999999",
            "2026-11-20T10:00:00 Europe/Berlin",
            "2026-11-20T10:00:00+02:00:00",
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_plausible_time_or_none(text in "\\PC{0,90}") {
            if let Some(time) = of_text(&text) {
                prop_assert!((1990..2200).contains(&time.year()));
            }
        }

        #[test]
        fn what_looks_like_a_time_is_one_or_none(text in "[0-9TZ:+ .()GMUCe-]{0,40}") {
            let _ = of_text(&text);
        }
    }
}
