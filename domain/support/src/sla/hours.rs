//! Opening hours as people write them and as they are stored, and what is wrong with them.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, Open};

/// Opening spans a day, at most.
const MAX_SPANS: usize = 12;

/// Days that are not as their day of the week, at most.
pub const MAX_DAYS: usize = 1_000;

/// A calendar's hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursSpec {
    /// IANA name of the time zone.
    pub zone: String,
    /// The days of the week; a day that is left out is closed.
    #[serde(default)]
    pub week: WeekSpec,
    /// Holidays, and days that are open at other times.
    #[serde(default)]
    pub holidays: Vec<DaySpec>,
}

/// An opening span, `["09:00", "17:00"]`; `24:00` is the end of the day.
pub type SpanSpec = (String, String);

/// The days of the week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeekSpec {
    /// Monday, as all days in the order of time; closed when empty.
    pub mon: Vec<SpanSpec>,
    /// Tuesday.
    pub tue: Vec<SpanSpec>,
    /// Wednesday.
    pub wed: Vec<SpanSpec>,
    /// Thursday.
    pub thu: Vec<SpanSpec>,
    /// Friday.
    pub fri: Vec<SpanSpec>,
    /// Saturday.
    pub sat: Vec<SpanSpec>,
    /// Sunday.
    pub sun: Vec<SpanSpec>,
}

/// A day that is not as its day of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaySpec {
    /// The local date.
    pub date: NaiveDate,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it is open all the same: none on a whole holiday.
    #[serde(default)]
    pub open: Vec<SpanSpec>,
}

/// What is wrong: where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place, for example `week.mon[1]`.
    pub field: String,
    /// In words.
    pub what: String,
}

impl Fault {
    /// A fault at this place.
    pub fn at(field: impl Into<String>, what: impl Into<String>) -> Fault {
        Fault { field: field.into(), what: what.into() }
    }
}

impl HoursSpec {
    /// The calendar.
    ///
    /// # Errors
    /// The first fault: an unknown zone, a time that is none, a span that ends before it begins or meets another one, a
    /// day twice, too many of anything.
    pub fn read(&self) -> Result<Calendar, Fault> {
        let zone = zone("zone", &self.zone)?;
        let week = &self.week;
        let days = [
            ("mon", &week.mon),
            ("tue", &week.tue),
            ("wed", &week.wed),
            ("thu", &week.thu),
            ("fri", &week.fri),
            ("sat", &week.sat),
            ("sun", &week.sun),
        ];
        let mut read: [Vec<Open>; 7] = std::array::from_fn(|_| Vec::new());
        for (place, (name, spans)) in read.iter_mut().zip(days) {
            *place = day(&format!("week.{name}"), spans)?;
        }
        if self.holidays.len() > MAX_DAYS {
            return Err(Fault::at("holidays", format!("at most {MAX_DAYS} days are taken")));
        }
        let mut seen = BTreeSet::new();
        let mut special = Vec::with_capacity(self.holidays.len());
        for (index, one) in self.holidays.iter().enumerate() {
            let field = format!("holidays[{index}]");
            if !seen.insert(one.date) {
                return Err(Fault::at(format!("{field}.date"), format!("{} is there twice", one.date)));
            }
            if !(1970..=2200).contains(&chrono::Datelike::year(&one.date)) {
                return Err(Fault::at(format!("{field}.date"), "must be a date from 1970 to 2200"));
            }
            if one.name.as_ref().is_some_and(|name| name.chars().count() > 100 || name.contains('\0')) {
                return Err(Fault::at(format!("{field}.name"), "must have at most 100 characters"));
            }
            special.push((one.date, day(&format!("{field}.open"), &one.open)?));
        }
        Ok(Calendar::new(zone, read, special))
    }

    /// As [`HoursSpec::read`], and the shop opens at all: within a year from `now` and again within the year after it.
    ///
    /// # Errors
    /// As for `read`, or no minute is open.
    pub fn check(&self, now: DateTime<Utc>) -> Result<Calendar, Fault> {
        let calendar = self.read()?;
        if calendar.weekly_minutes() == 0 {
            return Err(Fault::at(
                "week",
                "no minute of any week is open, so nothing would ever be due; at least one day needs a span such as \
                 [\"09:00\", \"17:00\"]",
            ));
        }
        let year = TimeDelta::days(366);
        for (from, to) in [(now, now + year), (now + year, now + year + year)] {
            if calendar.first_open(from, to).is_none() {
                let what = format!(
                    "no minute is open from {} to {}: the holidays cover every day that the week opens",
                    from.format("%Y-%m-%d"),
                    to.format("%Y-%m-%d")
                );
                return Err(Fault::at("holidays", what));
            }
        }
        Ok(calendar)
    }
}

/// The zone of that name.
///
/// # Errors
/// There is none; the fault names those that are written alike.
pub fn zone(field: &str, name: &str) -> Result<Tz, Fault> {
    name.parse().map_err(|_| {
        let near = near_names(name);
        let hint = if near.is_empty() { "Europe/Berlin".to_owned() } else { near.join(", ") };
        Fault::at(field, format!("must be the IANA name of a time zone, such as {hint}"))
    })
}

/// The three names of zones that differ least from this text.
fn near_names(name: &str) -> Vec<&'static str> {
    let wanted: Vec<char> = name.trim().to_lowercase().replace(' ', "_").chars().take(40).collect();
    let city = |text: &[char]| text.rsplit(|c| *c == '/').next().unwrap_or_default().to_vec();
    let mut near: Vec<(usize, &str)> = chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| {
            let known: Vec<char> = zone.name().to_lowercase().chars().collect();
            // A city alone is often what people write.
            let whole = distance(&wanted, &known);
            (whole.min(distance(&city(&wanted), &city(&known)) + 1), zone.name())
        })
        .filter(|(far, _)| *far <= 3)
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How many letters are to be added, taken away or changed (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn day(field: &str, spans: &[SpanSpec]) -> Result<Vec<Open>, Fault> {
    if spans.len() > MAX_SPANS {
        return Err(Fault::at(field, format!("at most {MAX_SPANS} spans a day are taken")));
    }
    let mut read: Vec<(Open, usize)> = Vec::with_capacity(spans.len());
    for (index, (from, to)) in spans.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let (open, close) = (minute(&field, from)?, minute(&field, to)?);
        if close <= open {
            let what = format!(
                "closes at {to}, which is not after {from}; hours over midnight are two spans: until 24:00, and from \
                 00:00 on the next day"
            );
            return Err(Fault::at(field, what));
        }
        read.push((Open { from: open, to: close }, index));
    }
    read.sort_unstable();
    if let Some(pair) = read.windows(2).find(|pair| pair[1].0.from < pair[0].0.to) {
        let (a, b) = (&spans[pair[0].1], &spans[pair[1].1]);
        let what = format!("{} to {} overlaps {} to {}", b.0, b.1, a.0, a.1);
        return Err(Fault::at(format!("{field}[{}]", pair[1].1), what));
    }
    Ok(read.into_iter().map(|(span, _)| span).collect())
}

fn minute(field: &str, text: &str) -> Result<u16, Fault> {
    let parsed = || {
        let (hours, minutes) = text.split_once(':')?;
        let two = |part: &str| {
            (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<u16>().ok())?
        };
        let total = two(hours)? * 60 + two(minutes).filter(|minutes| *minutes < 60)?;
        (total <= 1440).then_some(total)
    };
    parsed().ok_or_else(|| {
        Fault::at(field, "must be two times of day from 00:00 to 24:00, such as [\"09:00\", \"17:00\"]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> HoursSpec {
        serde_json::from_str(json).expect("a calendar")
    }

    fn fault(json: &str) -> Fault {
        spec(json).check("2026-01-01T00:00:00Z".parse().expect("a time")).expect_err(json)
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, field, words) in [
            (r#"{"zone":"Europe/Berln"}"#, "zone", "Europe/Berlin"),
            (r#"{"zone":"Berlin","week":{}}"#, "zone", "Europe/Berlin"),
            (r#"{"zone":"UTC","week":{}}"#, "week", "no minute"),
            (r#"{"zone":"UTC","week":{"mon":[["9","17:00"]]}}"#, "week.mon[0]", "00:00 to 24:00"),
            (r#"{"zone":"UTC","week":{"mon":[["09:00","24:01"]]}}"#, "week.mon[0]", "00:00 to 24:00"),
            (r#"{"zone":"UTC","week":{"tue":[["22:00","06:00"]]}}"#, "week.tue[0]", "over midnight"),
            (
                r#"{"zone":"UTC","week":{"fri":[["12:00","18:00"],["08:00","12:01"]]}}"#,
                "week.fri[0]",
                "overlaps",
            ),
            (
                r#"{"zone":"UTC","week":{"mon":[["00:00","24:00"]]},"holidays":[{"date":"2026-05-01"},{"date":"2026-05-01"}]}"#,
                "holidays[1].date",
                "twice",
            ),
        ] {
            let fault = fault(json);
            assert_eq!(fault.field, field, "{fault:?}");
            assert!(fault.what.contains(words), "{fault:?}");
        }
    }

    #[test]
    fn holidays_on_every_open_day_leave_nothing_open() {
        let mut spec = spec(r#"{"zone":"UTC","week":{"mon":[["09:00","17:00"]]}}"#);
        let monday: NaiveDate = "2026-01-05".parse().expect("a date");
        spec.holidays = (0..60)
            .map(|week| DaySpec { date: monday + TimeDelta::weeks(week), name: None, open: Vec::new() })
            .collect();
        let fault =
            spec.check("2026-01-01T00:00:00Z".parse().expect("a time")).expect_err("closed for a year");
        assert_eq!(fault.field, "holidays");
        spec.holidays.truncate(20);
        assert!(spec.check("2026-01-01T00:00:00Z".parse().expect("a time")).is_ok());
    }
}
