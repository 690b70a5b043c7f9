//! A customer's id as a part of a path: the shop's own, or an anonymised one, which stands for the customer behind it.
//! A shop may have ids of its own that look anonymised; they go first.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use database::Role;
use database::ids::TenantId;
use platform::anonymous_ids::{self, AnonymousId};

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::Problem;

/// The shop's own id of the customer whom the path names.
#[derive(Clone, Debug)]
pub struct CustomerId(pub String);

impl FromRequestParts<AppState> for CustomerId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<CustomerId, Problem> {
        let Path(id): Path<String> = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::bad_request("id", "cannot be read"))?;
        if id.parse::<AnonymousId>().is_err() {
            return Ok(CustomerId(id));
        }
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(CustomerId(own(state, caller.tenant, id).await?))
    }
}

/// The shop's own id of a customer who is named by it or by an anonymised one; the same text when nobody is.
///
/// # Errors
/// The database failed.
pub async fn own(state: &AppState, tenant: TenantId, id: String) -> Result<String, Problem> {
    if id.parse::<AnonymousId>().is_err() {
        return Ok(id);
    }
    let mut tx = state.db.tenant_tx(Role::Support, tenant).await?;
    let found = anonymous_ids::named(&mut tx, &state.desk.key(tenant), &id).await?;
    tx.commit().await?;
    Ok(found.unwrap_or(id))
}
