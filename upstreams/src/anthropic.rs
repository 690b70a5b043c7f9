//! The client of the Anthropic Messages API: one prompt in, one text out.
//!
//! Sampling parameters are not sent (newer API versions refuse them), the static part of the system prompt
//! is marked for prompt caching, and every stop reason is told apart, because a refusal or a cut-off text
//! must not be taken for a draft.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;

use super::error::{ClientError, SetupError};
use super::http::{
    Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict, judge_status, url_under,
};
use super::pacing::shared::Shared;
use super::pacing::{Allowance, Pacer, Report};
use super::retry::clean_code;
use super::{Breakers, Destinations};

const UPSTREAM: &str = "anthropic";

/// Requests a minute; how many is in the answers.
const ALLOWANCE: Allowance = Allowance { window: Duration::from_secs(60), share: 1.0 };

/// How to reach the API and what to ask of it.
pub struct Settings {
    /// Base URL, for example `https://api.anthropic.com`.
    pub base: String,
    /// The API key.
    pub key: String,
    /// The model's name.
    pub model: String,
    /// The value of the `anthropic-version` header.
    pub version: String,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("model", &self.model)
            .field("version", &self.version)
            .field("max_tokens", &self.max_tokens)
            .finish_non_exhaustive()
    }
}

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    outbound: Outbound,
    url: Url,
    headers: HeaderMap,
    model: String,
    max_tokens: u32,
}

/// A prompt in its three parts.
#[derive(Clone, Copy)]
pub struct Prompt<'a> {
    /// The part of the system prompt that is the same for every call; it is cached upstream.
    pub fixed_system: &'a str,
    /// The part that depends on the ticket's channel and style.
    pub varying_system: &'a str,
    /// The user message.
    pub user: &'a str,
}

/// A finished answer.
#[derive(Clone)]
pub struct Completion {
    /// The text blocks, joined.
    pub text: String,
    /// Why it ended.
    pub ending: Ending,
    /// The model that answered.
    pub model: String,
    /// What it cost.
    pub usage: Usage,
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("ending", &self.ending)
            .field("model", &self.model)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The model had said everything.
    Complete,
    /// It ran into a length limit; the text may lack its end.
    CutOff,
    /// The model declined. There is no use in asking the same again.
    Refused,
}

/// Tokens used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read at full price.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Tokens put into the prompt cache.
    pub cache_creation_input_tokens: Option<u64>,
    /// Tokens read from the prompt cache.
    pub cache_read_input_tokens: Option<u64>,
}

impl Client {
    /// The policy of calls to the model: slow answers, three tries, waits of up to 10 s on the spot.
    pub const POLICY: RetryPolicy = RetryPolicy {
        attempts: 3,
        first_delay: Duration::from_millis(500),
        longest_delay: Duration::from_secs(8),
        attempt_timeout: Duration::from_secs(90),
        longest_named_wait: Duration::from_secs(10),
    };

    /// Builds the client and checks that every setting can be sent.
    pub fn new(
        settings: &Settings,
        destinations: Destinations,
        breakers: Breakers,
    ) -> Result<Self, SetupError> {
        Self::with_policy(settings, destinations, breakers, Self::POLICY)
    }

    /// Like `new`, with another retry policy.
    pub fn with_policy(
        settings: &Settings,
        destinations: Destinations,
        breakers: Breakers,
        policy: RetryPolicy,
    ) -> Result<Self, SetupError> {
        let pacer = Pacer::new(UPSTREAM, ALLOWANCE, report);
        let outbound = Outbound::new(UPSTREAM, destinations, policy, breakers)?.paced_by(pacer);
        let base = outbound.base_url(&settings.base)?;
        let mut key = header_value(&settings.key, "key")?;
        key.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("x-api-key"), key),
            (HeaderName::from_static("anthropic-version"), header_value(&settings.version, "version")?),
        ]);
        Ok(Self {
            outbound,
            url: url_under(&base, &["v1", "messages"]),
            headers,
            model: settings.model.clone(),
            max_tokens: settings.max_tokens,
        })
    }

    /// The same with a rate bucket that the whole cluster shares.
    pub fn sharing_pace(mut self, shared: Shared) -> Self {
        self.outbound = self.outbound.sharing_pace(shared);
        self
    }

    /// Asks the model once (with retries of failed tries). A refusal is an answer, not an error.
    pub async fn complete(
        &self,
        context: &CallContext,
        prompt: Prompt<'_>,
    ) -> Result<Completion, ClientError> {
        let body = request_body(&self.model, self.max_tokens, prompt);
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: Some(Bytes::from(body.to_string())),
            repeat: Repeat::Always,
        };
        let answer = self.outbound.send(context, &request, judge).await?;
        read_completion(&answer.body)
    }
}

fn request_body(model: &str, max_tokens: u32, prompt: Prompt<'_>) -> serde_json::Value {
    json!({
        "model": model,
        "max_tokens": max_tokens,
        "system": [
            {"type": "text", "text": prompt.fixed_system, "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": prompt.varying_system},
        ],
        "messages": [{"role": "user", "content": prompt.user}],
    })
}

#[derive(Deserialize)]
struct Wire {
    model: String,
    content: Vec<Block>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Block {
    r#type: String,
    #[serde(default)]
    text: String,
}

fn read_completion(body: &[u8]) -> Result<Completion, ClientError> {
    let bad = |problem| ClientError::BadAnswer { upstream: UPSTREAM, problem };
    let wire: Wire = serde_json::from_slice(body).map_err(|_| bad("it is not a message"))?;
    let text: String =
        wire.content.iter().filter(|block| block.r#type == "text").map(|block| block.text.as_str()).collect();
    let ending = match wire.stop_reason.as_deref() {
        Some("end_turn" | "stop_sequence") => Ending::Complete,
        Some("refusal") => Ending::Refused,
        Some("tool_use" | "pause_turn") => return Err(bad("the model wants a tool, and none was offered")),
        None => return Err(bad("it has no stop reason")),
        // max_tokens, model_context_window_exceeded, and reasons that do not exist yet: whoever parses the
        // text decides whether enough of it is there.
        Some(_) => Ending::CutOff,
    };
    if text.trim().is_empty() && ending != Ending::Refused {
        return Err(bad("it has no text"));
    }
    Ok(Completion { text, ending, model: wire.model, usage: wire.usage })
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    message: String,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    error_code: Option<String>,
}

fn report(headers: &HeaderMap) -> Option<Report> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok().map(f64::from);
    let limit = number("anthropic-ratelimit-requests-limit")?;
    let left = number("anthropic-ratelimit-requests-remaining")?;
    (limit > 0.0).then(|| Report { used: (limit - left).max(0.0), limit })
}

/// Spend limits come in three shapes: a 429 with an error code of its own, a 400 that says so only in its
/// text, and a billing error. None of them goes away by asking again.
fn judge(answer: &Answer) -> Verdict {
    let status = answer.status.as_u16();
    let error = serde_json::from_slice::<ErrorBody>(&answer.body).ok().map(|body| body.error);
    let code = error.as_ref().and_then(|error| error.details.as_ref()?.error_code.as_deref());
    let text = error.as_ref().map_or("", |error| error.message.as_str());
    match status {
        429 if code == Some("enforced_spend_limit_reached") => Verdict::SpendLimit,
        400 if text.contains("API usage limits") => Verdict::SpendLimit,
        402 => Verdict::SpendLimit,
        409 => Verdict::Again,
        _ => match (judge_status(answer.status), error) {
            (Verdict::Refuse { .. }, Some(error)) => Verdict::Refuse { code: clean_code(&error.r#type) },
            (verdict, _) => verdict,
        },
    }
}

fn header_value(text: &str, setting: &'static str) -> Result<HeaderValue, SetupError> {
    let wrong = || SetupError::Header { upstream: UPSTREAM, setting };
    if text.is_empty() { Err(wrong()) } else { HeaderValue::from_str(text).map_err(|_| wrong()) }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn judged(status: u16, body: &str) -> Verdict {
        judge(&Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        })
    }

    #[test]
    fn errors_are_told_apart() {
        let limit = r#"{"type":"error","error":{"type":"rate_limit_error","message":"","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
        assert_eq!(judged(429, limit), Verdict::SpendLimit);
        let workspace = r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits."}}"#;
        assert_eq!(judged(400, workspace), Verdict::SpendLimit);
        assert_eq!(judged(429, r#"{"error":{"type":"rate_limit_error","message":"slow"}}"#), Verdict::Again);
        for status in [408, 409, 500, 529] {
            assert_eq!(judged(status, "not json"), Verdict::Again, "{status}");
        }
        assert_eq!(judged(401, "{}"), Verdict::Unauthorised);
        let invalid = r#"{"type":"error","error":{"type":"invalid_request_error","message":"temperature"}}"#;
        assert_eq!(judged(400, invalid), Verdict::Refuse { code: "invalid_request_error".into() });
    }

    #[test]
    fn endings_are_told_apart() {
        let read = |reason: &str, content: &str| {
            let body = format!(r#"{{"model":"m","content":[{content}],"stop_reason":"{reason}"}}"#);
            read_completion(body.as_bytes()).map(|completion| completion.ending)
        };
        let text = r#"{"type":"text","text":"hello"}"#;
        assert_eq!(read("end_turn", text), Ok(Ending::Complete));
        assert_eq!(read("max_tokens", text), Ok(Ending::CutOff));
        assert_eq!(read("model_context_window_exceeded", text), Ok(Ending::CutOff));
        assert_eq!(read("refusal", ""), Ok(Ending::Refused));
        assert!(read("end_turn", "").is_err());
        assert!(read("tool_use", text).is_err());
        assert!(read_completion(b"[]").is_err());
    }

    #[test]
    fn the_request_has_one_cache_breakpoint_and_no_sampling() {
        let prompt = Prompt { fixed_system: "a", varying_system: "b", user: "c" };
        let body = request_body("model", 900, prompt).to_string();
        assert_eq!(body.matches("cache_control").count(), 1);
        for refused in ["temperature", "top_p", "top_k"] {
            assert!(!body.contains(refused));
        }
    }
}
