//! What a shop asks for by law becomes a request of that person here, which the same jobs do as every other. Both rows have
//! one id, by which the end of the one is noted on the other.

use accounts::audit;
use chrono::{DateTime, Utc};
use database::{Role, Tx, act_as};
use jobs::{Announcement, NewJob};
use platform::shops::events::Event;
use platform::shops::{SHOPIFY, privacy};
use serde_json::json;
use support::kinds::{EraseCustomer, ExportCustomer};
use support::privacy::requests::{self, Asked, Kind, NewRequest};
use uuid::Uuid;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Who took the request in.
const BY: &str = "shop:shopify";

/// Makes the request of whom a kept one names (platform role, before and after). That of a whole shop names nobody, and is for
/// people.
pub(crate) async fn pass_on(
    ctx: &Ctx,
    app: &App,
    tx: &mut Tx,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<Announcement, Stop> {
    let Some(named) = privacy::pass_on(tx, SHOPIFY, &event.topic, &event.event_id).await? else {
        return Ok(Announcement::default());
    };
    act_as(tx, Role::Support, Some(ctx.tenant)).await?;
    let id = named.id;
    let (kind, job) = match event.topic.as_str() {
        "customers/redact" => (Kind::Erase, NewJob::of(ctx.tenant, &EraseCustomer { request_id: id })?),
        _ => (Kind::Export, NewJob::of(ctx.tenant, &ExportCustomer { request_id: id })?),
    };
    let job = job.with_dedup_key(&id.to_string())?.with_cause(
        &ctx.correlation_id,
        ctx.trace_parent.as_deref(),
        "job",
    );
    let verification =
        format!("the shop asked for it by a signed delivery, {} {}", event.topic, event.event_id);
    let asked = Asked { customer_id: named.customer_id, email: named.email, verification };
    let new = NewRequest { id, kind, asked: &asked, in_help_desk: false, by: BY, job_id: job.id() };
    requests::create(tx, &app.master_key, ctx.tenant, &new, now).await?;
    let (_, announcement) = jobs::enqueue_one(tx, job).await?;
    let line = audit::Event {
        tenant: Some(ctx.tenant),
        actor: BY,
        action: "privacy.request",
        subject: &format!("privacy_request:{id}"),
        detail: json!({ "kind": kind, "in_help_desk": false }),
        correlation_id: Some(&ctx.correlation_id),
    };
    audit::record(tx, &line).await?;
    act_as(tx, Role::Platform, Some(ctx.tenant)).await?;
    Ok(announcement)
}

/// Notes that a request is done, if it was a shop's; the transaction is in the platform role afterwards.
pub(crate) async fn done(ctx: &Ctx, tx: &mut Tx, request: Uuid, now: DateTime<Utc>) -> Result<(), Stop> {
    act_as(tx, Role::Platform, Some(ctx.tenant)).await?;
    Ok(privacy::done(tx, request, now).await?)
}
