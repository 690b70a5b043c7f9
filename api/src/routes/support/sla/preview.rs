//! When sample tickets would be due under a policy before it is stored.

use std::sync::Arc;

use accounts::api_keys::Scope;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use support::sla::hours::{Fault, HoursSpec};
use support::sla::policy::{Attributes, Priority};
use support::sla::preview::{Outlook, Sample, outlook};
use support::sla::{alerts, check};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policies::{NewPolicy, checked};
use super::{fault, within_calendars};
use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};

/// Samples in one request, at most.
const MAX_SAMPLES: usize = 20;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(preview))
}

/// A policy to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlaPreviewRequest {
    /// The policy as it would be stored.
    policy: NewPolicy,
    /// Opening hours that are not stored either, as for POST /api/sla/calendars without a name; they are taken instead of
    /// the policy's calendar.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    calendar: Option<HoursSpec>,
    /// Tickets that could come, 20 at most; when left out, one of each priority that comes now.
    #[serde(default)]
    samples: Vec<SampleTicket>,
}

/// A ticket that could come.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SampleTicket {
    /// When it comes; now when left out.
    at: Option<DateTime<Utc>>,
    /// urgent, high, normal or low; normal when left out.
    #[schema(value_type = Option<String>)]
    priority: Option<Priority>,
    /// Its channel.
    channel: Option<String>,
    /// Its tags.
    tags: Vec<String>,
    /// Its department.
    department: Option<String>,
    /// Its customer's tier.
    customer_tier: Option<String>,
}

/// What would become of the samples.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlaPreview {
    /// In the order of the samples.
    #[schema(value_type = Vec<Object>)]
    samples: Vec<Outlook>,
}

/// See when sample tickets would be due, before a policy is stored.
///
/// Each target is put into words too: `48 h on 8 h x 5 days is 6 working days`.
#[utoipa::path(
    post,
    path = "/api/sla/preview",
    tag = "sla",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = SlaPreviewRequest, example = json!({
        "policy": { "name": "All", "targets": { "normal": { "resolution": { "minutes": 2880, "time": "calendar" } } } },
        "samples": [{ "at": "2026-12-23T15:00:00+01:00" }]
    })),
    responses(
        (status = 200, description = "what would be due when", body = SlaPreview),
        (status = 422, description = "the policy or the calendar cannot be; the field says why", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn preview(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SlaRead as u8 }>,
    key: IdempotencyKey,
    request: Json<SlaPreviewRequest>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &request.digest).await? {
        return Ok(answer);
    }
    let now = alerts::now(&mut tx).await?;
    let (policy, hours) = (request.value.policy.spec(), request.value.calendar);
    let samples = samples(request.value.samples, now)?;
    let within = |place: &str, what: Fault| fault(what).within(place);
    let calendar = match hours {
        Some(hours) => {
            let calendar = Arc::new(hours.check(now).map_err(|what| within("calendar", what))?);
            check::policy(&policy, Some(&calendar), now).map_err(|what| within("policy", what))?;
            Some(calendar)
        }
        None => checked(&mut tx, &policy, now).await.map_err(|problem| problem.within("policy"))?,
    };
    let answer = Answer::ok(&SlaPreview { samples: outlook(&policy, calendar.as_ref(), &samples) });
    idempotency::keep(&mut tx, caller.tenant, &key, &request.digest, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

fn samples(asked: Vec<SampleTicket>, now: DateTime<Utc>) -> Result<Vec<Sample>, Problem> {
    if asked.len() > MAX_SAMPLES {
        return Err(Problem::unprocessable("samples", format!("at most {MAX_SAMPLES} are taken")));
    }
    if asked.is_empty() {
        return Ok(Priority::ALL
            .into_iter()
            .map(|priority| sample(SampleTicket::default(), priority, now))
            .collect());
    }
    let mut samples = Vec::with_capacity(asked.len());
    for (index, one) in asked.into_iter().enumerate() {
        let place = format!("samples[{index}]");
        let at = within_calendars("at", one.at.unwrap_or(now)).map_err(|problem| problem.within(&place))?;
        if (at - now).abs() > TimeDelta::days(3_660) {
            return Err(Problem::unprocessable("at", "must be within ten years of now").within(&place));
        }
        let priority = one.priority.unwrap_or(Priority::Normal);
        samples.push(sample(one, priority, at));
    }
    Ok(samples)
}

fn sample(one: SampleTicket, priority: Priority, at: DateTime<Utc>) -> Sample {
    let attributes = Attributes {
        channel: one.channel.unwrap_or_default(),
        priority: priority.name().to_owned(),
        tags: one.tags,
        department: one.department,
        customer_tier: one.customer_tier,
    };
    Sample { at, attributes }
}
