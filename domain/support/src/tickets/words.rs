//! The words of a ticket: priorities, channels, tags, and what its texts may be.

use serde::{Deserialize, Serialize};

use super::error::TicketError;

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Priority {
    Urgent,
    High,
    Normal,
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Priority; 4] = [Priority::Urgent, Priority::High, Priority::Normal, Priority::Low];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Priority::Urgent => "urgent",
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        }
    }
}

/// Through what a ticket is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Channel {
    Email,
    Sms,
    Phone,
    Chat,
    Whatsapp,
    Form,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Channel; 6] =
        [Channel::Email, Channel::Sms, Channel::Phone, Channel::Chat, Channel::Whatsapp, Channel::Form];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Sms => "sms",
            Channel::Phone => "phone",
            Channel::Chat => "chat",
            Channel::Whatsapp => "whatsapp",
            Channel::Form => "form",
        }
    }

    /// The source that decides how replies are written; see [`crate::gorgias::source`].
    pub(crate) fn source(self) -> &'static str {
        match self {
            Channel::Email | Channel::Form => "email",
            Channel::Sms => "sms",
            Channel::Phone => "voice",
            Channel::Chat | Channel::Whatsapp => "chat",
        }
    }
}

/// Characters of a subject.
pub const SUBJECT_LIMIT: usize = 500;
/// Characters of a reply: what the gate of texts that go out takes.
pub const REPLY_LIMIT: usize = 20_000;
/// Characters of a note, or of what a customer wrote.
pub const TEXT_LIMIT: usize = 50_000;
/// Characters of the shop's id of a customer.
pub const CUSTOMER_LIMIT: usize = 128;
/// Tags of a ticket, and skills that it needs.
const MOST_WORDS: usize = 50;
/// Characters of one of them.
const WORD_LIMIT: usize = 100;

/// A text of a message, without what surrounds it.
///
/// # Errors
/// It is empty or too long.
pub fn text<'a>(field: &'static str, text: &'a str, limit: usize) -> Result<&'a str, TicketError> {
    let text = text.trim();
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return Err(TicketError::field(field, format!("must have 1 to {limit} characters that can be read")));
    }
    if text.chars().count() > limit {
        return Err(TicketError::TooLong { field, limit });
    }
    Ok(text)
}

/// A short text: a subject, a name, a department.
///
/// # Errors
/// It is empty or too long.
pub fn short(field: &'static str, text: &str, limit: usize) -> Result<String, TicketError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > limit || text.chars().any(|c| c == '\0') {
        return Err(TicketError::field(field, format!("must have 1 to {limit} characters")));
    }
    Ok(text.to_owned())
}

/// Words such as tags, each once and in their order.
///
/// # Errors
/// There are too many, or one does not fit.
pub fn words(field: &'static str, words: &[String]) -> Result<Vec<String>, TicketError> {
    let mut kept: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let word = word.trim();
        let is_fit = (1..=WORD_LIMIT).contains(&word.chars().count()) && !word.chars().any(char::is_control);
        if !is_fit {
            return Err(TicketError::field(field, format!("each must have 1 to {WORD_LIMIT} characters")));
        }
        if !kept.iter().any(|known| known == word) {
            kept.push(word.to_owned());
        }
    }
    if kept.len() > MOST_WORDS {
        return Err(TicketError::field(field, format!("at most {MOST_WORDS} are taken")));
    }
    Ok(kept)
}

/// A language as ISO 639-1 names it.
///
/// # Errors
/// It is not two letters.
pub fn language(text: &str) -> Result<String, TicketError> {
    let lower = text.trim().to_ascii_lowercase();
    if lower.len() == 2 && lower.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(lower);
    }
    Err(TicketError::field("language", "must be two letters such as en (ISO 639-1)"))
}
