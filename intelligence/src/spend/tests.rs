//! Forecasts of made-up shops: what they hold, that storing keeps their bits, and what they have to beat.

use super::*;
use crate::lines::{Line, Lines, LinesBuilder};
use crate::metrics::{SIGNIFICANT, paired_p_value, spend_quality};
use crate::random::SplitMix64;
use crate::stop::Stop;
use crate::{churn, snapshot::Snapshot};

fn quick() -> Settings {
    let mut settings = Settings { seeds: 2, replicates: 20, ..settings() };
    settings.boosting.rounds = 60;
    settings.boosting.learning_rate = 0.1;
    settings
}

#[test]
fn a_forecast_beats_nothing_and_its_interval_holds() {
    let lines = churn::tests::shop(3000, 600, 1);
    let closed: Vec<Snapshot> = (0..6).map(|i| Snapshot::take(&lines, 410 - 30 * i, 90)).collect();
    let now = Snapshot::take(&lines, 500, 90);
    let trained = train(&now, &closed, &quick(), &crate::stop::Stop::never()).expect("enough data");
    let forecasts = trained.model.score(&now.features, &now.stats.season);
    let spent = now.spent();
    let expected: Vec<f64> = forecasts.iter().map(|f| f.expect("everybody has an order").expected).collect();
    let quality = crate::metrics::spend_quality(&expected, &spent, 20);
    assert!(quality.capture.expect("spend").value > 0.25, "{quality:?}");
    let inside = forecasts.iter().zip(&spent).filter(|(forecast, spent)| {
        let (low, high) = forecast.and_then(|f| f.interval).expect("an interval");
        (low..=high).contains(*spent)
    });
    let coverage = inside.count() as f64 / spent.len() as f64;
    assert!((0.7..=1.0).contains(&coverage), "{coverage}");
    let again = Model::from_artefact(&trained.model.to_artefact()).expect("what was stored");
    assert_eq!(again.score(&now.features, &now.stats.season), forecasts);
    assert_eq!(again.score(&Matrix::missing(1, 66), &Season::default()), [None]);
    assert!(churn::Model::from_artefact(&trained.model.to_artefact()).is_err());
}

#[test]
fn the_two_forecasts_meet_in_the_middle_of_their_logarithms() {
    let close = |found: Option<f64>, wanted: f64| found.is_some_and(|f| (f - wanted).abs() < 1e-9);
    assert!(close(mixed(Some(16.0f64.ln()), Some(4.0), 0.5), 8.0));
    assert!(close(mixed(Some(16.0f64.ln()), Some(4.0), 0.0), 16.0));
    assert!(close(mixed(Some(16.0f64.ln()), None, 0.5), 16.0));
    assert!(close(mixed(None, Some(4.0), 1.0), 4.0));
    assert!(close(mixed(None, None, 1.0), 0.0));
    assert_eq!(mixed(Some(f64::NAN), None, 0.5), None);
    assert!(close(mixed(Some(1e9), None, 0.5), LARGEST));
}

#[test]
fn a_small_shop_gets_the_purchase_model() {
    let lines = churn::tests::shop(120, 600, 3);
    let closed: Vec<Snapshot> = (0..3).map(|i| Snapshot::take(&lines, 410 - 30 * i, 90)).collect();
    let now = Snapshot::take(&lines, 500, 90);
    let trained = train(&now, &closed, &quick(), &crate::stop::Stop::never()).expect("BG/NBD");
    assert!(trained.report.rounds.is_none());
    assert!(
        trained
            .model
            .score(&now.features, &now.stats.season)
            .iter()
            .all(|f| f.is_some_and(|f| f.expected >= 0.0))
    );
}

/// A grocer: people who buy about once a week for as long as they live nearby, whose households grow and shrink, in a
/// shop with a summer and a Christmas.
fn grocer(customers: u32, days: i32, seed: u64) -> Lines {
    let mut generator = SplitMix64::new(seed);
    let mut builder = LinesBuilder::with_capacity(customers as usize * days as usize / 6);
    let season = |day: i32| {
        let year = f64::from(day.rem_euclid(365)) / 365.0;
        let christmas = if (0.88..0.99).contains(&year) { 0.5 } else { 0.0 };
        1.0 + 0.25 * (std::f64::consts::TAU * (year - 0.25)).sin() + christmas
    };
    for customer in 0..customers {
        let pace = 4.0 + 8.0 * generator.uniform();
        let mut household = 15.0 * (3.0 * generator.uniform().powi(2)).exp();
        let mut day = (generator.uniform() * f64::from(days) * 0.5) as i32;
        while day < days {
            let amount = household * season(day) * (0.6 + 0.8 * generator.uniform());
            builder.push(
                customer,
                Line {
                    minute: day * 1440 + 600,
                    order: generator.next_u64() | 1,
                    product: 1 + generator.next_u64() % 40,
                    category: 1 + generator.next_u64() % 5,
                    quantity: 1.0,
                    amount,
                    list_amount: f64::NAN,
                    is_return: false,
                },
            );
            if generator.uniform() < 0.004 {
                break;
            }
            if generator.uniform() < 0.02 {
                household *= [0.5, 0.7, 1.4, 2.0][generator.below(4)];
            }
            day += 1 + (pace * (0.5 + generator.uniform())) as i32;
        }
    }
    builder.finish(customers as usize)
}

/// The snapshots of a night run.
fn nightly(lines: &Lines, now: i32) -> (Snapshot, Vec<Snapshot>) {
    let closed = (0..5).map(|i| Snapshot::take(lines, now - 90 - 45 * i, 90)).collect();
    (Snapshot::take(lines, now, 90), closed)
}

/// Each customer's absolute error.
fn errors(forecasts: &[f64], spent: &[f64]) -> Vec<f64> {
    forecasts.iter().zip(spent).map(|(forecast, spent)| (forecast - spent).abs()).collect()
}

#[test]
fn no_simple_rule_beats_the_forecast_of_a_shop_of_frequent_buyers() {
    let lines = grocer(1_200, 1_060, 7);
    for now in [880, 960] {
        let (snapshot, closed) = nightly(&lines, now);
        let trained = train(&snapshot, &closed, &quick(), &Stop::never()).expect("enough data");
        let spent = snapshot.spent();
        let forecasts: Vec<f64> = trained
            .model
            .score(&snapshot.features, &snapshot.stats.season)
            .into_iter()
            .map(|forecast| forecast.expect("everybody has an order").expected)
            .collect();
        let ours = spend_quality(&forecasts, &spent, 0);
        let bias = ours.bias.expect("spend").value;
        assert!(
            (0.85..=1.15).contains(&bias),
            "day {now}: bias {bias}, {}",
            trained.report.mixture.describe()
        );
        for (name, answers) in baselines(&snapshot) {
            // Gamma-Gamma cannot be fitted where order values scatter so little.
            let Ok(answers) = answers else { continue };
            let theirs = spend_quality(&answers, &spent, 0);
            let differences: Vec<f64> = errors(&answers, &spent)
                .into_iter()
                .zip(errors(&forecasts, &spent))
                .map(|(theirs, ours)| theirs - ours)
                .collect();
            let beaten = paired_p_value(&differences).is_some_and(|p| p < SIGNIFICANT);
            assert!(
                !beaten,
                "day {now}: {name} {theirs:?} beats {ours:?}, {}",
                trained.report.mixture.describe()
            );
        }
    }
}
