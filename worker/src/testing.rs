//! For tests: the shared parts, and running everything that is in the queue, here and now.

use std::collections::BTreeMap;
use std::path::PathBuf;

use accounts::seal::MasterKey;
use database::{Db, DbError};
use jobs::dispatch::{Link, Server};
use jobs::events::Waiters;
use jobs::{Dispatch, JobId, QueueError, Store, sweep};
use questions::desk::{Desk, SECRET_LABEL};
use questions::usage::Prices;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::oneshot;
use upstreams::files::Files;
use upstreams::gorgias::Gorgias;
use upstreams::mail::Post;
use upstreams::slack::Slack;
use upstreams::sources::Sources;
use upstreams::webhook::Webhooks;
use upstreams::{Breakers, Destinations};
use uuid::Uuid;

use crate::app::App;
use crate::nightly::{knowledge::Library, material::Material};
use crate::rules::Rules;
use crate::runtime::{self, Handlers, Options, Pulse, STEP_CONNECTIONS};

/// The shared parts on a database and a Redis of tests, with names of their own there: no model, and neither a help desk
/// nor a folder of imports that could be reached; mail goes to this machine alone.
///
/// # Panics
/// A URL cannot be read, or TLS was not set up before ([`boot::install_tls`]).
pub fn app(database_url: &str, redis_url: &str) -> App {
    let db = Db::connect(database_url, 6).expect("the test database's URL");
    let master_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse::<MasterKey>().expect("32 bytes");
    let dispatch = Dispatch::new(
        Server::new(redis_url).expect("the test Redis's URL"),
        &format!("test-{}", Uuid::now_v7().simple()),
    );
    App {
        desk: Desk::new(db.clone(), dispatch.clone(), master_key.derive(SECRET_LABEL)),
        prices: Prices { input: 1_000_000, output: 5_000_000 },
        db,
        steps: Db::connect_for_steps(database_url, STEP_CONNECTIONS).expect("the test database's URL"),
        store: Store::connect(database_url, 16).expect("the test database's URL"),
        dispatch,
        master_key,
        gorgias: Gorgias::new(Destinations::PublicOnly, Breakers::default()).expect("a client"),
        shopify: None,
        sources: Sources::new(Destinations::PublicOrLoopback, Breakers::default()).expect("a client"),
        post: Post::new(Destinations::PublicOrLoopback, Breakers::default()),
        files: Files::in_folder(folder(database_url).join("files")),
        file_limit_bytes: 1_000_000,
        anthropic: None,
        rules: Rules::default(),
        webhooks: Webhooks::new(Destinations::PublicOnly, Breakers::default()).expect("a client"),
        slack: Slack::new("https://slack.invalid/api", Destinations::PublicOnly, Breakers::default())
            .expect("a client"),
        public_url: None,
        library: Library::default(),
        material: Material::default(),
        import_dir: "/nowhere".into(),
        probe_effects: None,
    }
}

/// The folder that goes with a test's database: `TestDatabase::folder`.
fn folder(database_url: &str) -> PathBuf {
    let options: PgConnectOptions = database_url.parse().expect("the test database's URL");
    std::env::temp_dir().join(options.get_database().expect("it names the database"))
}

/// Runs a worker of its own until no job of these queues is ready, running, or due, and stops it again. Jobs that wait
/// for a later time stay, and so do those of other queues.
///
/// # Errors
/// The ledger failed.
pub async fn drain(
    store: &Store,
    dispatch: &Dispatch,
    handlers: Handlers,
    database_url: &str,
    queues: &[&str],
) -> Result<(), QueueError> {
    let options = Options {
        name: "drain".to_owned(),
        queues: queues.iter().map(|queue| ((*queue).to_owned(), 8)).collect::<BTreeMap<_, _>>(),
        grace: std::time::Duration::from_secs(10),
        database_url: database_url.to_owned().into(),
        pulse: Pulse::default(),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(runtime::run(store.clone(), dispatch.clone(), handlers, options, async move {
        let _ = stopped.await;
    }));
    let idle = wait_until_idle(store, dispatch, queues).await;
    let _ = stop.send(());
    let ended: Result<Result<(), DbError>, _> = worker.await;
    idle?;
    ended.map_err(|error| QueueError::Ledger(sqlx::Error::Io(std::io::Error::other(error)).into()))??;
    Ok(())
}

/// How often a ledger or a Redis that does not answer in time is asked again: a machine that stands still is no failure of
/// what is tested.
const AGAIN: u32 = 30;

async fn wait_until_idle(store: &Store, dispatch: &Dispatch, queues: &[&str]) -> Result<(), QueueError> {
    // A job's change is told on this channel; ask for it before looking.
    let waiters = Waiters::start(dispatch.clone());
    let (mut link, mut silent) = (None, 0);
    loop {
        match is_idle(store, dispatch, &mut link, &waiters, queues).await {
            Ok(true) => return Ok(()),
            Ok(false) => silent = 0,
            Err(error) if error.is_unavailable() && silent < AGAIN => {
                silent += 1;
                link = None;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Offers what can be done; answers that there is nothing, or waits until a job of these queues has changed.
async fn is_idle(
    store: &Store,
    dispatch: &Dispatch,
    link: &mut Option<Link>,
    waiters: &Waiters,
    queues: &[&str],
) -> Result<bool, QueueError> {
    let mut conn = store.pool().acquire().await?;
    let due = sweep::promote_due(&mut conn, 1_000).await?;
    let ready = sweep::ready_page(&mut conn, None, 1_000).await?;
    let link = match link {
        Some(link) => link,
        none => none.insert(dispatch.link().await?),
    };
    dispatch.offer_now(link, &due).await?;
    dispatch.offer_now(link, &ready).await?;
    let Some(first) = unfinished(&mut conn, queues, None).await? else { return Ok(true) };
    // Listen before looking again, so that its end cannot fall between the two.
    let mut watch = waiters.watch(first);
    if unfinished(&mut conn, queues, Some(first)).await?.is_some() {
        watch.changed().await;
    }
    Ok(false)
}

/// A job of these queues that has something to do now: any, or that one.
async fn unfinished(
    conn: &mut PgConnection,
    queues: &[&str],
    id: Option<JobId>,
) -> Result<Option<JobId>, QueueError> {
    Ok(sqlx::query_scalar(
        "select id from jobs.live where (state in ('ready', 'running') or due_at <= now())
         and queue = any($2) and ($1::uuid is null or id = $1) order by id limit 1",
    )
    .bind(id)
    .bind(queues)
    .fetch_optional(conn)
    .await?)
}
