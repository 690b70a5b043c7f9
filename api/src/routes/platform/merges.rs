//! Customers who are one person: merging two, seeing what was merged, taking it back.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use database::Role;
use jobs::NewJob;
use platform::identities::merge::{self, Merge, MergeError};
use platform::kinds::RecomputeProfile;
use platform::runs::published;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::intelligence::{ask, check_customer_id};
use crate::routes::platform::customer_id::{self, CustomerId};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{query, trail};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(merge_customers)).routes(routes!(merges)).routes(routes!(take_back))
}

/// Who is the same person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_id": "g-2"}))]
pub struct MergeRequest {
    /// The customer who becomes the one of the path.
    customer_id: String,
}

/// A merge.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergeView {
    /// What it is taken back by.
    pub id: Uuid,
    /// Who has all orders now.
    pub kept: String,
    /// Who is the same person.
    pub merged: String,
    /// How many orders moved.
    pub orders: i64,
    /// Who merged them.
    pub by: String,
    /// When.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Who took it back.
    pub undone_by: Option<String>,
    /// When.
    pub undone_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl From<Merge> for MergeView {
    fn from(merge: Merge) -> MergeView {
        let Merge { id, kept, merged, orders, by, at, undone_by, undone_at } = merge;
        MergeView { id, kept, merged, orders, by, at, undone_by, undone_at }
    }
}

/// Merges another customer into this one.
///
/// Orders, addresses and numbers of the other become this one's, and what is stated of the other from now on as well.
#[utoipa::path(
    post,
    path = "/api/customers/{id}/merge",
    tag = "customers",
    params(
        ("id" = String, Path, description = "the shop's id of the customer who stays"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = MergeRequest,
    responses(
        (status = 200, description = "they are one", body = MergeView),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "one of them was merged into another", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "both are the same, or one is no single person", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn merge_customers(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::OrdersWrite as u8 }>,
    CustomerId(id): CustomerId,
    key: IdempotencyKey,
    body: Json<MergeRequest>,
) -> Result<Answer, Problem> {
    check_customer_id("id", &id)?;
    let other = &customer_id::own(&state, caller.tenant, body.value.customer_id.clone()).await?;
    check_customer_id("customer_id", other)?;
    let digest: [u8; 32] = Sha256::new().chain_update(&id).chain_update(body.digest).finalize().into();
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let merged = merge::merge(&mut tx, caller.tenant, &id, other, &caller.actor()).await?;
    finish(&state, &caller, tx, &key, &digest, "customer.merge", merged).await
}

/// The merges of a customer, newest first, at most 100.
#[utoipa::path(
    get,
    path = "/api/customers/{id}/merges",
    tag = "customers",
    params(("id" = String, Path, description = "the shop's id of the customer")),
    responses((status = 200, description = "the merges", body = Vec<MergeView>)),
)]
async fn merges(
    State(state): State<AppState>,
    caller: Caller,
    CustomerId(id): CustomerId,
) -> Result<Shown<Vec<MergeView>>, Problem> {
    caller.require(Scope::CustomersRead)?;
    check_customer_id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let merges = merge::of_customer(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Shown(merges.into_iter().map(MergeView::from).collect()))
}

/// Takes a merge back.
///
/// Orders that name the one who was merged are theirs again, also those that came since.
#[utoipa::path(
    post,
    path = "/api/customers/merges/{merge_id}/undo",
    tag = "customers",
    params(
        ("merge_id" = String, Path, description = "the merge"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    responses(
        (status = 200, description = "they are two again", body = MergeView),
        (status = 404, description = "there is no such merge", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it was taken back, or another merge has to be first", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn take_back(
    State(state): State<AppState>,
    caller: Caller,
    Path(merge_id): Path<String>,
    key: IdempotencyKey,
) -> Result<Answer, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let id = query::id("merge_id", &merge_id)?;
    let digest: [u8; 32] = Sha256::digest(format!("undo-merge:{id}")).into();
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let undone = merge::undo(&mut tx, caller.tenant, id, &caller.actor()).await?;
    finish(&state, &caller, tx, &key, &digest, "customer.undo_merge", undone).await
}

/// Records what was done, and has both computed anew where there is a run to compare them with.
async fn finish(
    state: &AppState,
    caller: &Caller,
    mut tx: database::Tx,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    action: &str,
    merge: Merge,
) -> Result<Answer, Problem> {
    let mut announcements = Vec::new();
    if published::exists(&mut tx).await? {
        for customer_id in [&merge.kept, &merge.merged] {
            let payload = RecomputeProfile { customer_id: customer_id.clone() };
            let job = NewJob::of(caller.tenant, &payload)?;
            announcements.push(ask(&mut tx, job, &payload.dedup_key()).await?.1);
        }
    }
    // Who they are is with the merge; the trail names nobody.
    let detail = json!({ "orders": merge.orders });
    let subject = format!("merge:{}", merge.id);
    let answer = Answer::ok(&MergeView::from(merge));
    idempotency::keep(&mut tx, caller.tenant, key, digest, &answer).await?;
    // Last, as the trail is written in a role of its own.
    trail::record(&mut tx, caller, action, &subject, detail).await?;
    tx.commit().await?;
    for announcement in announcements {
        state.dispatch.announce(announcement);
    }
    Ok(answer)
}

impl From<MergeError> for Problem {
    fn from(error: MergeError) -> Problem {
        let detail = error.to_string();
        match error {
            MergeError::Unknown(_) | MergeError::NoMerge => Problem::not_found(detail),
            MergeError::Same | MergeError::TooMany(_) => Problem::unprocessable("customer_id", detail),
            MergeError::Merged(..) | MergeError::Undone(_) => Problem::conflict(detail),
            MergeError::Db(error) => error.into(),
        }
    }
}
