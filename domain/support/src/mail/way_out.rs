//! Whether a reply can leave as mail at all, and what is missing when it cannot. A shop that has connected no mailbox answers
//! nobody, and has to be told so: a reply that nobody can send is not sent, keeps its text, and can be sent again once there
//! is a way.

use database::{DbError, Tx};
use uuid::Uuid;

use super::mailboxes;
use crate::gorgias;
use crate::tickets::delivery::Outbound;

/// What a reply lacks to leave as mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The shop has no mailbox.
    Mailbox,
    /// It has some, and none of them that mail leaves from for this ticket.
    MailServer,
    /// Nobody knows where the customer is to be reached.
    Address,
}

impl Missing {
    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Missing::Mailbox => "no_mailbox",
            Missing::MailServer => "no_mail_server",
            Missing::Address => "no_address",
        }
    }

    /// What people read: that it is not sent, and what to do.
    pub fn sentence(self) -> &'static str {
        match self {
            Missing::Mailbox => {
                "not sent: the shop has no mailbox connected; connect one with its mail server (Mailboxes, or POST \
                 /api/mailboxes), then send it again"
            }
            Missing::MailServer => {
                "not sent: no mailbox has a server that mail leaves through; give one its mail server and make it the \
                 default (Mailboxes, or PUT /api/mailboxes/{id}), then send it again"
            }
            Missing::Address => {
                "not sent: the customer's address is not known; set it on the ticket, then send it again"
            }
        }
    }
}

/// Whether replies to a ticket leave as mail: no help desk sends them, and it is answered by mail.
pub fn is_mailed(provider: &str, channel: &str) -> bool {
    provider != gorgias::PROVIDER && matches!(channel, "email" | "form")
}

/// What a reply lacks (support role); none when it can leave, or leaves by another way than mail.
///
/// # Errors
/// The database failed.
pub async fn missing(tx: &mut Tx, reply: &Outbound) -> Result<Option<Missing>, DbError> {
    if !is_mailed(&reply.provider, &reply.channel) {
        return Ok(None);
    }
    if let Some(missing) = without_mailbox(tx, reply.mailbox_id).await? {
        return Ok(Some(missing));
    }
    Ok(reply.customer_email.is_none().then_some(Missing::Address))
}

async fn without_mailbox(tx: &mut Tx, preferred: Option<Uuid>) -> Result<Option<Missing>, DbError> {
    if mailboxes::to_send_from(tx, preferred).await?.is_some() {
        return Ok(None);
    }
    let is_any: bool = sqlx::query_scalar(
        "select exists (select from support_app.mailbox
                        where tenant_id = (select shared.current_tenant()) and disabled_at is null)",
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Some(if is_any { Missing::MailServer } else { Missing::Mailbox }))
}
