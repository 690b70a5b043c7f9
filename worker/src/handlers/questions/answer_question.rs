//! Answers a question that somebody asked. With a key and a budget a model calls the tools; otherwise, or when it cannot
//! answer, the grammar does and says so.

use std::sync::Arc;

use chrono::Utc;
use database::Role;
use questions::conversations;
use questions::desk::Asker;
use questions::kinds::AnswerQuestion;
use questions::kinds::answer_question::AnswerQuestionOutput;

use crate::ai;
use crate::app::App;
use crate::ask::by_model::{Asked, NoAnswer};
use crate::ask::{Answered, by_grammar, by_model};
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

/// Questions before it that a model is shown.
const EARLIER: i64 = 6;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: AnswerQuestion) -> Outcome<AnswerQuestionOutput> {
    let gone = || Stop::Cancel("the question is gone".to_owned());
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    let exchange = conversations::get(&mut tx, job.exchange_id).await?.ok_or_else(gone)?;
    let earlier = conversations::before(&mut tx, &exchange, EARLIER).await?;
    tx.commit().await?;
    let may = |scope: &str| exchange.scopes.iter().any(|held| held == scope || held == "operator");
    let asker =
        Asker { tenant: ctx.tenant, analytics: may("intelligence:read"), customers: may("customers:read") };
    let answered = match &exchange.answer {
        Some(answer) => Answered { answer: answer.0.clone(), last_call: None },
        None => {
            let answered = answer(&ctx, &app, asker, &exchange, &earlier).await?;
            let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
            let last = answered.last_call.as_ref();
            let is_there = conversations::answer(&mut tx, exchange.id, &answered.answer, last, Utc::now()).await?;
            tx.commit().await?;
            if !is_there {
                return Err(gone());
            }
            answered
        }
    };
    let outcome = serde_json::to_value(answered.answer.outcome).ok();
    done(AnswerQuestionOutput {
        conversation_id: exchange.conversation_id,
        exchange_id: exchange.id,
        outcome: outcome.and_then(|outcome| outcome.as_str().map(str::to_owned)).unwrap_or_default(),
        answered_by: answered.answer.answered_by,
    })
}

async fn answer(
    ctx: &Ctx,
    app: &App,
    asker: Asker,
    exchange: &conversations::Exchange,
    earlier: &[conversations::Exchange],
) -> Result<Answered, Stop> {
    let allowed = ai::allowed(app, ctx.tenant).await?;
    let mut why_not = None;
    if let Some(client) = allowed.client {
        let asked = Asked { asker, question: &exchange.question, earlier, rounds: allowed.policy.rounds };
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
    let mut answered = by_grammar::answer(&app.desk, asker, &exchange.question, last.map(|call| &call.0)).await?;
    answered.answer.caveats.extend(why_not.or(allowed.remark).map(str::to_owned));
    Ok(answered)
}
