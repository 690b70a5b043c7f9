//! An answer without a model: what the grammar understands is called and told in plain sentences.

use chrono::{DateTime, Utc};
use database::Role;
use platform::insights::InsightError;
use questions::answer::{Outcome, compose, without_call};
use questions::desk::{Asker, Desk, ToolError};
use questions::grammar::names::{self, Names};
use questions::grammar::{Reading, Understood, understand_in};
use questions::text;
use questions::tools::Call;

use super::Answered;
use crate::outcome::Stop;

const BY: &str = "grammar";
/// Said with every answer of the grammar.
pub const HOW: &str = "Answered without a model, by the words of the tools.";

const NO_LAST_ORDERS: &str =
    "What each customer bought last is left out: you would need the permission customers:read.";

/// Answers the question, or asks back, or declines.
///
/// # Errors
/// The database does not answer, or too many ask at once.
pub async fn answer(
    desk: &Desk,
    asker: Asker,
    question: &str,
    last: Option<&Call>,
) -> Result<Answered, Stop> {
    let now = Utc::now();
    let shop = names_of_shop(desk, asker).await.map_err(stop)?;
    let Reading { understood, remarks } = understand_in(&shop, question, last, now.date_naive());
    let mut answered = match understood {
        Understood::Call(call) => called(desk, asker, *call, now).await?,
        Understood::AskBack { text, suggestions } => without(Outcome::Asks, text, suggestions),
        Understood::Decline { text, suggestions } => without(Outcome::Declined, text, suggestions),
    };
    // How the question was read comes before what the figures are worth.
    answered.answer.caveats.splice(0..0, remarks);
    Ok(answered)
}

/// What the shop calls its archetypes and segments, as far as whoever asks may see it.
async fn names_of_shop(desk: &Desk, asker: Asker) -> Result<Names, ToolError> {
    if !asker.analytics {
        return Ok(Names::default());
    }
    let mut tx = desk.db().tenant_tx(Role::Marketing, asker.tenant).await?;
    let shop = names::read(&mut tx, asker.tenant, asker.segments).await?;
    tx.commit().await?;
    Ok(shop)
}

async fn called(desk: &Desk, asker: Asker, mut call: Call, now: DateTime<Utc>) -> Result<Answered, Stop> {
    // Who may not look customers up still gets the list.
    let is_less = call.with_last_order() && !asker.customers;
    if is_less {
        call.leave_last_orders();
    }
    match desk.call(asker, &call, now).await {
        Ok(answer) => {
            let text = text::of(&answer);
            let made = [(call, answer)];
            let mut answer = compose(&made, &text, &[], BY, None);
            if is_less {
                answer.caveats.insert(0, NO_LAST_ORDERS.to_owned());
            }
            answer.caveats.push(HOW.to_owned());
            let [(call, _)] = made;
            Ok(Answered { answer, last_call: Some(call) })
        }
        Err(ToolError::UnknownCustomer) => Ok(without(
            Outcome::Asks,
            "There is no such customer. Which one do you mean?".to_owned(),
            Vec::new(),
        )),
        Err(error @ ToolError::Forbidden(_)) => {
            Ok(without(Outcome::Declined, format!("You may not see this: {error}."), Vec::new()))
        }
        Err(error) => Err(stop(error)),
    }
}

fn without(outcome: Outcome, text: String, suggestions: Vec<String>) -> Answered {
    let mut answer = without_call(outcome, text, suggestions, BY);
    answer.caveats.push(HOW.to_owned());
    Answered { answer, last_call: None }
}

/// What a tool's failure means to the job.
pub fn stop(error: ToolError) -> Stop {
    match error {
        ToolError::Db(error) | ToolError::Insight(InsightError::Db(error)) => error.into(),
        ToolError::Queue(error) => error.into(),
        ToolError::Busy => Stop::wait("reports_busy", "too many reports are being computed"),
        ToolError::Lost => Stop::retry("report_lost", "a report was not finished"),
        other => Stop::fail("tool", &other.to_string()),
    }
}
