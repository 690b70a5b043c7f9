//! Whether a ticket gets a draft as it is at this moment: asked before one is written and before one is posted into the help
//! desk. Between the two an agent may have answered, closed the ticket, or reserved it for people.

use database::ids::TicketId;
use database::{DbError, Tx};
use sqlx::FromRow;
use thiserror::Error;

use crate::gorgias::rules::{FORBIDDING_TAGS, FORCING_TAGS, SkipReason};

/// Why a ticket gets no draft. The texts are for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unwanted {
    /// Nothing of the customer's is known that could be answered.
    #[error("the ticket holds no word of the customer")]
    NoWords,
    /// It is spam.
    #[error("the ticket is spam")]
    Spam,
    /// The help desk deleted it.
    #[error("the ticket was deleted")]
    Deleted,
    /// It is resolved or closed.
    #[error("the ticket is closed")]
    Closed,
    /// A tag reserves it for people.
    #[error("a tag reserves the ticket for people")]
    HumanOnly,
    /// Who waits is the shop.
    #[error("an agent has spoken last")]
    AgentSpokeLast,
}

/// What decides it.
#[derive(Debug, Clone, FromRow)]
pub struct Standing {
    status: String,
    tags: Vec<String>,
    is_spam: bool,
    agent_spoke_last: bool,
    subject: Option<String>,
    /// Whether any message of the customer's is stored.
    customer_spoke: bool,
    /// Whether one of them has a text.
    has_text: bool,
    /// Why the help desk's last delivery that could have asked for a draft did not, if it is trash there.
    trash: Option<String>,
}

/// What programs write for a mail without a subject, in small letters and without marks around it.
const NO_SUBJECT: [&str; 17] = [
    "no subject",
    "none",
    "untitled",
    "kein betreff",
    "ohne betreff",
    "betrefflos",
    "sans objet",
    "aucun objet",
    "sin asunto",
    "nessun oggetto",
    "senza oggetto",
    "geen onderwerp",
    "sem assunto",
    "brak tematu",
    "bez tematu",
    "inget ämne",
    "intet emne",
];

impl Standing {
    /// Whether a text of the customer's is stored.
    pub fn has_text(&self) -> bool {
        self.has_text
    }

    /// Whether the customer is known to have said anything: in a text, or with a message that has none in the subject.
    pub fn has_words(&self) -> bool {
        self.has_text || self.customer_spoke && self.subject.as_deref().is_some_and(says_something)
    }

    /// Whether the ticket takes drafts at all, whoever spoke last.
    ///
    /// # Errors
    /// Why not.
    pub fn takes_drafts(&self) -> Result<(), Unwanted> {
        let told = |reason: SkipReason| self.trash.as_deref() == Some(reason.name());
        let is_tagged =
            |names: &[&str]| self.tags.iter().any(|tag| names.contains(&tag.to_lowercase().as_str()));
        if self.is_spam || told(SkipReason::Spam) {
            Err(Unwanted::Spam)
        } else if told(SkipReason::Deleted) {
            Err(Unwanted::Deleted)
        } else if matches!(self.status.as_str(), "resolved" | "closed") {
            Err(Unwanted::Closed)
        } else if is_tagged(&FORBIDDING_TAGS) && !is_tagged(&FORCING_TAGS) {
            Err(Unwanted::HumanOnly)
        } else {
            Ok(())
        }
    }

    /// Whether it takes one and the customer waits for an answer.
    ///
    /// # Errors
    /// Why not.
    pub fn awaits_answer(&self) -> Result<(), Unwanted> {
        self.takes_drafts()?;
        if self.agent_spoke_last { Err(Unwanted::AgentSpokeLast) } else { Ok(()) }
    }
}

/// Whether a subject is one that somebody wrote.
fn says_something(subject: &str) -> bool {
    let lower = subject.to_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    !bare.is_empty() && !NO_SUBJECT.contains(&bare)
}

/// How a ticket stands; none when there is none (support role).
///
/// # Errors
/// The database failed.
pub async fn standing(tx: &mut Tx, ticket: TicketId) -> Result<Option<Standing>, DbError> {
    Ok(sqlx::query_as(include_str!("wanted.sql")).bind(ticket).fetch_optional(&mut **tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Standing {
        Standing {
            status: "open".to_owned(),
            tags: Vec::new(),
            is_spam: false,
            agent_spoke_last: false,
            subject: None,
            customer_spoke: true,
            has_text: true,
            trash: None,
        }
    }

    #[test]
    fn what_a_ticket_is_decides() {
        let tagged = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        for (standing, takes, awaits) in [
            (open(), Ok(()), Ok(())),
            (Standing { is_spam: true, ..open() }, Err(Unwanted::Spam), Err(Unwanted::Spam)),
            (
                Standing { trash: Some("ticket_spam".to_owned()), ..open() },
                Err(Unwanted::Spam),
                Err(Unwanted::Spam),
            ),
            (
                Standing { trash: Some("ticket_deleted".to_owned()), ..open() },
                Err(Unwanted::Deleted),
                Err(Unwanted::Deleted),
            ),
            (
                Standing { status: "closed".to_owned(), ..open() },
                Err(Unwanted::Closed),
                Err(Unwanted::Closed),
            ),
            (
                Standing { tags: tagged(&["vip", "No-AI"]), ..open() },
                Err(Unwanted::HumanOnly),
                Err(Unwanted::HumanOnly),
            ),
            (Standing { tags: tagged(&["no-ai", "force-ai"]), ..open() }, Ok(()), Ok(())),
            (Standing { agent_spoke_last: true, ..open() }, Ok(()), Err(Unwanted::AgentSpokeLast)),
        ] {
            assert_eq!((standing.takes_drafts(), standing.awaits_answer()), (takes, awaits), "{standing:?}");
        }
    }

    #[test]
    fn a_subject_alone_is_words_where_the_customer_wrote() {
        let silent =
            |subject: &str| Standing { has_text: false, subject: Some(subject.to_owned()), ..open() };
        assert!(open().has_words());
        for (subject, is_said) in [
            ("Wo bleibt meine Bestellung 536365?", true),
            ("536365", true),
            ("注文はどこですか", true),
            ("", false),
            (" ... ", false),
            ("(No subject)", false),
            ("<kein Betreff>", false),
        ] {
            assert_eq!(silent(subject).has_words(), is_said, "{subject}");
            assert!(!Standing { customer_spoke: false, ..silent(subject) }.has_words(), "{subject}");
        }
        assert!(!Standing { subject: None, ..silent("") }.has_words());
    }
}
