//! Calls a tool that takes too long for whoever called it to be answered at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Call a tool. The call is kept where it can be let go; so is what whoever called may see.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallTool {
    /// The call, as kept.
    pub call_id: Uuid,
}

/// What came of it; the answer itself is with the call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallToolOutput {
    /// Whether the data say something.
    pub available: bool,
    /// Rows of tables that were read.
    pub rows_read: i64,
}

impl JobKind for CallTool {
    type Output = CallToolOutput;
    const KIND: &'static str = "call_tool";
    const VERSION: i16 = 1;
    /// One tenant's assistants do not take the places of everybody's.
    const KEY: Option<&'static str> = Some("tools");
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 2,
        backoff: Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(5) },
        deadline: Duration::from_secs(180),
        key_limit: 2,
        access: Access::Tenant(Subject::Intelligence),
        rerun: Rerun::Never,
    };
}
