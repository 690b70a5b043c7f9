//! How good probabilities and spend forecasts are, with 95 % intervals. Every figure is an `Option`: a set with one
//! class has no ROC-AUC, and nothing here answers NaN.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{random::SplitMix64, special_functions::normal_cdf};

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// 2.5 % bound.
    pub low: f64,
    /// 97.5 % bound.
    pub high: f64,
}

/// How good churn probabilities are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Area under the receiver operating characteristic, ties counted half (Hanley and McNeil 1982).
    pub roc_auc: Option<Estimate>,
    /// Average precision for the rarer class, which is the harder one to find.
    pub average_precision: Option<Estimate>,
    /// Mean squared error of the probability (Brier 1950). `None` where scores are no probabilities.
    pub brier: Option<Estimate>,
    /// Mean negative log-likelihood in nats, probabilities kept 1e-6 away from 0 and 1.
    pub log_loss: Option<Estimate>,
    /// Expected calibration error over 10 bins of equally many customers (Naeini, Cooper and Hauskrecht 2015; Nixon
    /// and others 2019 on why not of equal width).
    pub calibration_error: Option<Estimate>,
}

/// How good forecasts of spend are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpendQuality {
    /// Mean absolute error in money.
    pub mean_absolute_error: Option<Estimate>,
    /// Sum predicted over sum spent; 1 is unbiased. `None` when nobody spent.
    pub bias: Option<Estimate>,
    /// Share of all spend that is with the tenth of customers predicted highest (ties share evenly).
    pub capture: Option<Estimate>,
}

/// What a score is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// A number that only orders customers.
    Rank,
    /// A probability.
    Probability,
}

/// Measures scores of churn (`true` = churned) with bootstrap intervals over customers.
///
/// # Panics
/// The slices differ in length.
pub fn classification(scores: &[f64], churned: &[bool], kind: Score, replicates: usize) -> Classification {
    assert_eq!(scores.len(), churned.len(), "one label a score");
    let order = descending(scores);
    let measure = |weights: &[u32]| {
        let mut figures = ranking(scores, churned, &order, weights)
            .map_or([f64::NAN; 5], |(auc, precision)| [auc, precision, f64::NAN, f64::NAN, f64::NAN]);
        if kind == Score::Probability {
            figures[2..].copy_from_slice(&probabilities(scores, churned, &order, weights));
        }
        figures
    };
    let [roc_auc, average_precision, brier, log_loss, calibration_error] =
        bootstrap(scores.len(), replicates, measure);
    Classification { roc_auc, average_precision, brier, log_loss, calibration_error }
}

/// Measures forecasts of spend with bootstrap intervals over customers.
///
/// # Panics
/// The slices differ in length.
pub fn spend_quality(predicted: &[f64], spent: &[f64], replicates: usize) -> SpendQuality {
    assert_eq!(predicted.len(), spent.len(), "one label a forecast");
    let order = descending(predicted);
    let [mean_absolute_error, bias, capture] =
        bootstrap(predicted.len(), replicates, |weights| spend_figures(predicted, spent, &order, weights));
    SpendQuality { mean_absolute_error, bias, capture }
}

/// One bin of a calibration plot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Lower edge of the predicted probability; the bin is a tenth wide.
    pub from: f64,
    /// Customers in it.
    pub customers: u64,
    /// Their mean predicted probability.
    pub predicted: f64,
    /// The share that churned.
    pub realised: f64,
}

/// The non-empty bins of a calibration plot.
pub fn calibration_bins(probabilities: &[f64], churned: &[bool]) -> Vec<CalibrationBin> {
    let mut bins = [(0u64, 0.0, 0u64); 10];
    for (&p, &y) in probabilities.iter().zip(churned) {
        let bin = &mut bins[bin_of(p)];
        bin.0 += 1;
        bin.1 += p;
        bin.2 += u64::from(y);
    }
    let full = bins.iter().enumerate().filter(|(_, bin)| bin.0 > 0);
    full.map(|(i, &(customers, predicted, gone))| CalibrationBin {
        from: i as f64 / 10.0,
        customers,
        predicted: predicted / customers as f64,
        realised: gone as f64 / customers as f64,
    })
    .collect()
}

/// Area under the receiver operating characteristic; `None` with one class.
pub fn roc_auc(scores: &[f64], churned: &[bool]) -> Option<f64> {
    ranking(scores, churned, &descending(scores), &vec![1; scores.len()]).map(|(auc, _)| auc)
}

/// Mean negative log-likelihood in nats; `None` without customers.
pub fn log_loss(probabilities: &[f64], churned: &[bool]) -> Option<f64> {
    let total: f64 = probabilities.iter().zip(churned).map(|(&p, &y)| loss(p, y)).sum();
    (!probabilities.is_empty()).then(|| total / probabilities.len() as f64)
}

/// Negative log-likelihood of one outcome in nats.
pub fn loss(probability: f64, churned: bool) -> f64 {
    let p = probability.clamp(1e-6, 1.0 - 1e-6);
    if churned { -p.ln() } else { -(1.0 - p).ln() }
}

/// Chance that is accepted when something is taken for better than something else.
pub const SIGNIFICANT: f64 = 0.05;

/// The one-sided probability that a mean of paired differences this far below zero is chance (normal
/// approximation of the paired t statistic); `None` below 30 pairs or without any difference.
pub fn paired_p_value(differences: &[f64]) -> Option<f64> {
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (differences.len() >= 30 && variance > 0.0).then(|| normal_cdf(mean / (variance / n).sqrt()))
}

/// Which of the alternatives has the smallest loss among those that are better than the usual by more than noise, by
/// the losses of the same customers; `None` if none is.
pub fn clearly_better(usual: &[f64], alternatives: &[Vec<f64>]) -> Option<usize> {
    let gain = |losses: &Vec<f64>| -> Option<f64> {
        let differences: Vec<f64> = losses.iter().zip(usual).map(|(other, usual)| other - usual).collect();
        let real = paired_p_value(&differences).is_some_and(|p| p < SIGNIFICANT);
        real.then(|| differences.iter().sum())
    };
    let gains = alternatives.iter().enumerate().filter_map(|(i, losses)| Some((gain(losses)?, i)));
    gains.min_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, i)| i)
}

/// The difference of two ROC-AUCs on the same customers (left - right) and its standard error (DeLong, DeLong and
/// Clarke-Pearson 1988, placements by ranks as Sun and Xu 2014); `None` with fewer than two of a class.
pub fn auc_difference(left: &[f64], right: &[f64], churned: &[bool]) -> Option<(f64, f64)> {
    let (positive, negative): (Vec<usize>, Vec<usize>) = (0..churned.len()).partition(|&i| churned[i]);
    if positive.len() < 2 || negative.len() < 2 {
        return None;
    }
    let (left_positive, left_negative) = placements(left, &positive, &negative);
    let (right_positive, right_negative) = placements(right, &positive, &negative);
    let difference =
        |left: &[f64], right: &[f64]| -> Vec<f64> { left.iter().zip(right).map(|(l, r)| l - r).collect() };
    let of_positive = difference(&left_positive, &right_positive);
    let of_negative = difference(&left_negative, &right_negative);
    let (mean, variance) = mean_and_variance(&of_positive);
    let (_, other) = mean_and_variance(&of_negative);
    Some((mean, (variance / positive.len() as f64 + other / negative.len() as f64).sqrt()))
}

/// For every positive the share of negatives below it, for every negative the share of positives above it.
fn placements(scores: &[f64], positive: &[usize], negative: &[usize]) -> (Vec<f64>, Vec<f64>) {
    let sorted = |of: &[usize]| {
        let mut values: Vec<f64> = of.iter().map(|&i| scores[i]).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (positives, negatives) = (sorted(positive), sorted(negative));
    let share = |sorted: &[f64], x: f64| {
        let (below, upto) = (sorted.partition_point(|v| *v < x), sorted.partition_point(|v| *v <= x));
        (below + upto) as f64 / 2.0 / sorted.len() as f64
    };
    (
        positive.iter().map(|&i| share(&negatives, scores[i])).collect(),
        negative.iter().map(|&i| 1.0 - share(&positives, scores[i])).collect(),
    )
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

fn descending(scores: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_by(|&l, &r| scores[r as usize].total_cmp(&scores[l as usize]).then(l.cmp(&r)));
    order
}

/// ROC-AUC and average precision of the rarer class in one pass over the customers in descending order.
fn ranking(scores: &[f64], churned: &[bool], order: &[u32], weights: &[u32]) -> Option<(f64, f64)> {
    let (mut positives, mut all) = (0.0, 0.0);
    for (&y, &w) in churned.iter().zip(weights) {
        all += f64::from(w);
        positives += if y { f64::from(w) } else { 0.0 };
    }
    let negatives = all - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let rare = positives <= negatives;
    // the rarer class is looked for at its own end of the order
    let walk: Box<dyn Iterator<Item = &u32>> =
        if rare { Box::new(order.iter()) } else { Box::new(order.iter().rev()) };
    let (mut hits, mut misses, mut area, mut precision) = (0.0, 0.0, 0.0, 0.0);
    let (mut tied_hits, mut tied_misses, mut last) = (0.0, 0.0, f64::NAN);
    let (wanted, others) = if rare { (positives, negatives) } else { (negatives, positives) };
    let mut close = |tied_hits: &mut f64, tied_misses: &mut f64| {
        area += *tied_misses * (hits + *tied_hits / 2.0);
        hits += *tied_hits;
        misses += *tied_misses;
        if *tied_hits > 0.0 {
            precision += *tied_hits * hits / (hits + misses);
        }
        (*tied_hits, *tied_misses) = (0.0, 0.0);
    };
    for &i in walk {
        let (score, weight) = (scores[i as usize], f64::from(weights[i as usize]));
        if score != last {
            close(&mut tied_hits, &mut tied_misses);
            last = score;
        }
        if churned[i as usize] == rare {
            tied_hits += weight;
        } else {
            tied_misses += weight;
        }
    }
    close(&mut tied_hits, &mut tied_misses);
    Some((area / (wanted * others), precision / wanted))
}

/// Brier score, log loss and calibration error; `order` is descending.
fn probabilities(probabilities: &[f64], churned: &[bool], order: &[u32], weights: &[u32]) -> [f64; 3] {
    let (mut brier, mut losses, mut total) = (0.0, 0.0, 0.0);
    for ((&p, &y), &w) in probabilities.iter().zip(churned).zip(weights) {
        let w = f64::from(w);
        brier += w * (p - f64::from(u8::from(y))).powi(2);
        losses += w * loss(p, y);
        total += w;
    }
    // ten bins of equal weight; customers with the same probability count in equal parts across a border
    let (mut gap, mut bin, mut room, mut start) = (0.0, 0.0, total / 10.0, 0);
    while start < order.len() {
        let p = probabilities[order[start] as usize];
        let (mut weight, mut gone) = (0.0, 0.0);
        while start < order.len() && probabilities[order[start] as usize] == p {
            let i = order[start] as usize;
            weight += f64::from(weights[i]);
            gone += if churned[i] { f64::from(weights[i]) } else { 0.0 };
            start += 1;
        }
        let difference = if weight > 0.0 { p - gone / weight } else { 0.0 };
        while weight > 0.0 {
            let part = weight.min(room);
            bin += part * difference;
            weight -= part;
            room -= part;
            if room <= 1e-9 * total {
                gap += f64::abs(bin);
                (bin, room) = (0.0, total / 10.0);
            }
        }
    }
    [brier / total, losses / total, (gap + f64::abs(bin)) / total]
}

fn bin_of(probability: f64) -> usize {
    ((probability * 10.0) as usize).min(9)
}

fn spend_figures(predicted: &[f64], spent: &[f64], order: &[u32], weights: &[u32]) -> [f64; 3] {
    let (mut error, mut predictions, mut spend, mut total) = (0.0, 0.0, 0.0, 0.0);
    for ((&p, &s), &w) in predicted.iter().zip(spent).zip(weights) {
        let w = f64::from(w);
        error += w * (p - s).abs();
        predictions += w * p;
        spend += w * s;
        total += w;
    }
    if spend <= 0.0 {
        return [error / total, f64::NAN, f64::NAN];
    }
    // the top tenth; a group of equal forecasts across its border counts in proportion
    let (mut left, mut captured, mut start) = (total / 10.0, 0.0, 0);
    while start < order.len() && left > 0.0 {
        let forecast = predicted[order[start] as usize];
        let (mut weight, mut money, mut end) = (0.0, 0.0, start);
        while end < order.len() && predicted[order[end] as usize] == forecast {
            let i = order[end] as usize;
            weight += f64::from(weights[i]);
            money += f64::from(weights[i]) * spent[i];
            end += 1;
        }
        if weight > 0.0 {
            captured += money * (left / weight).min(1.0);
            left -= weight;
        }
        start = end;
    }
    [error / total, predictions / spend, captured / spend]
}

/// The figures with percentile intervals of a Poisson bootstrap (Efron and Tibshirani 1993, chapter 13; the weights
/// as Chamandy and others 2012). Above 200,000 customers a tenth of the replicates does.
fn bootstrap<const N: usize>(
    customers: usize,
    replicates: usize,
    measure: impl Fn(&[u32]) -> [f64; N] + Sync,
) -> [Option<Estimate>; N] {
    if customers == 0 {
        return [None; N];
    }
    let values = measure(&vec![1; customers]);
    let replicates = if customers > 200_000 { replicates.div_ceil(10) } else { replicates };
    let draws: Vec<[f64; N]> = (0..replicates as u64)
        .into_par_iter()
        .map(|replicate| {
            let mut generator = SplitMix64::new(0x5eed ^ (replicate << 20));
            let weights: Vec<u32> = (0..customers).map(|_| generator.poisson_one()).collect();
            measure(&weights)
        })
        .collect();
    std::array::from_fn(|i| {
        let value = Some(values[i]).filter(|value| value.is_finite())?;
        let mut figures: Vec<f64> =
            draws.iter().map(|draw| draw[i]).filter(|figure| figure.is_finite()).collect();
        figures.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = figures.len().saturating_sub(1);
            figures.get((share * last as f64).round() as usize).copied().unwrap_or(value)
        };
        Some(Estimate { value, low: at(0.025).min(value), high: at(0.975).max(value) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9: roc_auc_score, average_precision_score, brier_score_loss, log_loss of these eight.
    #[test]
    fn golden_values() {
        let scores = [0.9, 0.8, 0.8, 0.6, 0.55, 0.4, 0.3, 0.1];
        let churned = [true, true, false, true, false, false, false, false];
        let found = classification(&scores, &churned, Score::Probability, 20);
        let value = |estimate: Option<Estimate>| estimate.expect("both classes").value;
        assert!((value(found.roc_auc) - 0.9).abs() < 1e-12, "{found:?}");
        assert!((value(found.average_precision) - 0.805_555_555_555_555_5).abs() < 1e-12, "{found:?}");
        assert!((value(found.brier) - 0.176_562_5).abs() < 1e-12, "{found:?}");
        let loss: f64 =
            [0.9f64, 0.8, 0.2, 0.6, 0.45, 0.6, 0.7, 0.9].iter().map(|p| -p.ln()).sum::<f64>() / 8.0;
        assert!((value(found.log_loss) - loss).abs() < 1e-12);
        // ten bins of 0.8 customers each, from the top
        let errors: [f64; 8] = [-0.1, 0.3, 0.3, -0.4, 0.55, 0.4, 0.3, 0.1];
        let bins = (0..10).map(|bin| {
            let (from, to) = (0.8 * f64::from(bin), 0.8 * f64::from(bin + 1));
            let share = |i: usize| (to.min(i as f64 + 1.0) - from.max(i as f64)).max(0.0);
            (0..8).map(|i| share(i) * errors[i]).sum::<f64>().abs()
        });
        assert!((value(found.calibration_error) - bins.sum::<f64>() / 8.0).abs() < 1e-9);
        let interval = found.roc_auc.expect("both classes");
        assert!(interval.low <= interval.value && interval.value <= interval.high);
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        let one_class = classification(&[0.1, 0.2], &[true, true], Score::Probability, 5);
        assert!(one_class.roc_auc.is_none() && one_class.brier.is_some());
        assert_eq!(classification(&[], &[], Score::Rank, 5), Classification::default());
        assert!(spend_quality(&[1.0, 2.0], &[0.0, 0.0], 5).bias.is_none());
    }

    #[test]
    fn the_top_tenth_takes_its_share_of_a_tie() {
        let spent: Vec<f64> = (0..20).map(f64::from).collect();
        let flat = spend_quality(&[1.0; 20], &spent, 3).capture.expect("spend").value;
        assert!((flat - 0.1).abs() < 1e-12);
        let perfect = spend_quality(&spent, &spent, 3).capture.expect("spend").value;
        assert!((perfect - 37.0 / 190.0).abs() < 1e-12);
    }

    #[test]
    fn only_what_is_better_by_more_than_noise_is_taken() {
        let usual: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        let by = |gain: f64, noise: f64| -> Vec<f64> {
            (0..100).map(|i| usual[i] - gain + if i % 2 == 0 { noise } else { -noise }).collect()
        };
        assert_eq!(clearly_better(&usual, &[usual.clone(), by(0.1, 5.0)]), None);
        assert_eq!(clearly_better(&usual, &[by(0.1, 0.1), by(0.3, 0.1), by(-1.0, 0.1)]), Some(1));
        assert_eq!(clearly_better(&usual, &[]), None);
        assert_eq!(clearly_better(&[], &[Vec::new()]), None);
    }

    #[test]
    fn equal_scores_do_not_differ() {
        let scores: Vec<f64> = (0..50).map(|i| f64::from(i * 7 % 50)).collect();
        let churned: Vec<bool> = (0..50).map(|i| i % 3 == 0).collect();
        assert_eq!(auc_difference(&scores, &scores, &churned), Some((0.0, 0.0)));
        assert_eq!(paired_p_value(&[0.0; 40]), None);
        let better: Vec<f64> = (0..40).map(|i| -1.0 + 0.1 * f64::from(i % 5)).collect();
        assert!(paired_p_value(&better).expect("differences") < 1e-6);
    }
}
