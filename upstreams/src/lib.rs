//! Clients of the services outside the house, and the one outbound policy they share.
//!
//! Handlers never touch an HTTP library: they call a client here and turn its `ClientError` into an outcome
//! of the job. What every call has in common (deadline, retries, address check, circuit breaker, metrics)
//! lives in `http`; what an upstream is like lives in the file of its name.

pub mod addresses;
pub mod anthropic;
pub mod breaker;
pub mod concurrency;
pub mod error;
pub mod files;
pub mod gorgias;
pub mod http;
pub mod identity;
pub mod mail;
pub mod outgoing;
pub mod pacing;
pub mod recorder;
mod retry;
pub mod shopify;
pub mod slack;
pub mod sources;
pub mod webhook;

pub use addresses::Destinations;
pub use breaker::Breakers;
pub use error::{ClientError, SetupError};
pub use http::{CallContext, Outbound};
pub use outgoing::{Outgoing, Subject};
