//! How a tenant's work is given out.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::assignment::drain_if_automatic;
use support::assignment::policy::{self, Routing};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show, put))
}

/// How work is given out.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssignmentPolicy {
    /// Tickets that nobody has are given out.
    pub automatic: bool,
    /// What is offered again when an agent goes offline: what a customer waits for, all their open work, or nothing.
    pub offline: Offline,
    /// How long after they went, in seconds: 0 to 86400.
    #[schema(minimum = 0, maximum = 86_400)]
    pub offline_grace_secs: i32,
    /// From which waiting time on a ticket goes also to agents without its skills, in seconds: 0 to 604800.
    #[schema(minimum = 0, maximum = 604_800)]
    pub relax_skills_secs: i32,
    /// Units that an agent gets at once who has just arrived: 1 to 50.
    #[schema(minimum = 1, maximum = 50)]
    pub newcomer_units: i32,
    /// After how many seconds they get as many again: 1 to 3600.
    #[schema(minimum = 1, maximum = 3_600)]
    pub newcomer_every_secs: i32,
}

/// What is offered again when an agent goes offline.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Offline {
    /// Nothing.
    None,
    /// What a customer waits for.
    Waiting,
    /// All open work.
    All,
}

impl Default for AssignmentPolicy {
    fn default() -> AssignmentPolicy {
        AssignmentPolicy {
            automatic: true,
            offline: Offline::Waiting,
            offline_grace_secs: 120,
            relax_skills_secs: 600,
            newcomer_units: 3,
            newcomer_every_secs: 20,
        }
    }
}

impl From<Routing> for AssignmentPolicy {
    fn from(routing: Routing) -> AssignmentPolicy {
        AssignmentPolicy {
            automatic: routing.automatic,
            offline: match routing.offline_policy.as_str() {
                "none" => Offline::None,
                "all" => Offline::All,
                _ => Offline::Waiting,
            },
            offline_grace_secs: routing.offline_grace_secs,
            relax_skills_secs: routing.relax_skills_secs,
            newcomer_units: routing.newcomer_units,
            newcomer_every_secs: routing.newcomer_every_secs,
        }
    }
}

/// How work is given out.
#[utoipa::path(
    get, path = "/api/settings/assignment", tag = "assignment",
    responses((status = 200, description = "the policy", body = AssignmentPolicy)),
)]
async fn show(State(state): State<AppState>, caller: Caller) -> Result<Shown<AssignmentPolicy>, Problem> {
    caller.require(Scope::AgentsRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let routing = policy::get(&mut tx, caller.tenant).await?;
    tx.commit().await?;
    Ok(Shown(routing.into()))
}

/// Change how work is given out; what is left out has its default.
#[utoipa::path(
    put, path = "/api/settings/assignment", tag = "assignment",
    request_body = AssignmentPolicy,
    responses(
        (status = 200, description = "the policy as it is now", body = AssignmentPolicy),
        (status = 400, description = "a value out of range", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<AssignmentPolicy>,
) -> Result<Shown<AssignmentPolicy>, Problem> {
    let wanted = body.value;
    let ranges = [
        ("offline_grace_secs", wanted.offline_grace_secs, 0, 86_400),
        ("relax_skills_secs", wanted.relax_skills_secs, 0, 604_800),
        ("newcomer_units", wanted.newcomer_units, 1, 50),
        ("newcomer_every_secs", wanted.newcomer_every_secs, 1, 3_600),
    ];
    for (field, value, min, max) in ranges {
        if !(min..=max).contains(&value) {
            return Err(Problem::bad_request(field, format!("must be a whole number from {min} to {max}")));
        }
    }
    let routing = Routing {
        automatic: wanted.automatic,
        offline_policy: match wanted.offline {
            Offline::None => "none",
            Offline::Waiting => "waiting",
            Offline::All => "all",
        }
        .to_owned(),
        offline_grace_secs: wanted.offline_grace_secs,
        relax_skills_secs: wanted.relax_skills_secs,
        newcomer_units: wanted.newcomer_units,
        newcomer_every_secs: wanted.newcomer_every_secs,
        told_at: None,
    };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    policy::put(&mut tx, caller.tenant, &routing).await?;
    let mut announcement = jobs::Announcement::default();
    if let Some(job) = drain_if_automatic(&mut tx, caller.tenant).await? {
        announcement = jobs::enqueue_one(&mut tx, job).await?.1;
    }
    trail::record(&mut tx, &caller, "assignment.policy", "settings:assignment", json!(wanted)).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(Shown(wanted))
}
