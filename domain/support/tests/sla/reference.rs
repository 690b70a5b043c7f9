//! The arithmetic against a reference that steps through the minutes, over random calendars, zones, pauses, resolved
//! times and versions.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use support::sla::calendar::{Calendar, Open};
use support::sla::timeline::{Interval, Rule, Standing, Target, Timeline};
use uuid::Uuid;

/// Zones that do something unusual: half an hour, at midnight, across the date line, twice, or nothing at all.
const ZONES: [Tz; 9] = [
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::America__Santiago,
    Tz::Africa__Cairo,
    Tz::Asia__Kathmandu,
    Tz::Africa__Casablanca,
    Tz::Pacific__Chatham,
    Tz::UTC,
];

/// Minutes that the reference walks from the start.
const WALKED: i64 = 24 * 60 * 16;

#[derive(Clone, Debug)]
struct Hours {
    zone: Tz,
    week: [Vec<Open>; 7],
    days: Vec<(NaiveDate, Vec<Open>)>,
}

impl Hours {
    fn calendar(&self) -> Calendar {
        Calendar::new(self.zone, self.week.clone(), self.days.clone())
    }

    fn is_open(&self, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&self.zone).naive_local();
        let minute = u16::try_from(local.hour() * 60 + local.minute()).expect("within a day");
        let special = self.days.iter().rev().find(|(date, _)| *date == local.date());
        let spans =
            special.map_or(&self.week[local.weekday().num_days_from_monday() as usize], |(_, spans)| spans);
        spans.iter().any(|span| span.from <= minute && minute < span.to)
    }
}

#[derive(Clone, Debug)]
struct Promise {
    /// Minutes from the start.
    from: i64,
    target: Option<(i64, Option<usize>)>,
    pauses: bool,
}

#[derive(Clone, Debug)]
struct Case {
    start: DateTime<Utc>,
    hours: Vec<Hours>,
    promises: Vec<Promise>,
    pending: Vec<(i64, Option<i64>)>,
    stopped: Vec<(i64, Option<i64>)>,
    now: i64,
}

fn spans() -> impl Strategy<Value = Vec<Open>> {
    proptest::collection::btree_set(0_u16..=1440, 0..5).prop_map(|edges| {
        let edges: Vec<u16> = edges.into_iter().collect();
        edges.chunks_exact(2).map(|pair| Open { from: pair[0], to: pair[1] }).collect()
    })
}

fn hours(start: DateTime<Utc>) -> impl Strategy<Value = Hours> {
    let days = proptest::collection::vec((0_i64..16, spans()), 0..4).prop_map(move |days| {
        let mut days: Vec<_> =
            days.into_iter().map(|(day, spans)| (start.date_naive() + TimeDelta::days(day), spans)).collect();
        days.sort_by_key(|(date, _)| *date);
        days.dedup_by_key(|(date, _)| *date);
        days
    });
    let week = proptest::collection::vec(spans(), 7);
    (proptest::sample::select(&ZONES[..]), week, days).prop_map(|(zone, week, days)| Hours {
        zone,
        week: week.try_into().expect("seven days"),
        days,
    })
}

/// Intervals in order, the last of which may have no end.
fn intervals() -> impl Strategy<Value = Vec<(i64, Option<i64>)>> {
    (proptest::collection::btree_set(0_i64..WALKED, 0..5)).prop_map(|edges| {
        let edges: Vec<i64> = edges.into_iter().collect();
        edges.chunks(2).map(|pair| (pair[0], pair.get(1).copied())).collect()
    })
}

fn case() -> impl Strategy<Value = Case> {
    // Around the days on which clocks change, and any other.
    let day = prop_oneof![
        Just("2026-03-20"),
        Just("2026-03-27"),
        Just("2026-04-01"),
        Just("2026-10-20"),
        Just("2026-10-29"),
        Just("2026-09-02"),
        Just("2026-09-24"),
        Just("2026-02-10"),
        Just("2026-06-15"),
    ];
    let start = (day, 0_i64..4 * 1440).prop_map(|(day, minutes)| {
        let day: NaiveDate = day.parse().expect("a date");
        day.and_hms_opt(0, 0, 0).expect("midnight").and_utc() + TimeDelta::minutes(minutes)
    });
    start.prop_flat_map(|start| {
        let target =
            proptest::option::weighted(0.9, (1_i64..2_000, proptest::option::weighted(0.8, 0_usize..2)));
        let promise = (0_i64..WALKED, target, any::<bool>()).prop_map(|(from, target, pauses)| Promise {
            from,
            target,
            pauses,
        });
        let promises = proptest::collection::vec(promise, 1..4).prop_map(|mut promises| {
            promises[0].from = 0;
            promises.sort_by_key(|promise| promise.from);
            promises.dedup_by_key(|promise| promise.from);
            promises
        });
        (proptest::collection::vec(hours(start), 2), promises, intervals(), intervals(), 0_i64..WALKED)
            .prop_map(move |(hours, promises, pending, stopped, now)| Case {
                start,
                hours,
                promises,
                pending,
                stopped,
                now,
            })
    })
}

/// What the reference finds by stepping: minutes that count until `now`, and when the clock is due, in minutes from the
/// start, as far as it walked.
fn stepped(case: &Case) -> (i64, Option<i64>, Option<i64>) {
    let holds = |list: &[(i64, Option<i64>)], minute: i64| {
        list.iter().any(|(from, to)| *from <= minute && to.is_none_or(|to| minute < to))
    };
    let (mut elapsed, mut elapsed_now) = (0, 0);
    let (mut due, mut warn) = (None, None);
    for minute in 0..=WALKED {
        let promise = case.promises.iter().rev().find(|promise| promise.from <= minute).expect("a promise");
        // At the instant at which the minute begins.
        let reached = |share: i64| promise.target.is_some_and(|(target, _)| elapsed * 5 >= target * share);
        due = if reached(5) { due.or(Some(minute)) } else { None };
        warn = if reached(4) { warn.or(Some(minute)) } else { None };
        if minute == case.now {
            elapsed_now = elapsed;
        }
        let at = case.start + TimeDelta::minutes(minute);
        let stands_still = holds(&case.stopped, minute) || promise.pauses && holds(&case.pending, minute);
        let counts = !stands_still
            && promise
                .target
                .is_some_and(|(_, hours)| hours.is_none_or(|hours| case.hours[hours].is_open(at)));
        elapsed += i64::from(counts);
    }
    (elapsed_now, due, warn)
}

fn timeline(case: &Case) -> Timeline {
    let at = |minutes: i64| case.start + TimeDelta::minutes(minutes);
    let calendars: Vec<(Uuid, Arc<Calendar>)> =
        case.hours.iter().map(|hours| (Uuid::now_v7(), Arc::new(hours.calendar()))).collect();
    let rules = case.promises.iter().map(|promise| Rule {
        from: at(promise.from),
        target: promise.target.map(|(minutes, hours)| Target {
            minutes,
            calendar: hours.map(|hours| calendars[hours].clone()),
        }),
        pauses: promise.pauses,
        policy_version: None,
    });
    let cut = |list: &[(i64, Option<i64>)]| {
        list.iter().map(|(from, to)| Interval { from: at(*from), to: to.map(at) }).collect()
    };
    Timeline::new(case.start, rules, cut(&case.pending), cut(&case.stopped))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn counting_is_as_stepping(case in case()) {
        let (elapsed, due, warn) = stepped(&case);
        let now = case.start + TimeDelta::minutes(case.now);
        let reading = timeline(&case).read(now);
        prop_assert_eq!(reading.elapsed, TimeDelta::minutes(elapsed));
        // Where the reference stopped, the clock may go on.
        let within = |at: Option<DateTime<Utc>>| {
            at.map(|at| (at - case.start).num_seconds()).filter(|secs| *secs <= WALKED * 60)
        };
        prop_assert_eq!(within(reading.due_at), due.map(|minute| minute * 60));
        // Four fifths of a minute's multiple may lie within a minute.
        let warn_minute = within(reading.warn_at).map(|secs| (secs + 59) / 60).filter(|minute| *minute <= WALKED);
        prop_assert_eq!(warn_minute, warn);
        let is_breached = due.is_some_and(|due| case.now > due);
        prop_assert_eq!(reading.standing == Standing::Breached, is_breached);
    }

    #[test]
    fn what_ended_is_read_the_same_whatever_came_later(case in case()) {
        let end = case.start + TimeDelta::minutes(case.now);
        let mut earlier = case.clone();
        earlier.promises.retain(|promise| promise.from <= case.now);
        let clip = |list: &mut Vec<(i64, Option<i64>)>| {
            list.retain(|(from, _)| *from < case.now);
            for (_, to) in list {
                *to = Some(to.map_or(case.now, |to| to.min(case.now)));
            }
        };
        clip(&mut earlier.pending);
        clip(&mut earlier.stopped);
        let whole = timeline(&case).ended(end).read(end);
        let known = timeline(&earlier).read(end);
        prop_assert_eq!((whole.elapsed, whole.due_at, whole.standing), (known.elapsed, known.due_at, known.standing));
    }

    #[test]
    fn parts_of_a_minute_are_kept(case in case(), micros in 1_i64..60_000_000) {
        // All of it moved by less than a minute, with hours that are open all day: nothing else changes.
        let mut moved = case.clone();
        for hours in &mut moved.hours {
            hours.week = std::array::from_fn(|_| vec![Open { from: 0, to: 1440 }]);
            hours.days.clear();
        }
        let still = timeline(&moved);
        moved.start += TimeDelta::microseconds(micros);
        let now = case.start + TimeDelta::minutes(case.now);
        let (a, b) = (still.read(now), timeline(&moved).read(now + TimeDelta::microseconds(micros)));
        prop_assert_eq!(a.elapsed, b.elapsed);
        prop_assert_eq!(a.due_at.map(|at| at + TimeDelta::microseconds(micros)), b.due_at);
    }
}
