//! Tickets: what a help desk tells of them (`told`), and what people and programs do with them here.
//!
//! Every change locks the ticket's row first, says who acts ([`crate::events::acting`]), and settles what follows
//! ([`crate::settle`]) before the commit. History, version and events are written by triggers.

pub mod attachments;
pub mod change;
pub mod closing;
pub mod create;
pub mod delivery;
pub(crate) mod derived;
pub mod error;
pub mod fields;
pub mod full;
pub mod history;
pub mod list;
pub(crate) mod lock;
pub mod merge;
pub mod message;
pub mod reply;
mod reply_status;
pub mod reply_text;
pub mod search;
pub mod send_again;
pub mod setting;
pub mod state;
pub mod tags;
mod told;
pub mod words;

pub use error::TicketError;
pub use lock::Acting;
pub use told::{Message, NewMessage, Ticket, find, get, store_messages, thread};
pub(crate) use told::{ToldTicket, told_documents};
