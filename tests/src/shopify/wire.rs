//! How Shopify writes what a shop has: as nodes of GraphQL, as lines of a bulk operation's file, and as bodies of webhooks.

use chrono::DateTime;
use serde_json::{Value, json};

use super::source::{Customer, Line, Order, Product, Source};

fn time(secs: i64) -> String {
    DateTime::from_timestamp(secs, 0).unwrap_or_default().to_rfc3339()
}

fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn set(cents: i64) -> Value {
    json!({ "shopMoney": { "amount": money(cents), "currencyCode": "EUR" } })
}

fn returned(order: &Order, line: u64) -> i64 {
    let items = order.refunds.iter().flat_map(|refund| &refund.items);
    items.filter(|(of, _, _)| *of == line).map(|(_, pieces, _)| pieces).sum()
}

pub(super) fn line_node(source: &Source, order: &Order, line: &Line) -> Value {
    let discounts = if line.discount > 0 {
        json!([{ "allocatedAmountSet": set(line.discount * line.quantity) }])
    } else {
        json!([])
    };
    json!({
        "id": gid("LineItem", line.id),
        "title": line.product.and_then(|id| source.products.get(&id)).map(|product| product.title.clone()),
        "sku": null, "quantity": line.quantity,
        "currentQuantity": line.quantity - line.removed - returned(order, line.id),
        "product": line.product.map(|id| json!({ "id": gid("Product", id) })),
        "originalTotalSet": set(line.price * line.quantity), "discountAllocations": discounts,
    })
}

/// An order without lines and refunds.
pub(super) fn order_head(source: &Source, id: u64, order: &Order) -> Value {
    let customer = order.customer.and_then(|id| Some((id, source.customers.get(&id)?)));
    json!({
        "id": gid("Order", id), "name": order.name(), "createdAt": time(order.placed), "processedAt": time(order.placed),
        "updatedAt": time(order.changed), "cancelledAt": order.cancelled.map(time), "test": order.is_test, "email": null,
        "phone": null, "currencyCode": "EUR", "displayFinancialStatus": order.status.to_uppercase(),
        "displayFulfillmentStatus": "UNFULFILLED", "fulfillments": [],
        "customer": customer.map(|(id, customer)| customer_node(id, customer)),
    })
}

pub(super) fn order_node(source: &Source, id: u64, order: &Order, most_refunds: usize) -> Value {
    let mut node = order_head(source, id, order);
    let lines: Vec<Value> = order.lines.iter().map(|line| line_node(source, order, line)).collect();
    node["lineItems"] = json!({ "nodes": lines, "pageInfo": { "hasNextPage": false, "endCursor": null } });
    node["refunds"] = order
        .refunds
        .iter()
        .take(most_refunds)
        .map(|refund| {
            let items: Vec<Value> = refund
                .items
                .iter()
                .map(|(line, pieces, cents)| {
                    json!({ "quantity": pieces, "lineItem": { "id": gid("LineItem", *line) }, "subtotalSet": set(*cents) })
                })
                .collect();
            json!({
                "id": gid("Refund", refund.id), "createdAt": time(refund.at),
                "refundLineItems": { "nodes": items, "pageInfo": { "hasNextPage": false } },
                "orderAdjustments": { "nodes": [] },
            })
        })
        .collect();
    node
}

/// The lines of an order in a bulk operation's file: itself, and what belongs to it.
pub(super) fn order_lines(source: &Source, id: u64, order: &Order) -> Vec<Value> {
    let mut head = order_head(source, id, order);
    head["refunds"] = order.refunds.iter().map(|refund| json!({ "id": gid("Refund", refund.id) })).collect();
    let mut lines = vec![head];
    for line in &order.lines {
        let mut node = line_node(source, order, line);
        node["__parentId"] = gid("Order", id).into();
        lines.push(node);
    }
    lines
}

pub(super) fn customer_node(id: u64, customer: &Customer) -> Value {
    json!({
        "id": gid("Customer", id), "firstName": customer.name, "lastName": null, "updatedAt": time(customer.changed),
        "createdAt": time(customer.changed), "defaultPhoneNumber": null,
        "defaultEmailAddress": customer.email.as_ref().map(|email| json!({ "emailAddress": email })),
    })
}

pub(super) fn product_node(id: u64, product: &Product) -> Value {
    json!({
        "id": gid("Product", id), "title": product.title, "productType": product.kind, "updatedAt": time(product.changed),
        "category": null, "collections": { "nodes": [] },
    })
}

/// The body of a webhook about an order.
pub(super) fn webhook_body(source: &Source, id: u64, order: &Order, topic: &str) -> Value {
    match topic {
        "orders/delete" => json!({ "id": id }),
        "refunds/create" => json!({ "id": order.refunds.last().map(|refund| refund.id), "order_id": id }),
        "orders/edited" => json!({ "order_edit": { "id": id + 1, "order_id": id } }),
        _ => order_body(source, id, order),
    }
}

fn order_body(source: &Source, id: u64, order: &Order) -> Value {
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            json!({
                "id": line.id, "product_id": line.product, "sku": "", "quantity": line.quantity,
                "title": line.product.and_then(|id| source.products.get(&id)).map(|product| product.title.clone()),
                "current_quantity": line.quantity - line.removed - returned(order, line.id), "price": money(line.price),
                "discount_allocations": if line.discount > 0 {
                    json!([{ "amount": money(line.discount * line.quantity) }])
                } else {
                    json!([])
                },
            })
        })
        .collect();
    let refunds: Vec<Value> = order
        .refunds
        .iter()
        .map(|refund| {
            let items: Vec<Value> = refund
                .items
                .iter()
                .map(|(line, pieces, cents)| json!({ "line_item_id": line, "quantity": pieces, "subtotal": money(*cents) }))
                .collect();
            json!({ "id": refund.id, "created_at": time(refund.at), "refund_line_items": items, "order_adjustments": [] })
        })
        .collect();
    let customer = order.customer.and_then(|id| {
        let customer = source.customers.get(&id)?;
        Some(json!({ "id": id, "email": customer.email, "first_name": customer.name, "last_name": null }))
    });
    json!({
        "id": id, "admin_graphql_api_id": gid("Order", id), "name": order.name(), "created_at": time(order.placed),
        "processed_at": time(order.placed), "updated_at": time(order.changed), "cancelled_at": order.cancelled.map(time),
        "test": order.is_test, "email": null, "phone": null, "currency": "EUR", "presentment_currency": "USD",
        "financial_status": order.status, "fulfillment_status": null, "fulfillments": [], "customer": customer,
        "line_items": lines, "refunds": refunds,
    })
}
