//! Answering a question: by a model that calls the tools in rounds where there is one and a budget for it, else by the
//! grammar, which says so.

pub mod by_grammar;
pub mod by_model;
pub mod in_chat;
pub mod prompt;

use std::time::Duration;

use questions::answer::Answer;
use questions::conversations::Exchange;
use questions::desk::Asker;
use questions::tools::Call;

use crate::ai;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;
use by_model::{Asked, NoAnswer};

/// An answer, and the call that a question which goes on from it refers to.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// The last call that was made.
    pub last_call: Option<Call>,
}

/// A question.
pub struct Question<'a> {
    /// Who asks.
    pub asker: Asker,
    /// What is asked.
    pub text: &'a str,
    /// What was asked and answered before it, the latest first.
    pub earlier: &'a [Exchange],
    /// How long a model may take.
    pub within: Duration,
}

/// Answers a question.
///
/// # Errors
/// The database does not answer, the model asks to wait, or too many ask at once.
pub async fn answer(ctx: &Ctx, app: &App, question: &Question<'_>) -> Result<Answered, Stop> {
    let Question { asker, text, earlier, within } = *question;
    let allowed = ai::allowed(app, ctx.tenant).await?;
    let mut why_not = None;
    if let Some(client) = allowed.client {
        let asked = Asked { asker, question: text, earlier, rounds: allowed.policy.rounds, within };
        match by_model::answer(ctx, app, client, &asked).await {
            Ok(mut answered) => {
                answered.answer.caveats.extend(allowed.remark.map(str::to_owned));
                return Ok(answered);
            }
            Err(NoAnswer::Stop(stop)) => return Err(stop),
            Err(NoAnswer::Instead(why)) => why_not = Some(why),
        }
    }
    // A question that was asked back has no call; what goes on goes on from the last that had one.
    let last = earlier.iter().find_map(|exchange| exchange.last_call.as_ref());
    let mut answered = by_grammar::answer(&app.desk, asker, text, last.map(|call| &call.0)).await?;
    answered.answer.caveats.extend(why_not.or(allowed.remark).map(str::to_owned));
    Ok(answered)
}
