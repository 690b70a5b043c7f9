//! Through which door a ticket came in, in a fixed order of detection, and the drafting style that goes with it.

use super::delivery::Delivery;

/// Through which door a ticket came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The telephone system's notifications (calls, voicemail), which arrive as e-mail.
    RingCentral,
    /// Text message.
    Sms,
    /// Live chat and messengers.
    Chat,
    /// Telephone.
    Voice,
    /// Created by a program.
    Api,
    /// E-mail and contact forms.
    Email,
    /// None of these.
    Unknown,
}

impl Source {
    /// The text form, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Source::RingCentral => "ringcentral",
            Source::Sms => "sms",
            Source::Chat => "chat",
            Source::Voice => "voice",
            Source::Api => "api",
            Source::Email => "email",
            Source::Unknown => "unknown",
        }
    }

    /// How a reply through this door is written.
    pub fn style(self) -> Style {
        match self {
            Source::Sms => Style::Sms,
            Source::Chat => Style::Chat,
            Source::RingCentral | Source::Voice => Style::Phone,
            Source::Api | Source::Email | Source::Unknown => Style::Email,
        }
    }
}

/// How a reply is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// 2-3 sentences, parts of at most 160 characters.
    Sms,
    /// 2-3 sentences.
    Chat,
    /// 4-6 sentences.
    Email,
    /// 4-6 sentences, to be said.
    Phone,
}

impl Style {
    /// The text form, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Style::Sms => "sms",
            Style::Chat => "chat",
            Style::Email => "email",
            Style::Phone => "phone",
        }
    }
}

/// The source of a delivery's ticket. The first that applies, in the order of [`Source`].
pub fn detect(delivery: &Delivery) -> Source {
    let ticket = &delivery.ticket;
    let messages = delivery.messages();
    let customer_messages = || messages.iter().filter(|message| !message.internal && !message.from_agent);
    let mentions_ringcentral =
        |text: Option<&str>| text.is_some_and(|text| text.to_lowercase().contains("ringcentral"));
    if mentions_ringcentral(ticket.customer.email.as_deref())
        || mentions_ringcentral(ticket.subject.as_deref())
        || customer_messages().any(|message| mentions_ringcentral(message.sender_email.as_deref()))
    {
        return Source::RingCentral;
    }
    let channels: Vec<&str> = ticket
        .channel
        .as_deref()
        .into_iter()
        .chain(customer_messages().next_back().and_then(|message| message.channel.as_deref()))
        .collect();
    let ways: Vec<&str> = channels
        .iter()
        .copied()
        .chain(ticket.via.as_deref())
        .chain(customer_messages().next_back().and_then(|message| message.via.as_deref()))
        .collect();
    let among = |names: &[&str]| channels.iter().any(|channel| names.contains(channel));
    if among(&["sms"]) {
        Source::Sms
    } else if among(&[
        "chat",
        "whatsapp",
        "facebook-messenger",
        "facebook-messages",
        "instagram-direct-message",
        "twitter-direct-message",
    ]) {
        Source::Chat
    } else if among(&["phone", "voice", "aircall"]) {
        Source::Voice
    } else if ways.contains(&"api") {
        Source::Api
    } else if among(&[
        "email",
        "form",
        "contact_form",
        "contact-form",
        "help-center-contact-form",
        "chat-contact-form",
    ]) {
        Source::Email
    } else {
        Source::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gorgias::delivery::parse;

    #[test]
    fn detection_follows_the_order() {
        let table = [
            (r#"{"id":1,"channel":"sms","subject":"RingCentral voicemail"}"#, Source::RingCentral),
            (
                r#"{"id":1,"channel":"email","customer":{"email":"Notify@RINGCENTRAL.com"}}"#,
                Source::RingCentral,
            ),
            (r#"{"id":1,"channel":"sms","via":"api"}"#, Source::Sms),
            (r#"{"id":1,"channel":"chat"}"#, Source::Chat),
            (r#"{"id":1,"channel":"whatsapp"}"#, Source::Chat),
            (r#"{"id":1,"channel":"phone","via":"api"}"#, Source::Voice),
            (r#"{"id":1,"channel":"email","via":"api"}"#, Source::Api),
            (r#"{"id":1,"channel":"api"}"#, Source::Api),
            (r#"{"id":1,"channel":"email"}"#, Source::Email),
            (r#"{"id":1}"#, Source::Unknown),
            (r#"{"id":1,"channel":"carrier-pigeon"}"#, Source::Unknown),
            (r#"{"ticket":{"id":1},"message":{"id":2,"channel":"sms"}}"#, Source::Sms),
            (
                r#"{"ticket":{"id":1,"channel":"email"},"message":{"id":2,"channel":"internal-note","via":"api","from_agent":true}}"#,
                Source::Email,
            ),
        ];
        for (body, expected) in table {
            assert_eq!(detect(&parse(body.as_bytes()).expect(body)), expected, "{body}");
        }
    }
}
