//! Somebody who was erased came back by themselves, and the shop says so.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use chrono::Utc;
use database::Role;
use platform::identities::erased;
use platform::identities::normal;
use platform::orders::statement::Party;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// Who came back: at least one of id, address and number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ann@example.com", "verification": "she opened an account anew"}))]
pub struct CameBackBody {
    /// The shop's id of the customer.
    #[serde(default)]
    customer_id: Option<String>,
    /// An address of theirs.
    #[serde(default)]
    email: Option<String>,
    /// A telephone number with its country.
    #[serde(default)]
    phone: Option<String>,
    /// How the shop knows it: 3 to 2,000 characters. They are not kept.
    verification: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CameBackView {
    /// How many ways to know them may name somebody again.
    freed: u64,
}

/// Say that somebody who was erased came back by themselves: from now on files and shops may name them again. What is from
/// before the erasure stays without them.
#[utoipa::path(
    post,
    path = "/api/privacy/came-back",
    tag = "privacy",
    request_body = CameBackBody,
    responses(
        (status = 200, description = "they may be named again; 0 when nobody of that name was erased", body = CameBackView),
        (status = 400, description = "a field does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn came_back(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::PrivacyWrite as u8 }>,
    body: Json<CameBackBody>,
) -> Result<Shown<CameBackView>, Problem> {
    let CameBackBody { customer_id, email, phone, verification } = body.value;
    if !(3..=2_000).contains(&verification.trim().chars().count()) {
        return Err(Problem::bad_request(
            "verification",
            "must have 3 to 2,000 characters that say how it is known",
        ));
    }
    let party = Party { shop_id: customer_id, email, phone, name: None };
    if normal::key(&party).is_err() {
        return Err(Problem::bad_request(
            "customer_id",
            "must name somebody, or email or phone must: a telephone number with its country, as +49 30 1234567",
        ));
    }
    let key = erased::ErasureKey::of(&state.settings.master_key.derive(erased::SECRET_LABEL), caller.tenant);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let freed = erased::came_back(&mut tx, caller.tenant, &key, std::iter::once(&party), Utc::now()).await?;
    trail::record(&mut tx, &caller, "privacy.came_back", "customer", json!({ "freed": freed })).await?;
    state.db.commit(tx).await?;
    Ok(Shown(CameBackView { freed }))
}
