//! A shop at one look: sizes of archetypes, risk, expected spend, the last and the next run.

use std::collections::BTreeMap;
use std::str::FromStr;

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use croner::Cron;
use database::Role;
use jobs::JobKind;
use jobs::schedules::{self, Schedule};
use platform::kinds::ResegmentTenant;
use platform::risk::RiskBand;
use platform::runs::overview::{self as runs, Overview};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::archetypes::{ArchetypeDocument, Seen};
use super::{NO_RUN, Remembered};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::problem::Problem;
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(summary))
}

/// A shop at one look.
#[derive(Debug, Serialize)]
struct Summary {
    available: bool,
    reason: Option<&'static str>,
    customers: i64,
    archetypes: Vec<ArchetypeDocument>,
    churn: Option<Value>,
    ltv: Option<Value>,
    confidence: BTreeMap<String, i64>,
    movements: BTreeMap<String, i64>,
    notes: Vec<String>,
    last_run: Option<Overview>,
    next_run_at: Option<DateTime<Utc>>,
}

/// Sizes of archetypes, bands of churn, expected spend of all customers, the last and the next run.
#[utoipa::path(
    get,
    path = "/api/intelligence/summary",
    tag = "intelligence",
    responses((status = 200, description = "the shop now", body = serde_json::Value, example = json!({
        "available": true, "reason": null, "customers": 27415,
        "archetypes": [{"id": "8c5f0f6e5b1d4a3c9e7f1a2b3c4d5e6f", "level": 1, "name": "Champions", "customers": 905}],
        "churn": {"horizon_days": 90, "bands": {"low": 9000, "medium": 8000, "high": 5000, "critical": 5000},
            "not_enough_data": 415, "mean": 0.47},
        "ltv": {"horizon_days": 90, "currency": "EUR", "total": 811000.5, "mean": 30.04, "customers": 27000},
        "confidence": {"rule": 9000, "low": 2000, "medium": 6000, "high": 10415},
        "movements": {"stable": 26000, "slight": 1415}, "notes": [], "last_run": {"id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "state": "published"},
        "next_run_at": "2026-02-02T02:00:00Z"
    }))),
)]
async fn summary(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    Params::of(&uri, &[])?;
    let now = Utc::now();
    let seen = Seen::look(&state, &memory, &caller).await?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let last_run = runs::list(&mut tx, None, 1, now).await?.pop();
    tx.commit().await?;
    let mut tx = state.db.queue_tx().await?;
    let schedules = schedules::list(&mut tx).await?;
    tx.commit().await?;
    let population = seen.as_ref().map(|seen| seen.current.population.clone()).unwrap_or_default();
    let document = Summary {
        available: seen.is_some(),
        reason: seen.is_none().then_some(NO_RUN),
        customers: population.customers,
        archetypes: seen.as_ref().map(Seen::archetypes).unwrap_or_default(),
        churn: seen.as_ref().map(churn),
        ltv: seen.as_ref().map(ltv),
        confidence: population.confidence,
        movements: population.movements,
        notes: population.notes,
        last_run,
        next_run_at: schedules.iter().filter_map(|schedule| next_run(schedule, caller.tenant.0, now)).min(),
    };
    Ok(etag::answer(&headers, serde_json::to_vec(&document).expect("an answer is plain data")))
}

fn churn(seen: &Seen) -> Value {
    let population = &seen.current.population;
    let bands = RiskBand::ALL.iter().map(|band| (band.name().to_owned(), json!(population.band(*band))));
    json!({
        "horizon_days": seen.current.churn_horizon_days,
        "bands": bands.collect::<Map<_, _>>(),
        "not_enough_data": population.customers - population.churn.customers,
        "mean": population.churn.mean,
    })
}

fn ltv(seen: &Seen) -> Value {
    let ltv = &seen.current.population.ltv;
    json!({
        "horizon_days": seen.current.ltv_horizon_days,
        "currency": seen.current.currency,
        "total": ltv.total,
        "mean": ltv.mean,
        "customers": ltv.customers,
    })
}

/// When a tenant's run is due next by a schedule; none for other schedules, and for one that is paused or cannot be
/// read.
fn next_run(schedule: &Schedule, tenant: Uuid, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if schedule.paused || schedule.kind != ResegmentTenant::KIND {
        return None;
    }
    let zone: Tz = schedule.timezone.parse().ok()?;
    let cron = Cron::from_str(&schedule.cron).ok()?;
    let offset = schedule.offset_of(tenant);
    // In whole seconds, as schedules are: the evaluator carries a fraction over into its answer.
    let after = (now - offset).trunc_subsecs(0).with_timezone(&zone);
    let next = cron.find_next_occurrence(&after, false).ok()?;
    Some(next.with_timezone(&Utc) + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_run_is_in_the_schedules_own_zone() {
        let now = DateTime::parse_from_rfc3339("2026-01-31T12:00:00Z").expect("a time").with_timezone(&Utc);
        let schedule = |timezone: &str, paused: bool| Schedule {
            name: "nightly".to_owned(),
            kind: ResegmentTenant::KIND.to_owned(),
            payload: json!({}),
            cron: "0 2 * * *".to_owned(),
            timezone: timezone.to_owned(),
            scope: "each_tenant".to_owned(),
            catch_up: "once".to_owned(),
            paused,
            decided_until: now,
            changed_by: "default".to_owned(),
            spread_secs: 0,
            dedup_key: None,
        };
        let tenant = Uuid::from_u128(5);
        let next = |timezone: &str, paused: bool| {
            next_run(&schedule(timezone, paused), tenant, now).map(|next| next.to_rfc3339())
        };
        assert_eq!(next("UTC", false).as_deref(), Some("2026-02-01T02:00:00+00:00"));
        assert_eq!(next("Europe/Berlin", false).as_deref(), Some("2026-02-01T01:00:00+00:00"));
        assert_eq!(next("UTC", true), None);
        assert_eq!(next("Nowhere", false), None);
        // A tenant's own place within the spread counts, also while other tenants' runs have begun already.
        let spread = Schedule { spread_secs: 86_400, ..schedule("UTC", false) };
        let due =
            DateTime::parse_from_rfc3339("2026-01-31T02:00:00Z").expect("a time") + spread.offset_of(tenant);
        assert!(due > now, "the tenant was chosen so that its place lies after noon");
        assert_eq!(next_run(&spread, tenant, now), Some(due.with_timezone(&Utc)));
    }
}
