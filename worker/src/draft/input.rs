//! The data that a draft is made from, and the draft itself. Debug output leaves out whatever people wrote
//! and what is known about them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::style::{Channel, Length, Tone};

/// Everything a drafter may use. What is not in here is not known, and must not be claimed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftInput {
    /// The shop's name, for the sign-off.
    pub shop_name: String,
    /// The ticket's subject; empty when the channel has none.
    pub subject: String,
    /// The channel that the reply goes out on.
    pub channel: Channel,
    /// The tone that was asked for.
    pub tone: Tone,
    /// The length that was asked for.
    pub length: Length,
    /// The customer's name as the help desk knows it.
    pub customer_name: Option<String>,
    /// The language that a reply should be in (ISO 639-1), as far as it is known; `language` chooses it.
    #[serde(default)]
    pub language: Option<String>,
    /// Whether nothing of this ticket tells the language: then it is that of other tickets or of the help page, if any is.
    #[serde(default)]
    pub is_language_assumed: bool,
    /// What the latest message was read to want, one of `support::analysis::words::INTENTS`; none while it waits to be read.
    #[serde(default)]
    pub intent: Option<String>,
    /// The last messages, oldest first, internal notes left out.
    pub messages: Vec<ThreadMessage>,
    /// What the orders say about the customer; none when nobody matched.
    pub customer: Option<CustomerFacts>,
    /// The shop's ids of several customers who share the address; then nobody matched.
    #[serde(default)]
    pub sharing: Vec<String>,
    /// What the shop has published that fits what the customer wrote, the best first.
    #[serde(default)]
    pub articles: Vec<KnownArticle>,
}

/// A published article, as a drafter gets it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownArticle {
    /// The article.
    pub id: Uuid,
    /// The version that is published.
    pub version: i32,
    /// The language of title and text (ISO 639-1).
    #[serde(default)]
    pub language: String,
    /// Its title.
    pub title: String,
    /// The beginning of its text.
    pub text: String,
}

/// One message of the conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadMessage {
    /// Which side wrote it.
    pub author: Author,
    /// The plain text.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The two sides of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The customer.
    Customer,
    /// The shop.
    Agent,
}

/// Facts from the purchase log. Amounts are decimal strings in `currency`; days are those of the shop's clock.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerFacts {
    /// Number of orders.
    pub orders: u32,
    /// Sum of all orders.
    pub spend: String,
    /// ISO 4217 code.
    pub currency: String,
    /// First order.
    pub first_order_at: Option<DateTime<Utc>>,
    /// Latest order.
    pub last_order_at: Option<DateTime<Utc>>,
    /// Days since the latest order.
    pub recency_days: Option<u32>,
    /// Spend divided by orders.
    pub mean_order_value: Option<String>,
    /// The latest orders, newest first.
    pub recent_orders: Vec<RecentOrder>,
    /// Who the customer is, for the agent; none when nothing was computed yet.
    #[serde(default)]
    pub words: Option<CustomerWords>,
}

/// Who a customer is, in the words that the API and the pages use. They are for agents and never for the customer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerWords {
    /// What such customers are called.
    pub archetype: Option<String>,
    /// One sentence with the customer's own figures.
    pub who: String,
    /// What draws them away and what can be done, the strongest first.
    pub reasons: Vec<String>,
}

impl CustomerWords {
    /// "Champions: 143 orders since March 1997, ...".
    pub fn summary(&self) -> String {
        match &self.archetype {
            Some(archetype) => format!("{archetype}: {}.", self.who),
            None => format!("{}.", self.who),
        }
    }

    /// Everything, a line each.
    pub fn lines(&self) -> Vec<String> {
        let reasons = self.reasons.iter().map(|reason| format!("{reason}."));
        std::iter::once(self.summary()).chain(reasons).collect()
    }
}

/// One order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentOrder {
    /// The shop's order id.
    pub order_id: String,
    /// When it was placed, as the shop's clock showed it.
    pub at: DateTime<Utc>,
    /// Its value.
    pub amount: String,
    /// ISO 4217 code, where that is another one than that of the sums.
    #[serde(default)]
    pub currency: Option<String>,
}

/// A finished draft.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The text for the customer.
    pub reply: String,
    /// For SMS the reply in parts of at most 160 characters; empty on other channels.
    pub sms_parts: Vec<String>,
    /// Advice for the agent; none when the model gave none that can be used.
    pub recommendation: Option<Recommendation>,
    /// Who wrote it.
    pub drafter: Drafter,
    /// The model's name, when a model wrote it.
    pub model: Option<String>,
    /// Who the customer is, for the agent.
    #[serde(default)]
    pub customer: Vec<String>,
    /// What the agent should know about how it came about.
    pub remarks: Vec<String>,
}

/// Who wrote a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drafter {
    /// The built-in drafter, without a language model.
    Template,
    /// A model behind the Anthropic Messages API.
    Anthropic,
}

/// Advice for the agent who answers; never shown to the customer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// How urgent the ticket is.
    pub priority: Priority,
    /// Two to four things to do.
    pub actions: Vec<String>,
    /// Three to five points to make or to know.
    pub talking_points: Vec<String>,
    /// What to beware of.
    pub warnings: Vec<String>,
    /// Chance from 0 to 1 that the customer stays, if anybody estimated it.
    pub retention_probability: Option<f64>,
    /// Decimal amount in the customer's currency, if anybody estimated it.
    pub revenue_at_risk: Option<String>,
}

/// Ticket priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// At once.
    Urgent,
    /// Today, early.
    High,
    /// In turn.
    Normal,
    /// When there is time.
    Low,
}

impl Priority {
    /// The word used on the wire and in notes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl DraftInput {
    /// Who the customer is, for the agent, a line each.
    pub fn customer_lines(&self) -> Vec<String> {
        let words = self.customer.as_ref().and_then(|customer| customer.words.as_ref());
        words.map(CustomerWords::lines).unwrap_or_default()
    }

    /// The text of the customer's latest message, or the subject when there is none.
    pub fn last_customer_text(&self) -> &str {
        let mut from_customer = self.messages.iter().filter(|message| message.author == Author::Customer);
        from_customer.next_back().map_or(&self.subject, |message| &message.text)
    }
}

impl fmt::Debug for DraftInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DraftInput")
            .field("channel", &self.channel)
            .field("tone", &self.tone)
            .field("length", &self.length)
            .field("messages", &self.messages.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for KnownArticle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownArticle")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ThreadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadMessage")
            .field("author", &self.author)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CustomerFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerFacts").finish_non_exhaustive()
    }
}

impl fmt::Debug for CustomerWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerWords").field("reasons", &self.reasons.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RecentOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentOrder").finish_non_exhaustive()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("drafter", &self.drafter)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Recommendation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recommendation").field("priority", &self.priority).finish_non_exhaustive()
    }
}
