//! Nodes of GraphQL, from pages and from bulk operations. In a bulk operation's file an order's refunds have ids only; such an
//! order is partial.

use serde_json::Value;

use super::{
    at, currency, email, fulfilled, id_of, is_full, items, name, needed, or_nothing, party, payment, text,
    time,
};
use crate::orders::statement::Party;
use crate::shops::customers::ShopCustomer;
use crate::shops::order::{ShopLine, ShopOrder, ShopReturn, label};
use crate::shops::products::Product;

/// An order of a page, with which at most `most_refunds` come; none for a node without an id.
pub fn order(node: &Value, most_refunds: usize) -> Option<ShopOrder> {
    let refunds = items(&node["refunds"]);
    let mut is_partial = is_full(refunds, most_refunds);
    let (mut returns, mut allowances) = (Vec::new(), Vec::new());
    for refund in refunds {
        let created_at = time(&refund["createdAt"]);
        is_partial |= refund["refundLineItems"].is_null()
            || at(refund, &["refundLineItems", "pageInfo", "hasNextPage"]) == true;
        for item in items(at(refund, &["refundLineItems", "nodes"])) {
            returns.push(ShopReturn {
                line_id: id_of(at(item, &["lineItem", "id"])),
                quantity: needed(&item["quantity"]),
                amount: needed(at(item, &["subtotalSet", "shopMoney", "amount"])),
                at: created_at,
            });
        }
        for adjustment in items(at(refund, &["orderAdjustments", "nodes"])) {
            // Shipping is no part of an order's lines, so neither is what is paid back of it.
            let reason = adjustment["reason"].as_str().unwrap_or_default().to_ascii_uppercase();
            if !reason.contains("SHIPPING") {
                allowances.push(ShopReturn {
                    line_id: None,
                    quantity: 0.into(),
                    // Less than nothing is what was paid back beyond the lines, more is what was kept of them.
                    amount: -or_nothing(at(adjustment, &["amountSet", "shopMoney", "amount"])),
                    at: created_at,
                });
            }
        }
    }
    let customer = (!node["customer"].is_null()).then(|| party_of(&node["customer"]));
    Some(ShopOrder {
        id: id_of(&node["id"])?,
        name: text(&node["name"]),
        customer: party(customer, &node["email"], &node["phone"]),
        placed_at: time(&node["processedAt"]).or_else(|| time(&node["createdAt"])),
        changed_at: time(&node["updatedAt"]),
        cancelled_at: time(&node["cancelledAt"]),
        fulfilled_at: fulfilled(&node["displayFulfillmentStatus"], items(&node["fulfillments"]), "createdAt"),
        is_test: node["test"] == true,
        payment: payment(&node["displayFinancialStatus"]),
        currency: currency(&node["currencyCode"]),
        lines: items(at(node, &["lineItems", "nodes"])).iter().filter_map(line).collect(),
        returns,
        allowances,
        is_partial,
    })
}

fn line(node: &Value) -> Option<ShopLine> {
    let allocations = items(&node["discountAllocations"]);
    Some(ShopLine {
        id: id_of(&node["id"])?,
        product_id: id_of(at(node, &["product", "id"])),
        sku: text(&node["sku"]),
        title: text(&node["title"]),
        quantity: needed(&node["quantity"]),
        current: (!node["currentQuantity"].is_null()).then(|| needed(&node["currentQuantity"])),
        original: needed(at(node, &["originalTotalSet", "shopMoney", "amount"])),
        discount: allocations
            .iter()
            .map(|one| or_nothing(at(one, &["allocatedAmountSet", "shopMoney", "amount"])))
            .fold(0.into(), |sum: rust_decimal::Decimal, one| sum.saturating_add(one)),
    })
}

/// A customer; none for a node without an id.
pub fn customer(node: &Value) -> Option<ShopCustomer> {
    Some(ShopCustomer {
        id: id_of(&node["id"])?,
        party: party_of(node),
        changed_at: time(&node["updatedAt"])?,
    })
}

fn party_of(node: &Value) -> Party {
    Party {
        shop_id: id_of(&node["id"]),
        email: email(at(node, &["defaultEmailAddress", "emailAddress"])),
        phone: text(at(node, &["defaultPhoneNumber", "phoneNumber"])),
        name: name(&node["firstName"], &node["lastName"]),
    }
}

/// A product; none for a node without an id. Its category is its type, else its place in Shopify's own catalogue, else the first
/// of its collections by name.
pub fn product(node: &Value) -> Option<Product> {
    let mut collections: Vec<String> =
        items(at(node, &["collections", "nodes"])).iter().filter_map(|one| text(&one["title"])).collect();
    collections.sort_unstable();
    let category = text(&node["productType"]).or_else(|| text(at(node, &["category", "name"])));
    Some(Product {
        id: id_of(&node["id"])?,
        title: node["title"].as_str().and_then(label),
        category: category.or_else(|| collections.into_iter().next()),
        changed_at: time(&node["updatedAt"])?,
        is_deleted: false,
    })
}
