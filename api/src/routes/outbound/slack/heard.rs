//! What comes from Slack: events, slash commands, buttons. Every request is signed over its raw body, and only after that
//! is checked anything of it is read. It is acknowledged as soon as its job is in the ledger; Slack waits for three
//! seconds.

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use database::Role;
use database::ids::TenantId;
use jobs::NewJob;
use outbound::kinds::AnswerSlack;
use outbound::kinds::answer_slack::Asked;
use outbound::slack::{heard, signature, workspaces};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::app;
use crate::state::AppState;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{body, correlation};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(commands)).routes(routes!(interactions))
}

/// The largest request that Slack sends is far below.
const MAX_BYTES: usize = 256 * 1024;
/// Characters of a question that are kept.
const MAX_CHARS: usize = 1_000;

/// What is said to whoever asks in a workspace that nobody connected.
const NOT_CONNECTED: &str = "This workspace is not connected to a desk.";

/// An event of Slack's Events API.
#[utoipa::path(
    post,
    path = "/api/slack/events",
    tag = "outbound",
    security(()),
    params(
        ("X-Slack-Signature" = String, Header, description = "v0= and HMAC-SHA256 of v0:timestamp:body"),
        ("X-Slack-Request-Timestamp" = String, Header, description = "seconds since 1970, at most 300 off"),
    ),
    request_body(content = serde_json::Value, description = "as Slack sends it"),
    responses(
        (status = 200, description = "it was heard"),
        (status = 401, description = "it is not Slack's", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn events(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Response, Problem> {
    let bytes = signed(&state, &headers, body).await?;
    let told: Told = serde_json::from_slice(&bytes)
        .map_err(|_| Problem::bad_request("body", "is not an event of Slack's"))?;
    if told.kind == "url_verification" {
        return Ok(Body(json!({ "challenge": told.challenge.unwrap_or_default() })).into_response());
    }
    let (Some(team), Some(id), Some(event)) = (told.team_id, told.event_id, told.event) else {
        return Ok(StatusCode::OK.into_response());
    };
    let Some((tenant, workspace)) = workspaces::of_team(&state.db, &team).await? else {
        return Ok(StatusCode::OK.into_response());
    };
    match event.kind.as_str() {
        "app_uninstalled" | "tokens_revoked" => gone(&state, tenant, workspace).await?,
        _ => {
            if let Some(job) = event.asks(workspace) {
                ask(&state, tenant, workspace, &format!("event:{id}"), job).await?;
            }
        }
    }
    Ok(StatusCode::OK.into_response())
}

/// A slash command.
#[utoipa::path(
    post,
    path = "/api/slack/commands",
    tag = "outbound",
    security(()),
    params(
        ("X-Slack-Signature" = String, Header, description = "v0= and HMAC-SHA256 of v0:timestamp:body"),
        ("X-Slack-Request-Timestamp" = String, Header, description = "seconds since 1970, at most 300 off"),
    ),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "as Slack sends it",
        example = "team_id=T0001&channel_id=C2147&user_id=U2147&command=%2Fdesk&text=How%20many%20orders%3F&trigger_id=133.474.0"),
    responses(
        (status = 200, description = "it was heard; the answer goes to its response_url", body = serde_json::Value),
        (status = 401, description = "it is not Slack's", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn commands(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Response, Problem> {
    let bytes = signed(&state, &headers, body).await?;
    let form = Form::read(&bytes);
    let Some((tenant, workspace)) = workspaces::of_team(&state.db, form.get("team_id")).await? else {
        return Ok(only_you(NOT_CONNECTED));
    };
    let sealed = AnswerSlack::seal(&state.settings.master_key, tenant, workspace, form.get("response_url"));
    let job = AnswerSlack {
        workspace_id: workspace,
        asked: Asked::Command {
            name: shortened(form.get("command").trim_start_matches('/')),
            text: shortened(form.get("text")),
            thread_ts: None,
        },
        sealed_response_url: Some(sealed),
        user_id: shortened(form.get("user_id")),
        channel: shortened(form.get("channel_id")),
    };
    // A trigger is one press of a key; without one every request is another.
    let key = match form.get("trigger_id") {
        "" => Uuid::now_v7().to_string(),
        trigger => trigger.to_owned(),
    };
    ask(&state, tenant, workspace, &format!("command:{key}"), job).await?;
    Ok(only_you("One moment."))
}

/// A button below a message.
#[utoipa::path(
    post,
    path = "/api/slack/interactions",
    tag = "outbound",
    security(()),
    params(
        ("X-Slack-Signature" = String, Header, description = "v0= and HMAC-SHA256 of v0:timestamp:body"),
        ("X-Slack-Request-Timestamp" = String, Header, description = "seconds since 1970, at most 300 off"),
    ),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "as Slack sends it",
        example = "payload=%7B%22type%22%3A%22block_actions%22%7D"),
    responses(
        (status = 200, description = "it was heard; the answer goes to its response_url"),
        (status = 401, description = "it is not Slack's", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn interactions(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Response, Problem> {
    let bytes = signed(&state, &headers, body).await?;
    let form = Form::read(&bytes);
    let pressed: Pressed = serde_json::from_str(form.get("payload"))
        .map_err(|_| Problem::bad_request("payload", "is not an interaction of Slack's"))?;
    let Some((tenant, workspace)) = workspaces::of_team(&state.db, &pressed.team.id).await? else {
        return Ok(StatusCode::OK.into_response());
    };
    let known = |action: &&Action| matches!(action.action_id.as_str(), "claim" | "snooze");
    // A button that leads somewhere is told as well, and asks for nothing.
    let Some(action) = pressed.actions.iter().find(known) else { return Ok(StatusCode::OK.into_response()) };
    let Ok(ticket_id) = action.value.as_deref().unwrap_or_default().parse::<Uuid>() else {
        return Ok(StatusCode::OK.into_response());
    };
    let url = pressed.response_url.as_deref();
    let job = AnswerSlack {
        workspace_id: workspace,
        asked: Asked::Button {
            action: action.action_id.clone(),
            ticket_id,
            message_ts: shortened(
                pressed.message.and_then(|message| message.ts).as_deref().unwrap_or_default(),
            ),
        },
        sealed_response_url: url
            .map(|url| AnswerSlack::seal(&state.settings.master_key, tenant, workspace, url)),
        user_id: shortened(&pressed.user.id),
        channel: shortened(pressed.channel.map(|channel| channel.id).as_deref().unwrap_or_default()),
    };
    let key = pressed.trigger_id.unwrap_or_else(|| Uuid::now_v7().to_string());
    ask(&state, tenant, workspace, &format!("press:{key}"), job).await?;
    Ok(StatusCode::OK.into_response())
}

/// The raw body of a request that is Slack's.
async fn signed(
    state: &AppState,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<bytes::Bytes, Problem> {
    let slack = app(state)?;
    let bytes = body::read(headers, body, MAX_BYTES).await?;
    let header = |name: &str| headers.get(name).map(|value| value.as_bytes());
    signature::verify(
        slack.signing_secret.expose(),
        header(signature::TIMESTAMP_HEADER),
        header(signature::SIGNATURE_HEADER),
        &bytes,
        Utc::now().timestamp(),
    )
    .map_err(|refused| Problem { detail: refused.to_string().into(), ..Problem::unauthenticated() })?;
    Ok(bytes)
}

/// Asks for the answer, once for each key.
async fn ask(
    state: &AppState,
    tenant: TenantId,
    workspace: Uuid,
    key: &str,
    job: AnswerSlack,
) -> Result<(), Problem> {
    let correlation_id = correlation::current();
    let mut tx = state.db.tenant_tx(Role::Outbound, tenant).await?;
    if !heard::is_new(&mut tx, tenant, workspace, key).await? {
        return Ok(());
    }
    let new = NewJob::of(tenant, &job)?.with_concurrency_key(&workspace.to_string(), 4)?.with_cause(
        correlation_id.as_str(),
        None,
        "slack",
    );
    let (_, announcement) = jobs::enqueue_one(&mut tx, new).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(())
}

/// The workspace took the app away.
async fn gone(state: &AppState, tenant: TenantId, workspace: Uuid) -> Result<(), Problem> {
    let mut tx = state.db.tenant_tx(Role::Outbound, tenant).await?;
    workspaces::revoked(&mut tx, workspace, "the app was removed in Slack").await?;
    Ok(state.db.commit(tx).await?)
}

fn only_you(text: &str) -> Response {
    Body(json!({ "response_type": "ephemeral", "text": text })).into_response()
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(MAX_CHARS).collect()
}

/// A form's fields.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(bytes: &[u8]) -> Form {
        Form(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    challenge: Option<String>,
    team_id: Option<String>,
    event_id: Option<String>,
    event: Option<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    user: Option<Value>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    channel: Option<Value>,
    #[serde(default)]
    ts: Option<String>,
    #[serde(default)]
    thread_ts: Option<String>,
    #[serde(default)]
    channel_type: Option<String>,
    #[serde(default)]
    subtype: Option<String>,
    #[serde(default)]
    bot_id: Option<String>,
}

impl Event {
    /// What it asks for; nothing for what the bot itself says, or for messages to others.
    fn asks(self, workspace: Uuid) -> Option<AnswerSlack> {
        let text_of = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(shortened);
        let user = text_of(self.user)?;
        let channel = text_of(self.channel).unwrap_or_default();
        let is_talk = match self.kind.as_str() {
            "app_home_opened" => false,
            "app_mention" => true,
            "message" if self.channel_type.as_deref() == Some("im") => true,
            _ => return None,
        };
        if is_talk && (self.bot_id.is_some() || self.subtype.is_some()) {
            return None;
        }
        let asked = if is_talk {
            let (name, text) = spoken(&self.text.unwrap_or_default());
            Asked::Command {
                name: shortened(&name),
                text: shortened(&text),
                thread_ts: self.thread_ts.or(self.ts),
            }
        } else {
            Asked::Home {}
        };
        Some(AnswerSlack {
            workspace_id: workspace,
            asked,
            sealed_response_url: None,
            user_id: user,
            channel,
        })
    }
}

/// The command in words to the bot: the first of them names it, with or without a slash; mentions are left out.
fn spoken(text: &str) -> (String, String) {
    let words: Vec<&str> = text.split_whitespace().filter(|word| !word.starts_with("<@")).collect();
    let name = words.first().map(|word| word.trim_start_matches('/').to_lowercase()).unwrap_or_default();
    (name, words.get(1..).unwrap_or_default().join(" "))
}

#[derive(Deserialize)]
struct Pressed {
    team: Named,
    user: Named,
    channel: Option<Named>,
    message: Option<Message>,
    response_url: Option<String>,
    trigger_id: Option<String>,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Message {
    ts: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(event: Value) -> Option<Asked> {
        let event: Event = serde_json::from_value(event).expect("an event");
        event.asks(Uuid::nil()).map(|job| job.asked)
    }

    #[test]
    fn the_bot_answers_others_and_never_itself() {
        let mention = asks(json!({ "type": "app_mention", "user": "U1", "text": "<@U02> Forecast revenue 6",
                                   "channel": "C1", "ts": "1.2" }));
        let Some(Asked::Command { name, text, thread_ts }) = mention else { panic!("{mention:?}") };
        assert_eq!(
            (name.as_str(), text.as_str(), thread_ts.as_deref()),
            ("forecast", "revenue 6", Some("1.2"))
        );
        let said = json!({ "type": "message", "channel_type": "im", "user": "U1", "text": "tickets", "channel": "D1" });
        assert!(matches!(asks(said.clone()), Some(Asked::Command { .. })));
        let mut by_bot = said.clone();
        by_bot["bot_id"] = "B1".into();
        assert!(asks(by_bot).is_none());
        let mut edited = said.clone();
        edited["subtype"] = "message_changed".into();
        assert!(asks(edited).is_none());
        let mut elsewhere = said;
        elsewhere["channel_type"] = "channel".into();
        assert!(asks(elsewhere).is_none());
        assert!(matches!(asks(json!({ "type": "app_home_opened", "user": "U1" })), Some(Asked::Home {})));
        assert!(asks(json!({ "type": "reaction_added", "user": "U1" })).is_none());
    }
}
