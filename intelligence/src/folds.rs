//! Which snapshots may teach and which may examine.
//!
//! Snapshots a month apart share two thirds of their label windows, so a model that is checked on a snapshot next to
//! those it was trained on is checked on labels it knows. A fold is therefore a snapshot together with those whose
//! windows had closed by its day, which is also how the model will be used: on a day one horizon after the last day
//! it could learn from.

use crate::{
    churn::eligibility::OUTCOMES, features::FEATURES, history::Outcome, matrix::Matrix, random::SplitMix64,
    snapshot::Snapshot,
};

/// Folds that are looked at.
const FOLDS: usize = 2;

/// The names of the features, in order.
pub(crate) fn names() -> Vec<&'static str> {
    FEATURES.iter().map(|feature| feature.name).collect()
}

/// The snapshots whose windows have closed by `now`, newest first, one a day.
pub(crate) fn closed<'a>(now: &Snapshot, snapshots: &'a [Snapshot]) -> Vec<&'a Snapshot> {
    let usable = |s: &&Snapshot| {
        s.horizon == now.horizon && window_end(s) <= i64::from(now.day) && !s.customers.is_empty()
    };
    let mut closed: Vec<&Snapshot> = snapshots.iter().filter(usable).collect();
    closed.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.day));
    closed.dedup_by_key(|snapshot| snapshot.day);
    closed
}

/// The newest snapshots that have others whose windows closed by their day, newest first.
pub(crate) fn folds<'a>(closed: &[&'a Snapshot]) -> Vec<(Vec<&'a Snapshot>, &'a Snapshot)> {
    let with_past = closed.iter().map(|test| {
        let past: Vec<&Snapshot> =
            closed.iter().copied().filter(|s| window_end(s) <= i64::from(test.day)).collect();
        (past, *test)
    });
    with_past.filter(|(past, test)| carries(past) && carries(&[*test])).take(FOLDS).collect()
}

/// The rows of the snapshots with their labels; of more than `most` a sample that depends on customer and day alone.
pub(crate) fn table(snapshots: &[&Snapshot], most: usize, label: fn(&Outcome) -> f32) -> (Matrix, Vec<f32>) {
    let all: usize = snapshots.iter().map(|snapshot| snapshot.customers.len()).sum();
    let share = most as f64 / all.max(1) as f64;
    let (mut rows, mut labels) = (Matrix::default(), Vec::new());
    for snapshot in snapshots {
        let chosen: Vec<usize> = (0..snapshot.customers.len())
            .filter(|&row| {
                let seed = u64::from(snapshot.customers[row]) << 32 | u64::from(snapshot.day as u32);
                share >= 1.0 || SplitMix64::new(seed).uniform() < share
            })
            .collect();
        labels.extend(chosen.iter().map(|&row| label(&snapshot.outcomes[row])));
        rows.append(&snapshot.features.select(&chosen));
    }
    (rows, labels)
}

fn window_end(snapshot: &Snapshot) -> i64 {
    i64::from(snapshot.day) + i64::from(snapshot.horizon)
}

/// Whether there are enough customers of both outcomes to learn or measure anything.
fn carries(snapshots: &[&Snapshot]) -> bool {
    let (mut gone, mut stayed) = (0, 0);
    for outcome in snapshots.iter().flat_map(|snapshot| &snapshot.outcomes) {
        if outcome.orders == 0 { gone += 1 } else { stayed += 1 }
    }
    gone >= OUTCOMES && stayed >= OUTCOMES
}
