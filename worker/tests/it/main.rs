//! The worker against real servers, a file a subject. One program, because each would link the whole worker again.

mod effects;
mod failover;
mod insight;
mod runtime;
mod segments;
mod unheard_claims;
