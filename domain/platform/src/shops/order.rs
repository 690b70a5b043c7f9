//! An order as a shop's system knows it, and what that states. A line is what was bought for what was paid for it, without
//! taxes and shipping; what was given back is a line of its own; what an edit took away was never bought.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use super::products::Product;
use crate::identities::normal::{self, Id};
use crate::orders::statement::{ID_LIMIT, LINES_LIMIT, Line, Party, Payment, Statement, TEXT_LIMIT};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopOrder {
    /// The system's own id.
    pub id: String,
    /// The number that people know it by.
    pub name: Option<String>,
    /// Who bought.
    pub customer: Party,
    /// When it was placed.
    pub placed_at: Option<DateTime<Utc>>,
    /// When the system changed it last.
    pub changed_at: Option<DateTime<Utc>>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When all of it was sent.
    pub fulfilled_at: Option<DateTime<Utc>>,
    /// Whether the shop only tried its till.
    pub is_test: bool,
    /// How far it was paid.
    pub payment: Payment,
    /// The currency of the shop, which all amounts are in.
    pub currency: String,
    /// What was bought.
    pub lines: Vec<ShopLine>,
    /// What was given back of it.
    pub returns: Vec<ShopReturn>,
    /// What was given back of no line.
    pub allowances: Vec<ShopReturn>,
    /// Whether not all of it came, and it is to be asked for by its id.
    pub is_partial: bool,
}

/// Some pieces of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopLine {
    /// The system's id.
    pub id: String,
    /// The system's id of the product.
    pub product_id: Option<String>,
    /// The shop's own name of it.
    pub sku: Option<String>,
    /// Its name.
    pub title: Option<String>,
    /// Pieces that were ordered.
    pub quantity: Decimal,
    /// Pieces that are left after edits and returns, if the system says.
    pub current: Option<Decimal>,
    /// What all ordered pieces cost before discounts.
    pub original: Decimal,
    /// What was taken off for all ordered pieces.
    pub discount: Decimal,
}

/// Something that was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopReturn {
    /// Which line; none for an allowance.
    pub line_id: Option<String>,
    /// Pieces.
    pub quantity: Decimal,
    /// What was paid back for them, as a positive amount; less than nothing is what was kept of other returns.
    pub amount: Decimal,
    /// When.
    pub at: Option<DateTime<Utc>>,
}

/// Why something of a shop is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The system's id of it; a dash where it has none.
    pub external_id: String,
    /// The kind of fault in a few fixed words of snake case.
    pub reason: &'static str,
    /// What was seen, and what would be accepted; no text of people.
    pub message: String,
}

/// The most that one line may amount to: what has more is broken or hostile.
const AMOUNT_LIMIT: i64 = 1_000_000_000;
/// The most pieces of one line.
const QUANTITY_LIMIT: i64 = 1_000_000;

impl ShopOrder {
    /// The products of its lines.
    pub fn products(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| line.product_id.as_deref())
    }

    /// What it states.
    ///
    /// # Errors
    /// Why it states nothing.
    pub fn statement(&self, products: &HashMap<String, Product>) -> Result<Statement, Refused> {
        let refused = |reason, message: &str| {
            Err(Refused { external_id: self.id.clone(), reason, message: message.to_owned() })
        };
        let order_id = self.name.as_deref().unwrap_or(&self.id);
        if !matches!(normal::id(order_id), Some(Id::Exact(_))) {
            return refused(
                "order_without_number",
                "the order has neither a number nor an id that can be stored",
            );
        }
        if normal::key(&self.customer).is_err() {
            return refused(
                "customer_missing",
                "the order names no customer, and neither an e-mail address nor a telephone number with its country",
            );
        }
        let Some(placed_at) = self.placed_at else {
            return refused("time_missing", "the order does not say when it was placed");
        };
        if self.currency.len() != 3 || !self.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return refused(
                "currency_unknown",
                "the currency must be an ISO 4217 code of three capital letters",
            );
        }
        if self.lines.len() + self.returns.len() > LINES_LIMIT {
            return refused("too_many_lines", "the order has more lines than any that is no fault");
        }
        // Before anything is added up: what is out of range has no sum.
        let is_odd = |back: &ShopReturn| {
            !in_range(back.amount, AMOUNT_LIMIT) || !in_range(back.quantity, QUANTITY_LIMIT)
        };
        if self.returns.iter().chain(&self.allowances).any(is_odd) {
            return refused("number_out_of_range", "a refund's quantity or amount is out of range");
        }
        let mut lines = Vec::with_capacity(self.lines.len() + self.returns.len());
        for line in &self.lines {
            let Some(sold) = self.sold(line) else {
                return refused("number_out_of_range", "a line's quantity or amount is out of range");
            };
            let product = line.product_id.as_ref().and_then(|id| products.get(id));
            lines.extend(sold.map(|sold| sold.line(line, product)));
        }
        for back in self.returns.iter().chain(&self.allowances) {
            if back.amount.is_zero() && back.quantity.is_zero() {
                continue;
            }
            let of = back.line_id.as_ref().and_then(|id| self.lines.iter().find(|line| line.id == *id));
            let product = of.and_then(|line| line.product_id.as_ref()).and_then(|id| products.get(id));
            lines.push(returned(back, of, product));
        }
        Ok(Statement {
            order_id: order_id.to_owned(),
            customer: self.customer.clone(),
            placed_at,
            paid_at: None,
            fulfilled_at: self.fulfilled_at,
            cancelled_at: self.cancelled_at,
            stated_at: self.changed_at,
            is_test: self.is_test,
            payment: self.payment,
            currency: self.currency.clone(),
            is_currency_assumed: false,
            lines,
        })
    }

    /// What of a line was bought and not edited away; the outer none for a line whose numbers cannot be stored.
    fn sold(&self, line: &ShopLine) -> Option<Option<Sold>> {
        if line.current.is_some_and(|current| !in_range(current, QUANTITY_LIMIT)) {
            return None;
        }
        let all =
            [(line.quantity, QUANTITY_LIMIT), (line.original, AMOUNT_LIMIT), (line.discount, AMOUNT_LIMIT)];
        if all.iter().any(|(number, limit)| !in_range(*number, *limit) || number.is_sign_negative()) {
            return None;
        }
        let returned: Decimal = self
            .returns
            .iter()
            .filter(|back| back.line_id.as_ref() == Some(&line.id))
            .map(|back| back.quantity)
            .sum();
        let quantity = match line.current {
            // What is neither there nor given back was taken away by an edit.
            Some(current) => line.quantity.min(current + returned).max(Decimal::ZERO),
            None => line.quantity,
        };
        if quantity.is_zero() || line.quantity.is_zero() {
            return Some(None);
        }
        let part = |amount: Decimal| cents(amount * quantity / line.quantity);
        let list = part(line.original);
        Some(Some(Sold { quantity, list, amount: list - part(line.discount) }))
    }
}

struct Sold {
    quantity: Decimal,
    list: Decimal,
    amount: Decimal,
}

impl Sold {
    fn line(self, of: &ShopLine, product: Option<&Product>) -> Line {
        Line {
            line_id: Some(of.id.clone()),
            product_id: of.sku.clone().or_else(|| of.product_id.clone()),
            category: product.and_then(|product| product.category.clone()),
            title: of.title.clone(),
            quantity: self.quantity,
            amount: self.amount,
            list_amount: (self.list != self.amount).then_some(self.list),
            is_return: false,
            at: None,
        }
    }
}

fn returned(back: &ShopReturn, of: Option<&ShopLine>, product: Option<&Product>) -> Line {
    Line {
        line_id: of.map(|line| format!("{} refund", line.id)),
        product_id: of.and_then(|line| line.sku.clone().or_else(|| line.product_id.clone())),
        category: product.and_then(|product| product.category.clone()),
        title: of.and_then(|line| line.title.clone()),
        quantity: -back.quantity,
        amount: -cents(back.amount),
        list_amount: None,
        is_return: true,
        at: back.at,
    }
}

fn in_range(number: Decimal, limit: i64) -> bool {
    number.abs() <= Decimal::from(limit)
}

/// To two decimals, as people round.
fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// A text that can be stored: trimmed, without control characters, not too long.
pub(super) fn label(text: &str) -> Option<String> {
    let clean: String = text.trim().chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect();
    (!clean.trim().is_empty()).then(|| clean.trim().to_owned())
}

/// An id that can be stored.
pub(super) fn short(text: &str) -> Option<String> {
    label(text).filter(|text| text.chars().count() <= ID_LIMIT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(quantity: i64, current: Option<i64>, original: i64, discount: i64) -> ShopLine {
        ShopLine {
            id: "1".to_owned(),
            product_id: Some("9".to_owned()),
            sku: None,
            title: None,
            quantity: quantity.into(),
            current: current.map(Decimal::from),
            original: original.into(),
            discount: discount.into(),
        }
    }

    fn order(lines: Vec<ShopLine>, returns: Vec<ShopReturn>) -> ShopOrder {
        ShopOrder {
            id: "7".to_owned(),
            name: Some("#1001".to_owned()),
            customer: Party { shop_id: Some("22".to_owned()), ..Party::default() },
            placed_at: "2026-10-01T10:00:00Z".parse().ok(),
            changed_at: "2026-10-02T10:00:00Z".parse().ok(),
            cancelled_at: None,
            fulfilled_at: None,
            is_test: false,
            payment: Payment::Paid,
            currency: "EUR".to_owned(),
            lines,
            returns,
            allowances: Vec::new(),
            is_partial: false,
        }
    }

    fn back(quantity: i64, amount: i64) -> ShopReturn {
        ShopReturn {
            line_id: Some("1".to_owned()),
            quantity: quantity.into(),
            amount: amount.into(),
            at: None,
        }
    }

    fn stated(order: &ShopOrder) -> Vec<(Decimal, Decimal, bool)> {
        let lines = order.statement(&HashMap::new()).expect("it states something").lines;
        lines.into_iter().map(|line| (line.quantity, line.amount, line.is_return)).collect()
    }

    #[test]
    fn what_an_edit_takes_away_was_never_bought_and_what_is_given_back_was() {
        let d = |number: i64| Decimal::from(number);
        // Three were ordered for 30 less 6; one was edited away.
        assert_eq!(stated(&order(vec![line(3, Some(2), 30, 6)], vec![])), [(d(2), d(16), false)]);
        // One was given back: it is not edited away.
        let given = order(vec![line(3, Some(2), 30, 6)], vec![back(1, 8)]);
        assert_eq!(stated(&given), [(d(3), d(24), false), (d(-1), d(-8), true)]);
        // All of it was edited away.
        assert_eq!(stated(&order(vec![line(3, Some(0), 30, 0)], vec![])), []);
    }

    #[test]
    fn what_cannot_be_stored_is_refused_by_name() {
        let reason = |order: ShopOrder| order.statement(&HashMap::new()).expect_err("refused").reason;
        let good = order(vec![line(1, None, 10, 0)], vec![]);
        assert_eq!(reason(ShopOrder { customer: Party::default(), ..good.clone() }), "customer_missing");
        assert_eq!(reason(ShopOrder { currency: "Euro".to_owned(), ..good.clone() }), "currency_unknown");
        assert_eq!(reason(ShopOrder { placed_at: None, ..good.clone() }), "time_missing");
        assert_eq!(reason(order(vec![line(1, None, i64::MAX, 0)], vec![])), "number_out_of_range");
        let email = Some("maya@example.com".to_owned());
        assert!(
            ShopOrder { customer: Party { email, ..Party::default() }, ..good }
                .statement(&HashMap::new())
                .is_ok()
        );
    }

    #[test]
    fn numbers_beyond_all_measure_are_refused_and_no_sum_is_made_of_them() {
        let huge = ShopReturn { quantity: Decimal::MAX, amount: Decimal::MAX, ..back(1, 1) };
        for (current, returns) in [
            (None, vec![huge.clone(), huge.clone()]),
            (Some(Decimal::MAX), vec![back(1, 1)]),
            (Some(Decimal::MIN), vec![]),
        ] {
            let odd = ShopLine { current, ..line(1, None, 10, 0) };
            let refused = order(vec![odd], returns).statement(&HashMap::new()).expect_err("refused");
            assert_eq!(refused.reason, "number_out_of_range");
        }
    }

    proptest! {
        /// However an order was edited and given back, no more is sold than was ordered, and amounts follow pieces.
        #[test]
        fn no_more_is_sold_than_was_ordered(quantity in 0i64..50, current in 0i64..60, returned in 0i64..60, original in 0i64..100_000) {
            let order = order(vec![line(quantity, Some(current), original, 0)], vec![back(returned, 0)]);
            for (sold, amount, is_return) in stated(&order) {
                if !is_return {
                    prop_assert!(sold <= Decimal::from(quantity) && sold > Decimal::ZERO);
                    prop_assert!(amount <= Decimal::from(original));
                }
            }
        }
    }
}
