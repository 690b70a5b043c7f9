//! Reads a tenant's shop at Shopify: what changed since the last time, or everything the first time. A job without a step begins
//! a reading, or goes on with one that was left; each part of it is a chain of jobs that hand the next step on.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Read the shop.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncShopify {
    /// Whether a first reading asks for pages, although one file would be less work for everybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paged: bool,
    /// The part to go on with; none begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
}

/// A part of a reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The reading.
    pub run_id: Uuid,
    /// The part's number, or [`Step::GONE`].
    pub part: i16,
    /// Where orders that are gone are looked for: behind this id, by the order of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl SyncShopify {
    /// The dedup key of the job that begins.
    pub const BEGIN: &str = "begin";
}

impl Step {
    /// No part: everything was read, and what the shop has no more is looked for.
    pub const GONE: i16 = -1;

    /// One job of a part is enough.
    pub fn dedup_key(&self) -> String {
        format!("{}:{}", self.run_id.simple(), self.part)
    }
}

/// How far it came.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SyncShopifyOutput {
    /// The reading; none when no shop is connected.
    pub run_id: Option<Uuid>,
    /// Objects that the part has read in all.
    pub read: i64,
    /// Whether the part came to its end.
    pub is_done: bool,
    /// Orders that were taken out because the shop has them no more.
    #[serde(default)]
    pub gone: i64,
}

impl JobKind for SyncShopify {
    type Output = SyncShopifyOutput;
    const KIND: &'static str = "sync_shopify";
    const VERSION: i16 = 2;
    const POLICY: Policy = Policy {
        queue: "imports",
        priority: Priority::Normal,
        max_attempts: 25,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(180),
        key_limit: 1,
        access: Access::Tenant(Subject::Orders),
        rerun: Rerun::Never,
    };

    fn upgrade(version: i16, payload: Value) -> Result<Self, String> {
        match version {
            // The field that came since has a default.
            1 => serde_json::from_value(payload).map_err(|error| error.to_string()),
            _ => Err(format!(
                "version {version} of the payload is unknown, this code reads version {}",
                Self::VERSION
            )),
        }
    }
}
