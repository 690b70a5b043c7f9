//! The shop's past as models learn from it: snapshots of days whose horizon is over.

use intelligence::lines::{Lines, day_of as day_of_minute};
use intelligence::snapshot::Snapshot;
use rayon::prelude::*;

/// Days between snapshots.
const STEP: i32 = 45;
/// Snapshots at most.
const SNAPSHOTS: i32 = 5;
/// A snapshot has at least so much history before it.
const HISTORY_DAYS: i32 = 60;

/// The shop today, and on days before whose windows have closed.
pub struct Snapshots {
    /// The first day with an order.
    pub first_day: i32,
    /// Today.
    pub now: Snapshot,
    /// Days whose windows have closed, the latest first.
    pub closed: Vec<Snapshot>,
}

/// Takes the snapshots of a shop as of a day, for a horizon of so many days.
pub fn snapshots(lines: &Lines, day: i32, horizon: i32) -> Snapshots {
    let first_day = lines.minutes().iter().min().map_or(day, |minute| day_of_minute(*minute));
    let days: Vec<i32> = std::iter::once(day)
        .chain((0..SNAPSHOTS).map(|step| day - horizon - step * STEP))
        .take_while(|taken| *taken == day || *taken >= first_day + HISTORY_DAYS)
        .collect();
    let take = |day: &i32| Snapshot::take(lines, *day, horizon.unsigned_abs());
    let mut taken: Vec<Snapshot> = days.par_iter().map(take).collect();
    let closed = taken.split_off(1);
    Snapshots { first_day, now: taken.remove(0), closed }
}
