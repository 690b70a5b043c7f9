//! Whether a shop's data can carry a model of churn, and how large a one.

use serde::{Deserialize, Serialize};

use crate::{history::Summary, snapshot::Snapshot};

/// The largest model that the data can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// BG/NBD alone: it needs no labelled past.
    Purchases,
    /// Logistic regression, beside BG/NBD.
    Regression,
    /// LightGBM, beside both.
    Trees,
}

/// A condition that is not met. One of them leaves BG/NBD at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum NotEnough {
    /// Too few customers have bought.
    #[error("{buyers} customers have bought; {needed} are needed")]
    Buyers {
        /// How many have.
        buyers: usize,
        /// How many must.
        needed: usize,
    },
    /// Orders do not reach far enough back.
    #[error("orders reach {days} days back; {needed} are needed")]
    History {
        /// Days from the first order to the cut-off.
        days: u32,
        /// How many must be.
        needed: u32,
    },
    /// The shop sleeps, or the import does.
    #[error("the last order is {days} days old; it may be at most {allowed}")]
    RecentOrders {
        /// Days from the last order to the cut-off.
        days: u32,
        /// How many may be.
        allowed: u32,
    },
    /// Hardly anybody buys repeatedly.
    #[error("{customers} customers have three orders; {needed} are needed")]
    RepeatBuyers {
        /// How many have.
        customers: usize,
        /// How many must.
        needed: usize,
    },
    /// No earlier day has customers of both kinds behind a closed window.
    #[error(
        "no earlier day has at least {needed} customers that stayed and {needed} that left in a closed window"
    )]
    ClosedWindows {
        /// How many of each.
        needed: usize,
    },
    /// Not even BG/NBD can be fitted.
    #[error("the purchase model cannot be fitted either: too few customers or repeat purchases")]
    PurchaseModel,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eligibility {
    /// The largest model; none if there can be no model at all.
    pub tier: Option<Tier>,
    /// What is missing for more.
    pub missing: Vec<NotEnough>,
}

/// Buyers from which on anything is trained (as Klaviyo asks).
const BUYERS: usize = 500;
const HISTORY_DAYS: u32 = 180;
const RECENT_DAYS: u32 = 30;
const REPEAT_BUYERS: usize = 20;
/// Customers of either outcome that the training snapshots must have together.
pub(crate) const OUTCOMES: usize = 50;
/// Rows with known outcome from which on trees find more than a regression.
const TREE_ROWS: usize = 2_000;

/// What the data as of `now` and the training snapshots with closed windows can carry.
pub fn eligibility(now: &Snapshot, closed: &[&Snapshot]) -> Eligibility {
    let mut missing = shop_conditions(&now.summaries);
    let rows: usize = closed.iter().map(|snapshot| snapshot.customers.len()).sum();
    let churned =
        closed.iter().flat_map(|snapshot| &snapshot.outcomes).filter(|outcome| outcome.orders == 0).count();
    if churned < OUTCOMES || rows - churned < OUTCOMES {
        missing.push(NotEnough::ClosedWindows { needed: OUTCOMES });
    }
    let tier = if !missing.is_empty() {
        now.purchases.is_ok().then_some(Tier::Purchases)
    } else if rows < TREE_ROWS {
        Some(Tier::Regression)
    } else {
        Some(Tier::Trees)
    };
    if tier.is_none() {
        missing.push(NotEnough::PurchaseModel);
    }
    Eligibility { tier, missing }
}

fn shop_conditions(summaries: &[Summary]) -> Vec<NotEnough> {
    let mut missing = Vec::new();
    let buyers = summaries.len();
    if buyers < BUYERS {
        missing.push(NotEnough::Buyers { buyers, needed: BUYERS });
    }
    let days = summaries.iter().map(|summary| summary.tenure).max().unwrap_or(0);
    if days < HISTORY_DAYS {
        missing.push(NotEnough::History { days, needed: HISTORY_DAYS });
    }
    let idle = summaries.iter().map(|summary| summary.tenure - summary.last.min(summary.tenure)).min();
    if let Some(days) = idle.filter(|days| *days > RECENT_DAYS) {
        missing.push(NotEnough::RecentOrders { days, allowed: RECENT_DAYS });
    }
    let customers = summaries.iter().filter(|summary| summary.orders >= 3).count();
    if customers < REPEAT_BUYERS {
        missing.push(NotEnough::RepeatBuyers { customers, needed: REPEAT_BUYERS });
    }
    missing
}
