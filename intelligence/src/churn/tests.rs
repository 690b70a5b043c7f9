//! Training, storing and scoring on invented shops whose truth is known.

use super::*;
use crate::{
    lines::{Line, Lines, LinesBuilder},
    random::SplitMix64,
    snapshot::Snapshot,
    stop::Stop,
};

/// Customers who buy at rates of their own and leave at random, for `days` days.
pub(crate) fn shop(customers: u32, days: i32, seed: u64) -> Lines {
    let mut generator = SplitMix64::new(seed);
    let mut builder = LinesBuilder::with_capacity(customers as usize * 4);
    for customer in 0..customers {
        let rate = 0.004 + 0.06 * generator.uniform().powi(3);
        let leaving = 0.05 + 0.3 * generator.uniform();
        let value = 10.0 + 90.0 * generator.uniform();
        let mut day = (generator.uniform() * f64::from(days) * 0.6) as i32;
        while day < days {
            let minute = day * 1440 + (generator.uniform() * 1440.0) as i32;
            builder.push(
                customer,
                Line {
                    minute,
                    order: generator.next_u64() | 1,
                    product: 1 + generator.next_u64() % 40,
                    category: 1 + generator.next_u64() % 5,
                    quantity: 1.0,
                    amount: value * (0.5 + generator.uniform()),
                    list_amount: f64::NAN,
                    is_return: false,
                },
            );
            if generator.uniform() < leaving {
                break;
            }
            day += 1 + (-(1.0 - generator.uniform()).ln() / rate) as i32;
        }
    }
    builder.finish(customers as usize)
}

fn quick() -> Settings {
    let mut settings = Settings { seeds: 2, replicates: 20, ..settings() };
    settings.boosting.rounds = 60;
    settings.boosting.learning_rate = 0.1;
    settings
}

fn snapshots(lines: &Lines, now: i32, count: i32) -> (Snapshot, Vec<Snapshot>) {
    let closed = (0..count).map(|i| Snapshot::take(lines, now - 90 - 30 * i, 90)).collect();
    (Snapshot::take(lines, now, 90), closed)
}

#[test]
fn a_trained_model_beats_recency_and_survives_storage() {
    let lines = shop(3000, 600, 1);
    let (now, closed) = snapshots(&lines, 500, 5);
    let trained = train(&now, &closed, &quick(), &Stop::never()).expect("enough data");
    assert_eq!(trained.report.tier, Tier::Trees);
    let scores = trained.model.score(&now.features);
    let probabilities: Vec<f64> =
        scores.iter().map(|p| f64::from(p.expect("everybody has an order"))).collect();
    let ours = crate::metrics::roc_auc(&probabilities, &now.churned()).expect("both classes");
    let recency: Vec<f64> = now.summaries.iter().map(|s| f64::from(s.tenure - s.last)).collect();
    let plain = crate::metrics::roc_auc(&recency, &now.churned()).expect("both classes");
    assert!(ours > plain, "{ours} against {plain}");

    let bytes = trained.model.to_artefact();
    let again = Model::from_artefact(&bytes).expect("what was stored");
    assert_eq!(again, trained.model);
    assert_eq!(again.score(&now.features), scores);
    // one customer alone, and a customer without any order
    assert_eq!(again.score(&now.features.select(&[7]))[0], scores[7]);
    assert_eq!(again.score(&Matrix::missing(1, FEATURES.len())), [None]);

    let told = again.reasons(&now.features.select(&[0, 1, 2])).expect("reasons");
    assert!(told.iter().all(|reasons| (1..=5).contains(&reasons.len())));
    let held_back = trained.held_back.expect("a fold");
    assert_eq!(held_back.day, 410);
    assert!(!trained.report.held_back.is_empty() && !trained.report.importance.is_empty());
}

#[test]
fn training_gives_the_same_bits_again_and_on_one_thread() {
    let lines = shop(1500, 600, 2);
    let (now, closed) = snapshots(&lines, 500, 4);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| train(&now, &closed, &quick(), &Stop::never())).expect("enough data")
    };
    let (first, second) = (on(4), on(1));
    assert_eq!(first.model.score(&now.features), second.model.score(&now.features));
}

#[test]
fn a_small_shop_gets_a_smaller_model_and_a_tiny_one_none() {
    let lines = shop(600, 600, 3);
    let (now, closed) = snapshots(&lines, 500, 1);
    let trained = train(&now, &closed, &quick(), &Stop::never()).expect("enough for a regression");
    assert_eq!((trained.report.tier, trained.report.rounds), (Tier::Regression, None));

    let lines = shop(120, 600, 3);
    let (now, closed) = snapshots(&lines, 500, 3);
    let trained = train(&now, &closed, &quick(), &Stop::never()).expect("enough for BG/NBD");
    assert_eq!(trained.report.tier, Tier::Purchases);
    assert!(matches!(trained.report.missing[0], NotEnough::Buyers { .. }));
    let scores = trained.model.score(&now.features);
    assert!(scores.iter().all(|score| score.is_some_and(|p| (0.0..=1.0).contains(&p))));
    assert!(trained.model.reasons(&now.features).expect("reasons").iter().any(|reasons| !reasons.is_empty()));

    let lines = shop(10, 600, 3);
    let (now, closed) = snapshots(&lines, 500, 3);
    let Err(error) = train(&now, &closed, &quick(), &Stop::never()) else {
        panic!("10 customers carry no model")
    };
    assert!(error.to_string().contains("10 customers have bought; 500 are needed"), "{error}");
}

#[test]
fn damaged_models_are_errors() {
    let lines = shop(120, 600, 3);
    let (now, closed) = snapshots(&lines, 500, 1);
    let bytes = train(&now, &closed, &quick(), &Stop::never()).expect("BG/NBD").model.to_artefact();
    assert_eq!(Model::from_artefact(&[]), Err(ArtefactError::Foreign { expected: "churn" }));
    for cut in [5, 20, bytes.len() / 2, bytes.len() - 1] {
        assert!(Model::from_artefact(&bytes[..cut]).is_err());
    }
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    assert_eq!(Model::from_artefact(&changed), Err(ArtefactError::Damaged("the checksum differs")));
}

#[test]
fn only_a_real_improvement_is_promoted() {
    let mut generator = SplitMix64::new(8);
    let truth: Vec<f64> = (0..4000).map(|_| 0.05 + 0.9 * generator.uniform()).collect();
    let churned: Vec<bool> = truth.iter().map(|p| generator.uniform() < *p).collect();
    let blurred: Vec<f64> =
        truth.iter().map(|p| (0.5 * p + 0.5 * generator.uniform()).clamp(0.01, 0.99)).collect();
    assert!(better(&blurred, &truth, &churned).promote);
    assert!(!better(&truth, &blurred, &churned).promote);
    assert!(!better(&truth, &truth, &churned).promote);
    assert!(!better(&truth, &truth[..10], &churned).promote);
    assert!(!better(&blurred, &truth, &vec![true; 4000]).promote);
}

#[test]
fn no_probability_is_certain() {
    assert_eq!(least_probability(0), 1e-4);
    assert_eq!(least_probability(500), 1e-3);
    assert_eq!((least_probability(20), least_probability(1_000_000)), (1e-2, 1e-4));
    // Half of the shop orders every day, the other half has been gone for a year.
    let mut builder = LinesBuilder::with_capacity(60_000);
    let line = |day: i32, order: u64| Line {
        minute: day * 1440,
        order,
        product: 1,
        category: 1,
        quantity: 1.0,
        amount: 10.0,
        list_amount: f64::NAN,
        is_return: false,
    };
    for customer in 0..1_200u32 {
        let days = if customer % 2 == 0 { 0..500 } else { 0..3 };
        days.for_each(|day| builder.push(customer, line(day, 1 + day as u64)));
    }
    let (now, closed) = snapshots(&builder.finish(1_200), 499, 5);
    let trained = train(&now, &closed, &quick(), &Stop::never()).expect("enough data");
    let least = least_probability(trained.report.rows as u64) as f32;
    for probability in trained.model.score(&now.features).into_iter().flatten() {
        assert!((least..=1.0 - least).contains(&probability), "{probability}");
        let shown = (f64::from(probability) * 1e4).round() / 1e4;
        assert!(shown > 0.0 && shown < 1.0, "{probability} is shown as {shown}");
    }
}
