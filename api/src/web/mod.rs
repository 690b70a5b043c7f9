//! What every route shares, whatever its subject: who asks, how bodies and queries are read, refusals, limits, pages.

pub mod auth;
pub mod body;
pub mod bulkhead;
pub mod correlation;
pub mod door;
pub mod etag;
pub mod fields;
pub mod idempotency;
pub mod keys;
pub mod limiter;
pub mod limits;
pub mod observe;
pub mod packing;
pub mod page;
pub mod parameters;
pub mod people;
pub mod plain;
pub mod problem;
pub mod query;
pub mod ranges;
pub mod safety;
pub mod sign_ins;
pub mod timeouts;
pub mod trail;
pub mod views;
