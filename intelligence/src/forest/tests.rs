//! The flat evaluator against LightGBM itself, and against texts that were damaged.

use lightgbm3::Booster;
use proptest::prelude::*;
use rayon::prelude::*;

use super::*;
use crate::{
    boosting::{Labelled, Objective, Settings, contributions, rounds, train},
    random::SplitMix64,
    special_functions::logistic,
    stop::Stop,
};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn settings(leaves: u32) -> Settings {
    Settings {
        objective: Objective::Binary,
        leaves,
        learning_rate: 0.1,
        feature_fraction: 0.8,
        bagging_fraction: 0.7,
        minimum_leaf_rows: 20,
        ridge: 1.0,
        random_thresholds: false,
        falls_with_activity: false,
        rounds: 60,
        patience: 10,
    }
}

/// Numbers with ties, zeros and gaps in two columns; column b is never missing in training.
fn table(rows: usize, seed: u64, gaps_everywhere: bool) -> Matrix {
    let mut generator = SplitMix64::new(seed);
    let values = (0..rows * NAMES.len()).map(|i| {
        let column = i % NAMES.len();
        let value = (generator.uniform() * 40.0).floor() / 8.0 - 2.0;
        let gap = generator.uniform() < 0.2 && (gaps_everywhere || column == 0 || column == 3);
        if gap { f32::NAN } else { value as f32 }
    });
    Matrix::from_values(NAMES.len(), values.collect())
}

fn labels(rows: &Matrix) -> Vec<f32> {
    let mut generator = SplitMix64::new(9);
    let label = |row: &[f32]| {
        let a = if row[0].is_nan() { 1.5 } else { row[0] };
        let d = if row[3].is_nan() { -1.0 } else { row[3] };
        f32::from(u8::from(generator.uniform() < logistic(f64::from(a * row[1] - d))))
    };
    (0..rows.rows()).map(|i| rows.row(i)).map(label).collect()
}

fn texts(leaves: u32) -> Vec<String> {
    let rows = table(3000, 1, false);
    let labels = labels(&rows);
    let labelled = Labelled { rows: &rows, labels: &labels };
    (1..=2)
        .map(|seed| train(labelled, None, &NAMES, &settings(leaves), seed, &Stop::never()).expect("a model"))
        .collect()
}

/// Labels that rise with what should make them fall.
#[test]
fn what_may_only_fall_does_not_rise() {
    let names = ["orders", "recency_days", "weekend_share"];
    let mut generator = SplitMix64::new(3);
    let values: Vec<f32> = (0..6000).map(|_| (generator.uniform() * 10.0) as f32).collect();
    let rows = Matrix::from_values(names.len(), values);
    let labels: Vec<f32> = (0..rows.rows())
        .map(|row| {
            let [orders, recency, weekend] = [0, 1, 2].map(|column| f64::from(rows.row(row)[column]));
            let score = (orders - recency) / 4.0 + (weekend - 5.0) / 2.0 + (recency * 2.0).sin();
            f32::from(u8::from(generator.uniform() < logistic(score)))
        })
        .collect();
    // the largest change of the score along one feature in this direction, the others in the middle
    let largest = |falls_with_activity: bool, column: usize, direction: f64| -> f64 {
        let settings = Settings { falls_with_activity, ..settings(15) };
        let text =
            train(Labelled { rows: &rows, labels: &labels }, None, &names, &settings, 1, &Stop::never());
        let forest = Forest::parse(&[text.expect("a model")], &names).expect("a forest");
        let mut steps = Matrix::from_values(names.len(), vec![5.0; 101 * names.len()]);
        (0..=100).for_each(|step| steps.row_mut(step)[column] = step as f32 / 10.0);
        let scores = forest.scores(&steps);
        scores.windows(2).map(|pair| direction * (pair[1] - pair[0])).fold(f64::NEG_INFINITY, f64::max)
    };
    assert!(largest(false, 0, 1.0) > 0.01 && largest(true, 0, 1.0) <= 1e-9, "nobody leaves for ordering");
    assert!(largest(false, 1, -1.0) > 0.01 && largest(true, 1, -1.0) <= 1e-9, "or returns for being away");
    assert!(largest(true, 2, 1.0) > 0.01, "other features are free");
}

#[test]
fn scores_equal_those_of_lightgbm() {
    for leaves in [2, 15, 16, 31] {
        let texts = texts(leaves);
        let forest = Forest::parse(&texts, &NAMES).expect("a forest");
        let mut rows = table(5003, 2, true);
        rows.row_mut(0).fill(f32::NAN);
        rows.row_mut(1).fill(f32::INFINITY);
        rows.row_mut(2).fill(f32::NEG_INFINITY);
        rows.row_mut(3).fill(0.0);
        let ours = forest.scores(&rows);
        let mut theirs = vec![0.0; rows.rows()];
        for text in &texts {
            let booster = Booster::from_string(text).expect("their model");
            let scores = booster.raw_scores(rows.values(), NAMES.len() as i32, true).expect("scores");
            theirs.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score / 2.0);
        }
        for (i, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert!((ours - theirs).abs() < 1e-12, "{leaves} leaves, row {i}: {ours} {theirs}");
            if i < 50 {
                assert_eq!(*ours, forest.score(rows.row(i)));
            }
        }
    }
}

#[test]
fn trainings_beside_each_other_are_the_same_and_stop_early() {
    let (rows, held) = (table(3000, 1, false), table(800, 4, false));
    let (labels, held_labels) = (labels(&rows), labels(&held));
    let model = |_| {
        let settings = Settings { rounds: 500, ..settings(15) };
        let held = Labelled { rows: &held, labels: &held_labels };
        train(Labelled { rows: &rows, labels: &labels }, Some(held), &NAMES, &settings, 7, &Stop::never())
            .expect("a model")
    };
    let trees = |text: &str| text.split("end of trees").next().map(str::to_owned);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().expect("threads");
    let models: Vec<String> = pool.install(|| (0..32).into_par_iter().map(model).collect());
    assert!(models.iter().all(|other| trees(other) == trees(&models[0])));
    assert!((5..400).contains(&rounds(&models[0])), "{}", rounds(&models[0]));
}

#[test]
fn contributions_add_up_to_the_score() {
    let texts = texts(15);
    let rows = table(40, 3, true);
    let scores = Forest::parse(&texts, &NAMES).expect("a forest").scores(&rows);
    let parts = contributions(&texts, &rows).expect("contributions");
    for (i, score) in scores.iter().enumerate() {
        let sum: f32 = parts.row(i).iter().sum();
        assert!((f64::from(sum) - score).abs() < 1e-5, "{sum} {score}");
    }
}

#[test]
fn other_features_and_labels_that_do_not_fit_are_refused() {
    let texts = texts(4);
    let other = Forest::parse(&texts, &["a", "b", "c", "d", "f"]);
    assert_eq!(other, Err(ForestError::Features { found: Some("e".into()), expected: Some("f".into()) }));
    assert_eq!(Forest::parse(&[], &NAMES), Err(ForestError::Empty));
    let rows = table(100, 1, false);
    assert!(
        train(Labelled { rows: &rows, labels: &[0.0; 99] }, None, &NAMES, &settings(4), 1, &Stop::never())
            .is_err()
    );
    assert!(
        train(
            Labelled { rows: &rows, labels: &[f32::NAN; 100] },
            None,
            &NAMES,
            &settings(4),
            1,
            &Stop::never()
        )
        .is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is cut out of a text or put into it: an error or a forest with finite scores, never a panic.
    #[test]
    fn damaged_texts_never_panic(from in 0usize..20_000, length in 0usize..400, with in "[ -~\n]{0,12}") {
        static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| texts(6).swap_remove(0));
        let text = TEXT.as_str();
        let from = from % text.len();
        let to = (from + length).min(text.len());
        let damaged = format!("{}{with}{}", &text[..from], &text[to..]);
        if let Ok(forest) = Forest::parse(&[damaged], &NAMES) {
            let rows = table(200, 5, true);
            prop_assert!(forest.scores(&rows).iter().all(|score| score.is_finite()));
        }
    }
}
