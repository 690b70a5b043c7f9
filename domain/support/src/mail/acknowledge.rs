//! What a customer is told at once, when a shop switches that on: that their mail came. One in five minutes and ten a day to a
//! customer, and never to machines; so two desks that do it cannot go on answering each other, whatever their mails say.

use chrono::{DateTime, Duration, Utc};
use database::Tx;
use database::ids::TicketId;
use jobs::Announcement;

use super::letter::Letter;
use super::mailboxes::Mailbox;
use crate::kinds::SendReply;
use crate::tickets::message::{From, NewRow, insert};
use crate::tickets::{Acting, TicketError};

/// One to a customer in this time.
const ONE_IN_MINUTES: i64 = 5;
/// So many to a customer in a day.
const MOST_A_DAY: i32 = 10;

/// Writes it, if it is to be written (support role, the ticket's row locked or just made).
///
/// # Errors
/// The database failed.
pub(crate) async fn acknowledge(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    mailbox: &Mailbox,
    letter: &Letter,
    customer: &str,
) -> Result<Announcement, TicketError> {
    let Some(text) = mailbox.acknowledgement.as_deref() else { return Ok(Announcement::default()) };
    if letter.signs.no_automatic_answer || mailbox.smtp_host.is_none() || !claim(tx, acting, customer).await?
    {
        return Ok(Announcement::default());
    }
    let row = NewRow {
        from: From::Agent,
        channel: "email",
        sender_name: mailbox.display_name.as_deref().or(Some(&mailbox.address)),
        author: None,
        text,
        sent_at: acting.now,
        delivery: Some("queued"),
        send_at: Some(acting.now),
    };
    let message = insert(tx, acting.tenant, ticket, &row).await?;
    sqlx::query("update support_app.message set by_machine = true, machine = 'it says that the mail came' where id = $1")
        .bind(message)
        .execute(&mut **tx)
        .await?;
    let job = acting.job(&SendReply { message_id: message.0 }, &message.to_string())?;
    Ok(jobs::enqueue_one(tx, job).await?.1)
}

/// Whether no machine of ours told the customer anything for five minutes, rules neither; from now on one did.
async fn claim(tx: &mut Tx, acting: &Acting<'_>, customer: &str) -> Result<bool, TicketError> {
    let before: DateTime<Utc> = acting.now - Duration::minutes(ONE_IN_MINUTES);
    let done = sqlx::query(
        "insert into support_app.mail_acknowledged as a (tenant_id, customer, at, since)
         select $1, $2, $3, $3 where not exists (
             select from support_app.auto_reply r where r.tenant_id = $1 and r.customer = $5 and r.at > $4)
         on conflict (tenant_id, customer) do update set at = excluded.at,
             times = case when a.since > $6 then a.times + 1 else 1 end,
             since = case when a.since > $6 then a.since else excluded.at end
         where a.at <= $4 and (a.since is null or a.since <= $6 or a.times < $7)",
    )
    .bind(acting.tenant)
    .bind(customer)
    .bind(acting.now)
    .bind(before)
    .bind(format!("email:{}", customer.to_lowercase()))
    .bind(acting.now - Duration::days(1))
    .bind(MOST_A_DAY)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
