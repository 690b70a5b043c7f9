//! Answers a question that somebody asked. With a key and a budget a model calls the tools; otherwise, or when it cannot
//! answer, the grammar does and says so.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use questions::conversations;
use questions::desk::Asker;
use questions::kinds::AnswerQuestion;
use questions::kinds::answer_question::AnswerQuestionOutput;

use crate::app::App;
use crate::ask::{self, Answered, Question};
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

/// Questions before it that a model is shown.
const EARLIER: i64 = 6;
/// A little less than the kind's deadline.
const CALL_TIME: Duration = Duration::from_secs(150);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: AnswerQuestion) -> Outcome<AnswerQuestionOutput> {
    let gone = || Stop::Cancel("the question is gone".to_owned());
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    let exchange = conversations::get(&mut tx, job.exchange_id).await?.ok_or_else(gone)?;
    let earlier = conversations::before(&mut tx, &exchange, EARLIER).await?;
    tx.commit().await?;
    let asker = Asker::new(ctx.tenant, |scope| {
        exchange.scopes.iter().any(|held| held == scope || held == "operator")
    });
    let answered = match &exchange.answer {
        Some(answer) => Answered { answer: answer.0.clone(), last_call: None },
        None => {
            let asked = Question { asker, text: &exchange.question, earlier: &earlier, within: CALL_TIME };
            let answered = ask::answer(&ctx, &app, &asked).await?;
            let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
            let last = answered.last_call.as_ref();
            let is_there =
                conversations::answer(&mut tx, exchange.id, &answered.answer, last, Utc::now()).await?;
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
