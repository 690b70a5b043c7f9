//! Makes both sides of a ticket that lives in a help desk the same. Status and tags are told as what both become, so
//! telling them twice changes nothing; a note is posted once, as any other. Replies that the help desk took and could not
//! send are found by what it says of them.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::ids::TicketId;
use jobs::effects::{self, Known};
use support::gorgias::PROVIDER;
use support::help_desk::sync::{self, Agreed, Note, Theirs};
use support::kinds::SyncHelpDesk;
use support::kinds::sync_help_desk::SyncHelpDeskOutput;
use support::tickets;
use tokio::time::Instant;
use upstreams::gorgias::{Client, ExternalId, Message};
use upstreams::{CallContext, Outgoing};

use super::draft_reply::{gorgias_of, told_messages};
use crate::app::App;
use crate::context::Ctx;
use crate::draft::prompt::{INSIDE, escaped};
use crate::outcome::{Outcome, Stop, done};

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
    };
    let failed: Vec<&Message> = messages.iter().filter(|message| message.failed_datetime.is_some()).collect();
    let failed: Vec<String> = failed.into_iter().map(|message| message.id.to_string()).collect();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let merged =
        sync::merge(&mut tx, ctx.tenant, ticket, &theirs, &told_messages(messages, now), now).await?;
    let Some((agreed, mut announcement)) = merged else {
        return Err(Stop::Cancel("the ticket was merged into another".to_owned()));
    };
    for id in &failed {
        let reason = "the help desk could not send it; look at the ticket there";
        let more = sync::not_sent(&mut tx, ctx.tenant, ticket, id, reason, now).await?;
        announcement.merge(more.unwrap_or_default());
    }
    tx.commit().await?;
    app.dispatch.announce(announcement);
    tell(&client, &call, number, &agreed).await?;
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
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
