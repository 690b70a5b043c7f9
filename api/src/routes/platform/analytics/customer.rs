//! One customer's purchases, and what to recommend to that customer.

use std::sync::Arc;

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::Role;
use platform::analytics::purchases::{self, Place, Purchase};
use platform::analytics::{AnalyticsError, MAX_ITEMS, segments};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::names;
use super::shelf::{self, Ask, Shelf};
use crate::routes::platform::customer_id::CustomerId;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes of one customer.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(purchase_history)).routes(routes!(recommendations))
}

/// An order of a customer, the sum of its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct PurchaseView {
    /// The shop's order number.
    pub order_id: String,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// Sum of its lines; negative for a return.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
    /// Units.
    pub units: Decimal,
    /// Lines.
    pub lines: i64,
    /// Whether it is a return.
    pub is_return: bool,
    /// Up to ten of its products.
    pub products: Vec<String>,
    /// Up to ten of its categories.
    pub categories: Vec<String>,
}

impl From<Purchase> for PurchaseView {
    fn from(purchase: Purchase) -> PurchaseView {
        PurchaseView {
            order_id: purchase.order_id,
            ordered_at: purchase.ordered_at,
            amount: purchase.amount,
            currency: purchase.currency,
            units: purchase.units,
            lines: purchase.lines,
            is_return: purchase.is_return,
            products: purchase.products,
            categories: purchase.categories,
        }
    }
}

/// A customer's orders, newest first.
#[utoipa::path(
    get,
    path = "/api/customers/{id}/purchases",
    tag = "analytics",
    params(
        ("id" = String, Path, description = "the shop's customer id"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<PurchaseView>),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn purchase_history(
    State(state): State<AppState>,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::CustomersRead)?;
    let params = Params::of(&uri, &["cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let after = page.after.as_deref().map(place).transpose()?;
    check(&id)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    if !purchases::exists(&mut tx, &id).await? {
        return Err(unknown());
    }
    let limit = u32::try_from(page.limit_and_one()).unwrap_or(MAX_ITEMS);
    let found = purchases::list(&mut tx, &id, after.as_ref(), limit).await?;
    tx.commit().await?;
    let items = found.into_iter().map(PurchaseView::from).collect();
    let page = page.page(items, |item: &PurchaseView| {
        format!("{} {} {}", item.ordered_at.timestamp_micros(), item.currency, item.order_id)
    });
    Ok(etag::answer(&headers, serde_json::to_vec(&page).expect("a page is plain data")))
}

/// What to recommend to a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerRecommendations {
    /// The shop's customer id.
    pub customer_id: String,
    /// False when the customer's purchases do not suffice.
    pub available: bool,
    /// Why they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Orders that the rules were found in; null when there are no recommendations.
    pub orders_examined: Option<u64>,
    /// The most important first.
    pub items: Vec<RecommendationView>,
}

/// A recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationView {
    /// The product or category.
    pub item: String,
    /// `again`: bought before and due once more. `with`: goes with something bought.
    pub kind: &'static str,
    /// Why, in words.
    pub reason: String,
    /// For `with`: the share of orders with the other that have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// For `with`: how many times the share of all orders that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lift: Option<f64>,
}

/// What a customer may want next: what is due again, and what goes with what was bought.
#[utoipa::path(
    get,
    path = "/api/customers/{id}/recommendations",
    tag = "analytics",
    params(
        ("id" = String, Path, description = "the shop's customer id"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 20 when missing"),
        ("by" = Option<String>, Query, description = "product (when missing) or category"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "recommendations, or why there are none", body = CustomerRecommendations),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn recommendations(
    State(state): State<AppState>,
    Extension(shelf): Extension<Arc<Shelf>>,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let params = Params::of(&uri, &["limit", "by"])?;
    let limit = params.number("limit")?.and_then(|limit| u32::try_from(limit).ok());
    let ask = Ask {
        limit: limit.unwrap_or(super::DEFAULT_LIMIT),
        months: 12,
        by: names::by(&params)?,
        axis: segments::ARCHETYPE.to_owned(),
    };
    check(&id)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let exists = purchases::exists(&mut tx, &id).await?;
    tx.commit().await?;
    if !exists {
        return Err(unknown());
    }
    let standing = shelf::standing(&state.db, caller.tenant).await?;
    let found = shelf.recommendations(&state, standing, id.clone(), ask).await?;
    let answer = match found {
        Ok(report) => CustomerRecommendations {
            customer_id: id,
            available: true,
            reason: None,
            orders_examined: Some(report.figures.orders),
            items: report
                .items
                .into_iter()
                .map(|item| RecommendationView {
                    item: item.item,
                    kind: item.kind,
                    reason: item.reason,
                    confidence: item.confidence,
                    lift: item.lift,
                })
                .collect(),
        },
        Err(AnalyticsError::NotEnough(reason)) => CustomerRecommendations {
            customer_id: id,
            available: false,
            reason: Some(reason),
            orders_examined: None,
            items: Vec::new(),
        },
        Err(AnalyticsError::Db(error)) => return Err(error.into()),
    };
    Ok(etag::answer(&headers, serde_json::to_vec(&answer).expect("an answer is plain data")))
}

fn check(id: &str) -> Result<(), Problem> {
    if id.chars().count() > 128 || id.contains('\0') {
        return Err(Problem::bad_request("id", "must have 1 to 128 characters"));
    }
    Ok(())
}

fn unknown() -> Problem {
    Problem::not_found("there is no such customer")
}

/// The place in the list that a cursor names: microseconds since 1970, a currency and an order number.
fn place(cursor: &str) -> Result<Place, Problem> {
    let mut parts = cursor.splitn(3, ' ');
    let mut next = || parts.next().ok_or_else(bad_cursor);
    let (micros, currency, order_id) = (next()?, next()?.to_owned(), next()?.to_owned());
    let ordered_at = micros.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or_else(bad_cursor)?;
    if order_id.contains('\0') || currency.contains('\0') {
        return Err(bad_cursor());
    }
    Ok(Place { ordered_at, order_id, currency })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_and_nothing_else_is() {
        let found = place("1700000000000001 EUR no 7").expect("a place");
        assert_eq!((found.currency.as_str(), found.order_id.as_str()), ("EUR", "no 7"));
        assert_eq!(found.ordered_at.timestamp_micros(), 1_700_000_000_000_001);
        for bad in ["", "17", "17 EUR", "x EUR 1", "99999999999999999999 EUR 1"] {
            assert_eq!(place(bad).err(), Some(bad_cursor()), "{bad}");
        }
    }
}
