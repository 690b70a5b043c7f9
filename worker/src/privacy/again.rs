//! Tickets that name somebody who was erased. A help desk may tell of one that was not known here when they were: what is from
//! before the erasure goes at once, as the erasure would have done it. Who writes after it has come back by themselves; a machine
//! that tells of them is kept without a word.

use chrono::Utc;
use database::Tx;
use database::ids::{MessageId, TenantId, TicketId};
use database::personal::{Person, Reached};
use platform::identities::erased;
use platform::orders::statement::Party;
use support::mail::letter::Letter;
use support::mail::thread;
use support::privacy::{again, redact, tickets};
use uuid::Uuid;

use super::erase::ACTOR;
use crate::app::App;
use crate::outcome::Stop;

/// Looks whether a ticket names somebody who was erased, and forgets what is from before that (support role); answers
/// whether it did, in the name of an actor of its own. A tenant that erased nobody pays for one look by index.
pub async fn keep_away(app: &App, tenant: TenantId, tx: &mut Tx, ticket: TicketId) -> Result<bool, Stop> {
    if !erased::any(tx, tenant).await? {
        return Ok(false);
    }
    let Some(told) = again::told(tx, ticket).await? else { return Ok(false) };
    let key = app.erasure_key(tenant);
    let (desk_id, email) = (told.customer_external_id.as_deref(), told.customer_email.as_deref());
    let Some(erasure) = erased::of_desk(tx, tenant, &key, desk_id, email).await? else { return Ok(false) };
    // A ticket of which no message is known yet says nothing; it is looked at again with its first one.
    let Some(wrote_at) = told.wrote_at else { return Ok(false) };
    if wrote_at <= erasure.erased_at {
        let person = Person { token: erasure.token, tickets: vec![ticket.0], ..Person::default() };
        tickets::erase(tx, &person, &[ticket.0], ACTOR, &mut Reached::new()).await?;
        tracing::info!(ticket_id = %ticket, "the help desk told of a ticket of an erased customer; it is kept without them");
        return Ok(true);
    }
    erased::came_back_at_desk(tx, tenant, &key, desk_id, email, Utc::now()).await?;
    for message in again::before(tx, ticket, erasure.erased_at).await? {
        redact::message(tx, MessageId(message), ACTOR, Utc::now()).await?;
    }
    Ok(true)
}

/// Whether a machine's mail tells of somebody who was erased and did not come back: it is theirs, a mail server tells that one
/// to them came back, or it answers a mail of a ticket of theirs (support role). Machines bring nobody back.
pub async fn tells_of_erased(
    app: &App,
    tenant: TenantId,
    tx: &mut Tx,
    letter: &Letter,
) -> Result<bool, Stop> {
    if letter.signs.machine.is_none() || !erased::any(tx, tenant).await? {
        return Ok(false);
    }
    let named: Vec<Party> =
        letter.tells_of().into_iter().map(|email| Party { email: Some(email), ..Party::default() }).collect();
    let known = erased::among(tx, tenant, &app.erasure_key(tenant), named.iter()).await?;
    Ok(named.iter().any(|party| known.gone(party).is_some())
        || thread::is_of_erased(tx, tenant, letter).await?)
}

/// Takes from such a mail, and from the message that it became, whose it is (support role).
pub async fn forget_mail(tx: &mut Tx, mail: Uuid, message: MessageId) -> Result<(), Stop> {
    Ok(again::forget_mail(tx, mail, message, ACTOR, Utc::now()).await?)
}
