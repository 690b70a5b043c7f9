//! Sends a link to the person it is for, when the shop has a mailbox that mail leaves from and it is known where people
//! reach the installation. The job's payload has the mail sealed, so no link that opens anything is stored in the open.

use accounts::people::links::{Link, Purpose};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use database::Tx;
use database::ids::TenantId;
use jobs::{Announcement, NewJob};
use support::kinds::SendLink;
use support::kinds::send_link::LinkMail;
use support::mail::mailboxes;

use crate::state::AppState;
use crate::web::correlation;
use crate::web::problem::Problem;

/// Whom a link is for.
pub(super) struct Addressee<'a> {
    pub(super) tenant: TenantId,
    pub(super) name: &'a str,
    pub(super) email: &'a str,
}

/// Asks for the mail (support role); none when it cannot go by mail.
pub(super) async fn ask(
    tx: &mut Tx,
    state: &AppState,
    to: &Addressee<'_>,
    link: Link,
    purpose: Purpose,
) -> Result<Option<Announcement>, Problem> {
    let Some(url) = link_url(state, &state.people.links.text(link.id), purpose) else { return Ok(None) };
    if mailboxes::to_send_from(tx, None).await?.is_none() {
        return Ok(None);
    }
    let mail = LinkMail {
        address: to.email.to_owned(),
        name: to.name.to_owned(),
        is_invitation: purpose == Purpose::Invitation,
        link: url,
    };
    let plain = serde_json::to_vec(&mail).map_err(|_| Problem::internal())?;
    let sealed = STANDARD.encode(state.settings.master_key.seal(&SendLink::owner(to.tenant), &plain));
    let job = NewJob::of(to.tenant, &SendLink { link_id: link.id, sealed })?
        .with_dedup_key(&link.id.to_string())?
        .with_cause(
            correlation::current().as_str(),
            boot::telemetry::trace_parent_of_current_span().as_deref(),
            "api",
        );
    Ok(Some(jobs::enqueue_one(tx, job).await?.1))
}

/// The page to send the person to, when it is known where people reach this installation.
pub(super) fn link_url(state: &AppState, token: &str, purpose: Purpose) -> Option<String> {
    let path = purpose.name();
    // Behind the number sign, where neither servers nor their logs see it.
    state.settings.people.public_url.as_ref().map(|base| format!("{base}/{path}#{token}"))
}
