//! Carrying out what a request asks of one ticket: once for an idempotency key, on the version that was looked at, with its
//! line in the trail.

use accounts::api_keys::Scope;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use database::ids::{AgentId, TicketId};
use database::{Role, Tx};
use serde_json::json;
use support::assignment::AssignError;
use support::assignment::commands::{self, Acting, Done, Target};

use super::Assigned;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::Problem;
use crate::web::{etag, query, trail};

/// What is to be done to a ticket.
pub(super) enum Wish {
    Assign { agent: AgentId, force: bool, why: Option<String> },
    Claim { agent: AgentId, force: bool },
    Accept { agent: AgentId },
    Transfer { to: Target, force: bool, why: String },
    Escalate { why: String },
    Unassign { why: Option<String> },
}

impl Wish {
    async fn carry_out(
        &self,
        tx: &mut Tx,
        acting: &Acting<'_>,
        ticket: TicketId,
    ) -> Result<Done, AssignError> {
        match self {
            Wish::Assign { agent, force, why } => {
                commands::assign(tx, acting, ticket, *agent, *force, why.as_deref()).await
            }
            Wish::Claim { agent, force } => commands::claim(tx, acting, ticket, *agent, *force).await,
            Wish::Accept { agent } => commands::accept(tx, acting, ticket, *agent).await,
            Wish::Transfer { to, force, why } => {
                commands::transfer(tx, acting, ticket, to, *force, why).await
            }
            Wish::Escalate { why } => commands::escalate(tx, acting, ticket, why).await,
            Wish::Unassign { why } => commands::unassign(tx, acting, ticket, why.as_deref()).await,
        }
    }

    /// What the trail says of it: its name, whether it was forced, and the reason.
    fn told(&self) -> (&'static str, bool, Option<&str>) {
        match self {
            Wish::Assign { force, why, .. } => ("ticket.assign", *force, why.as_deref()),
            Wish::Claim { force, .. } => ("ticket.claim", *force, None),
            Wish::Accept { .. } => ("ticket.accept", false, None),
            Wish::Transfer { force, why, .. } => ("ticket.transfer", *force, Some(why)),
            Wish::Escalate { why } => ("ticket.escalate", true, Some(why)),
            Wish::Unassign { why } => ("ticket.unassign", false, why.as_deref()),
        }
    }
}

/// What a request asks of one ticket.
pub(super) struct Asked<'a> {
    state: &'a AppState,
    caller: &'a Caller,
    pub(super) ticket: TicketId,
    key: &'a IdempotencyKey,
    digest: &'a [u8; 32],
    expects: Option<i64>,
}

impl<'a> Asked<'a> {
    pub(super) fn of(
        state: &'a AppState,
        caller: &'a Caller,
        id: &str,
        key: &'a IdempotencyKey,
        headers: &HeaderMap,
        digest: &'a [u8; 32],
    ) -> Result<Asked<'a>, Problem> {
        let expects = etag::expected_version(headers)?;
        Ok(Asked { state, caller, ticket: TicketId(query::id("id", id)?), key, digest, expects })
    }

    pub(super) fn acting<'b>(&self, actor: &'b str) -> Acting<'b> {
        Acting {
            tenant: self.caller.tenant,
            actor,
            agent: self.caller.agent(),
            over_others: self.caller.require(Scope::TicketsAssign).is_ok(),
            expects: self.expects,
            now: Utc::now(),
        }
    }

    pub(super) async fn carry_out(self, wish: &Wish) -> Result<Response, Problem> {
        let tenant = self.caller.tenant;
        let mut tx = self.state.db.tenant_tx(Role::Support, tenant).await?;
        if let Some(answer) = idempotency::replay(&mut tx, tenant, self.key, self.digest).await? {
            return Ok(answer.into_response());
        }
        let actor = self.caller.actor();
        let done = wish.carry_out(&mut tx, &self.acting(&actor), self.ticket).await?;
        let view = Assigned {
            ticket_id: self.ticket.0,
            agent_id: done.agent.map(|agent| agent.0),
            version: done.version,
            exceeded: done.exceeded,
        };
        let answer = Answer::ok(&view);
        idempotency::keep(&mut tx, tenant, self.key, self.digest, &answer).await?;
        let (action, force, why) = wish.told();
        let detail = json!({
            "agent_id": view.agent_id, "force": force, "exceeded": view.exceeded, "reason": why, "version": view.version,
        });
        trail::record(&mut tx, self.caller, action, &format!("ticket:{}", self.ticket), detail).await?;
        self.state.db.commit(tx).await?;
        self.state.dispatch.announce(done.announcement);
        Ok(etag::with_version(done.version, answer))
    }
}

/// The person who calls; a program takes no tickets for itself.
pub(super) fn person(caller: &Caller) -> Result<AgentId, Problem> {
    caller.agent().ok_or_else(|| {
        Problem::forbidden(
            "this is for signed-in agents; a program gives tickets with POST /api/tickets/{id}/assign",
        )
    })
}

/// A text that has to say something.
pub(super) fn said(field: &'static str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    match text.chars().count() {
        1..=500 => Ok(text.to_owned()),
        _ => Err(Problem::bad_request(field, "must have 1 to 500 characters")),
    }
}

impl From<AssignError> for Problem {
    fn from(error: AssignError) -> Problem {
        let detail = error.to_string();
        match error {
            AssignError::Queue(error) => error.into(),
            AssignError::NoTicket => Problem::not_found(detail),
            AssignError::NoAgent | AssignError::Disabled => Problem::unprocessable("agent_id", detail),
            AssignError::EmptyDepartment => Problem::unprocessable("department", detail),
            AssignError::Full { load, capacity, units } => Problem::conflict(detail)
                .at("agent_id")
                .with("load", load.into())
                .with("capacity", capacity.into())
                .with("units", units.into()),
            AssignError::AcceptsNone | AssignError::SameAgent => Problem::conflict(detail).at("agent_id"),
            AssignError::Taken(owner) => Problem::conflict(detail).with("agent_id", owner.to_string().into()),
            AssignError::NotYours => Problem::forbidden(
                "the ticket is not yours; the permission tickets:assign decides over the tickets of others",
            ),
            AssignError::NotOpen(_) | AssignError::Nobodys | AssignError::NobodyAbove => {
                Problem::conflict(detail)
            }
            AssignError::Stale(version) => Problem::precondition_failed(json!({ "version": version })),
        }
    }
}
