//! What becomes of occurrences that nobody decided on when they were due, because no scheduler ran.

use chrono::{DateTime, TimeDelta, Utc};

use super::timetable::Timetable;

/// An occurrence that is decided on within this time is on time, under every policy.
pub const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// The policy of a schedule for occurrences that are older than [`ON_TIME`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// They are left out.
    Skip,
    /// The latest is made up for, unless a newer one is on time.
    Once,
    /// Each is made up for.
    All,
}

impl CatchUp {
    /// The policy of that name.
    pub fn parse(name: &str) -> Option<CatchUp> {
        match name {
            "skip" => Some(CatchUp::Skip),
            "once" => Some(CatchUp::Once),
            "all" => Some(CatchUp::All),
            _ => None,
        }
    }
}

/// What is decided about a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The occurrences that become jobs, in order.
    pub times: Vec<DateTime<Utc>>,
    /// Up to here everything is decided. It is the time of an occurrence, never the reading of this
    /// machine's clock, so a clock that is ahead takes nothing away from a scheduler that is not.
    pub until: DateTime<Utc>,
}

/// Decides about the occurrences after `decided_until` up to `now`; none when there are none. The
/// policy `All` decides in pieces: ask again until there is nothing left.
pub fn decide(
    table: &Timetable,
    policy: CatchUp,
    decided_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Decision> {
    if policy == CatchUp::All {
        let times = table.due_times(decided_until, now);
        let until = *times.last()?;
        return Some(Decision { times, until });
    }
    let until = table.latest(decided_until, now)?;
    let mut times = table.due_times(decided_until.max(now - ON_TIME), now);
    if times.is_empty() && policy == CatchUp::Once {
        times.push(until);
    }
    Some(Decision { times, until })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an RFC 3339 time")
    }

    #[test]
    fn five_missed_hours_become_none_one_or_five() {
        let table = Timetable::parse("0 * * * *", "UTC").expect("a good schedule");
        let (from, now) = (at("2026-03-01T04:30:00Z"), at("2026-03-01T09:30:00Z"));
        let times = |policy| decide(&table, policy, from, now).expect("occurrences were missed");
        assert_eq!(times(CatchUp::Skip), Decision { times: vec![], until: at("2026-03-01T09:00:00Z") });
        assert_eq!(times(CatchUp::Once).times, [at("2026-03-01T09:00:00Z")]);
        assert_eq!(times(CatchUp::All).times.len(), 5);
    }

    #[test]
    fn a_tick_that_comes_a_moment_late_loses_nothing() {
        let table = Timetable::parse("* * * * * *", "UTC").expect("a good schedule");
        let (from, now) = (at("2026-03-01T10:00:00Z"), at("2026-03-01T10:00:03.2Z"));
        for policy in [CatchUp::Skip, CatchUp::Once, CatchUp::All] {
            assert_eq!(
                decide(&table, policy, from, now).expect("three are due").times.len(),
                3,
                "{policy:?}"
            );
        }
    }

    #[test]
    fn a_clock_that_went_back_decides_nothing() {
        let table = Timetable::parse("* * * * *", "UTC").expect("a good schedule");
        assert_eq!(
            decide(&table, CatchUp::All, at("2026-03-01T10:00:00Z"), at("2026-03-01T09:00:00Z")),
            None
        );
    }

    proptest! {
        #[test]
        fn policies_differ_only_in_what_is_late(
            minutes in 1_i64..60, down_secs in 0_i64..100_000, start in 1_767_225_600_i64..1_798_761_600,
        ) {
            let table = Timetable::parse(&format!("*/{minutes} * * * *"), "Europe/Berlin").expect("a good schedule");
            let from = DateTime::from_timestamp(start, 0).expect("within 2026");
            let now = from + TimeDelta::seconds(down_secs);
            let mut all = Vec::new();
            let mut decided = from;
            while let Some(decision) = decide(&table, CatchUp::All, decided, now) {
                prop_assert!(decision.until > decided, "every piece gets further");
                decided = decision.until;
                all.extend(decision.times);
            }
            let skip = decide(&table, CatchUp::Skip, from, now);
            let once = decide(&table, CatchUp::Once, from, now);
            prop_assert_eq!(skip.as_ref().map(|d| d.until), all.last().copied());
            prop_assert_eq!(once.as_ref().map(|d| d.until), all.last().copied());
            if let (Some(skip), Some(once)) = (skip, once) {
                let on_time: Vec<_> = all.iter().copied().filter(|time| *time > now - ON_TIME).collect();
                prop_assert_eq!(&skip.times, &on_time);
                prop_assert_eq!(once.times, if on_time.is_empty() { vec![skip.until] } else { on_time });
                // Nothing is decided twice.
                prop_assert_eq!(decide(&table, CatchUp::Once, skip.until, now), None);
            }
        }
    }
}
