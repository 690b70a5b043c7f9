//! The whole protocol of accuracy on any file of orders: take snapshots, train on those whose windows closed before
//! the test day, answer for the test day, and compare with what happened and with simple baselines.

mod csv;
pub mod date;
pub mod read;
mod table;

use crate::{
    churn,
    lines::Lines,
    metrics::{Classification, Score, SpendQuality, classification, spend_quality},
    segmentation::evaluation::{self, SegmentationQuality},
    snapshot::Snapshot,
    spend,
    stop::Stop,
};

/// What to evaluate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Last known day, since 1970-01-01.
    pub test_day: i32,
    /// Days after it that are forecast.
    pub horizon: u32,
    /// Days of the training snapshots; those whose window does not close by the test day are dropped. Empty: the
    /// test day minus the horizon, and back in steps of 30 days as far as the orders reach, at most seven.
    pub snapshot_days: Vec<i32>,
    /// Bootstrap replicates behind the intervals.
    pub replicates: usize,
}

/// What came out. Its `Display` is the tables and the figures.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was evaluated, with the snapshots that were used.
    pub request: Request,
    /// Snapshots that were asked for and dropped, with the reason.
    pub dropped: Vec<(i32, &'static str)>,
    /// Customers with an order by the test day.
    pub customers: usize,
    /// Share of them without an order in the window; none if the orders do not reach its end.
    pub churn_rate: Option<f64>,
    /// Mean spend in the window.
    pub mean_spend: f64,
    /// What must be said before any figure.
    pub notes: Vec<String>,
    /// Churn: each model's figures, or why it has none; ours first.
    pub churn: Vec<(String, Result<Classification, String>)>,
    /// How ours was trained.
    pub churn_training: Option<churn::TrainingReport>,
    /// Spend: each model's figures, or why it has none; ours first.
    pub spend: Vec<(String, Result<SpendQuality, String>)>,
    /// How ours was trained.
    pub spend_training: Option<spend::TrainingReport>,
    /// Share of customers whose spend was inside the 10-90 % interval.
    pub coverage: Option<f64>,
    /// The segmentation fitted on the newest snapshot, or why there is none.
    pub segmentation: Result<SegmentationQuality, String>,
}

/// Weeks over which the segments of a frozen version are watched.
const WEEKS: u32 = 4;

/// Evaluates. `days` are the first and last day of an order in the lines.
pub fn evaluate(lines: &Lines, days: (i32, i32), request: &Request) -> Report {
    let horizon = i32::try_from(request.horizon).unwrap_or(i32::MAX);
    let mut request = request.clone();
    let mut dropped = Vec::new();
    if request.snapshot_days.is_empty() {
        let latest = request.test_day.saturating_sub(horizon);
        request.snapshot_days =
            (0..7).map(|i| latest.saturating_sub(30 * i)).filter(|day| *day > days.0).collect();
    }
    request.snapshot_days.retain(|&day| {
        let reason = if i64::from(day) + i64::from(horizon) > i64::from(request.test_day) {
            Some("its window ends after the test day")
        } else if day < days.0 {
            Some("there is no order by then")
        } else {
            None
        };
        dropped.extend(reason.map(|reason| (day, reason)));
        reason.is_none()
    });
    request.snapshot_days.sort_unstable_by_key(|day| std::cmp::Reverse(*day));
    request.snapshot_days.dedup();
    let test = Snapshot::take(lines, request.test_day, request.horizon);
    let closed: Vec<Snapshot> =
        request.snapshot_days.iter().map(|&day| Snapshot::take(lines, day, request.horizon)).collect();
    let notes = notes(&test, &closed, days, &request);
    let (churned, spent) = (test.churned(), test.spent());
    let customers = test.customers.len();
    let mut report = Report {
        dropped,
        customers,
        churn_rate: (customers > 0)
            .then(|| churned.iter().filter(|gone| **gone).count() as f64 / customers as f64),
        mean_spend: spent.iter().sum::<f64>() / customers.max(1) as f64,
        notes,
        churn: Vec::new(),
        churn_training: None,
        spend: Vec::new(),
        spend_training: None,
        coverage: None,
        segmentation: Err("nobody ordered by the test day".to_owned()),
        request,
    };
    if customers > 0 {
        evaluate_churn(&mut report, &test, &closed, &churned);
        evaluate_spend(&mut report, &test, &closed, &spent);
        report.segmentation =
            evaluation::evaluate(lines, &closed, &test, WEEKS).map_err(|error| error.to_string());
    }
    report
}

fn evaluate_churn(report: &mut Report, test: &Snapshot, closed: &[Snapshot], churned: &[bool]) {
    let replicates = report.request.replicates;
    let settings = churn::Settings { replicates: 0, ..churn::settings() };
    let ours = churn::train(test, closed, &settings, &Stop::never()).map_err(|error| error.to_string()).map(
        |trained| {
            report.churn_training = Some(trained.report);
            trained.model.score(&test.features)
        },
    );
    let ours = ours.map(|scores| {
        // every customer of a snapshot has an order and with it a probability
        let scores: Vec<f64> = scores.into_iter().map(|score| score.map_or(0.5, f64::from)).collect();
        classification(&scores, churned, Score::Probability, replicates)
    });
    report.churn.push(("ours".to_owned(), ours));
    let training: Vec<&Snapshot> = closed.iter().collect();
    let plain = churn::plain_boosting(&training, test, settings.rows);
    for baseline in churn::baselines(&training, test).into_iter().chain([plain]) {
        let figures =
            baseline.scores.map(|scores| classification(&scores, churned, baseline.kind, replicates));
        report.churn.push((baseline.name.to_owned(), figures));
    }
}

fn evaluate_spend(report: &mut Report, test: &Snapshot, closed: &[Snapshot], spent: &[f64]) {
    let replicates = report.request.replicates;
    let settings = spend::Settings { replicates: 0, ..spend::settings() };
    let ours = spend::train(test, closed, &settings, &Stop::never()).map_err(|error| error.to_string()).map(
        |trained| {
            report.spend_training = Some(trained.report);
            trained.model.score(&test.features, &test.stats.season)
        },
    );
    let ours = ours.map(|forecasts| {
        let intervals: Vec<(f64, (f64, f64))> = forecasts
            .iter()
            .zip(spent)
            .filter_map(|(forecast, spent)| Some((*spent, forecast.as_ref()?.interval?)))
            .collect();
        let inside = intervals.iter().filter(|(spent, (low, high))| (*low..=*high).contains(spent)).count();
        report.coverage = (!intervals.is_empty()).then(|| inside as f64 / intervals.len() as f64);
        let expected: Vec<f64> =
            forecasts.into_iter().map(|forecast| forecast.map_or(0.0, |f| f.expected)).collect();
        spend_quality(&expected, spent, replicates)
    });
    report.spend.push(("ours".to_owned(), ours));
    for (name, answers) in spend::baselines(test) {
        report
            .spend
            .push((name.to_owned(), answers.map(|answers| spend_quality(&answers, spent, replicates))));
    }
}

/// What cannot be said about this file, or only with care.
fn notes(test: &Snapshot, closed: &[Snapshot], (first, last): (i32, i32), request: &Request) -> Vec<String> {
    let mut notes = Vec::new();
    let end = i64::from(request.test_day) + i64::from(request.horizon);
    if test.customers.is_empty() {
        notes.push("nobody ordered by the test day: nothing can be said".to_owned());
        return notes;
    }
    if end > i64::from(last) {
        notes.push(format!(
            "the last order is of {}, {} days before the window ends: who seems gone may only be later than the file",
            date::name(last),
            end - i64::from(last)
        ));
    }
    if closed.is_empty() {
        notes.push(format!(
            "no snapshot's window closes between {} and the test day: nothing can be trained",
            date::name(first)
        ));
    }
    let stayed = test.outcomes.iter().filter(|outcome| outcome.orders > 0).count();
    if stayed == 0 || stayed == test.outcomes.len() {
        notes.push(format!(
            "{stayed} of {} customers bought in the window: nothing to tell apart",
            test.outcomes.len()
        ));
    }
    if let Ok(fit) = test.purchases.as_ref().map(|fit| fit.on_edge.join(", "))
        && !fit.is_empty()
    {
        notes.push(format!(
            "BG/NBD ran to the edge in {fit}: leaving does not show in these gaps, so P(alive) is left out"
        ));
    }
    if test.customers.len() < 5_000 {
        notes.push(format!("{} customers: differences inside the intervals are noise", test.customers.len()));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(test_day: i32) -> Request {
        Request { test_day, horizon: 90, snapshot_days: Vec::new(), replicates: 10 }
    }

    fn rows(customers: u32, orders: u32) -> String {
        let mut text = String::from("customer_id,ordered_at,amount\n");
        for customer in 0..customers {
            for order in 0..orders {
                let day = date::name(10_000 + (customer * 7 + order * 31) as i32 % 500);
                text.push_str(&format!("c{customer},{day},{}\n", 5 + customer % 9));
            }
        }
        text
    }

    #[test]
    fn files_that_carry_nothing_are_told_so() {
        for (customers, orders) in [(1, 1), (10, 3), (300, 1)] {
            let file = read::parse_orders(&rows(customers, orders)).expect("a file");
            let report = evaluate(&file.lines, file.days.expect("days"), &request(10_300));
            assert!(report.churn[0].1.is_err() || report.churn_training.is_some());
            let text = report.to_string();
            assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
        }
        let file = read::parse_orders(&rows(20, 2)).expect("a file");
        let before = evaluate(&file.lines, file.days.expect("days"), &request(9_000));
        assert!(before.notes[0].contains("nobody ordered") && before.churn.is_empty());
    }

    #[test]
    fn a_window_that_is_still_open_is_dropped() {
        let file = read::parse_orders(&rows(50, 2)).expect("a file");
        let mut wanted = request(10_300);
        wanted.snapshot_days = vec![10_211, 10_210, 9_000];
        let report = evaluate(&file.lines, file.days.expect("days"), &wanted);
        assert_eq!(report.request.snapshot_days, [10_210]);
        assert_eq!(report.dropped.len(), 2);
    }
}
