//! The worker against real servers, a file a subject. One program, because each would link the whole worker again.

mod again;
mod bulk;
mod effects;
mod failover;
mod imports;
mod insight;
mod ledger;
mod limits;
mod runtime;
mod segments;
mod states;
mod suspects;
mod unheard_claims;
