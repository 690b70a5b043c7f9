//! Connecting a workspace by OAuth. Whoever may change settings is sent to Slack with a state that is used once within ten
//! minutes; a cookie of the same browser has to come back with it, so that nobody connects a workspace to another's
//! tenant by a link.

use std::time::Duration;

use axum::Json as Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use database::Role;
use database::ids::TenantId;
use outbound::pump::channel_job;
use outbound::slack::alerts;
use outbound::slack::workspaces::{self, ConnectError, Installed, Workspace};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;
use upstreams::{CallContext, ClientError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::{may_read, may_write};
use super::app;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::{correlation, trail};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(install))
        .routes(routes!(callback))
        .routes(routes!(list))
        .routes(routes!(remove))
}

/// What the app asks a workspace for.
const SCOPES: &str = "app_mentions:read,channels:history,groups:history,im:history,chat:write,commands,users:read,users:read.email";
const COOKIE: &str = "desk_slack_install";
const CALLBACK: &str = "/api/slack/callback";
const CALL_TIME: Duration = Duration::from_secs(10);

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstallBegun {
    /// Slack's page, on which somebody of the workspace agrees.
    url: String,
}

/// Begin to connect a workspace.
///
/// The answer leads to Slack's page and sets a cookie, which the same browser brings back to `/api/slack/callback` within
/// ten minutes.
#[utoipa::path(
    post,
    path = "/api/slack/install",
    tag = "outbound",
    responses(
        (status = 200, description = "where to go", body = InstallBegun),
        (status = 409, description = "Slack is not set up here", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn install(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    may_write(&caller)?;
    let slack = app(&state)?;
    let redirect = redirect_uri(&state)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let once = workspaces::begin_install(&mut tx, caller.tenant, &caller.actor(), Utc::now()).await?;
    state.db.commit(tx).await?;
    let mut url = url::Url::parse(&slack.authorize_url).map_err(|_| Problem::internal())?;
    url.query_pairs_mut()
        .append_pair("client_id", &slack.client_id)
        .append_pair("scope", SCOPES)
        .append_pair("redirect_uri", &redirect)
        .append_pair("state", &once);
    let secure = if redirect.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path={CALLBACK}; Max-Age=600; HttpOnly; SameSite=Lax{secure}",
        cookie_of(&state, &once)
    );
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::internal())?;
    Ok(([(header::SET_COOKIE, cookie)], Body(InstallBegun { url: url.into() })).into_response())
}

/// Where Slack sends somebody back to, who agreed or did not.
#[utoipa::path(
    get,
    path = "/api/slack/callback",
    tag = "outbound",
    security(()),
    params(
        ("code" = Option<String>, Query, description = "what is exchanged for a token"),
        ("state" = Option<String>, Query, description = "as it was given to Slack"),
        ("error" = Option<String>, Query, description = "why there is none"),
    ),
    responses(
        (status = 200, description = "the workspace is connected", body = String, content_type = "text/html"),
        (status = 400, description = "it is not, and why", body = String, content_type = "text/html"),
    ),
)]
async fn callback(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    match connect(&state, &uri, &headers).await {
        Ok(team) => page(StatusCode::OK, "Connected", &format!("{team} is connected.")),
        Err(Refused::Because(why)) => page(StatusCode::BAD_REQUEST, "Not connected", why),
        Err(Refused::Problem(problem)) => problem.into_response(),
    }
}

enum Refused {
    Because(&'static str),
    Problem(Problem),
}

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Refused {
        Refused::Problem(problem.into())
    }
}

async fn connect(state: &AppState, uri: &Uri, headers: &HeaderMap) -> Result<String, Refused> {
    let because = |why| Err(Refused::Because(why));
    let slack = app(state)?;
    let redirect = redirect_uri(state)?;
    let params = Params::of(uri, &["code", "state", "error"])?;
    let Some(once) = params.text("state")? else {
        return because("Slack sent no state; please begin again.");
    };
    // The browser that began it, compared in the time that it always takes.
    let began_here = cookie(headers).is_some_and(|theirs| is_cookie_of(state, once, theirs));
    if !began_here {
        return because("This was begun in another browser, or too long ago; please begin again.");
    }
    let Some((tenant, actor)) = workspaces::end_install(&state.db, once).await? else {
        return because("This was begun too long ago, or used already; please begin again.");
    };
    let Some(code) = params.text("code")? else {
        return because("Nobody agreed in Slack, so nothing was changed.");
    };
    let context = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: None };
    let told = state
        .slack
        .client()?
        .exchange(&context, &slack.client_id, slack.client_secret.expose(), code, &redirect)
        .await;
    let told = match told {
        Ok(told) => told,
        Err(ClientError::Rejected { .. } | ClientError::Unauthorised { .. }) => {
            return because("Slack does not take the code any more; please begin again.");
        }
        Err(error) => {
            tracing::warn!(%error, "a workspace could not be connected");
            return because("Slack did not answer; please begin again.");
        }
    };
    let installed = Installed {
        token: &told.token,
        team_id: &told.team_id,
        team_name: &told.team_name,
        app_id: &told.app_id,
        bot_user_id: &told.bot_user_id,
        scopes: &told.scopes,
        by: &actor,
    };
    store(state, tenant, &actor, &installed).await?;
    Ok(if told.team_name.is_empty() { "The workspace".to_owned() } else { told.team_name })
}

async fn store(
    state: &AppState,
    tenant: TenantId,
    actor: &str,
    installed: &Installed<'_>,
) -> Result<(), Refused> {
    let mut tx = state.db.tenant_tx(Role::Outbound, tenant).await?;
    let id = match workspaces::connect(&mut tx, &state.settings.master_key, tenant, installed).await {
        Ok(id) => id,
        Err(ConnectError::Db(error)) => return Err(error.into()),
        Err(ConnectError::Taken) => {
            return Err(Refused::Because(
                "This workspace is connected by another tenant; disconnect it there first.",
            ));
        }
        Err(ConnectError::TooMany) => return Err(Refused::Because("No more workspaces can be connected.")),
    };
    // What waited while it was not connected is told now.
    let mut announcement = jobs::Announcement::default();
    for channel in alerts::channels_waiting(&mut tx, id).await? {
        announcement.merge(jobs::enqueue_one(&mut tx, channel_job(tenant, id, &channel)?).await?.1);
    }
    database::act_as(&mut tx, Role::Gateway, None).await?;
    let correlation_id = correlation::current();
    let event = accounts::audit::Event {
        tenant: Some(tenant),
        actor,
        action: "slack.connect",
        subject: &format!("workspace:{id}"),
        detail: json!({ "team_id": installed.team_id }),
        correlation_id: Some(correlation_id.as_str()),
    };
    accounts::audit::record(&mut tx, &event).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(())
}

/// Workspaces of the tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workspaces {
    /// Newest first: id, team_id, team_name, bot_user_id, scopes; state (connected, revoked), state_reason;
    /// installed_by, installed_at, updated_at; waiting (alerts), last_sent_at.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Workspace>,
}

/// The tenant's workspaces, and how they do.
#[utoipa::path(
    get,
    path = "/api/slack/workspaces",
    tag = "outbound",
    responses((status = 200, description = "all of them", body = Workspaces)),
)]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Body<Workspaces>, Problem> {
    may_read(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let items = workspaces::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Body(Workspaces { items }))
}

/// Disconnect a workspace: Slack is told to forget the token, and it is gone here whether Slack hears of it or not.
#[utoipa::path(
    delete,
    path = "/api/slack/workspaces/{id}",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the workspace")),
    responses(
        (status = 204, description = "it is disconnected"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    may_write(&caller)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    // A token that does not open cannot be given up either.
    let access =
        workspaces::access(&mut tx, &state.settings.master_key, caller.tenant, id).await.ok().flatten();
    if !workspaces::disconnect(&mut tx, id).await? {
        return Err(Problem::not_found("there is no such workspace"));
    }
    trail::record(&mut tx, &caller, "slack.disconnect", &format!("workspace:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    if let Some(access) = access {
        let context = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: None };
        if let Err(error) = state.slack.client()?.revoke(&context, &id.to_string(), &access.token).await {
            tracing::warn!(%error, "Slack was not told that a workspace is disconnected");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

fn redirect_uri(state: &AppState) -> Result<String, Problem> {
    let base = state.settings.people.public_url.as_deref();
    let base = base.ok_or_else(|| {
        Problem::conflict("DESK_PUBLIC_URL is not set, so Slack has nowhere to send people back to")
    })?;
    Ok(format!("{base}{CALLBACK}"))
}

fn cookie_of(state: &AppState, once: &str) -> String {
    hex::encode(state.settings.master_key.proof(COOKIE, once.as_bytes()))
}

fn is_cookie_of(state: &AppState, once: &str, cookie: &str) -> bool {
    hex::decode(cookie).is_ok_and(|proof| state.settings.master_key.proves(COOKIE, once.as_bytes(), &proof))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn page(status: StatusCode, title: &str, words: &str) -> Response {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body><h1>{title}</h1><p>{words}</p><p><a href=\"/manage/slack\">Back to Deskwork</a></p></body></html>"
    );
    let mut response = (status, page).into_response();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        (
            header::SET_COOKIE,
            "desk_slack_install=; Path=/api/slack/callback; Max-Age=0; HttpOnly; SameSite=Lax",
        ),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
