//! Tickets and messages as they are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use support::tickets::full::Whole;
use support::tickets::message::Stored;
use utoipa::ToSchema;
use uuid::Uuid;

use super::attachments::AttachmentView;

/// Who a ticket is about, as the ticket has it; where that leaves the shop's id out, of whom it names.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketCustomer {
    /// The shop's id.
    pub id: Option<String>,
    /// The help desk's id.
    pub external_id: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketView {
    /// Ours.
    pub id: Uuid,
    /// The shop's running number, with gaps.
    pub number: i64,
    /// Grows with each change; the entity tag.
    pub version: i64,
    /// In which help desk it lives: `desk` is this one.
    pub provider: String,
    /// Its id there.
    pub external_id: String,
    /// The subject.
    pub subject: Option<String>,
    /// Through what it is answered.
    pub channel: String,
    /// Through which door it came.
    pub source: String,
    /// open, pending, resolved or closed.
    pub status: String,
    /// Since when.
    pub status_since: DateTime<Utc>,
    /// urgent, high, normal or low.
    pub priority: String,
    /// Who it is about.
    pub customer: TicketCustomer,
    /// Tags.
    pub tags: Vec<String>,
    /// Who looks after it.
    pub department: Option<String>,
    /// What one must be able to do to answer it.
    pub skills: Vec<String>,
    /// ISO 639-1.
    pub language: Option<String>,
    /// The shop's own fields.
    pub custom: Value,
    /// Whose it is.
    pub assignee_id: Option<Uuid>,
    /// assigned, accepted or in_progress.
    pub assignment_state: Option<String>,
    /// Since when it is theirs.
    pub assigned_at: Option<DateTime<Utc>>,
    /// It sleeps until then.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When it became resolved or closed.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// How often it was opened again.
    pub reopened_count: i32,
    /// Marked as spam.
    pub is_spam: bool,
    /// Why it was set aside.
    pub suspended_reason: Option<String>,
    /// The ticket in which it goes on.
    pub merged_into: Option<Uuid>,
    /// The ticket that it follows.
    pub follow_up_of: Option<Uuid>,
    /// The ticket that it was split from.
    pub split_from: Option<Uuid>,
    /// Whether we wrote first.
    pub opened_by_agent: bool,
    /// Messages between customer and agents.
    pub message_count: i32,
    /// The newest of them.
    pub last_message_at: Option<DateTime<Utc>>,
    /// Whether an agent wrote it.
    pub agent_spoke_last: bool,
    /// When the customer wrote last.
    pub last_customer_message_at: Option<DateTime<Utc>>,
    /// When an agent answered first.
    pub first_reply_at: Option<DateTime<Utc>>,
    /// Since when somebody waits for an answer.
    pub waiting_since: Option<DateTime<Utc>>,
    /// What became of the last reply when its customer does not have it: failed, bounced, or unsure, when nobody knows
    /// whether it left; null of any other.
    pub reply_fault: Option<String>,
    /// When the first clock runs out.
    pub sla_due_at: Option<DateTime<Utc>>,
    /// within_sla, at_risk or breached.
    pub sla_state: Option<String>,
    /// 0 bad to 1 good.
    pub sentiment: Option<f32>,
    /// What the customer wants.
    pub intent: Option<String>,
    /// What it is about.
    pub topics: Vec<String>,
    /// The key of the smart order: a greater one comes first.
    pub rank: f64,
    /// When it was made here.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// When its customer was erased, if they were: then nobody can be answered in it.
    pub erased_at: Option<DateTime<Utc>>,
}

impl From<Whole> for TicketView {
    fn from(whole: Whole) -> TicketView {
        let ticket = whole.ticket;
        let customer_id = ticket.shops_customer().map(str::to_owned);
        TicketView {
            id: ticket.id.0,
            number: ticket.number,
            version: whole.version,
            provider: ticket.provider,
            external_id: ticket.external_id,
            subject: ticket.subject,
            channel: ticket.channel,
            source: ticket.source,
            status: ticket.status,
            status_since: whole.status_since,
            priority: ticket.priority,
            customer: TicketCustomer {
                id: customer_id,
                external_id: ticket.customer_external_id,
                email: ticket.customer_email,
                name: ticket.customer_name,
            },
            tags: ticket.tags,
            department: whole.department,
            skills: whole.skills,
            language: whole.language,
            custom: whole.custom,
            assignee_id: whole.assignee_id.map(|agent| agent.0),
            assignment_state: whole.assignment_state,
            assigned_at: whole.assigned_at,
            snoozed_until: whole.snoozed_until,
            resolved_at: whole.resolved_at,
            closed_at: whole.closed_at,
            archived_at: whole.archived_at,
            reopened_count: whole.reopened_count,
            is_spam: whole.is_spam,
            suspended_reason: whole.suspended_reason,
            merged_into: whole.merged_into.map(|ticket| ticket.0),
            follow_up_of: whole.follow_up_of.map(|ticket| ticket.0),
            split_from: whole.split_from.map(|ticket| ticket.0),
            opened_by_agent: whole.opened_by_agent,
            message_count: ticket.message_count,
            last_message_at: ticket.last_message_at,
            agent_spoke_last: ticket.agent_spoke_last,
            last_customer_message_at: whole.last_customer_message_at,
            first_reply_at: whole.first_reply_at,
            waiting_since: whole.waiting_since,
            reply_fault: whole.reply_fault,
            sla_due_at: whole.sla_due_at,
            sla_state: whole.sla_state,
            sentiment: whole.sentiment.filter(|sentiment| sentiment.is_finite()),
            intent: whole.intent,
            topics: whole.topics,
            rank: if whole.rank.is_finite() { whole.rank } else { 0.0 },
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            erased_at: ticket.erased_at,
        }
    }
}

/// A message or note.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageView {
    /// Ours.
    pub id: Uuid,
    /// The ticket that it is in.
    pub ticket_id: Uuid,
    /// The ticket that it came to, when a merge or split brought it here.
    pub origin_ticket_id: Option<Uuid>,
    /// customer, agent or note.
    pub from: &'static str,
    /// Channel name.
    pub channel: String,
    /// The sender's name.
    pub sender_name: Option<String>,
    /// The agent who wrote it.
    pub author_id: Option<Uuid>,
    /// Whether a machine sent it.
    pub by_machine: bool,
    /// Why it counts as sent by one.
    pub machine: Option<String>,
    /// The sender's address, of a mail.
    pub sender_email: Option<String>,
    /// Plain text.
    pub text: String,
    /// The same without the history that mail programs append; null when it has none.
    pub stripped_text: Option<String>,
    /// HTML that is safe to show, of a mail.
    pub html: Option<String>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// When it was added here.
    pub created_at: DateTime<Utc>,
    /// Of a reply that goes out from here: scheduled, queued, sent, failed, withdrawn, bounced, or unsure, when nobody
    /// knows whether it left.
    pub delivery: Option<String>,
    /// When it goes out; until then it can be taken back.
    pub send_at: Option<DateTime<Utc>>,
    /// When it left.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Why it failed, or waits.
    pub error: Option<String>,
    /// Why a reply was not sent: no_mailbox, no_mail_server or no_address is what it lacks, and when that is there it can be
    /// sent again; overtaken when it was scheduled and the conversation went on before its time.
    pub not_sent_because: Option<String>,
    /// Files that came with it.
    pub attachments: Vec<AttachmentView>,
}

impl From<Stored> for MessageView {
    fn from(message: Stored) -> MessageView {
        MessageView {
            id: message.id.0,
            ticket_id: message.ticket_id.0,
            origin_ticket_id: message.origin_ticket_id.map(|ticket| ticket.0),
            from: match (message.internal, message.from_agent) {
                (true, _) => "note",
                (false, true) => "agent",
                (false, false) => "customer",
            },
            channel: message.channel,
            sender_name: message.sender_name,
            author_id: message.author_id.map(|agent| agent.0),
            by_machine: message.by_machine,
            machine: message.machine,
            sender_email: message.sender_email,
            text: message.body_text,
            stripped_text: message.stripped_text,
            html: message.body_html,
            sent_at: message.sent_at,
            created_at: message.created_at,
            delivery: message.delivery,
            send_at: message.send_at,
            delivered_at: message.delivered_at,
            error: message.error,
            not_sent_because: message.not_sent_because,
            attachments: Vec::new(),
        }
    }
}
