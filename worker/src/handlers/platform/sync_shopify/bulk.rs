//! A part that is read through a bulk operation: the shop writes a file, which is read on from where it was left.

use std::time::Duration;

use chrono::Utc;
use database::Role;
use platform::shops::SHOPIFY;
use platform::shops::sync::{self, Part, Step};
use serde_json::Value;
use tokio::time::Instant;
use upstreams::shopify::{Bulk, BulkFile};
use upstreams::{CallContext, ClientError};

use super::{Stands, asked, store_nodes};
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;
use crate::shop::{self, Shop};

/// Objects of a bulk operation's file that are stored at once.
const BULK_BATCH: usize = 200;

/// How long the shop is left alone while it writes a file.
const WRITING: Duration = Duration::from_secs(3);

/// A bulk operation: begun, waited for, and its file read on until the slice is over.
pub(super) async fn go_on(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    part: &Part,
    ends: Instant,
) -> Result<Stands, Stop> {
    let Some(id) = &part.bulk_id else {
        let range = (part.since, part.until);
        let begun = match shop.client.start_bulk(call, asked(part.resource), range).await {
            Ok(begun) => begun,
            Err(error) => return Err(shop::stop_of(ctx, app, shop, error).await),
        };
        // A shop writes one file at a time.
        let Some(id) = begun else { return Err(Stop::Snooze(WRITING * 5)) };
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        sync::set_bulk(&mut tx, SHOPIFY, part, (Some(id.as_str()), None), Utc::now()).await?;
        tx.commit().await?;
        return Err(Stop::Snooze(WRITING));
    };
    let stands = match shop.client.bulk(call, id).await {
        Ok(stands) => stands,
        Err(error) => return Err(shop::stop_of(ctx, app, shop, error).await),
    };
    match stands {
        Bulk::Running(objects) => {
            ctx.progress(objects, None, &format!("the shop has written {objects} objects"));
            Err(Stop::Snooze(WRITING))
        }
        Bulk::Failed(reason) => {
            tracing::warn!(%reason, "a bulk operation failed; pages are read instead");
            let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
            sync::read_by(&mut tx, SHOPIFY, part, false, Utc::now()).await?;
            tx.commit().await?;
            Ok(Stands::GoesOn)
        }
        Bulk::Ready { url: None, .. } => {
            let step = Step { is_last: true, ..Step::default() };
            store_nodes(ctx, app, shop, call, part, &[], step, Utc::now()).await
        }
        Bulk::Ready { url: Some(url), bytes } => {
            if part.bulk_bytes.is_none() {
                let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
                let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok());
                sync::set_bulk(&mut tx, SHOPIFY, part, (Some(id.as_str()), bytes), Utc::now()).await?;
                tx.commit().await?;
            }
            read_file(ctx, app, shop, call, part, &url, ends).await
        }
    }
}

async fn read_file(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    part: &Part,
    url: &str,
    ends: Instant,
) -> Result<Stands, Stop> {
    // Everything in the file was so when the shop began to write it, which is after the reading began.
    let heard_at = part.started_at;
    let from = u64::try_from(part.bulk_byte).unwrap_or_default();
    // A time that the store of such files names, or our own circuit, is waited for.
    let broken = |error: ClientError| match error {
        ClientError::RetryAfter { .. } | ClientError::Busy { .. } => error.into(),
        error => Stop::retry("bulk_file", &error.to_string()),
    };
    let mut file = shop.client.read_bulk(call, url, from).await.map_err(broken)?;
    let mut part = part.clone();
    let mut carried: Option<Value> = None;
    loop {
        if ctx.is_halted() {
            return Err(Stop::Snooze(Duration::ZERO));
        }
        let batch = objects(&mut file, &mut carried).await.map_err(broken)?;
        let step =
            Step { is_last: batch.is_last, bulk_byte: i64::try_from(batch.next).ok(), ..Step::default() };
        let next = step.bulk_byte;
        let stands = store_nodes(ctx, app, shop, call, &part, &batch.nodes, step, heard_at).await?;
        if matches!(stands, Stands::Over) || Instant::now() >= ends {
            return Ok(stands);
        }
        // As it was moved; whoever else moved it makes the next step store nothing.
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        let held = sync::held(&mut tx, SHOPIFY, part.run_id, part.part).await?;
        tx.commit().await?;
        match held {
            Some(held) if Some(held.bulk_byte) == next && held.state == "running" => part = held,
            _ => return Ok(Stands::GoesOn),
        }
    }
}

/// Whole objects of a file.
struct Batch {
    nodes: Vec<Value>,
    /// Where the first object that is not among them begins.
    next: u64,
    is_last: bool,
}

/// Reads objects with what belongs to them, which stands behind them and names them; `carried` is the object that was read
/// to see that the one before was over.
async fn objects(file: &mut BulkFile, carried: &mut Option<Value>) -> Result<Batch, upstreams::ClientError> {
    let mut nodes: Vec<Value> = carried.take().into_iter().collect();
    loop {
        let Some(line) = file.next().await? else {
            return Ok(Batch { nodes, next: file.place(), is_last: true });
        };
        let mut object = line.object;
        if object["__parentId"].is_null() {
            if object["lineItems"].is_null() {
                object["lineItems"] = serde_json::json!({ "nodes": [] });
            }
            if nodes.len() >= BULK_BATCH {
                *carried = Some(object);
                return Ok(Batch { nodes, next: line.at, is_last: false });
            }
            nodes.push(object);
            continue;
        }
        let parent = nodes.iter_mut().rev().find(|node| node["id"] == object["__parentId"]);
        if let Some(Value::Array(lines)) = parent.map(|parent| &mut parent["lineItems"]["nodes"]) {
            lines.push(object);
        }
    }
}
