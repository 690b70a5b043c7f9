//! Takes a mail in that was kept at the door. It is read without the database and on a thread of its own, because a mail
//! can be anything; its files go to the store under ids that follow from the mail, so that taking it in again keeps the
//! same ones; the rest is one transaction.

use std::sync::Arc;

use database::Role;
use database::ids::TenantId;
use jobs::JobKind;
use platform::identities::erased;
use sha2::{Digest, Sha256};
use support::kinds::TakeMailIn;
use support::kinds::take_mail_in::TakeMailInOutput;
use support::mail::letter::{self, Letter, LetterFile, Unreadable};
use support::mail::take::{self, StoredFile, Waiting};
use support::mail::{header, inbound};
use support::tickets::Acting;
use support::tickets::attachments::{SNIFFED_BYTES, sniff};
use upstreams::files::{FilesError, Place};
use uuid::Uuid;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};
use crate::privacy::again;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: TakeMailIn) -> Outcome<TakeMailInOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let mail = take::waiting(&mut tx, job.mail_id).await?;
    tx.commit().await?;
    let Some(mut mail) = mail else { return Err(Stop::Cancel("the mail is gone".to_owned())) };
    let by_machine = false;
    let as_it_is = TakeMailInOutput {
        ticket_id: mail.ticket_id.map(|ticket| ticket.0),
        message_id: mail.message_row,
        by_machine,
    };
    if mail.state != "waiting" {
        return done(as_it_is);
    }
    let Some(raw) = mail.raw.take() else {
        return Err(Stop::Cancel("the mail is not kept any more".to_owned()));
    };
    let letter = match read(raw, &mail, app.file_limit_bytes).await? {
        Ok(letter) => letter,
        Err(unreadable) => {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            inbound::unreadable(&mut tx, mail.id, &unreadable.to_string()).await?;
            tx.commit().await?;
            return done(as_it_is);
        }
    };
    let (mut letter, mut is_gone) = of_somebody(&app, ctx.tenant, letter).await?;
    let mut files = store(&app, ctx.tenant, &mail, &letter.files).await?;
    let acting = Acting {
        tenant: ctx.tenant,
        actor: "job:take_mail_in",
        agent: None,
        writer: mail.id,
        name: TakeMailIn::KIND,
        correlation_id: &ctx.correlation_id,
        trace_parent: ctx.trace_parent.as_deref(),
        now: ctx.now(),
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    erased::while_named(&mut tx, ctx.tenant).await?;
    if !is_gone && again::tells_of_erased(&app, ctx.tenant, &mut tx, &letter).await? {
        // They were erased while its files were stored.
        (letter, is_gone) = (letter.without_words(), true);
        forget(&app, ctx.tenant, std::mem::take(&mut files)).await?;
    }
    let taken = take::take(&mut tx, &acting, &mail, &letter, &files).await?;
    if taken.as_ref().is_some_and(|taken| taken.machine.is_none())
        && let Some(sender) = &letter.sender
    {
        // Whoever was erased and writes has come back by themselves.
        let key = app.erasure_key(ctx.tenant);
        let (now, address) = (mail.received_at, Some(sender.address.as_str()));
        erased::came_back_at_desk(&mut tx, ctx.tenant, &key, None, address, now).await?;
    }
    if let Some(taken) = taken.as_ref().filter(|_| is_gone) {
        again::forget_mail(&mut tx, mail.id, taken.message).await?;
    }
    tx.commit().await?;
    let Some(taken) = taken else { return done(as_it_is) };
    app.dispatch.announce(taken.announcement);
    let kind = if taken.machine.is_some() { "machine" } else { "person" };
    metrics::counter!("deskwork_mails_taken_total", "of" => kind).increment(1);
    done(TakeMailInOutput {
        ticket_id: Some(taken.ticket.0),
        message_id: Some(taken.message.0),
        by_machine: taken.machine.is_some(),
    })
}

async fn read(raw: Vec<u8>, mail: &Waiting, limit_bytes: usize) -> Result<Result<Letter, Unreadable>, Stop> {
    let envelope_from = mail.envelope_from.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let head = header::read(&raw).map_err(|_| Unreadable::NoHeaders)?;
        letter::read(&raw, &head, envelope_from.as_deref(), limit_bytes)
    });
    reading.await.map_err(|_| Stop::retry("mail_reading", "the mail's reader ended without an answer"))
}

/// The letter, without a word when it is a machine's and tells of somebody who was erased; and whether it does.
async fn of_somebody(app: &App, tenant: TenantId, letter: Letter) -> Result<(Letter, bool), Stop> {
    let mut tx = app.db.tenant_tx(Role::Support, tenant).await?;
    let is_gone = again::tells_of_erased(app, tenant, &mut tx, &letter).await?;
    tx.commit().await?;
    Ok((if is_gone { letter.without_words() } else { letter }, is_gone))
}

async fn forget(app: &App, tenant: TenantId, files: Vec<StoredFile>) -> Result<(), Stop> {
    for file in files {
        let removed = app.files.remove(Place { tenant: tenant.0, id: file.id }).await;
        removed.map_err(|error| Stop::wait("files_away", &error.to_string()))?;
    }
    Ok(())
}

async fn store(
    app: &App,
    tenant: TenantId,
    mail: &Waiting,
    files: &[LetterFile],
) -> Result<Vec<StoredFile>, Stop> {
    let mut stored = Vec::with_capacity(files.len());
    for (number, file) in files.iter().enumerate() {
        let id = id_of(mail.id, number);
        let keep = async {
            let mut incoming = app.files.receive().await?;
            incoming.write(&file.bytes).await?;
            app.files.keep(incoming, Place { tenant: tenant.0, id }).await
        };
        keep.await.map_err(|error: FilesError| Stop::wait("files_away", &error.to_string()))?;
        stored.push(StoredFile {
            id,
            name: file.name.clone(),
            content_type: sniff(&file.bytes[..file.bytes.len().min(SNIFFED_BYTES)]),
            size_bytes: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
            sha256: Sha256::digest(&file.bytes).to_vec(),
        });
    }
    Ok(stored)
}

/// The id of a mail's file, the same at every attempt.
fn id_of(mail: Uuid, number: usize) -> Uuid {
    let digest = Sha256::new().chain_update(mail.as_bytes()).chain_update(number.to_be_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
