//! Advises the agent who has a ticket. Rules make the advice; a model that is there chooses the words, and one that is not
//! is not waited for.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::ids::TicketId;
use questions::usage::Feature;
use support::kinds::recommend_actions::RecommendActionsOutput;
use support::kinds::{DraftReply, RecommendActions};
use support::recommendations::{self, NewRecommendation};
use support::tickets;
use tokio::time::Instant;
use upstreams::CallContext;

use super::draft_reply::input_of;
use crate::ai;
use crate::app::App;
use crate::context::Ctx;
use crate::draft::{DraftInput, Recommendation};
use crate::outcome::{Outcome, Stop, done};
use crate::recommend::{model, rules};

/// Messages that are looked at.
const THREAD: u32 = 20;
/// A little less than the kind's deadline, so that the client gives up in order.
const CALL_TIME: Duration = Duration::from_secs(45);

pub(super) async fn handle(
    ctx: Ctx,
    app: Arc<App>,
    job: RecommendActions,
) -> Outcome<RecommendActionsOutput> {
    let id = TicketId(job.ticket_id);
    let gone = || Stop::Cancel("the ticket is gone".to_owned());
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let ticket = tickets::get(&mut tx, id).await?.ok_or_else(gone)?;
    let ticket = ticket.of_somebody().map_err(|erased| Stop::Cancel(erased.to_string()))?;
    let current = recommendations::current(&mut tx, id).await?;
    let case = recommendations::case(&mut tx, id).await?.ok_or_else(gone)?;
    let thread = tickets::thread(&mut tx, id, THREAD).await?;
    tx.commit().await?;
    if let Some(current) = current.filter(|current| current.job_id == ctx.job_id || !current.stale) {
        return done(RecommendActionsOutput { priority: current.priority, made_by: current.made_by });
    }
    let plain = DraftReply { ticket_id: id.0, tone: None, length: None, again: false };
    let input = input_of(&ctx, &app, &plain, &ticket, thread).await?;
    let ours = rules::advise(&case, &input, Utc::now());
    let worded = word(&ctx, &app, ours, &input).await;
    let currency = input.customer.as_ref().map(|customer| customer.currency.as_str());
    let at_risk = rules::revenue_at_risk_cents(&case);
    let new = NewRecommendation {
        ticket: id,
        job: ctx.job_id,
        basis: &case.basis,
        priority: worded.advice.priority.as_str(),
        actions: &worded.advice.actions,
        talking_points: &worded.advice.talking_points,
        warnings: &worded.advice.warnings,
        retention_probability: rules::retention(&case).map(|chance| chance as f32),
        revenue_at_risk_cents: at_risk,
        currency: at_risk.and(currency),
        made_by: if worded.model.is_some() { "anthropic" } else { "rules" },
        model: worded.model.as_deref(),
        remarks: worded.remark.as_slice(),
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    recommendations::store(&mut tx, ctx.tenant, &new).await?;
    tx.commit().await?;
    done(RecommendActionsOutput { priority: new.priority.to_owned(), made_by: new.made_by.to_owned() })
}

struct Worded {
    advice: Recommendation,
    model: Option<String>,
    remark: Option<String>,
}

async fn word(ctx: &Ctx, app: &App, ours: Recommendation, input: &DraftInput) -> Worded {
    // Advice does not wait: what the budget says when the database does not is no.
    let allowed = ai::allowed(app, ctx.tenant).await.ok();
    let remark = allowed.as_ref().and_then(|allowed| allowed.remark).map(str::to_owned);
    let Some(client) = allowed.and_then(|allowed| allowed.client) else {
        return Worded { advice: ours, model: None, remark };
    };
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let user = model::user_text(&ours, input);
    let answer = client.complete(&call, model::prompt(&user)).await;
    if let Ok(completion) = &answer {
        ai::record(app, ctx.tenant, Feature::RecommendActions, &completion.model, completion.usage).await;
    }
    let remark = match answer {
        Ok(completion) => match model::reworded(&completion, &ours, input) {
            Some(advice) => return Worded { advice, model: Some(completion.model), remark: None },
            None => "The model's answer could not be used; these are the words of rules.",
        },
        Err(error) => {
            tracing::info!(%error, "advice without the model");
            "The model could not be asked; these are the words of rules."
        }
    };
    Worded { advice: ours, model: None, remark: Some(remark.to_owned()) }
}
