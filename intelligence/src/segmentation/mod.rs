//! Everything about a shop's segments under one version: the axes, the archetypes, the rules for newcomers and the
//! BG/NBD parameters that the features were computed with.
//!
//! A version is fitted once and then frozen. Fitting anew every night would move people between segments that had not
//! changed at all; so a new version is a deliberate event, and `drift` says when it is due.

pub mod evaluation;
#[cfg(test)]
mod tests;
mod vector;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

pub use vector::{AXES, PURCHASE_AXES, Vector, axis_names};

use crate::archetypes::{Archetype, Archetypes, Coverage};
use crate::axes::{
    AxisModel, AxisReport, LEAST_KNOWN, State, Strength, Subject, quantised, sample, without_data,
};
use crate::bg_nbd::BgNbd;
use crate::cold_start::{Confidence, ENOUGH_ORDERS, Facts, RuleSegment, Rules};
use crate::features::support::{self, SupportAxis};
use crate::features::{self, Axis};
use crate::matrix::Matrix;
use crate::words::Ranks;

/// Fewer customers with an order than this are no basis for segments.
pub const LEAST_CUSTOMERS: usize = 200;
/// How many customers the axes are fitted on at most.
const SAMPLE: usize = 20_000;
/// Rows that one task assigns.
const BATCH: usize = 4096;

/// What a version is fitted on.
#[derive(Clone, Copy)]
pub struct Fit<'a> {
    /// The features of every customer as of the cut-off.
    pub features: &'a Matrix,
    /// The same customers' order counts, values and recencies.
    pub facts: &'a [Facts],
    /// The same customers' features seven days before the cut-off, if they are at hand. With them, no division is
    /// taken in which more than a tenth of the customers change segment within the week.
    pub week_before: Option<&'a Matrix>,
    /// The model that gave the features' probability of being active; stored with the version.
    pub alive: Option<BgNbd>,
    /// What the same customers' tickets say; none in a shop without tickets.
    pub tickets: Option<&'a Matrix>,
    /// The same seven days before.
    pub tickets_week_before: Option<&'a Matrix>,
}

/// Why there is no segmentation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotFit {
    /// The shop is too small.
    #[error("{customers} customers have ordered; segments need at least {LEAST_CUSTOMERS}")]
    TooFewCustomers {
        /// Customers with an order.
        customers: usize,
    },
    /// No axis divides or even describes the customers.
    #[error(
        "the customers do not differ in anything that the axes measure, or fewer than {LEAST_KNOWN} can be measured"
    )]
    Alike,
    /// The tables are not of the same customers or have other columns.
    #[error("the tables do not belong together: {0}")]
    Mismatch(String),
}

/// A frozen version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segmentation {
    /// A hash of what was fitted: the same data make the same version.
    pub version: String,
    /// The axes, in the order of `axis_names`; in versions from before tickets counted, only those of purchases.
    pub axes: Vec<AxisModel>,
    /// The archetypes.
    pub archetypes: Archetypes,
    /// The rules for customers with few orders.
    pub rules: Rules,
    /// The BG/NBD parameters that belong to the version.
    pub alive: Option<BgNbd>,
}

/// How the fit of a version went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Customers with an order.
    pub customers: usize,
    /// Those of them that the axes were fitted on.
    pub sampled: usize,
    /// The axes, in the order of `axis_names`.
    pub axes: Vec<AxisReport>,
    /// How the archetypes cover the customers.
    pub coverage: Coverage,
}

/// What a version says of a customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assignment {
    /// All memberships.
    pub vector: Vector,
    /// The segment of the greatest membership by axis; none where the customer is unknown.
    pub dominant: [Option<u8>; AXES],
    /// How clear it is, where there is one.
    pub strength: [Option<Strength>; AXES],
    /// The archetype, by its place in the version's list.
    pub archetype: Option<u16>,
    /// The segment by rule, for customers below three orders and for shops without archetypes.
    pub rule: Option<RuleSegment>,
    /// How much to trust all this.
    pub confidence: Confidence,
}

impl Segmentation {
    /// Fits a version. The same input gives the same bits, for any number of threads.
    ///
    /// # Errors
    /// There are too few customers, they are all alike, or the tables do not belong together. `Rules::fit` works
    /// for such shops too.
    pub fn fit(fit: &Fit<'_>) -> Result<(Segmentation, FitReport), CannotFit> {
        check(fit)?;
        let customers: Vec<usize> =
            (0..fit.facts.len()).filter(|&customer| fit.facts[customer].orders > 0).collect();
        if customers.len() < LEAST_CUSTOMERS {
            return Err(CannotFit::TooFewCustomers { customers: customers.len() });
        }
        let rows: Vec<usize> =
            sample(customers.len(), SAMPLE, 0x7365_676d).into_iter().map(|at| customers[at]).collect();
        let (mut axes, mut reports): (Vec<AxisModel>, Vec<AxisReport>) = Axis::ALL
            .into_par_iter()
            .map(|axis| {
                let subject = Subject::of_purchases(axis);
                AxisModel::fit(subject, fit.features, fit.week_before, &rows, &columns(axis))
            })
            .unzip();
        if axes.iter().all(|axis| matches!(axis.state, State::NoData(_))) {
            return Err(CannotFit::Alike);
        }
        let (of_tickets, of_tickets_reports) = of_tickets(fit);
        axes.extend(of_tickets);
        reports.extend(of_tickets_reports);
        let rules = Rules::fit(fit.facts);
        let version = version(&axes, &rules, fit.alive);
        let dominants: Vec<_> = customers
            .par_iter()
            .map(|&customer| memberships(&axes, fit.features.row(customer), None).1)
            .collect();
        let ranks = Ranks::of(fit.features, &customers);
        let (archetypes, coverage) = Archetypes::fit(version, &axes, &dominants, &ranks);
        let report = FitReport { customers: customers.len(), sampled: rows.len(), axes: reports, coverage };
        let version = format!("{version:032x}");
        Ok((Segmentation { version, axes, archetypes, rules, alive: fit.alive }, report))
    }

    /// A version for a shop that none can be fitted on, for this reason: the rules for newcomers hold for everybody.
    pub fn by_rules_alone(facts: &[Facts], alive: Option<BgNbd>, reason: &str) -> Segmentation {
        let axes: Vec<AxisModel> = axis_names().map(|_| AxisModel::unknown(reason)).collect();
        let rules = Rules::fit(facts);
        let version = format!("{:032x}", version(&axes, &rules, alive));
        Segmentation { version, axes, archetypes: Archetypes::default(), rules, alive }
    }

    /// What the version says of a customer with this row of features. It depends on the row and the facts alone.
    ///
    /// # Panics
    /// The row has another width than the feature table.
    pub fn assign(&self, row: &[f32], facts: &Facts) -> Assignment {
        self.assign_with(row, None, facts)
    }

    /// The same of a customer whose tickets say these numbers, if there are tickets.
    ///
    /// # Panics
    /// A row has another width than its table.
    fn assign_with(&self, row: &[f32], tickets: Option<&[f32]>, facts: &Facts) -> Assignment {
        assert_eq!(row.len(), features::COUNT, "one value a feature");
        assert!(
            tickets.is_none_or(|tickets| tickets.len() == support::COUNT),
            "one value a number of tickets"
        );
        let (vector, dominant, strength) = memberships(&self.axes, row, tickets);
        let by_rule = facts.orders < ENOUGH_ORDERS || self.archetypes.list.is_empty();
        Assignment {
            vector,
            dominant,
            strength,
            archetype: self.archetypes.find(&dominant),
            rule: by_rule.then(|| self.rules.segment(facts)),
            confidence: if by_rule { Confidence::Rule } else { Confidence::of(facts.orders) },
        }
    }

    /// The same for many customers, in parallel.
    ///
    /// # Panics
    /// There are not as many facts as rows.
    pub fn assign_all(&self, features: &Matrix, facts: &[Facts]) -> Vec<Assignment> {
        self.assign_all_with(features, None, facts)
    }

    /// The same with what their tickets say.
    ///
    /// # Panics
    /// There are not as many facts, or rows of tickets, as rows.
    pub fn assign_all_with(
        &self,
        features: &Matrix,
        tickets: Option<&Matrix>,
        facts: &[Facts],
    ) -> Vec<Assignment> {
        assert_eq!(features.rows(), facts.len(), "facts of every customer");
        assert!(tickets.is_none_or(|tickets| tickets.rows() == facts.len()), "tickets of every customer");
        facts
            .par_iter()
            .enumerate()
            .with_min_len(BATCH)
            .map(|(row, facts)| {
                self.assign_with(features.row(row), tickets.map(|tickets| tickets.row(row)), facts)
            })
            .collect()
    }

    /// The archetype of an assignment.
    pub fn archetype(&self, assignment: &Assignment) -> Option<&Archetype> {
        self.archetypes.list.get(usize::from(assignment.archetype?))
    }

    /// How many numbers a vector has when only the segments that exist are stored.
    pub fn width(&self) -> usize {
        self.axes.iter().map(|axis| axis.segments.len()).sum()
    }

    /// The vector's bytes for storage: the existing segments, axis after axis.
    pub fn pack(&self, vector: &Vector) -> Vec<u8> {
        let shares = self.axes.iter().zip(&vector.0);
        shares.flat_map(|(axis, shares)| shares[..axis.segments.len()].iter().copied()).collect()
    }

    /// The vector of stored bytes; `None` when they are not of this version.
    pub fn unpack(&self, bytes: &[u8]) -> Option<Vector> {
        let mut vector = Vector::default();
        let mut rest = bytes;
        for (axis, shares) in self.axes.iter().zip(&mut vector.0) {
            let (own, others) = rest.split_at_checked(axis.segments.len())?;
            shares[..own.len()].copy_from_slice(own);
            let total: u32 = own.iter().map(|&share| u32::from(share)).sum();
            if total != 0 && total != 255 {
                return None;
            }
            rest = others;
        }
        rest.is_empty().then_some(vector)
    }

    /// The vector as numbers from 0 to 1, in the order of `pack`: input for models and similarity.
    pub fn numbers(&self, vector: &Vector) -> Vec<f32> {
        self.pack(vector).into_iter().map(|share| f32::from(share) / 255.0).collect()
    }
}

/// The axes of tickets, fitted on the customers who have written in.
fn of_tickets(fit: &Fit<'_>) -> (Vec<AxisModel>, Vec<AxisReport>) {
    let writers: Vec<usize> = match fit.tickets {
        None => Vec::new(),
        Some(table) => (0..table.rows())
            .filter(|&row| fit.facts[row].orders > 0 && table.row(row).iter().any(|value| value.is_finite()))
            .collect(),
    };
    let rows: Vec<usize> =
        sample(writers.len(), SAMPLE, 0x7469_636b).into_iter().map(|at| writers[at]).collect();
    SupportAxis::ALL
        .into_par_iter()
        .map(|axis| {
            let subject = Subject::of_tickets(axis);
            match fit.tickets {
                Some(table) if rows.len() >= LEAST_KNOWN => {
                    let columns: Vec<usize> = axis.columns().collect();
                    AxisModel::fit(subject, table, fit.tickets_week_before, &rows, &columns)
                }
                _ => without_data(
                    subject,
                    format!("{} customers have written in; {LEAST_KNOWN} are needed", writers.len()),
                ),
            }
        })
        .unzip()
}

/// Memberships, dominant segments and their strength on all axes; those of tickets are unknown without tickets.
#[inline]
fn memberships(
    axes: &[AxisModel],
    row: &[f32],
    tickets: Option<&[f32]>,
) -> (Vector, [Option<u8>; AXES], [Option<Strength>; AXES]) {
    let mut vector = Vector::default();
    let mut dominant = [None; AXES];
    let mut strength = [None; AXES];
    for (at, axis) in axes.iter().enumerate().take(AXES) {
        let row = if at < PURCHASE_AXES { Some(row) } else { tickets };
        let Some(shares) = row.and_then(|row| axis.memberships(row)) else { continue };
        let mut first = 0;
        for (segment, &share) in shares.iter().enumerate() {
            if share > shares[first] {
                first = segment;
            }
        }
        vector.0[at] = quantised(&shares);
        dominant[at] = Some(first as u8);
        strength[at] = Some(Strength::of(&shares));
    }
    (vector, dominant, strength)
}

/// The features that an axis is divided by. The probability of being active is what churn models answer with; it
/// stays out of the maturity axis, where it would drown everything else and move whenever its model is refitted.
fn columns(axis: Axis) -> Vec<usize> {
    axis.columns().filter(|&column| features::FEATURES[column].name != ALIVE).collect()
}

/// The feature that holds P(alive).
const ALIVE: &str = "alive_probability";

fn check(fit: &Fit<'_>) -> Result<(), CannotFit> {
    let mismatch = |what: String| Err(CannotFit::Mismatch(what));
    let (rows, columns) = (fit.features.rows(), fit.features.columns());
    if rows > 0 && columns != features::COUNT {
        return mismatch(format!("{columns} columns instead of {}", features::COUNT));
    }
    if rows != fit.facts.len() {
        return mismatch(format!("features of {rows} customers, facts of {}", fit.facts.len()));
    }
    for (table, what) in [(fit.tickets, "now"), (fit.tickets_week_before, "a week before")] {
        if let Some(table) = table
            && (table.rows() != rows || (rows > 0 && table.columns() != support::COUNT))
        {
            return mismatch(format!("tickets of {} customers {what}, features of {rows}", table.rows()));
        }
    }
    match fit.week_before {
        Some(before) if before.rows() != rows || before.columns() != columns => {
            mismatch(format!("features of {rows} customers now, of {} a week before", before.rows()))
        }
        _ => Ok(()),
    }
}

/// A hash of everything that was fitted.
fn version(axes: &[AxisModel], rules: &Rules, alive: Option<BgNbd>) -> u128 {
    let text = serde_json::to_vec(&(axes, rules, alive)).expect("plain data with string keys serialise");
    xxh3_128(&text)
}
