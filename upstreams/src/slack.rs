//! The client of Slack: messages into channels, answers to what was asked, the home tab, and the exchange of an
//! installation's code. About one message a second goes into a channel, whoever in the cluster sends it; Slack has no
//! idempotency keys, so a message carries the name of what it tells as metadata and is looked for by it before it is
//! sent a second time.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Destinations;
use super::breaker::Breakers;
use super::concurrency::Concurrency;
use super::error::{ClientError, SetupError};
use super::http::{
    Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict, judge_status, url_under,
};
use super::pacing::shared::Shared;
use super::pacing::{Allowance, Pacer};
use super::retry::clean_code;

const UPSTREAM: &str = "slack";
/// One message a second and channel.
const ALLOWANCE: Allowance = Allowance { window: Duration::from_secs(1), share: 1.0, assumed: 1.0 };
/// Calls of one workspace at once, in the whole cluster.
const AT_ONCE: usize = 4;
/// How long a call waits for a place where somebody waits for its answer.
const PLACE_WITHIN: Duration = Duration::from_secs(3);
/// Under which name a message carries what it tells.
const METADATA: &str = "desk_alert";
/// How many messages of a channel are looked through for one of ours.
const LOOKED_THROUGH: usize = 100;

/// Quick answers, three tries; longer waits are the job's.
const POLICY: RetryPolicy = RetryPolicy {
    attempts: 3,
    first_delay: Duration::from_millis(200),
    longest_delay: Duration::from_secs(2),
    attempt_timeout: Duration::from_secs(10),
    longest_named_wait: Duration::from_secs(2),
};

/// What all workspaces share in a process.
#[derive(Debug, Clone)]
pub struct Slack {
    calls: Outbound,
    messages: Outbound,
    base: Url,
}

/// A message for a channel.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The channel, by Slack's id.
    pub channel: &'a str,
    /// The message below which it goes.
    pub thread_ts: Option<&'a str>,
    /// What notifications show.
    pub text: &'a str,
    /// Block Kit.
    pub blocks: &'a [Value],
    /// What it tells: the name by which it is found again.
    pub marker: &'a str,
}

/// An installation, as Slack tells of it.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The bot's token.
    pub token: String,
    /// The workspace.
    pub team_id: String,
    /// Its name.
    pub team_name: String,
    /// The app.
    pub app_id: String,
    /// The bot, as a user of the workspace.
    pub bot_user_id: String,
    /// What the token may do.
    pub scopes: Vec<String>,
}

impl Slack {
    /// The client of a process; `base` is `https://slack.com/api`.
    ///
    /// # Errors
    /// The address may not be called, or there is no TLS.
    pub fn new(base: &str, destinations: Destinations, breakers: Breakers) -> Result<Slack, SetupError> {
        let calls = Outbound::new(UPSTREAM, destinations, POLICY, breakers)?.limited_by(Concurrency::new(
            UPSTREAM,
            AT_ONCE,
            POLICY.attempt_timeout,
        ));
        let messages = calls.clone().paced_by(Pacer::new(UPSTREAM, ALLOWANCE, |_| None));
        Ok(Slack { base: calls.base_url(base)?, calls, messages })
    }

    /// The same with a pace and places that the whole cluster shares.
    pub fn sharing_pace(mut self, shared: Shared) -> Slack {
        self.calls = self.calls.sharing_pace(shared.clone());
        self.messages = self.messages.sharing_pace(shared);
        self
    }

    /// The same for calls that no job makes: they cannot be put off, so they wait for a place.
    #[must_use]
    pub fn waiting_for_a_place(mut self) -> Slack {
        self.calls = self.calls.waiting_for_a_place(PLACE_WITHIN);
        self.messages = self.messages.waiting_for_a_place(PLACE_WITHIN);
        self
    }

    /// Sends a message to a channel and answers its name there. Sent again only when Slack certainly did nothing with
    /// it. `workspace` names whose circuit it is.
    ///
    /// # Errors
    /// It did not go, or may have.
    pub async fn post(
        &self,
        context: &CallContext,
        workspace: &str,
        token: &str,
        message: &Message<'_>,
    ) -> Result<String, ClientError> {
        let mut body = json!({
            "channel": message.channel, "text": message.text, "blocks": message.blocks, "unfurl_links": false,
            "metadata": { "event_type": METADATA, "event_payload": { "id": message.marker } },
        });
        if let Some(thread) = message.thread_ts {
            body["thread_ts"] = thread.into();
        }
        let client = self
            .messages
            .clone()
            .on_behalf_of(workspace)
            .paced_as(&format!("{workspace} {}", message.channel));
        let posted: Posted =
            self.call(client, context, "chat.postMessage", token, &body, Repeat::OnlyIfWithoutEffect).await?;
        Ok(posted.ts)
    }

    /// Looks for a message of ours among the newest of a channel, or of a thread in it.
    ///
    /// # Errors
    /// The channel could not be read.
    pub async fn find(
        &self,
        context: &CallContext,
        workspace: &str,
        token: &str,
        channel: &str,
        thread_ts: Option<&str>,
        marker: &str,
    ) -> Result<Option<String>, ClientError> {
        let mut body = json!({ "channel": channel, "limit": LOOKED_THROUGH, "include_all_metadata": true });
        let method = if let Some(thread) = thread_ts {
            body["ts"] = thread.into();
            "conversations.replies"
        } else {
            "conversations.history"
        };
        let client = self.calls.clone().on_behalf_of(workspace);
        let history: History = self.call(client, context, method, token, &body, Repeat::Always).await?;
        let ours = |message: &Said| {
            message.metadata.as_ref().is_some_and(|metadata| {
                metadata["event_type"] == METADATA && metadata["event_payload"]["id"] == marker
            })
        };
        Ok(history.messages.into_iter().find(ours).map(|message| message.ts))
    }

    /// Shows somebody their home tab.
    ///
    /// # Errors
    /// It was not taken.
    pub async fn show_home(
        &self,
        context: &CallContext,
        workspace: &str,
        token: &str,
        user: &str,
        blocks: &[Value],
    ) -> Result<(), ClientError> {
        let body = json!({ "user_id": user, "view": { "type": "home", "blocks": blocks } });
        let client = self.calls.clone().on_behalf_of(workspace);
        let _: Value = self.call(client, context, "views.publish", token, &body, Repeat::Always).await?;
        Ok(())
    }

    /// Answers at the address that came with a request; false when it takes no answer any more.
    ///
    /// # Errors
    /// It did not answer, or is no address of Slack's.
    pub async fn respond(
        &self,
        context: &CallContext,
        workspace: &str,
        url: &str,
        body: &Value,
    ) -> Result<bool, ClientError> {
        let forbidden = |problem| ClientError::ForbiddenAddress { upstream: UPSTREAM, problem };
        let url = Url::parse(url).map_err(|_| forbidden("it is not a URL"))?;
        // What came with a signed request is Slack's own; anything else was not made by it.
        let of_slack = url.scheme() == "https" && url.host_str() == Some("hooks.slack.com");
        if !of_slack && url.host_str() != self.base.host_str() {
            return Err(forbidden("it is no address of Slack's"));
        }
        let body = serde_json::to_vec(body).expect("an answer is plain data");
        let request = Request {
            method: Method::POST,
            url,
            headers: HeaderMap::new(),
            body: Some(body.into()),
            repeat: Repeat::OnlyIfWithoutEffect,
        };
        match self
            .calls
            .clone()
            .on_behalf_of(workspace)
            .send(context, &request, |answer| judge_status(answer.status))
            .await
        {
            Ok(_) => Ok(true),
            // Half an hour is over, or five answers were given.
            Err(
                ClientError::Rejected { status: 404 | 410, .. }
                | ClientError::Unauthorised { status: 403, .. },
            ) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The e-mail address of somebody in the workspace, if it says one.
    ///
    /// # Errors
    /// There is nobody of that id, or the token may not read it.
    pub async fn email_of(
        &self,
        context: &CallContext,
        workspace: &str,
        token: &str,
        user: &str,
    ) -> Result<Option<String>, ClientError> {
        let client = self.calls.clone().on_behalf_of(workspace);
        let told: Value =
            self.call(client, context, "users.info", token, &json!({ "user": user }), Repeat::Always).await?;
        Ok(told["user"]["profile"]["email"].as_str().map(str::to_owned))
    }

    /// Exchanges the code of an installation for a token.
    ///
    /// # Errors
    /// Slack does not take it.
    pub async fn exchange(
        &self,
        context: &CallContext,
        client_id: &str,
        client_secret: &str,
        code: &str,
        redirect_uri: &str,
    ) -> Result<Installed, ClientError> {
        let mut form = Url::parse("form:").expect("a URL");
        form.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("client_secret", client_secret)
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = Bytes::from(form.query().unwrap_or_default().to_owned());
        let request = Request {
            method: Method::POST,
            url: url_under(&self.base, &["oauth.v2.access"]),
            headers,
            body: Some(body),
            repeat: Repeat::OnlyIfWithoutEffect,
        };
        let answer = self.calls.send(context, &request, judge).await?;
        let told: Access = read(&answer)?;
        Ok(Installed {
            token: told.access_token,
            team_id: told.team.id,
            team_name: told.team.name.unwrap_or_default(),
            app_id: told.app_id.unwrap_or_default(),
            bot_user_id: told.bot_user_id.unwrap_or_default(),
            scopes: told.scope.split(',').map(str::to_owned).filter(|scope| !scope.is_empty()).collect(),
        })
    }

    /// Gives a token up.
    ///
    /// # Errors
    /// Slack did not hear of it.
    pub async fn revoke(
        &self,
        context: &CallContext,
        workspace: &str,
        token: &str,
    ) -> Result<(), ClientError> {
        let client = self.calls.clone().on_behalf_of(workspace);
        let _: Value = self.call(client, context, "auth.revoke", token, &json!({}), Repeat::Always).await?;
        Ok(())
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        client: Outbound,
        context: &CallContext,
        method: &str,
        token: &str,
        body: &Value,
        repeat: Repeat,
    ) -> Result<T, ClientError> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| ClientError::Unauthorised { upstream: UPSTREAM, status: 401 })?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        let request = Request {
            method: Method::POST,
            url: url_under(&self.base, &[method]),
            headers,
            body: Some(serde_json::to_vec(body).expect("a call is plain data").into()),
            repeat,
        };
        read(&client.send(context, &request, judge).await?)
    }
}

/// Failures come with status 200 and `ok: false`.
fn judge(answer: &Answer) -> Verdict {
    let by_status = judge_status(answer.status);
    if by_status != Verdict::Accept {
        return by_status;
    }
    let Ok(told) = serde_json::from_slice::<Told>(&answer.body) else { return Verdict::Accept };
    match told.error.as_deref() {
        _ if told.ok => Verdict::Accept,
        Some(
            "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired"
            | "org_login_required" | "missing_scope" | "no_permission",
        ) => Verdict::Unauthorised,
        Some("ratelimited" | "rate_limited") => Verdict::Busy,
        Some("internal_error" | "fatal_error" | "service_unavailable" | "request_timeout") => Verdict::Again,
        code => Verdict::Refuse { code: clean_code(code.unwrap_or_default()) },
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, ClientError> {
    serde_json::from_slice(&answer.body).map_err(|_| ClientError::BadAnswer {
        upstream: UPSTREAM,
        problem: "it is not what the method answers",
    })
}

#[derive(Deserialize)]
struct Told {
    ok: bool,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Posted {
    ts: String,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    messages: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    ts: String,
    metadata: Option<Value>,
}

#[derive(Deserialize)]
struct Access {
    access_token: String,
    #[serde(default)]
    scope: String,
    bot_user_id: Option<String>,
    app_id: Option<String>,
    team: Team,
}

#[derive(Deserialize)]
struct Team {
    id: String,
    name: Option<String>,
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn judged(status: u16, body: &str) -> Verdict {
        let status = StatusCode::from_u16(status).expect("a status");
        judge(&Answer { status, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) })
    }

    #[test]
    fn failures_that_look_like_successes_are_told_apart() {
        assert_eq!(judged(200, r#"{"ok":true,"ts":"1.2"}"#), Verdict::Accept);
        assert_eq!(judged(200, r#"{"ok":false,"error":"token_revoked"}"#), Verdict::Unauthorised);
        assert_eq!(judged(200, r#"{"ok":false,"error":"ratelimited"}"#), Verdict::Busy);
        assert_eq!(judged(200, r#"{"ok":false,"error":"internal_error"}"#), Verdict::Again);
        let refused = Verdict::Refuse { code: "channel_not_found".to_owned() };
        assert_eq!(judged(200, r#"{"ok":false,"error":"channel_not_found"}"#), refused);
        assert_eq!(judged(200, r#"{"ok":false}"#), Verdict::Refuse { code: "none".to_owned() });
        assert_eq!(judged(429, ""), Verdict::Busy);
        assert_eq!(judged(503, "{}"), Verdict::Again);
    }
}
