//! Erasing a person, owner by owner. Each step is a transaction of its own that notes what it reached, so a run that ends in
//! the middle is gone on with by the next, and the counts are those of all of them together.

use std::time::Duration;

use chrono::Utc;
use database::personal::{self, Person, Reached};
use database::{Role, act_as};
use jobs::NewJob;
use jobs::personal::{self as ledger, Needles};
use platform::personal::EraseError;
use support::kinds::RedactTraces;
use support::privacy::requests::{Request, Whom};
use support::privacy::{MESSAGE_ROWS, WITHOUT_TICKET, earlier, elsewhere, find, requests, tickets};
use upstreams::files::{FilesError, Place};
use uuid::Uuid;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Who history names.
pub const ACTOR: &str = "job:erase_customer";

/// Steps that progress is told of.
pub const STEPS: u64 = requests::ERASE_STEPS;

impl From<FilesError> for Stop {
    fn from(error: FilesError) -> Stop {
        match error {
            // The store is away, or there is no room in it for now.
            FilesError::Store(_) | FilesError::Full => Stop::wait("files_away", &error.to_string()),
            FilesError::Missing | FilesError::Io(_) => Stop::retry("files", &error.to_string()),
        }
    }
}

/// Everything, once. What is erased already is not touched. Of names that nobody had no codes are kept.
pub async fn once(ctx: &Ctx, app: &App, request: Uuid, whom: &Whom) -> Result<(), Stop> {
    let person = &whom.person;
    ctx.progress(0, Some(STEPS), "jobs");
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let mut ids = find::ids(&mut tx, &person.tickets).await?;
    let earlier = earlier::of_person(&mut tx, &app.master_key, ctx.tenant, person, request).await?;
    ids.extend(earlier::exports(&earlier));
    tx.commit().await?;
    of_jobs(ctx, app, Some(request), &person.token, &Needles::of(person, &ids)).await?;
    ctx.progress(1, Some(STEPS), "files");
    of_files(ctx, app, request, person).await?;
    of_requests(ctx, app, request, &earlier).await?;
    ctx.progress(2, Some(STEPS), "tickets");
    for chunk in person.tickets.chunks(tickets::AT_ONCE) {
        let mut reached = Reached::new();
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        tickets::erase(&mut tx, person, chunk, ACTOR, &mut reached).await?;
        requests::reached(&mut tx, request, &reached).await?;
        tx.commit().await?;
    }
    in_tickets_of_others(ctx, app, request, person).await?;
    ctx.progress(3, Some(STEPS), "mail that is in no ticket");
    let mut reached = Reached::new();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    personal::erase(&mut tx, WITHOUT_TICKET, person, &mut reached).await?;
    requests::reached(&mut tx, request, &reached).await?;
    tx.commit().await?;
    ctx.progress(4, Some(STEPS), "orders and what is known");
    of_shop(ctx, app, request, whom).await?;
    ctx.progress(5, Some(STEPS), "segments");
    let mut reached = Reached::new();
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    marketing::personal::erase(&mut tx, person, &mut reached).await?;
    act_as(&mut tx, Role::Support, Some(ctx.tenant)).await?;
    requests::reached(&mut tx, request, &reached).await?;
    tx.commit().await?;
    ctx.progress(6, Some(STEPS), "questions");
    let mut reached = Reached::new();
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    questions::personal::erase(&mut tx, person, &mut reached).await?;
    act_as(&mut tx, Role::Support, Some(ctx.tenant)).await?;
    requests::reached(&mut tx, request, &reached).await?;
    tx.commit().await?;
    // Behind everything whose changes other systems are told of.
    ctx.progress(7, Some(STEPS), "what other systems are told");
    let mut reached = Reached::new();
    let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
    outbound::personal::erase(&mut tx, person, &mut reached).await?;
    act_as(&mut tx, Role::Support, Some(ctx.tenant)).await?;
    requests::reached(&mut tx, request, &reached).await?;
    tx.commit().await?;
    ctx.progress(8, Some(STEPS), "trail");
    let mut reached = Reached::new();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    accounts::personal::erase(&mut tx, person, &mut reached).await?;
    requests::reached(&mut tx, request, &reached).await?;
    tx.commit().await?;
    Ok(())
}

/// Jobs that know of it: those that wait are cancelled, those that run are asked to stop and waited for. Answers how many
/// were found.
pub async fn of_jobs(
    ctx: &Ctx,
    app: &App,
    request: Option<Uuid>,
    token: &str,
    needles: &Needles,
) -> Result<usize, Stop> {
    let mut tx = app.db.queue_tx().await?;
    let found = ledger::look(&mut tx, ctx.tenant.0, ctx.job_id, needles).await?;
    let mut reached = Reached::new();
    let forgotten = ledger::forget(&mut tx, ctx.tenant.0, token, &found, &mut reached).await?;
    if let Some(request) = request {
        act_as(&mut tx, Role::Support, Some(ctx.tenant)).await?;
        requests::reached(&mut tx, request, &reached).await?;
    }
    tx.commit().await?;
    app.dispatch.tell(&forgotten.events);
    if forgotten.running > 0 {
        app.dispatch.poke_workers();
        return Err(Stop::Snooze(Duration::from_secs(1)));
    }
    Ok(found.count())
}

/// Bytes first: a row that says they are gone must be right.
async fn of_files(ctx: &Ctx, app: &App, request: Uuid, person: &Person) -> Result<(), Stop> {
    const AT_ONCE: i64 = 100;
    for chunk in person.tickets.chunks(tickets::AT_ONCE) {
        loop {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let files = tickets::files(&mut tx, chunk, AT_ONCE).await?;
            tx.commit().await?;
            if files.is_empty() {
                break;
            }
            for id in &files {
                app.files.remove(Place { tenant: ctx.tenant.0, id: *id }).await?;
            }
            let mut reached = Reached::new();
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            tickets::files_gone(&mut tx, &files, ACTOR, Utc::now(), &mut reached).await?;
            requests::reached(&mut tx, request, &reached).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// What they wrote by mail into tickets of others, behind their own tickets, so that what is still theirs is there alone.
async fn in_tickets_of_others(ctx: &Ctx, app: &App, request: Uuid, person: &Person) -> Result<(), Stop> {
    const AT_ONCE: i64 = 100;
    loop {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let some = elsewhere::some(&mut tx, person, AT_ONCE).await?;
        tx.commit().await?;
        if some.is_empty() {
            return Ok(());
        }
        for written in some {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let files = elsewhere::files(&mut tx, written.message).await?;
            tx.commit().await?;
            for id in &files {
                app.files.remove(Place { tenant: ctx.tenant.0, id: *id }).await?;
            }
            let (mut reached, now) = (Reached::new(), Utc::now());
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            elsewhere::erase(&mut tx, written, ACTOR, now).await?;
            personal::add(&mut reached, MESSAGE_ROWS, 1);
            tickets::files_gone(&mut tx, &files, ACTOR, now, &mut reached).await?;
            requests::reached(&mut tx, request, &reached).await?;
            let traces = NewJob::of(ctx.tenant, &RedactTraces { ticket_id: written.ticket.0 })?
                .with_dedup_key(&written.ticket.to_string())?;
            let (_, announcement) = jobs::enqueue_one(&mut tx, traces).await?;
            tx.commit().await?;
            app.dispatch.announce(announcement);
        }
    }
}

/// What they asked for before: archives of everything about them, and who asked.
async fn of_requests(ctx: &Ctx, app: &App, request: Uuid, earlier: &[Request]) -> Result<(), Stop> {
    if earlier.is_empty() {
        return Ok(());
    }
    for id in earlier::exports(earlier) {
        app.files.remove(Place { tenant: ctx.tenant.0, id }).await?;
    }
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let forgotten = earlier::forget(&mut tx, earlier).await?;
    requests::reached(&mut tx, request, &Reached::from([(earlier::ROWS.to_owned(), forgotten)])).await?;
    tx.commit().await?;
    Ok(())
}

async fn of_shop(ctx: &Ctx, app: &App, request: Uuid, whom: &Whom) -> Result<(), Stop> {
    const AFTER_THE_RUN: Duration = Duration::from_secs(30);
    let mut reached = Reached::new();
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let key = (!whom.is_nobody).then(|| app.erasure_key(ctx.tenant));
    match platform::personal::erase(&mut tx, ctx.tenant, &whom.person, key.as_ref(), &mut reached).await {
        Ok(()) => {}
        Err(EraseError::Db(error)) => return Err(error.into()),
        Err(EraseError::RunUnderWay) => return Err(Stop::Snooze(AFTER_THE_RUN)),
    }
    act_as(&mut tx, Role::Support, Some(ctx.tenant)).await?;
    requests::reached(&mut tx, request, &reached).await?;
    tx.commit().await?;
    Ok(())
}

/// What is left of a person anywhere, by table. Ids of tickets are no words, so jobs that came since and name nothing else do
/// not count.
pub async fn left(ctx: &Ctx, app: &App, request: Uuid, person: &Person) -> Result<Reached, Stop> {
    let mut found = Reached::new();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let asked = earlier::of_person(&mut tx, &app.master_key, ctx.tenant, person, request).await?;
    tx.commit().await?;
    if !asked.is_empty() {
        personal::add(&mut found, earlier::ROWS, asked.len() as u64);
    }
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let written = elsewhere::some(&mut tx, person, 1).await?;
    tx.commit().await?;
    personal::add(&mut found, MESSAGE_ROWS, written.len() as u64);
    for chunk in person.tickets.chunks(tickets::AT_ONCE) {
        let part = Person { tickets: chunk.to_vec(), ..person.clone() };
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        tickets::left(&mut tx, &part, &mut found).await?;
        tx.commit().await?;
    }
    for (role, stores) in [
        (Role::Support, WITHOUT_TICKET),
        (Role::Platform, platform::personal::STORES),
        (Role::Marketing, marketing::personal::STORES),
        (Role::Marketing, questions::personal::STORES),
        (Role::Outbound, outbound::personal::STORES),
    ] {
        let mut tx = app.db.tenant_tx(role, ctx.tenant).await?;
        personal::left(&mut tx, stores, person, &mut found).await?;
        tx.commit().await?;
    }
    let mut tx = app.db.queue_tx().await?;
    let jobs = ledger::look(&mut tx, ctx.tenant.0, ctx.job_id, &Needles::of(person, &[])).await?;
    tx.commit().await?;
    personal::add(&mut found, "jobs", jobs.count() as u64);
    Ok(found)
}
