//! Orders come in as statements of what a shop's files and systems say of them, and go out to the intelligence in
//! Postgres' binary form.
//!
//! A [`file`](mod@file) is read by [`reading`], which finds out what form it has, by `profiles` or a [`mapping`] what its
//! columns mean, and what it says; [`mod@preview`] shows that before anything is stored.
//!
//! A [`statement`] is what a source says of one order. [`state`](mod@state) decides what it does to what is stored, by
//! `content` and time, and `store` writes it; what stands twice in one file is known by `joined`. [`import`] drives what a
//! reader finds in a file through that, batch by batch; [`mod@undo`] takes an import back, but for what `confirmed` gives to
//! others that state the same; [`listed`] is what people see of them. Profiles are derived from lines that count under the
//! tenant's [`rule`], by [`stale`]. [`mod@export`] is the way out.

mod confirmed;
mod content;
pub mod currency;
pub mod export;
pub mod file;
pub mod import;
mod joined;
pub mod listed;
pub mod mapping;
pub mod preview;
mod profiles;
pub mod progress;
pub mod reading;
mod repeats;
pub mod rule;
mod seen;
pub mod stale;
pub mod state;
pub mod statement;
mod store;
pub mod undo;

pub use profiles::{Meaning, Status};
