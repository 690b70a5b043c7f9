//! Sends a person of the desk the link by which they choose a password. What is in the mail is sealed: neither an address
//! nor a link that opens anything stands in the ledger.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Send a link.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendLink {
    /// The link, by its own id, which opens nothing.
    pub link_id: Uuid,
    /// What is in the mail, sealed for the tenant, in base64.
    pub sealed: String,
}

/// What is sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct LinkMail {
    /// To whom.
    pub address: String,
    /// Their name.
    pub name: String,
    /// Whether it is an invitation; otherwise it is a reset.
    pub is_invitation: bool,
    /// The link.
    pub link: String,
}

impl std::fmt::Debug for LinkMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkMail").field("is_invitation", &self.is_invitation).finish_non_exhaustive()
    }
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendLinkOutput {
    /// Whether it left; false when nobody knows.
    pub was_sent: bool,
}

impl SendLink {
    /// What the sealed part is bound to.
    pub fn owner(tenant: database::ids::TenantId) -> String {
        format!("{tenant}:link mail")
    }
}

impl JobKind for SendLink {
    type Output = SendLinkOutput;
    const KIND: &'static str = "send_link";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 6,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Replies),
        rerun: Rerun::Never,
    };
}
