//! A conversation in which the model may call tools: one request a round, with everything that was said so far.
//!
//! System prompt and tools are the same in every round and of every question, so they are cached upstream; so is the
//! conversation up to its last message, which the next round repeats.

use std::fmt;

use serde_json::{Value, json};

use super::{Client, Tool, UPSTREAM, Usage, Wire};
use crate::error::ClientError;
use crate::http::CallContext;

/// What does not change from round to round.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The system prompt.
    pub system: &'a str,
    /// The tools that may be called, always in the same order: another list makes the upstream read the cached part anew.
    pub tools: &'a [Tool<'a>],
}

/// What was said so far, the first message first. Printing it for debugging shows nothing.
#[derive(Clone, Default)]
pub struct Conversation {
    messages: Vec<Value>,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("messages", &self.messages.len()).finish_non_exhaustive()
    }
}

impl Conversation {
    /// Somebody says something.
    pub fn user_says(&mut self, text: &str) {
        self.messages.push(json!({"role": "user", "content": [{"type": "text", "text": text}]}));
    }

    /// The model said something earlier, in words of ours.
    pub fn model_said(&mut self, text: &str) {
        self.messages.push(json!({"role": "assistant", "content": [{"type": "text", "text": text}]}));
    }

    /// The model's turn, exactly as it came, and what its calls gave, in their order: id, content, and whether it failed.
    pub fn results(&mut self, turn: &Turn, results: &[(String, String, bool)]) {
        self.messages.push(json!({"role": "assistant", "content": turn.content}));
        let blocks: Vec<Value> = results
            .iter()
            .map(|(id, content, is_error)| {
                json!({"type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error})
            })
            .collect();
        self.messages.push(json!({"role": "user", "content": blocks}));
    }
}

/// What the model does next.
#[derive(Clone)]
pub struct Turn {
    /// What it says.
    pub text: String,
    /// What it calls.
    pub calls: Vec<Use>,
    /// Why it stopped.
    pub stop: Stop,
    /// The model that answered.
    pub model: String,
    /// What it cost.
    pub usage: Usage,
    content: Value,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("calls", &self.calls.len())
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// Names the call; its result names it too.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments.
    pub input: Value,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The model has said everything.
    Done,
    /// It waits for what its calls give.
    Calls,
    /// It ran into a length limit.
    CutOff,
    /// It declined.
    Refused,
}

impl Client {
    /// The model's next turn.
    ///
    /// # Errors
    /// The upstream does not answer, or what it answers is no turn.
    pub async fn turn(
        &self,
        context: &CallContext,
        frame: Frame<'_>,
        conversation: &Conversation,
        choice: Choice<'_>,
    ) -> Result<Turn, ClientError> {
        let body = body(&self.model, self.max_tokens, frame, conversation, choice);
        let answer = self.post(context, &body).await?;
        read(&answer.body)
    }
}

/// What the model may do in its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Call any tool, or say something.
    Any,
    /// Call this one.
    Only(&'a str),
}

fn body(
    model: &str,
    max_tokens: u32,
    frame: Frame<'_>,
    conversation: &Conversation,
    choice: Choice<'_>,
) -> Value {
    let tools: Vec<Value> = frame
        .tools
        .iter()
        .map(|tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.schema}))
        .collect();
    let mut messages = conversation.messages.clone();
    // The second breakpoint of four that are allowed: everything that the next round repeats.
    if let Some(block) = messages.last_mut().and_then(|last| last["content"].as_array_mut()?.last_mut()) {
        block["cache_control"] = json!({"type": "ephemeral"});
    }
    json!({
        "model": model,
        "max_tokens": max_tokens,
        "system": [{"type": "text", "text": frame.system, "cache_control": {"type": "ephemeral"}}],
        "tools": tools,
        "tool_choice": match choice {
            Choice::Any => json!({"type": "auto"}),
            Choice::Only(name) => json!({"type": "tool", "name": name, "disable_parallel_tool_use": true}),
        },
        "messages": messages,
    })
}

/// Calls of one turn at most; a model that asks for more is not answered in full.
const MOST_CALLS: usize = 16;

fn read(body: &[u8]) -> Result<Turn, ClientError> {
    let bad = |problem| ClientError::BadAnswer { upstream: UPSTREAM, problem };
    let wire = Wire::of(body)?;
    let text = wire.text();
    let calls: Option<Vec<Use>> = wire
        .of_type("tool_use")
        .map(|block| {
            let named = |field: &str| block[field].as_str().map(str::to_owned);
            Some(Use { id: named("id")?, name: named("name")?, input: block["input"].clone() })
        })
        .collect();
    let calls = calls.ok_or_else(|| bad("a call has no id or no name"))?;
    if calls.len() > MOST_CALLS {
        return Err(bad("it calls too many tools at once"));
    }
    let stop = match wire.stop_reason.as_str() {
        Some("refusal") => Stop::Refused,
        Some("tool_use") if calls.is_empty() => return Err(bad("it stops for a call and calls nothing")),
        Some("tool_use") => Stop::Calls,
        Some("end_turn" | "stop_sequence") => Stop::Done,
        None => return Err(bad("it has no stop reason")),
        Some(_) => Stop::CutOff,
    };
    let (model, usage) = (wire.model(), wire.usage());
    Ok(Turn { text, calls, stop, model, usage, content: wire.content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_with_calls_is_read_and_repeated_as_it_came() {
        let body = br#"{"model":"m","stop_reason":"tool_use","content":[{"type":"text","text":"I look."},
            {"type":"tool_use","id":"t1","name":"look","input":{"a":1}},{"type":"odd","signature":"keep"}]}"#;
        let turn = read(body).expect("a turn");
        assert_eq!((turn.stop, turn.text.as_str(), turn.calls.len()), (Stop::Calls, "I look.", 1));
        let mut conversation = Conversation::default();
        conversation.user_says("?");
        conversation.results(&turn, &[("t1".to_owned(), "{}".to_owned(), false)]);
        let schema = json!({"type": "object"});
        let tools = [Tool { name: "look", description: "d", schema: &schema }];
        let frame = Frame { system: "s", tools: &tools };
        let sent = super::body("m", 9, frame, &conversation, Choice::Any);
        assert_eq!(sent["messages"][1]["content"][2]["signature"], "keep");
        assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], "t1");
        assert_eq!(sent.to_string().matches("cache_control").count(), 2);
        assert_eq!(
            super::body("m", 9, frame, &conversation, Choice::Only("look"))["tool_choice"]["name"],
            "look"
        );
    }

    #[test]
    fn what_is_no_turn_is_told() {
        for bad in [
            "[]",
            r#"{"model":"m","content":[]}"#,
            r#"{"model":"m","content":[],"stop_reason":"tool_use"}"#,
            r#"{"model":"m","content":[{"type":"tool_use","input":{}}],"stop_reason":"tool_use"}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        let stop = |reason: &str| {
            let body = format!(
                r#"{{"model":"m","content":[{{"type":"text","text":"x"}}],"stop_reason":"{reason}"}}"#
            );
            read(body.as_bytes()).expect("a turn").stop
        };
        assert_eq!(
            (stop("refusal"), stop("max_tokens"), stop("end_turn")),
            (Stop::Refused, Stop::CutOff, Stop::Done)
        );
    }
}
