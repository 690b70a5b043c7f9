//! The kinds of job there are. A new kind is a contract file in this folder, a handler file of the
//! same name in the worker, and one line in the list below; without the handler the worker does not
//! compile.

/// Hands the list of kinds, as `module: Type`, to another macro.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            audit_ledger: AuditLedger,
            detect_drift: DetectDrift,
            discard_dead: DiscardDead,
            drain_queue: DrainQueue,
            draft_reply: DraftReply,
            evaluate_all_segments: EvaluateAllSegments,
            evaluate_segment: EvaluateSegment,
            forecast_metrics: ForecastMetrics,
            import_orders: ImportOrders,
            post_internal_note: PostInternalNote,
            probe: Probe,
            prune_history: PruneHistory,
            recompute_profile: RecomputeProfile,
            resegment_tenant: ResegmentTenant,
            retry_dead: RetryDead,
            score_customers: ScoreCustomers,
            snapshot_profiles: SnapshotProfiles,
            train_churn: TrainChurn,
            train_ltv: TrainLtv,
        }
    };
}

macro_rules! declare_kinds {
    ($($module:ident: $kind:ident,)*) => {
        $(
            pub mod $module;
            pub use $module::$kind;
        )*

        /// Every kind, by name.
        pub static ALL: &[KindInfo] = &[$(KindInfo::of::<$kind>(),)*];
    };
}

for_each_kind!(declare_kinds);

use crate::{
    QueueError,
    contract::{JobKind, Policy},
};

/// What is known of a kind without knowing its type.
#[derive(Clone, Copy, Debug)]
pub struct KindInfo {
    /// The name on the wire.
    pub kind: &'static str,
    /// The version of the payload that this code writes.
    pub version: i16,
    /// The concurrency key of all its jobs, if it has one.
    pub key: Option<&'static str>,
    /// How it runs.
    pub policy: Policy,
    /// Checks that a JSON text is a payload of the kind; says what does not fit.
    pub check: fn(&str) -> Result<(), String>,
}

impl KindInfo {
    /// The description of a kind that is known by its type.
    pub const fn of<K: JobKind>() -> KindInfo {
        KindInfo { kind: K::KIND, version: K::VERSION, key: K::KEY, policy: K::POLICY, check: check::<K> }
    }
}

/// The kind of that name.
///
/// # Errors
/// `UnknownKind`.
pub fn find(kind: &str) -> Result<&'static KindInfo, QueueError> {
    ALL.iter().find(|info| info.kind == kind).ok_or_else(|| QueueError::UnknownKind(kind.to_owned()))
}

fn check<K: JobKind>(payload: &str) -> Result<(), String> {
    serde_json::from_str::<K>(payload).map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_policies_are_sane() {
        for (index, info) in ALL.iter().enumerate() {
            assert!(ALL[index + 1..].iter().all(|other| other.kind != info.kind), "{}", info.kind);
            assert!(info.policy.max_attempts >= 1, "{}", info.kind);
            assert!(!info.policy.deadline.is_zero(), "{}", info.kind);
            assert!(info.policy.backoff.base <= info.policy.backoff.cap, "{}", info.kind);
        }
    }
}
