//! A tenant's shop as handlers see it: the client with a token that is good now. Tokens are renewed before they expire, by one
//! worker at a time; a shop that does not take them any more is noted as such, the tenant is told, and jobs wait.

pub(crate) mod follow;
pub(crate) mod gone;
pub(crate) mod law;
pub(crate) mod read;

use std::time::Duration;

use accounts::audit;
use accounts::shopify::{self as connection, Connection};
use chrono::{TimeDelta, Utc};
use database::Role;
use platform::shops::SHOPIFY;
use platform::shops::health::{self, Status};
use serde_json::json;
use tokio::time::Instant;
use upstreams::shopify::{Client, Shopify, Tokens};
use upstreams::{CallContext, ClientError};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// A token is renewed when it expires within this time.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// A token that was made a moment ago and is refused already will not be better when it is renewed.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// How often a job that waits looks whether somebody connected the shop again.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

/// How long the exchange of a token may take; a transaction is open meanwhile.
const RENEW_WITHIN: Duration = Duration::from_secs(20);

/// A connected shop.
pub(crate) struct Shop {
    pub(crate) client: Client,
    pub(crate) connection: Connection,
}

/// The tenant's shop; none when none is connected. While the shop refuses our credentials the job waits.
pub(crate) async fn open(ctx: &Ctx, app: &App) -> Result<Option<Shop>, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let stored = connection::read(&mut tx, &app.master_key, ctx.tenant).await.map_err(unreadable)?;
    let status = health::status(&mut tx, SHOPIFY).await?;
    tx.commit().await?;
    let Some(stored) = stored else { return Ok(None) };
    if status == Some(Status::Revoked) {
        return Err(Stop::Snooze(LOOK_AGAIN));
    }
    let expires_soon = stored.expires_at.is_some_and(|at| at - Utc::now() < RENEW_BEFORE);
    let connection = if expires_soon { renew(ctx, app, stored).await? } else { stored };
    let client = shopify(app)?
        .shop(&connection.shop, &connection.access_token)
        .map_err(|error| Stop::fail("shop_address", &error.to_string()))?;
    Ok(Some(Shop { client, connection }))
}

fn shopify(app: &App) -> Result<&Shopify, Stop> {
    app.shopify.as_ref().ok_or_else(|| {
        Stop::fail(
            "shopify_not_set_up",
            "this worker has no SHOPIFY_CLIENT_ID; set it as for the api, then retry",
        )
    })
}

/// How long the calls of one run may take.
pub(crate) fn call(ctx: &Ctx, within: Duration) -> CallContext {
    CallContext { deadline: Instant::now() + within, traceparent: ctx.trace_parent.clone() }
}

/// Renews a token, unless somebody else just did.
async fn renew(ctx: &Ctx, app: &App, old: Connection) -> Result<Connection, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    connection::take_turn(&mut tx, ctx.tenant).await?;
    let stored = connection::read(&mut tx, &app.master_key, ctx.tenant).await.map_err(unreadable)?;
    let Some(stored) = stored else { return Err(Stop::Cancel("the shop was disconnected".to_owned())) };
    if stored.written_at != old.written_at {
        tx.commit().await?;
        return Ok(stored);
    }
    let Some(refresh_token) = stored.refresh_token.clone() else {
        tx.commit().await?;
        return Err(revoked(ctx, app, &stored, "its access token expired and cannot be renewed").await?);
    };
    match shopify(app)?.refresh(&call(ctx, RENEW_WITHIN), &stored.shop, &refresh_token).await {
        Ok(tokens) => {
            let renewed = with_tokens(stored, tokens);
            if !connection::renew(&mut tx, &app.master_key, ctx.tenant, &renewed).await? {
                return Err(Stop::wait("shop_connected_anew", "the shop was connected anew meanwhile"));
            }
            let renewed = connection::read(&mut tx, &app.master_key, ctx.tenant).await.map_err(unreadable)?;
            tx.commit().await?;
            renewed.ok_or_else(|| Stop::Cancel("the shop was disconnected".to_owned()))
        }
        Err(ClientError::Rejected { status: 400..=403, .. } | ClientError::Unauthorised { .. }) => {
            tx.commit().await?;
            Err(revoked(ctx, app, &stored, "the shop does not renew its access token any more").await?)
        }
        Err(error) => Err(error.into()),
    }
}

fn with_tokens(old: Connection, tokens: Tokens) -> Connection {
    let lifetime = tokens.lifetime().and_then(|lifetime| TimeDelta::from_std(lifetime).ok());
    Connection {
        access_token: tokens.access_token,
        expires_at: lifetime.map(|lifetime| Utc::now() + lifetime),
        refresh_token: tokens.refresh_token.or(old.refresh_token),
        scopes: if tokens.scope.is_empty() { old.scopes } else { tokens.scope },
        ..old
    }
}

/// What a call's failure means for the job. A token that is refused is renewed once; a shop that refuses that one too, or a
/// permission, is noted as revoked.
pub(crate) async fn stop_of(ctx: &Ctx, app: &App, shop: &Shop, error: ClientError) -> Stop {
    match explain(ctx, app, shop, error).await {
        Ok(stop) | Err(stop) => stop,
    }
}

async fn explain(ctx: &Ctx, app: &App, shop: &Shop, error: ClientError) -> Result<Stop, Stop> {
    match error {
        ClientError::Unauthorised { status: 401, .. } => {
            let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
            let stored = connection::read(&mut tx, &app.master_key, ctx.tenant).await.map_err(unreadable)?;
            tx.commit().await?;
            // Another worker has renewed it since this run began.
            if stored.is_none_or(|stored| stored.written_at != shop.connection.written_at) {
                return Ok(Stop::Snooze(Duration::ZERO));
            }
            if Utc::now() - shop.connection.written_at > FRESH && shop.connection.refresh_token.is_some() {
                renew(ctx, app, shop.connection.clone()).await?;
                return Ok(Stop::Snooze(Duration::ZERO));
            }
            revoked(ctx, app, &shop.connection, "the shop does not take our access token any more").await
        }
        ClientError::Unauthorised { .. } => {
            revoked(ctx, app, &shop.connection, "the shop took a permission back that is needed").await
        }
        ClientError::Rejected { status: 404, .. } => {
            revoked(ctx, app, &shop.connection, "there is no such shop any more").await
        }
        // Frozen for an unpaid bill, or locked.
        ClientError::Rejected { status: 402 | 423, .. } => {
            Ok(Stop::wait("shop_frozen", "the shop is frozen or locked at the moment"))
        }
        error => Ok(error.into()),
    }
}

/// Notes that a shop refuses our credentials, and tells the tenant; the job waits.
async fn revoked(ctx: &Ctx, app: &App, connection: &Connection, reason: &str) -> Result<Stop, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let status = (Status::Revoked, Some(reason));
    let is_news = health::set(&mut tx, ctx.tenant, SHOPIFY, &connection.shop, status, Utc::now()).await?;
    if is_news {
        let event = audit::Event {
            tenant: Some(ctx.tenant),
            actor: "worker",
            action: "shopify.revoked",
            subject: SHOPIFY,
            detail: json!({ "reason": reason }),
            correlation_id: Some(&ctx.correlation_id),
        };
        audit::record(&mut tx, &event).await?;
        tracing::warn!(reason, "a shop refuses our credentials; its jobs wait until it is connected again");
    }
    tx.commit().await?;
    Ok(Stop::Snooze(LOOK_AGAIN))
}

fn unreadable(error: accounts::integrations::IntegrationError) -> Stop {
    match error {
        accounts::integrations::IntegrationError::Db(error) => error.into(),
        error => Stop::fail("shop_settings", &error.to_string()),
    }
}
