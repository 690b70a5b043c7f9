//! Queries: booked, sent, settled, and read as far as every query is alike.

use std::time::Duration;

use accounts::foreign::json;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Client, UPSTREAM, queries};
use crate::error::{ClientError, PauseReason};
use crate::http::{Answer, CallContext, Repeat, Request, Verdict, judge_status};
use crate::pacing::Report;

/// What is read of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Products, with their collections.
    Products,
    /// Customers.
    Customers,
    /// Orders, with lines and refunds.
    Orders,
}

impl Resource {
    pub(super) fn name(self) -> &'static str {
        match self {
            Resource::Products => "products",
            Resource::Customers => "customers",
            Resource::Orders => "orders",
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Resource::Products => "Product",
            Resource::Customers => "Customer",
            Resource::Orders => "Order",
        }
    }
}

/// Some objects, and where the next are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// As Shopify writes them.
    pub nodes: Vec<Value>,
    /// The cursor behind them; none at the end.
    pub next: Option<String>,
}

/// Ids that Shopify takes in one query at most.
const IDS_AT_ONCE: usize = 250;

/// Pages of one order's lines at most: a hundred lines each.
const LINE_PAGES: usize = 200;

/// How long a query may wait for its points before its job is put off instead.
const LONGEST_PACE: Duration = Duration::from_secs(10);

/// A query that was throttled although it was booked is sent so often.
const THROTTLED_TRIES: u32 = 3;

/// What a query is taken to cost before the first answer says so.
const UNKNOWN_COST: f64 = 100.0;

/// What opens a shop.
pub(super) const TOKEN: HeaderName = HeaderName::from_static("x-shopify-access-token");

/// One query with what it is known by.
pub(super) struct Query<'q> {
    pub(super) name: &'static str,
    pub(super) size: u32,
    pub(super) text: &'q str,
    pub(super) variables: Value,
    pub(super) repeat: Repeat,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Deserialize, Default)]
struct Extensions {
    cost: Option<Cost>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    requested_query_cost: Option<f64>,
    actual_query_cost: Option<f64>,
    throttle_status: Option<Throttle>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
struct Throttle {
    maximum_available: f64,
    currently_available: f64,
    restore_rate: f64,
}

impl Client {
    /// A page of what was changed within a time, the oldest change first; orders come with all their lines.
    ///
    /// # Errors
    /// As for any call.
    pub async fn page(
        &self,
        context: &CallContext,
        resource: Resource,
        (since, until): (DateTime<Utc>, DateTime<Utc>),
        cursor: Option<&str>,
        size: u32,
    ) -> Result<Page, ClientError> {
        let text = queries::page(resource);
        let name = resource.name();
        let mut size = self.shared.at_once(name, size);
        let mut data = loop {
            let variables = json!({ "first": size, "after": cursor, "query": filter(since, until) });
            let query = Query { name, size, text: &text, variables, repeat: Repeat::Always };
            match self.query(context, query).await {
                // How much a page costs is the shop's to say.
                Err(error) if size > 1 && is_too_costly(&error) => {
                    size = self.shared.ask_for_less(name, size)
                }
                came => break came?,
            }
        };
        let mut page = page_of(&mut data[resource.name()])?;
        if resource == Resource::Orders {
            for order in &mut page.nodes {
                self.complete(context, order).await?;
            }
        }
        Ok(page)
    }

    /// Objects by their ids as numbers, in that order; none for one that is gone.
    ///
    /// # Errors
    /// As for any call.
    pub async fn nodes(
        &self,
        context: &CallContext,
        resource: Resource,
        ids: &[String],
    ) -> Result<Vec<Option<Value>>, ClientError> {
        let name = match resource {
            Resource::Products => "product_nodes",
            Resource::Customers => "customer_nodes",
            Resource::Orders => "order_nodes",
        };
        let nodes = self.by_ids(context, resource, (name, &queries::nodes(resource)), ids).await?;
        let mut found = Vec::with_capacity(nodes.len());
        for mut node in nodes {
            if node.is_null() {
                found.push(None);
                continue;
            }
            if resource == Resource::Orders {
                self.complete(context, &mut node).await?;
            }
            found.push(Some(node));
        }
        Ok(found)
    }

    /// Those of the ids that the shop has nothing for any more.
    ///
    /// # Errors
    /// As for any call.
    pub async fn gone(
        &self,
        context: &CallContext,
        resource: Resource,
        ids: &[String],
    ) -> Result<Vec<String>, ClientError> {
        let mut gone = Vec::new();
        for ids in ids.chunks(IDS_AT_ONCE) {
            let nodes = self.by_ids(context, resource, ("present", queries::PRESENT), ids).await?;
            if nodes.len() != ids.len() {
                return Err(bad("there are not as many nodes as were asked for"));
            }
            gone.extend(ids.iter().zip(&nodes).filter(|(_, node)| node.is_null()).map(|(id, _)| id.clone()));
        }
        Ok(gone)
    }

    /// What a query answers for ids, in their order, null for what is gone; in several parts where it is too costly.
    async fn by_ids(
        &self,
        context: &CallContext,
        resource: Resource,
        (name, text): (&'static str, &str),
        ids: &[String],
    ) -> Result<Vec<Value>, ClientError> {
        let mut rest: Vec<String> =
            ids.iter().map(|id| format!("gid://shopify/{}/{id}", resource.kind())).collect();
        let mut nodes = Vec::with_capacity(ids.len());
        while !rest.is_empty() {
            let size = self.shared.at_once(name, u32::try_from(rest.len()).unwrap_or(u32::MAX));
            let variables = json!({ "ids": rest[..size as usize] });
            let query = Query { name, size, text, variables, repeat: Repeat::Always };
            let mut data = match self.query(context, query).await {
                Err(error) if size > 1 && is_too_costly(&error) => {
                    self.shared.ask_for_less(name, size);
                    continue;
                }
                came => came?,
            };
            let Value::Array(some) = data["nodes"].take() else {
                return Err(bad("there are no nodes in it"));
            };
            nodes.extend(some);
            rest.drain(..size as usize);
        }
        Ok(nodes)
    }

    /// Has webhooks of these topics (such as `ORDERS_UPDATED`) delivered to an address, unless they are already; answers how
    /// many were missing.
    ///
    /// # Errors
    /// As for any call.
    pub async fn subscribe(
        &self,
        context: &CallContext,
        topics: &[&str],
        uri: &str,
    ) -> Result<u32, ClientError> {
        let text = queries::SUBSCRIPTIONS;
        let query =
            Query { name: "subscriptions", size: 0, text, variables: json!({}), repeat: Repeat::Always };
        let data = self.query(context, query).await?;
        let there = data["webhookSubscriptions"]["nodes"].as_array().cloned().unwrap_or_default();
        let mut missing = 0;
        for topic in topics {
            if there.iter().any(|one| one["topic"] == *topic && one["uri"] == uri) {
                continue;
            }
            missing += 1;
            let query = Query {
                name: "subscribe",
                size: 0,
                text: queries::SUBSCRIBE,
                variables: json!({ "topic": topic, "uri": uri }),
                repeat: Repeat::OnlyIfWithoutEffect,
            };
            let data = self.query(context, query).await?;
            if data["webhookSubscriptionCreate"]["userErrors"]
                .as_array()
                .is_some_and(|errors| !errors.is_empty())
            {
                return Err(bad("a subscription to webhooks was refused"));
            }
        }
        Ok(missing)
    }

    /// Adds the lines of an order that did not come with it.
    pub(super) async fn complete(&self, context: &CallContext, order: &mut Value) -> Result<(), ClientError> {
        let mut pages = 0;
        while order["lineItems"]["pageInfo"]["hasNextPage"] == true {
            pages += 1;
            if pages > LINE_PAGES {
                return Err(bad("an order has more lines than are read"));
            }
            let variables =
                json!({ "id": order["id"], "after": order["lineItems"]["pageInfo"]["endCursor"] });
            let text = queries::lines();
            let query = Query { name: "lines", size: 100, text: &text, variables, repeat: Repeat::Always };
            let mut data = self.query(context, query).await?;
            let mut more = data["order"]["lineItems"].take();
            let Value::Array(further) = more["nodes"].take() else {
                return Err(bad("an order's further lines are not in it"));
            };
            order["lineItems"]["pageInfo"] = more["pageInfo"].take();
            match &mut order["lineItems"]["nodes"] {
                Value::Array(lines) => lines.extend(further),
                _ => return Err(bad("an order's lines are not in it")),
            }
        }
        Ok(())
    }

    /// Sends a query at its turn; its data.
    pub(super) async fn query(&self, context: &CallContext, query: Query<'_>) -> Result<Value, ClientError> {
        let body = json!({ "query": query.text, "variables": query.variables }).to_string();
        let request = Request {
            method: Method::POST,
            url: self.endpoint.clone(),
            headers: HeaderMap::from_iter([(TOKEN, self.token.clone())]),
            body: Some(Bytes::from(body)),
            repeat: query.repeat,
        };
        for _ in 0..THROTTLED_TRIES {
            let booked = self.shared.cost(query.name, query.size).unwrap_or(UNKNOWN_COST);
            self.wait_for_points(context, booked).await?;
            let answer = match self.shared.outbound.send(context, &request, judge).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.shared.points.settle(&self.shop, booked).await;
                    return Err(error);
                }
            };
            let cleaned = json::clean(&answer.body).map_err(|_| bad("the body is not JSON"))?;
            let told: Told =
                serde_json::from_str(&cleaned.text).map_err(|_| bad("the body is no answer to a query"))?;
            let is_throttled = has_code(&told.errors, "THROTTLED");
            self.settle(&query, booked, told.extensions.cost.as_ref(), is_throttled).await;
            if is_throttled {
                metrics::counter!("deskwork_upstream_throttled_total", "upstream" => UPSTREAM).increment(1);
                continue;
            }
            if has_code(&told.errors, TOO_COSTLY) {
                return Err(ClientError::Rejected {
                    upstream: UPSTREAM,
                    status: 200,
                    code: TOO_COSTLY.to_owned(),
                });
            }
            if has_code(&told.errors, "ACCESS_DENIED") {
                return Err(ClientError::Unauthorised { upstream: UPSTREAM, status: 403 });
            }
            if told.data.is_null() {
                return Err(bad("the query was not answered"));
            }
            return Ok(told.data);
        }
        Err(ClientError::RetryAfter {
            upstream: UPSTREAM,
            after: Duration::from_secs(2),
            reason: PauseReason::RateLimited,
        })
    }

    async fn wait_for_points(&self, context: &CallContext, cost: f64) -> Result<(), ClientError> {
        let left = context.deadline.saturating_duration_since(Instant::now());
        match self.shared.points.book_some(&self.shop, cost, left.min(LONGEST_PACE)).await {
            Ok(wait) if wait.is_zero() => Ok(()),
            Ok(wait) => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Err(after) => {
                Err(ClientError::RetryAfter { upstream: UPSTREAM, after, reason: PauseReason::RateLimited })
            }
        }
    }

    /// Gives back what was booked too much, and takes over what the shop says of its bucket.
    async fn settle(&self, query: &Query<'_>, booked: f64, cost: Option<&Cost>, is_throttled: bool) {
        let Some(cost) = cost else { return };
        if let Some(requested) = cost.requested_query_cost {
            self.shared.note_cost(query.name, query.size, requested);
        }
        let actual = if is_throttled { 0.0 } else { cost.actual_query_cost.unwrap_or(booked) };
        self.shared.points.settle(&self.shop, booked - actual).await;
        if let Some(status) = cost.throttle_status {
            // The bucket is known by what it gives back in the allowance's time.
            let limit = status.restore_rate * super::ALLOWANCE.window.as_secs_f64();
            let available = status.currently_available.min(status.maximum_available);
            let report = Report { used: (limit - available).max(0.0), limit };
            if limit > 0.0 {
                self.shared.points.tell(&self.shop, report).await;
            }
        }
    }
}

/// What was changed within a time, as Shopify's search says it.
pub(super) fn filter(since: DateTime<Utc>, until: DateTime<Utc>) -> String {
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("updated_at:>='{}' AND updated_at:<'{}'", text(since), text(until))
}

fn page_of(connection: &mut Value) -> Result<Page, ClientError> {
    let Value::Array(nodes) = connection["nodes"].take() else { return Err(bad("there are no nodes in it")) };
    let info = &connection["pageInfo"];
    let next = (info["hasNextPage"] == true).then(|| info["endCursor"].as_str().map(str::to_owned)).flatten();
    Ok(Page { nodes, next })
}

/// A query that costs more than any may.
const TOO_COSTLY: &str = "MAX_COST_EXCEEDED";

fn is_too_costly(error: &ClientError) -> bool {
    matches!(error, ClientError::Rejected { code, .. } if code == TOO_COSTLY)
}

fn has_code(errors: &Value, code: &str) -> bool {
    errors.as_array().is_some_and(|errors| errors.iter().any(|error| error["extensions"]["code"] == code))
}

pub(super) fn bad(problem: &'static str) -> ClientError {
    ClientError::BadAnswer { upstream: UPSTREAM, problem }
}

pub(super) fn judge(answer: &Answer) -> Verdict {
    judge_status(answer.status)
}
