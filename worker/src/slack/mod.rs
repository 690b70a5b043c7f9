//! What is said in chat: [`alert`] writes of events, [`commands`] answers what was asked. Customers have names there that
//! tell nothing of them, and no text of theirs leaves the desk.

pub mod alert;
pub mod commands;
pub mod press;

use serde_json::Value;

/// A message in Slack's form.
#[derive(Debug, Clone)]
pub struct Written {
    /// What a notification shows.
    pub text: String,
    /// The message.
    pub blocks: Vec<Value>,
}
