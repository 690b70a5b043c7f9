//! Advice for agents: rules make it ([`rules`]), and a model may choose better words for it ([`model`]). What is at stake
//! is computed in either case. The promise policy of drafts holds for it as well.
//!
//! Pure but for the call, which the handler makes.

pub mod model;
pub mod rules;
