//! Makes both sides of a ticket that lives in a help desk the same. Status and tags are told as what both become, so
//! telling them twice changes nothing; a note is posted once, as any other. Replies that the help desk took and could not
//! send are found by what it says of them.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::ids::TicketId;
use jobs::effects::{self, Known};
use serde_json::json;
use support::gorgias::PROVIDER;
use support::help_desk::sync::{self, Agreed, GoesOn, Note, Theirs};
use support::help_desk::{self, assignee, cursor};
use support::kinds::SyncHelpDesk;
use support::kinds::sync_help_desk::SyncHelpDeskOutput;
use support::tickets;
use tokio::time::Instant;
use upstreams::gorgias::{Client, ExternalId, Message};
use upstreams::{CallContext, Outgoing};

use super::draft_reply::{gorgias_of, told_messages};
use super::reconcile_gorgias;
use crate::app::App;
use crate::context::Ctx;
use crate::draft::prompt::{INSIDE, escaped};
use crate::outcome::{Outcome, Stop, done};
use crate::privacy::again;

/// A little less than the kind's deadline.
const CALL_TIME: Duration = Duration::from_secs(50);
/// Messages of a ticket that are compared.
const NEWEST: usize = 100;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SyncHelpDesk) -> Outcome<SyncHelpDeskOutput> {
    let ticket = TicketId(job.ticket_id);
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let known = tickets::get(&mut tx, ticket).await?;
    tx.commit().await?;
    let Some(known) = known.filter(|known| known.provider == PROVIDER) else {
        return Err(Stop::Cancel("the ticket is gone, or lives in no help desk".to_owned()));
    };
    let Some(client) = gorgias_of(&app, ctx.tenant).await? else {
        return Err(Stop::Cancel("the tenant has no help desk connected".to_owned()));
    };
    if known.external_id.contains('/') {
        return Err(Stop::Cancel("another ticket follows this one, and is told of instead".to_owned()));
    }
    let Ok(number) = known.external_id.parse::<u64>() else {
        return Err(Stop::fail("bad_ticket", "the help desk's id of the ticket is not a number"));
    };
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let told = client.get_ticket(&call, number).await?;
    let messages = client.list_messages(&call, number, NEWEST).await?;
    let now = Utc::now();
    let theirs = Theirs {
        status: told.status.clone().filter(|status| matches!(status.as_str(), "open" | "closed")),
        tags: told.tags.iter().map(|tag| tag.name.clone()).collect(),
        updated_at: told.updated_datetime,
        assignee: match &told.assignee_user {
            Some(Some(user)) => user.email.clone(),
            Some(None) => Some(String::new()),
            None => None,
        },
    };
    let failed: Vec<&Message> = messages.iter().filter(|message| message.failed_datetime.is_some()).collect();
    let failed: Vec<String> = failed.into_iter().map(|message| message.id.to_string()).collect();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    if let Some(former) =
        sync::leave_final(&mut tx, ctx.tenant, &goes_on(&known.external_id, &theirs, &messages)).await?
    {
        let next = cursor::make(&mut tx, ctx.tenant, &reconcile_gorgias::document(&told)).await?;
        sync::follows(&mut tx, next, former).await?;
        let job = help_desk::job(ctx.tenant, next)?;
        let (_, announcement) = jobs::enqueue_one(&mut tx, job).await?;
        tx.commit().await?;
        app.dispatch.announce(announcement);
        return done(SyncHelpDeskOutput::default());
    }
    let merged =
        sync::merge(&mut tx, ctx.tenant, ticket, &theirs, &told_messages(messages, now), now).await?;
    let Some((agreed, mut announcement)) = merged else {
        return Err(Stop::Cancel("the ticket was merged into another".to_owned()));
    };
    again::keep_away(&app, ctx.tenant, &mut tx, ticket).await?;
    for id in &failed {
        let reason = "the help desk could not send it; look at the ticket there";
        let more = sync::not_sent(&mut tx, ctx.tenant, ticket, id, reason, now).await?;
        announcement.merge(more.unwrap_or_default());
    }
    tx.commit().await?;
    app.dispatch.announce(announcement);
    tell(&client, &call, number, &agreed).await?;
    let told_assignee = tell_assignee(&client, &call, number, &agreed.assignee).await?;
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    match &told_assignee {
        ToldAssignee::Nothing => {}
        ToldAssignee::Now(theirs) => assignee::agree(&mut tx, ticket, theirs).await?,
        ToldAssignee::Unknown => {
            let was = theirs.assignee.as_deref().unwrap_or_default().to_lowercase();
            let why = json!("nobody there has the agent's address");
            let ours = json!(assignee::now(&mut tx, ticket).await?);
            assignee::left(&mut tx, ctx.tenant, ticket, &ours, &why).await?;
            assignee::agree(&mut tx, ticket, &was).await?;
        }
    }
    sync::agree(
        &mut tx,
        ctx.tenant,
        ticket,
        theirs.status.is_some().then_some(agreed.status.as_str()),
        &agreed.tags,
    )
    .await?;
    let notes = sync::notes(&mut tx, ticket).await?;
    tx.commit().await?;
    for note in &notes {
        post(&ctx, &app, &client, &call, (ticket, number), note).await?;
    }
    done(SyncHelpDeskOutput {
        told_status: agreed.tell_status,
        added_tags: agreed.add.len(),
        removed_tags: agreed.remove.len(),
        notes: notes.len(),
        missed_messages: agreed.missed,
    })
}

/// What they tell of a ticket that may be final here.
fn goes_on<'a>(external_id: &'a str, theirs: &'a Theirs, messages: &'a [Message]) -> GoesOn<'a> {
    let by_customer = messages.iter().filter(|message| !message.from_agent && !message.is_internal_note());
    let newest = by_customer.max_by_key(|message| message.created_datetime);
    GoesOn {
        external_id,
        status: theirs.status.as_deref(),
        updated_at: theirs.updated_at,
        heard: newest.and_then(|message| Some((message.id.to_string(), message.created_datetime?))),
    }
}

/// What became of who has it.
enum ToldAssignee {
    Nothing,
    /// They have it like this now: an address, or nothing for nobody.
    Now(String),
    /// They know nobody of that address, and have it as they had.
    Unknown,
}

async fn tell_assignee(
    client: &Client,
    call: &CallContext,
    number: u64,
    assignee: &assignee::Tell,
) -> Result<ToldAssignee, Stop> {
    let (user, email) = match assignee {
        assignee::Tell::Nothing => return Ok(ToldAssignee::Nothing),
        assignee::Tell::Nobody => (None, String::new()),
        assignee::Tell::Agent(email) => match client.user_by_email(call, email).await? {
            Some(user) => (Some(user), email.clone()),
            None => return Ok(ToldAssignee::Unknown),
        },
    };
    client.set_assignee(call, number, user).await?;
    Ok(ToldAssignee::Now(email))
}

async fn tell(client: &Client, call: &CallContext, number: u64, agreed: &Agreed) -> Result<(), Stop> {
    if !agreed.add.is_empty() {
        client.add_tags(call, number, &agreed.add).await?;
    }
    if !agreed.remove.is_empty() {
        client.remove_tags(call, number, &agreed.remove).await?;
    }
    if agreed.tell_status {
        client.set_status(call, number, &agreed.status, agreed.snoozed_until).await?;
    }
    Ok(())
}

async fn post(
    ctx: &Ctx,
    app: &App,
    client: &Client,
    call: &CallContext,
    (ticket, number): (TicketId, u64),
    note: &Note,
) -> Result<(), Stop> {
    let by = note.sender_name.as_deref().unwrap_or("Desk");
    let text = format!("{by}: {}", note.body_text);
    let html = format!("<p>{}</p>", escaped(&text, usize::MAX / 4).replace('\n', "<br>"));
    let Ok(body) = Outgoing::pass(&text, &html, &INSIDE) else {
        // A note that may not leave stays here, and stops nothing else.
        tracing::info!(note = %note.id, "a note holds what may not leave, and stays here");
        return Ok(());
    };
    let marker = ExternalId::new(format!("deskwork-note-{}", note.id))
        .map_err(|error| Stop::fail("bad_marker", &error.to_string()))?;
    let key = format!("gorgias_desk_note:{}", note.id);
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<String> = app.store.answers(intend).await?;
    let id = match known {
        Known::Happened(id) => id,
        Known::UnderWay => return Err(Stop::under_way()),
        Known::New => client.post_internal_note(call, number, &marker, &body).await?.message_id.to_string(),
        Known::Unsure => {
            client.ensure_internal_note(call, number, &marker, &body).await?.message_id.to_string()
        }
    };
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &id).await
    };
    app.store.answers(happened).await?;
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    sync::note_sent(&mut tx, ticket, note.id, &id).await?;
    tx.commit().await?;
    Ok(())
}
