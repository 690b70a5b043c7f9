//! Routes of orders and what is known of customers.

pub mod analytics;
pub mod customer_id;
pub mod customers;
pub mod imports;
pub mod intelligence;
pub mod merges;
pub mod orders;
pub mod shopify;
pub mod sources;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(analytics::routes())
        .merge(customers::routes())
        .merge(imports::routes())
        .merge(intelligence::routes())
        .merge(merges::routes())
        .merge(orders::routes())
        .merge(shopify::routes())
        .merge(sources::routes())
}
