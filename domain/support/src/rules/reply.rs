//! Replies that rules send. They are marked as a machine's, so they end no clock and count as nobody's answer; they leave
//! by the same job and gate as every reply. A customer has one in five minutes at most; machines, and whoever wrote to many,
//! have none.

use chrono::Duration;
use database::Tx;
use database::ids::MessageId;
use jobs::Announcement;
use serde_json::{Value, json};

use crate::kinds::SendReply;
use crate::tickets::TicketError;
use crate::tickets::lock::{Acting, Locked};
use crate::tickets::message::{self, From, NewRow};
use crate::tickets::state::Status;
use crate::tickets::words::{self, REPLY_LIMIT};

/// How long a customer has no other automatic reply.
const PAUSE: Duration = Duration::minutes(5);

/// What became of it.
#[derive(Debug)]
pub(super) enum Sent {
    /// It is on its way.
    Queued(MessageId, Announcement),
    /// It is not sent, and why.
    Not(&'static str),
}

impl Sent {
    /// For the run's log.
    pub(super) fn shown(&self) -> Value {
        match self {
            Sent::Queued(message, _) => json!({ "message_id": message }),
            Sent::Not(why) => json!({ "not_sent": why }),
        }
    }
}

/// Queues an automatic reply to a locked ticket (support role). The caller settles.
pub(super) async fn send(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: &Locked,
    text: &str,
) -> Result<Sent, TicketError> {
    let text = words::text("text", text, REPLY_LIMIT)?;
    if ticket.status() == Status::Closed || ticket.standing(acting.now).is_final {
        return Ok(Sent::Not("the ticket is closed"));
    }
    if ticket.is_erased {
        return Ok(Sent::Not("the customer was erased"));
    }
    if let Some(why) = wants_none(tx, ticket).await? {
        return Ok(Sent::Not(why));
    }
    if !has_paused(tx, acting, ticket).await? {
        return Ok(Sent::Not("the customer had an automatic reply less than five minutes ago"));
    }
    let row = NewRow {
        from: From::Agent,
        channel: &ticket.channel,
        sender_name: Some(acting.name),
        author: None,
        text,
        sent_at: acting.now,
        delivery: Some("queued"),
        send_at: Some(acting.now),
    };
    let message = message::insert(tx, acting.tenant, ticket.id, &row).await?;
    sqlx::query("update support_app.message set by_machine = true where id = $1")
        .bind(message)
        .execute(&mut **tx)
        .await?;
    message::recount(tx, ticket.id, 1).await?;
    let job = acting.job(&SendReply { message_id: message.0 }, &message.to_string())?;
    Ok(Sent::Queued(message, jobs::enqueue_one(tx, job).await?.1))
}

/// Why what came last from outside gets no automatic answer, if so: a machine sent it, or it went to many.
async fn wants_none(tx: &mut Tx, ticket: &Locked) -> Result<Option<&'static str>, TicketError> {
    let last: Option<(bool, bool)> = sqlx::query_as(
        "select by_machine, no_automatic_answer from support_app.message
         where ticket_id = $1 and not internal and not from_agent order by created_at desc, id desc limit 1",
    )
    .bind(ticket.id)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(match last {
        Some((true, _)) => Some("the customer's last message was sent by a machine"),
        Some((false, true)) => {
            Some("the customer's last message went to many, or asks for no automatic answer")
        }
        Some((false, false)) | None => None,
    })
}

/// Takes the customer's turn, if they had none for a while: one conditional statement, so that of two tickets of a
/// customer at once one has it.
async fn has_paused(tx: &mut Tx, acting: &Acting<'_>, ticket: &Locked) -> Result<bool, TicketError> {
    let customer = match (&ticket.customer_email, &ticket.customer_id) {
        (Some(email), _) => format!("email:{}", email.to_lowercase()),
        (None, Some(id)) => format!("id:{id}"),
        (None, None) => format!("ticket:{}", ticket.id),
    };
    // That a mail came was told by a machine too.
    let taken = sqlx::query(
        "insert into support_app.auto_reply as a (tenant_id, customer, at)
         select $1, $2, $3 where not exists (
             select from support_app.mail_acknowledged k where k.tenant_id = $1 and k.customer = $5 and k.at > $4)
         on conflict (tenant_id, customer) do update set at = excluded.at where a.at <= $4",
    )
    .bind(acting.tenant)
    .bind(customer)
    .bind(acting.now)
    .bind(acting.now - PAUSE)
    .bind(ticket.customer_email.as_deref().map(str::to_lowercase))
    .execute(&mut **tx)
    .await?;
    Ok(taken.rows_affected() == 1)
}
