//! What a button below an alert does: takes the ticket, or lets it sleep. Who pressed it is an agent of the desk by the
//! e-mail address that their workspace knows, and may do there what they may do here; whoever is none is told so, and nothing
//! happens.

use accounts::api_keys::Scope;
use accounts::people::logins;
use chrono::Utc;
use database::Role;
use database::ids::TicketId;
use support::agents;
use support::assignment::AssignError;
use support::assignment::commands;
use support::tickets::Acting;
use support::tickets::TicketError;
use support::tickets::change::{self, Change};
use uuid::Uuid;

use super::alert::SNOOZE_HOURS;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Does what the button says; what came of it, in words.
///
/// # Errors
/// The database failed.
pub async fn press(
    ctx: &Ctx,
    app: &App,
    action: &str,
    ticket: Uuid,
    email: Option<&str>,
) -> Result<String, Stop> {
    let Some(email) = email else {
        return Ok(
            "Slack does not say who you are: the app needs the permission users:read.email.".to_owned()
        );
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let agent = agents::by_email(&mut tx, email).await?.filter(|agent| agent.disabled_at.is_none());
    let Some(agent) = agent else {
        return Ok("You are no agent of this desk, or under another e-mail address than here.".to_owned());
    };
    let role = logins::role_of(&mut tx, agent.id).await?;
    if role.is_some_and(|role| !role.scopes().contains(&Scope::TicketsWrite)) {
        return Ok(
            "You look on at this desk and change nothing; ask who runs it for another role.".to_owned()
        );
    }
    let actor = format!("agent:{}", agent.id);
    let now = Utc::now();
    let acting = Acting {
        tenant: ctx.tenant,
        actor: &actor,
        agent: Some(agent.id),
        writer: agent.id.0,
        name: &agent.name,
        correlation_id: &ctx.correlation_id,
        trace_parent: ctx.trace_parent.as_deref(),
        now,
    };
    let claiming = commands::Acting {
        tenant: ctx.tenant,
        actor: &actor,
        agent: Some(agent.id),
        over_others: false,
        expects: None,
        now,
    };
    let ticket = TicketId(ticket);
    let done = match action {
        "claim" => match commands::claim(&mut tx, &claiming, ticket, agent.id, false).await {
            Ok(done) => Ok(("The ticket is yours.".to_owned(), done.announcement)),
            Err(AssignError::Queue(error)) => return Err(error.into()),
            Err(error) => Err(error.to_string()),
        },
        "snooze" => {
            let until = now + chrono::Duration::hours(SNOOZE_HOURS);
            let change = Change { snoozed_until: Some(Some(until)), ..Change::default() };
            match change::change(&mut tx, &acting, ticket, None, &change).await {
                Ok((_, announcement)) => {
                    Ok((format!("The ticket sleeps for {SNOOZE_HOURS} hours."), announcement))
                }
                Err(TicketError::Db(error)) => return Err(error.into()),
                Err(TicketError::Queue(error)) => return Err(error.into()),
                Err(error) => Err(error.to_string()),
            }
        }
        _ => return Ok("This button does nothing any more.".to_owned()),
    };
    match done {
        Ok((words, announcement)) => {
            tx.commit().await?;
            app.dispatch.announce(announcement);
            Ok(words)
        }
        Err(why) => Ok(format!("That was not possible: {why}.")),
    }
}
