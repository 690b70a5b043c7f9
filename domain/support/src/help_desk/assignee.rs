//! Whose a ticket is, on both sides. Agents are the same person when their addresses are. Merged by three ways as status and
//! tags are: what changed there since both sides were looked at last is taken, what changed here is told. Who is known on
//! one side alone is left where they are, and that is listed among what differs.

use database::Tx;
use database::ids::{AgentId, TenantId, TicketId};
use jobs::Announcement;
use serde_json::{Value, json};
use sqlx::FromRow;

use crate::assignment::AssignError;
use crate::assignment::commands::{self, Target};
use crate::macros::apply;
use crate::tickets::TicketError;
use crate::tickets::lock::Acting;

/// What they are to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tell {
    /// Nothing.
    #[default]
    Nothing,
    /// That it is nobody's.
    Nobody,
    /// That it is the agent's with this address.
    Agent(String),
}

/// What history says of it.
const WHY: &str = "the help desk says so";

#[derive(FromRow)]
struct Stands {
    assignee_id: Option<AgentId>,
    base_id: Option<AgentId>,
    base_theirs: String,
    our_email: Option<String>,
    their_agent: Option<AgentId>,
}

/// Merges who has it there, an address or nothing for nobody, into who has it here (support role; the ticket is locked and has
/// a base). Answers what they are to be told.
///
/// # Errors
/// The database failed.
pub async fn merge(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    theirs: &str,
) -> Result<(Tell, Announcement), TicketError> {
    let theirs = theirs.trim().to_lowercase();
    let stands: Stands = sqlx::query_as(
        "select t.assignee_id, b.assignee_id as base_id, b.assignee_theirs as base_theirs,
                (select lower(a.email) from support_app.agent a where a.id = t.assignee_id) as our_email,
                (select a.id from support_app.agent a
                 where a.tenant_id = t.tenant_id and lower(a.email) = $2 and a.disabled_at is null) as their_agent
         from support_app.ticket t join support_app.help_desk_base b on b.ticket_id = t.id where t.id = $1",
    )
    .bind(ticket)
    .bind(&theirs)
    .fetch_one(&mut **tx)
    .await?;
    if stands.base_theirs != theirs {
        return take(tx, acting, ticket, &theirs, &stands).await;
    }
    let tell = match (stands.assignee_id == stands.base_id, stands.our_email) {
        (true, _) => Tell::Nothing,
        (false, Some(email)) if email == theirs => Tell::Nothing,
        (false, Some(email)) => Tell::Agent(email),
        (false, None) if theirs.is_empty() => Tell::Nothing,
        (false, None) => Tell::Nobody,
    };
    if tell == Tell::Nothing {
        agree(tx, ticket, &theirs).await?;
    }
    Ok((tell, Announcement::default()))
}

/// It changed there: it is the same here, where that can be.
async fn take(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    theirs: &str,
    stands: &Stands,
) -> Result<(Tell, Announcement), TicketError> {
    let ours = json!(stands.assignee_id);
    let done = match stands.their_agent {
        Some(agent) if stands.assignee_id == Some(agent) => Ok(Announcement::default()),
        Some(agent) => apply::assign(tx, acting, ticket, &Target::Agent(agent), WHY).await,
        None if !theirs.is_empty() => Err(TicketError::Conflict("an agent who is not known here".to_owned())),
        None if stands.assignee_id.is_none() => Ok(Announcement::default()),
        None => unassign(tx, acting, ticket).await,
    };
    let announcement = match done {
        Ok(announcement) => announcement,
        Err(TicketError::Conflict(why)) => {
            left(tx, acting.tenant, ticket, &ours, &json!(why)).await?;
            Announcement::default()
        }
        Err(error) => return Err(error),
    };
    agree(tx, ticket, theirs).await?;
    Ok((Tell::Nothing, announcement))
}

async fn unassign(tx: &mut Tx, acting: &Acting<'_>, ticket: TicketId) -> Result<Announcement, TicketError> {
    let decides = commands::Acting {
        tenant: acting.tenant,
        actor: acting.actor,
        agent: acting.agent,
        over_others: true,
        expects: None,
        now: acting.now,
    };
    match commands::unassign(tx, &decides, ticket, Some(WHY)).await {
        Ok(done) => Ok(done.announcement),
        Err(AssignError::Queue(error)) => Err(error.into()),
        Err(other) => Err(TicketError::Conflict(other.to_string())),
    }
}

/// Remembers that both sides were looked at: who has it here now, and who there (support role).
///
/// # Errors
/// The database failed.
pub async fn agree(tx: &mut Tx, ticket: TicketId, theirs: &str) -> Result<(), TicketError> {
    sqlx::query(
        "update support_app.help_desk_base b set assignee_id = t.assignee_id, assignee_theirs = $2, assignee_told = null
         from support_app.ticket t where b.ticket_id = $1 and t.id = $1",
    )
    .bind(ticket)
    .bind(theirs)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Who has it here (support role).
///
/// # Errors
/// The database failed.
pub async fn now(tx: &mut Tx, ticket: TicketId) -> Result<Option<AgentId>, TicketError> {
    Ok(sqlx::query_scalar("select assignee_id from support_app.ticket where id = $1")
        .bind(ticket)
        .fetch_one(&mut **tx)
        .await?)
}

/// Lists that who has it differs, and why that stays so (support role). `ours` is an agent's id, `theirs` a sentence.
///
/// # Errors
/// The database failed.
pub async fn left(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    ours: &Value,
    theirs: &Value,
) -> Result<(), TicketError> {
    sqlx::query(
        "insert into support_app.help_desk_difference (tenant_id, ticket_id, field, ours, theirs, merged)
         values ($1, $2, 'assignee', $3, $4, $3)",
    )
    .bind(tenant)
    .bind(ticket)
    .bind(ours)
    .bind(theirs)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
