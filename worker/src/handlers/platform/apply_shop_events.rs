//! Applies what a shop's webhooks told. Most say everything themselves; what they leave out (the order of a refund, the
//! collections of a product) is asked for first, so that nothing waits for the shop while rows are held.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use database::{Role, Tx};
use jobs::Announcement;
use platform::identities::erased::ErasureKey;
use platform::identities::merge::MergeError;
use platform::kinds::ApplyShopEvents;
use platform::kinds::apply_shop_events::ApplyShopEventsOutput;
use platform::shops::customers::{self, ShopCustomer};
use platform::shops::events::{self, Event, Fate};
use platform::shops::order::ShopOrder;
use platform::shops::products::{self, Product};
use platform::shops::store::{self, Heard, Stored};
use platform::shops::{SHOPIFY, privacy, shopify};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};
use crate::shop::{self, Shop, follow, law, read};
use upstreams::shopify::Resource;

/// Events that are applied in one transaction.
const AT_ONCE: i64 = 100;

/// Batches of one run; more is for the next, so that others have their turn.
const BATCHES: usize = 20;

/// A little less than the kind's deadline.
const CALLS_WITHIN: Duration = Duration::from_secs(90);

/// What an event asks for.
enum Asks {
    Order(Box<ShopOrder>),
    OrderById(String),
    Deleted(String),
    Customer(ShopCustomer),
    Merged { kept: String, gone: String },
    Product(Product),
    ProductById(String),
    Privacy,
    Uninstalled,
    Nothing(&'static str),
}

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: ApplyShopEvents) -> Outcome<ApplyShopEventsOutput> {
    let mut output = ApplyShopEventsOutput::default();
    for _ in 0..BATCHES {
        if ctx.is_halted() {
            break;
        }
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        let waiting = events::waiting(&mut tx, SHOPIFY, AT_ONCE).await?;
        tx.commit().await?;
        if waiting.is_empty() {
            return done(output);
        }
        let asked: Vec<(Event, Asks)> = waiting
            .into_iter()
            .map(|event| {
                let asks = understood(&event);
                (event, asks)
            })
            .collect();
        // While the shop refuses our credentials, what says everything itself is applied all the same.
        let (fetched, held_back) = match fetch(&ctx, &app, &asked).await {
            Ok(fetched) => (fetched, None),
            Err(stop) => (Fetched::default(), Some(stop)),
        };
        let now: Vec<&(Event, Asks)> =
            asked.iter().filter(|(_, asks)| held_back.is_none() || !asks.needs_shop()).collect();
        apply(&ctx, &app, &now, &fetched, &mut output).await?;
        if let Some(stop) = held_back {
            return Err(stop);
        }
    }
    // More may wait, and this run is to end.
    Err(Stop::Snooze(Duration::ZERO))
}

impl Asks {
    fn needs_shop(&self) -> bool {
        matches!(self, Asks::OrderById(_) | Asks::ProductById(_))
    }
}

fn understood(event: &Event) -> Asks {
    let body = &event.body;
    let id = || shopify::id_of(&body["id"]);
    match event.topic.as_str() {
        "orders/delete" => id().map_or(Asks::Nothing("it names no order"), Asks::Deleted),
        "refunds/create" => {
            shopify::id_of(&body["order_id"]).map_or(Asks::Nothing("it names no order"), Asks::OrderById)
        }
        // Its body is the edit, not the order.
        "orders/edited" => shopify::id_of(&body["order_edit"]["order_id"])
            .map_or(Asks::Nothing("it names no order"), Asks::OrderById),
        topic if topic.starts_with("orders/") => match shopify::order_of_webhook(body) {
            Some(order) if order.is_partial => Asks::OrderById(order.id),
            Some(order) => Asks::Order(Box::new(order)),
            None => Asks::Nothing("it names no order"),
        },
        "customers/merge" => {
            let ids = ["admin_graphql_api_customer_kept_id", "admin_graphql_api_customer_deleted_id"]
                .map(|name| shopify::id_of(&body[name]));
            match ids {
                [Some(kept), Some(gone)] => Asks::Merged { kept, gone },
                _ => Asks::Nothing("it does not say who became whom"),
            }
        }
        "customers/create" | "customers/update" | "customers/enable" | "customers/disable" => {
            shopify::customer_of_webhook(body).map_or(Asks::Nothing("it names no customer"), Asks::Customer)
        }
        "products/delete" => id().map_or(Asks::Nothing("it names no product"), |id| {
            let changed_at = event.triggered_at;
            Asks::Product(Product { id, title: None, category: None, changed_at, is_deleted: true })
        }),
        "products/create" | "products/update" => match shopify::product_of_webhook(body) {
            // Without a type its collections say what it is, and they do not come along.
            Some(product) if product.category.is_none() => Asks::ProductById(product.id),
            Some(product) => Asks::Product(product),
            None => Asks::Nothing("it names no product"),
        },
        "app/uninstalled" => Asks::Uninstalled,
        topic if privacy::TOPICS.contains(&topic) => Asks::Privacy,
        _ => Asks::Nothing("nothing is kept of this topic"),
    }
}

/// What was asked for, by its id.
#[derive(Default)]
struct Fetched {
    orders: HashMap<String, ShopOrder>,
    products: HashMap<String, Product>,
    refused: Vec<platform::shops::order::Refused>,
    heard_at: DateTime<Utc>,
    is_connected: bool,
}

/// Asks the shop for what events leave out.
async fn fetch(ctx: &Ctx, app: &App, asked: &[(Event, Asks)]) -> Result<Fetched, Stop> {
    let mut fetched = Fetched { heard_at: Utc::now(), ..Fetched::default() };
    let of = |wanted: fn(&Asks) -> Option<&String>| {
        let mut ids: Vec<String> = asked.iter().filter_map(|(_, asks)| wanted(asks)).cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let order_ids = of(|asks| if let Asks::OrderById(id) = asks { Some(id) } else { None });
    let product_ids = of(|asks| if let Asks::ProductById(id) = asks { Some(id) } else { None });
    let has_orders = asked.iter().any(|(_, asks)| matches!(asks, Asks::Order(_)));
    if order_ids.is_empty() && product_ids.is_empty() && !has_orders {
        return Ok(fetched);
    }
    let Some(shop) = shop::open(ctx, app).await? else { return Ok(fetched) };
    fetched.is_connected = true;
    let call = shop::call(ctx, CALLS_WITHIN);
    let mut orders = read::Orders::default();
    read::by_id(ctx, app, &shop, &call, &order_ids, &mut orders).await?;
    fetched.refused = orders.refused;
    let told = asked.iter().filter_map(|(_, asks)| match asks {
        Asks::Order(order) => Some((**order).clone()),
        _ => None,
    });
    let all: Vec<ShopOrder> = orders.whole.iter().cloned().chain(told).collect();
    read::products(ctx, app, &shop, &call, &all).await?;
    fetched.orders = orders.whole.into_iter().map(|order| (order.id.clone(), order)).collect();
    fetched.products = products_by_id(ctx, app, &shop, &call, &product_ids).await?;
    Ok(fetched)
}

async fn products_by_id(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &upstreams::CallContext,
    ids: &[String],
) -> Result<HashMap<String, Product>, Stop> {
    let mut found = HashMap::new();
    for ids in ids.chunks(50) {
        match shop.client.nodes(call, Resource::Products, ids).await {
            Ok(nodes) => found.extend(
                nodes
                    .iter()
                    .flatten()
                    .filter_map(shopify::product_of_node)
                    .map(|product| (product.id.clone(), product)),
            ),
            Err(error) => return Err(shop::stop_of(ctx, app, shop, error).await),
        }
    }
    Ok(found)
}

async fn apply(
    ctx: &Ctx,
    app: &App,
    events: &[&(Event, Asks)],
    fetched: &Fetched,
    output: &mut ApplyShopEventsOutput,
) -> Result<(), Stop> {
    if events.is_empty() {
        return Ok(());
    }
    let now = Utc::now();
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let since = follow::now(&mut tx).await?;
    let mut announcement = Announcement::default();
    store::refuse(&mut tx, ctx.tenant, SHOPIFY, "orders", &fetched.refused, now).await?;
    for (event, asks) in events {
        let (fate, reason) =
            one(ctx, &mut tx, event, asks, fetched, &app.erasure_key(ctx.tenant), now).await?;
        // Somebody else's run has settled it: then nothing of this batch is ours.
        if !events::settle(&mut tx, SHOPIFY, event, (fate, reason), now).await? {
            return Err(Stop::wait("events_elsewhere", "another run applies these events"));
        }
        if matches!((asks, fate), (Asks::Privacy, Fate::Applied)) {
            announcement.merge(law::pass_on(ctx, app, &mut tx, event, now).await?);
        }
        match fate {
            Fate::Applied => output.applied += 1,
            Fate::Unchanged => output.unchanged += 1,
            Fate::Ignored => output.ignored += 1,
            Fate::Refused => output.refused += 1,
        }
    }
    announcement.merge(follow::since(ctx, &mut tx, since).await?);
    tx.commit().await?;
    app.dispatch.announce(announcement);
    Ok(())
}

type Came = (Fate, Option<&'static str>);

const REFUSED: Came = (Fate::Refused, Some("it cannot be stored; the list of refusals says why"));

async fn one(
    ctx: &Ctx,
    tx: &mut Tx,
    event: &Event,
    asks: &Asks,
    fetched: &Fetched,
    key: &ErasureKey,
    now: DateTime<Utc>,
) -> Result<Came, Stop> {
    let tenant = ctx.tenant;
    // An event counts from when it happened, what was asked for from when it was.
    let heard = |at| Heard { at, cause: ctx.job_id, erasure_key: *key };
    let changed = |is_changed: bool| (if is_changed { Fate::Applied } else { Fate::Unchanged }, None);
    let gone = if fetched.is_connected {
        (Fate::Ignored, Some("the shop does not have it any more"))
    } else {
        (Fate::Refused, Some("the shop is not connected, and the event does not say everything"))
    };
    Ok(match asks {
        Asks::Order(order) => {
            let told = std::slice::from_ref(&**order);
            came(store::orders(tx, tenant, SHOPIFY, told, heard(event.triggered_at)).await?)
        }
        Asks::OrderById(id) => match fetched.orders.get(id) {
            Some(order) => {
                let told = std::slice::from_ref(order);
                came(store::orders(tx, tenant, SHOPIFY, told, heard(fetched.heard_at)).await?)
            }
            None if fetched.refused.iter().any(|refused| refused.external_id == *id) => REFUSED,
            None => gone,
        },
        Asks::Deleted(id) => {
            changed(store::deleted(tx, tenant, SHOPIFY, id, heard(event.triggered_at)).await?)
        }
        Asks::Customer(customer) => {
            changed(customers::store(tx, tenant, SHOPIFY, std::slice::from_ref(customer), key).await? > 0)
        }
        Asks::Merged { kept, gone } => {
            match customers::merged(tx, tenant, SHOPIFY, (kept, gone), key).await {
                Ok(is_changed) => changed(is_changed),
                Err(MergeError::Db(error)) => return Err(error.into()),
                Err(_) => (Fate::Refused, Some("the two customers cannot be merged here")),
            }
        }
        Asks::Product(product) => {
            changed(products::store(tx, tenant, SHOPIFY, std::slice::from_ref(product)).await? > 0)
        }
        Asks::ProductById(id) => match fetched.products.get(id) {
            Some(product) => {
                changed(products::store(tx, tenant, SHOPIFY, std::slice::from_ref(product)).await? > 0)
            }
            None => gone,
        },
        Asks::Privacy => {
            let asked = privacy::Asked {
                source: SHOPIFY,
                topic: &event.topic,
                event_id: &event.event_id,
                body: &event.body,
            };
            changed(privacy::ask(tx, tenant, asked, now).await?)
        }
        // The api removed the tokens when it took the event in.
        Asks::Uninstalled => (Fate::Applied, None),
        Asks::Nothing(reason) => (Fate::Ignored, Some(*reason)),
    })
}

fn came(stored: Stored) -> Came {
    match stored {
        Stored { refused: 1.., .. } => REFUSED,
        stored if stored.changed() => (Fate::Applied, None),
        _ => (Fate::Unchanged, None),
    }
}
