//! The hot path: claiming jobs under a lease, and writing down what came of them. Beside it the way back
//! for a claim of which its worker never heard.

pub mod claim;
pub mod complete;
mod release;

pub use claim::{Claimed, claim, claim_limited};
pub use complete::{Completion, Ending, Failure, complete};
pub use release::release;
