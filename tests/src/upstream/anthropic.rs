//! Plays the Messages API: refuses what the real one refuses, fills in the form that it is offered, or answers in the
//! text that our prompt asks for, with as many sentences as the prompt names.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

const SENTENCES: [&str; 6] = [
    "Thank you for getting in touch about this.",
    "I am looking into it with my colleagues right now.",
    "Could you tell me whether your address is still the same?",
    "I have your earlier message in front of me.",
    "You can simply reply here.",
    "Thank you for your patience.",
];

pub(super) async fn messages(headers: HeaderMap, Json(request): Json<Value>) -> (StatusCode, Json<Value>) {
    if headers.get("x-api-key").is_none_or(|key| key.is_empty()) {
        return error(StatusCode::UNAUTHORIZED, "authentication_error", "x-api-key header is required");
    }
    if let Some(problem) = problem(&headers, &request) {
        return error(StatusCode::BAD_REQUEST, "invalid_request_error", &problem);
    }
    let system = text_of(&request["system"]);
    let (reply, advice) = (reply(&system), advice());
    let text = format!("<reply>\n{reply}\n</reply>\n<recommendation>\n{advice}\n</recommendation>");
    let (content, stop_reason) = match request["tool_choice"]["name"].as_str() {
        Some(form) => {
            let input = json!({"reply": reply, "recommendation": advice});
            (json!({"type": "tool_use", "id": "toolu_recorded", "name": form, "input": input}), "tool_use")
        }
        None => (json!({"type": "text", "text": text}), "end_turn"),
    };
    let body = json!({
        "id": "msg_recorded", "type": "message", "role": "assistant", "model": request["model"],
        "content": [content], "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {
            "input_tokens": text_of(&request["messages"]).len() / 4,
            "output_tokens": text.len() / 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": system.len() / 4,
        },
    });
    (StatusCode::OK, Json(body))
}

fn problem(headers: &HeaderMap, request: &Value) -> Option<String> {
    let Some(version) = headers.get("anthropic-version").and_then(|value| value.to_str().ok()) else {
        return Some("anthropic-version header is required".into());
    };
    if version >= "2026-10-21"
        && let Some(field) =
            ["temperature", "top_p", "top_k"].into_iter().find(|field| !request[field].is_null())
    {
        return Some(format!("{field} is not supported"));
    }
    if request.to_string().matches("\"cache_control\"").count() > 4 {
        return Some("at most 4 cache breakpoints are allowed".into());
    }
    let required = [
        ("model", request["model"].is_string()),
        ("max_tokens", request["max_tokens"].is_u64()),
        ("messages", request["messages"].as_array().is_some_and(|list| !list.is_empty())),
    ];
    if let Some((field, _)) = required.into_iter().find(|(_, fine)| !fine) {
        return Some(format!("{field} is required"));
    }
    let offered = request["tools"].as_array().into_iter().flatten();
    let wanted = &request["tool_choice"]["name"];
    let is_offered = wanted.is_null()
        || offered
            .into_iter()
            .any(|tool| tool["name"] == *wanted && tool["input_schema"]["type"] == "object");
    (!is_offered).then(|| "tool_choice: the tool is not among tools".into())
}

fn reply(system: &str) -> String {
    let body = SENTENCES[..sentences_wanted(system)].join(" ");
    if system.contains("greeting line and end") {
        format!("Hello,\n\n{body}\n\nKind regards,\nYour support team")
    } else {
        body
    }
}

fn advice() -> Value {
    json!({
        "priority": "normal",
        "actions": ["Look the order up.", "Tell the customer what you found."],
        "talking_points": ["The customer waits for news.", "Earlier orders went well.", "Name the next step."],
        "warnings": [],
        "retention_probability": null,
        "revenue_at_risk": null,
    })
}

/// The number before the word "sentences" in the style rules; they come last in the system prompt.
fn sentences_wanted(system: &str) -> usize {
    let before = system.rsplit_once(" sentences and at most").map_or("", |(before, _)| before);
    let number = before.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(3);
    usize::clamp(number, 1, SENTENCES.len())
}

/// All text blocks of a value, whatever its nesting.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect(),
        Value::Object(fields) => {
            fields.get("text").or_else(|| fields.get("content")).map(text_of).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn error(status: StatusCode, kind: &str, message: &str) -> (StatusCode, Json<Value>) {
    let body =
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_recorded"});
    (status, Json(body))
}
