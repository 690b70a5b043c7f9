//! What persons ask of a shop: to get what is known of them, and to be forgotten. Requests with their legal time, what is
//! found of a person in this schema, how it is erased, the redaction of one message or file, and how long data are kept.
//!
//! The worker's handlers go through the owners one after the other; here is what is this schema's.

pub mod again;
pub mod earlier;
pub mod elsewhere;
pub mod find;
pub mod redact;
pub mod requests;
pub mod retention;
pub mod sealing;
pub mod stores;
pub mod tickets;

pub use stores::{FILE_ROWS, MESSAGE_ROWS, STORES, TICKET_ROWS, WITHOUT_TICKET};
