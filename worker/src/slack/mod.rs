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

impl Written {
    /// The same without pictures; none when it has none. Slack fetches them before it takes a message, and refuses the whole
    /// when it cannot.
    pub fn without_pictures(&self) -> Option<Written> {
        let is_picture = |block: &&Value| block["type"] == "image";
        self.blocks.iter().any(|block| is_picture(&block)).then(|| Written {
            text: self.text.clone(),
            blocks: self.blocks.iter().filter(|block| !is_picture(block)).cloned().collect(),
        })
    }
}
