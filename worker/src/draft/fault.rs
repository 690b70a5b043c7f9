//! What can be wrong with a model's answer. A fault's text is told to the model when it is asked again, and to the
//! agent when the built-in drafter writes in its place, so it names the rule and quotes nothing of the answer.

use thiserror::Error;
use upstreams::outgoing::Objection;

use super::policy::ViolationKind;

/// A fault of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The model declined.
    #[error("the model declined to answer")]
    Refusal,
    /// The answer ran into the limit of tokens.
    #[error("the answer was cut off before its end")]
    CutOff,
    /// It calls a tool that it was not given.
    #[error("the answer calls something else than the form that it was given")]
    OtherTool,
    /// The conversation is longer than the model reads.
    #[error("the conversation is longer than the model reads")]
    PromptTooLong,
    /// What came is no answer of a model.
    #[error("what came back is no answer of a model: {0}")]
    Unreadable(&'static str),
    /// There is no complete reply part.
    #[error("there is no complete reply in it")]
    NoReply,
    /// The tags of a reply are repeated or stand inside each other.
    #[error("there is more than one beginning or end of a reply in it")]
    SeveralReplies,
    /// The reply part is empty.
    #[error("the reply is empty")]
    EmptyReply,
    /// There is no sentence besides greeting and sign-off.
    #[error("the reply says nothing besides a greeting and a sign-off")]
    NothingSaid,
    /// The reply is longer than the channel allows.
    #[error("the reply has {found} characters, the channel allows {allowed}")]
    TooLong {
        /// Counted.
        found: usize,
        /// The limit.
        allowed: usize,
    },
    /// A character was cut in two.
    #[error("the reply holds a broken character")]
    BrokenCharacter,
    /// The reply holds marks that are shown as they are.
    #[error("the reply holds markup, and it is sent as plain text")]
    Markup,
    /// The reply holds a blank in one of the forms that people and mail programs know.
    #[error("the reply holds a blank that nobody filled in")]
    Blank,
    /// The reply speaks to us about itself.
    #[error("the reply holds words that are meant for the shop and not for the customer")]
    Chatter,
    /// The reply is in another language than the customer's.
    #[error("the reply is in {reply}, but the customer writes {customer}")]
    OtherLanguage {
        /// The reply's language, in English.
        reply: &'static str,
        /// The customer's.
        customer: &'static str,
    },
    /// The reply breaks the promise policy.
    #[error("{}", .0.rule())]
    Policy(ViolationKind),
    /// The gate of outgoing texts would refuse the reply.
    #[error("the reply cannot be sent: {0}")]
    Gate(Objection),
}

impl Fault {
    /// Whether the model can do better when it is told.
    pub fn is_the_models(&self) -> bool {
        !matches!(self, Fault::PromptTooLong | Fault::Unreadable(_))
    }
}
