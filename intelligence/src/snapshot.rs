//! The shop as it stood on a day, beside what its customers did afterwards: the unit of training and of evaluation.
//!
//! Everything about a customer is computed from what was known by the end of that day, the tenant's statistics and
//! the purchase model included, so that a model trained on snapshots sees what it will see when it is used.

use crate::{
    bg_nbd::{self, BgNbd, Observation},
    features::{self, TenantStats},
    gamma_gamma::{self, GammaGamma},
    history::{Outcome, Summary, outcomes, summaries},
    lines::Lines,
    matrix::Matrix,
};

/// Every customer with an order by `day`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Last day that is known, since 1970-01-01.
    pub day: i32,
    /// Days after it that the outcomes cover.
    pub horizon: u32,
    /// The customers' numbers in the lines, ascending; all that follows is in their order.
    pub customers: Vec<u32>,
    /// 66 features each.
    pub features: Matrix,
    /// What they did until then.
    pub summaries: Vec<Summary>,
    /// What they did in the horizon.
    pub outcomes: Vec<Outcome>,
    /// The tenant's statistics as of the day.
    pub stats: TenantStats,
    /// The purchase model as of the day, or why there is none.
    pub purchases: Result<bg_nbd::Fit, bg_nbd::CannotFit>,
    /// The model of spend a purchase day as of the day, or why there is none.
    pub money: Result<GammaGamma, gamma_gamma::CannotFit>,
}

impl Snapshot {
    /// Takes the snapshot of a day (days since 1970-01-01). The outcomes mean something only if the lines reach
    /// until `day + horizon`.
    pub fn take(lines: &Lines, day: i32, horizon: u32) -> Snapshot {
        let stats = TenantStats::of(lines, day);
        let all = summaries(lines, day);
        let customers: Vec<u32> = (0..all.len() as u32).filter(|&i| all[i as usize].is_some()).collect();
        let summaries: Vec<Summary> = all.into_iter().flatten().collect();
        let purchases = BgNbd::fit(summaries.iter().map(observation));
        let values: Vec<(f64, f64)> = summaries
            .iter()
            .filter_map(|summary| Some((f64::from(summary.repeats), summary.mean_repeat_value?)))
            .collect();
        let money = GammaGamma::fit(&values);
        let alive = alive_model(&purchases);
        let table = features::compute(lines, &stats, alive.as_ref(), day);
        let rows: Vec<usize> = customers.iter().map(|&customer| customer as usize).collect();
        let features = if rows.len() == table.rows() { table } else { table.select(&rows) };
        let to = i32::try_from(i64::from(day) + i64::from(horizon)).unwrap_or(i32::MAX);
        let all = outcomes(lines, day, to);
        let outcomes = rows.iter().map(|&customer| all[customer]).collect();
        Snapshot { day, horizon, customers, features, summaries, outcomes, stats, purchases, money }
    }

    /// Whether each customer bought nothing in the horizon.
    pub fn churned(&self) -> Vec<bool> {
        self.outcomes.iter().map(|outcome| outcome.orders == 0).collect()
    }

    /// What each customer spent in the horizon.
    pub fn spent(&self) -> Vec<f64> {
        self.outcomes.iter().map(|outcome| outcome.spend).collect()
    }

    /// The probability that each customer buys nothing in the horizon, by BG/NBD alone.
    pub fn silent(&self) -> Option<Vec<f64>> {
        let fit = self.purchases.as_ref().ok()?;
        let horizon = f64::from(self.horizon);
        Some(self.summaries.iter().map(|summary| fit.model.silent(observation(summary), horizon)).collect())
    }

    /// Expected spend of each customer in the horizon, by BG/NBD and Gamma-Gamma: expected purchase days times the
    /// expected value of one (Fader, Hardie and Lee, "RFM and CLV", Journal of Marketing Research 42(4), 2005).
    pub fn expected_spend(&self) -> Option<Vec<f64>> {
        let (fit, money) = (self.purchases.as_ref().ok()?, self.money.as_ref().ok()?);
        let horizon = f64::from(self.horizon);
        let spend = self.summaries.iter().map(|summary| {
            let value =
                money.expected(f64::from(summary.repeats), summary.mean_repeat_value.unwrap_or(0.0))?;
            Some(fit.model.expected(observation(summary), horizon) * value)
        });
        spend.collect()
    }
}

/// The model to compute P(alive) with; none where the fit ran to an edge and P(alive) says nothing.
pub fn alive_model(purchases: &Result<bg_nbd::Fit, bg_nbd::CannotFit>) -> Option<BgNbd> {
    purchases.as_ref().ok().filter(|fit| fit.on_edge.is_empty()).map(|fit| fit.model)
}

/// What the purchase model needs of a summary.
pub fn observation(summary: &Summary) -> Observation {
    Observation { repeats: summary.repeats, last: summary.last, tenure: summary.tenure }
}
