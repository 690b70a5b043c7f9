//! The worker process: reads its settings, builds what the handlers share, and runs its queues until
//! it is told to stop.

use std::{num::NonZeroU32, process::ExitCode, sync::Arc};

use accounts::master_key;
use anyhow::Context;
use boot::{Process, Telemetry, env, place};
use database::{Db, Role};
use jobs::{Dispatch, Store, fit::Fit};
use upstreams::{
    Breakers, anthropic, breaker::BreakerSettings, files::Files, gorgias, mail::Post, pacing::shared::Shared,
    recorder::Recorder, shopify::Shopify, slack::Slack, sources::Sources, webhook::Webhooks,
};
use worker::{
    app::App,
    days, handlers, mail_door,
    nightly::{knowledge::Library, material::Material},
    outbox,
    rules::Rules,
    runtime::{self, Options, Pulse},
    settings::{self, SETTINGS, Settings},
    step_back::step_back,
};

const PROCESS: Process = Process { name: "worker", version: env!("CARGO_PKG_VERSION"), settings: SETTINGS };

/// What the process's login role must be able to act as.
const ROLES: &[Role] = &[Role::Queue, Role::Platform, Role::Support, Role::Marketing, Role::Outbound];

fn main() -> ExitCode {
    // Before any other thread starts: they inherit it. A wrong value is told with the other settings.
    if let Ok(nice) = settings::nice() {
        step_back(nice);
    }
    boot::run(&PROCESS, Settings::read, serve)
}

async fn serve(settings: Settings, telemetry: Telemetry) -> anyhow::Result<()> {
    let stop = boot::shutdown::on_signal().context("listening for signals")?;
    place::folder("DESK_IMPORT_DIR", &settings.import_dir)?;
    place::folder_to_write("DESK_FILES_DIR", &settings.files_dir)?;
    let store = Store::connect(settings.database_url.expose(), runtime::connections(&settings.queues))
        .context("DATABASE_URL")?;
    let slots = settings.slots();
    let connections = settings
        .database_connections
        .map_or_else(|| runtime::handler_connections(&settings.queues), NonZeroU32::get);
    if connections < slots {
        tracing::warn!(
            connections,
            slots,
            "fewer connections than slots: jobs that get none are put off; raise DESK_DATABASE_CONNECTIONS or lower DESK_QUEUES"
        );
    }
    let db = Db::connect(settings.database_url.expose(), connections).context("DATABASE_URL")?;
    let steps = Db::connect_for_steps(settings.database_url.expose(), runtime::STEP_CONNECTIONS)
        .context("DATABASE_URL")?;
    let dispatch = Dispatch::new(settings.redis, &settings.redis_prefix);
    let breakers = Breakers::new(BreakerSettings::default());
    let pace = Shared::new(dispatch.prefix(), dispatch.runner());
    let anthropic = settings
        .anthropic
        .map(|model| anthropic::Client::new(&model, settings.destinations, breakers.clone()))
        .transpose()
        .context("the client of the model")?
        .map(|client| client.sharing_pace(pace.clone()));
    let shopify = settings
        .shopify
        .map(|app| Shopify::new(app, settings.destinations, breakers.clone()))
        .transpose()
        .context("the client of Shopify")?
        .map(|client| client.sharing_pace(pace.clone()));
    let secret = settings.master_key.derive(questions::desk::SECRET_LABEL);
    let app = Arc::new(App {
        rules: Rules::default(),
        shopify,
        sources: Sources::new(settings.destinations, breakers.clone())?,
        desk: questions::desk::Desk::new(db.clone(), dispatch.clone(), secret),
        prices: settings.prices,
        post: Post::new(settings.destinations, breakers.clone()),
        files: match settings.files_s3 {
            Some(s3) => Files::in_s3(settings.files_dir, s3),
            None => Files::in_folder(settings.files_dir),
        },
        file_limit_bytes: settings.file_limit_bytes,
        webhooks: Webhooks::new(settings.destinations, breakers.clone())
            .context("the client of webhooks")?
            .sharing_pace(pace.clone()),
        slack: Slack::new(&settings.slack_url, settings.destinations, breakers.clone())
            .context("the client of Slack")?
            .sharing_pace(pace.clone()),
        public_url: settings.public_url,
        gorgias: gorgias::Gorgias::new(settings.destinations, breakers)?.sharing_pace(pace),
        anthropic,
        master_key: settings.master_key,
        library: Library::default(),
        material: Material::default(),
        import_dir: settings.import_dir,
        probe_effects: settings.probe_url.map(Recorder::new).transpose().context("the probes' client")?,
        dispatch: dispatch.clone(),
        store: store.clone(),
        db,
        steps,
    });
    let (pulse, fit) = (Pulse::default(), Fit::default());
    if let Some(bind) = settings.ops_bind {
        let pulse = pulse.clone();
        let ready = {
            let fit = fit.clone();
            move || fit.check().and_then(|()| pulse.check()).map(|()| fit.advice())
        };
        boot::ops::start(bind, telemetry, ready, stop.clone()).await?;
    }
    let handlers = handlers::all(&app);
    let queues: Vec<String> =
        settings.queues.iter().map(|(queue, slots)| format!("{queue}={slots}")).collect();
    let known = handlers.queues();
    if let Some(unknown) = settings.queues.keys().find(|queue| !known.contains(queue.as_str())) {
        let known: Vec<&str> = known.into_iter().collect();
        let problem = format!("there is no queue {unknown}; there are {}", known.join(", "));
        return Err(env::unfit("DESK_QUEUES", &queues.join(","), &problem).into());
    }
    let left: Vec<&str> =
        handlers.queues().into_iter().filter(|queue| !settings.queues.contains_key(*queue)).collect();
    tracing::info!(
        queues = queues.join(","),
        left_to_other_workers = left.join(","),
        connections,
        grace_secs = settings.grace.as_secs(),
        "takes jobs"
    );
    let options = Options {
        name: settings.name,
        queues: settings.queues,
        grace: settings.grace,
        database_url: settings.database_url,
        pulse,
    };
    tokio::spawn(days::run(store.clone()));
    tokio::spawn(fit.watch(store.clone(), dispatch.clone(), ROLES));
    tokio::spawn(jobs::clock::watch(store.clone()));
    if let Some(door) = settings.mail_door {
        mail_door::start(door, &app, stop.clone()).await?;
    }
    // With another key every job that opens a secret would die. While the database is away nothing could be claimed either.
    tokio::select! {
        is_right = master_key::is_of_when_known(&app.db, &app.master_key) => if !is_right {
            return Err(env::invalid_secret("DESK_MASTER_KEY", master_key::EXPECTED).into());
        },
        () = stop.cancelled() => return Ok(()),
    }
    tokio::spawn(outbox::run(store.clone(), dispatch.clone()));
    runtime::run(store, dispatch, handlers, options, async move { stop.cancelled().await })
        .await
        .context("DATABASE_URL")
}
