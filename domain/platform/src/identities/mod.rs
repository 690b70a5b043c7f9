//! Who a customer is: the shop's ids, addresses and numbers that a person is known by, several of each where it is so.
//!
//! A customer's own id, the one that their orders are stored under, is a way to know them and needs no row; all others
//! are rows of `platform.customer_identity`. An address may belong to several customers: then it names nobody. [`normal`]
//! says what is the same, [`resolve`] finds whom a source speaks of, [`desk`] keeps what a help desk calls them, [`merge`] makes
//! two customers one, and [`erased`] keeps away who was erased.

pub mod desk;
pub mod erased;
pub mod merge;
pub mod normal;
pub mod resolve;
