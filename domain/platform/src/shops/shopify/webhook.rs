//! Bodies of webhooks, which have the shape of the older REST interface: snake case, ids as numbers of 64 bits, money as texts,
//! nulls where something was deleted.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    at, currency, email, fulfilled, id_of, items, money, name, needed, or_nothing, party, payment, text,
    time, unreadable,
};
use crate::orders::statement::Party;
use crate::shops::customers::ShopCustomer;
use crate::shops::order::{ShopLine, ShopOrder, ShopReturn};
use crate::shops::products::Product;

/// An order; none for a body without an id.
pub fn order(body: &Value) -> Option<ShopOrder> {
    let (mut returns, mut allowances) = (Vec::new(), Vec::new());
    for refund in items(&body["refunds"]) {
        let created_at = time(&refund["created_at"]);
        for item in items(&refund["refund_line_items"]) {
            returns.push(ShopReturn {
                line_id: id_of(&item["line_item_id"]),
                quantity: needed(&item["quantity"]),
                amount: shop_money(&item["subtotal_set"], &item["subtotal"]),
                at: created_at,
            });
        }
        for adjustment in items(&refund["order_adjustments"]) {
            let kind = adjustment["kind"].as_str().unwrap_or_default();
            if !kind.contains("shipping") {
                allowances.push(ShopReturn {
                    line_id: None,
                    quantity: Decimal::ZERO,
                    amount: -shop_money(&adjustment["amount_set"], &adjustment["amount"]),
                    at: created_at,
                });
            }
        }
    }
    let customer = (!body["customer"].is_null()).then(|| party_of(&body["customer"]));
    Some(ShopOrder {
        id: id_of(&body["id"])?,
        name: text(&body["name"]),
        customer: party(customer, &body["email"], &body["phone"]),
        placed_at: time(&body["processed_at"]).or_else(|| time(&body["created_at"])),
        changed_at: time(&body["updated_at"]),
        cancelled_at: time(&body["cancelled_at"]),
        fulfilled_at: fulfilled(&body["fulfillment_status"], items(&body["fulfillments"]), "created_at"),
        is_test: body["test"] == true,
        payment: payment(&body["financial_status"]),
        currency: currency(&body["currency"]),
        lines: items(&body["line_items"]).iter().filter_map(line).collect(),
        returns,
        allowances,
        // A body without lines is one of something else; what it is about is asked for.
        is_partial: !body["line_items"].is_array() || body["updated_at"].is_null(),
    })
}

fn line(item: &Value) -> Option<ShopLine> {
    let quantity = needed(&item["quantity"]);
    let price = shop_money(&item["price_set"], &item["price"]);
    let discounts = items(&item["discount_allocations"]).iter();
    Some(ShopLine {
        id: id_of(&item["id"])?,
        product_id: id_of(&item["product_id"]),
        sku: text(&item["sku"]),
        title: text(&item["title"]),
        quantity,
        current: (!item["current_quantity"].is_null()).then(|| needed(&item["current_quantity"])),
        original: price.checked_mul(quantity).unwrap_or_else(unreadable),
        discount: discounts
            .map(|one| shop_money(&one["amount_set"], &one["amount"]))
            .fold(Decimal::ZERO, Decimal::saturating_add),
    })
}

/// An amount in the shop's currency; bodies of old versions have only one.
fn shop_money(set: &Value, plain: &Value) -> Decimal {
    money(at(set, &["shop_money", "amount"])).unwrap_or_else(|| or_nothing(plain))
}

/// A customer; none for a body without an id.
pub fn customer(body: &Value) -> Option<ShopCustomer> {
    Some(ShopCustomer {
        id: id_of(&body["id"])?,
        party: party_of(body),
        changed_at: time(&body["updated_at"])?,
    })
}

fn party_of(body: &Value) -> Party {
    Party {
        shop_id: id_of(&body["id"]),
        email: email(&body["email"]),
        phone: text(&body["phone"]),
        name: name(&body["first_name"], &body["last_name"]),
    }
}

/// A product as far as its body says: it does not name collections.
pub fn product(body: &Value) -> Option<Product> {
    Some(Product {
        id: id_of(&body["id"])?,
        title: text(&body["title"]),
        category: text(&body["product_type"]).or_else(|| text(at(body, &["category", "name"]))),
        changed_at: time(&body["updated_at"])?,
        is_deleted: false,
    })
}
