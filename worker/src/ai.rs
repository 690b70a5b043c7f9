//! The model within a tenant's budget: whether it may be asked, and what it was used for. Every feature that asks a model
//! asks here first and tells here afterwards, so that no use of it is free of the budget or missing from the books.

use chrono::Utc;
use database::ids::TenantId;
use database::{DbError, Role};
use questions::policy::{self, Policy};
use questions::usage::{self, Feature, Tokens, Used, Verdict};
use upstreams::anthropic::{Client, Usage};

use crate::app::App;

/// What the tenant allows now.
pub struct Allowed<'a> {
    /// The model; none when there is no key, or nothing is left of the budget.
    pub client: Option<&'a Client>,
    /// What is to be said of the budget.
    pub remark: Option<&'static str>,
    /// The tenant's policy.
    pub policy: Policy,
}

/// Whether the model may be asked for this tenant now.
///
/// # Errors
/// The database failed.
pub async fn allowed(app: &App, tenant: TenantId) -> Result<Allowed<'_>, DbError> {
    let mut tx = app.db.tenant_tx(Role::Marketing, tenant).await?;
    let policy = policy::read(&mut tx).await?;
    let is_judged = app.anthropic.is_some() && policy.monthly_micros.is_some();
    let spent = if is_judged { usage::spent_this_month(&mut tx, Utc::now()).await? } else { 0 };
    tx.commit().await?;
    let Some(client) = &app.anthropic else { return Ok(Allowed { client: None, remark: None, policy }) };
    let verdict = usage::judge(&policy, spent);
    if verdict == Verdict::Stop {
        metrics::counter!("deskwork_ai_stopped_by_budget_total").increment(1);
    }
    Ok(Allowed {
        client: (verdict != Verdict::Stop).then_some(client),
        remark: usage::remark(verdict),
        policy,
    })
}

/// Writes down what an answer of the model cost. It was paid for whatever becomes of the job, so this is a transaction of
/// its own; and because asking again costs more than a missing line, a failure is logged and nothing else.
pub async fn record(app: &App, tenant: TenantId, feature: Feature, model: &str, used: Usage) {
    let tokens = Tokens {
        input: used.input_tokens,
        output: used.output_tokens,
        cache_read: used.cache_read_input_tokens.unwrap_or(0),
        cache_write: used.cache_creation_input_tokens.unwrap_or(0),
    };
    let cost_micros = app.prices.cost_micros(tokens);
    let name = feature.name();
    metrics::counter!("deskwork_ai_calls_total", "feature" => name).increment(1);
    metrics::counter!("deskwork_ai_cache_hits_total", "feature" => name)
        .increment(u64::from(tokens.cache_read > 0));
    for (kind, count) in [
        ("input", tokens.input),
        ("output", tokens.output),
        ("cache_read", tokens.cache_read),
        ("cache_write", tokens.cache_write),
    ] {
        metrics::counter!("deskwork_ai_tokens_total", "feature" => name, "kind" => kind).increment(count);
    }
    metrics::counter!("deskwork_ai_cost_micros_total", "feature" => name)
        .increment(u64::try_from(cost_micros).unwrap_or(0));
    let line = Used { feature, model, tokens, cost_micros };
    let written = async {
        let mut tx = app.db.tenant_tx(Role::Marketing, tenant).await?;
        usage::record(&mut tx, tenant, &line, Utc::now()).await?;
        Ok::<_, DbError>(tx.commit().await?)
    };
    if let Err(error) = written.await {
        metrics::counter!("deskwork_ai_lines_lost_total").increment(1);
        tracing::error!(%error, feature = name, "what the model was used for is not written down");
    }
}
