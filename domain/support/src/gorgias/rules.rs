//! Whether a delivery deserves a draft.
//!
//! The tag that forces a draft outranks the tags that forbid one and the guesses about the sender. It does not
//! outrank what must never be answered: our own notes (which would make the system talk to itself), a
//! conversation in which the agent spoke last, and tickets that are closed, spam or deleted.

use super::delivery::{Delivery, Status};
use super::source::{self, Source, Style};

/// What to do with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Write a draft in this style.
    Draft {
        /// How it is written.
        style: Style,
    },
    /// Do nothing, for this reason.
    Skip(SkipReason),
}

/// Why a delivery gets no draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The news is a message in which there is nothing.
    NoMessage,
    /// The news is an internal note, ours or an agent's.
    InternalNote,
    /// The last message to the customer is newer than the customer's last.
    AgentSpokeLast,
    /// The ticket is closed.
    Closed,
    /// The ticket is spam.
    Spam,
    /// The ticket was deleted.
    Deleted,
    /// A tag reserves the ticket for people.
    HumanOnly,
    /// The sender reads no replies.
    NoReplySender,
    /// The sender is a mass mailing.
    MarketingSender,
    /// A program created the ticket, on no agent's behalf.
    ApiWithoutAgent,
}

impl SkipReason {
    /// The text form, as stored and as answered to the sender.
    pub fn name(self) -> &'static str {
        match self {
            SkipReason::NoMessage => "no_message",
            SkipReason::InternalNote => "internal_note",
            SkipReason::AgentSpokeLast => "agent_spoke_last",
            SkipReason::Closed => "ticket_closed",
            SkipReason::Spam => "ticket_spam",
            SkipReason::Deleted => "ticket_deleted",
            SkipReason::HumanOnly => "tagged_human_only",
            SkipReason::NoReplySender => "no_reply_sender",
            SkipReason::MarketingSender => "marketing_sender",
            SkipReason::ApiWithoutAgent => "api_without_agent",
        }
    }
}

/// Tags that reserve a ticket for people, in lower case.
pub const FORBIDDING_TAGS: [&str; 3] = ["ai_ignore", "no-ai", "human-only"];

/// Tags that outrank them, in lower case.
pub const FORCING_TAGS: [&str; 2] = ["ai_force", "force-ai"];

/// Judges a delivery.
pub fn decide(delivery: &Delivery) -> Decision {
    let source = source::detect(delivery);
    match skip_reason(delivery, source) {
        Some(reason) => Decision::Skip(reason),
        None => Decision::Draft { style: source.style() },
    }
}

fn skip_reason(delivery: &Delivery, source: Source) -> Option<SkipReason> {
    let ticket = &delivery.ticket;
    if let Some(reason) = nothing_to_answer(delivery) {
        return Some(reason);
    }
    if ticket.spam {
        return Some(SkipReason::Spam);
    }
    if ticket.deleted {
        return Some(SkipReason::Deleted);
    }
    if ticket.status == Some(Status::Closed) {
        return Some(SkipReason::Closed);
    }
    if tagged(delivery, &FORCING_TAGS) {
        return None;
    }
    if tagged(delivery, &FORBIDDING_TAGS) {
        return Some(SkipReason::HumanOnly);
    }
    if delivery.writer().is_some_and(is_no_reply) {
        return Some(SkipReason::NoReplySender);
    }
    if delivery.writer().is_some_and(is_marketing) {
        return Some(SkipReason::MarketingSender);
    }
    if source == Source::Api && ticket.created_by_agent != Some(true) {
        return Some(SkipReason::ApiWithoutAgent);
    }
    None
}

fn nothing_to_answer(delivery: &Delivery) -> Option<SkipReason> {
    if delivery.is_silent {
        return Some(SkipReason::NoMessage);
    }
    if let Some(message) = &delivery.message {
        if message.internal {
            return Some(SkipReason::InternalNote);
        }
        if message.from_agent && !message.by_machine {
            return Some(SkipReason::AgentSpokeLast);
        }
    }
    let messages = delivery.messages();
    // Without an explicit message the newest one is the news.
    if delivery.message.is_none() && messages.last().is_some_and(|newest| newest.internal) {
        return Some(SkipReason::InternalNote);
    }
    // What a machine of the help desk sent answers nothing; where there is nothing else, nobody has asked.
    let public = || messages.iter().rev().filter(|message| !message.internal);
    let newest = public().find(|message| !message.by_machine).or_else(|| public().next())?;
    newest.from_agent.then_some(SkipReason::AgentSpokeLast)
}

fn tagged(delivery: &Delivery, names: &[&str]) -> bool {
    delivery.ticket.tags.iter().flatten().any(|tag| names.contains(&tag.to_lowercase().as_str()))
}

fn is_no_reply(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    let plain: String = local.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let words = || local.split(['.', '_', '+', '-']);
    ["noreply", "donotreply", "dontreply"].iter().any(|marker| plain.contains(marker))
        || words().any(|word| matches!(word, "bounce" | "bounces"))
        || matches!(local, "mailer-daemon" | "postmaster")
}

/// A mass mailing by the words of its address, or by who sent it. A shop's colleague at `marketing@` is a person.
fn is_marketing(address: &str) -> bool {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let is_mailer = |mailer: &str| domain == mailer || domain.ends_with(&format!(".{mailer}"));
    let mut words = local.split(['.', '_', '+', '-']);
    words.any(|word| {
        matches!(word, "newsletter" | "newsletters" | "promo" | "promos" | "promotions" | "campaigns")
    }) || [
        "mailchimpapp.net",
        "mcsv.net",
        "rsgsv.net",
        "klaviyomail.com",
        "hubspotemail.net",
        "constantcontact.com",
    ]
    .iter()
    .any(|mailer| is_mailer(mailer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gorgias::delivery::parse;

    fn judge(body: &str) -> Decision {
        decide(&parse(body.as_bytes()).expect(body))
    }

    #[test]
    fn rules_by_table() {
        use SkipReason::*;
        let skip = |reason| Decision::Skip(reason);
        let draft = |style| Decision::Draft { style };
        let table = [
            (r#"{"id":1,"channel":"email"}"#, draft(Style::Email)),
            (r#"{"id":1,"channel":"sms"}"#, draft(Style::Sms)),
            (r#"{"id":1,"channel":"phone"}"#, draft(Style::Phone)),
            (r#"{"id":1,"subject":"RingCentral call","channel":"email"}"#, draft(Style::Phone)),
            (
                r#"{"ticket":{"id":1},"message":{"id":2,"channel":"internal-note","from_agent":true}}"#,
                skip(InternalNote),
            ),
            (
                r#"{"ticket":{"id":1},"message":{"id":2,"source":{"type":"internal-note"}}}"#,
                skip(InternalNote),
            ),
            (r#"{"ticket":{"id":1},"message":{"id":2,"from_agent":true}}"#, skip(AgentSpokeLast)),
            (r#"{"ticket":{"id":1,"tags":["ai_force"]},"message":{"body_text":null}}"#, skip(NoMessage)),
            (r#"{"ticket":{"id":1},"message":"{{message.body_text}}"}"#, skip(NoMessage)),
            (r#"{"ticket":{"id":1},"message":{"id":2,"body_text":null}}"#, draft(Style::Email)),
            (
                r#"{"ticket":{"id":1,"messages":[{"id":2,"body_text":"Hi"}]},"message":{"body_text":null}}"#,
                draft(Style::Email),
            ),
            (
                r#"{"id":1,"messages":[{"id":2,"sent_datetime":"2026-01-01T00:00:00Z","from_agent":false},{"id":3,"sent_datetime":"2026-01-02T00:00:00Z","from_agent":true}]}"#,
                skip(AgentSpokeLast),
            ),
            (
                r#"{"id":1,"channel":"chat","messages":[{"id":3,"sent_datetime":"2026-01-02T00:00:00Z","from_agent":false},{"id":2,"sent_datetime":"2026-01-01T00:00:00Z","from_agent":true}]}"#,
                draft(Style::Chat),
            ),
            (
                r#"{"id":1,"messages":[{"id":2,"sent_datetime":"2026-01-01T00:00:00Z"},{"id":3,"sent_datetime":"2026-01-02T00:00:00Z","from_agent":true,"channel":"internal-note"}]}"#,
                skip(InternalNote),
            ),
            // "We got your mail" is no answer, and no news.
            (
                r#"{"id":1,"channel":"chat","messages":[{"id":2,"sent_datetime":"2026-01-01T00:00:00Z","from_agent":false},{"id":3,"sent_datetime":"2026-01-01T00:00:01Z","from_agent":true,"via":"rule","sender":null}]}"#,
                draft(Style::Chat),
            ),
            (
                r#"{"ticket":{"id":1,"channel":"email","messages":[{"id":2,"sent_datetime":"2026-01-01T00:00:00Z","from_agent":false}]},"message":{"id":3,"sent_datetime":"2026-01-01T00:00:01Z","from_agent":true,"rule_id":7,"sender":{"email":"no-reply@shop.example"}}}"#,
                draft(Style::Email),
            ),
            (
                r#"{"ticket":{"id":1,"messages":[{"id":2,"sent_datetime":"2026-01-01T00:00:00Z","from_agent":true}]},"message":{"id":3,"sent_datetime":"2026-01-01T00:00:01Z","from_agent":true,"via":"rule"}}"#,
                skip(AgentSpokeLast),
            ),
            (
                r#"{"ticket":{"id":1},"message":{"id":2,"from_agent":true,"via":"rule"}}"#,
                skip(AgentSpokeLast),
            ),
            (r#"{"id":1,"status":"closed"}"#, skip(Closed)),
            (r#"{"id":1,"spam":true}"#, skip(Spam)),
            (r#"{"id":1,"trashed_datetime":"2026-01-01T00:00:00"}"#, skip(Deleted)),
            (r#"{"id":1,"status":"closed","tags":["ai_force"]}"#, skip(Closed)),
            (r#"{"id":1,"tags":[{"name":"AI_Ignore"}]}"#, skip(HumanOnly)),
            (r#"{"id":1,"tags":["no-ai"]}"#, skip(HumanOnly)),
            (r#"{"id":1,"tags":"vip, human-only"}"#, skip(HumanOnly)),
            (r#"{"id":1,"tags":["human-only","force-ai"]}"#, draft(Style::Email)),
            (r#"{"id":1,"tags":["ai_force"],"customer":{"email":"noreply@x.com"}}"#, draft(Style::Email)),
            (
                r#"{"ticket":{"id":1,"tags":["ai_force"]},"message":{"id":2,"from_agent":true}}"#,
                skip(AgentSpokeLast),
            ),
            (r#"{"id":1,"customer":{"email":"No-Reply@x.com"}}"#, skip(NoReplySender)),
            (r#"{"id":1,"customer":{"email":"do_not_reply+7@x.com"}}"#, skip(NoReplySender)),
            (
                r#"{"ticket":{"id":1},"message":{"id":2,"sender":{"email":"mailer-daemon@x.com"}}}"#,
                skip(NoReplySender),
            ),
            (r#"{"id":1,"customer":{"email":"newsletter@x.com"}}"#, skip(MarketingSender)),
            // Who wrote decides: a form sends as the shop's own no-reply, with the customer as the sender.
            (
                r#"{"ticket":{"id":1,"channel":"email","customer":{"email":"no-reply@corner-shop.example"}},"message":{"id":1,"from_agent":false,"sender":{"email":"maya.lind@example.com"}}}"#,
                draft(Style::Email),
            ),
            (
                r#"{"ticket":{"id":1,"channel":"email","customer":{"email":"maya.lind@example.com"}},"message":{"id":1,"from_agent":false,"sender":{"email":"no-reply@corner-shop.example"}}}"#,
                skip(NoReplySender),
            ),
            (
                r#"{"ticket":{"id":1,"channel":"email","customer":{"email":"no-reply@corner-shop.example"}},"message":{"id":1,"sender":{"name":"Maya"}}}"#,
                skip(NoReplySender),
            ),
            (
                r#"{"id":1,"customer":{"email":"no-reply@x.com"},"messages":[{"id":2,"sender":{"email":"maya@x.com"}}]}"#,
                draft(Style::Email),
            ),
            (
                r#"{"id":1,"channel":"email","customer":{"email":"marketing@bakery.example"}}"#,
                draft(Style::Email),
            ),
            (r#"{"id":1,"customer":{"email":"a@bounce.klaviyomail.com"}}"#, skip(MarketingSender)),
            (r#"{"id":1,"customer":{"email":"marketa.reply@x.com"}}"#, draft(Style::Email)),
            (r#"{"id":1,"channel":"api"}"#, skip(ApiWithoutAgent)),
            (
                r#"{"id":1,"channel":"email","via":"api","meta":{"created_by_agent":true}}"#,
                draft(Style::Email),
            ),
            (r#"{"id":1,"channel":"api","tags":["force-ai"]}"#, draft(Style::Email)),
        ];
        for (body, expected) in table {
            assert_eq!(judge(body), expected, "{body}");
        }
    }
}
