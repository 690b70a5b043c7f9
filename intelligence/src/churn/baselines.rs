//! What a model of churn has to beat: simple rules, BG/NBD, a regression, and LightGBM as it comes.

use super::{
    inputs::{self, churn_label},
    probability,
};
use crate::{
    boosting::{self, Labelled},
    features::FEATURES,
    folds,
    forest::Forest,
    logistic::Logistic,
    metrics::Score,
    snapshot::Snapshot,
    stop::Stop,
};

/// A baseline's answer for one snapshot.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Its name in a table.
    pub name: &'static str,
    /// One number a customer, higher for churn; or why there are none.
    pub scores: Result<Vec<f64>, String>,
    /// Whether they are probabilities.
    pub kind: Score,
}

/// The baselines that cost next to nothing, for the customers of `test`; the regression is trained on `training`.
pub fn baselines(training: &[&Snapshot], test: &Snapshot) -> Vec<Baseline> {
    let recency = test.summaries.iter().map(|s| f64::from(s.tenure) - f64::from(s.last)).collect();
    let silent = test.silent().ok_or_else(|| match &test.purchases {
        Err(error) => error.to_string(),
        Ok(_) => "no answer".to_owned(),
    });
    vec![
        Baseline { name: "recency only", scores: Ok(recency), kind: Score::Rank },
        Baseline { name: "lapse rule", scores: Ok(lapse_rule(test)), kind: Score::Rank },
        Baseline { name: "BG/NBD", scores: silent, kind: Score::Probability },
        Baseline { name: "RFM logistic", scores: regression(training, test), kind: Score::Probability },
    ]
}

/// LightGBM as it comes, trained on `most` rows of `training`.
pub fn plain_boosting(training: &[&Snapshot], test: &Snapshot, most: usize) -> Baseline {
    let scores = plain_trees(training, test, most);
    Baseline { name: "LightGBM, defaults", scores, kind: Score::Probability }
}

/// min(1, recency / (2 x mean gap)): the rule of thumb of lapse. Somebody without a gap counts with the mean of those
/// who have one.
fn lapse_rule(test: &Snapshot) -> Vec<f64> {
    let gap = |s: &crate::history::Summary| (s.repeats > 0).then(|| f64::from(s.last) / f64::from(s.repeats));
    let gaps: Vec<f64> = test.summaries.iter().filter_map(gap).collect();
    let typical = if gaps.is_empty() { 1.0 } else { gaps.iter().sum::<f64>() / gaps.len() as f64 };
    let lapsed = test.summaries.iter().map(|s| {
        let recency = f64::from(s.tenure) - f64::from(s.last);
        (recency / (2.0 * gap(s).unwrap_or(typical)).max(1.0)).min(1.0)
    });
    lapsed.collect()
}

fn regression(training: &[&Snapshot], test: &Snapshot) -> Result<Vec<f64>, String> {
    let (mut rows, mut churned) = (Vec::new(), Vec::new());
    for snapshot in training {
        for (row, outcome) in snapshot.outcomes.iter().enumerate() {
            if let Some(x) = inputs::rfm(snapshot.features.row(row)) {
                rows.push(x);
                churned.push(outcome.orders == 0);
            }
        }
    }
    let line = Logistic::fit(&rows, &churned, 1.0).map_err(|error| error.to_string())?;
    let rows = (0..test.features.rows()).map(|row| inputs::rfm(test.features.row(row)));
    Ok(rows.map(|x| x.map_or(0.5, |x| line.probability(&x))).collect())
}

fn plain_trees(training: &[&Snapshot], test: &Snapshot, most: usize) -> Result<Vec<f64>, String> {
    let settings = boosting::Settings {
        objective: boosting::Objective::Binary,
        leaves: 31,
        learning_rate: 0.1,
        feature_fraction: 1.0,
        bagging_fraction: 1.0,
        minimum_leaf_rows: 20,
        ridge: 0.0,
        random_thresholds: false,
        falls_with_activity: false,
        rounds: 100,
        patience: 100,
    };
    let (rows, labels) = folds::table(training, most, churn_label);
    let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    let text = boosting::train(
        Labelled { rows: &rows, labels: &labels },
        None,
        &names,
        &settings,
        1,
        &Stop::never(),
    )
    .map_err(|error| error.to_string())?;
    let forest = Forest::parse(&[text], &names).map_err(|error| error.to_string())?;
    Ok(forest.scores(&test.features).into_iter().map(probability).collect())
}
