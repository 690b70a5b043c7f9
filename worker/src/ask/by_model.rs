//! An answer by a model: it calls tools round by round, at most as often as the tenant allows, and hands a form over. What
//! it may see is decided by who asks and by nothing that it says.

use std::collections::HashSet;
use std::time::Duration;

use chrono::Utc;
use questions::answer::{Outcome, compose, without_call};
use questions::conversations::Exchange;
use questions::desk::{Asker, ToolError};
use questions::text;
use questions::tools::{Call, ToolAnswer};
use questions::usage::Feature;
use questions::verifier::known::Known;
use questions::verifier::verify;
use tokio::time::Instant;
use upstreams::anthropic::Client;
use upstreams::anthropic::conversation::{Choice, Conversation, Frame, Stop as End, Turn, Use};
use upstreams::{CallContext, ClientError};

use super::{Answered, by_grammar, prompt};
use crate::ai;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Calls of tools for one question at most.
const MOST_CALLS: usize = 12;
const BY: &str = "anthropic";

/// Why there is no answer of the model.
pub enum NoAnswer {
    /// The job stops here.
    Stop(Stop),
    /// The grammar answers instead, and says why.
    Instead(&'static str),
}

impl From<Stop> for NoAnswer {
    fn from(stop: Stop) -> NoAnswer {
        NoAnswer::Stop(stop)
    }
}

/// What a question is asked with.
pub struct Asked<'a> {
    /// Who asks.
    pub asker: Asker,
    /// The question.
    pub question: &'a str,
    /// What was asked and answered before it, the latest first.
    pub earlier: &'a [Exchange],
    /// How often the model may be asked.
    pub rounds: i32,
    /// How long it may take in all: a little less than the kind's deadline, so that the client gives up in order.
    pub within: Duration,
}

/// Answers the question.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn answer(ctx: &Ctx, app: &App, client: &Client, asked: &Asked<'_>) -> Result<Answered, NoAnswer> {
    let call = CallContext { deadline: Instant::now() + asked.within, traceparent: ctx.trace_parent.clone() };
    let tools = prompt::tools();
    let frame = Frame { system: prompt::SYSTEM, tools: &tools };
    let mut conversation = Conversation::default();
    for exchange in asked.earlier.iter().rev() {
        let Some(answer) = &exchange.answer else { continue };
        conversation.user_says(&prompt::question(&exchange.question));
        conversation.model_said(&answer.text);
    }
    conversation.user_says(&prompt::question(asked.question));
    let mut work = Work { made: Vec::new(), seen: HashSet::new(), model: None };
    let rounds = u64::try_from(asked.rounds.max(1)).unwrap_or(1);
    for round in 1..=rounds {
        if round > 1 && ai::allowed(app, ctx.tenant).await.map_err(Stop::from)?.client.is_none() {
            break;
        }
        let choice = if round == rounds { Choice::Only(prompt::FORM) } else { Choice::Any };
        ctx.progress(round, Some(rounds), "asking the model");
        let turn = match client.turn(&call, frame, &conversation, choice).await {
            Ok(turn) => turn,
            Err(error) => return Err(no_answer(ctx, error)),
        };
        ai::record(app, ctx.tenant, Feature::AnswerQuestion, &turn.model, turn.usage).await;
        work.model = Some(turn.model.clone());
        if let Some(form) = turn.calls.iter().find(|call| call.name == prompt::FORM) {
            return Ok(work.hand_over(form));
        }
        match turn.stop {
            End::Refused => return Err(NoAnswer::Instead("The model declined the question.")),
            End::Done | End::CutOff => return Ok(work.in_prose(&turn)),
            End::Calls => {}
        }
        let mut results = Vec::with_capacity(turn.calls.len());
        for wanted in &turn.calls {
            ctx.progress(round, Some(rounds), &format!("looking things up: {}", tool_name(&wanted.name)));
            let (content, is_error) = work.run(app, asked.asker, wanted).await?;
            results.push((wanted.id.clone(), content, is_error));
        }
        conversation.results(&turn, &results);
    }
    Ok(work.at_the_end())
}

/// A tool's name when it is one of ours; what else a model calls is not repeated.
fn tool_name(name: &str) -> &str {
    if questions::tools::call::NAMES.contains(&name) { name } else { "an unknown tool" }
}

fn no_answer(ctx: &Ctx, error: ClientError) -> NoAnswer {
    const LAST_ATTEMPT: i16 = 3;
    match error {
        error @ (ClientError::RetryAfter { .. } | ClientError::Busy { .. }) => NoAnswer::Stop(error.into()),
        error @ (ClientError::Unavailable { .. } | ClientError::Deadline { .. })
            if ctx.attempt < LAST_ATTEMPT =>
        {
            NoAnswer::Stop(error.into())
        }
        error => {
            tracing::warn!(%error, "the model does not answer questions; the grammar does");
            NoAnswer::Instead("The model could not be asked.")
        }
    }
}

/// What was called so far.
struct Work {
    made: Vec<(Call, ToolAnswer)>,
    seen: HashSet<Call>,
    model: Option<String>,
}

impl Work {
    /// Calls a tool for the model: what it is shown, and whether that is a failure.
    async fn run(&mut self, app: &App, asker: Asker, wanted: &Use) -> Result<(String, bool), Stop> {
        let call = match Call::parse(&wanted.name, &wanted.input) {
            Ok(call) => call,
            Err(error) => return Ok((error.to_string(), true)),
        };
        if !self.seen.insert(call.clone()) {
            return Ok(("You have this answer already; hand your own over.".to_owned(), true));
        }
        if self.made.len() >= MOST_CALLS {
            return Ok((
                format!("{MOST_CALLS} calls are the most for one question; hand your answer over."),
                true,
            ));
        }
        match app.desk.call(asker, &call, Utc::now()).await {
            Ok(answer) => {
                let shown = prompt::data(&answer);
                self.made.push((call, answer));
                Ok((shown, false))
            }
            Err(error @ (ToolError::UnknownCustomer | ToolError::Forbidden(_))) => {
                Ok((error.to_string(), true))
            }
            Err(error) => Err(by_grammar::stop(error)),
        }
    }

    fn hand_over(self, form: &Use) -> Answered {
        let Some(form) = prompt::form(&form.input) else { return self.at_the_end() };
        if form.outcome == Outcome::Answered {
            return self.answered(&form.text, &form.calculations);
        }
        // What asks back or declines is held to the same: a number of the question is no evidence.
        let known = Known::of(self.made.iter().map(|(_, answer)| answer));
        let checked = verify(&form.text, &known, &form.calculations);
        let text = if checked.text.is_empty() {
            "I cannot answer this from the shop's data.".to_owned()
        } else {
            checked.text
        };
        let mut answer = without_call(form.outcome, text, Vec::new(), BY);
        answer.model = self.model;
        answer.removed_sentences = checked.removed;
        Answered { answer, last_call: self.made.into_iter().next_back().map(|(call, _)| call) }
    }

    fn in_prose(self, turn: &Turn) -> Answered {
        self.answered(&turn.text, &[])
    }

    /// The rounds, or the budget, are used up: what was looked up is told without the model's words.
    fn at_the_end(self) -> Answered {
        let text = self.made.last().map(|(_, answer)| text::of(answer)).unwrap_or_default();
        let mut answered = self.answered(&text, &[]);
        answered
            .answer
            .caveats
            .push("The model came to no end; these are the figures that it looked up.".to_owned());
        answered
    }

    fn answered(self, text: &str, calculations: &[questions::verifier::expression::Calculation]) -> Answered {
        let answer = compose(&self.made, text, calculations, BY, self.model);
        Answered { answer, last_call: self.made.into_iter().next_back().map(|(call, _)| call) }
    }
}
