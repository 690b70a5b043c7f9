//! The worker's outside clients against the recording upstream, over real connections: what they send, what
//! they retry, when they stop, and that a note is never written twice.

mod directed;
mod failures;
mod gorgias;
mod model;
mod pace;
mod setup;
