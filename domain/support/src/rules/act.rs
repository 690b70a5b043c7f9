//! Doing what a rule says, in the transaction of its run: all of it or nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use database::Tx;
use database::ids::AgentId;
use jobs::Announcement;
use serde_json::{Value, json};
use uuid::Uuid;

use super::causes::Cause;
use super::decide::Rule;
use super::facts::Facts;
use super::spec::Action;
use super::{reply, webhooks};
use crate::assignment::commands::Target;
use crate::events::{self, Event};
use crate::macros::apply::{add_to, assign};
use crate::macros::store::{self, Macro};
use crate::macros::values::{self, LastOrder};
use crate::macros::variables::{self, Values};
use crate::tickets::TicketError;
use crate::tickets::change::{self, Change};
use crate::tickets::lock::{Acting, lock};
use crate::tickets::message;

/// What a run brings along for its rules' actions.
#[derive(Debug, Clone, Default)]
pub struct Supplies {
    /// The shop's name.
    pub shop_name: String,
    /// The customer's last order.
    pub order: Option<LastOrder>,
}

/// A rule that fires.
pub(super) struct Firing<'a> {
    pub(super) acting: &'a Acting<'a>,
    pub(super) rule: &'a Rule,
    pub(super) cause: &'a Cause,
    pub(super) supplies: &'a Supplies,
    pub(super) ticket_number: i64,
}

/// Carries the actions out in their order; `facts` becomes what the ticket is afterwards. Answers what came of each.
pub(super) async fn carry_out(
    tx: &mut Tx,
    firing: &Firing<'_>,
    facts: &mut Facts,
    announcement: &mut Announcement,
) -> Result<Vec<Value>, TicketError> {
    let ticket = firing.cause.ticket;
    let mut done = Vec::with_capacity(firing.rule.spec.actions.len());
    let mut texts = Texts::default();
    // Changes of fields that follow each other are one change.
    let mut gathered: Option<Change> = None;
    for action in &firing.rule.spec.actions {
        let mut shown = serde_json::to_value(action).unwrap_or_default();
        if changes_fields(action) {
            let change = gathered.get_or_insert_with(|| Change {
                reason: Some(format!("rule {}", firing.rule.spec.name)),
                ..Change::default()
            });
            add_to(change, action, firing.acting, tx, ticket).await?;
        } else {
            flush(tx, firing, &mut gathered, announcement).await?;
            if let Some(result) = perform(tx, firing, action, facts, &mut texts, announcement).await? {
                shown["result"] = result;
            }
        }
        facts.after(action);
        done.push(shown);
    }
    flush(tx, firing, &mut gathered, announcement).await?;
    Ok(done)
}

fn changes_fields(action: &Action) -> bool {
    matches!(
        action,
        Action::AddTags { .. }
            | Action::RemoveTags { .. }
            | Action::SetPriority { .. }
            | Action::SetStatus { .. }
            | Action::Snooze { .. }
            | Action::RequireSkills { .. }
    )
}

async fn flush(
    tx: &mut Tx,
    firing: &Firing<'_>,
    gathered: &mut Option<Change>,
    announcement: &mut Announcement,
) -> Result<(), TicketError> {
    if let Some(change) = gathered.take() {
        let (_, more) = change::change(tx, firing.acting, firing.cause.ticket, None, &change).await?;
        announcement.merge(more);
    }
    Ok(())
}

/// Does one thing; answers what is to be seen of it besides what the rule says.
async fn perform(
    tx: &mut Tx,
    firing: &Firing<'_>,
    action: &Action,
    facts: &Facts,
    texts: &mut Texts,
    announcement: &mut Announcement,
) -> Result<Option<Value>, TicketError> {
    let (acting, ticket) = (firing.acting, firing.cause.ticket);
    match action {
        Action::AssignAgent { agent_id } => {
            if facts.assignee.as_deref() == Some(agent_id.to_string().as_str()) {
                return Ok(Some(json!("it was theirs already")));
            }
            let to = Target::Agent(AgentId(*agent_id));
            announcement.merge(assign(tx, acting, ticket, &to, "rule").await?);
            Ok(None)
        }
        Action::AssignDepartment { department } => {
            let to = Target::Department(department.clone());
            announcement.merge(assign(tx, acting, ticket, &to, "rule").await?);
            Ok(None)
        }
        Action::Note { text } => {
            let values = texts.values(tx, firing).await?;
            // A note for colleagues may show what is not known.
            let text = variables::render(text, values).text;
            let added = message::note(tx, acting, ticket, &text, &[]).await?;
            announcement.merge(added.announcement);
            Ok(Some(json!({ "message_id": added.message })))
        }
        Action::Reply { macro_id } => {
            let text = texts.reply(tx, firing, *macro_id, facts.language.as_deref()).await?;
            let locked = lock(tx, ticket).await?;
            let sent = reply::send(tx, acting, &locked, &text).await?;
            let shown = sent.shown();
            if let reply::Sent::Queued(_, more) = sent {
                announcement.merge(more);
                store::used(tx, *macro_id, acting.now).await?;
                if let Some(settled) = crate::settle::settle(tx, acting.tenant, ticket, acting.now).await? {
                    announcement.merge(settled.announcement);
                }
            }
            Ok(Some(shown))
        }
        Action::Notify { agent_id } => {
            let assignee = facts.assignee.as_deref().and_then(|id| id.parse::<Uuid>().ok());
            let Some(agent) = agent_id.or(assignee) else {
                return Ok(Some(json!("nobody has the ticket, so nobody was told")));
            };
            let payload = json!({ "rule_id": firing.rule.id, "version": firing.rule.version });
            let event =
                Event { kind: "rule_notice", ticket: Some(ticket), agent: Some(AgentId(agent)), payload };
            events::emit(tx, acting.tenant, &event).await?;
            Ok(Some(json!({ "agent_id": agent })))
        }
        Action::CallWebhook { url } => {
            let number = firing.ticket_number;
            let (id, job) =
                webhooks::ask(tx, acting.tenant, firing.rule, firing.cause, facts, number, url).await?;
            let job = job.with_cause(acting.correlation_id, acting.trace_parent, "job");
            announcement.merge(jobs::enqueue_one(tx, job).await?.1);
            Ok(Some(json!({ "webhook_id": id })))
        }
        Action::AddTags { .. }
        | Action::RemoveTags { .. }
        | Action::SetPriority { .. }
        | Action::SetStatus { .. }
        | Action::Snooze { .. }
        | Action::RequireSkills { .. } => Ok(None),
    }
}

/// Macros and values that a firing has looked up.
#[derive(Default)]
struct Texts {
    values: Option<Values>,
    macros: HashMap<Uuid, Macro>,
}

impl Texts {
    async fn values(&mut self, tx: &mut Tx, firing: &Firing<'_>) -> Result<&Values, TicketError> {
        if self.values.is_none() {
            let supplies = firing.supplies;
            let ticket = firing.cause.ticket;
            let values = values::of(tx, ticket, None, &supplies.shop_name, supplies.order.as_ref()).await?;
            self.values = Some(values);
        }
        Ok(self.values.get_or_insert_default())
    }

    /// The macro's text with its values; one that is empty is a reason not to send it.
    async fn reply(
        &mut self,
        tx: &mut Tx,
        firing: &Firing<'_>,
        id: Uuid,
        language: Option<&str>,
    ) -> Result<String, TicketError> {
        if let Entry::Vacant(place) = self.macros.entry(id) {
            place.insert(store::get(tx, id).await?.ok_or(TicketError::Unknown("macro"))?);
        }
        self.values(tx, firing).await?;
        let values = self.values.clone().unwrap_or_default();
        let found = self.macros.get(&id).ok_or(TicketError::Unknown("macro"))?;
        let rendered = variables::render(found.text(language).1, &values);
        if !rendered.empty.is_empty() {
            let what = format!(
                "the macro {} has variables that are empty for this ticket: {}; give them a stand-in, as in \
                 {{{{customer.first_name | there}}}}",
                found.name,
                rendered.empty.join(", ")
            );
            return Err(TicketError::Conflict(what));
        }
        Ok(rendered.text)
    }
}
