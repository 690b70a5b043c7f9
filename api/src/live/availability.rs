//! What a person says of themselves, by a request or over their socket.

use serde::Deserialize;
use utoipa::ToSchema;

/// What a person says of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// Takes work.
    Online,
    /// Is there and takes nothing new.
    Busy,
    /// Comes back.
    Away,
    /// Has gone.
    Offline,
}

impl Availability {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Availability::Online => "online",
            Availability::Busy => "busy",
            Availability::Away => "away",
            Availability::Offline => "offline",
        }
    }
}
