//! Mail: what leaves by SMTP ([`client`], written by [`compose`]), and a server for what mail servers hand over
//! ([`server`]).

pub mod client;
pub mod compose;
pub mod error;
mod places;
pub mod server;

pub use client::{Account, Post, Security};
pub use compose::{Dkim, File, Letter, Person};
pub use error::SendError;
