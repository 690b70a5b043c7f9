//! Sends a reply, once. What lives in a help desk goes there: the intention is recorded before the call, and when an
//! earlier attempt did not live to say how it went, the ticket's messages are looked through first. What lives here leaves
//! as mail; when the shop has no mailbox that mail leaves from, or nobody knows the customer's address, it is not sent, says
//! so, and keeps its text. What is answered neither there nor by mail (a chat that a program reads) counts as sent when the time
//! to take it back is over. A mail whose fate nobody knows is not sent again but shown as such, for a person to decide; so is
//! a reply that was written for later and that the conversation did not wait for.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::ids::MessageId;
use jobs::effects::{self, Known};
use jobs::{JobKind, NewJob};
use support::gorgias;
use support::help_desk;
use support::kinds::SendReply;
use support::kinds::send_reply::SendReplyOutput;
use support::mail::outbound;
use support::mail::way_out::{self, Missing};
use support::tickets::attachments::{self, Attachment};
use support::tickets::delivery::{self, Outbound, Taken};
use tokio::time::Instant;
use upstreams::files::Place;
use upstreams::gorgias::{ExternalId, ReplyTo};
use upstreams::mail::File;
use upstreams::{CallContext, Outgoing, Subject};

use super::draft_reply::gorgias_of;
use crate::app::App;
use crate::context::Ctx;
use crate::draft::prompt::{INSIDE, escaped};
use crate::outcome::{Outcome, Stop, done, done_then};
use crate::post::{self, Mail};

/// A little less than the kind's deadline, so that the client gives up in order.
const CALL_TIME: Duration = Duration::from_secs(25);

/// How long a help desk may take to find out that a reply cannot be sent.
const CHECKED_AFTER: Duration = Duration::from_secs(120);

/// Bytes of all files of a mail; most servers take no longer ones.
const FILES_LIMIT_BYTES: usize = 20 * 1024 * 1024;

/// A reply that could not be sent for so long after its time is given up: nobody expects it any more.
const GIVEN_UP_AFTER: chrono::Duration = chrono::Duration::hours(23);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SendReply) -> Outcome<SendReplyOutput> {
    let now = ctx.now();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let taken = delivery::take(&mut tx, MessageId(job.message_id), now).await?;
    tx.commit().await?;
    let reply = match taken {
        Taken::Send(reply) => *reply,
        Taken::Gone => return Err(Stop::Cancel("the reply is gone".to_owned())),
        Taken::Over(how) => return Err(Stop::Cancel(format!("the reply is {how}"))),
        Taken::Overtaken(reply) => {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let announcement = delivery::overtaken(&mut tx, ctx.tenant, &reply, now).await?;
            tx.commit().await?;
            app.dispatch.announce(announcement);
            return done(SendReplyOutput { external_id: None });
        }
        Taken::NotYet(at) => {
            return Err(Stop::Snooze((at - now).to_std().unwrap_or_default().max(Duration::from_secs(1))));
        }
    };
    match send(&ctx, &app, &reply).await {
        Ok(Left::Sent(external_id)) => {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let announcement =
                delivery::sent(&mut tx, ctx.tenant, &reply, external_id.as_deref(), Utc::now()).await?;
            tx.commit().await?;
            app.dispatch.announce(announcement);
            // A help desk takes a reply before it sends it, and tells afterwards when it could not.
            let check = match &external_id {
                Some(_) => vec![check_later(&ctx, &reply)?],
                None => Vec::new(),
            };
            done_then(SendReplyOutput { external_id }, check)
        }
        Ok(Left::Unsure(reason)) => {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let announcement = delivery::unsure(&mut tx, ctx.tenant, &reply, &reason, Utc::now()).await?;
            tx.commit().await?;
            app.dispatch.announce(announcement);
            done(SendReplyOutput { external_id: None })
        }
        // Nothing was tried, and nothing would come of trying again by itself: a person sends it again when there is a way.
        Ok(Left::Lacks(missing)) => {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let announcement = delivery::lacks(&mut tx, ctx.tenant, &reply, missing, Utc::now()).await?;
            tx.commit().await?;
            app.dispatch.announce(announcement);
            done(SendReplyOutput { external_id: None })
        }
        Err(stop) => Err(note(&ctx, &app, &reply, stop).await?),
    }
}

/// Shows on the reply why it did not leave, and whether it still will.
async fn note(ctx: &Ctx, app: &App, reply: &Outbound, stop: Stop) -> Result<Stop, Stop> {
    let now = ctx.now();
    let is_late = now - reply.send_at > GIVEN_UP_AFTER;
    let (reason, is_over) = match &stop {
        Stop::Fail(failure) => (failure.message.clone(), true),
        Stop::Cancel(reason) => (reason.clone(), true),
        Stop::Retry { failure, .. } => {
            (failure.message.clone(), is_late || ctx.attempt >= SendReply::POLICY.max_attempts)
        }
        Stop::Wait { failure, .. } => (failure.message.clone(), is_late),
        Stop::Snooze(_) => return Ok(stop),
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    if is_over {
        let announcement = delivery::failed(&mut tx, ctx.tenant, reply, &reason, now).await?;
        tx.commit().await?;
        app.dispatch.announce(announcement);
        return Ok(match stop {
            Stop::Wait { failure, .. } | Stop::Retry { failure, .. } => Stop::Fail(failure),
            stop => stop,
        });
    }
    // An attempt whose fate is open may have sent it, and so may one that could not note what became of it.
    let may_have_left = matches!(stop, Stop::Retry { .. }) || stop.is_of_database();
    delivery::waits(&mut tx, reply.id, &reason, may_have_left).await?;
    tx.commit().await?;
    Ok(stop)
}

/// Looks after a while whether the help desk could send it.
fn check_later(ctx: &Ctx, reply: &Outbound) -> Result<NewJob, Stop> {
    let job = help_desk::job(ctx.tenant, reply.ticket_id)?.with_dedup_key(&format!("check:{}", reply.id))?;
    Ok(job.with_delay(CHECKED_AFTER))
}

/// What is known of a reply that was to be sent.
enum Left {
    /// It left; with the help desk's id of it, where it went to one.
    Sent(Option<String>),
    /// Nobody knows whether it left.
    Unsure(String),
    /// It did not leave, for want of this.
    Lacks(Missing),
}

/// Sends it.
async fn send(ctx: &Ctx, app: &App, reply: &Outbound) -> Result<Left, Stop> {
    let html = escaped(&reply.body_text, usize::MAX / 4).replace('\n', "<br>");
    let body = Outgoing::pass(&reply.body_text, &format!("<p>{html}</p>"), &INSIDE)
        .map_err(|refused| Stop::fail("outgoing_refused", &refused.to_string()))?;
    if reply.provider != gorgias::PROVIDER {
        return send_mail(ctx, app, reply, &body).await;
    }
    let Some(client) = gorgias_of(app, ctx.tenant).await? else {
        return Err(Stop::fail("no_help_desk", "the shop has no help desk connected any more"));
    };
    let Ok(ticket_number) = reply.external_id.parse::<u64>() else {
        return Err(Stop::fail("bad_ticket", "the help desk's id of the ticket is not a number"));
    };
    let marker = ExternalId::new(format!("deskwork-reply-{}", reply.id))
        .map_err(|error| Stop::fail("bad_marker", &error.to_string()))?;
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let files = attachments::of_messages(&mut tx, &[reply.id]).await?;
    tx.commit().await?;
    let mut uploaded = Vec::with_capacity(files.len());
    for file in read_files(ctx, app, &files).await? {
        uploaded.push(client.upload(&call, &file.name, &file.content_type, &file.bytes).await?);
    }
    let to = ReplyTo {
        channel: reply.channel.clone(),
        address: reply.customer_email.clone(),
        name: reply.customer_name.clone(),
        files: uploaded,
    };
    let key = format!("gorgias_reply:{}", reply.id);
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<String> = app.store.answers(intend).await?;
    let id = match known {
        Known::Happened(id) => return Ok(Left::Sent(Some(id))),
        Known::UnderWay => return Err(Stop::under_way()),
        Known::New => client.post_reply(&call, ticket_number, &marker, &to, &body).await?.message_id,
        Known::Unsure => client.ensure_reply(&call, ticket_number, &marker, &to, &body).await?.message_id,
    }
    .to_string();
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &id).await
    };
    app.store.answers(happened).await?;
    Ok(Left::Sent(Some(id)))
}

/// Sends a reply to a ticket that lives here.
async fn send_mail(ctx: &Ctx, app: &App, reply: &Outbound, body: &Outgoing) -> Result<Left, Stop> {
    if !way_out::is_mailed(&reply.provider, &reply.channel) {
        return Ok(Left::Sent(None));
    }
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    if let Some(missing) = way_out::missing(&mut tx, reply).await? {
        return Ok(Left::Lacks(missing));
    }
    let sheet = outbound::prepare(&mut tx, reply).await?;
    tx.commit().await?;
    // Somebody took the last mailbox or the address away between the two looks.
    let Some(sheet) = sheet else { return Ok(Left::Lacks(Missing::MailServer)) };
    let Some(address) = &reply.customer_email else { return Ok(Left::Lacks(Missing::Address)) };
    let subject = match reply.customer_wrote {
        true => Subject::repeated(&sheet.subject),
        false => Subject::pass(&sheet.subject, &INSIDE)
            .map_err(|refused| Stop::fail("outgoing_refused", &refused.to_string()))?,
    };
    let files = read_files(ctx, app, &sheet.files).await?;
    let mail = Mail {
        key: &format!("mail_reply:{}:{}", reply.id, reply.send_round),
        mailbox: &sheet.mailbox,
        to: (address, reply.customer_name.as_deref()),
        subject: &subject,
        message_id: &sheet.message_id,
        in_reply_to: sheet.in_reply_to.as_deref(),
        references: &sheet.references,
        auto_submitted: reply.by_machine.then_some("auto-replied"),
        body,
        files: &files,
    };
    Ok(match post::send(ctx, app, &mail, CALL_TIME).await? {
        post::Sent::Yes => Left::Sent(None),
        post::Sent::Unsure(reason) => Left::Unsure(reason),
    })
}

async fn read_files(ctx: &Ctx, app: &App, wanted: &[Attachment]) -> Result<Vec<File>, Stop> {
    let total: i64 = wanted.iter().map(|file| file.size_bytes).sum();
    if usize::try_from(total).is_ok_and(|total| total > FILES_LIMIT_BYTES) {
        let problem =
            format!("the files have more than {FILES_LIMIT_BYTES} bytes together; send a link instead");
        return Err(Stop::fail("files_too_large", &problem));
    }
    let mut files = Vec::with_capacity(wanted.len());
    for file in wanted {
        let bytes =
            app.files.read_whole(Place { tenant: ctx.tenant.0, id: file.id }, FILES_LIMIT_BYTES).await;
        let bytes = bytes.map_err(|error| Stop::wait("files_away", &error.to_string()))?;
        files.push(File { name: file.name.clone(), content_type: file.content_type.clone(), bytes });
    }
    Ok(files)
}
