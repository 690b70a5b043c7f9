//! The rules that put customers on a list: each has a name, says in words what it means, and is a condition over the
//! row of [`super::base`] with two bounds of the tenant's own.

use super::Levels;
use super::target::{Row, Target, amount};
use crate::probability;
use crate::risk::{RiskBand, RiskBands};

/// Who is on a list, and why.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What it means, for people.
    pub definition: &'static str,
    /// Whether it needs the scores of a published run.
    pub needs_scores: bool,
    /// SQL over the columns of the base and `low` and `high`.
    pub(super) condition: &'static str,
    /// SQL: the most important first.
    pub(super) order: &'static str,
    /// What `low` and `high` are.
    pub(super) bounds: fn(&Levels) -> [i64; 2],
    /// The numbers that put a customer on the list, in words.
    pub(super) reasons: fn(&Row, &Levels, &str) -> Vec<String>,
    /// What could be done for a customer of the list; it never promises anything.
    pub(super) suggestion: Option<fn(&Target, &Levels) -> &'static str>,
}

/// The smallest probability that is a high risk.
fn high_risk() -> f64 {
    RiskBands::default().range(RiskBand::High).0.map_or(1.0, f64::from)
}

/// Those who spent most.
pub static HIGH_VALUE: Rule = Rule {
    definition: "net spend among the highest tenth of all customers who have ordered",
    needs_scores: false,
    condition: "cents >= low",
    order: "cents desc",
    bounds: |levels| [levels.high_spend_cents().max(1), 0],
    reasons: |row, levels, currency| {
        let from = amount(levels.high_spend_cents(), currency);
        vec![
            format!("spent {}; the highest tenth begins at {from}", amount(row.cents, currency)),
            row.history(),
        ]
    },
    suggestion: None,
};

/// Those who came once.
pub static ONE_TIME_BUYERS: Rule = Rule {
    definition: "exactly one order",
    needs_scores: false,
    condition: "orders = 1",
    order: "cents desc",
    bounds: |_| [0, 0],
    reasons: |row, _, currency| {
        vec![format!("one order of {}, {} days ago", amount(row.cents, currency), row.days)]
    },
    suggestion: None,
};

/// Those who came lately for the first time.
pub static NEWCOMERS: Rule = Rule {
    definition: "the first order within the last 90 days",
    needs_scores: false,
    condition: "first_on > $3 - 90",
    order: "cents desc",
    bounds: |_| [0, 0],
    reasons: |row, _, currency| vec![row.history(), format!("spent {} so far", amount(row.cents, currency))],
    suggestion: None,
};

/// Those who are later than they used to be.
pub static DECLINING: Rule = Rule {
    definition: "three orders or more, and silent for more than twice the customer's own mean gap (at least 14 days), \
                 but not for more than a year",
    needs_scores: false,
    condition: "orders >= 3 and days > 2 * greatest(gap, 7) and days <= 365",
    order: "cents desc",
    bounds: |_| [0, 0],
    reasons: |row, _, currency| vec![row.lateness(), format!("spent {} so far", amount(row.cents, currency))],
    suggestion: None,
};

/// A campaign to keep those who may leave.
pub static RETENTION: Rule = Rule {
    definition: "two orders or more, the last within a year, and a high or critical probability of no further order",
    needs_scores: true,
    condition: "orders >= 2 and days <= 365 and churn >= (low / 1000000.0)::real",
    order: "cents desc",
    bounds: |_| [(high_risk() * 1e6).round() as i64, 0],
    reasons: |row, _, currency| {
        let risk = row.churn.map_or_else(String::new, |churn| {
            format!("{} likely not to order again", probability::written(f64::from(churn)))
        });
        vec![risk, format!("spent {} so far", amount(row.cents, currency)), row.lateness()]
    },
    suggestion: Some(|target, levels| {
        if target.spend_cents >= levels.high_spend_cents() {
            "A senior agent writes personally and asks how the last order went."
        } else if target.is_late {
            "A reminder at the customer's usual rhythm, about what the customer usually buys."
        } else {
            "News about what the customer usually buys; no pressure."
        }
    }),
};

/// A campaign to make new customers regular ones.
pub static GROWTH: Rule = Rule {
    definition: "one or two orders, the last within 90 days, and a mean order value of the tenant's median or more",
    needs_scores: false,
    condition: "orders <= 2 and days <= 90 and aov >= low",
    order: "cents desc",
    bounds: |levels| [levels.order_value_cents, 0],
    reasons: |row, levels, currency| vec![row.history(), row.order_value(levels, currency)],
    suggestion: None,
};

/// A campaign to win back those who left.
pub static WINBACK: Rule = Rule {
    definition: "no order for 181 to 730 days, and net spend of the tenant's median or more",
    needs_scores: false,
    condition: "days between 181 and 730 and cents >= low",
    order: "cents desc",
    bounds: |levels| [levels.middle_spend_cents(), 0],
    reasons: |row, _, currency| {
        vec![
            format!("no order for {} days", row.days),
            format!("spent {} before", amount(row.cents, currency)),
        ]
    },
    suggestion: Some(|target, levels| {
        if target.spend_cents >= levels.high_spend_cents() {
            "A personal message that asks what was missing."
        } else if target.orders == 1 {
            "One message with what is new since the only order; then leave it."
        } else {
            "A message with what is new in what the customer used to buy."
        }
    }),
};

/// A campaign for the most faithful.
pub static LOYALTY: Rule = Rule {
    definition: "at least four orders and as many as the tenant's highest tenth, the last within 90 days",
    needs_scores: false,
    condition: "orders >= low and days <= 90",
    order: "orders desc, cents desc",
    bounds: |levels| [levels.orders[4].max(4), 0],
    reasons: |row, _, currency| vec![row.history(), format!("spent {} so far", amount(row.cents, currency))],
    suggestion: None,
};

/// Whom new customers should be like.
pub static ACQUISITION: Rule = Rule {
    definition: "won within the last 365 days and already among the highest fifth by net spend: the audience that new \
                 customers should be like",
    needs_scores: false,
    condition: "first_on > $3 - 365 and cents >= low",
    order: "cents desc",
    bounds: |levels| [levels.spend_cents[4], 0],
    reasons: |row, levels, currency| {
        let from = amount(levels.spend_cents[4], currency);
        vec![
            format!("first order on {}", row.first_on),
            format!("the highest fifth begins at {from}"),
            row.history(),
        ]
    },
    suggestion: None,
};

/// Those who buy often and little at a time.
pub static UPSELL: Rule = Rule {
    definition: "three orders or more, the last within 180 days, and a mean order value below the tenant's median",
    needs_scores: false,
    condition: "orders >= 3 and days <= 180 and aov < low",
    order: "orders desc, cents desc",
    bounds: |levels| [levels.order_value_cents, 0],
    reasons: |row, levels, currency| vec![row.history(), row.order_value(levels, currency)],
    suggestion: Some(|_, _| "Show the larger or better version of what the customer buys anyway."),
};

/// Among whom those who know one category only are looked for.
pub(super) static EXPANSION: Rule = Rule {
    definition: "three orders or more, the last within 180 days, net spend among the highest fifth, and all of it in \
                 one category",
    needs_scores: false,
    condition: "orders >= 3 and days <= 180 and cents >= low",
    order: "cents desc",
    bounds: |levels| [levels.spend_cents[4], 0],
    reasons: |row, _, currency| vec![row.history(), format!("spent {} so far", amount(row.cents, currency))],
    suggestion: Some(|_, _| "Introduce a second category that others buy together with the customer's own."),
};

/// Among whom businesses are looked for.
pub(super) static LARGE_ORDERS: Rule = Rule {
    definition: "four orders or more with a mean order value of at least twice the tenant's median",
    needs_scores: false,
    condition: "orders >= 4 and aov >= low",
    order: "cents desc",
    bounds: |levels| [levels.order_value_cents.saturating_mul(2).max(1), 0],
    reasons: |row, levels, currency| vec![row.history(), row.order_value(levels, currency)],
    suggestion: None,
};

/// Among whom something to go with the last orders is looked for.
pub(super) static RECENT: Rule = Rule {
    definition: "the last order within 90 days",
    needs_scores: false,
    condition: "days <= 90",
    order: "cents desc",
    bounds: |_| [0, 0],
    reasons: |row, _, _| vec![row.history()],
    suggestion: None,
};
