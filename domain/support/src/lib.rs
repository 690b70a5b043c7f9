//! Schema `support_app`: what the help desk tells us, the tickets that come of it, and the drafts for them.

pub mod agents;
pub mod analysis;
pub mod assignment;
pub mod drafts;
pub mod events;
pub mod gorgias;
pub mod inbox;
pub mod intake;
pub mod kinds;
pub mod live;
pub mod order;
pub mod ratings;
pub mod recommendations;
pub mod settle;
pub mod sla;
pub mod tickets;
pub mod written;
