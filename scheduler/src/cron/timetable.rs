//! When a schedule is due: a cron expression read in a time zone, across clock changes.
//!
//! The expression is searched on the local clock as if that never changed, and each local time that
//! matches is then mapped to the instants at which clocks show it. What happens when clocks change
//! follows Vixie cron, the behaviour that operators expect:
//!
//! - with fixed hours (`30 2 * * *`) a local time that is skipped fires once, right after the gap,
//!   and one that happens twice fires the first time only;
//! - with hours left open (`*/10 * * * *`) the schedule is an interval: skipped local times are not
//!   made up for, and times that happen twice fire twice.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

/// At most that many occurrences are computed at once; whoever needs more asks again from the last.
pub const LIMIT: usize = 1000;

/// Clocks are never turned back by more than this, so local times further apart keep their order.
const SLACK: TimeDelta = TimeDelta::hours(3);

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Timetable {
    cron: Cron,
    zone: Tz,
    fixed_hours: bool,
}

/// Why a schedule has no timetable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// The expression has another number of fields than five or six.
    #[error("{0:?} is not a cron expression of five fields, or six with seconds first")]
    Fields(String),
    /// A field cannot be read.
    #[error("the cron expression {cron:?} cannot be read: {reason}")]
    Cron {
        /// The expression.
        cron: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such time zone.
    #[error("{0:?} is not an IANA time zone")]
    Zone(String),
}

impl Timetable {
    /// Reads the expression (five fields, or six with seconds first) and the IANA time zone.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn parse(cron: &str, timezone: &str) -> Result<Timetable, TimetableError> {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let hours = match fields.as_slice() {
            [_, hours, _, _, _] | [_, _, hours, _, _, _] => hours,
            _ => return Err(TimetableError::Fields(cron.to_owned())),
        };
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let parsed = parser
            .parse(cron)
            .map_err(|error| TimetableError::Cron { cron: cron.to_owned(), reason: error.to_string() })?;
        let zone = timezone.parse().map_err(|_| TimetableError::Zone(timezone.to_owned()))?;
        Ok(Timetable { cron: parsed, zone, fixed_hours: !hours.contains(['*', '?']) })
    }

    /// The occurrences after `after` up to and including `now`, in order, the first [`LIMIT`] of them.
    pub fn due_times(&self, after: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        if after >= now {
            return Vec::new();
        }
        let mut times = BTreeSet::new();
        // A local time may map to an instant that others overtook when clocks were turned back, so
        // the search starts earlier and ends later than the range, and the range decides.
        let mut end = self.local(now) + SLACK;
        let mut local = whole_second(self.local(after) - SLACK);
        let mut inclusive = true;
        while let Ok(next) = self.cron.find_next_occurrence(&local.and_utc(), inclusive) {
            (local, inclusive) = (next.naive_utc(), false);
            if local > end {
                break;
            }
            times.extend(
                self.instants(local).into_iter().flatten().filter(|time| *time > after && *time <= now),
            );
            if times.len() >= LIMIT {
                end = end.min(local + SLACK);
            }
        }
        times.into_iter().take(LIMIT).collect()
    }

    /// The last occurrence after `after` up to and including `now`.
    pub fn latest(&self, mut after: DateTime<Utc>, mut now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        loop {
            let times = self.due_times(after, now);
            if times.len() < LIMIT {
                return times.last().copied();
            }
            // Too many to see the last one: it is in the later half, unless that is empty.
            let middle = after + (now - after) / 2;
            if self.due_times(middle, now).is_empty() {
                now = middle;
            } else {
                after = middle;
            }
        }
    }

    /// The offset from UTC that clocks show at an instant, in seconds.
    pub fn offset_secs(&self, at: DateTime<Utc>) -> i64 {
        (self.local(at) - at.naive_utc()).num_seconds()
    }

    /// The time zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// The instants at which a local time that matches is due: none, one, or two.
    fn instants(&self, local: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
        let utc = |time: DateTime<Tz>| Some(time.with_timezone(&Utc));
        match self.zone.from_local_datetime(&local) {
            chrono::LocalResult::Single(time) => [utc(time), None],
            chrono::LocalResult::Ambiguous(first, _) if self.fixed_hours => [utc(first), None],
            chrono::LocalResult::Ambiguous(first, second) => [utc(first), utc(second)],
            chrono::LocalResult::None if self.fixed_hours => [self.end_of_gap(local), None],
            chrono::LocalResult::None => [None, None],
        }
    }

    /// The instant at which the gap that swallowed a local time ends. Gaps end on a full minute, and
    /// the longest there was took a day (Samoa, 2011).
    fn end_of_gap(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let minute = local - TimeDelta::seconds(i64::from(local.second()));
        (1..=25 * 60)
            .find_map(|minutes| {
                self.zone.from_local_datetime(&(minute + TimeDelta::minutes(minutes))).earliest()
            })
            .map(|time| time.with_timezone(&Utc))
    }
}

fn whole_second(time: NaiveDateTime) -> NaiveDateTime {
    time - TimeDelta::nanoseconds(i64::from(time.nanosecond()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(cron: &str, zone: &str) -> Timetable {
        Timetable::parse(cron, zone).expect("a good schedule")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an RFC 3339 time")
    }

    fn due(cron: &str, zone: &str, after: &str, now: &str) -> Vec<String> {
        let times = table(cron, zone).due_times(at(after), at(now));
        times.iter().map(|time| time.format("%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn the_range_excludes_its_start_and_includes_its_end() {
        assert_eq!(
            due("*/5 * * * *", "UTC", "2026-03-01T10:00:00Z", "2026-03-01T10:10:00Z"),
            ["01T10:05", "01T10:10"]
        );
        assert!(due("*/5 * * * *", "UTC", "2026-03-01T10:10:00Z", "2026-03-01T10:10:00Z").is_empty());
        assert!(due("*/5 * * * *", "UTC", "2026-03-01T10:10:00Z", "2026-03-01T10:00:00Z").is_empty());
    }

    #[test]
    fn seconds_may_come_first() {
        let times = table("*/20 * * * * *", "UTC")
            .due_times(at("2026-03-01T10:00:00.5Z"), at("2026-03-01T10:01:00Z"));
        assert_eq!(
            times,
            [at("2026-03-01T10:00:20Z"), at("2026-03-01T10:00:40Z"), at("2026-03-01T10:01:00Z")]
        );
    }

    #[test]
    fn a_skipped_fixed_time_fires_once_right_after_the_gap() {
        // Berlin 2026-03-29: 02:00 CET becomes 03:00 CEST at 01:00 UTC.
        for cron in ["30 2 * * *", "*/15 2 * * *", "0,30,59 2 * * *"] {
            assert_eq!(
                due(cron, "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
                ["29T01:00"],
                "{cron}"
            );
        }
        // New York 2026-03-08: 02:00 EST becomes 03:00 EDT at 07:00 UTC.
        assert_eq!(
            due("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-08T12:00:00Z"),
            ["08T07:00"]
        );
        // What is due at the end of the gap anyway is not due twice.
        assert_eq!(
            due("30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
            ["29T01:00", "29T01:30"]
        );
        assert_eq!(
            due("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
            ["29T01:00"]
        );
    }

    #[test]
    fn a_repeated_fixed_time_fires_the_first_time_only() {
        // Berlin 2026-10-25: 03:00 CEST becomes 02:00 CET at 01:00 UTC.
        assert_eq!(
            due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
            ["25T00:30"]
        );
        // New York 2026-11-01: 02:00 EDT becomes 01:00 EST at 06:00 UTC.
        assert_eq!(
            due("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T12:00:00Z"),
            ["01T05:30"]
        );
    }

    #[test]
    fn an_interval_goes_on_evenly_through_both_changes() {
        assert_eq!(
            due("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z"),
            ["29T00:30", "29T01:00", "29T01:30", "29T02:00"]
        );
        assert_eq!(
            due("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T02:00:00Z"),
            ["25T00:00", "25T00:30", "25T01:00", "25T01:30", "25T02:00"]
        );
        assert_eq!(
            due("0 * * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T07:00:00Z"),
            ["01T05:00", "01T06:00", "01T07:00"]
        );
    }

    #[test]
    fn a_day_of_25_hours_has_50_half_hours_and_a_date_its_one_time() {
        let day = due("*/30 * 5 4 *", "Australia/Melbourne", "2026-04-04T12:00:00Z", "2026-04-06T12:00:00Z");
        assert_eq!(day.len(), 50);
        for (cron, after, now, time) in [
            ("30 2 29 3 *", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", "29T01:00"),
            ("30 2 25 10 *", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", "25T00:30"),
        ] {
            assert_eq!(due(cron, "Europe/Berlin", after, now), [time], "{cron}");
        }
    }

    #[test]
    fn a_local_hour_keeps_its_place_in_the_day_over_the_year() {
        let table = table("0 9 * * *", "Europe/Berlin");
        let year = table.due_times(at("2025-12-31T23:00:00Z"), at("2026-12-31T22:59:59Z"));
        assert_eq!(year.len(), 365);
        assert!(year.iter().all(|time| time.with_timezone(&table.zone()).hour() == 9));
    }

    #[test]
    fn even_a_day_that_does_not_exist_is_made_up_for_once() {
        // Samoa had no 2011-12-30: the 29th was followed by the 31st at 10:00 UTC.
        assert_eq!(
            due("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2012-01-10T00:00:00Z"),
            ["30T10:00"]
        );
    }

    #[test]
    fn a_day_that_never_comes_is_never_due() {
        assert!(due("0 0 30 2 *", "UTC", "2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z").is_empty());
        assert_eq!(
            table("0 0 30 2 *", "UTC").latest(at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z")),
            None
        );
    }

    #[test]
    fn a_long_backlog_comes_in_bounded_pieces_and_its_last_one_is_found() {
        let table = table("* * 0-20 * * *", "Europe/Berlin");
        let (start, now) = (at("2026-03-01T00:00:00Z"), at("2026-04-01T20:30:00Z"));
        let first = table.due_times(start, now);
        assert_eq!(first.len(), LIMIT);
        assert_eq!(first[0], at("2026-03-01T00:00:01Z"));
        assert_eq!(first[LIMIT - 1], at("2026-03-01T00:16:40Z"));
        // 20:59:59 in Berlin is 18:59:59 UTC in summer.
        assert_eq!(table.latest(start, now), Some(at("2026-04-01T18:59:59Z")));
    }

    #[test]
    fn what_cannot_be_read_says_what() {
        for bad in ["", "* * * *", "* * * * * * *", "@daily"] {
            assert_eq!(Timetable::parse(bad, "UTC").expect_err(bad), TimetableError::Fields(bad.to_owned()));
        }
        assert!(matches!(Timetable::parse("61 * * * *", "UTC"), Err(TimetableError::Cron { .. })));
        assert!(matches!(Timetable::parse("* * * * *", "Mars/Olympus"), Err(TimetableError::Zone(_))));
    }

    fn any_table() -> impl Strategy<Value = Timetable> {
        const CRONS: &[&str] =
            &["*/7 * * * *", "30 2 * * *", "15 1,2,3 * * *", "0 */2 * * *", "*/20 0-4 * * SUN", "0 12 1 * *"];
        const ZONES: &[&str] =
            &["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"];
        (prop::sample::select(CRONS), prop::sample::select(ZONES)).prop_map(|(cron, zone)| table(cron, zone))
    }

    /// Seconds within 2026.
    fn second() -> impl Strategy<Value = i64> {
        1_767_225_600_i64..1_798_761_600
    }

    proptest! {
        #[test]
        fn a_range_is_the_sum_of_its_parts(table in any_table(), start in second(), a in 0_i64..200_000, b in 0_i64..200_000) {
            let time = |secs| DateTime::from_timestamp(secs, 0).expect("within 2026");
            let (from, middle, to) = (time(start), time(start + a), time(start + a + b));
            let mut parts = table.due_times(from, middle);
            parts.extend(table.due_times(middle, to));
            let whole = table.due_times(from, to);
            prop_assert!(whole.is_sorted_by(|earlier, later| earlier < later));
            prop_assert!(whole.iter().all(|time| *time > from && *time <= to));
            prop_assert_eq!(table.latest(from, to), whole.last().copied());
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn a_fixed_daily_time_is_due_once_a_local_day(start in second(), hour in 0_u32..24, minute in 0_u32..60) {
            let table = table(&format!("{minute} {hour} * * *"), "America/New_York");
            let from = DateTime::from_timestamp(start, 0).expect("within 2026");
            let times = table.due_times(from, from + TimeDelta::days(30));
            let days: BTreeSet<_> = times.iter().map(|time| table.local(*time).date()).collect();
            prop_assert_eq!(days.len(), times.len());
            prop_assert!(times.len() == 30 || times.len() == 29 || times.len() == 31);
        }

        #[test]
        fn no_text_makes_the_parser_panic(cron in "[0-9*/,LW#A-Z?-]{0,6}( [0-9*/,LW#A-Z?-]{0,6}){3,6}", zone in ".{0,12}") {
            let _ = Timetable::parse(&cron, &zone);
            let _ = Timetable::parse(&cron, "UTC");
        }
    }
}
