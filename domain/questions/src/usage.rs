//! What models were used for: tokens, cost, calls and cache hits of a tenant by feature and day, and what its budget of
//! the month says to one more call.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;

use crate::policy::Policy;

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// A question about the shop.
    AnswerQuestion,
    /// A draft of a reply.
    DraftReply,
    /// Mood and matter of a message.
    AnalyzeMessage,
    /// Advice for a ticket.
    RecommendActions,
}

impl Feature {
    /// The name in tables and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Feature::AnswerQuestion => "answer_question",
            Feature::DraftReply => "draft_reply",
            Feature::AnalyzeMessage => "analyze_message",
            Feature::RecommendActions => "recommend_actions",
        }
    }
}

/// Tokens of some calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read at full price.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read from the prompt cache.
    pub cache_read: u64,
    /// Put into the prompt cache.
    pub cache_write: u64,
}

/// What a million tokens cost, in millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
}

impl Prices {
    /// What tokens cost, in millionths of a US dollar, rounded up. What is read from the cache costs a tenth of the
    /// price of input, what is put there a quarter more.
    pub fn cost_micros(self, tokens: Tokens) -> i64 {
        let input = u128::from(self.input);
        let twentieths = u128::from(tokens.input) * input * 20
            + u128::from(tokens.cache_read) * input * 2
            + u128::from(tokens.cache_write) * input * 25
            + u128::from(tokens.output) * u128::from(self.output) * 20;
        i64::try_from(twentieths.div_ceil(20_000_000)).unwrap_or(i64::MAX)
    }
}

/// One call that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    /// What for.
    pub feature: Feature,
    /// The model that answered.
    pub model: &'a str,
    /// Its tokens.
    pub tokens: Tokens,
    /// What they cost.
    pub cost_micros: i64,
}

/// Adds a call to its day (marketing role).
///
/// # Errors
/// The database failed.
pub async fn record(
    tx: &mut Tx,
    tenant: TenantId,
    used: &Used<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let stored = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    sqlx::query(include_str!("usage/record.sql"))
        .bind(tenant)
        .bind(now.date_naive())
        .bind(used.feature.name())
        .bind(used.model.chars().take(100).collect::<String>())
        .bind(i64::from(used.tokens.cache_read > 0))
        .bind(stored(used.tokens.input))
        .bind(stored(used.tokens.output))
        .bind(stored(used.tokens.cache_read))
        .bind(stored(used.tokens.cache_write))
        .bind(used.cost_micros)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The use of a feature and model on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Line {
    /// The day (UTC).
    pub day: NaiveDate,
    /// What the model was asked for.
    pub feature: String,
    /// Which model.
    pub model: String,
    /// How often it was asked.
    pub calls: i64,
    /// How many of the calls read something from the prompt cache.
    pub cache_hits: i64,
    /// Tokens read at full price.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: i64,
    /// Tokens put into the prompt cache.
    pub cache_write_tokens: i64,
    /// What it cost, in millionths of a dollar.
    pub cost_micros: i64,
}

/// Lines of the days from `from` to `to`, newest first, at most 2,000 (marketing role).
///
/// # Errors
/// The database failed.
pub async fn lines(tx: &mut Tx, from: NaiveDate, to: NaiveDate) -> Result<Vec<Line>, DbError> {
    Ok(sqlx::query_as(
        "select day, feature, model, calls, cache_hits, input_tokens, output_tokens, cache_read_tokens,
                cache_write_tokens, cost_micros
         from questions_app.ai_usage
         where tenant_id = (select shared.current_tenant()) and day between $1 and $2
         order by day desc, feature, model limit 2000",
    )
    .bind(from)
    .bind(to)
    .fetch_all(&mut **tx)
    .await?)
}

/// What was spent in the calendar month (UTC) of this moment (marketing role).
///
/// # Errors
/// The database failed.
pub async fn spent_this_month(tx: &mut Tx, now: DateTime<Utc>) -> Result<i64, DbError> {
    let first = now.date_naive().with_day(1).unwrap_or_else(|| now.date_naive());
    Ok(sqlx::query_scalar(
        "select coalesce(sum(cost_micros), 0)::bigint from questions_app.ai_usage
         where tenant_id = (select shared.current_tenant()) and day between $1 and $2",
    )
    .bind(first)
    .bind(now.date_naive())
    .fetch_one(&mut **tx)
    .await?)
}

/// What a budget says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Go on.
    Fine,
    /// Go on; most of it is used up.
    Warning,
    /// Nothing is left.
    Stop,
}

/// What the policy's budget says once so much was spent.
pub fn judge(policy: &Policy, spent_micros: i64) -> Verdict {
    let Some(budget) = policy.monthly_micros else { return Verdict::Fine };
    if spent_micros >= budget {
        return Verdict::Stop;
    }
    let warned_from = i128::from(budget) * i128::from(policy.warn_percent) / 100;
    if i128::from(spent_micros) >= warned_from { Verdict::Warning } else { Verdict::Fine }
}

/// The sentence that goes with a verdict.
pub const fn remark(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Fine => None,
        Verdict::Warning => Some("Most of this month's budget for AI is used up."),
        Verdict::Stop => Some("This month's budget for AI is used up, so no model was asked."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_prices() {
        let prices = Prices { input: 1_000_000, output: 5_000_000 };
        let tokens =
            Tokens { input: 1_000_000, output: 200_000, cache_read: 1_000_000, cache_write: 1_000_000 };
        assert_eq!(prices.cost_micros(tokens), 1_000_000 + 1_000_000 + 100_000 + 1_250_000);
        assert_eq!(prices.cost_micros(Tokens { input: 1, ..Tokens::default() }), 1);
        assert_eq!(prices.cost_micros(Tokens::default()), 0);
        assert_eq!(prices.cost_micros(Tokens { output: u64::MAX, ..Tokens::default() }), i64::MAX);
    }

    #[test]
    fn a_budget_warns_and_then_stops() {
        let policy = Policy { monthly_micros: Some(1_000), ..Policy::default() };
        assert_eq!(judge(&policy, 799), Verdict::Fine);
        assert_eq!(judge(&policy, 800), Verdict::Warning);
        assert_eq!(judge(&policy, 1_000), Verdict::Stop);
        assert_eq!(judge(&Policy { monthly_micros: Some(0), ..policy.clone() }, 0), Verdict::Stop);
        assert_eq!(judge(&Policy { monthly_micros: None, ..policy }, i64::MAX), Verdict::Fine);
    }
}
