//! Sends a person of the desk the link by which they choose a password, from the shop's default mailbox.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use database::Role;
use support::kinds::SendLink;
use support::kinds::send_link::{LinkMail, SendLinkOutput};
use support::mail::mailboxes;
use upstreams::{Outgoing, Subject};

use crate::app::App;
use crate::context::Ctx;
use crate::draft::prompt::{INSIDE, escaped};
use crate::outcome::{Outcome, Stop, done};
use crate::post::{self, Mail, Sent};

/// A little less than the kind's deadline.
const CALL_TIME: Duration = Duration::from_secs(45);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SendLink) -> Outcome<SendLinkOutput> {
    let bad = || Stop::fail("bad_link_mail", "what the mail says cannot be opened; make another link");
    let sealed = STANDARD.decode(&job.sealed).map_err(|_| bad())?;
    let plain = app.master_key.unseal(&SendLink::owner(ctx.tenant), &sealed).map_err(|_| bad())?;
    let link: LinkMail = serde_json::from_slice(&plain).map_err(|_| bad())?;
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let mailbox = mailboxes::to_send_from(&mut tx, None).await?;
    tx.commit().await?;
    let Some(mailbox) = mailbox else {
        return Err(Stop::Cancel("the shop has no mailbox that mail leaves from".to_owned()));
    };
    let (subject, text) = words(&link);
    let html = format!("<p>{}</p>", escaped(&text, usize::MAX / 4).replace('\n', "<br>"));
    let body = Outgoing::pass(&text, &html, &INSIDE)
        .map_err(|refused| Stop::fail("outgoing_refused", &refused.to_string()))?;
    let subject = Subject::pass(subject, &INSIDE)
        .map_err(|refused| Stop::fail("outgoing_refused", &refused.to_string()))?;
    let domain = mailbox.address.rsplit('@').next().unwrap_or("localhost");
    let mail = Mail {
        key: &format!("mail_link:{}", job.link_id),
        mailbox: &mailbox,
        to: (&link.address, Some(&link.name)),
        subject: &subject,
        message_id: &format!("{}@{domain}", job.link_id),
        in_reply_to: None,
        references: &[],
        auto_submitted: Some("auto-generated"),
        body: &body,
        files: &[],
    };
    let sent = post::send(&ctx, &app, &mail, CALL_TIME).await?;
    done(SendLinkOutput { was_sent: sent == Sent::Yes })
}

fn words(link: &LinkMail) -> (&'static str, String) {
    let LinkMail { name, link: url, .. } = link;
    match link.is_invitation {
        true => (
            "Your invitation to the desk",
            format!(
                "Hello {name},\n\nyou are invited to the desk. Choose your password here, within seven days:\n\n{url}\n"
            ),
        ),
        false => (
            "Another password for the desk",
            format!(
                "Hello {name},\n\nchoose another password here, within an hour:\n\n{url}\n\nIf you did not ask for this, do \
                 nothing: your password stays as it is.\n"
            ),
        ),
    }
}
