//! Reads nodes of a shop into what is stored, and asks for what does not come with them: refunds of orders from a file, and
//! products that nobody has heard of.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use database::Role;
use platform::shops::order::{Refused, ShopOrder};
use platform::shops::products::{self, Product};
use platform::shops::{SHOPIFY, shopify};
use serde_json::Value;
use upstreams::CallContext;
use upstreams::shopify::Resource;

use super::{Shop, stop_of};
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Orders, and products, that are asked for by their ids at once.
const ORDERS_AT_ONCE: usize = 20;
const PRODUCTS_AT_ONCE: usize = 50;

/// Orders that were read whole, and those that cannot be.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) whole: Vec<ShopOrder>,
    pub(crate) refused: Vec<Refused>,
}

/// Reads orders; those of which not all came are asked for by their ids.
pub(crate) async fn orders(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    nodes: &[Value],
) -> Result<Orders, Stop> {
    let mut orders = Orders::default();
    let mut partial = Vec::new();
    for node in nodes {
        match shopify::order_of_node(node, shopify::REFUNDS_OF_PAGES) {
            Some(order) if order.is_partial => partial.push(order.id),
            Some(order) => orders.whole.push(order),
            None => orders.refused.push(without_id()),
        }
    }
    by_id(ctx, app, shop, call, &partial, &mut orders).await?;
    products(ctx, app, shop, call, &orders.whole).await?;
    Ok(orders)
}

/// Asks for orders by their ids; those that are gone are not among the answers.
pub(crate) async fn by_id(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    ids: &[String],
    orders: &mut Orders,
) -> Result<(), Stop> {
    for ids in ids.chunks(ORDERS_AT_ONCE) {
        let nodes = match shop.client.nodes(call, Resource::Orders, ids).await {
            Ok(nodes) => nodes,
            Err(error) => return Err(stop_of(ctx, app, shop, error).await),
        };
        for order in
            nodes.iter().flatten().filter_map(|node| shopify::order_of_node(node, shopify::REFUNDS_OF_ONE))
        {
            if order.is_partial {
                orders.refused.push(Refused {
                    external_id: order.id,
                    reason: "too_many_refunds",
                    message: "the order has more refunds than are read of one order (25 of 25 lines each)"
                        .to_owned(),
                });
            } else {
                orders.whole.push(order);
            }
        }
    }
    Ok(())
}

/// Asks for products of orders that nobody has heard of, and stores them: a line's category is its product's.
pub(crate) async fn products(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    orders: &[ShopOrder],
) -> Result<(), Stop> {
    let ids: BTreeSet<&str> = orders.iter().flat_map(ShopOrder::products).collect();
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let known = products::known(&mut tx, SHOPIFY, &ids).await?;
    tx.commit().await?;
    let missing: Vec<String> = ids.into_iter().filter(|id| !known.contains_key(id)).collect();
    for ids in missing.chunks(PRODUCTS_AT_ONCE) {
        let nodes = match shop.client.nodes(call, Resource::Products, ids).await {
            Ok(nodes) => nodes,
            Err(error) => return Err(stop_of(ctx, app, shop, error).await),
        };
        let found: Vec<Product> =
            ids.iter().zip(&nodes).map(|(id, node)| product(id, node.as_ref())).collect();
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        products::store(&mut tx, ctx.tenant, SHOPIFY, &found).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A product as it is; one that is gone is remembered as such, so that it is not asked for again.
fn product(id: &str, node: Option<&Value>) -> Product {
    node.and_then(shopify::product_of_node).unwrap_or_else(|| Product {
        id: id.to_owned(),
        title: None,
        category: None,
        changed_at: DateTime::<Utc>::UNIX_EPOCH,
        is_deleted: true,
    })
}

pub(crate) fn without_id() -> Refused {
    Refused {
        external_id: "-".to_owned(),
        reason: "id_missing",
        message: "the shop told of something without an id".to_owned(),
    }
}
