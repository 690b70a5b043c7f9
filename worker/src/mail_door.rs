//! The door at which a mail server hands over what is for the shops: LMTP or SMTP, off unless it is asked for. A mail is
//! taken when it is kept together with the job that takes it in; until then its server is told to come again.

use std::net::SocketAddr;
use std::sync::Arc;

use boot::{SettingError, place};
use chrono::Utc;
use database::ids::TenantId;
use database::{Db, Role};
use futures_util::future::BoxFuture;
use jobs::{Dispatch, SYSTEM_TENANT};
use support::mail::inbound::{self, Arrival, ReceiveError, Received};
use support::mail::mailboxes;
use tokio_util::sync::CancellationToken;
use upstreams::mail::server::{self, Door, Handed, Options, Protocol, Verdict};
use uuid::Uuid;

use crate::app::App;

/// Where and what is spoken.
#[derive(Debug, Clone, Copy)]
pub struct MailDoor {
    /// Where it listens.
    pub bind: SocketAddr,
    /// What is spoken.
    pub protocol: Protocol,
    /// The longest mail, in bytes.
    pub max_bytes: usize,
}

/// Opens the door; it closes when `stop` is cancelled. Answers where it is.
///
/// # Errors
/// The address cannot be listened on.
pub async fn start(
    door: MailDoor,
    app: &Arc<App>,
    stop: CancellationToken,
) -> Result<SocketAddr, SettingError> {
    let listener = place::listen("DESK_MAIL_BIND", door.bind).await?;
    // The port that was given, when any was asked for.
    let addr = listener.local_addr().unwrap_or(door.bind);
    let options = Options { protocol: door.protocol, max_bytes: door.max_bytes, ..Options::default() };
    let came_by = match door.protocol {
        Protocol::Lmtp => "lmtp",
        Protocol::Smtp => "smtp",
    };
    let shops = Shops { db: app.db.clone(), dispatch: app.dispatch.clone(), came_by };
    tracing::info!(%addr, protocol = came_by, "the door for mail is open");
    tokio::spawn(async move {
        server::serve(listener, options, Arc::new(shops), async move { stop.cancelled().await }).await;
    });
    Ok(addr)
}

/// The shops' mailboxes behind the door.
struct Shops {
    db: Db,
    dispatch: Dispatch,
    came_by: &'static str,
}

impl Shops {
    async fn mailbox(&self, address: &str) -> Result<Option<(TenantId, Uuid)>, database::DbError> {
        // Whose it is, is not known before.
        let mut tx = self.db.tenant_tx(Role::Support, TenantId(SYSTEM_TENANT)).await?;
        let found = mailboxes::of_address(&mut tx, address).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn take_one(&self, to: &str, mail: &Handed) -> Verdict {
        let taken = async {
            let Some((tenant, mailbox)) = self.mailbox(to).await? else { return Ok(None) };
            let correlation_id = Uuid::now_v7().to_string();
            let arrival = Arrival {
                tenant,
                mailbox,
                raw: &mail.raw,
                envelope_from: Some(&mail.from),
                came_by: self.came_by,
                correlation_id: &correlation_id,
                trace_parent: None,
                now: Utc::now(),
            };
            let mut tx = self.db.tenant_tx(Role::Support, tenant).await?;
            let received = inbound::receive(&mut tx, arrival).await?;
            tx.commit().await?;
            Ok::<Option<Received>, ReceiveError>(Some(received))
        };
        match taken.await {
            Ok(Some(received)) => {
                self.dispatch.announce(received.announcement);
                Verdict::Taken
            }
            Ok(None) => unknown(),
            Err(ReceiveError::Head(error)) => Verdict::Refused(error.to_string()),
            Err(ReceiveError::Queue(error)) => {
                tracing::warn!(%error, "a mail was not taken at the door; its server comes again");
                Verdict::Later("the desk cannot take it now".to_owned())
            }
        }
    }
}

impl Door for Shops {
    fn knows(&self, address: String) -> BoxFuture<'_, Verdict> {
        Box::pin(async move {
            match self.mailbox(&address).await {
                Ok(Some(_)) => Verdict::Taken,
                Ok(None) => unknown(),
                Err(error) => {
                    tracing::warn!(%error, "a recipient could not be looked up; its server comes again");
                    Verdict::Later("the desk cannot look it up now".to_owned())
                }
            }
        })
    }

    fn take(&self, mail: Handed) -> BoxFuture<'_, Vec<Verdict>> {
        Box::pin(async move {
            let mut verdicts = Vec::with_capacity(mail.to.len());
            for to in &mail.to {
                let verdict = self.take_one(to, &mail).await;
                let outcome = match verdict {
                    Verdict::Taken => "taken",
                    Verdict::Later(_) | Verdict::HangUp => "later",
                    Verdict::Refused(_) => "refused",
                };
                metrics::counter!("deskwork_mails_received_total", "by" => self.came_by, "outcome" => outcome)
                    .increment(1);
                verdicts.push(verdict);
            }
            verdicts
        })
    }
}

fn unknown() -> Verdict {
    Verdict::Refused("no mailbox of this address is here; make one at POST /api/mailboxes".to_owned())
}
