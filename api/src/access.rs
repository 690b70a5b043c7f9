//! What a key may do with jobs by their kind. The routes of jobs take any kind, so they hold a caller to the scopes
//! that the routes of the kind's subject need: `jobs:write` alone spends nothing on a model, and `jobs:read` alone
//! shows no draft.

use accounts::api_keys::Scope;
use jobs::{
    Policy, Priority,
    contract::{Access, Subject},
    kinds::KindInfo,
    read::JobView,
};
use uuid::Uuid;

use crate::web::{auth::Caller, problem::Problem};

/// The scope that shows payloads and results of the kind. What operators' kinds leave is seen by whoever sees the
/// job: theirs belong to the cluster's own tenant, and a tenant's are the bulk actions that it asked for itself.
pub fn reading(policy: &Policy) -> Scope {
    match policy.access {
        Access::Operator => Scope::JobsRead,
        Access::Tenant(subject) => match subject {
            Subject::Replies => Scope::AiRead,
            Subject::Tickets => Scope::TicketsRead,
            // The route that shows an import's rejected lines needs the same.
            Subject::Orders => Scope::OrdersWrite,
            Subject::Customers => Scope::CustomersRead,
            Subject::Intelligence => Scope::IntelligenceRead,
            Subject::Segments => Scope::SegmentsRead,
            Subject::Privacy => Scope::PrivacyRead,
            Subject::Connections => Scope::WebhooksRead,
        },
    }
}

/// The scope that enqueues, retries and cancels jobs of the kind, besides `jobs:write`.
pub fn writing(policy: &Policy) -> Scope {
    match policy.access {
        Access::Operator => Scope::Operator,
        Access::Tenant(subject) => match subject {
            Subject::Replies => Scope::AiWrite,
            Subject::Tickets => Scope::TicketsAssign,
            Subject::Orders => Scope::OrdersWrite,
            Subject::Customers | Subject::Intelligence => Scope::IntelligenceWrite,
            Subject::Segments => Scope::SegmentsWrite,
            Subject::Privacy => Scope::PrivacyWrite,
            Subject::Connections => Scope::SettingsWrite,
        },
    }
}

/// Goes on only when the caller may enqueue jobs of the kind.
///
/// # Errors
/// 403 naming the scope.
pub fn require_enqueue(caller: &Caller, kind: &KindInfo) -> Result<(), Problem> {
    // An operators' kind asks for that scope alone, so that its name is what a refusal says.
    if let Access::Tenant(_) = kind.policy.access {
        caller.require(Scope::JobsWrite)?;
    }
    caller.require(writing(&kind.policy))
}

/// Goes on only when the caller may choose the priority: priorities are strict across tenants, so a tenant's jobs go
/// no higher than their kind.
///
/// # Errors
/// 422 naming what is allowed.
pub fn require_priority(caller: &Caller, kind: &KindInfo, priority: Priority) -> Result<(), Problem> {
    let highest = kind.policy.priority;
    if priority >= highest || caller.is_operator() {
        return Ok(());
    }
    let allowed: Vec<&str> =
        Priority::ALL.into_iter().filter(|priority| *priority >= highest).map(Priority::as_str).collect();
    let detail = format!(
        "{} may have the priority {}; a higher one needs a key with the scope operator",
        kind.kind,
        allowed.join(" or ")
    );
    Err(Problem::unprocessable("priority", detail))
}

/// Goes on only when the caller may cancel the job, which it may see.
///
/// # Errors
/// 403 naming the scope.
pub fn require_change(caller: &Caller, job: &JobView) -> Result<(), Problem> {
    if caller.is_operator() || is_own_bulk_action(caller.tenant.0, job) {
        return Ok(());
    }
    // A kind that this version does not know may be anybody's.
    caller.require(kinds::find(&job.kind).map_or(Scope::Operator, |kind| writing(&kind.policy)))
}

/// The kinds whose dead jobs the caller may retry and discard; none says that all of them are.
pub fn changeable_kinds(caller: &Caller) -> Option<Vec<String>> {
    if caller.is_operator() {
        return None;
    }
    let may = |kind: &&KindInfo| caller.require(writing(&kind.policy)).is_ok();
    Some(kinds::all().filter(may).map(|kind| kind.kind.to_owned()).collect())
}

/// The scope without which the caller does not see payload and result of jobs of that kind; none when it does.
pub fn withheld(caller: &Caller, kind: &str) -> Option<Scope> {
    let needed = kinds::find(kind).map_or(Scope::Operator, |kind| reading(&kind.policy));
    caller.require(needed).is_err().then_some(needed)
}

/// A retry or discard of dead letters that is bound to the tenant. Operators' kinds are otherwise theirs alone, even
/// when an older version put one among a tenant's jobs.
fn is_own_bulk_action(tenant: Uuid, job: &JobView) -> bool {
    let bound = job.payload.as_ref().and_then(|payload| payload["filter"]["tenant_id"].as_str());
    ["retry_dead", "discard_dead"].contains(&job.kind.as_str())
        && bound.and_then(|bound| bound.parse().ok()) == Some(tenant)
}

#[cfg(test)]
mod tests {
    use database::ids::{KeyId, TenantId};
    use jobs::JobKind;

    use super::*;
    use crate::web::auth::Who;

    fn caller(scopes: &[Scope]) -> Caller {
        Caller {
            tenant: TenantId::new(),
            who: Who::Key(KeyId::new()),
            scopes: scopes.to_vec(),
            name: "test".to_owned(),
        }
    }

    #[test]
    fn no_kind_is_open_to_a_key_that_may_only_write_jobs() {
        let plain = caller(&[Scope::JobsRead, Scope::JobsWrite]);
        for kind in kinds::all() {
            assert!(require_enqueue(&plain, kind).is_err(), "{}", kind.kind);
            let is_tenants = matches!(kind.policy.access, Access::Tenant(_));
            assert_eq!(withheld(&plain, kind.kind).is_some(), is_tenants, "{}", kind.kind);
        }
        assert_eq!(changeable_kinds(&plain), Some(Vec::new()));
        assert_eq!(withheld(&plain, "of_a_newer_version"), Some(Scope::Operator));
    }

    #[test]
    fn the_scope_of_the_subject_does_not_replace_the_one_for_jobs() {
        let draft = kinds::find(support::kinds::DraftReply::KIND).expect("the kind");
        assert!(require_enqueue(&caller(&[Scope::AiWrite]), draft).is_err());
        assert!(require_enqueue(&caller(&[Scope::JobsWrite, Scope::AiWrite]), draft).is_ok());
        assert!(require_enqueue(&caller(&[Scope::Operator]), draft).is_ok());
    }

    #[test]
    fn a_tenant_goes_no_higher_than_the_kind() {
        let tenant = caller(&[Scope::JobsWrite]);
        for kind in kinds::all() {
            for priority in Priority::ALL {
                let allowed = priority.rank() >= kind.policy.priority.rank();
                assert_eq!(require_priority(&tenant, kind, priority).is_ok(), allowed, "{}", kind.kind);
                assert!(require_priority(&caller(&[Scope::Operator]), kind, priority).is_ok());
            }
        }
    }
}
