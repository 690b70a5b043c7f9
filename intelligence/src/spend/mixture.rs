//! Which parts make a forecast, and how they are chosen on days that are held back.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    comparison::loss,
    mixed,
    simple::{Shift, Simple},
};
use crate::metrics::{Estimate, SIGNIFICANT, paired_p_value, spend_quality};

/// The parts' shares. What `recent` and `rate` leave is the model's: the mean of the logarithms of trees and purchases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// The purchase model's share in the model's mean of logarithms.
    pub purchases: f64,
    /// Share of the last 90 days' spend, scaled to the horizon.
    #[serde(default)]
    pub recent: f64,
    /// Share of the customer's rate over the last year, scaled to the horizon.
    #[serde(default)]
    pub rate: f64,
    /// Whether the parts are moved by the shop's season.
    #[serde(default)]
    pub season: bool,
}

impl Mixture {
    /// The model alone.
    pub(super) const fn model(purchases: f64) -> Mixture {
        Mixture { purchases, recent: 0.0, rate: 0.0, season: false }
    }

    /// The model's share.
    pub fn model_share(&self) -> f64 {
        (1.0 - self.recent - self.rate).max(0.0)
    }

    /// Whether the shares make sense together.
    pub(super) fn is_sound(&self) -> bool {
        let shares = [self.purchases, self.recent, self.rate];
        shares.iter().all(|share| (0.0..=1.0).contains(share)) && self.recent + self.rate <= 1.0 + 1e-9
    }

    /// The forecast that the parts make; a missing part leaves its share to the others.
    pub(super) fn of(
        &self,
        log_trees: Option<f64>,
        purchases: Option<f64>,
        simple: Simple,
        shift: Shift,
    ) -> Option<f64> {
        let plain = self.recent * simple.recent + self.rate * simple.rate;
        let share = self.model_share();
        if share < 1e-9 {
            return Some(plain);
        }
        let log_trees = log_trees.map(|trees| trees + shift.trees);
        let purchases = purchases.map(|purchases| purchases * shift.purchases.exp());
        Some(share * mixed(log_trees, purchases, self.purchases)? + plain)
    }

    /// In words.
    pub fn describe(&self) -> String {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let mut parts = Vec::new();
        if self.model_share() > 1e-9 {
            let of = match self.purchases {
                1.0 => "the purchase model".to_owned(),
                0.0 => "trees".to_owned(),
                share => format!("trees and purchase model ({} of the latter)", percent(share)),
            };
            parts.push(format!("{} {of}", percent(self.model_share())));
        }
        for (share, name) in [(self.recent, "last 90 days' spend"), (self.rate, "customer's rate of a year")]
        {
            if share > 0.0 {
                parts.push(format!("{} {name}", percent(share)));
            }
        }
        let season = if self.season { ", with the shop's season" } else { "" };
        format!("{}{season}", parts.join(" + "))
    }
}

/// What the parts say of a held-back day's customers, and what those spent.
pub(super) struct Parts {
    /// Logarithms of the trees' means; none without trees.
    pub(super) trees: Option<Vec<f64>>,
    /// The purchase model's means; none for a customer without any.
    pub(super) purchases: Vec<Option<f64>>,
    /// The simple forecasts without and with the season.
    pub(super) simple: [Vec<Simple>; 2],
    /// What the season adds to the trees' logarithms and to those of the purchase model; none without a season.
    pub(super) season: Option<Shift>,
    /// What was spent.
    pub(super) spent: Vec<f64>,
}

impl Parts {
    pub(super) fn forecasts(&self, mixture: Mixture) -> Vec<f64> {
        let simple = &self.simple[usize::from(mixture.season)];
        let shift = self.season.filter(|_| mixture.season).unwrap_or(Shift::NONE);
        let one = |row: usize| {
            let trees = self.trees.as_ref().map(|trees| trees[row]);
            mixture.of(trees, self.purchases[row], simple[row], shift).unwrap_or(0.0)
        };
        (0..self.spent.len()).map(one).collect()
    }
}

/// A mixture and why it was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) mixture: Mixture,
    pub(super) reason: String,
}

/// Shares of a simple forecast that are tried.
const SIMPLE: [f64; 6] = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0];
/// A bias inside these bounds on the held-back days is none that a season or chance could not explain.
const UNBIASED: std::ops::RangeInclusive<f64> = 0.85..=1.15;

/// The parts of all held-back days in columns: every mixture is a few multiplications a customer.
struct Sheet {
    /// The model alone, with its means.
    models: Vec<(Mixture, Vec<f64>)>,
    /// The simple forecasts without and with the season.
    simple: [Vec<Simple>; 2],
    spent: Vec<f64>,
}

impl Sheet {
    fn of(days: &[Parts], tried: &[Mixture]) -> Sheet {
        let alone: Vec<Mixture> =
            tried.iter().filter(|mixture| mixture.model_share() == 1.0).copied().collect();
        let models = alone.into_par_iter().map(|mixture| {
            let means = days.iter().flat_map(|day| day.forecasts(mixture));
            (mixture, means.collect())
        });
        let simple = |season: usize| days.iter().flat_map(|day| day.simple[season].iter().copied()).collect();
        Sheet {
            models: models.collect(),
            simple: [simple(0), simple(1)],
            spent: days.iter().flat_map(|day| day.spent.iter().copied()).collect(),
        }
    }

    /// What was forecast and what was spent, customer by customer.
    fn pairs(&self, mixture: Mixture) -> impl Iterator<Item = (f64, f64)> {
        let alone = Mixture { recent: 0.0, rate: 0.0, ..mixture };
        let model = self.models.iter().find(|(model, _)| *model == alone).map(|(_, means)| means);
        let (share, simple) = (mixture.model_share(), &self.simple[usize::from(mixture.season)]);
        self.spent.iter().enumerate().map(move |(row, spent)| {
            let model = model.filter(|_| share > 1e-9).map_or(0.0, |means| share * means[row]);
            (model + mixture.recent * simple[row].recent + mixture.rate * simple[row].rate, *spent)
        })
    }

    fn forecasts(&self, mixture: Mixture) -> Vec<f64> {
        self.pairs(mixture).map(|(expected, _)| expected).collect()
    }

    fn measure(&self, mixture: Mixture) -> Measured {
        let (mut deviance, mut error, mut expected, mut spent) = (0.0, 0.0, 0.0, 0.0);
        for (forecast, actual) in self.pairs(mixture) {
            deviance += loss(forecast, actual);
            error += (forecast - actual).abs();
            expected += forecast;
            spent += actual;
        }
        let customers = self.spent.len().max(1) as f64;
        let (deviance, error) = (deviance / customers, error / customers);
        let (bias, capture) =
            if spent > 0.0 { (expected / spent, self.captured(mixture) / spent) } else { (1.0, 1.0) };
        Measured { mixture, deviance, error, bias, capture }
    }

    /// What the tenth of customers spent that the mixture puts first; of equal forecasts the earlier row counts.
    fn captured(&self, mixture: Mixture) -> f64 {
        let forecasts = self.forecasts(mixture);
        let mut rows: Vec<u32> = (0..forecasts.len() as u32).collect();
        let tenth = rows.len().div_ceil(10);
        let order = |left: &u32, right: &u32| {
            forecasts[*right as usize].total_cmp(&forecasts[*left as usize]).then(left.cmp(right))
        };
        if tenth < rows.len() {
            rows.select_nth_unstable_by(tenth, order);
            rows.truncate(tenth);
        }
        // Sums depend on their order, and a selection leaves one of its own.
        rows.sort_unstable();
        rows.iter().map(|row| self.spent[*row as usize]).sum()
    }
}

/// How a mixture did on the held-back days, a customer.
#[derive(Clone, Copy, Debug)]
struct Measured {
    mixture: Mixture,
    deviance: f64,
    error: f64,
    bias: f64,
    capture: f64,
}

impl Measured {
    /// Smaller is better in all that a forecast of spend is for: the mean (deviance), single customers (error), and who
    /// comes first (capture). Each counts by its ratio, so that none needs a weight.
    fn loss(&self) -> f64 {
        self.deviance * self.error / self.capture.max(1e-3)
    }

    fn describe(&self) -> String {
        format!("mean absolute error {:.2}, bias {:.2}, capture {:.3}", self.error, self.bias, self.capture)
    }
}

/// Whether a rule beats our forecasts of the same customers: its absolute errors are smaller by more than noise, not for
/// being further from the sum (where most people spend nothing, a forecast that is too low errs less), and the tenth of
/// customers that it puts first spends no less.
pub(super) fn outdoes(rule: &[f64], ours: &[f64], spent: &[f64]) -> bool {
    let errors = |forecasts: &[f64]| -> Vec<f64> {
        forecasts.iter().zip(spent).map(|(forecast, spent)| (forecast - spent).abs()).collect()
    };
    if !clearly_smaller(&errors(rule), &errors(ours)) {
        return false;
    }
    let (rule, ours) = (spend_quality(rule, spent, 0), spend_quality(ours, spent, 0));
    let value = |estimate: Option<Estimate>| estimate.map_or(0.0, |estimate| estimate.value);
    let (rule_bias, our_bias) = (value(rule.bias), value(ours.bias));
    (UNBIASED.contains(&rule_bias) || rule_bias.ln().abs() <= our_bias.ln().abs())
        && value(rule.capture) >= value(ours.capture)
}

/// Whether the left is smaller than the right by more than noise (paired, one-sided, 5 %).
fn clearly_smaller(left: &[f64], right: &[f64]) -> bool {
    let differences: Vec<f64> = left.iter().zip(right).map(|(left, right)| left - right).collect();
    paired_p_value(&differences).is_some_and(|p| p < SIGNIFICANT)
}

/// Shares of the purchase model that are tried. The two err in different directions, so half of each is the rule, and
/// where no day is held back.
const PURCHASES: [f64; 6] = [0.5, 0.3, 0.0, 0.7, 0.85, 1.0];

/// The shares that the parts allow.
fn shares(has_trees: bool, has_purchases: bool) -> &'static [f64] {
    match (has_trees, has_purchases) {
        (true, true) => &PURCHASES,
        (true, false) => &[0.0],
        (false, true) => &[1.0],
        (false, false) => &[],
    }
}

/// Every mixture that is tried, the model alone first.
fn candidates(shares: &[f64], has_season: bool) -> Vec<Mixture> {
    let mut all = Vec::new();
    let seasons: &[bool] = if has_season { &[false, true] } else { &[false] };
    for &season in seasons {
        for (recent, rate) in SIMPLE.into_iter().flat_map(|recent| SIMPLE.map(|rate| (recent, rate))) {
            let mixture = Mixture { purchases: 0.0, recent, rate, season };
            if recent + rate >= 1.0 {
                all.extend((recent + rate == 1.0).then_some(mixture));
            } else {
                all.extend(shares.iter().map(|&purchases| Mixture { purchases, ..mixture }));
            }
        }
    }
    all
}

/// Chooses by the held-back days: among the mixtures whose sum is about right, if that of any is, the one with the
/// smallest loss; and a simple rule in its place that beats it.
pub(super) fn choose(days: &[Parts], has_trees: bool, has_purchases: bool) -> Choice {
    let shares = shares(has_trees, has_purchases);
    if days.is_empty() {
        let mixture = Mixture::model(shares.first().copied().unwrap_or(1.0));
        return Choice { mixture, reason: "the usual one: no day could be held back to choose by".into() };
    }
    let tried = candidates(shares, days.iter().all(|day| day.season.is_some()));
    let sheet = Sheet::of(days, &tried);
    let measured: Vec<Measured> = tried.into_par_iter().map(|mixture| sheet.measure(mixture)).collect();
    let is_unbiased = |m: &&Measured| UNBIASED.contains(&m.bias);
    let any = measured.iter().any(|m| is_unbiased(&m));
    let least = |among: &mut dyn Iterator<Item = &Measured>| -> Option<Measured> {
        among.min_by(|left, right| left.loss().total_cmp(&right.loss())).copied()
    };
    let Some(chosen) = least(&mut measured.iter().filter(|m| !any || is_unbiased(m))) else {
        return Choice { mixture: Mixture::model(1.0), reason: "there is nothing to choose from".into() };
    };
    let ours = sheet.forecasts(chosen.mixture);
    let beats = |rule: &&Measured| {
        rule.mixture.model_share() == 0.0 && outdoes(&sheet.forecasts(rule.mixture), &ours, &sheet.spent)
    };
    let (days, count) = (days.len(), measured.len());
    let did = chosen.describe();
    match least(&mut measured.iter().filter(beats)) {
        Some(rule) => {
            let reason = format!(
                "it beats the best of {count} mixtures on {days} held-back days ({}; that one: {did})",
                rule.describe()
            );
            Choice { mixture: rule.mixture, reason }
        }
        None => {
            let reason = format!(
                "of {count} mixtures it has the smallest loss (deviance times error over capture) on {days} held-back \
                 days, and no simple rule beats it there ({did})"
            );
            Choice { mixture: chosen.mixture, reason }
        }
    }
}
