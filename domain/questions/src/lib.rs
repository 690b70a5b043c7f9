//! Questions about a shop and their answers. Eight read-only tools over what the analytics know ([`tools`]), the words
//! that ask for them without a model ([`grammar`]), the check that no answer holds a number of its own ([`verifier`]),
//! and in schema `questions_app` the conversations, the tenant's policy, and what models were used for.
//!
//! Nothing that leaves here names a person: customers have anonymised ids, and small groups are withheld.

pub mod answer;
pub mod calls;
pub mod conversations;
pub mod countries;
pub mod desk;
pub mod grammar;
pub mod kinds;
pub mod memo;
mod months;
pub mod personal;
pub mod policy;
pub mod reports;
pub mod resources;
pub mod text;
pub mod tools;
pub mod usage;
pub mod verifier;
mod way;
pub mod withhold;

pub use way::Step;
