//! Posts a draft into the help desk, once. The intention is recorded before the call; when an earlier
//! attempt did not live to say how it went, the ticket's notes are looked through first. A draft whose moment is over is
//! not posted: the ticket has newer messages or a newer draft, or takes none any more.

use std::{sync::Arc, time::Duration};

use database::{Role, ids::DraftId};
use jobs::effects::{self, Known};
use support::kinds::{PostInternalNote, post_internal_note::PostInternalNoteOutput};
use support::{
    drafts::{self, Draft, wanted},
    gorgias::PROVIDER,
    tickets::{self, NewMessage, Ticket},
};
use tokio::time::Instant;

use super::draft_reply::{gorgias_in, past, stored_as_draft};
use crate::{
    app::App,
    context::Ctx,
    draft::{note, prompt::INSIDE},
    outcome::{Outcome, Stop, done},
};
use upstreams::{
    CallContext, Outgoing,
    gorgias::{self, ExternalId, NoteOrigin},
};

/// A little less than the kind's deadline, so that the client gives up in order.
const CALL_TIME: Duration = Duration::from_secs(25);

pub(super) async fn handle(
    ctx: Ctx,
    app: Arc<App>,
    job: PostInternalNote,
) -> Outcome<PostInternalNoteOutput> {
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let Noted { draft, ticket, client, past } = subject(&ctx, &app, DraftId(job.draft_id)).await?;
    let Ok(ticket_number) = ticket.external_id.parse::<u64>() else {
        return Err(Stop::fail("bad_ticket", "the help desk's id of the ticket is not a number"));
    };
    let marker = format!("deskwork-draft-{}", draft.id);
    let external_id =
        ExternalId::new(marker.clone()).map_err(|error| Stop::fail("bad_marker", &error.to_string()))?;
    let body = note::note_body(&stored_as_draft(&draft));
    let body = Outgoing::pass(&body.text, &body.html, &INSIDE)
        .map_err(|refused| Stop::fail("outgoing_refused", &format!("{refused}; ask for a new draft")))?;

    let key = format!("gorgias_note:{}", draft.id);
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<String> = app.store.answers(intend).await?;
    let (note_id, already_there) = match (known, past) {
        (Known::Happened(note_id), _) => (note_id, true),
        (Known::UnderWay, _) => return Err(Stop::under_way()),
        (Known::New, Some(why)) => return Err(not_posted(&ctx, &app, &key, &why).await),
        // It may stand there since an earlier attempt; then it is noted like any other.
        (Known::Unsure, Some(why)) => {
            match client.find_note_by_external_id(&call, ticket_number, &external_id).await? {
                Some(note) => (note.message_id.to_string(), true),
                None => return Err(not_posted(&ctx, &app, &key, &why).await),
            }
        }
        (Known::New, None) => {
            let note = client.post_internal_note(&call, ticket_number, &external_id, &body).await?;
            (note.message_id.to_string(), false)
        }
        (Known::Unsure, None) => {
            let note = client.ensure_internal_note(&call, ticket_number, &external_id, &body).await?;
            (note.message_id.to_string(), note.origin == NoteOrigin::Found)
        }
    };
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &note_id).await
    };
    app.store.answers(happened).await?;
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    let posted = NewMessage {
        external_id: note_id.clone(),
        from_agent: true,
        internal: true,
        by_machine: false,
        channel: "internal-note".to_owned(),
        sender_name: None,
        body_text: body.text().to_owned(),
        sent_at: chrono::Utc::now(),
    };
    drafts::mark_posted(&mut tx, ctx.tenant, &draft, &marker, posted).await?;
    tx.commit().await?;
    done(PostInternalNoteOutput { note_id, already_there })
}

/// Takes the intention back, for there will be no note.
async fn not_posted(ctx: &Ctx, app: &App, key: &str, why: &str) -> Stop {
    let never = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::did_not_happen(&mut conn, ctx.tenant.0, key, ctx.lease()).await
    };
    match app.store.answers(never).await {
        Ok(()) => Stop::Cancel(format!("not posted: {why}")),
        Err(error) => error.into(),
    }
}

/// What a note is made of and who takes it.
struct Noted {
    draft: Draft,
    ticket: Ticket,
    client: gorgias::Client,
    /// Why its moment is over, if it is.
    past: Option<String>,
}

/// Reads it in one transaction.
async fn subject(ctx: &Ctx, app: &App, draft: DraftId) -> Result<Noted, Stop> {
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(draft) = drafts::get(&mut tx, draft).await? else {
        return Err(Stop::Cancel("the draft is gone".to_owned()));
    };
    let Some(ticket) = tickets::get(&mut tx, draft.ticket).await? else {
        return Err(Stop::Cancel("the ticket is gone".to_owned()));
    };
    if ticket.provider != PROVIDER {
        return Err(Stop::Cancel("the ticket does not live in the help desk".to_owned()));
    }
    let Some(standing) = wanted::standing(&mut tx, ticket.id).await? else {
        return Err(Stop::Cancel("the ticket is gone".to_owned()));
    };
    let mut past = past(&draft, &standing);
    if past.is_none() && drafts::is_outdone(&mut tx, &draft).await? {
        past = Some("a newer draft stands in the ticket".to_owned());
    }
    let Some(client) = gorgias_in(app, &mut tx, ctx.tenant).await? else {
        return Err(Stop::Cancel("the tenant has no help desk connected".to_owned()));
    };
    tx.commit().await?;
    Ok(Noted { draft, ticket, client, past })
}
