//! Sources of orders, read by the worker's own code: a shop whose orders lie in some server's table or file, and what has to
//! come of them. The tests run it on their Postgres, `tests/interop/sources` on servers of others.

pub mod files;
pub mod odd;
pub mod server;
pub mod tables;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use database::{Db, Role, ids::TenantId};
use jobs::read::{self, JobView};
use jobs::{NewJob, State, enqueue};
use migrations::testing::{TestDatabase, fresh_database};
use platform::kinds::SyncSource;
use platform::orders::Meaning;
use platform::orders::mapping::{self, Mapping};
use platform::sources::{self, Config, Place, Source};
use serde_json::Value;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

/// The name of the one source.
const NAME: &str = "shop";

/// A shop with a source.
pub struct Shop {
    /// Where its orders arrive.
    pub database: TestDatabase,
    /// What reads them.
    pub app: Arc<App>,
    tenant: TenantId,
    url: String,
    folder: PathBuf,
}

impl Shop {
    /// An empty one, in a database of its own on the server of TEST_DATABASE_URL.
    pub async fn open() -> Result<Shop> {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").context("TEST_REDIS_URL names no Redis")?;
        let folder = database.folder();
        std::fs::create_dir_all(&folder)?;
        let app = Arc::new(App { import_dir: folder.clone(), ..testing::app(&url, &redis) });
        let api = Db::connect(&database.url_for("desk_api"), 1)?;
        let mut tx = api.gateway_tx().await?;
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await?.id;
        tx.commit().await?;
        Ok(Shop { database, app, tenant, url, folder })
    }

    /// Saves the source with its mapping.
    pub async fn save(&self, place: Place, secret: &str, kinds: &BTreeMap<String, String>) -> Result<()> {
        let meanings = [
            ("number", Meaning::OrderId),
            ("who", Meaning::CustomerId),
            ("at", Meaning::OrderedAt),
            ("pieces", Meaning::Quantity),
            ("total", Meaning::Amount),
            ("changed", Meaning::UpdatedAt),
        ];
        let columns = meanings.iter().map(|(name, meaning)| ((*name).to_owned(), *meaning)).collect();
        let mapping = Mapping { columns, ..Mapping::default() };
        let config = Config { place, mapping: "lines".to_owned(), currency: "EUR".to_owned() };
        let sealed = self.app.master_key.seal(&format!("{}:source:{NAME}", self.tenant), secret.as_bytes());
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await?;
        ensure!(mapping::save(&mut tx, self.tenant, "lines", &mapping).await?, "the mapping is not saved");
        let saved = sources::save(&mut tx, self.tenant, NAME, (&config, &sealed), kinds).await?;
        ensure!(saved, "the source is not saved");
        tx.commit().await?;
        Ok(())
    }

    /// Reads the source by a job, with everything that follows.
    pub async fn sync(&self) -> Result<JobView> {
        let job = NewJob::of(self.tenant, &SyncSource { source: Some(NAME.to_owned()) })?;
        let mut conn = self.app.store.pool().acquire().await?;
        let (enqueued, announcement) = enqueue(&mut conn, &[job]).await?;
        self.app.dispatch.announce(announcement);
        let handlers = handlers::all(&self.app);
        drain(&self.app.store, &self.app.dispatch, handlers, &self.url, &["imports"]).await?;
        let job = enqueued.first().context("no job")?.id;
        read::job(&mut conn, Some(self.tenant.0), job).await?.context("the job is gone")
    }

    /// Reads the source; the result of a job that did its work.
    pub async fn done(&self) -> Result<Value> {
        let view = self.sync().await?;
        ensure!(view.state == State::Done, "the job is {:?}: {:?}", view.state, view.error);
        view.result.context("no result")
    }

    /// Reads the source; the message of a job that is dead.
    pub async fn refused(&self) -> Result<String> {
        let view = self.sync().await?;
        ensure!(view.state == State::Dead, "the job is {:?}: {:?}", view.state, view.result);
        let error = view.error.context("no error")?;
        Ok(error["message"].as_str().unwrap_or_default().to_owned())
    }

    /// The orders that are here, as `NUMBER=SUM/LINES`.
    pub async fn sold(&self) -> Result<String> {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await?;
        let sold: Option<String> = sqlx::query_scalar(
            "select string_agg(order_id || '=' || sold || '/' || lines, ' ' order by order_id) from platform.order",
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(sold.unwrap_or_default())
    }

    /// The source as it stands.
    pub async fn source(&self) -> Result<Source> {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await?;
        sources::find(&mut tx, NAME).await?.context("no source")
    }

    /// Whether readings left nothing behind.
    pub fn is_tidy(&self) -> bool {
        let folder = self.folder.join("tenants").join(self.tenant.to_string()).join("sources");
        std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
    }
}
