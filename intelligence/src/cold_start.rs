//! What can be said of a customer before there are orders enough for a model, and of every customer of a shop too
//! small for one: bands of order count, order value and recency.

use serde::{Deserialize, Serialize};

use crate::history::Summary;

/// Customers with fewer orders than this go by rules.
pub const ENOUGH_ORDERS: u32 = 3;

/// The few numbers the rules look at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Orders until the cut-off; pure returns are none.
    pub orders: u32,
    /// Spend per order.
    pub mean_order: Option<f64>,
    /// Days since the last purchase.
    pub recency_days: Option<u32>,
}

impl From<&Summary> for Facts {
    fn from(summary: &Summary) -> Facts {
        Facts {
            orders: summary.orders,
            mean_order: summary.mean_order,
            recency_days: summary.tenure.checked_sub(summary.last),
        }
    }
}

/// How many orders a customer has, in the bands that decide how much to trust what we say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OrderBand {
    /// 0 or 1.
    First,
    /// 2 to 4.
    Few,
    /// 5 to 9.
    Several,
    /// 10 or more.
    Many,
}

impl OrderBand {
    /// The band of an order count.
    pub fn of(orders: u32) -> OrderBand {
        match orders {
            0..=1 => OrderBand::First,
            2..=4 => OrderBand::Few,
            5..=9 => OrderBand::Several,
            10.. => OrderBand::Many,
        }
    }
}

/// How much an assignment is to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Confidence {
    /// Below three orders, or in a shop without archetypes: the rule segment is what can be said; memberships, if
    /// there are any, are a first impression.
    Rule,
    /// Three or four orders.
    Low,
    /// Five to nine orders.
    Medium,
    /// Ten orders or more.
    High,
}

impl Confidence {
    /// The confidence that so many orders give.
    pub fn of(orders: u32) -> Confidence {
        match OrderBand::of(orders) {
            _ if orders < ENOUGH_ORDERS => Confidence::Rule,
            OrderBand::First | OrderBand::Few => Confidence::Low,
            OrderBand::Several => Confidence::Medium,
            OrderBand::Many => Confidence::High,
        }
    }
}

/// The order value against the shop's other customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ValueBand {
    /// In the lowest third.
    Low,
    /// In the middle third, or there is nothing to compare with.
    Middle,
    /// In the highest third.
    High,
}

/// How long ago the last purchase was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RecencyBand {
    /// At most 30 days.
    Month,
    /// 31 to 90 days.
    Quarter,
    /// 91 to 180 days.
    HalfYear,
    /// Longer.
    Longer,
}

/// A segment by rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleSegment {
    /// The order count, up to 3; from there on `band` says more.
    pub orders: u8,
    /// The band of the order count.
    pub band: OrderBand,
    /// The order value's band; none without an order.
    pub value: Option<ValueBand>,
    /// The recency's band; none without an order.
    pub recency: Option<RecencyBand>,
}

/// The rules of a shop: where its thirds of order value lie. Stored with the version, like everything that is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Mean order values above this are not in the lowest third; none in a shop without orders or with one price.
    thirds: Option<[f32; 2]>,
}

impl Rules {
    /// The rules of a shop with these customers; any number of them, none included.
    pub fn fit(customers: &[Facts]) -> Rules {
        let mut values: Vec<f32> = customers
            .iter()
            .filter_map(|facts| facts.mean_order)
            .map(|value| value as f32)
            .filter(|value| value.is_finite())
            .collect();
        values.sort_unstable_by(f32::total_cmp);
        let third = |share: usize| values.get(values.len() * share / 3).copied();
        let thirds = third(1).zip(third(2)).filter(|(low, high)| low < high).map(|(low, high)| [low, high]);
        Rules { thirds }
    }

    /// The customer's segment by rule.
    pub fn segment(&self, facts: &Facts) -> RuleSegment {
        let some = facts.orders > 0;
        RuleSegment {
            orders: facts.orders.min(3) as u8,
            band: OrderBand::of(facts.orders),
            value: facts.mean_order.filter(|_| some).map(|value| self.value(value as f32)),
            recency: facts.recency_days.filter(|_| some).map(|days| match days {
                0..=30 => RecencyBand::Month,
                31..=90 => RecencyBand::Quarter,
                91..=180 => RecencyBand::HalfYear,
                181.. => RecencyBand::Longer,
            }),
        }
    }

    fn value(&self, value: f32) -> ValueBand {
        match self.thirds {
            Some([low, _]) if value < low => ValueBand::Low,
            Some([_, high]) if value >= high => ValueBand::High,
            _ => ValueBand::Middle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(orders: u32, mean_order: f64, recency_days: u32) -> Facts {
        Facts { orders, mean_order: Some(mean_order), recency_days: Some(recency_days) }
    }

    #[test]
    fn ten_customers_have_rule_segments() {
        let shop: Vec<Facts> = (1..=10).map(|at| facts(at % 4, f64::from(at) * 10.0, at * 30)).collect();
        let rules = Rules::fit(&shop);
        let found = |facts: &Facts| {
            let RuleSegment { orders, band, value, recency } = rules.segment(facts);
            (orders, band, value, recency)
        };
        assert_eq!(
            found(&facts(1, 10.0, 5)),
            (1, OrderBand::First, Some(ValueBand::Low), Some(RecencyBand::Month))
        );
        assert_eq!(
            found(&facts(2, 60.0, 90)),
            (2, OrderBand::Few, Some(ValueBand::Middle), Some(RecencyBand::Quarter))
        );
        assert_eq!(
            found(&facts(12, 1e14, 4000)),
            (3, OrderBand::Many, Some(ValueBand::High), Some(RecencyBand::Longer))
        );
        assert_eq!(found(&Facts::default()), (0, OrderBand::First, None, None));
    }

    #[test]
    fn a_shop_of_one_price_or_no_customer_has_only_the_middle() {
        for rules in [Rules::fit(&[]), Rules::fit(&[facts(1, 9.0, 3), facts(2, 9.0, 3), facts(1, 9.0, 99)])] {
            assert_eq!(rules.segment(&facts(1, 9.0, 3)).value, Some(ValueBand::Middle));
        }
        assert_eq!(Rules::fit(&[facts(1, f64::NAN, 3), facts(1, 1e300, 3)]).thirds, None);
    }

    #[test]
    fn bands_of_orders() {
        let bands = [0, 1, 2, 4, 5, 9, 10, u32::MAX].map(OrderBand::of);
        use OrderBand::*;
        assert_eq!(bands, [First, First, Few, Few, Several, Several, Many, Many]);
        let trust = [0, 2, 3, 4, 5, 10].map(Confidence::of);
        use Confidence::*;
        assert_eq!(trust, [Rule, Rule, Low, Low, Medium, High]);
    }
}
