//! Service levels: what is promised to customers, and how each promise stands.
//!
//! A clock is derived and never kept running: from the messages and the history of its ticket, and from the versions of
//! policies and calendars, each of which holds from its instant on ([`clocks`]). The arithmetic is pure ([`calendar`],
//! [`timeline`]). What is stored ([`store`]) is the result, so that lists and alerts find it by an index; the alerts
//! ([`alerts`]) only announce what the times of events decide.

pub mod alerts;
pub mod breaches;
pub mod calendar;
pub mod calendars;
pub mod check;
pub mod clocks;
pub mod explain;
pub mod facts;
pub mod hours;
pub mod policies;
pub mod policy;
pub mod preview;
pub mod recount;
pub mod reports;
pub mod store;
pub mod timeline;

pub use store::{of_ticket, step};
