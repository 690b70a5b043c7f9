//! Posts a stored draft into its ticket as an internal note, once: the note carries the draft's id
//! as its external id, which is looked up before posting again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Post a draft as an internal note.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostInternalNote {
    /// The draft.
    pub draft_id: Uuid,
}

/// The note that is there now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostInternalNoteOutput {
    /// The help desk's id of the note.
    pub note_id: String,
    /// Whether an earlier attempt had already posted it.
    pub already_there: bool,
}

impl JobKind for PostInternalNote {
    type Output = PostInternalNoteOutput;
    const KIND: &'static str = "post_internal_note";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(900) },
        deadline: Duration::from_secs(30),
        key_limit: 1,
        access: Access::Tenant(Subject::Replies),
        rerun: Rerun::Never,
    };
}
