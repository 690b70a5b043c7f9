//! Every kind of job, of every owner, by name: for whoever takes a kind's name from a request, a schedule or the ledger.

pub mod schedules;

use jobs::QueueError;
pub use jobs::kinds::KindInfo;

/// Every kind, owner by owner.
pub fn all() -> impl Iterator<Item = &'static KindInfo> {
    [
        jobs::kinds::ALL,
        platform::kinds::ALL,
        support::kinds::ALL,
        marketing::kinds::ALL,
        outbound::kinds::ALL,
        questions::kinds::ALL,
    ]
    .into_iter()
    .flatten()
}

/// The kind of that name.
///
/// # Errors
/// `UnknownKind`.
pub fn find(kind: &str) -> Result<&'static KindInfo, QueueError> {
    all().find(|info| info.kind == kind).ok_or_else(|| QueueError::UnknownKind(kind.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_policies_are_sane() {
        for (index, info) in all().enumerate() {
            assert!(all().skip(index + 1).all(|other| other.kind != info.kind), "{}", info.kind);
            assert!(info.policy.max_attempts >= 1, "{}", info.kind);
            assert!(!info.policy.deadline.is_zero(), "{}", info.kind);
            assert!(info.policy.backoff.base <= info.policy.backoff.cap, "{}", info.kind);
        }
    }
}
