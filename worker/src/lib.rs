//! The worker: handlers of the job kinds, the clients of the outside world that they need, and the
//! runtime that feeds them. Start with [`handlers`] for what is done, with [`runtime`] for how.

pub mod ai;
pub mod analysis;
pub mod app;
pub mod ask;
pub mod context;
pub mod days;
pub mod draft;
pub mod handlers;
mod language;
pub mod mail_door;
pub mod nightly;
pub mod outbox;
pub mod outcome;
mod post;
mod privacy;
pub mod recommend;
pub mod rules;
pub mod runtime;
pub mod settings;
mod shop;
pub mod slack;
pub mod step_back;
pub mod testing;
