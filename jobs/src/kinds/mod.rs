//! The kinds of job of the operators and of the cluster itself, and what is known of any kind. The kinds of an owner are
//! declared by the owner in the same way; the crate `kinds` has them all.

/// Hands the list of kinds, as `module: Type`, to another macro.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            audit_ledger: AuditLedger,
            discard_dead: DiscardDead,
            drain_queue: DrainQueue,
            probe: Probe,
            prune_history: PruneHistory,
            retry_dead: RetryDead,
        }
    };
}

/// Declares the kinds of an owner: the module and the type of each, and `ALL`, what is known of them.
#[macro_export]
macro_rules! declare_kinds {
    ($($module:ident: $kind:ident,)*) => {
        $(
            pub mod $module;
            pub use $module::$kind;
        )*

        /// Every kind of this owner, by name.
        pub static ALL: &[$crate::kinds::KindInfo] = &[$($crate::kinds::KindInfo::of::<$kind>(),)*];
    };
}

for_each_kind!(declare_kinds);

use chrono::{DateTime, Utc};

use crate::by_name;
use crate::contract::{JobKind, Policy, Unfit};
use crate::shape;

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
    /// Checks that a JSON text is a payload of the kind, for a job that may begin at that time; says what does not fit.
    pub check: fn(&str, DateTime<Utc>) -> Result<(), Unfit>,
    /// The fields of a payload, see [`shape`].
    pub shape: fn() -> String,
}

impl KindInfo {
    /// The description of a kind that is known by its type.
    pub const fn of<K: JobKind>() -> KindInfo {
        KindInfo {
            kind: K::KIND,
            version: K::VERSION,
            key: K::KEY,
            policy: K::POLICY,
            check: check::<K>,
            shape: shape::of::<K>,
        }
    }
}

fn check<K: JobKind>(payload: &str, at: DateTime<Utc>) -> Result<(), Unfit> {
    let payload: K = by_name::from_str(payload).map_err(|error| Unfit::whole(error.to_string()))?;
    payload.check(at)
}
