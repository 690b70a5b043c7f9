//! Reads a shop: begins a reading, or goes on with a part of one, page by page or through a bulk operation's file. A page is stored
//! in the transaction that moves the part on. After a while the job hands the next step on, so that others have their turn.

mod bulk;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use database::{Role, Tx};
use jobs::{Announcement, NewJob, enqueue};
use platform::kinds::SyncShopify;
use platform::kinds::sync_shopify::{Step as NextStep, SyncShopifyOutput};
use platform::shops::store::{self, Heard};
use platform::shops::sync::{self, After, First, Part, Resource, Step};
use platform::shops::{SHOPIFY, customers, events, products, shopify};
use serde_json::Value;
use tokio::time::Instant;
use upstreams::CallContext;
use upstreams::shopify::{self as client, Page};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done, done_then};
use crate::shop::{self, Shop, gone, read};

/// How long a job goes on before it hands the next step on.
const SLICE: Duration = Duration::from_secs(20);

/// A little less than the kind's deadline, so that a client gives up in order.
const CALLS_WITHIN: Duration = Duration::from_secs(150);

/// Objects of a page: of orders a page costs several hundred points.
const PAGE: u32 = 100;
const ORDERS_PAGE: u32 = 50;

/// What the shop is to tell of by webhooks; the three topics of privacy are part of the app's own settings.
const TOPICS: [&str; 13] = [
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_EDITED",
    "ORDERS_CANCELLED",
    "ORDERS_DELETE",
    "REFUNDS_CREATE",
    "CUSTOMERS_CREATE",
    "CUSTOMERS_UPDATE",
    "CUSTOMERS_MERGE",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "APP_UNINSTALLED",
];

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SyncShopify) -> Outcome<SyncShopifyOutput> {
    let Some(shop) = shop::open(&ctx, &app).await? else { return done(SyncShopifyOutput::default()) };
    let call = shop::call(&ctx, CALLS_WITHIN);
    match job.step {
        None => begin(&ctx, &app, &shop, &call, job.paged).await,
        Some(step) if step.part == NextStep::GONE => {
            let looked = gone::look(&ctx, &app, &shop, &call, &step).await?;
            let output = SyncShopifyOutput {
                run_id: Some(step.run_id),
                is_done: looked.next.is_none(),
                gone: looked.taken_out,
                ..SyncShopifyOutput::default()
            };
            let then = looked.next.map(|next| step_job(&ctx, next)).transpose()?;
            done_then(output, then.into_iter().collect())
        }
        Some(step) => go_on(&ctx, &app, &shop, &call, step).await,
    }
}

async fn begin(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    paged: bool,
) -> Outcome<SyncShopifyOutput> {
    if let Some(url) = &app.public_url
        && let Err(error) = shop.client.subscribe(call, &TOPICS, &format!("{url}/api/webhooks/shopify")).await
    {
        return Err(shop::stop_of(ctx, app, shop, error).await);
    }
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    events::forget_old(&mut tx, Utc::now()).await?;
    let parts = sync::last(&mut tx, SHOPIFY).await?;
    let is_first = sync::read_until(&mut tx, SHOPIFY, Resource::Orders).await?.is_none();
    tx.commit().await?;
    let left: Vec<&Part> = parts.iter().filter(|part| part.state == "running").collect();
    if let Some(first) = left.first() {
        // A reading whose jobs are gone goes on where it was; where they are not, theirs stand in for these.
        let jobs = left.iter().map(|part| part_job(ctx, part.run_id, part.part)).collect::<Result<_, _>>()?;
        return done_then(SyncShopifyOutput { run_id: Some(first.run_id), ..Default::default() }, jobs);
    }
    let first =
        if is_first && paged { First::Pages(first_change(ctx, app, shop, call).await?) } else { First::Bulk };
    let now = Utc::now();
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    // The job's own id, so that another attempt begins no second reading.
    sync::begin(&mut tx, ctx.tenant, SHOPIFY, ctx.job_id, first, now).await?;
    let announcement = proceed(ctx, &mut tx, ctx.job_id).await?;
    tx.commit().await?;
    app.dispatch.announce(announcement);
    done(SyncShopifyOutput { run_id: Some(ctx.job_id), ..Default::default() })
}

/// When the first order was changed, so that the time since then can be divided.
async fn first_change(ctx: &Ctx, app: &App, shop: &Shop, call: &CallContext) -> Result<DateTime<Utc>, Stop> {
    let now = Utc::now();
    let ever = (DateTime::<Utc>::UNIX_EPOCH, now);
    match shop.client.page(call, client::Resource::Orders, ever, None, 1).await {
        Ok(page) => Ok(page
            .nodes
            .first()
            .and_then(|node| shopify::order_of_node(node, shopify::REFUNDS_OF_PAGES))
            .and_then(|order| order.changed_at)
            .unwrap_or(now)),
        Err(error) => Err(shop::stop_of(ctx, app, shop, error).await),
    }
}

fn part_job(ctx: &Ctx, run_id: uuid::Uuid, part: i16) -> Result<NewJob, Stop> {
    step_job(ctx, NextStep { run_id, part, after: None })
}

fn step_job(ctx: &Ctx, step: NextStep) -> Result<NewJob, Stop> {
    let dedup_key = step.dedup_key();
    let job = NewJob::of(ctx.tenant, &SyncShopify { step: Some(step), ..SyncShopify::default() })?;
    Ok(job.with_dedup_key(&dedup_key)?.with_parent(ctx.job_id))
}

/// Enqueues what goes on after a part came to its end, in the transaction that ended it.
async fn proceed(ctx: &Ctx, tx: &mut Tx, run_id: uuid::Uuid) -> Result<Announcement, Stop> {
    match sync::after(tx, SHOPIFY, run_id).await? {
        After::Others => Ok(Announcement::default()),
        After::Begin(parts) => {
            let jobs: Vec<NewJob> =
                parts.into_iter().map(|part| part_job(ctx, run_id, part)).collect::<Result<_, _>>()?;
            Ok(enqueue(tx, &jobs).await?.1)
        }
        After::Read => Ok(enqueue(tx, &[part_job(ctx, run_id, NextStep::GONE)?]).await?.1),
    }
}

/// How a part stands after a step.
enum Stands {
    GoesOn,
    Over,
}

async fn go_on(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    step: NextStep,
) -> Outcome<SyncShopifyOutput> {
    let ends = Instant::now() + SLICE;
    loop {
        if ctx.is_halted() {
            return Err(Stop::Snooze(Duration::ZERO));
        }
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        let part = sync::held(&mut tx, SHOPIFY, step.run_id, step.part).await?;
        tx.commit().await?;
        let Some(part) = part else { return Err(Stop::Cancel("the reading was forgotten".to_owned())) };
        ctx.progress(
            u64::try_from(if part.is_bulk { part.bulk_byte } else { part.read }).unwrap_or_default(),
            part.bulk_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            &format!("{} {}", part.read, name(part.resource)),
        );
        let output = |is_done| SyncShopifyOutput {
            run_id: Some(step.run_id),
            read: part.read,
            is_done,
            ..SyncShopifyOutput::default()
        };
        if part.state == "done" || part.state == "dropped" {
            return done(output(true));
        }
        let stands = if part.is_bulk {
            bulk::go_on(ctx, app, shop, call, &part, ends).await?
        } else {
            page(ctx, app, shop, call, &part).await?
        };
        match stands {
            Stands::Over => return done(SyncShopifyOutput { is_done: true, ..output(true) }),
            Stands::GoesOn if Instant::now() < ends => {}
            Stands::GoesOn => return done_then(output(false), vec![part_job(ctx, step.run_id, step.part)?]),
        }
    }
}

fn name(resource: Resource) -> &'static str {
    match resource {
        Resource::Products => "products",
        Resource::Customers => "customers",
        Resource::Orders => "orders",
    }
}

fn asked(resource: Resource) -> client::Resource {
    match resource {
        Resource::Products => client::Resource::Products,
        Resource::Customers => client::Resource::Customers,
        Resource::Orders => client::Resource::Orders,
    }
}

async fn page(ctx: &Ctx, app: &App, shop: &Shop, call: &CallContext, part: &Part) -> Result<Stands, Stop> {
    if part.in_window >= sync::CURSOR_END {
        // A cursor leads no further, and all of these were changed within one second: a file has no such end.
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        sync::read_by(&mut tx, SHOPIFY, part, true, Utc::now()).await?;
        tx.commit().await?;
        return Ok(Stands::GoesOn);
    }
    let heard_at = Utc::now();
    let size = if part.resource == Resource::Orders { ORDERS_PAGE } else { PAGE };
    let range = (part.since, part.until);
    let page = match shop.client.page(call, asked(part.resource), range, part.cursor.as_deref(), size).await {
        Ok(page) => page,
        Err(error) => return Err(shop::stop_of(ctx, app, shop, error).await),
    };
    let Page { nodes, next } = page;
    let step = Step { is_last: next.is_none(), next, ..Step::default() };
    store_nodes(ctx, app, shop, call, part, &nodes, step, heard_at).await
}

/// Stores what was read and moves the part on, in one transaction.
#[allow(clippy::too_many_arguments, reason = "all of it is what was read, and where")]
async fn store_nodes(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    part: &Part,
    nodes: &[Value],
    mut step: Step,
    heard_at: DateTime<Utc>,
) -> Result<Stands, Stop> {
    step.read = nodes.len() as i64;
    let (mut found_orders, mut found_customers, mut found_products) = Default::default();
    match part.resource {
        Resource::Orders => {
            let orders: read::Orders = read::orders(ctx, app, shop, call, nodes).await?;
            step.last_at = orders.whole.iter().filter_map(|order| order.changed_at).max();
            found_orders = orders;
        }
        Resource::Customers => {
            let all: Vec<customers::ShopCustomer> =
                nodes.iter().filter_map(shopify::customer_of_node).collect();
            step.last_at = all.iter().map(|customer| customer.changed_at).max();
            found_customers = all;
        }
        Resource::Products => {
            let all: Vec<products::Product> = nodes.iter().filter_map(shopify::product_of_node).collect();
            step.last_at = all.iter().map(|product| product.changed_at).max();
            found_products = all;
        }
    }
    let now = Utc::now();
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let held = sync::held(&mut tx, SHOPIFY, part.run_id, part.part).await?;
    let is_where_it_was = held.as_ref().is_some_and(|held| {
        (held.since, &held.cursor, held.bulk_byte) == (part.since, &part.cursor, part.bulk_byte)
    });
    if !is_where_it_was {
        return Ok(Stands::GoesOn);
    }
    let erasure_key = app.erasure_key(ctx.tenant);
    let heard = Heard { at: heard_at, cause: part.run_id, erasure_key };
    step.stored = store::orders(&mut tx, ctx.tenant, SHOPIFY, &found_orders.whole, heard).await?;
    step.stored.refused += found_orders.refused.len() as i64;
    store::refuse(&mut tx, ctx.tenant, SHOPIFY, "orders", &found_orders.refused, now).await?;
    customers::store(&mut tx, ctx.tenant, SHOPIFY, &found_customers, &erasure_key).await?;
    products::store(&mut tx, ctx.tenant, SHOPIFY, &found_products).await?;
    if !sync::advance(&mut tx, SHOPIFY, part, &step, now).await? {
        // It was dropped meanwhile; nothing of this is stored.
        return Ok(Stands::GoesOn);
    }
    let announcement = match step.is_last {
        true => proceed(ctx, &mut tx, part.run_id).await?,
        false => Announcement::default(),
    };
    tx.commit().await?;
    app.dispatch.announce(announcement);
    Ok(if step.is_last { Stands::Over } else { Stands::GoesOn })
}
