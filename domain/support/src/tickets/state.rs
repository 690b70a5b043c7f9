//! The states of a ticket, and which may follow which. Everything that changes a status asks here; what a help desk tells
//! is held to the same in SQL (`support_app.told_status`, `support_app.store_messages`).
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> open
//!     open --> pending: waits for the customer
//!     pending --> open: customer writes, wakes up, agent
//!     open --> resolved: agent
//!     pending --> resolved: agent
//!     resolved --> open: customer writes, agent
//!     resolved --> pending: agent
//!     open --> closed: agent, merged
//!     pending --> closed: agent, merged
//!     resolved --> closed: agent, merged
//!     closed --> open: customer writes, agent, merge undone
//!     closed --> [*]: final after the tenant's days
//! ```
//!
//! Resolved and closed become final the tenant's days after the ticket first became one of them: then nothing opens it,
//! and what the customer writes opens a linked follow-up. Snoozed, spam, suspended and archived are no states but marks
//! beside them.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    /// Somebody here has to do something.
    Open,
    /// It waits for the customer.
    Pending,
    /// It is done, unless the customer says otherwise.
    Resolved,
    /// It is over.
    Closed,
}

impl Status {
    /// Every state.
    pub const ALL: [Status; 4] = [Status::Open, Status::Pending, Status::Resolved, Status::Closed];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Pending => "pending",
            Status::Resolved => "resolved",
            Status::Closed => "closed",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// What an agent may make of it, while it is not final.
    pub fn followers(self) -> &'static [Status] {
        match self {
            Status::Open => &[Status::Pending, Status::Resolved, Status::Closed],
            Status::Pending => &[Status::Open, Status::Resolved, Status::Closed],
            Status::Resolved => &[Status::Open, Status::Pending, Status::Closed],
            Status::Closed => &[Status::Open],
        }
    }

    /// Whether somebody still works on it.
    pub fn is_live(self) -> bool {
        matches!(self, Status::Open | Status::Pending)
    }
}

/// Where a ticket stands, and whether anything may still open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// It was resolved or closed too long ago.
    pub is_final: bool,
}

/// What a customer's message does to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It stays open.
    Stays,
    /// It is opened.
    Opens,
    /// It is final: the message belongs to a new ticket that follows it.
    Follows,
}

/// A change that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Illegal {
    /// What it is.
    pub from: Standing,
    /// What it should have become.
    pub to: Status,
}

impl Illegal {
    /// What it may become instead.
    pub fn allowed(&self) -> &'static [Status] {
        self.from.followers()
    }
}

impl Standing {
    /// As of `now`. `done_at` is when it first became resolved or closed.
    pub fn of(
        status: Status,
        done_at: Option<DateTime<Utc>>,
        final_after_days: i32,
        now: DateTime<Utc>,
    ) -> Standing {
        let limit = Duration::days(final_after_days.into());
        let is_final = !status.is_live() && done_at.is_some_and(|at| at + limit <= now);
        Standing { status, is_final }
    }

    /// What an agent may make of it.
    pub fn followers(self) -> &'static [Status] {
        if self.is_final { &[] } else { self.status.followers() }
    }

    /// Whether an agent may make this of it; what it is already it may always stay.
    ///
    /// # Errors
    /// It may not.
    pub fn become_status(self, to: Status) -> Result<(), Illegal> {
        // What was resolved too long ago may still be closed, which changes nothing for the customer.
        let closes = self.is_final && to == Status::Closed;
        let follows = !self.is_final && self.status.followers().contains(&to);
        if self.status == to || closes || follows { Ok(()) } else { Err(Illegal { from: self, to }) }
    }

    /// What a customer's message does.
    pub fn hears_customer(self) -> Heard {
        match self.status {
            _ if self.is_final => Heard::Follows,
            Status::Open => Heard::Stays,
            Status::Pending | Status::Resolved | Status::Closed => Heard::Opens,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status() -> impl Strategy<Value = Status> {
        proptest::sample::select(Status::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn whatever_happens_a_ticket_is_final_or_can_be_opened(status in status(), days in 0_i32..30, ago in 0_i64..60) {
            let now: DateTime<Utc> = "2026-11-28T12:00:00Z".parse().expect("a time");
            let standing = Standing::of(status, Some(now - Duration::days(ago)), days, now);
            prop_assert_eq!(standing.is_final, !status.is_live() && ago >= i64::from(days));
            match standing.hears_customer() {
                Heard::Stays => prop_assert_eq!(status, Status::Open),
                Heard::Opens => prop_assert!(standing.become_status(Status::Open).is_ok()),
                Heard::Follows => prop_assert!(standing.become_status(Status::Open).is_err()),
            }
            for to in Status::ALL {
                if let Err(illegal) = standing.become_status(to) {
                    prop_assert!(!illegal.allowed().contains(&to));
                    prop_assert!(illegal.allowed().iter().all(|to| standing.become_status(*to).is_ok()));
                }
            }
        }
    }

    #[test]
    fn closed_opens_again_only_until_it_is_final() {
        let now: DateTime<Utc> = "2026-11-28T12:00:00Z".parse().expect("a time");
        let closed = |days_ago| Standing::of(Status::Closed, Some(now - Duration::days(days_ago)), 7, now);
        assert!(closed(6).become_status(Status::Open).is_ok());
        let illegal = closed(7).become_status(Status::Open).expect_err("final");
        assert!(illegal.allowed().is_empty());
        assert!(closed(0).become_status(Status::Resolved).is_err());
        assert_eq!(Standing::of(Status::Resolved, Some(now), 0, now).become_status(Status::Closed), Ok(()));
    }
}
