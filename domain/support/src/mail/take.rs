//! Takes a mail that was read into its ticket. What a person wrote does what a customer's message does anywhere: it opens
//! the ticket, makes a follow-up of a final one, starts clocks, asks for a draft. What a machine sent is added and flagged,
//! and does nothing else; when it belongs to no ticket it gets one that is suspended, so that nothing is lost.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{DbError, Tx};
use jobs::Announcement;
use sqlx::FromRow;
use uuid::Uuid;

use super::acknowledge::acknowledge;
use super::letter::{Letter, Person};
use super::mailboxes::{self, Mailbox};
use super::report::Action;
use super::{outbound, thread};
use crate::settle::settle;
use crate::tickets::attachments::{self, NewAttachment};
use crate::tickets::change::{self, Customer};
use crate::tickets::create::{self, NewTicket, Origin};
use crate::tickets::lock::{Locked, hold_families, lock, lock_current, lock_heard};
use crate::tickets::message::{self, From, NewRow};
use crate::tickets::state::{Heard, Status};
use crate::tickets::words::{Channel, Priority};
use crate::tickets::{Acting, TicketError, merge};

/// What the reason begins with for which a machine's ticket is suspended.
const ASIDE: &str = "machine mail: ";

/// What is said of a mail that only says of itself that it belongs to its ticket.
const STRANGER: &str =
    "whoever wrote it had no part in the ticket before; it names one of its mails as the one that it answers";

/// A mail that waits to be taken in.
#[derive(Clone, FromRow)]
pub struct Waiting {
    /// Identity.
    pub id: Uuid,
    /// To which mailbox.
    pub mailbox_id: Uuid,
    /// waiting, taken, suspended or unreadable.
    pub state: String,
    /// The sender of the envelope.
    pub envelope_from: Option<String>,
    /// As it came.
    pub raw: Option<Vec<u8>>,
    /// When.
    pub received_at: DateTime<Utc>,
    /// The ticket that it is in.
    pub ticket_id: Option<TicketId>,
    /// The message that it is.
    pub message_row: Option<Uuid>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// A file of the mail, whose bytes are in the store.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// Identity, the same whenever the mail is taken in again.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it is, by its first bytes.
    pub content_type: &'static str,
    /// How long it is.
    pub size_bytes: i64,
    /// Of its bytes.
    pub sha256: Vec<u8>,
}

/// What became of it.
#[derive(Debug)]
pub struct Taken {
    /// The ticket that it is in.
    pub ticket: TicketId,
    /// The message that it is.
    pub message: MessageId,
    /// Whether the ticket is new.
    pub is_new_ticket: bool,
    /// Why it counts as a machine's.
    pub machine: Option<String>,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

/// A mail with its bytes (support role).
///
/// # Errors
/// The database failed.
pub async fn waiting(tx: &mut Tx, mail: Uuid) -> Result<Option<Waiting>, DbError> {
    Ok(sqlx::query_as(
        "select id, mailbox_id, state, envelope_from, raw, received_at, ticket_id, message_row
         from support_app.mail where id = $1",
    )
    .bind(mail)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Takes it in (support role); none when somebody else did meanwhile.
///
/// # Errors
/// The database failed.
pub async fn take(
    tx: &mut Tx,
    acting: &Acting<'_>,
    mail: &Waiting,
    letter: &Letter,
    files: &[StoredFile],
) -> Result<Option<Taken>, TicketError> {
    let state: Option<String> =
        sqlx::query_scalar("select state from support_app.mail where id = $1 for update")
            .bind(mail.id)
            .fetch_optional(&mut **tx)
            .await?;
    if state.as_deref() != Some("waiting") {
        return Ok(None);
    }
    acting.tell(tx, None).await?;
    let mailbox: Mailbox =
        mailboxes::get_any(tx, mail.mailbox_id).await?.ok_or(TicketError::Unknown("mailbox"))?;
    let machine = machine(tx, letter).await?;
    // An answer to a mailbox of the shop's own would be a mail to itself, and the mailbox a customer.
    let reply_to = match &letter.reply_to {
        Some(person) if !mailboxes::is_own(tx, &person.address).await? => Some(person),
        _ => None,
    };
    if let Some(copy) = thread::copy_of(tx, acting.tenant, mail.id).await? {
        return Ok(Some(is_copy(tx, acting, mail, copy).await?));
    }
    let found = thread::find(tx, acting.tenant, letter).await?;
    let failed = letter.report.as_ref().filter(|report| report.action == Action::Failed);
    // Every ticket that it may touch, at once: which of them comes first depends on the mail.
    let mut touched: Vec<TicketId> = found.ticket.iter().chain(&found.others).copied().collect();
    // What goes on after one that is final is among them.
    touched.extend(thread::follow_ups(tx, &touched).await?);
    if let Some(report) = failed {
        touched.extend(outbound::ticket_of(tx, report).await?);
    }
    hold_families(tx, &touched).await?;
    let mut remarks = letter.remarks.clone();
    if let (Some(ticket), None) = (found.ticket, &machine)
        && !thread::is_of_its_people(tx, ticket, letter).await?
    {
        remarks.push(STRANGER.to_owned());
    }
    let new = Addition {
        mail,
        mailbox: &mailbox,
        letter,
        reply_to,
        files,
        machine: machine.as_deref(),
        came_to: found.came_to,
    };
    let mut taken = match (found.ticket, &machine) {
        (Some(ticket), None) => hear(tx, acting, ticket, &new).await?,
        (Some(ticket), Some(_)) => note_machine(tx, acting, ticket, &new).await?,
        (None, _) => open(tx, acting, None, &new).await?,
    };
    let home = match found.came_to {
        Some(_) => message::came_to(tx, taken.message, taken.ticket).await?,
        None => taken.ticket,
    };
    thread::remember(tx, acting.tenant, home, letter).await?;
    for other in found.others {
        taken.announcement.merge(join(tx, acting, &mut taken.ticket, other).await?);
    }
    if let Some(about) = failed {
        taken.announcement.merge(outbound::bounced(tx, acting, about).await?);
    }
    sqlx::query(
        "update support_app.mail set state = 'taken', taken_at = $2, ticket_id = $3, message_row = $4, machine = $5,
             remarks = $6
         where id = $1",
    )
    .bind(mail.id)
    .bind(acting.now)
    .bind(taken.ticket)
    .bind(taken.message)
    .bind(&machine)
    .bind(&remarks)
    .execute(&mut **tx)
    .await?;
    taken.machine = machine;
    Ok(Some(taken))
}

/// A mail that came to several mailboxes is one message, in the ticket of the first, which keeps it as it came.
async fn is_copy(
    tx: &mut Tx,
    acting: &Acting<'_>,
    mail: &Waiting,
    copy: thread::Elsewhere,
) -> Result<Taken, TicketError> {
    sqlx::query(
        "update support_app.mail set state = 'taken', raw = null, taken_at = $2, ticket_id = $3, message_row = $4, machine = $5,
             remarks = array['the same mail came to another mailbox of the shop, so it is one message']
         where id = $1",
    )
    .bind(mail.id)
    .bind(acting.now)
    .bind(copy.ticket_id)
    .bind(copy.message_row)
    .bind(&copy.machine)
    .execute(&mut **tx)
    .await?;
    Ok(Taken {
        ticket: copy.ticket_id,
        message: copy.message_row,
        is_new_ticket: false,
        machine: copy.machine,
        announcement: Announcement::default(),
    })
}

/// What is to be added.
struct Addition<'a> {
    mail: &'a Waiting,
    mailbox: &'a Mailbox,
    letter: &'a Letter,
    /// Where its writer wants answers, when that is somebody else than the shop itself.
    reply_to: Option<&'a Person>,
    files: &'a [StoredFile],
    machine: Option<&'a str>,
    /// The ticket that it came to, which may go on in another.
    came_to: Option<TicketId>,
}

impl Addition<'_> {
    /// Whom answers go to.
    fn customer(&self) -> Option<&Person> {
        self.reply_to.filter(|_| self.machine.is_none()).or(self.letter.sender.as_ref())
    }

    fn name(&self) -> Option<&str> {
        let sender = self.letter.sender.as_ref()?;
        sender.name.as_deref().or(Some(&sender.address))
    }
}

/// Why a machine sent it: its head says so, or it comes from an address of the shop's own.
async fn machine(tx: &mut Tx, letter: &Letter) -> Result<Option<String>, DbError> {
    if let Some(reason) = letter.signs.machine {
        return Ok(Some(reason.to_owned()));
    }
    let Some(sender) = &letter.sender else { return Ok(Some("it names nobody as its sender".to_owned())) };
    let is_own = mailboxes::is_own(tx, &sender.address).await?;
    Ok(is_own.then(|| "it comes from a mailbox of the shop".to_owned()))
}

/// A person's mail for a ticket that is known.
async fn hear(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    new: &Addition<'_>,
) -> Result<Taken, TicketError> {
    let mut known = lock_heard(tx, ticket, acting.now).await?;
    let was_aside = is_aside(&known);
    if was_aside {
        // A machine's mail was read before the person's that it belongs to.
        known.suspended_reason = None;
        known.customer_email = new.customer().map(|person| person.address.clone());
        known.customer_name = new.customer().and_then(|person| person.name.clone());
        change::store(tx, &known).await?;
    }
    match known.standing(acting.now).hears_customer() {
        Heard::Follows => {
            let mut like = message::like(&known);
            like.channel = Channel::Email;
            let follows = Follows { former: known.id, like };
            return open(tx, acting, Some(follows), new).await;
        }
        Heard::Opens => {
            known.set_status(Status::Open);
            known.snoozed_until = None;
            change::store(tx, &known).await?;
        }
        Heard::Stays if known.snoozed_until.is_some() => {
            known.snoozed_until = None;
            change::store(tx, &known).await?;
        }
        Heard::Stays => {}
    }
    let message = add(tx, acting, known.id, new).await?;
    message::recount(tx, known.id, 1).await?;
    let mut taken = finish(tx, acting, known.id, message, false).await?;
    if was_aside {
        taken.announcement.merge(greet(tx, acting, known.id, new).await?);
    }
    Ok(taken)
}

/// What a customer is told whose first mail it is.
async fn greet(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    new: &Addition<'_>,
) -> Result<Announcement, TicketError> {
    let Some(person) = new.customer() else { return Ok(Announcement::default()) };
    acknowledge(tx, acting, ticket, new.mailbox, new.letter, &person.address).await
}

/// Whether a ticket is there for a machine's mail alone.
fn is_aside(ticket: &Locked) -> bool {
    ticket.suspended_reason.as_deref().is_some_and(|reason| reason.starts_with(ASIDE))
}

/// A machine's mail for a ticket that is known: it is added, and that is all.
async fn note_machine(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    new: &Addition<'_>,
) -> Result<Taken, TicketError> {
    let known = lock_current(tx, ticket).await?;
    let message = add(tx, acting, known.id, new).await?;
    let settled = settle(tx, acting.tenant, known.id, acting.now).await?;
    let announcement = settled.map(|settled| settled.announcement).unwrap_or_default();
    Ok(Taken { ticket: known.id, message, is_new_ticket: false, machine: None, announcement })
}

/// The ticket that a new one follows, and what it takes from it.
struct Follows {
    former: TicketId,
    like: NewTicket,
}

/// A mail that begins a ticket.
async fn open(
    tx: &mut Tx,
    acting: &Acting<'_>,
    follows: Option<Follows>,
    new: &Addition<'_>,
) -> Result<Taken, TicketError> {
    let origin = Origin { follow_up_of: follows.as_ref().map(|follows| follows.former), split_from: None };
    let customer = new.customer();
    let wanted = follows.map(|follows| follows.like).unwrap_or_else(|| NewTicket {
        subject: new.letter.subject.clone(),
        channel: Channel::Email,
        priority: Priority::Normal,
        customer: Customer {
            id: None,
            email: customer.map(|person| person.address.clone()),
            name: customer.and_then(|person| person.name.clone()),
        },
        tags: Vec::new(),
        department: None,
        skills: Vec::new(),
        language: None,
        custom: serde_json::Map::new(),
        message: None,
    });
    let ticket = create::insert(tx, acting, &wanted, origin).await?;
    let suspended = new.machine.map(|reason| format!("{ASIDE}{reason}"));
    sqlx::query("update support_app.ticket set mailbox_id = $2, suspended_reason = $3 where id = $1")
        .bind(ticket)
        .bind(new.mailbox.id)
        .bind(suspended)
        .execute(&mut **tx)
        .await?;
    let message = add(tx, acting, ticket, new).await?;
    if new.machine.is_some() {
        let settled = settle(tx, acting.tenant, ticket, acting.now).await?;
        let announcement = settled.map(|settled| settled.announcement).unwrap_or_default();
        return Ok(Taken { ticket, message, is_new_ticket: true, machine: None, announcement });
    }
    message::recount(tx, ticket, 1).await?;
    let mut taken = finish(tx, acting, ticket, message, true).await?;
    taken.announcement.merge(greet(tx, acting, ticket, new).await?);
    Ok(taken)
}

async fn finish(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    message: MessageId,
    is_new_ticket: bool,
) -> Result<Taken, TicketError> {
    let settled =
        settle(tx, acting.tenant, ticket, acting.now).await?.ok_or(TicketError::Unknown("ticket"))?;
    let mut announcement = settled.announcement;
    announcement.merge(message::ask_for_draft(tx, acting, ticket).await?);
    Ok(Taken { ticket, message, is_new_ticket, machine: None, announcement })
}

/// Adds the message with what a mail has beside its text, and its files.
async fn add(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    new: &Addition<'_>,
) -> Result<MessageId, TicketError> {
    let letter = new.letter;
    let row = NewRow {
        from: From::Customer,
        channel: "email",
        sender_name: new.name(),
        author: None,
        text: &letter.text,
        // When it came here: the clock of its sender may say anything.
        sent_at: new.mail.received_at,
        delivery: None,
        send_at: None,
    };
    let message = message::insert(tx, acting.tenant, ticket, &row).await?;
    sqlx::query(
        "update support_app.message set mail_id = $2, mail_message_id = $3, sender_email = $4, body_html = $5,
             stripped_text = $6, by_machine = $7, machine = $8, no_automatic_answer = $9
         where id = $1",
    )
    .bind(message)
    .bind(new.mail.id)
    .bind(&letter.message_id)
    .bind(letter.sender.as_ref().map(|sender| sender.address.as_str()))
    .bind(&letter.html)
    .bind(&letter.stripped)
    .bind(new.machine.is_some())
    .bind(new.machine)
    .bind(new.machine.is_some() || letter.signs.no_automatic_answer)
    .execute(&mut **tx)
    .await?;
    if let Some(came_to) = new.came_to {
        message::note_origin(tx, message, came_to, ticket).await?;
    }
    let actor = format!("mail:{}", new.mail.id);
    let mut stored = BTreeSet::new();
    for file in new.files.iter().filter(|file| stored.insert(file.id)) {
        let new = NewAttachment {
            id: file.id,
            name: &file.name,
            content_type: file.content_type,
            size_bytes: file.size_bytes,
            sha256: &file.sha256,
            uploaded_by: &actor,
        };
        attachments::add_to(tx, acting.tenant, ticket, message, &new).await?;
    }
    Ok(message)
}

/// Two tickets turn out to be one thread: the younger goes into the older, unless they are of different customers.
async fn join(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: &mut TicketId,
    other: TicketId,
) -> Result<Announcement, TicketError> {
    if other == *ticket {
        return Ok(Announcement::default());
    }
    // Ids of version 7 sort by age. A machine's ticket goes into a person's.
    let (one, two) = if other < *ticket { (other, *ticket) } else { (*ticket, other) };
    let (older, younger) = (lock(tx, one).await?, lock(tx, two).await?);
    let of_machine = is_aside(&older) || is_aside(&younger);
    let (target, source) =
        if is_aside(&older) && !is_aside(&younger) { (younger, older) } else { (older, younger) };
    if target.standing(acting.now).is_final {
        return Ok(Announcement::default());
    }
    let (source, target) = (source.id, target.id);
    match merge::merge(tx, acting, source, target, of_machine).await {
        Ok((_, announcement)) => {
            *ticket = target;
            Ok(announcement)
        }
        // Somebody else's, or merged by now: both stay.
        Err(TicketError::Conflict(_) | TicketError::Merged(_) | TicketError::Field { .. }) => {
            Ok(Announcement::default())
        }
        Err(error) => Err(error),
    }
}
