//! Which ticket a mail belongs to: by the mails that it answers, and by those that answer it, because mails come in any
//! order. A number in the subject counts only from people of the ticket, because anybody can write a number.

use database::ids::{MessageId, TenantId, TicketId};
use database::{DbError, Tx};
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use uuid::Uuid;

use super::letter::Letter;
use crate::tickets::create::PROVIDER;

/// Numbers in a subject that are looked at.
const MOST_NUMBERS: usize = 3;
/// Tickets that went on after another, of which the newest are looked at.
const MOST_FOLLOW_UPS: i64 = 20;

/// The tickets that a mail belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The ticket; none when it begins a new one.
    pub ticket: Option<TicketId>,
    /// The one that it came to: another when that was merged, and goes on in this one.
    pub came_to: Option<TicketId>,
    /// Others to which it belongs as well, because it is what links them.
    pub others: Vec<TicketId>,
}

/// Looks for it (support role). Whatever else belongs to the same mails waits until the transaction ends, so that two
/// mails of one thread never make two tickets.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, tenant: TenantId, letter: &Letter) -> Result<Found, DbError> {
    let ids = hashes(letter);
    if !ids.is_empty() {
        let mut locks: Vec<i64> = ids.iter().map(|id| lock_of(tenant, id)).collect();
        locks.sort_unstable();
        locks.dedup();
        sqlx::query("select pg_advisory_xact_lock(k) from unnest($1::bigint[]) k")
            .bind(&locks)
            .execute(&mut **tx)
            .await?;
    }
    let known: Vec<(Vec<u8>, TicketId, TicketId)> = sqlx::query_as(
        "select h.header_id, coalesce(t.merged_into, t.id), t.id
         from support_app.mail_thread h join support_app.ticket t on t.id = h.ticket_id
         where h.tenant_id = $1 and h.header_id = any($2)",
    )
    .bind(tenant)
    .bind(&ids)
    .fetch_all(&mut **tx)
    .await?;
    let of =
        |id: &Vec<u8>| known.iter().find(|(known, ..)| known == id).map(|(_, ticket, own)| (*ticket, *own));
    // The nearest of the mails that it answers says where it came to.
    let came_to = ids.iter().find_map(of).map(|(_, own)| own);
    let mut tickets: Vec<TicketId> = Vec::new();
    for (ticket, _) in ids.iter().filter_map(of) {
        if !tickets.contains(&ticket) {
            tickets.push(ticket);
        }
    }
    if let Some((first, others)) = tickets.split_first() {
        return Ok(Found { ticket: Some(*first), came_to, others: others.to_vec() });
    }
    let (ticket, came_to) = by_number(tx, tenant, letter).await?.unzip();
    Ok(Found { ticket, came_to, others: Vec::new() })
}

/// The same mail, taken in of another mailbox of the shop (support role): whoever writes to several wrote one message. Copies of
/// it wait until the transaction ends.
///
/// # Errors
/// The database failed.
pub(super) async fn copy_of(tx: &mut Tx, tenant: TenantId, mail: Uuid) -> Result<Option<Elsewhere>, DbError> {
    let identity: Vec<u8> = sqlx::query_scalar("select identity from support_app.mail where id = $1")
        .bind(mail)
        .fetch_one(&mut **tx)
        .await?;
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(lock_of(tenant, &identity))
        .execute(&mut **tx)
        .await?;
    Ok(sqlx::query_as(
        "select m.ticket_id, m.message_row, m.machine
         from support_app.mailbox b join support_app.mail m on m.mailbox_id = b.id and m.identity = $2
         where b.tenant_id = $3 and m.id <> $1 and m.state = 'taken' and m.ticket_id is not null
           and m.message_row is not null
         order by m.taken_at limit 1",
    )
    .bind(mail)
    .bind(&identity)
    .bind(tenant)
    .fetch_optional(&mut **tx)
    .await?)
}

/// What became of the same mail elsewhere.
#[derive(FromRow)]
pub(super) struct Elsewhere {
    pub(super) ticket_id: TicketId,
    pub(super) message_row: MessageId,
    pub(super) machine: Option<String>,
}

/// Tickets in which those went on that are final, the newest first (support role).
pub(super) async fn follow_ups(tx: &mut Tx, tickets: &[TicketId]) -> Result<Vec<TicketId>, DbError> {
    Ok(sqlx::query_scalar(
        "with recursive later as (
             select f.id from support_app.ticket f where f.follow_up_of = any($1)
             union select f.id from support_app.ticket f join later l on f.follow_up_of = l.id
         )
         select id from later order by id desc limit $2",
    )
    .bind(tickets)
    .bind(MOST_FOLLOW_UPS)
    .fetch_all(&mut **tx)
    .await?)
}

/// Remembers that a mail and those that it answers are in a ticket (support role).
///
/// # Errors
/// The database failed.
pub async fn remember(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    letter: &Letter,
) -> Result<(), DbError> {
    remember_ids(tx, tenant, ticket, &hashes(letter)).await
}

/// The same for a mail that leaves.
///
/// # Errors
/// The database failed.
pub async fn remember_sent(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    message_id: &str,
) -> Result<(), DbError> {
    remember_ids(tx, tenant, ticket, &[hash(message_id)]).await
}

async fn remember_ids(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    ids: &[Vec<u8>],
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.mail_thread (tenant_id, header_id, ticket_id)
         select $1, h, $3 from unnest($2::bytea[]) h order by h
         on conflict (tenant_id, header_id) do nothing",
    )
    .bind(tenant)
    .bind(ids)
    .bind(ticket)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether a mail answers one of a ticket whose customer was erased (support role).
///
/// # Errors
/// The database failed.
pub async fn is_of_erased(tx: &mut Tx, tenant: TenantId, letter: &Letter) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (select from support_app.mail_thread h join support_app.ticket t on t.id = h.ticket_id
             where h.tenant_id = $1 and h.header_id = any($2) and t.erased_at is not null)",
    )
    .bind(tenant)
    .bind(hashes(letter))
    .fetch_one(&mut **tx)
    .await?)
}

/// Whether a mail is from one of the people of a ticket: its customer, or whoever wrote in it before (support role). Anybody may
/// say that a mail answers another whose id they have seen.
///
/// # Errors
/// The database failed.
pub(super) async fn is_of_its_people(
    tx: &mut Tx,
    ticket: TicketId,
    letter: &Letter,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select coalesce(lower(t.customer_email) = any($2), false) or exists (
             select from support_app.message m where m.ticket_id = t.id and m.sender_email = any($2))
         from support_app.ticket t where t.id = $1",
    )
    .bind(ticket)
    .bind(people(letter))
    .fetch_one(&mut **tx)
    .await?)
}

fn people(letter: &Letter) -> Vec<&str> {
    letter.sender.iter().chain(&letter.reply_to).map(|person| person.address.as_str()).collect()
}

/// The ticket of a number, and the one that has the number itself.
async fn by_number(
    tx: &mut Tx,
    tenant: TenantId,
    letter: &Letter,
) -> Result<Option<(TicketId, TicketId)>, DbError> {
    let numbers = numbers(letter.subject.as_deref().unwrap_or_default());
    let people = people(letter);
    if numbers.is_empty() || people.is_empty() {
        return Ok(None);
    }
    Ok(sqlx::query_as(
        "select coalesce(t.merged_into, t.id), t.id from support_app.ticket t
         where t.tenant_id = $1 and t.number = any($2) and t.provider = $3
           and (t.customer_email = any($4) or exists (
               select from support_app.message m where m.ticket_id = t.id and m.sender_email = any($4)))
         order by array_position($2, t.number) limit 1",
    )
    .bind(tenant)
    .bind(&numbers)
    .bind(PROVIDER)
    .bind(&people)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Numbers behind a `#`.
fn numbers(subject: &str) -> Vec<i64> {
    let after = subject.split('#').skip(1);
    let digits = after.map(|rest| rest.chars().take_while(char::is_ascii_digit).take(12).collect::<String>());
    digits.filter_map(|digits| digits.parse().ok()).take(MOST_NUMBERS).collect()
}

/// Of the mails that it answers, the nearest first, and of itself at the end.
fn hashes(letter: &Letter) -> Vec<Vec<u8>> {
    letter.references.iter().chain(letter.message_id.as_ref()).map(|id| hash(id)).collect()
}

fn hash(message_id: &str) -> Vec<u8> {
    Sha256::digest(message_id.as_bytes()).to_vec()
}

fn lock_of(tenant: TenantId, id: &[u8]) -> i64 {
    let digest = Sha256::new()
        .chain_update("mail thread")
        .chain_update(tenant.0.as_bytes())
        .chain_update(id)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_a_hash() {
        assert_eq!(numbers("Re: Lamp [#123] and #45"), [123, 45]);
        assert_eq!(numbers("Order 4711, room #12a"), [12]);
        assert_eq!(numbers("C# is fine ##"), Vec::<i64>::new());
    }
}
