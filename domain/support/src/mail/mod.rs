//! Mail: the shop's mailboxes, what comes to them, and what leaves.
//!
//! A mail is stored as it came with the job that takes it in ([`inbound`]), so whoever hands it over is answered at once.
//! The job reads it ([`letter`]), which needs no database, finds the ticket it belongs to ([`thread`]) and adds it
//! ([`take`]). What a machine sent ([`machine`]) is kept and flagged: nothing answers it, and it reopens nothing.

pub mod acknowledge;
mod bounds;
mod closing;
mod extended;
pub mod header;
pub mod html;
pub mod inbound;
pub mod letter;
pub mod machine;
pub mod mailboxes;
mod mend;
pub mod outbound;
pub mod quotes;
pub mod report;
pub mod setting;
pub(crate) mod signature;
pub mod take;
pub mod thread;
pub mod way_out;

/// Whose mail it is: one address in the form in which addresses are compared. Mail comes from addresses that no server would
/// take, so they count here; what people write down is judged by `database::address::normal`.
pub use database::address::known as normal_address;
