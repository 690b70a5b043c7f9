//! A tenant's shop at Shopify: connecting it, how it stands, and what it tells.

mod health;
mod install;
mod webhook;

use std::sync::OnceLock;

use accounts::shopify::signature::AppSecrets;
use jobs::{Announcement, NewJob};
use platform::kinds::SyncShopify;
use upstreams::breaker::BreakerSettings;
use upstreams::pacing::shared::Shared;
use upstreams::shopify::{Settings, Shopify};
use upstreams::{Breakers, Destinations};
use utoipa_axum::router::OpenApiRouter;

use super::intelligence::{Asked, ask};
use crate::state::AppState;
use crate::web::problem::Problem;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(health::routes()).merge(install::routes()).merge(webhook::routes())
}

/// How this installation is known to Shopify.
#[derive(Debug)]
pub struct App {
    /// What proves Shopify's requests to us.
    pub secrets: AppSecrets,
    settings: Option<Settings>,
    destinations: Destinations,
    pace: Shared,
    client: OnceLock<Option<Shopify>>,
}

impl App {
    /// With these settings, and the rate that the whole cluster keeps; with none, no shop is connected.
    pub fn new(
        settings: Option<Settings>,
        secret_before: Option<String>,
        destinations: Destinations,
        pace: Shared,
    ) -> App {
        let secret = settings.as_ref().map(|settings| settings.client_secret.clone());
        App {
            secrets: AppSecrets::new([secret, secret_before].into_iter().flatten()),
            settings,
            destinations,
            pace,
            client: OnceLock::new(),
        }
    }

    /// The way to Shopify.
    ///
    /// # Errors
    /// 409 when this installation is not set up for it.
    pub fn client(&self) -> Result<Shopify, Problem> {
        let make = || {
            let settings = self.settings.clone()?;
            let breakers = Breakers::new(BreakerSettings::default());
            Some(Shopify::new(settings, self.destinations, breakers).ok()?.sharing_pace(self.pace.clone()))
        };
        self.client.get_or_init(make).clone().ok_or_else(|| {
            Problem::conflict(
                "this installation is not set up for Shopify; set SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET",
            )
        })
    }
}

/// Asks for a reading of the shop (platform role).
async fn ask_for_sync(
    tx: &mut database::Tx,
    tenant: database::ids::TenantId,
    paged: bool,
) -> Result<(Asked, Announcement), Problem> {
    let job = NewJob::of(tenant, &SyncShopify { paged, step: None })?;
    ask(tx, job, SyncShopify::BEGIN).await
}
