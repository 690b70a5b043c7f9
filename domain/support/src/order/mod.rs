//! The smart order: which ticket an agent should look at next, and why.
//!
//! A ticket's score is a sum of bounded terms ([`terms`]) and of two that grow with time: how long the customer waits,
//! and how near the due time of the clock is. Both grow by the same amount an hour for every ticket, so the order of two
//! tickets never changes by the mere passing of time. That is why a key that is computed once, [`Terms::rank`], sorts
//! the list by an index for as long as nothing happens to a ticket. What happens to a ticket settles it anew.
//!
//! What is known of a customer comes from the platform, whose tables this crate does not read. The job
//! `refresh_rank` copies the three numbers that the order needs onto the ticket: a list of tickets then needs no join
//! across owners, a delivery pays for no search for its customer, and a look that fails delays nothing but the rank.

pub mod alerts;
pub mod explain;
pub mod facts;
pub mod place;
pub mod terms;
pub mod tier;

pub use explain::{Explained, Explanation};
pub use terms::{Inputs, Terms};
pub use tier::Tier;
