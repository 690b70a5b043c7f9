//! The rules of a support desk and their SQL: tenants, keys, customers, orders, tickets, drafts.
//!
//! This crate knows nothing of queues, HTTP or processes. Whatever touches the database takes a transaction
//! whose role and tenant were set by [`db::Db`], so row-level security guards every statement.

pub mod analytics;
pub mod api_keys;
pub mod audit;
pub mod base_url;
pub mod customers;
pub mod db;
pub mod drafts;
pub mod gorgias;
pub mod ids;
pub mod inbox;
pub mod insights;
pub mod integrations;
mod nul;
pub mod orders;
pub mod risk;
pub mod seal;
pub mod segments;
pub mod tenants;
pub mod tickets;
