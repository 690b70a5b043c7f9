//! Who did what and why, and who looked at whose data: the trail, and the reasons that callers give.

use accounts::audit;
use chrono::Utc;
use database::{Role, Tx, act_as};

use super::{auth::Caller, correlation, problem::Problem, views::Views};

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

/// Notes that somebody looked at a customer's data, without making the answer wait: `action` is for example
/// `ticket.view`, `subject` for example `ticket:ID`, and `detail` holds ids and counts, such as those that a list showed.
/// Call it when the answer is certain.
pub async fn viewed(
    views: &Views,
    caller: &Caller,
    action: &'static str,
    subject: String,
    detail: serde_json::Value,
) {
    let view = audit::View {
        tenant: caller.tenant,
        actor: caller.actor(),
        action,
        subject,
        detail,
        correlation_id: correlation::current().as_str().to_owned(),
        at: Utc::now(),
    };
    views.note(view).await;
}

/// A reason as a person gave it, or the words for none.
pub fn reason_or(reason: Option<String>, otherwise: &str) -> Result<String, Problem> {
    match reason {
        None => Ok(otherwise.to_owned()),
        Some(text) if text.chars().count() <= 500 && !text.contains('\0') => Ok(text),
        Some(_) => Err(Problem::bad_request("reason", "must have at most 500 characters")),
    }
}
