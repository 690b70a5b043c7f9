//! What every request may use: the database, the queue, those who wait, and the settings.

use std::sync::Arc;

use boot::{Secret, SettingError, Telemetry, env};
use database::{Db, Role};
use jobs::{Dispatch, Store, dispatch::Server, events::Waiters};
use questions::desk::{Desk, SECRET_LABEL};
use support::intake::Intakes;
use tokio_util::sync::CancellationToken;
use upstreams::{files::Files, pacing::shared::Shared};

use crate::{
    live::{self, Live},
    mcp::{Mcp, issuers::Issuers, slow::Slow},
    routes::jobs::{positions::Positions, reader::Reader},
    routes::outbound::slack,
    routes::platform::{shopify, sources},
    settings::Settings,
    web::{bulkhead::Bulkhead, keys::KeyCache, people::People, views::Views},
};

/// The process, as handlers see it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The database, by role and tenant.
    pub db: Db,
    /// The way in for the help desk's deliveries, on connections of their own: whatever else keeps the database's other
    /// connections busy, these are free for them.
    pub intakes: Intakes,
    /// The ledger, as the queue engine sees it.
    pub store: Store,
    /// Redis.
    pub dispatch: Dispatch,
    /// Those who wait for jobs.
    pub waiters: Waiters,
    /// Reads the jobs that many wait for, in batches.
    pub reader: Reader,
    /// Where waiting jobs stand in their queues.
    pub positions: Arc<Positions>,
    /// The keys that were good or bad a moment ago.
    pub keys: Arc<KeyCache>,
    /// People who are signed in, and what they sign in with.
    pub people: Arc<People>,
    /// Notes who looked at whose data.
    pub views: Views,
    /// The places for reads that scan.
    pub scans: Bulkhead,
    /// Real time: what is kept for the clients that are connected.
    pub live: Live,
    /// Files that come with messages.
    pub files: Files,
    /// The cluster's pace of calls to the outside.
    pub pace: Shared,
    /// How this installation is known to Shopify.
    pub shopify: Arc<shopify::App>,
    /// The way to Slack.
    pub slack: Arc<slack::Way>,
    /// The way to where tenants' orders lie elsewhere.
    pub sources: Arc<sources::Way>,
    /// The tools that answer questions.
    pub desk: Desk,
    /// The Model Context Protocol over them.
    pub mcp: Mcp,
    /// Who may come there with tokens of other issuers.
    pub issuers: Arc<Issuers>,
    /// Metrics.
    pub telemetry: Telemetry,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Cancelled when the process is asked to end: whoever waits is answered then.
    pub ending: CancellationToken,
}

/// Connections of the batching reader, besides those of the requests.
const READER_CONNECTIONS: u32 = 2;

/// Connections for deliveries: those of their writers, and some for deliveries that are stored by themselves.
const INTAKE_CONNECTIONS: u32 = Intakes::CONNECTIONS + 4;

impl AppState {
    /// Opens lazy connections to everything: the process starts while Postgres or Redis are away.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A URL cannot be read.
    pub fn connect(
        settings: Settings,
        telemetry: Telemetry,
        ending: CancellationToken,
    ) -> Result<AppState, SettingError> {
        let url = settings.database_url.expose();
        let bad_database = |_| env::invalid_secret("DATABASE_URL", "postgres://desk_api@host:5432/desk");
        let db = Db::connect(url, settings.database_connections).map_err(bad_database)?;
        let support = Db::connect_as(url, Role::Support, INTAKE_CONNECTIONS).map_err(bad_database)?;
        let gateway = Db::connect_as(url, Role::Gateway, live::CONNECTIONS).map_err(bad_database)?;
        let store = Store::connect(url, READER_CONNECTIONS).map_err(bad_database)?;
        let dispatch = Dispatch::new(server(&settings.redis_url)?, &settings.redis_prefix);
        // What is called here counts for the workers, and theirs here.
        let pace = Shared::new(dispatch.prefix(), dispatch.runner());
        let secret = settings.master_key.derive(SECRET_LABEL);
        let desk = Desk::new(db.clone(), dispatch.clone(), secret);
        let views = Views::start(db.clone());
        let (waiters, reader) = (Waiters::start(dispatch.clone()), Reader::start(store.clone()));
        let people = Arc::new(People::new(&settings.master_key, &settings.people));
        let slow = Slow {
            db: db.clone(),
            dispatch: dispatch.clone(),
            waiters: waiters.clone(),
            reader: reader.clone(),
            desk: desk.clone(),
            at_once: settings.patience.tool,
            ending: ending.clone(),
        };
        Ok(AppState {
            mcp: Mcp::new(slow, views.clone(), &settings),
            issuers: Arc::new(Issuers::new(db.clone(), people.clone())),
            desk,
            live: Live::start(gateway, &db, &dispatch),
            db: db.clone(),
            intakes: Intakes::start(&support, &dispatch),
            reader,
            store,
            waiters,
            positions: Arc::new(Positions::new(dispatch.clone())),
            dispatch,
            keys: Arc::default(),
            people,
            views,
            scans: Bulkhead::new(settings.scans_at_once),
            files: match settings.files_s3.clone() {
                Some(s3) => Files::in_s3(settings.files_dir.clone(), s3),
                None => Files::in_folder(settings.files_dir.clone()),
            },
            shopify: Arc::new(shopify::App::new(
                settings.shopify.clone(),
                settings.shopify_secret_before.as_ref().map(|secret| secret.expose().to_owned()),
                settings.people.destinations(),
                pace.clone(),
            )),
            slack: Arc::new(slack::Way::new(&settings, pace.clone())),
            pace,
            sources: Arc::new(sources::Way::new(settings.people.destinations())),
            telemetry,
            settings: Arc::new(settings),
            ending,
        })
    }
}

fn server(url: &Secret) -> Result<Server, SettingError> {
    Server::new(url.expose()).map_err(|_| env::invalid_secret("REDIS_URL", "redis://host:6379/0"))
}
