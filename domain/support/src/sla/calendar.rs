//! When a shop is open. An instant counts iff its local wall time lies within [open, close) of its local date.
//!
//! The way leads from UTC to the zone and never back, so an hour that the clocks repeat counts twice and one that they
//! skip does not exist. Time is cut into stretches of one offset and one local date, so the cost grows with days and
//! opening spans and not with minutes.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Opening hours by local date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    zone: Tz,
    /// Monday first.
    week: [Vec<Open>; 7],
    /// Days that are not as their day of the week; by days since 1970-01-01.
    days: BTreeMap<i64, Vec<Open>>,
}

/// An opening span in minutes of the local day, `from` counted and `to` not; 1440 is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Open {
    /// It opens.
    pub from: u16,
    /// It closes.
    pub to: u16,
}

/// A stretch of time in which the shop is open, or closed for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// How it is.
    pub hours: Hours,
}

/// How a shop is at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Open.
    Open,
    /// Closed, as on every such day of the week.
    Closed,
    /// Closed on a holiday, or in the half of a day that is one.
    Holiday,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Calendar {
    /// A calendar; the spans of each day are in order and do not overlap.
    pub fn new(
        zone: Tz,
        week: [Vec<Open>; 7],
        days: impl IntoIterator<Item = (NaiveDate, Vec<Open>)>,
    ) -> Calendar {
        let days = days.into_iter().map(|(date, open)| (day_number(date), open)).collect();
        Calendar { zone, week, days }
    }

    /// Its zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// All of [from, to), cut where the shop opens or closes and at local midnights.
    pub fn pieces(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Pieces<'_> {
        let at = from.timestamp_micros();
        Pieces { calendar: self, at, until: to.timestamp_micros(), offset: 0, same_offset_until: at }
    }

    /// Open minutes in a week without holidays.
    pub fn weekly_minutes(&self) -> i64 {
        self.open_minutes_a_day().iter().sum()
    }

    /// Open minutes of each day of the week, Monday first, without holidays.
    pub fn open_minutes_a_day(&self) -> [i64; 7] {
        std::array::from_fn(|day| self.week[day].iter().map(|span| i64::from(span.to - span.from)).sum())
    }

    /// The first open instant in [from, to).
    pub fn first_open(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.pieces(from, to).find(|piece| piece.hours == Hours::Open).map(|piece| piece.from)
    }

    /// Seconds east of UTC at this instant, in microseconds.
    fn offset_at(&self, at: i64) -> i64 {
        let utc = DateTime::from_timestamp_micros(at).unwrap_or_default().naive_utc();
        i64::from(self.zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * SECOND
    }

    fn on(&self, day: i64) -> (&[Open], Hours) {
        match self.days.get(&day) {
            Some(spans) => (spans, Hours::Holiday),
            // 1970-01-01 was a Thursday.
            None => (&self.week[usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)], Hours::Closed),
        }
    }
}

fn day_number(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()) - 719_163
}

/// The stretches of a calendar, in order.
#[derive(Debug)]
pub struct Pieces<'a> {
    calendar: &'a Calendar,
    at: i64,
    until: i64,
    offset: i64,
    same_offset_until: i64,
}

impl Pieces<'_> {
    /// Finds out how long the zone's offset stays as it is, at most for a day. No zone changes twice within one.
    fn look_ahead(&mut self) {
        let calendar = self.calendar;
        self.offset = calendar.offset_at(self.at);
        let (mut same, mut other) = (self.at.div_euclid(SECOND), (self.at + DAY).div_euclid(SECOND) + 1);
        if calendar.offset_at(other * SECOND) == self.offset {
            self.same_offset_until = other * SECOND;
            return;
        }
        // Offsets change at whole seconds.
        while other - same > 1 {
            let middle = same.midpoint(other);
            if calendar.offset_at(middle * SECOND) == self.offset { same = middle } else { other = middle }
        }
        self.same_offset_until = other * SECOND;
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.at >= self.until {
            return None;
        }
        if self.at >= self.same_offset_until {
            self.look_ahead();
        }
        let local = self.at + self.offset;
        let day = local.div_euclid(DAY);
        let within = local.rem_euclid(DAY);
        let (spans, closed) = self.calendar.on(day);
        let micros = |minutes: u16| i64::from(minutes) * 60 * SECOND;
        let (hours, end) = match spans.iter().find(|span| micros(span.to) > within) {
            Some(span) if micros(span.from) <= within => (Hours::Open, micros(span.to)),
            Some(span) => (closed, micros(span.from)),
            None => (closed, DAY),
        };
        let from = self.at;
        self.at = (day * DAY + end - self.offset).min(self.same_offset_until).min(self.until);
        let instant = |micros| DateTime::from_timestamp_micros(micros).unwrap_or_default();
        Some(Piece { from: instant(from), to: instant(self.at), hours })
    }
}

impl Piece {
    /// How long it is.
    pub fn length(&self) -> TimeDelta {
        self.to - self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn daily(zone: Tz, from: u16, to: u16) -> Calendar {
        Calendar::new(zone, std::array::from_fn(|_| vec![Open { from, to }]), [])
    }

    fn open(calendar: &Calendar, from: &str, to: &str) -> i64 {
        let pieces = calendar.pieces(at(from), at(to)).filter(|piece| piece.hours == Hours::Open);
        pieces.map(|piece| piece.length().num_minutes()).sum()
    }

    #[test]
    fn a_repeated_hour_counts_twice_and_a_skipped_one_not() {
        let berlin = daily(Tz::Europe__Berlin, 120, 180);
        assert_eq!(open(&berlin, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"), 120);
        assert_eq!(open(&berlin, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), 0);
        // Lord Howe Island goes back by half an hour, at two o'clock to half past one.
        let lord_howe = daily(Tz::Australia__Lord_Howe, 60, 120);
        assert_eq!(open(&lord_howe, "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"), 90);
    }

    #[test]
    fn midnight_may_be_skipped_and_24_00_is_the_end_of_the_day() {
        // Clocks in Santiago go from 24:00 to 01:00 on the first Saturday of September.
        let santiago = daily(Tz::America__Santiago, 0, 1440);
        assert_eq!(open(&santiago, "2026-09-05T04:00:00Z", "2026-09-07T03:00:00Z"), 47 * 60);
        let evening = daily(Tz::UTC, 1439, 1440);
        assert_eq!(open(&evening, "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"), 2);
    }

    #[test]
    fn pieces_have_no_gaps() {
        let berlin = daily(Tz::Europe__Berlin, 540, 1020);
        let (from, to) = (at("2026-10-23T10:11:12.345678Z"), at("2026-10-27T00:00:00Z"));
        let pieces: Vec<Piece> = berlin.pieces(from, to).collect();
        assert_eq!((pieces[0].from, pieces[pieces.len() - 1].to), (from, to));
        assert!(pieces.windows(2).all(|pair| pair[0].to == pair[1].from));
    }
}
