//! Answering a question: by a model that calls the tools in rounds, or by the grammar where there is none.

pub mod by_grammar;
pub mod by_model;
pub mod prompt;

use questions::answer::Answer;
use questions::tools::Call;

/// An answer, and the call that a question which goes on from it refers to.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// The last call that was made.
    pub last_call: Option<Call>,
}
