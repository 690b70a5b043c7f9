//! Drafts a reply to a customer's ticket, stores it with the message count it belongs to, and hands
//! it to the help desk as an internal note.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

/// Draft a reply for a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftReply {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
    /// One of [`DraftReply::TONES`]; chosen by the channel when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tone: Option<String>,
    /// One of [`DraftReply::LENGTHS`]; chosen by the channel when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<String>,
    /// Draft anew even when a fresh draft exists.
    #[serde(default)]
    pub again: bool,
}

impl DraftReply {
    /// The tones that there are.
    pub const TONES: [&str; 4] = ["friendly", "professional", "empathetic", "apologetic"];
    /// The lengths that there are.
    pub const LENGTHS: [&str; 3] = ["short", "medium", "long"];

    /// One unfinished draft job stands for a ticket as it is: a message that comes while a draft is
    /// being written asks for another.
    pub fn dedup_key(ticket_id: Uuid, message_count: i32) -> String {
        format!("{ticket_id}:{message_count}")
    }
}

/// The draft that was made or found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DraftReplyOutput {
    /// The stored draft.
    pub draft_id: Uuid,
    /// The messages that the ticket had when the draft was made.
    pub message_count: i32,
    /// `anthropic` or `template`.
    pub drafter: String,
    /// The model that wrote it, if a model did.
    pub model: Option<String>,
    /// The reply for the customer.
    pub reply: String,
    /// The advice for the agent.
    pub recommendation: serde_json::Value,
    /// The job that posts the draft as an internal note; none when no help desk is connected, or the draft's moment is over.
    pub note_job_id: Option<Uuid>,
    /// Why it is not posted into the help desk that is connected, where it is not: the ticket has newer messages, was closed,
    /// or was reserved for people while it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_posted: Option<String>,
}

impl JobKind for DraftReply {
    type Output = DraftReplyOutput;
    const KIND: &'static str = "draft_reply";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "ai",
        priority: Priority::High,
        max_attempts: 6,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Replies),
        rerun: Rerun::Never,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        one_of("tone", self.tone.as_deref(), &DraftReply::TONES)?;
        one_of("length", self.length.as_deref(), &DraftReply::LENGTHS)
    }
}

fn one_of(field: &'static str, word: Option<&str>, known: &[&str]) -> Result<(), Unfit> {
    match word {
        Some(word) if !known.contains(&word) => {
            Err(Unfit::at(field, format!("must be among {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_and_a_length_are_words_that_there_are() {
        let check = |tone: Option<&str>, length: Option<&str>| {
            let payload = DraftReply {
                ticket_id: Uuid::nil(),
                tone: tone.map(str::to_owned),
                length: length.map(str::to_owned),
                again: false,
            };
            payload.check(Utc::now()).map_err(|unfit| unfit.to_string())
        };
        assert_eq!(check(None, None), Ok(()));
        for tone in DraftReply::TONES {
            for length in DraftReply::LENGTHS {
                assert_eq!(check(Some(tone), Some(length)), Ok(()));
            }
        }
        let told = "tone must be among friendly, professional, empathetic, apologetic";
        assert_eq!(check(Some("rude"), None), Err(told.to_owned()));
        assert_eq!(
            check(Some("friendly"), Some("epic")),
            Err("length must be among short, medium, long".to_owned())
        );
    }
}
