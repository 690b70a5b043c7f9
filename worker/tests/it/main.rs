//! The worker against real servers, a file a subject. One program, because each would link the whole worker again.

mod again;
mod boot_line;
mod bulk;
mod by_hand;
mod effects;
mod failover;
mod imports;
mod ledger;
mod limits;
mod nightly;
mod pauses;
mod refused;
mod running_limits;
mod runtime;
mod segments;
mod states;
mod suspects;
mod theatre;
mod unheard_claims;
mod waits;
mod worker_ends;
