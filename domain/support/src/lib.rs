//! Schema `support_app`: what the help desk tells us, the tickets that come of it, and the drafts for them.

pub mod agents;
pub mod analysis;
pub mod articles;
pub mod assignment;
pub mod customer_words;
pub mod drafts;
pub mod events;
pub mod gorgias;
pub mod help_desk;
pub mod inbox;
pub mod intake;
pub mod kinds;
pub mod live;
pub mod macros;
pub mod mail;
pub mod order;
pub mod privacy;
pub mod ratings;
pub mod recommendations;
pub mod rules;
pub mod settle;
pub mod sla;
pub mod tickets;
pub mod written;
