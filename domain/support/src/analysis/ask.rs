//! Asks for readings of a ticket's messages that nobody has read and nobody has asked for.

use chrono::{DateTime, Duration, Utc};

use database::Tx;
use database::ids::{MessageId, TenantId, TicketId};
use jobs::{NewJob, QueueError};

use crate::kinds::AnalyzeMessage;

/// The newest messages of a ticket that are read at most; what is older says little of today.
const NEWEST: i64 = 20;
/// Older messages are history that came in late, and are not read.
const READ_FOR_DAYS: i64 = 90;

/// The step of [`crate::settle`]: the jobs that read what is new. Spam is not read.
///
/// # Errors
/// The database failed.
pub async fn ask(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Vec<NewJob>, QueueError> {
    let asked: Vec<MessageId> = sqlx::query_scalar(
        "insert into support_app.message_analysis (message_id, tenant_id, asked_at)
         select m.id, m.tenant_id, $2
         from (select m.id, m.tenant_id from support_app.message m
               join support_app.ticket t on t.id = m.ticket_id
               where m.ticket_id = $1 and not m.from_agent and not m.internal and not m.by_machine
                 and m.body_text <> '' and m.sent_at > $3 and not t.is_spam and t.suspended_reason is null
               order by m.sent_at desc, m.id desc limit $4) m
         where not exists (select from support_app.message_analysis a where a.message_id = m.id)
         on conflict (message_id) do nothing
         returning message_id",
    )
    .bind(ticket)
    .bind(now)
    .bind(now - Duration::days(READ_FOR_DAYS))
    .bind(NEWEST)
    .fetch_all(&mut **tx)
    .await?;
    asked
        .into_iter()
        .map(|message| {
            NewJob::of(tenant, &AnalyzeMessage { message_id: message.0 })?
                .with_dedup_key(&message.to_string())
        })
        .collect()
}
