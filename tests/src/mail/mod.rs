//! Mail for programs and tests: a server that records what is sent to it ([`sink`]), and mails of every shape with the
//! threads that they belong to ([`generator`]), and a whole cluster with both ([`show`]).

pub mod generator;
pub mod show;
pub mod sink;

pub use generator::{Generated, Kind};
pub use sink::{Fault, MailSink};
