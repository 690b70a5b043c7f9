//! When an alert is told: at once, at the end of the quiet hours, or with the next digest. Pure; days are those of the
//! rule's time zone, so quiet hours keep their place when clocks change.

use chrono::{DateTime, Duration, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

const DAY_MINUTES: i64 = 24 * 60;

/// When a rule tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The quiet hours as minutes of the day, begin and end; an end before the begin is on the next day.
    pub quiet: Option<(i16, i16)>,
    /// Minutes between digests; 0 for none.
    pub digest_minutes: i16,
    /// Whose days and hours.
    pub zone: Tz,
}

impl Times {
    /// The first moment from which an alert of `at` may be told.
    pub fn due(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let digest = match i64::from(self.digest_minutes) {
            0 => at,
            // Digests are at whole multiples since the beginning of time, so all rules of one length come together.
            minutes => {
                let length = minutes * 60;
                let next = (at.timestamp().div_euclid(length) + 1) * length;
                DateTime::from_timestamp(next, 0).unwrap_or(at)
            }
        };
        self.after_quiet(digest)
    }

    /// Whether alerts of the rule are told together.
    pub fn gathers(&self, at: DateTime<Utc>) -> bool {
        self.digest_minutes > 0 || self.due(at) > at
    }

    fn after_quiet(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let Some((from, to)) = self.quiet.map(|(from, to)| (i64::from(from), i64::from(to))) else {
            return at;
        };
        let local = at.with_timezone(&self.zone);
        let minute = i64::from(local.hour() * 60 + local.minute());
        let is_quiet = if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        if !is_quiet {
            return at;
        }
        // The next time that the clock on the wall shows the end; an hour that the day does not have ends later.
        let days = i64::from(minute >= to);
        let end = local.date_naive() + Duration::days(days);
        let time = NaiveTime::from_num_seconds_from_midnight_opt(
            u32::try_from(to % DAY_MINUTES).unwrap_or(0) * 60,
            0,
        );
        let wall = end.and_time(time.unwrap_or_default());
        (0..4)
            .find_map(|hours| self.zone.from_local_datetime(&(wall + Duration::hours(hours))).earliest())
            .map_or(at, |end| end.with_timezone(&Utc).max(at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn times(quiet: Option<(i16, i16)>, digest_minutes: i16) -> Times {
        Times { quiet, digest_minutes, zone: chrono_tz::Europe::Berlin }
    }

    #[test]
    fn quiet_hours_end_by_the_clock_on_the_wall() {
        let night = times(Some((22 * 60, 7 * 60)), 0);
        assert_eq!(night.due(time("2026-11-28T20:59:00Z")), time("2026-11-28T20:59:00Z"));
        assert_eq!(night.due(time("2026-11-28T21:00:00Z")), time("2026-11-29T06:00:00Z"));
        assert_eq!(night.due(time("2026-11-29T05:59:59Z")), time("2026-11-29T06:00:00Z"));
        assert_eq!(night.due(time("2026-11-29T06:00:00Z")), time("2026-11-29T06:00:00Z"));
        // The night in which an hour is left out: 07:00 is 05:00 UTC on that morning.
        assert_eq!(night.due(time("2026-03-28T22:00:00Z")), time("2026-03-29T05:00:00Z"));
        // Quiet until 02:30, which that night does not have.
        let odd = times(Some((60, 150)), 0);
        assert_eq!(odd.due(time("2026-03-29T00:30:00Z")), time("2026-03-29T01:30:00Z"));
        let noon = times(Some((12 * 60, 13 * 60)), 0);
        assert_eq!(noon.due(time("2026-11-28T11:30:00Z")), time("2026-11-28T12:00:00Z"));
        assert!(noon.gathers(time("2026-11-28T11:30:00Z")) && !noon.gathers(time("2026-11-28T12:30:00Z")));
    }

    #[test]
    fn digests_come_at_whole_hours_and_not_in_quiet_ones() {
        let hourly = times(None, 60);
        assert_eq!(hourly.due(time("2026-11-28T11:00:00Z")), time("2026-11-28T12:00:00Z"));
        assert_eq!(hourly.due(time("2026-11-28T11:59:59Z")), time("2026-11-28T12:00:00Z"));
        let both = times(Some((22 * 60, 7 * 60)), 60);
        assert_eq!(both.due(time("2026-11-28T20:30:00Z")), time("2026-11-29T06:00:00Z"));
    }

    proptest! {
        /// An alert is never told early nor later than the longest digest and a day, and whatever is told is not quiet.
        #[test]
        fn alerts_come_in_their_time(secs in 1_600_000_000i64..1_900_000_000, from in 0i16..1440, to in 0i16..1440, digest in 0i16..=1440) {
            let at = DateTime::from_timestamp(secs, 0).expect("a time");
            let times = times(Some((from, to)), digest);
            let due = times.due(at);
            prop_assert!(due >= at);
            prop_assert!(due - at <= Duration::hours(50));
            prop_assert_eq!(times.after_quiet(due), due);
        }
    }
}
