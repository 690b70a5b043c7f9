//! Who did what and why: the trail, and the reasons that callers give. Who looked at whose data is noted in `views.rs`.

use accounts::audit;
use database::{Role, Tx, act_as};
use jobs::dead::REASON_CHARS;

use super::{auth::Caller, correlation, problem::Problem};

/// Writes down who did what, in the transaction that does it. The last statement of it: the transaction has the gateway's
/// role afterwards and no tenant, because only the gateway may write the trail of more than one.
pub async fn record(
    tx: &mut Tx,
    caller: &Caller,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), Problem> {
    act_as(tx, Role::Gateway, None).await?;
    let correlation_id = correlation::current();
    let event = audit::Event {
        tenant: Some(caller.tenant),
        actor: &caller.actor(),
        action,
        subject,
        detail,
        correlation_id: Some(correlation_id.as_str()),
    };
    Ok(audit::record(tx, &event).await?)
}

/// A reason as a person gave it, or the words for none.
pub fn reason_or(reason: Option<String>, otherwise: &str) -> Result<String, Problem> {
    match reason {
        None => Ok(otherwise.to_owned()),
        Some(text) if text.chars().count() <= REASON_CHARS => Ok(text),
        Some(_) => {
            Err(Problem::bad_request("reason", format!("must have at most {REASON_CHARS} characters")))
        }
    }
}
