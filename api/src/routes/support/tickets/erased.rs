//! Who was erased is not taken in again by a ticket: the rule of the customers' routes, for whom a ticket names. Who writes by
//! themselves has come back; somebody else has to say so first.

use database::Tx;
use database::ids::TenantId;
use platform::identities::erased::{self, ErasureKey};
use platform::orders::statement::Party;

use super::create::CustomerReference;
use crate::state::AppState;
use crate::web::problem::Problem;

/// Refuses who was erased and did not come back (support role). A tenant that erased nobody pays for one look by index.
pub(super) async fn refuse(
    state: &AppState,
    tx: &mut Tx,
    tenant: TenantId,
    named: &CustomerReference,
) -> Result<(), Problem> {
    let party = Party { shop_id: named.id.clone(), email: named.email.clone(), ..Party::default() };
    erased::while_named(tx, tenant).await?;
    let known = erased::among(tx, tenant, &key(state, tenant), std::iter::once(&party)).await?;
    let Some(erasure) = known.gone(&party) else { return Ok(()) };
    let problem = format!(
        "the customer was erased at {}; when they came back by themselves, say so by POST /api/privacy/came-back, then name \
         them",
        erasure.erased_at.to_rfc3339()
    );
    let field = if named.email.is_some() { "customer.email" } else { "customer.id" };
    Err(Problem::conflict(problem)
        .at(field)
        .with("reason", "customer_erased".into())
        .with("erased_at", erasure.erased_at.to_rfc3339().into()))
}

/// Notes that whoever has this address wrote by themselves (support role).
pub(in crate::routes::support) async fn wrote(
    state: &AppState,
    tx: &mut Tx,
    tenant: TenantId,
    email: Option<&str>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Problem> {
    erased::while_named(tx, tenant).await?;
    if email.is_some() && erased::any(tx, tenant).await? {
        erased::came_back_at_desk(tx, tenant, &key(state, tenant), None, email, now).await?;
    }
    Ok(())
}

fn key(state: &AppState, tenant: TenantId) -> ErasureKey {
    ErasureKey::of(&state.settings.master_key.derive(erased::SECRET_LABEL), tenant)
}
