//! Customer intelligence: who customers are, how likely they are to leave and what they are worth; segments, archetypes,
//! runs and models. What takes computing becomes a job.
//!
//! What was not computed is an answer with its reason, `{"available": false, "reason": "..."}`, never a number.

pub mod ai;
pub mod archetype_names;
pub mod archetypes;
pub mod commands;
pub mod customer;
pub mod list;
pub mod mcp;
pub mod models;
pub mod runs;
pub mod segmentations;
pub mod summary;

use std::sync::Arc;

use axum::Extension;
use database::Tx;
use database::ids::TenantId;
use jobs::{Announcement, NewJob};
use platform::customers::{Contact, Found, NO_ID, is_id};
use platform::insights::InsightError;
use platform::insights::catalog::{Catalog, Catalogs};
use platform::insights::{customer as customers, customer::Customer, named};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::correlation;
use crate::web::problem::Problem;

/// The routes, with one memory for all of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(customer::routes())
        .merge(ai::routes())
        .merge(mcp::routes())
        .merge(list::routes())
        .merge(archetypes::routes())
        .merge(archetype_names::routes())
        .merge(segmentations::routes())
        .merge(runs::routes())
        .merge(models::routes())
        .merge(summary::routes())
        .merge(commands::routes())
        .layer(Extension(Arc::new(Memory::default())))
}

/// What the process remembers of intelligence: what cannot change.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    catalogs: Catalogs,
}

impl Memory {
    /// The catalogue of a segmentation, if there is a segmentation.
    async fn catalog(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        segmentation: Option<Uuid>,
    ) -> Result<Option<Arc<Catalog>>, Problem> {
        let Some(segmentation) = segmentation else { return Ok(None) };
        Ok(self.catalogs.get(tx, tenant, segmentation).await?)
    }
}

/// What a request's handlers share.
type Remembered = Extension<Arc<Memory>>;

impl From<InsightError> for Problem {
    fn from(error: InsightError) -> Problem {
        match error {
            InsightError::Db(error) => error.into(),
            error @ (InsightError::BadCatalog { .. } | InsightError::BadReport { .. }) => {
                tracing::error!(%error, "what a run left cannot be read");
                Problem::internal()
            }
        }
    }
}

/// What is known of a customer, as it is shown beside a ticket; none when there is no such customer.
pub(crate) async fn known_of(
    memory: &Memory,
    tx: &mut Tx,
    tenant: TenantId,
    id: &str,
) -> Result<Option<serde_json::Value>, Problem> {
    let Some(customer) = customers::find(tx, id).await? else { return Ok(None) };
    let segmentation = customer.run.as_ref().and_then(|run| run.segmentation);
    let catalog = memory.catalog(tx, tenant, segmentation).await?;
    let shown = serde_json::to_value(customer.profile(catalog.as_deref()));
    shown.map(Some).map_err(|_| Problem::internal())
}

/// What is known of whom a ticket names, as it is shown beside it, or the reason why nothing is.
pub(crate) async fn known_of_named(
    memory: &Memory,
    tx: &mut Tx,
    tenant: TenantId,
    contact: Contact<'_>,
) -> Result<serde_json::Value, Problem> {
    let missing = |reason: &str| serde_json::json!({ "available": false, "reason": reason });
    let named = named::find(tx, contact).await?;
    let customer = match (named.found, named.customer) {
        (Found::One(_), Some(customer)) => customer,
        (Found::One(_), None) => return Ok(missing("the shop has no such customer")),
        (Found::Nobody, _) => return Ok(missing("the shop does not know the customer")),
        (Found::Several(several), _) => {
            let mut answer = missing("several customers share the address");
            answer["customers"] = several.into();
            return Ok(answer);
        }
    };
    let catalog = match customer.run.as_ref().and_then(|run| run.segmentation) {
        Some(segmentation) => memory.catalogs.called(tx, tenant, segmentation, &named.given).await?,
        None => None,
    };
    serde_json::to_value(customer.profile(catalog.as_deref())).map_err(|_| Problem::internal())
}

/// The customer behind an id.
async fn find_customer(tx: &mut Tx, field: &'static str, id: &str) -> Result<Customer, Problem> {
    check_customer_id(field, id)?;
    customers::find(tx, id).await?.ok_or_else(unknown_customer)
}

pub(super) fn check_customer_id(
    field: impl Into<std::borrow::Cow<'static, str>>,
    id: &str,
) -> Result<(), Problem> {
    if is_id(id) {
        return Ok(());
    }
    Err(Problem::bad_request(field, NO_ID))
}

fn unknown_customer() -> Problem {
    Problem::not_found("there is no such customer")
}

/// A job that was asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "state": "ready", "created": true}))]
pub struct Asked {
    /// The job, as in GET /api/jobs/{id}.
    pub job_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// False when an unfinished job that was asked for before stands in for it.
    pub created: bool,
}

/// Enqueues a job unless an unfinished one with the key stands in for it.
pub(super) async fn ask(tx: &mut Tx, job: NewJob, dedup_key: &str) -> Result<(Asked, Announcement), Problem> {
    let job = correlation::caused(job).with_dedup_key(dedup_key)?;
    let (enqueued, announcement) = jobs::enqueue_one(tx, job).await?;
    let state = enqueued.state.to_string();
    Ok((Asked { job_id: enqueued.id, state, created: enqueued.created }, announcement))
}

/// Why nothing can be said before the first run.
const NO_RUN: &str = "no run of customer intelligence was published for this shop yet";
