//! Typed identifiers, so that a ticket's id cannot be passed where a tenant's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id; later ids sort after earlier ones (UUID version 7).
            #[allow(clippy::new_without_default, reason = "each is another one; a default is always the same")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A shop that uses the desk; everything belongs to exactly one.
    TenantId
);
id!(
    /// An API key (its public identity, not the secret).
    KeyId
);
id!(
    /// A ticket, by our own id; the help desk's id is a text beside it.
    TicketId
);
id!(
    /// A suggested reply to a ticket.
    DraftId
);
id!(
    /// A webhook delivery in the inbox.
    DeliveryId
);
id!(
    /// A segment: customers for whom a rule holds.
    SegmentId
);
id!(
    /// A person who works at the desk; the same in their login and their place at the desk.
    AgentId
);
id!(
    /// A sign-in of a person: one browser or program until it is signed out.
    SessionId
);
id!(
    /// A message of a ticket, by our own id.
    MessageId
);
