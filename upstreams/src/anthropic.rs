//! The client of the Anthropic Messages API: one prompt in, one answer out.
//!
//! With a tool the model must fill in a form, so that what was asked for is a field of the answer and not a part of
//! a text that has to be searched. A server that knows no tools is asked in the text's form.
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
use serde_json::{Value, json};

use super::error::{ClientError, PROMPT_TOO_LONG, SetupError};
use super::http::{
    Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict, judge_status, url_under,
};
use super::pacing::shared::Shared;
use super::pacing::{Allowance, Pacer, Report};
use super::retry::clean_code;
use super::{Breakers, Destinations};

pub mod conversation;

/// Its name in errors and metrics.
pub const UPSTREAM: &str = "anthropic";

/// Requests a minute; how many is in the answers.
const ALLOWANCE: Allowance = Allowance { window: Duration::from_secs(60), share: 1.0, assumed: 0.0 };

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
    /// The form to be filled in; none asks for a text. It must be the same for every call: another one makes the
    /// upstream read the cached part anew.
    pub tool: Option<Tool<'a>>,
}

/// A form that the model has to fill in.
#[derive(Clone, Copy)]
pub struct Tool<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// Its fields, as JSON Schema.
    pub schema: &'a Value,
}

/// A finished answer.
#[derive(Clone)]
pub struct Completion {
    /// The text blocks, joined.
    pub text: String,
    /// The form as it was filled in; none when the server gave a text only, a list when it gave several.
    pub form: Option<Value>,
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
    /// It ran into a length limit, paused, or does not say why it stopped; the text may lack its end.
    CutOff,
    /// The model declined. There is no use in asking the same again.
    Refused,
    /// It calls a tool that it was not given, or stopped for a call and calls none.
    OtherTool,
    /// It says that it is complete, and there is nothing in it.
    Empty,
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

impl Usage {
    /// What two answers cost together.
    pub fn and(self, other: Usage) -> Usage {
        let sum = |one: Option<u64>, two: Option<u64>| match (one, two) {
            (None, None) => None,
            (one, two) => Some(one.unwrap_or(0).saturating_add(two.unwrap_or(0))),
        };
        Usage {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_creation_input_tokens: sum(
                self.cache_creation_input_tokens,
                other.cache_creation_input_tokens,
            ),
            cache_read_input_tokens: sum(self.cache_read_input_tokens, other.cache_read_input_tokens),
        }
    }
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
        let pacer = Pacer::new(UPSTREAM, ALLOWANCE, report).of_everybody();
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

    /// Asks the model once (with retries of failed tries). A refusal is an answer, and so is one that says nothing: the
    /// `ending` tells.
    ///
    /// # Errors
    /// The upstream does not answer, refuses the request ([`ClientError::is_prompt_too_long`]), does not know the model,
    /// or what comes is no message (`BadAnswer`).
    pub async fn complete(
        &self,
        context: &CallContext,
        prompt: Prompt<'_>,
    ) -> Result<Completion, ClientError> {
        match self.ask(context, prompt).await {
            Err(ClientError::Rejected { code, .. }) if code == NO_TOOLS && prompt.tool.is_some() => {
                self.ask(context, Prompt { tool: None, ..prompt }).await
            }
            answer => answer,
        }
    }

    async fn ask(&self, context: &CallContext, prompt: Prompt<'_>) -> Result<Completion, ClientError> {
        let body = request_body(&self.model, self.max_tokens, prompt);
        let answer = self.post(context, &body).await?;
        read_completion(&answer.body, prompt.tool.map(|tool| tool.name))
    }

    async fn post(&self, context: &CallContext, body: &Value) -> Result<Answer, ClientError> {
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: Some(Bytes::from(body.to_string())),
            repeat: Repeat::Always,
        };
        self.outbound.send(context, &request, judge).await.map_err(|error| match error {
            ClientError::Rejected { status: 404, .. } => {
                ClientError::NoModel { upstream: UPSTREAM, model: self.model.clone() }
            }
            error => error,
        })
    }
}

/// Our code for a refusal that is about the tool.
const NO_TOOLS: &str = "tools_not_supported";

/// What servers say of a prompt that is longer than the model reads, in lower case.
const OF_LENGTH: [&str; 5] =
    ["prompt is too long", "exceed context limit", "context length", "context window", "context size"];

fn request_body(model: &str, max_tokens: u32, prompt: Prompt<'_>) -> Value {
    let mut body = json!({
        "model": model,
        "max_tokens": max_tokens,
        "system": [
            {"type": "text", "text": prompt.fixed_system, "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": prompt.varying_system},
        ],
        "messages": [{"role": "user", "content": prompt.user}],
    });
    if let Some(Tool { name, description, schema }) = prompt.tool {
        body["tools"] = json!([{"name": name, "description": description, "input_schema": schema}]);
        body["tool_choice"] = json!({"type": "tool", "name": name, "disable_parallel_tool_use": true});
    }
    body
}

/// What stands around the answer is read where it can be: a program between the model and us may leave out who answered
/// and what it cost, and that is no reason to throw the answer away.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    model: Value,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    stop_reason: Value,
    #[serde(default)]
    usage: Value,
}

/// Longest name of a model that is kept, in characters.
const MODEL_CHARS: usize = 100;

impl Wire {
    /// Reads a body.
    ///
    /// # Errors
    /// It is no message.
    fn of(body: &[u8]) -> Result<Wire, ClientError> {
        let bad = || ClientError::BadAnswer { upstream: UPSTREAM, problem: "it is not a message" };
        let read = |body: &[u8]| serde_json::from_slice::<Wire>(body);
        let wire = read(body).or_else(|_| read(&mended(body))).map_err(|_| bad())?;
        // An object of another kind has neither.
        if wire.content.is_null() && wire.stop_reason.is_null() { Err(bad()) } else { Ok(wire) }
    }

    /// The blocks of one type; none when the content is no list.
    fn of_type<'w>(&'w self, wanted: &'static str) -> impl Iterator<Item = &'w Value> {
        self.content.as_array().into_iter().flatten().filter(move |block| block["type"] == wanted)
    }

    /// The text blocks, joined.
    fn text(&self) -> String {
        self.of_type("text").filter_map(|block| block["text"].as_str()).collect()
    }

    fn model(&self) -> String {
        let name = self.model.as_str().unwrap_or("unknown");
        name.chars().filter(|c| !c.is_control()).take(MODEL_CHARS).collect()
    }

    fn usage(&self) -> Usage {
        Usage::deserialize(&self.usage).unwrap_or_default()
    }
}

/// The escape of a character that stands for another.
const REPLACEMENT: &[u8] = br"\ufffd";

/// JSON with a replacement character for each half of a pair (`\ud83d` alone), which no text can hold: a model that is cut
/// within an emoji leaves one.
fn mended(body: &[u8]) -> Vec<u8> {
    let unit = |at: usize| {
        let digits = body.get(at..at + 6)?.strip_prefix(br"\u")?;
        let digits =
            std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let is_high = |at| unit(at).is_some_and(|unit| (0xd800..0xdc00).contains(&unit));
    let is_low = |at| unit(at).is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        let taken = match body[at] {
            b'\\' if is_high(at) && is_low(at + 6) => 12,
            b'\\' if is_high(at) || is_low(at) => {
                out.extend_from_slice(REPLACEMENT);
                at += 6;
                continue;
            }
            // An escaped backslash is no beginning of what follows it.
            b'\\' => 2,
            _ => 1,
        };
        let end = (at + taken).min(body.len());
        out.extend_from_slice(&body[at..end]);
        at = end;
    }
    out
}

/// Reads the body of an answer; `tool` is the form that was asked for. What a model does wrong is an answer all the same,
/// and it was paid for: the ending tells.
///
/// # Errors
/// It is no message.
pub fn read_completion(body: &[u8], tool: Option<&str>) -> Result<Completion, ClientError> {
    let wire = Wire::of(body)?;
    let text = wire.text();
    let mut forms = wire.of_type("tool_use").filter(|block| tool.is_some() && block["name"].as_str() == tool);
    // Of several forms nobody knows which one is meant, so all of them are handed on.
    let form = match (forms.next(), forms.next()) {
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(forms).map(|block| block["input"].clone());
            Some(Value::Array(all.collect()))
        }
        (first, _) => first.map(|block| block["input"].clone()),
    };
    let is_empty = text.trim().is_empty() && form.is_none();
    let ending = match wire.stop_reason.as_str() {
        Some("refusal") => Ending::Refused,
        Some("tool_use") if form.is_none() => Ending::OtherTool,
        Some("end_turn" | "stop_sequence" | "tool_use") if is_empty => Ending::Empty,
        Some("end_turn" | "stop_sequence" | "tool_use") => Ending::Complete,
        // max_tokens, pause_turn, model_context_window_exceeded, none at all, and reasons that do not exist yet.
        _ => Ending::CutOff,
    };
    Ok(Completion { text, form, ending, model: wire.model(), usage: wire.usage() })
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

/// The kind of an error counts more than its status: gateways pass an overload on with 400, and with 200.
///
/// Spend limits come in three shapes: a 429 with an error code of its own, a 400 that says so only in its
/// text, and a billing error. None of them goes away by asking again.
fn judge(answer: &Answer) -> Verdict {
    let status = answer.status.as_u16();
    let error = serde_json::from_slice::<ErrorBody>(&answer.body).ok().map(|body| body.error);
    let code = error.as_ref().and_then(|error| error.details.as_ref()?.error_code.as_deref());
    let text = error.as_ref().map_or("", |error| error.message.as_str());
    let kind = error.as_ref().map_or("", |error| error.r#type.as_str());
    match (status, kind) {
        (429, _) if code == Some("enforced_spend_limit_reached") => Verdict::SpendLimit,
        (400, _) if text.contains("API usage limits") => Verdict::SpendLimit,
        (402, _) | (_, "billing_error") => Verdict::SpendLimit,
        (_, "overloaded_error" | "rate_limit_error") => Verdict::Busy,
        (409, _) | (_, "api_error" | "timeout_error") => Verdict::Again,
        (413, _) | (_, "request_too_large") => Verdict::Refuse { code: PROMPT_TOO_LONG.into() },
        (400 | 422, _) if is_of_length(text) => Verdict::Refuse { code: PROMPT_TOO_LONG.into() },
        (400 | 422, _) if text.contains("tool") => Verdict::Refuse { code: NO_TOOLS.into() },
        (200..=299, "authentication_error" | "permission_error") => Verdict::Unauthorised,
        _ => match (judge_status(answer.status), error) {
            (Verdict::Refuse { .. }, Some(error)) => Verdict::Refuse { code: clean_code(&error.r#type) },
            (Verdict::Accept, Some(error)) => Verdict::Refuse { code: clean_code(&error.r#type) },
            (verdict, _) => verdict,
        },
    }
}

fn is_of_length(message: &str) -> bool {
    let message = message.to_lowercase();
    OF_LENGTH.iter().any(|words| message.contains(words))
}

fn header_value(text: &str, setting: &'static str) -> Result<HeaderValue, SetupError> {
    let wrong = || SetupError::Header { upstream: UPSTREAM, setting };
    if text.is_empty() { Err(wrong()) } else { HeaderValue::from_str(text).map_err(|_| wrong()) }
}

#[cfg(test)]
mod tests;
