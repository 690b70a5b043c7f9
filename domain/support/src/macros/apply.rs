//! Using a macro on a ticket: what it would say and do, and doing it, reply and changes in one transaction.

use database::Tx;
use database::ids::{AgentId, MessageId, TicketId};
use jobs::Announcement;
use serde::Serialize;
use uuid::Uuid;

use super::store::{self, Macro};
use super::values::{self, LastOrder};
use super::variables::{self, Rendered};
use crate::assignment::AssignError;
use crate::assignment::commands::{self, Target};
use crate::rules::spec::Action;
use crate::tickets::change::{self, Change};
use crate::tickets::lock::Acting;
use crate::tickets::message::{self, Stored};
use crate::tickets::reply::{self, NewReply, Replied};
use crate::tickets::reply_text::ReplyText;
use crate::tickets::{TicketError, full};

/// What a macro would say and do.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The language of the text.
    pub language: String,
    /// The text, and the variables that are empty for this ticket.
    #[serde(flatten)]
    pub rendered: Rendered,
    /// What would happen beside.
    pub actions: Vec<Action>,
}

/// What a macro would say and do on a ticket (support role).
///
/// # Errors
/// There is no such ticket, or the database failed.
pub async fn preview(
    tx: &mut Tx,
    of: &Macro,
    ticket: TicketId,
    agent: Option<AgentId>,
    shop_name: &str,
    order: Option<&LastOrder>,
) -> Result<Preview, TicketError> {
    let whole = full::whole(tx, ticket).await?.ok_or(TicketError::Unknown("ticket"))?;
    let values = values::of(tx, ticket, agent, shop_name, order).await?;
    let (language, text) = of.text(whole.language.as_deref());
    let rendered = variables::render(text, &values);
    Ok(Preview { language: language.to_owned(), rendered, actions: of.actions.clone() })
}

/// How a macro is used.
#[derive(Debug, Clone)]
pub struct Use<'a> {
    /// Another text than the macro's, with its variables filled in already.
    pub text: Option<&'a str>,
    /// The message that was added last as the agent looked.
    pub last_seen: Option<MessageId>,
    /// Send whatever was added meanwhile.
    pub force: bool,
    /// Only what happens beside, without a reply.
    pub without_reply: bool,
}

/// What became of it.
#[derive(Debug)]
pub enum Applied {
    /// It was done.
    Done {
        /// The reply, if there is one.
        reply: Option<Box<Stored>>,
        /// What was not done beside, because the reply has no way to leave.
        left_out: Vec<Action>,
        /// The version of the ticket.
        version: i64,
        /// To be announced after the commit.
        announcement: Announcement,
    },
    /// Something was added that the agent has not seen: nothing was done but keeping the text. Commit.
    Unseen {
        /// What is new, oldest first.
        news: Vec<Stored>,
        /// The text.
        kept: Box<ReplyText>,
    },
    /// Variables are empty: nothing was done.
    Empty(Vec<String>),
}

/// Uses a macro (support role). `over_others` says whether the caller may decide over others' tickets.
///
/// # Errors
/// The state or a value does not allow it, or the database failed.
pub async fn apply(
    tx: &mut Tx,
    acting: &Acting<'_>,
    of: &Macro,
    ticket: TicketId,
    shop_name: &str,
    order: Option<&LastOrder>,
    with: &Use<'_>,
) -> Result<Applied, TicketError> {
    let mut announcement = Announcement::default();
    let mut reply = None;
    let (mut actions, mut left_out) = (of.actions.clone(), Vec::new());
    if !with.without_reply {
        let text = match with.text {
            Some(text) => text.to_owned(),
            None => {
                let rendered = preview(tx, of, ticket, acting.agent, shop_name, order).await?.rendered;
                if !rendered.empty.is_empty() {
                    return Ok(Applied::Empty(rendered.empty));
                }
                rendered.text
            }
        };
        let new = NewReply {
            text: &text,
            last_seen: with.last_seen,
            force: with.force,
            send_at: None,
            status: None,
            attachments: &[],
        };
        match reply::reply(tx, acting, ticket, &new).await? {
            Replied::Queued { message, announcement: more, .. } => {
                announcement.merge(more);
                // What cannot leave answers nobody, so it neither resolves nor puts to sleep.
                if message.not_sent_because.is_some() {
                    let settles =
                        |one: &Action| matches!(one, Action::SetStatus { .. } | Action::Snooze { .. });
                    (left_out, actions) = actions.into_iter().partition(settles);
                }
                reply = Some(Box::new(message));
            }
            Replied::Unseen { news, kept } => {
                return Ok(Applied::Unseen { news, kept: Box::new(kept) });
            }
        }
    }
    let version = carry_out(tx, acting, of.id, ticket, &actions, &mut announcement).await?;
    store::used(tx, of.id, acting.now).await?;
    Ok(Applied::Done { reply, left_out, version, announcement })
}

/// Does what a macro does beside its text.
async fn carry_out(
    tx: &mut Tx,
    acting: &Acting<'_>,
    of: Uuid,
    ticket: TicketId,
    actions: &[Action],
    announcement: &mut Announcement,
) -> Result<i64, TicketError> {
    // Whoever gets it gets it before its status changes: only what is open can be assigned.
    for action in actions {
        let to = match action {
            Action::AssignAgent { agent_id } => Target::Agent(AgentId(*agent_id)),
            Action::AssignDepartment { department } => Target::Department(department.clone()),
            _ => continue,
        };
        announcement.merge(assign(tx, acting, ticket, &to, "macro").await?);
    }
    let mut change = Change { reason: Some(format!("macro {of}")), ..Change::default() };
    for action in actions {
        match action {
            Action::Note { text } => {
                let values = values::of(tx, ticket, acting.agent, "", None).await?;
                let rendered = variables::render(text, &values);
                announcement
                    .merge(message::note(tx, acting, ticket, &rendered.text, &[]).await?.announcement);
            }
            action => add_to(&mut change, action, acting, tx, ticket).await?,
        }
    }
    let (version, more) = change::change(tx, acting, ticket, None, &change).await?;
    announcement.merge(more);
    Ok(version)
}

/// Adds what an action changes of the ticket's fields.
pub(crate) async fn add_to(
    change: &mut Change,
    action: &Action,
    acting: &Acting<'_>,
    tx: &mut Tx,
    ticket: TicketId,
) -> Result<(), TicketError> {
    match action {
        Action::AddTags { tags } => change.add_tags.extend(tags.iter().cloned()),
        Action::RemoveTags { tags } => change.remove_tags.extend(tags.iter().cloned()),
        Action::SetPriority { priority } => change.priority = Some(*priority),
        Action::SetStatus { status } => change.status = Some(*status),
        Action::Snooze { minutes } => {
            change.snoozed_until = Some(Some(acting.now + chrono::Duration::minutes(*minutes)));
        }
        Action::RequireSkills { skills } => {
            let mut all: Vec<String> = match change.skills.take() {
                Some(all) => all,
                None => {
                    sqlx::query_scalar("select skills from support_app.ticket where id = $1")
                        .bind(ticket)
                        .fetch_one(&mut **tx)
                        .await?
                }
            };
            all.extend(skills.iter().filter(|skill| !all.contains(skill)).cloned().collect::<Vec<_>>());
            change.skills = Some(all);
        }
        _ => {}
    }
    Ok(())
}

/// Gives a ticket to an agent, whatever room they have, or to a department.
pub(crate) async fn assign(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    to: &Target,
    why: &str,
) -> Result<Announcement, TicketError> {
    let decides = commands::Acting {
        tenant: acting.tenant,
        actor: acting.actor,
        agent: acting.agent,
        over_others: true,
        expects: None,
        now: acting.now,
    };
    let done = match to {
        Target::Agent(agent) => commands::assign(tx, &decides, ticket, *agent, true, Some(why)).await,
        Target::Department(_) => commands::transfer(tx, &decides, ticket, to, true, why).await,
    };
    match done {
        Ok(done) => Ok(done.announcement),
        Err(AssignError::Queue(error)) => Err(error.into()),
        Err(other) => Err(TicketError::Conflict(other.to_string())),
    }
}
