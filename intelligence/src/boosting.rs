//! LightGBM (Ke and others, NeurIPS 2017) by its C library: training to a saved text, and contributions from it.
//!
//! Everything goes through texts, because a `Booster` can neither be sent nor shared between threads and keeps its
//! training data alive. The flat evaluator in `forest.rs` scores; this file is the only one that knows LightGBM.
//!
//! It is built without OpenMP. The number of its threads is one variable of the whole process: what one call sets,
//! another reads between making its buffers and filling them, and writes past their end. On one thread each, any number
//! of models are trained beside each other, which uses the cores better than several threads on one.

use lightgbm3::{Booster, Dataset};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{matrix::Matrix, stop::Stop};

/// What the trees are fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Objective {
    /// Labels 0 and 1; the raw score is the log-odds.
    Binary,
    /// Labels >= 0 with many zeros, variance ~ mean^power; the raw score is the logarithm of the mean.
    Tweedie {
        /// Between 1 (Poisson) and 2 (gamma).
        power: f64,
    },
    /// Any label; the raw score is this quantile of it.
    Quantile {
        /// Between 0 and 1.
        share: f64,
    },
    /// Any label; the raw score is its mean.
    SquaredError,
}

/// How to train. All that is not named here is LightGBM's default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What the trees are fitted to.
    pub objective: Objective,
    /// Most leaves a tree.
    pub leaves: u32,
    /// Shrinkage of every tree.
    pub learning_rate: f64,
    /// Share of the features a tree may use.
    pub feature_fraction: f64,
    /// Share of the rows a tree is grown on, drawn anew for every tree.
    pub bagging_fraction: f64,
    /// Fewest rows a leaf.
    pub minimum_leaf_rows: u32,
    /// Ridge on the leaves' values.
    pub ridge: f64,
    /// Whether the models of even seeds try one random threshold a feature at a split instead of the best of all
    /// (Geurts, Ernst and Wehenkel, "Extremely randomized trees", 2006). Random ones hold where there is little data
    /// and best ones where there is much; the two kinds differ more than two seeds do, so their mean errs less.
    pub random_thresholds: bool,
    /// Whether the raw score may only fall as a customer buys more or more recently, all else being equal. What
    /// everybody knows of buyers need not be learnt from noise.
    pub falls_with_activity: bool,
    /// Most trees.
    pub rounds: u32,
    /// Trees without improvement on the validation rows after which to stop.
    pub patience: u32,
}

/// Rows with their labels.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// One row a customer.
    pub rows: &'a Matrix,
    /// One label a row.
    pub labels: &'a [f32],
}

/// What LightGBM could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoostingError {
    /// The table and the labels or names do not belong together.
    #[error("{rows} rows of {columns} columns with {labels} labels and {names} feature names")]
    Shape {
        /// Rows of the table.
        rows: usize,
        /// Columns of the table.
        columns: usize,
        /// Labels given.
        labels: usize,
        /// Names given.
        names: usize,
    },
    /// A label that is not finite.
    #[error("the label of row {row} is not finite")]
    Label {
        /// Which row.
        row: usize,
    },
    /// Nobody waits for the model any more.
    #[error("stopped, because nobody waits for it any more")]
    Stopped,
    /// LightGBM's own message.
    #[error("LightGBM: {0}")]
    Library(String),
}

impl From<lightgbm3::Error> for BoostingError {
    fn from(error: lightgbm3::Error) -> BoostingError {
        BoostingError::Library(error.to_string())
    }
}

/// Trains and answers LightGBM's text of the model. With `validation` the number of trees is the one after which its
/// loss was lowest.
///
/// # Errors
/// Shapes that do not match, labels that are not finite, [`BoostingError::Stopped`], and whatever LightGBM says.
pub fn train(
    training: Labelled<'_>,
    validation: Option<Labelled<'_>>,
    names: &[&str],
    settings: &Settings,
    seed: u32,
    stop: &Stop,
) -> Result<String, BoostingError> {
    // A training is many models; between two of them is where it can stop.
    if stop.is_asked() {
        return Err(BoostingError::Stopped);
    }
    let mut train_set = dataset(training, names, None)?;
    train_set.set_feature_names(&names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let validation_set = validation.map(|rows| dataset(rows, names, Some(&train_set))).transpose()?;
    let booster = Booster::train_with_valid(
        train_set,
        validation_set,
        &parameters(settings, names, validation.is_some(), seed),
    )?;
    Ok(booster.save_string()?)
}

/// How many trees a saved model has.
pub fn rounds(text: &str) -> u32 {
    text.lines().filter(|line| line.starts_with("Tree=")).count() as u32
}

/// What each feature adds to the raw score of each row, averaged over the models: per row one value a feature and
/// last the value of an average customer (Lundberg and others, "From Local Explanations to Global Understanding
/// with Explainable AI for Trees", 2020). About 2,000 rows a second a model.
///
/// # Errors
/// A text that LightGBM does not read, or another number of columns.
pub fn contributions(texts: &[String], rows: &Matrix) -> Result<Matrix, BoostingError> {
    let width = rows.columns() + 1;
    let mut sums = vec![0.0f64; rows.rows() * width];
    for text in texts {
        if rows.rows() == 0 {
            break;
        }
        let booster = Booster::from_string(text)?;
        if booster.num_features() as usize != rows.columns() {
            return Err(BoostingError::Shape {
                rows: rows.rows(),
                columns: rows.columns(),
                labels: 0,
                names: booster.num_features() as usize,
            });
        }
        let found = booster.predict_contrib(rows.values(), rows.columns() as i32, true)?;
        if found.len() != sums.len() {
            return Err(BoostingError::Library(format!("{} contributions, not {}", found.len(), sums.len())));
        }
        sums.iter_mut().zip(found).for_each(|(sum, value)| *sum += value);
    }
    let count = texts.len().max(1) as f64;
    Ok(Matrix::from_values(width, sums.into_iter().map(|sum| (sum / count) as f32).collect()))
}

/// Total gain of the splits on each feature over all trees of all texts, summing to 1 (0 without a split).
pub fn importance(texts: &[String], features: usize) -> Vec<f64> {
    let mut gains = vec![0.0; features];
    let list = |line: &str| -> Vec<f64> { line.split(' ').filter_map(|word| word.parse().ok()).collect() };
    for text in texts {
        let mut split_on: Vec<f64> = Vec::new();
        for line in text.lines() {
            if let Some(list_of) = line.strip_prefix("split_feature=") {
                split_on = list(list_of);
            } else if let Some(list_of) = line.strip_prefix("split_gain=") {
                for (feature, gain) in split_on.iter().zip(list(list_of)) {
                    if let Some(sum) = gains.get_mut(*feature as usize) {
                        *sum += gain;
                    }
                }
            }
        }
    }
    let total: f64 = gains.iter().sum();
    if total > 0.0 {
        gains.iter_mut().for_each(|gain| *gain /= total);
    }
    gains
}

fn dataset(part: Labelled<'_>, names: &[&str], like: Option<&Dataset>) -> Result<Dataset, BoostingError> {
    let Labelled { rows, labels } = part;
    // the library reads as many labels as there are rows, whatever the length of the slice
    if labels.len() != rows.rows() || names.len() != rows.columns() || labels.is_empty() {
        let (rows, columns) = (rows.rows(), rows.columns());
        return Err(BoostingError::Shape { rows, columns, labels: labels.len(), names: names.len() });
    }
    if let Some(row) = labels.iter().position(|label| !label.is_finite()) {
        return Err(BoostingError::Label { row });
    }
    Ok(Dataset::from_slice_with_reference(rows.values(), labels, rows.columns() as i32, true, like)?)
}

/// LightGBM's parameters. Values are scalars and strings only: the binding drops arrays without a word.
fn parameters(settings: &Settings, names: &[&str], validated: bool, seed: u32) -> Value {
    let (objective, metric) = match settings.objective {
        Objective::Binary => ("binary", "binary_logloss"),
        Objective::Tweedie { .. } => ("tweedie", "tweedie"),
        Objective::Quantile { .. } => ("quantile", "quantile"),
        Objective::SquaredError => ("regression", "l2"),
    };
    let mut parameters: Map<String, Value> = Map::new();
    let mut set = |name: &str, value: Value| parameters.insert(name.to_owned(), value);
    set("objective", json!(objective));
    set("metric", json!(metric));
    set("num_iterations", json!(settings.rounds));
    set("num_leaves", json!(settings.leaves));
    set("learning_rate", json!(settings.learning_rate));
    set("feature_fraction", json!(settings.feature_fraction));
    set("bagging_fraction", json!(settings.bagging_fraction));
    set("bagging_freq", json!(u32::from(settings.bagging_fraction < 1.0)));
    set("min_data_in_leaf", json!(settings.minimum_leaf_rows));
    set("lambda_l2", json!(settings.ridge));
    set("extra_trees", json!(settings.random_thresholds && seed.is_multiple_of(2)));
    set("seed", json!(seed));
    set("deterministic", json!(true));
    set("force_row_wise", json!(true));
    set("verbosity", json!(-1));
    if settings.falls_with_activity {
        let directions: Vec<String> = names.iter().map(|name| (-activity(name)).to_string()).collect();
        set("monotone_constraints", json!(directions.join(",")));
    }
    match settings.objective {
        Objective::Tweedie { power } => {
            set("tweedie_variance_power", json!(power));
        }
        Objective::Quantile { share } => {
            set("alpha", json!(share));
        }
        Objective::Binary | Objective::SquaredError => {}
    }
    if validated {
        set("early_stopping_rounds", json!(settings.patience));
    }
    Value::Object(parameters)
}

/// 1 for a feature that grows with a customer's activity, -1 for one that falls, 0 for what speaks of something else.
fn activity(feature: &str) -> i32 {
    match feature {
        "orders"
        | "purchase_days"
        | "orders_30d"
        | "orders_90d"
        | "orders_365d"
        | "monthly_rate"
        | "recency_weighted_orders"
        | "active_months_share"
        | "alive_probability"
        | "log_spend"
        | "spend_90d"
        | "spend_365d" => 1,
        "recency_days" | "recency_share" | "overdue" => -1,
        _ => 0,
    }
}
