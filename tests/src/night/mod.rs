//! The nightly run on a shop of any size: the shop is generated, loaded, computed, checked, disturbed and compared.
//!
//! [`shop`] makes customers and their orders, [`goods`] what is in an order, [`load`] writes them to Postgres;
//! [`run`] asks for a run and reads what it took, [`checks`] looks at what it wrote, [`orders`] sends single orders
//! meanwhile; [`kill`] kills workers and compares [`mod@digest`]s while [`readers`] look on. [`server`] gives Postgres the
//! memory of a server that a large shop would have, [`memory`] says how much is used.

pub mod checks;
pub mod digest;
pub mod goods;
pub mod kill;
pub mod load;
pub mod memory;
pub mod orders;
pub mod random;
pub mod readers;
pub mod run;
pub mod server;
pub mod shop;
