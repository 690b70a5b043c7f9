//! Rules of what is told in which channel, and the alerts that they made.

use accounts::api_keys::Scope;
use axum::Json as Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use chrono_tz::Tz;
use database::{Role, Tx};
use outbound::pump::channel_job;
use outbound::slack::alerts::{self, Listed};
use outbound::slack::rules::{self, MAX_RULES, Rule, Wanted, is_channel};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::super::{checked_events, may_read, may_write};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change, remove))
        .routes(routes!(test))
        .routes(routes!(told))
}

/// A rule to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlertRule {
    /// The workspace, as in GET /api/slack/workspaces.
    workspace_id: Uuid,
    /// The channel's id in Slack, such as C024BE91L.
    channel: String,
    /// Kinds of events, areas such as `sla.*`, or `*`.
    events: Vec<String>,
    /// Whether it tells at all.
    #[serde(default)]
    is_on: Option<bool>,
    /// `["22:00", "07:00"]`: what comes between is told afterwards, together; `[]` for none.
    #[serde(default)]
    quiet_hours: Option<Vec<String>>,
    /// Whose hours, such as Europe/Berlin.
    #[serde(default)]
    timezone: Option<String>,
    /// Tell what happened together every so many minutes, 1 to 1440; 0 tells each at once.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_440)]
    digest_minutes: Option<i16>,
}

/// What is to be changed of a rule; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRuleChange {
    /// The channel's id in Slack.
    #[serde(default)]
    channel: Option<String>,
    /// Kinds of events.
    #[serde(default)]
    events: Option<Vec<String>>,
    /// Whether it tells at all.
    #[serde(default)]
    is_on: Option<bool>,
    /// `["22:00", "07:00"]`: what comes between is told afterwards, together; `[]` for none.
    #[serde(default)]
    quiet_hours: Option<Vec<String>>,
    /// Whose hours, such as Europe/Berlin.
    #[serde(default)]
    timezone: Option<String>,
    /// Tell what happened together every so many minutes, 1 to 1440; 0 tells each at once.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_440)]
    digest_minutes: Option<i16>,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertRuleView {
    /// id, workspace_id, channel, events, is_on; quiet_from and quiet_to as minutes of the day; timezone,
    /// digest_minutes; created_by, version, created_at, updated_at.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rule: Rule,
}

/// Rules of the tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertRules {
    /// Newest first.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Rule>,
}

/// The tenant's rules, newest first; there are 200 at most.
#[utoipa::path(
    get,
    path = "/api/slack/rules",
    tag = "outbound",
    responses((status = 200, description = "all of them", body = AlertRules)),
)]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Body<AlertRules>, Problem> {
    may_read(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let items = rules::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Body(AlertRules { items }))
}

/// Make a rule.
#[utoipa::path(
    post,
    path = "/api/slack/rules",
    tag = "outbound",
    request_body(content = NewAlertRule, example = json!({
        "workspace_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "channel": "C024BE91L",
        "events": ["sla.breached", "ticket.urgent"], "quiet_hours": ["22:00", "07:00"], "timezone": "Europe/Berlin"
    })),
    responses(
        (status = 201, description = "it is made", body = AlertRuleView),
        (status = 400, description = "a bad channel, event or time", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "there are 200", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "no such workspace", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    request: Json<NewAlertRule>,
) -> Result<(StatusCode, Body<AlertRuleView>), Problem> {
    let new = request.value;
    let wanted = Wanted {
        workspace_id: new.workspace_id,
        channel: checked_channel(new.channel)?,
        events: checked_events(new.events)?,
        is_on: true,
        quiet: None,
        timezone: Tz::UTC,
        digest_minutes: 0,
    };
    let when = When {
        is_on: new.is_on,
        quiet_hours: new.quiet_hours,
        timezone: new.timezone,
        digest_minutes: new.digest_minutes,
    };
    let wanted = when.over(wanted)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    if rules::list(&mut tx).await?.len() >= usize::try_from(MAX_RULES).unwrap_or(usize::MAX) {
        return Err(Problem::conflict(format!("a tenant has {MAX_RULES} rules at most; remove one first")));
    }
    let made = rules::create(&mut tx, caller.tenant, &wanted, &caller.actor()).await?;
    let Some(rule) = made else {
        return Err(Problem::unprocessable(
            "workspace_id",
            "must be a connected workspace, see GET /api/slack/workspaces",
        ));
    };
    record(&mut tx, &caller, "alert-rule.create", rule.id, &rule.events).await?;
    state.db.commit(tx).await?;
    Ok((StatusCode::CREATED, Body(AlertRuleView { rule })))
}

/// Change a rule.
#[utoipa::path(
    patch,
    path = "/api/slack/rules/{id}",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the rule")),
    request_body(content = AlertRuleChange, example = json!({ "is_on": false })),
    responses(
        (status = 200, description = "it is changed", body = AlertRuleView),
        (status = 400, description = "a bad channel, event or time", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(id): Path<String>,
    request: Json<AlertRuleChange>,
) -> Result<Body<AlertRuleView>, Problem> {
    let id = query::id("id", &id)?;
    let change = request.value;
    let channel = change.channel.map(checked_channel).transpose()?;
    let events = change.events.map(checked_events).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let known = rules::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("there is no such rule"))?;
    let times = known.times();
    let when = When {
        is_on: change.is_on,
        quiet_hours: change.quiet_hours,
        timezone: change.timezone,
        digest_minutes: change.digest_minutes,
    };
    let wanted = when.over(Wanted {
        workspace_id: known.workspace_id,
        channel: channel.unwrap_or(known.channel),
        events: events.unwrap_or(known.events),
        is_on: known.is_on,
        quiet: times.quiet,
        timezone: times.zone,
        digest_minutes: times.digest_minutes,
    })?;
    let rule = rules::change(&mut tx, id, &wanted).await?;
    record(&mut tx, &caller, "alert-rule.change", id, &rule.events).await?;
    state.db.commit(tx).await?;
    Ok(Body(AlertRuleView { rule }))
}

/// Remove a rule, with what it told.
#[utoipa::path(
    delete,
    path = "/api/slack/rules/{id}",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the rule")),
    responses(
        (status = 204, description = "it is gone"),
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
    if !rules::remove(&mut tx, id).await? {
        return Err(Problem::not_found("there is no such rule"));
    }
    record(&mut tx, &caller, "alert-rule.remove", id, &[]).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tell a rule's channel that this is a test, at once whatever the time; GET /api/slack/alerts shows what came of it.
#[utoipa::path(
    post,
    path = "/api/slack/rules/{id}/test",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the rule")),
    responses(
        (status = 202, description = "it is on its way"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn test(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    may_write(&caller)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let rule = rules::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("there is no such rule"))?;
    rules::test(&mut tx, caller.tenant, &rule).await?;
    let job = channel_job(caller.tenant, rule.workspace_id, &rule.channel)?;
    let (_, announcement) = jobs::enqueue_one(&mut tx, job).await?;
    record(&mut tx, &caller, "alert-rule.test", id, &[]).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(StatusCode::ACCEPTED)
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertView {
    /// id, rule_id, channel, type; state (waiting, sent, failed), error; created_at, ended_at.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    alert: Listed,
}

/// Alerts, newest first; they are kept for 30 days.
#[utoipa::path(
    get,
    path = "/api/slack/alerts",
    tag = "outbound",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<AlertView>)),
)]
async fn told(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Body<Page<AlertView>>, Problem> {
    may_read(&caller)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let found = alerts::list(&mut tx, page.after_place()?, page.limit_and_one()).await?;
    tx.commit().await?;
    let items = found.into_iter().map(|alert| AlertView { alert }).collect();
    Ok(Body(page.page(items, |item: &AlertView| place(item.alert.created_at, item.alert.id))))
}

/// When a rule tells, as asked for; what is left out stays.
struct When {
    is_on: Option<bool>,
    quiet_hours: Option<Vec<String>>,
    timezone: Option<String>,
    digest_minutes: Option<i16>,
}

impl When {
    /// What is said of when, over what holds.
    fn over(self, mut wanted: Wanted) -> Result<Wanted, Problem> {
        if let Some(is_on) = self.is_on {
            wanted.is_on = is_on;
        }
        if let Some(zone) = self.timezone {
            wanted.timezone = zone.parse().map_err(|_| {
                Problem::bad_request("timezone", "must be a zone of the IANA database, such as Europe/Berlin")
            })?;
        }
        match self.quiet_hours.as_deref() {
            Some([from, to]) => {
                let (from, to) = (minute(from)?, minute(to)?);
                if from == to {
                    return Err(Problem::bad_request("quiet_hours", "must begin and end at different times"));
                }
                wanted.quiet = Some((from, to));
            }
            Some([]) => wanted.quiet = None,
            Some(_) => return Err(Problem::bad_request("quiet_hours", "must be two times, or none as []")),
            None => {}
        }
        if let Some(minutes) = self.digest_minutes {
            if !(0..=1440).contains(&minutes) {
                return Err(Problem::bad_request("digest_minutes", "must be 0 to 1440"));
            }
            wanted.digest_minutes = minutes;
        }
        Ok(wanted)
    }
}

/// The minute of the day of a text such as 22:30.
fn minute(text: &str) -> Result<i16, Problem> {
    let bad = || Problem::bad_request("quiet_hours", "must be two times such as 22:00 and 07:00");
    let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return Err(bad());
    }
    let (hours, minutes): (i16, i16) =
        (hours.parse().map_err(|_| bad())?, minutes.parse().map_err(|_| bad())?);
    if hours > 23 || minutes > 59 { Err(bad()) } else { Ok(hours * 60 + minutes) }
}

fn checked_channel(channel: String) -> Result<String, Problem> {
    if is_channel(&channel) {
        return Ok(channel);
    }
    Err(Problem::bad_request(
        "channel",
        "must be the id of a channel in Slack, such as C024BE91L; names change",
    ))
}

async fn record(
    tx: &mut Tx,
    caller: &Caller,
    action: &str,
    id: Uuid,
    events: &[String],
) -> Result<(), Problem> {
    trail::record(tx, caller, action, &format!("alert-rule:{id}"), json!({ "events": events })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_times_of_the_day() {
        assert_eq!(minute("22:30").ok(), Some(1350));
        assert_eq!(minute("00:00").ok(), Some(0));
        for bad in ["", "22", "24:00", "22:60", "2:00", "22:0", "-1:00", "22:00:00", "+2:00"] {
            assert!(minute(bad).is_err(), "{bad}");
        }
    }
}
