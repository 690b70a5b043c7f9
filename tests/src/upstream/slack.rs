//! A Slack that misbehaves on request: it keeps the messages that arrived, and answers by Slack's own rules, where a
//! failure is 200 with `ok: false`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{Play, lock};

/// Messages that are kept.
const MAX_MESSAGES: usize = 20_000;

/// A message that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackMessage {
    /// Its name in the channel.
    pub ts: String,
    /// The whole call.
    pub call: Value,
}

/// What was told to Slack.
#[derive(Default)]
pub(super) struct Workspace {
    pub(super) messages: Vec<SlackMessage>,
    pub(super) homes: Vec<Value>,
    pub(super) answers: Vec<Value>,
    /// The error that every call of a method gets from now on.
    pub(super) refuses: Option<&'static str>,
}

pub(super) async fn post_message(State(play): State<Arc<Play>>, Json(call): Json<Value>) -> Json<Value> {
    let mut workspace = lock(&play.slack);
    if let Some(error) = workspace.refuses {
        return Json(json!({ "ok": false, "error": error }));
    }
    let ts = format!("{}.{:06}", 1_700_000_000 + workspace.messages.len(), 100);
    if workspace.messages.len() < MAX_MESSAGES {
        workspace.messages.push(SlackMessage { ts: ts.clone(), call });
    }
    Json(json!({ "ok": true, "ts": ts }))
}

/// Messages of a channel or of a thread in it, newest first.
pub(super) async fn history(State(play): State<Arc<Play>>, Json(call): Json<Value>) -> Json<Value> {
    let workspace = lock(&play.slack);
    let limit = call["limit"].as_u64().unwrap_or(100);
    let of_channel =
        workspace.messages.iter().rev().filter(|message| message.call["channel"] == call["channel"]);
    let of_thread =
        of_channel.filter(|message| call["ts"].is_null() || message.call["thread_ts"] == call["ts"]);
    let messages: Vec<Value> = of_thread
        .take(usize::try_from(limit).unwrap_or(100))
        .map(|message| json!({ "ts": message.ts, "metadata": message.call["metadata"] }))
        .collect();
    Json(json!({ "ok": true, "messages": messages }))
}

pub(super) async fn publish(State(play): State<Arc<Play>>, Json(call): Json<Value>) -> Json<Value> {
    lock(&play.slack).homes.push(call);
    Json(json!({ "ok": true }))
}

pub(super) async fn user(Json(call): Json<Value>) -> Json<Value> {
    let user = call["user"].as_str().unwrap_or_default().to_lowercase();
    Json(json!({ "ok": true, "user": { "profile": { "email": format!("{user}@shop.example") } } }))
}

pub(super) async fn access(body: String) -> Json<Value> {
    if !body.contains("code=good") {
        return Json(json!({ "ok": false, "error": "invalid_code" }));
    }
    Json(json!({
        "ok": true, "access_token": "xoxb-a-token", "scope": "chat:write,commands", "bot_user_id": "U0BOT",
        "app_id": "A1", "team": { "id": "T1", "name": "Lamp Shop" },
    }))
}

pub(super) async fn revoke() -> Json<Value> {
    Json(json!({ "ok": true, "revoked": true }))
}

pub(super) async fn respond(State(play): State<Arc<Play>>, Json(call): Json<Value>) -> &'static str {
    lock(&play.slack).answers.push(call);
    "ok"
}
