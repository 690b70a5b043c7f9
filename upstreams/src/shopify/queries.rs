//! What is asked for, in GraphQL. Names of fields are those of version 2026-07.

use super::Resource;

/// How much of what belongs to an order comes along: a query may cost a thousand points, and each of these costs some.
#[derive(Clone, Copy)]
struct Depth {
    /// Lines; the others are asked for one page after the other.
    lines: u32,
    /// Refunds, and lines of each; orders with more are asked for by their ids.
    refunds: u32,
}

/// Of orders in pages.
const SHALLOW: Depth = Depth { lines: 15, refunds: 5 };
/// Of orders that are asked for by their ids.
const DEEP: Depth = Depth { lines: 50, refunds: 25 };

/// An order's own fields, those of its customer, and what of it was sent.
const ORDER: &str = "id name createdAt processedAt updatedAt cancelledAt test email phone currencyCode
    displayFinancialStatus displayFulfillmentStatus
    customer { id firstName lastName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
    fulfillments(first: 10) { createdAt status }";

const LINE: &str = "id title sku quantity currentQuantity product { id }
    originalTotalSet { shopMoney { amount currencyCode } }
    discountAllocations { allocatedAmountSet { shopMoney { amount } } }";

fn refunds(first: u32) -> String {
    format!(
        "refunds(first: {first}) {{ id createdAt
            refundLineItems(first: {first}) {{ nodes {{ quantity lineItem {{ id }} subtotalSet {{ shopMoney {{ amount }} }} }}
                pageInfo {{ hasNextPage }} }}
            orderAdjustments(first: 3) {{ nodes {{ id reason amountSet {{ shopMoney {{ amount }} }} }} }} }}"
    )
}

const CUSTOMER: &str = "id firstName lastName createdAt updatedAt
    defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber }";

const PRODUCT: &str =
    "id title productType updatedAt category { name } collections(first: 5) { nodes { title } }";

fn fields(resource: Resource, depth: Depth) -> String {
    match resource {
        Resource::Orders => format!(
            "{ORDER} {} lineItems(first: {}) {{ nodes {{ {LINE} }} pageInfo {{ hasNextPage endCursor }} }}",
            refunds(depth.refunds),
            depth.lines
        ),
        Resource::Customers => CUSTOMER.to_owned(),
        Resource::Products => PRODUCT.to_owned(),
    }
}

/// A page of what was changed within a time, the oldest change first.
pub(super) fn page(resource: Resource) -> String {
    let (name, fields) = (resource.name(), fields(resource, SHALLOW));
    format!(
        "query page($first: Int!, $after: String, $query: String!) {{
            {name}(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
                nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
}

/// Objects by their ids.
pub(super) fn nodes(resource: Resource) -> String {
    let (kind, fields) = (resource.kind(), fields(resource, DEEP));
    format!("query nodes($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on {kind} {{ {fields} }} }} }}")
}

/// Whether objects are there: their ids alone, each for a point.
pub(super) const PRESENT: &str = "query nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }";

/// Further lines of an order.
pub(super) fn lines() -> String {
    format!(
        "query lines($id: ID!, $after: String) {{ order(id: $id) {{
            lineItems(first: 100, after: $after) {{ nodes {{ {LINE} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
    )
}

/// A bulk operation over the same; connections of connections are not allowed in one, so refunds come by their ids and are
/// asked for afterwards.
pub(super) fn bulk(resource: Resource, filter: &str) -> String {
    let (name, filter) = (resource.name(), filter.replace('"', ""));
    let fields = match resource {
        Resource::Orders => {
            format!("{ORDER} refunds(first: 20) {{ id }} lineItems {{ edges {{ node {{ {LINE} }} }} }}")
        }
        Resource::Customers => CUSTOMER.to_owned(),
        Resource::Products => {
            "id title productType updatedAt category { name } collections { edges { node { id title } } }"
                .to_owned()
        }
    };
    format!("{{ {name}(query: \"{filter}\", sortKey: UPDATED_AT) {{ edges {{ node {{ {fields} }} }} }} }}")
}

pub(super) const RUN_BULK: &str = "mutation run($query: String!) {
    bulkOperationRunQuery(query: $query, groupObjects: true) {
        bulkOperation { id status } userErrors { field message } } }";

pub(super) const LOOK_BULK: &str = "query bulk($id: ID!) { node(id: $id) { ... on BulkOperation {
    id status errorCode objectCount fileSize url } } }";

pub(super) const SUBSCRIPTIONS: &str =
    "query subscriptions { webhookSubscriptions(first: 100) { nodes { topic uri } } }";

pub(super) const SUBSCRIBE: &str = "mutation subscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {
    webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri }) {
        webhookSubscription { id } userErrors { field message } } }";
