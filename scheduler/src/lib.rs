//! The scheduler process: it makes due jobs ready, hands out the jobs of workers that died, tells
//! Redis what it forgot, and runs the schedules. Two or more run; one leads, the others wait to.
//!
//! Reading order: [`leader`] (who leads), [`run`] (what the leader starts), then the duties: `due`,
//! `lost`, `refill`, `compare` (what Redis may have lost), `books`, `pauses` and [`cron`].

pub mod cron;
pub mod leader;
pub mod run;
pub mod settings;

mod books;
mod compare;
mod context;
mod courier;
mod due;
mod lost;
mod pauses;
mod refill;
mod trouble;

pub use run::Scheduler;
