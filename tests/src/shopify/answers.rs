//! What each query is answered with, and what it costs.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Value, json};

use super::source::Source;
use super::wire::{customer_node, order_lines, order_node, product_node};
use super::{Play, lock};

/// What a query of orders costs for each of them; of other things a point.
const ORDER_COST: f64 = 3.0;
/// So many orders of a page are too many.
const MOST_ORDERS: u64 = 40;

/// A query's answer, or that there are too few points.
pub(super) fn answer(play: &Play, asked: &Value) -> Value {
    let (text, variables) = (asked["query"].as_str().unwrap_or_default(), &asked["variables"]);
    let name = text.split_whitespace().nth(1).unwrap_or_default();
    let name = name.split('(').next().unwrap_or_default();
    let of_orders = text.contains("orders(") || text.contains("... on Order ");
    let each = if of_orders { ORDER_COST } else { 1.0 };
    let wanted = match name {
        "page" => variables["first"].as_u64().unwrap_or(1),
        "nodes" => variables["ids"].as_array().map_or(1, |ids| ids.len() as u64),
        _ => 8,
    };
    // A query may cost so much and no more.
    if of_orders && name == "page" && wanted > MOST_ORDERS {
        return json!({ "errors": [{ "message": "too costly", "extensions": { "code": "MAX_COST_EXCEEDED" } }] });
    }
    let requested = 10.0 + each * wanted as f64;
    let (data, objects) = match name {
        "page" => page(&lock(&play.source), text, variables),
        "nodes" => nodes(&lock(&play.source), variables),
        "run" => (run_bulk(play, variables), wanted),
        "bulk" => (look_bulk(play, variables), wanted),
        "subscriptions" => (subscriptions(play), wanted),
        "subscribe" => (subscribe(play, variables), wanted),
        _ => (Value::Null, 0),
    };
    let actual = 10.0 + each * objects as f64;
    let mut state = lock(&play.state);
    if !state.bucket.take(requested, actual) {
        state.heard.throttled += 1;
        return json!({
            "errors": [{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }],
            "extensions": { "cost": {
                "requestedQueryCost": requested, "actualQueryCost": null, "throttleStatus": state.bucket.status() } },
        });
    }
    state.heard.query(actual);
    json!({
        "data": data,
        "extensions": { "cost": {
            "requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": state.bucket.status() } },
    })
}

/// The seconds of `updated_at:>='A' AND updated_at:<'B'`.
fn range(filter: &str) -> (i64, i64) {
    let mut times = filter
        .split('\'')
        .filter_map(|part| DateTime::parse_from_rfc3339(part).ok())
        .map(|time| time.timestamp());
    (times.next().unwrap_or(i64::MIN), times.next().unwrap_or(i64::MAX))
}

fn page(source: &Source, text: &str, variables: &Value) -> (Value, u64) {
    let first = variables["first"].as_u64().unwrap_or(1) as usize;
    let (since, until) = range(variables["query"].as_str().unwrap_or_default());
    // A cursor is the last object, so pages stand still while objects are changed and move to the end.
    let after = variables["after"].as_str().and_then(|cursor| {
        let (changed, id) = cursor.split_once(':')?;
        Some((changed.parse::<i64>().ok()?, id.parse::<u64>().ok()?))
    });
    let is_behind = |place: &(i64, u64)| after.is_none_or(|after| *place > after);
    let (name, places): (&str, Vec<(i64, u64)>) = if text.contains("orders(") {
        (
            "orders",
            source
                .by_change
                .range((since, 0)..(until, 0))
                .copied()
                .filter(is_behind)
                .take(first + 1)
                .collect(),
        )
    } else {
        let (name, mut all): (_, Vec<(i64, u64)>) = if text.contains("customers(") {
            ("customers", source.customers.iter().map(|(id, one)| (one.changed, *id)).collect())
        } else {
            ("products", source.products.iter().map(|(id, one)| (one.changed, *id)).collect())
        };
        all.retain(|(changed, _)| (since..until).contains(changed));
        all.sort_unstable();
        (name, all.into_iter().filter(is_behind).take(first + 1).collect())
    };
    let has_more = places.len() > first;
    let given = &places[..places.len().min(first)];
    let nodes: Vec<Value> = given.iter().filter_map(|(_, id)| node(source, name, *id, 5)).collect();
    let cursor = given.last().map(|(changed, id)| format!("{changed}:{id}"));
    let count = nodes.len() as u64;
    (json!({ name: { "nodes": nodes, "pageInfo": { "hasNextPage": has_more, "endCursor": cursor } } }), count)
}

fn node(source: &Source, name: &str, id: u64, most_refunds: usize) -> Option<Value> {
    match name {
        "orders" => source
            .orders
            .get(&id)
            .filter(|order| !order.is_deleted)
            .map(|order| order_node(source, id, order, most_refunds)),
        "customers" => source.customers.get(&id).map(|customer| customer_node(id, customer)),
        _ => source.products.get(&id).map(|product| product_node(id, product)),
    }
}

fn nodes(source: &Source, variables: &Value) -> (Value, u64) {
    let ids = variables["ids"].as_array().cloned().unwrap_or_default();
    let nodes: Vec<Value> = ids
        .iter()
        .map(|gid| {
            let mut parts = gid.as_str().unwrap_or_default().rsplit('/');
            let id = parts.next().and_then(|id| id.parse().ok()).unwrap_or(0);
            let name = match parts.next() {
                Some("Order") => "orders",
                Some("Customer") => "customers",
                _ => "products",
            };
            node(source, name, id, 25).unwrap_or(Value::Null)
        })
        .collect();
    let count = nodes.len() as u64;
    (json!({ "nodes": nodes }), count)
}

/// Writes the file at once; it is there when somebody looks.
fn run_bulk(play: &Play, variables: &Value) -> Value {
    let text = variables["query"].as_str().unwrap_or_default();
    let (since, until) = range(text);
    let source = lock(&play.source);
    let mut file = Vec::new();
    let mut write = |value: Value| {
        file.extend_from_slice(value.to_string().as_bytes());
        file.push(b'\n');
    };
    if text.contains("orders(") {
        for (_, id) in source.by_change.range((since, 0)..(until, 0)) {
            if let Some(order) = source.orders.get(id) {
                order_lines(&source, *id, order).into_iter().for_each(&mut write);
            }
        }
    } else {
        for (id, customer) in &source.customers {
            if (since..until).contains(&customer.changed) {
                write(customer_node(*id, customer));
            }
        }
    }
    drop(source);
    let mut state = lock(&play.state);
    state.heard.bulks += 1;
    let id = state.heard.bulks.to_string();
    state.bulks.insert(id.clone(), Arc::new(file));
    json!({ "bulkOperationRunQuery": {
        "bulkOperation": { "id": format!("gid://shopify/BulkOperation/{id}"), "status": "CREATED" }, "userErrors": [] } })
}

fn look_bulk(play: &Play, variables: &Value) -> Value {
    let id = variables["id"].as_str().and_then(|gid| gid.rsplit('/').next()).unwrap_or_default().to_owned();
    let state = lock(&play.state);
    let Some(file) = state.bulks.get(&id) else { return json!({ "node": null }) };
    let url = (!file.is_empty()).then(|| format!("http://{}/files/{id}", play.addr));
    json!({ "node": {
        "id": variables["id"], "status": "COMPLETED", "errorCode": null, "objectCount": "1",
        "fileSize": file.len().to_string(), "url": url } })
}

fn subscriptions(play: &Play) -> Value {
    let nodes: Vec<Value> = lock(&play.state)
        .subscriptions
        .iter()
        .map(|(topic, uri)| json!({ "topic": topic, "uri": uri }))
        .collect();
    json!({ "webhookSubscriptions": { "nodes": nodes } })
}

fn subscribe(play: &Play, variables: &Value) -> Value {
    let text = |name: &str| variables[name].as_str().unwrap_or_default().to_owned();
    lock(&play.state).subscriptions.push((text("topic"), text("uri")));
    json!({ "webhookSubscriptionCreate": { "webhookSubscription": { "id": "1" }, "userErrors": [] } })
}
