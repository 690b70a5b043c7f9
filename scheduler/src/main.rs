//! The binary `scheduler`: settings, signals and the operators' port around [`scheduler::Scheduler`].

use std::process::ExitCode;

use anyhow::Context;
use boot::{Process, Telemetry, env, ops, shutdown};
use jobs::Dispatch;
use scheduler::{
    Scheduler,
    settings::{SETTINGS, Settings},
};

fn main() -> ExitCode {
    let process = Process { name: "scheduler", version: env!("CARGO_PKG_VERSION"), settings: SETTINGS };
    boot::run(&process, Settings::read, serve)
}

async fn serve(settings: Settings, telemetry: Telemetry) -> anyhow::Result<()> {
    let end = shutdown::on_signal().context("signals cannot be listened for")?;
    let dispatch = Dispatch::new(settings.redis, &settings.redis_prefix);
    let scheduler = Scheduler::new(settings.database_url.expose(), dispatch).map_err(|_| {
        env::invalid_secret("DATABASE_URL", "a URL such as postgres://desk_scheduler@127.0.0.1/deskwork")
    })?;
    if let Some(bind) = settings.ops_bind {
        let (contact, fit) = (scheduler.contact(), scheduler.fit());
        let ready = move || {
            fit.check()?;
            if contact.is_fresh() { Ok(fit.advice()) } else { Err("the database does not answer".to_owned()) }
        };
        ops::start(bind, telemetry, ready, end.clone()).await?;
    }
    scheduler.run(end).await
}
