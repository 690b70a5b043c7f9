//! Reply drafts: what goes into one, how the model is asked, and what may come out.
//!
//! Everything here is pure: no clock, no network, no database. A handler gathers a `DraftInput`, then either
//! asks the model (`prompt`) and holds its answer to every rule (`judge`: the form by `answer`, words that are not for
//! the customer by `chatter` and, where they stand around the letter, by `frame`, blanks, markup, the language, the promises by `policy`, and the gate of outgoing texts), or lets the
//! built-in drafter write (`template`), and renders the result for the help desk (`note`).

pub mod answer;
mod blanks;
mod chatter;
pub mod cite;
pub mod fault;
mod frame;
pub mod input;
pub mod judge;
pub mod language;
mod markup;
pub mod note;
pub mod policy;
pub mod prompt;
pub mod style;
pub mod template;
pub mod words;

pub use input::{
    Author, CustomerFacts, CustomerWords, Draft, DraftInput, Drafter, KnownArticle, Priority, RecentOrder,
    Recommendation, ThreadMessage,
};
pub use style::{Channel, Length, Tone};
