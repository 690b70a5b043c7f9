//! Association rules between things bought in the same order (Agrawal, Imielinski and Swami, "Mining Association Rules
//! between Sets of Items in Large Databases", 1993): of orders with A, the share that has B (confidence), and how many
//! times the share of all orders that is (lift, Brin et al., "Dynamic Itemset Counting", 1997).
//!
//! Only pairs of the most frequent items are counted, in a table of fixed size, so memory is bounded whatever comes in.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// So many of the most frequent items are looked at.
pub const ITEMS: usize = 300;

/// A pair in fewer orders is chance.
pub const MINIMUM_TOGETHER: u32 = 5;

/// An order with more of the items is a stocktaking rather than a choice, and left out.
const LARGEST_BASKET: usize = 50;

/// Something bought in an order: the order, and the item's number.
pub type Bought = (u64, u32);

/// Who buys `from` buys `to` as well, more often than others do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// The item at hand.
    pub from: u32,
    /// The item that goes with it.
    pub to: u32,
    /// Orders with both.
    pub together: u32,
    /// Share of all orders with both.
    pub support: f64,
    /// Share of the orders with `from` that have `to`.
    pub confidence: f64,
    /// Confidence over the share of all orders that have `to`; above 1.
    pub lift: f64,
    /// Support beyond what independence would give (Piatetsky-Shapiro, "Discovery, Analysis, and Presentation of
    /// Strong Rules", 1991): the order of the list, for it favours neither rare nor ubiquitous items.
    pub leverage: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mined {
    /// Orders with any item.
    pub orders: u64,
    /// Rules with a lift above 1, the greatest leverage first.
    pub associations: Vec<Association>,
}

/// The rules among what was bought; an item that is twice in an order counts once. The order of input does not matter.
pub fn mine(mut bought: Vec<Bought>) -> Mined {
    bought.sort_unstable();
    bought.dedup();
    let mut frequency: HashMap<u32, u32> = HashMap::new();
    let mut orders = 0u64;
    for basket in bought.chunk_by(|one, other| one.0 == other.0) {
        orders += 1;
        for (_, item) in basket {
            *frequency.entry(*item).or_default() += 1;
        }
    }
    let mut top: Vec<(u32, u32)> =
        frequency.into_iter().filter(|(_, count)| *count >= MINIMUM_TOGETHER).collect();
    top.sort_unstable_by_key(|(item, count)| (std::cmp::Reverse(*count), *item));
    top.truncate(ITEMS);
    let place: HashMap<u32, usize> =
        top.iter().enumerate().map(|(place, (item, _))| (*item, place)).collect();

    let mut together = vec![0u32; top.len() * top.len()];
    let mut places = Vec::with_capacity(LARGEST_BASKET);
    for basket in bought.chunk_by(|one, other| one.0 == other.0) {
        places.clear();
        places.extend(basket.iter().filter_map(|(_, item)| place.get(item).copied()));
        if places.len() > LARGEST_BASKET {
            continue;
        }
        for (index, one) in places.iter().enumerate() {
            for other in &places[index + 1..] {
                let (low, high) = (one.min(other), one.max(other));
                together[low * top.len() + high] += 1;
            }
        }
    }
    let mut associations = Vec::new();
    for (one, (item, count)) in top.iter().enumerate() {
        for (other, (other_item, other_count)) in top.iter().enumerate().skip(one + 1) {
            let both = together[one * top.len() + other];
            if both >= MINIMUM_TOGETHER {
                associations.push(associated((*item, *count), (*other_item, *other_count), both, orders));
                associations.push(associated((*other_item, *other_count), (*item, *count), both, orders));
            }
        }
    }
    associations.retain(|association| association.lift > 1.0);
    associations.sort_by(|one, other| {
        let by_leverage =
            other.leverage.total_cmp(&one.leverage).then(other.confidence.total_cmp(&one.confidence));
        by_leverage.then((one.from, one.to).cmp(&(other.from, other.to)))
    });
    Mined { orders, associations }
}

fn associated(from: (u32, u32), to: (u32, u32), together: u32, orders: u64) -> Association {
    let all = orders as f64;
    let (support, confidence) = (f64::from(together) / all, f64::from(together) / f64::from(from.1));
    let expected = f64::from(to.1) / all;
    Association {
        from: from.0,
        to: to.0,
        together,
        support,
        confidence,
        lift: confidence / expected,
        leverage: support - f64::from(from.1) / all * expected,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_items_that_go_together_by_hand() {
        // 20 orders: 6 with 1 and 2, 2 with 1 alone, 2 with 2 alone, 10 with 3.
        let mut bought = Vec::new();
        bought.extend((0..6).flat_map(|order| [(order, 1), (order, 2), (order, 2)]));
        bought.extend((6..8).map(|order| (order, 1)));
        bought.extend((8..10).map(|order| (order, 2)));
        bought.extend((10..20).map(|order| (order, 3)));
        let found = mine(bought);
        assert_eq!((found.orders, found.associations.len()), (20, 2));
        let first = found.associations[0];
        assert_eq!((first.from, first.to, first.together), (1, 2, 6));
        assert!((first.support - 0.3).abs() < 1e-12);
        assert!((first.confidence - 0.75).abs() < 1e-12);
        assert!((first.lift - 0.75 / 0.4).abs() < 1e-12);
        assert!((first.leverage - (0.3 - 0.4 * 0.4)).abs() < 1e-12);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(mine(Vec::new()), Mined::default());
    }

    proptest! {
        #[test]
        fn figures_are_shares_and_the_order_of_input_does_not_matter(
            bought in prop::collection::vec((0u64..40, 0u32..8), 0..400),
        ) {
            let found = mine(bought.clone());
            let mut reversed = bought;
            reversed.reverse();
            prop_assert_eq!(&found, &mine(reversed));
            for rule in &found.associations {
                prop_assert!(rule.together >= MINIMUM_TOGETHER && rule.from != rule.to);
                prop_assert!(rule.support > 0.0 && rule.support <= rule.confidence && rule.confidence <= 1.0);
                prop_assert!(rule.lift > 1.0 && rule.leverage > 0.0);
            }
        }
    }
}
