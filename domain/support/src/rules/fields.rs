//! The fields of conditions: what each is, which comparisons it takes, and its value out of [`Facts`].

use serde::{Deserialize, Serialize};

use super::facts::Facts;

/// What a field's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One word.
    Word,
    /// Words, each once.
    Words,
    /// What people wrote; looked at for words and phrases.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Equal; of words and texts without regard to case.
    Is,
    /// Not equal; what is not known is not equal.
    IsNot,
    /// One of the values; of words, any of them.
    OneOf,
    /// None of the values.
    NoneOf,
    /// All of the values.
    AllOf,
    /// Any of these words or phrases, as whole words.
    Contains,
    /// None of these words or phrases.
    ContainsNot,
    /// Not less.
    AtLeast,
    /// Not more.
    AtMost,
    /// Known, and not empty.
    IsSet,
    /// Not known, or empty.
    IsNotSet,
}

impl Op {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Op::Is => "is",
            Op::IsNot => "is_not",
            Op::OneOf => "one_of",
            Op::NoneOf => "none_of",
            Op::AllOf => "all_of",
            Op::Contains => "contains",
            Op::ContainsNot => "contains_not",
            Op::AtLeast => "at_least",
            Op::AtMost => "at_most",
            Op::IsSet => "is_set",
            Op::IsNotSet => "is_not_set",
        }
    }
}

impl Kind {
    /// The comparisons that it takes.
    pub fn ops(self) -> &'static [Op] {
        match self {
            Kind::Word => &[Op::Is, Op::IsNot, Op::OneOf, Op::NoneOf, Op::IsSet, Op::IsNotSet],
            Kind::Words => &[Op::OneOf, Op::NoneOf, Op::AllOf, Op::IsSet, Op::IsNotSet],
            Kind::Text => &[Op::Contains, Op::ContainsNot, Op::Is, Op::IsNot, Op::IsSet, Op::IsNotSet],
            Kind::Number => &[Op::Is, Op::IsNot, Op::AtLeast, Op::AtMost, Op::IsSet, Op::IsNotSet],
            Kind::Flag => &[Op::Is],
        }
    }
}

/// The comparisons that a field of the shop's own takes, whatever its values are.
pub const OPS_OF_OWN: &[Op] =
    &[Op::Is, Op::IsNot, Op::OneOf, Op::NoneOf, Op::AtLeast, Op::AtMost, Op::IsSet, Op::IsNotSet];

/// A field that conditions may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// The words that it can be; empty when any.
    pub choices: &'static [&'static str],
    /// What it is.
    pub about: &'static str,
}

const fn field(
    name: &'static str,
    kind: Kind,
    choices: &'static [&'static str],
    about: &'static str,
) -> Field {
    Field { name, kind, choices, about }
}

/// Every field but the shop's own, which are `custom.KEY`.
pub const FIELDS: &[Field] = &[
    field("channel", Kind::Word, &[], "how the ticket is answered: email, chat, phone, sms, whatsapp, form"),
    field("language", Kind::Word, &[], "of the message, else of the ticket; ISO 639-1"),
    field("subject", Kind::Text, &[], "the ticket's subject"),
    field("message", Kind::Text, &[], "the message that caused it, else the customer's last one"),
    field("intent", Kind::Word, &[], "what the message wants, as it was read"),
    field("topics", Kind::Words, &[], "what the message is about, as it was read"),
    field("sentiment", Kind::Number, &[], "of the message: 0 angry, 1 happy"),
    field("asks_compensation", Kind::Flag, &[], "whether the message asks for money or goods"),
    field("tags", Kind::Words, &[], "the ticket's tags"),
    field("status", Kind::Word, &["open", "pending", "resolved", "closed"], "where the ticket stands"),
    field("priority", Kind::Word, &["urgent", "high", "normal", "low"], "how urgent it is"),
    field("assignee", Kind::Word, &[], "the id of the agent who has it"),
    field("department", Kind::Word, &[], "who looks after it"),
    field("skills", Kind::Words, &[], "what one must be able to do to answer it"),
    field("is_snoozed", Kind::Flag, &[], "whether it sleeps"),
    field("opened_by_agent", Kind::Flag, &[], "whether an agent opened it"),
    field(
        "customer_tier",
        Kind::Word,
        &["standard", "silver", "gold", "platinum"],
        "what the customer is worth",
    ),
    field("customer_archetype", Kind::Word, &[], "how the customer behaves, by the archetype's id"),
    field(
        "churn_band",
        Kind::Word,
        &["low", "medium", "high", "critical"],
        "how likely the customer is to leave",
    ),
    field("spend", Kind::Number, &[], "what the customer has spent, net of returns"),
    field("orders", Kind::Number, &[], "how many orders the customer has placed"),
    field(
        "in_business_hours",
        Kind::Flag,
        &[],
        "whether the shop's own calendar is open; always without one",
    ),
    field("changed", Kind::Words, &[], "the fields that an update changed"),
    field("added_tags", Kind::Words, &[], "the tags that came"),
    field("rating", Kind::Number, &[], "the score that the customer gave, 1 to 5"),
    field(
        "clock",
        Kind::Word,
        &["first_response", "next_response", "resolution", "first_resolution"],
        "the clock of a warning or breach",
    ),
    field("answered_since", Kind::Flag, &[], "whether a person has replied to the customer since the event"),
    field("customer_wrote_since", Kind::Flag, &[], "whether the customer has written since the event"),
];

/// What `changed` can name: what the trigger of the table of tickets looks at.
pub const CHANGES: &[&str] = &[
    "status",
    "priority",
    "assignee_id",
    "department",
    "skills",
    "tags",
    "subject",
    "channel",
    "customer_id",
    "custom",
    "language",
    "snoozed_until",
    "is_spam",
    "suspended_reason",
];

/// The field of that name; a shop's own fields take what any value can be compared by.
pub fn find(name: &str) -> Option<Field> {
    if let Some(key) = name.strip_prefix("custom.") {
        let is_key = !key.is_empty() && key.len() <= 64;
        return is_key.then(|| field("custom", Kind::Word, &[], "a field of the shop's own"));
    }
    FIELDS.iter().find(|field| field.name == name).copied()
}

/// What a field is at the moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Now<'a> {
    /// A word, or nothing that is known.
    Word(Option<&'a str>),
    /// Words.
    Words(&'a [String]),
    /// A text.
    Text(&'a str),
    /// A number, or nothing that is known.
    Number(Option<f64>),
    /// Yes, no, or nothing that is known.
    Flag(Option<bool>),
    /// A value of a field of the shop's own.
    Custom(Option<&'a serde_json::Value>),
}

/// The field's value. A name that [`find`] does not know has none.
pub fn now<'a>(facts: &'a Facts, name: &str) -> Now<'a> {
    if let Some(key) = name.strip_prefix("custom.") {
        return Now::Custom(facts.custom.get(key).filter(|value| !value.is_null()));
    }
    match name {
        "channel" => Now::Word(Some(&facts.channel)),
        "language" => Now::Word(facts.language.as_deref()),
        "subject" => Now::Text(facts.subject.as_deref().unwrap_or_default()),
        "message" => Now::Text(facts.message.as_deref().unwrap_or_default()),
        "intent" => Now::Word(facts.intent.as_deref()),
        "topics" => Now::Words(&facts.topics),
        "sentiment" => Now::Number(facts.sentiment.map(f64::from)),
        "asks_compensation" => Now::Flag(facts.asks_compensation),
        "tags" => Now::Words(&facts.tags),
        "status" => Now::Word(Some(&facts.status)),
        "priority" => Now::Word(Some(&facts.priority)),
        "assignee" => Now::Word(facts.assignee.as_deref()),
        "department" => Now::Word(facts.department.as_deref()),
        "skills" => Now::Words(&facts.skills),
        "is_snoozed" => Now::Flag(Some(facts.is_snoozed)),
        "opened_by_agent" => Now::Flag(Some(facts.opened_by_agent)),
        "customer_tier" => Now::Word(facts.customer_tier.as_deref()),
        "customer_archetype" => Now::Word(facts.outside.archetype.as_deref()),
        "churn_band" => Now::Word(facts.outside.churn_band.as_deref()),
        "spend" => Now::Number(facts.outside.spend),
        "orders" => Now::Number(facts.outside.orders.map(f64::from)),
        "in_business_hours" => Now::Flag(Some(facts.in_business_hours)),
        "changed" => Now::Words(&facts.changed),
        "added_tags" => Now::Words(&facts.added_tags),
        "rating" => Now::Number(facts.rating),
        "clock" => Now::Word(facts.clock.as_deref()),
        "answered_since" => Now::Flag(Some(facts.answered_since)),
        "customer_wrote_since" => Now::Flag(Some(facts.customer_wrote_since)),
        _ => Now::Word(None),
    }
}
