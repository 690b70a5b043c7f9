//! The hot path: claiming jobs under a lease, and writing down what came of them. Beside it the way back
//! for a claim of which its worker never heard.

pub mod claim;
pub mod complete;
pub(crate) mod fingerprint;
mod limited;
pub(crate) mod release;

pub use claim::{Claimed, claim};
pub use complete::{Completion, Ending, Failure, complete};
pub use limited::claim_limited;
pub use release::{Returned, release};
