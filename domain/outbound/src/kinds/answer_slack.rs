//! Answers what somebody asked in chat: a slash command, a mention, a button, a look at the home tab. The chat was told at
//! once that it was heard; the answer comes through the address that it gave, or as a message.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use accounts::seal::MasterKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use database::ids::TenantId;
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Answer in chat.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSlack {
    /// The workspace.
    pub workspace_id: Uuid,
    /// What was asked.
    pub asked: Asked,
    /// Where the answer is wanted within half an hour, sealed: whoever has it may write there.
    pub sealed_response_url: Option<String>,
    /// Who asked, by the chat's id.
    pub user_id: String,
    /// Where, by the chat's id; empty for the home tab.
    pub channel: String,
}

impl AnswerSlack {
    /// The address for the answer, as it may lie in the ledger.
    pub fn seal(key: &MasterKey, tenant: TenantId, workspace: Uuid, url: &str) -> String {
        STANDARD.encode(key.seal(&sealed_for(tenant, workspace), url.as_bytes()))
    }

    /// The address again; none when it was sealed for another tenant or workspace.
    pub fn open(key: &MasterKey, tenant: TenantId, workspace: Uuid, sealed: &str) -> Option<String> {
        let sealed = STANDARD.decode(sealed).ok()?;
        String::from_utf8(key.unseal(&sealed_for(tenant, workspace), &sealed).ok()?).ok()
    }
}

fn sealed_for(tenant: TenantId, workspace: Uuid) -> String {
    format!("{tenant}:slack-answer:{workspace}")
}

/// What was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Asked {
    /// A slash command, or the same words to the bot.
    Command {
        /// Its name without the slash.
        name: String,
        /// What stood behind it.
        text: String,
        /// The message below which the answer goes.
        thread_ts: Option<String>,
    },
    /// A button below an alert.
    Button {
        /// Which: claim or snooze.
        action: String,
        /// The ticket.
        ticket_id: Uuid,
        /// The message that has the button.
        message_ts: String,
    },
    /// The home tab was opened.
    Home {},
}

/// What was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnswerSlackOutput {
    /// Whether the answer arrived; the chat takes none after half an hour.
    pub answered: bool,
}

impl JobKind for AnswerSlack {
    type Output = AnswerSlackOutput;
    const KIND: &'static str = "answer_slack";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "outbound",
        priority: Priority::High,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        deadline: Duration::from_secs(60),
        key_limit: 4,
        access: Access::Tenant(Subject::Connections),
        rerun: Rerun::Never,
    };
}
