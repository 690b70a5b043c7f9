//! Dates of order files: `1997-01-31`, with or without a time of day. Wall-clock time is kept as it stands, because
//! hours and weekdays mean the shop's own; an offset or a Z behind it is read over.

/// Minutes since 1970-01-01T00:00 of a date or a timestamp; none if it is neither.
pub fn parse_minute(text: &str) -> Option<i32> {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(text[at + 1..].trim())),
        None => (text, None),
    };
    let day = parse_day(date)?;
    let minutes = match time {
        Some(time) => minute_of_day(time)?,
        None => 0,
    };
    i32::try_from(i64::from(day) * 1440 + minutes).ok()
}

/// Days since 1970-01-01 of `YYYY-MM-DD`; none if it is no day of the calendar.
pub fn parse_day(text: &str) -> Option<i32> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return None;
    }
    let (year, month, day) = (digits(year)?, digits(month)?, digits(day)?);
    if !(1..=12).contains(&month) || day < 1 || day > month_length(year, month) {
        return None;
    }
    // days of a civil calendar by counting years from March (the usual era arithmetic)
    let year_from_march = if month <= 2 { year - 1 } else { year };
    let era = year_from_march.div_euclid(400);
    let year_of_era = year_from_march.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(
        (era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
            as i32,
    )
}

/// `YYYY-MM-DD` of a day since 1970-01-01.
pub fn name(day: i32) -> String {
    let shifted = i64::from(day) + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

fn minute_of_day(time: &str) -> Option<i64> {
    let clock = time.trim_end_matches(['Z', 'z']).split(['+', '-']).next()?.trim();
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let second = parts.next().map_or(Some(0.0), |text| text.parse::<f64>().ok())?;
    let sound = hour < 24 && minute < 60 && (0.0..61.0).contains(&second) && parts.next().is_none();
    sound.then_some(hour * 60 + minute)
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn month_length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_and_times() {
        assert_eq!(parse_day("1970-01-01"), Some(0));
        assert_eq!(parse_day("2000-03-01"), Some(11_017));
        assert_eq!(parse_day("1997-02-29"), None);
        assert_eq!(parse_day("97-02-01"), None);
        assert_eq!(parse_minute("1970-01-02 01:30:59"), Some(1440 + 90));
        assert_eq!(parse_minute("1970-01-02T01:30:59.25+02:00"), Some(1440 + 90));
        assert_eq!(parse_minute("1970-01-02T25:00"), None);
        assert_eq!(parse_minute("9999-01-01"), None);
    }

    proptest! {
        #[test]
        fn a_name_is_read_back(day in -700_000i32..2_900_000) {
            prop_assert_eq!(parse_day(&name(day)), Some(day));
        }

        #[test]
        fn any_text_is_a_time_or_not(text in "\\PC{0,24}") {
            let _ = parse_minute(&text);
        }
    }
}
