//! Sends one mail at most: the intention is recorded before the server is called, and what it answered after. When an
//! attempt did not live to say how it went, or the server's answer was lost, nobody knows whether the mail left, and it is
//! not sent again: SMTP has no way to ask.

use std::time::{Duration, SystemTime};

use chrono::Utc;
use database::Role;
use jobs::effects::{self, Known};
use jobs::ledger::Failure;
use support::mail::mailboxes::{self, Mailbox};
use upstreams::mail::{Account, Dkim, File, Letter, Person, Security, SendError};
use upstreams::{Outgoing, Subject};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// What is to be sent.
pub(crate) struct Mail<'a> {
    /// Under which key the effect is recorded.
    pub(crate) key: &'a str,
    /// Whence it leaves.
    pub(crate) mailbox: &'a Mailbox,
    /// To whom: address and name.
    pub(crate) to: (&'a str, Option<&'a str>),
    /// The subject.
    pub(crate) subject: &'a Subject,
    /// Its own id.
    pub(crate) message_id: &'a str,
    /// The mail that it answers.
    pub(crate) in_reply_to: Option<&'a str>,
    /// The mails of the thread, the oldest first.
    pub(crate) references: &'a [String],
    /// What RFC 3834 calls it, when a machine wrote it.
    pub(crate) auto_submitted: Option<&'static str>,
    /// What it says.
    pub(crate) body: &'a Outgoing,
    /// Files that go with it.
    pub(crate) files: &'a [File],
}

/// What is known of it afterwards.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The server took it.
    Yes,
    /// Nobody knows, for this reason.
    Unsure(String),
}

/// Sends it, once.
pub(crate) async fn send(ctx: &Ctx, app: &App, mail: &Mail<'_>, within: Duration) -> Result<Sent, Stop> {
    let account = account(app, mail.mailbox)?;
    let dkim = dkim(app, mail.mailbox)?;
    let letter = Letter {
        from: Person { address: &mail.mailbox.address, name: mail.mailbox.display_name.as_deref() },
        to: Person { address: mail.to.0, name: mail.to.1 },
        subject: mail.subject,
        message_id: mail.message_id,
        in_reply_to: mail.in_reply_to,
        references: mail.references,
        auto_submitted: mail.auto_submitted,
        body: mail.body,
        files: mail.files,
        dkim: dkim.as_ref(),
        at: SystemTime::now(),
    };
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend::<bool>(&mut conn, ctx.tenant.0, mail.key, ctx.job_id, ctx.lease()).await
    };
    match app.store.answers(intend).await? {
        Known::Happened(true) => return Ok(Sent::Yes),
        Known::Happened(false) => {
            return Ok(Sent::Unsure("the mail server did not say whether it took the mail".into()));
        }
        Known::UnderWay => return Err(Stop::under_way()),
        Known::Unsure => {
            let why = "the attempt to send it was cut off, so nobody knows whether the mail server took it";
            return Ok(Sent::Unsure(why.to_owned()));
        }
        Known::New => {}
    }
    let ended = app.post.send(&account, &letter, within).await;
    let known = async {
        let mut conn = app.store.pool().acquire().await?;
        match &ended {
            Ok(()) => effects::happened(&mut conn, ctx.tenant.0, mail.key, &true).await,
            Err(SendError::Unsure(_)) => effects::happened(&mut conn, ctx.tenant.0, mail.key, &false).await,
            Err(_) => effects::did_not_happen(&mut conn, ctx.tenant.0, mail.key, ctx.lease()).await,
        }
    };
    app.store.answers(known).await?;
    note(ctx, app, mail.mailbox, ended.as_ref().err()).await?;
    match ended {
        Ok(()) => Ok(Sent::Yes),
        Err(error @ SendError::Unsure(_)) => Ok(Sent::Unsure(error.to_string())),
        Err(error) => Err(stop(error)),
    }
}

/// How it goes is seen on the mailbox.
async fn note(ctx: &Ctx, app: &App, mailbox: &Mailbox, error: Option<&SendError>) -> Result<(), Stop> {
    // What is wrong with one mail says nothing of the mailbox.
    let error = match error {
        Some(SendError::Unfit(_) | SendError::Refused { .. }) => return Ok(()),
        error => error.map(ToString::to_string),
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    mailboxes::note(&mut tx, mailbox.id, error.as_deref(), Utc::now()).await?;
    tx.commit().await?;
    Ok(())
}

fn stop(error: SendError) -> Stop {
    let message = error.to_string();
    match error {
        SendError::Open(after) => {
            Stop::Wait { failure: Failure::new("mail_server_away", &message), after: Some(after) }
        }
        SendError::Later(_) | SendError::Unsure(_) => Stop::wait("mail_server_away", &message),
        SendError::Unfit(_) => Stop::fail("mail_unfit", &message),
        SendError::Forbidden(_) => Stop::fail("mail_server_forbidden", &message),
        SendError::Refused { .. } => Stop::fail("mail_refused", &message),
    }
}

fn account(app: &App, mailbox: &Mailbox) -> Result<Account, Stop> {
    let missing =
        || Stop::fail("no_mail_server", "the mailbox has no mail server; set one in the mailbox's settings");
    let host = mailbox.smtp_host.clone().ok_or_else(missing)?;
    let port = mailbox.smtp_port.and_then(|port| u16::try_from(port).ok()).ok_or_else(missing)?;
    let security = match mailbox.smtp_security.as_deref() {
        Some("tls") => Security::Tls,
        Some("starttls") => Security::StartTls,
        Some("plain") => Security::Plain,
        _ => return Err(missing()),
    };
    let secrets = mailboxes::secrets(mailbox, &app.master_key).map_err(sealed)?;
    Ok(Account { host, port, security, login: mailbox.smtp_username.clone().zip(secrets.password) })
}

fn dkim(app: &App, mailbox: &Mailbox) -> Result<Option<Dkim>, Stop> {
    let Some((domain, selector)) = mailbox.dkim_domain.clone().zip(mailbox.dkim_selector.clone()) else {
        return Ok(None);
    };
    let key = mailboxes::secrets(mailbox, &app.master_key).map_err(sealed)?.dkim_key;
    let missing = || {
        Stop::fail("no_dkim_key", "the mailbox is to sign its mail and has no key; set one in its settings")
    };
    Ok(Some(Dkim { domain, selector, key: key.ok_or_else(missing)? }))
}

fn sealed(error: accounts::seal::UnsealError) -> Stop {
    Stop::fail("mailbox_sealed", &format!("the mailbox's secrets cannot be opened ({error}); set them again"))
}
