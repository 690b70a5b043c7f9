//! How a reply has to look on each channel: sentences, characters, tone and length.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use super::words::count_sentences;

/// Longest part of a text message, in characters.
pub const SMS_PART_CHARS: usize = 160;

/// Where a reply goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// Live chat.
    Chat,
    /// WhatsApp, written like chat.
    Whatsapp,
    /// A telephone call that is answered in writing or read out.
    Phone,
    /// A RingCentral call or voicemail.
    RingCentral,
    /// A contact form, answered by e-mail.
    Form,
    /// Anything else, answered like e-mail.
    Other,
}

impl Channel {
    /// The channel of a detected source, in any of the spellings that sources use.
    pub fn from_source(source: &str) -> Self {
        let letters: String = source.chars().filter(char::is_ascii_alphabetic).collect();
        match letters.to_ascii_lowercase().as_str() {
            "email" => Self::Email,
            "sms" => Self::Sms,
            "chat" => Self::Chat,
            "whatsapp" => Self::Whatsapp,
            "phone" | "voice" => Self::Phone,
            "ringcentral" => Self::RingCentral,
            "form" | "contactform" => Self::Form,
            _ => Self::Other,
        }
    }

    /// How the channel is called in a prompt.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "e-mail",
            Self::Sms => "text message (SMS)",
            Self::Chat => "live chat",
            Self::Whatsapp => "WhatsApp",
            Self::Phone => "telephone",
            Self::RingCentral => "RingCentral telephone",
            Self::Form => "contact form, answered by e-mail",
            Self::Other => "written message",
        }
    }
}

/// The tone of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Warm and informal.
    #[default]
    Friendly,
    /// Courteous and factual.
    Professional,
    /// Shows understanding first.
    Empathetic,
    /// Says sorry first, without admitting what is not known.
    Apologetic,
}

/// The length of a reply within what the channel allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// The channel's minimum.
    Short,
    /// Anything the channel allows.
    #[default]
    Medium,
    /// The channel's maximum.
    Long,
}

/// The outer form of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Bare sentences, sent in parts of at most 160 characters.
    TextMessage,
    /// Bare sentences.
    Conversation,
    /// Greeting, one paragraph, sign-off.
    Letter,
}

/// The rules for one reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Outer form.
    pub form: Form,
    /// How many sentences, greeting and sign-off not counted.
    pub sentences: RangeInclusive<usize>,
    /// Longest reply in characters, everything counted.
    pub max_chars: usize,
}

/// The rules for a channel and length.
pub fn style(channel: Channel, length: Length) -> Style {
    let (form, fewest, most, max_chars) = match channel {
        Channel::Sms => (Form::TextMessage, 2, 3, 3 * SMS_PART_CHARS),
        Channel::Chat | Channel::Whatsapp => (Form::Conversation, 2, 3, 800),
        Channel::Phone | Channel::RingCentral => (Form::Conversation, 4, 6, 1600),
        Channel::Email | Channel::Form | Channel::Other => (Form::Letter, 4, 6, 2400),
    };
    let sentences = match length {
        Length::Short => fewest..=fewest,
        Length::Medium => fewest..=most,
        Length::Long => most..=most,
    };
    Style { form, sentences, max_chars }
}

/// A rule that a reply breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StyleProblem {
    /// Fewer sentences than the style asks for.
    #[error("it has {found} sentences, {wanted} at least were asked for")]
    TooFewSentences {
        /// Counted.
        found: usize,
        /// The lower limit.
        wanted: usize,
    },
    /// More sentences than the style allows.
    #[error("it has {found} sentences, {wanted} at most were asked for")]
    TooManySentences {
        /// Counted.
        found: usize,
        /// The upper limit.
        wanted: usize,
    },
    /// More characters than the channel allows.
    #[error("it has {found} characters, the channel allows {wanted}")]
    TooLong {
        /// Counted.
        found: usize,
        /// The upper limit.
        wanted: usize,
    },
}

impl Style {
    /// Which rules a reply breaks.
    pub fn problems(&self, reply: &str) -> Vec<StyleProblem> {
        let found = count_sentences(reply);
        let chars = reply.chars().count();
        let (fewest, most) = (*self.sentences.start(), *self.sentences.end());
        let mut problems = Vec::new();
        if found < fewest {
            problems.push(StyleProblem::TooFewSentences { found, wanted: fewest });
        }
        if found > most {
            problems.push(StyleProblem::TooManySentences { found, wanted: most });
        }
        if chars > self.max_chars {
            problems.push(StyleProblem::TooLong { found: chars, wanted: self.max_chars });
        }
        problems
    }
}

/// Cuts a text into parts of at most 160 characters, between words; a longer word is cut where it must be. A space at which no
/// line breaks holds its words together.
pub fn sms_parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut used = 0;
    let is_gap = |c: char| c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}');
    for word in text.split(is_gap).filter(|word| !word.trim().is_empty()) {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(SMS_PART_CHARS) {
            match parts.last_mut() {
                Some(part) if used + 1 + piece.len() <= SMS_PART_CHARS => {
                    part.push(' ');
                    part.extend(piece);
                    used += 1 + piece.len();
                }
                _ => {
                    parts.push(piece.iter().collect());
                    used = piece.len();
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sources_become_channels() {
        for (source, channel) in [
            ("e-mail", Channel::Email),
            ("RingCentral", Channel::RingCentral),
            ("voice", Channel::Phone),
            ("sms", Channel::Sms),
            ("api", Channel::Other),
            ("", Channel::Other),
        ] {
            assert_eq!(Channel::from_source(source), channel, "{source}");
        }
    }

    #[test]
    fn problems_name_the_rule() {
        let style = style(Channel::Sms, Length::Medium);
        assert_eq!(style.problems("One. Two."), []);
        assert_eq!(style.problems("One."), [StyleProblem::TooFewSentences { found: 1, wanted: 2 }]);
        let long = format!("{}. B. C. D.", "a".repeat(500));
        assert_eq!(style.problems(&long).len(), 2);
    }

    proptest! {
        #[test]
        fn parts_are_short_and_lose_nothing(text in "(\\PC{0,12}[ \n]?|[a-z]{150,400}){0,30}") {
            let parts = sms_parts(&text);
            for part in &parts {
                prop_assert!((1..=SMS_PART_CHARS).contains(&part.chars().count()));
            }
            let dense = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(dense(&parts.join(" ")), dense(&text));
        }
    }
}
