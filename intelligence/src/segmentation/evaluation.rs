//! How good a segmentation is on a shop's own history: whether its segments are balanced, whether another sample
//! would find them again, whether people stay in them, whether archetypes cover the shop, and whether the vector of
//! memberships still knows who will buy again.

use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{CannotFit, Fit, FitReport, PURCHASE_AXES, SAMPLE, Segmentation, columns};
use crate::axes::sample;
use crate::cold_start::Facts;
use crate::features::{self, Axis, TenantStats};
use crate::history::Summary;
use crate::lines::Lines;
use crate::logistic::Logistic;
use crate::matrix::Matrix;
use crate::metrics::roc_auc;
use crate::snapshot::{Snapshot, alive_model};

/// Days of a week.
const WEEK: i32 = 7;
/// The ridge of both regressions.
const RIDGE: f64 = 1.0;

/// The figures of one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentationQuality {
    /// The day the version was fitted, since 1970-01-01.
    pub fitted: i32,
    /// How the fit went: sizes, stability, coverage.
    pub fit: FitReport,
    /// The segments' names by axis, in the order of `Axis::ALL`.
    pub names: Vec<Vec<String>>,
    /// By axis: the mean adjusted Rand index of the divisions that two halves find, halved otherwise than in the fit;
    /// none for a single segment.
    pub split_half: Vec<Option<f64>>,
    /// By axis: the share of the customers whose dominant segment changed in a week, mean over the weeks after the
    /// fit under the frozen version; none on an axis without segments.
    pub weekly: Vec<Option<f64>>,
    /// The worst of those weeks.
    pub worst_week: Vec<Option<f64>>,
    /// How many weeks were looked at.
    pub weeks: u32,
    /// The share of the test day's customers that have an archetype under the frozen version.
    pub covered_at_test: f64,
    /// ROC-AUC of churn on the test day by a logistic regression on the vector alone; none with one class.
    pub vector_auc: Option<f64>,
    /// The same by recency, frequency and monetary value.
    pub rfm_auc: Option<f64>,
}

/// Fits a version on the latest training snapshot and measures it: weeks are counted from that day on, as many as
/// asked and as fit before the test day; both regressions learn from all training snapshots and are judged on the
/// test.
///
/// # Errors
/// There is no training snapshot or no version can be fitted on it.
pub fn evaluate(
    lines: &Lines,
    training: &[Snapshot],
    test: &Snapshot,
    weeks: u32,
) -> Result<SegmentationQuality, CannotFit> {
    let Some(latest) = training.iter().max_by_key(|snapshot| snapshot.day) else {
        return Err(CannotFit::TooFewCustomers { customers: 0 });
    };
    let alive = alive_model(&latest.purchases);
    let table = |day: i32| {
        let table = features::compute(lines, &TenantStats::of(lines, day), alive.as_ref(), day);
        table.select(&latest.customers.iter().map(|&customer| customer as usize).collect::<Vec<_>>())
    };
    let facts = facts(latest);
    let before = table(latest.day - WEEK);
    let input = Fit {
        features: &latest.features,
        facts: &facts,
        week_before: Some(&before),
        alive,
        tickets: None,
        tickets_week_before: None,
    };
    let (version, fit) = Segmentation::fit(&input)?;
    let weeks = weeks.min(((test.day - latest.day) / WEEK).max(0) as u32);
    let tables = (1..=weeks).map(|week| table(latest.day + WEEK * week as i32));
    let changes = weekly(&version, &latest.features, tables, &facts);
    let mean = |axis: usize| {
        let shares: Vec<f64> = changes.iter().filter_map(|week| week[axis]).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    };
    let worst = |axis: usize| changes.iter().filter_map(|week| week[axis]).reduce(f64::max);
    let assigned = version.assign_all(&test.features, &self::facts(test));
    let covered = assigned.iter().filter(|assignment| assignment.archetype.is_some()).count();
    Ok(SegmentationQuality {
        fitted: latest.day,
        split_half: split_half(&version, &fit, &latest.features, &before),
        names: version
            .axes
            .iter()
            .map(|axis| axis.segments.iter().map(|one| one.name.clone()).collect())
            .collect(),
        weekly: (0..PURCHASE_AXES).map(mean).collect(),
        worst_week: (0..PURCHASE_AXES).map(worst).collect(),
        weeks,
        covered_at_test: covered as f64 / assigned.len().max(1) as f64,
        vector_auc: churn_auc(training, test, |snapshot| vectors(&version, snapshot)),
        rfm_auc: churn_auc(training, test, |snapshot| snapshot.summaries.iter().map(rfm).collect()),
        fit,
    })
}

/// The stability of every axis, with halves that the fit has not seen.
fn split_half(version: &Segmentation, fit: &FitReport, table: &Matrix, before: &Matrix) -> Vec<Option<f64>> {
    let rows = sample(table.rows(), SAMPLE, 0x6861_6c66);
    (0..PURCHASE_AXES)
        .into_par_iter()
        .map(|at| {
            version.axes[at].split_half(&fit.axes[at], table, Some(before), &rows, &columns(Axis::ALL[at]))
        })
        .collect()
}

/// By week and axis, the share of the customers known on both of its ends whose dominant segment changed.
fn weekly(
    version: &Segmentation,
    first: &Matrix,
    next: impl Iterator<Item = Matrix>,
    facts: &[Facts],
) -> Vec<[Option<f64>; PURCHASE_AXES]> {
    let mut before = version.assign_all(first, facts);
    let mut changes = Vec::new();
    for table in next {
        let after = version.assign_all(&table, facts);
        let mut week = [None; PURCHASE_AXES];
        for (axis, share) in week.iter_mut().enumerate() {
            let pairs =
                before.iter().zip(&after).map(|(one, other)| (one.dominant[axis], other.dominant[axis]));
            let known: Vec<bool> = pairs.filter_map(|(one, other)| Some(one? != other?)).collect();
            if !known.is_empty() {
                *share = Some(known.iter().filter(|&&changed| changed).count() as f64 / known.len() as f64);
            }
        }
        changes.push(week);
        before = after;
    }
    changes
}

/// The ROC-AUC on the test day of a regression on these inputs of every training snapshot.
fn churn_auc(
    training: &[Snapshot],
    test: &Snapshot,
    inputs: impl Fn(&Snapshot) -> Vec<Vec<f64>>,
) -> Option<f64> {
    let rows: Vec<Vec<f64>> = training.iter().flat_map(&inputs).collect();
    let churned: Vec<bool> = training.iter().flat_map(Snapshot::churned).collect();
    let model = Logistic::fit(&rows, &churned, RIDGE).ok()?;
    let scores: Vec<f64> = inputs(test).iter().map(|row| model.score(row)).collect();
    roc_auc(&scores, &test.churned())
}

fn vectors(version: &Segmentation, snapshot: &Snapshot) -> Vec<Vec<f64>> {
    let assigned = version.assign_all(&snapshot.features, &facts(snapshot));
    assigned.iter().map(|one| version.numbers(&one.vector).into_iter().map(f64::from).collect()).collect()
}

fn facts(snapshot: &Snapshot) -> Vec<Facts> {
    snapshot.summaries.iter().map(Facts::from).collect()
}

/// Recency, frequency and monetary value as six inputs, the same as the churn baseline's.
fn rfm(summary: &Summary) -> Vec<f64> {
    let (recency, tenure) = (f64::from(summary.tenure - summary.last), f64::from(summary.tenure));
    vec![
        f64::from(summary.repeats + 1).ln(),
        recency.ln_1p(),
        tenure.ln_1p(),
        summary.mean_order.unwrap_or(0.0).max(0.0).ln_1p(),
        summary.spend_90.max(0.0).ln_1p(),
        recency / tenure.max(1.0),
    ]
}

impl fmt::Display for SegmentationQuality {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:<22} {:>2} {:>7} {:>7} {:>6} {:>6} {:>7} {:>7} {:>7}  segments",
            "axis", "k", "largest", "least", "ARI", "silh.", "known", "weekly", "worst"
        )?;
        for (at, axis) in self.fit.axes.iter().take(PURCHASE_AXES).enumerate() {
            let share = |value: Option<f64>| {
                value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", value * 100.0))
            };
            let figure =
                |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
            writeln!(
                out,
                "{:<22} {:>2} {:>7} {:>7} {:>6} {:>6} {:>7} {:>7} {:>7}  {}",
                axis.axis,
                axis.shares.len(),
                share(axis.shares.iter().copied().reduce(f64::max)),
                share(axis.shares.iter().copied().reduce(f64::min)),
                figure(self.split_half[at]),
                figure(axis.silhouette),
                share(Some(axis.known)),
                share(self.weekly[at]),
                share(self.worst_week[at]),
                self.names[at].join(", "),
            )?;
            match &axis.state {
                crate::axes::State::Sound => {}
                crate::axes::State::Degenerate(reason) => writeln!(out, "  degenerate: {reason}")?,
                crate::axes::State::NoData(reason) => writeln!(out, "  no data: {reason}")?,
            }
        }
        let coverage = &self.fit.coverage;
        writeln!(
            out,
            "archetypes: {} L2, {} L1, {} parents; L1 covers {:.1} %, with back-off {:.1} % (by level {}), {:.1} % on the test day",
            coverage.archetypes[0],
            coverage.archetypes[1],
            coverage.archetypes[2] + coverage.archetypes[3],
            coverage.l1 * 100.0,
            coverage.covered * 100.0,
            coverage.shares.map(|share| format!("{:.1}", share * 100.0)).join(" / "),
            self.covered_at_test * 100.0,
        )?;
        let auc = |value: Option<f64>| {
            value.map_or_else(|| "not defined".to_owned(), |value| format!("{value:.4}"))
        };
        writeln!(
            out,
            "churn ROC-AUC: vector alone {}, RFM logistic {}",
            auc(self.vector_auc),
            auc(self.rfm_auc)
        )
    }
}

impl SegmentationQuality {
    /// The figures by name, value and unit, for lines that a program reads.
    pub fn figures(&self) -> Vec<(String, f64, &'static str)> {
        let mut figures = Vec::new();
        for (at, (axis, report)) in Axis::ALL.iter().zip(&self.fit.axes).enumerate() {
            let (weekly, split_half) = (self.weekly[at], self.split_half[at]);
            let mut put = |name: &str, value: Option<f64>, unit| {
                figures.extend(value.map(|value| (format!("segments_{}_{name}", axis.name()), value, unit)));
            };
            put("count", Some(report.shares.len() as f64), "segments");
            put("largest", report.shares.iter().copied().reduce(f64::max).map(|share| share * 100.0), "%");
            put("adjusted_rand", split_half, "index");
            put("weekly_change", weekly.map(|share| share * 100.0), "%");
        }
        let coverage = &self.fit.coverage;
        figures.push(("archetypes".to_owned(), coverage.archetypes.iter().sum::<u64>() as f64, "archetypes"));
        figures.push(("archetypes_covered".to_owned(), coverage.covered * 100.0, "%"));
        figures.extend(self.vector_auc.map(|auc| ("churn_vector_roc_auc".to_owned(), auc, "auc")));
        figures.extend(self.rfm_auc.map(|auc| ("churn_rfm_roc_auc".to_owned(), auc, "auc")));
        figures
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::axes::{LARGEST, STABLE, State, WEEKLY};
    use crate::evaluate::{date::parse_day, read::read_orders};

    /// What a segmentation has to keep to, on the purchases of CDNOW's customers.
    #[test]
    fn cdnow_is_divided_into_segments_that_last() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/cdnow.csv.gz");
        let lines = read_orders(&path).expect("the data of the demo").lines;
        let snapshot = |day| Snapshot::take(&lines, parse_day(day).expect("a day"), 90);
        let training = ["1998-01-01", "1997-11-02", "1997-09-03"].map(snapshot);
        let quality = evaluate(&lines, &training, &snapshot("1998-04-01"), 4).expect("a version");
        let divided: Vec<usize> =
            (0..PURCHASE_AXES).filter(|&axis| quality.fit.axes[axis].shares.len() > 1).collect();
        assert_eq!(
            divided,
            [0, 1, 4, 5],
            "frequency, value, cadence and maturity: there is nothing on the others"
        );
        for axis in divided {
            let report = &quality.fit.axes[axis];
            assert_eq!(report.state, State::Sound);
            assert!(report.shares.iter().all(|&share| share <= LARGEST), "{report:?}");
            assert!(quality.split_half[axis].is_some_and(|found| found >= STABLE), "{report:?}");
            assert!(quality.weekly[axis].is_some_and(|share| share <= WEEKLY), "{report:?}");
        }
        assert!(quality.fit.coverage.covered >= 0.95 && quality.covered_at_test >= 0.95);
        let (vector, rfm) = (quality.vector_auc.expect("two classes"), quality.rfm_auc.expect("two classes"));
        assert!(vector >= rfm - 0.01, "{vector} {rfm}");
        assert!(quality.to_string().contains("purchase_frequency"));
        assert!(quality.figures().iter().all(|(_, value, _)| value.is_finite()));
    }
}
