//! An event on its way to an endpoint: [`take`](mod@take) for the job that delivers it, [`end`] for what came of an
//! attempt, [`list`](mod@list) for people, [`now`] to try what waits at once, [`replay`] to send what is over once more.

pub mod end;
pub mod list;
pub mod now;
pub mod replay;
pub mod take;

use serde::{Deserialize, Serialize};

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// It will be tried, or tried again; for a paused endpoint when that is resumed.
    Waiting,
    /// The endpoint answered with success.
    Delivered,
    /// It is over without.
    Failed,
}
