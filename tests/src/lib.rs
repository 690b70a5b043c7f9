//! Whole clusters for programs and tests: private servers, the real processes, a client that speaks to
//! the api, and the upstream that records what arrives outside.
//!
//! Reading order: [`processes`] (a cluster from start to end), [`servers`], [`desk`], [`report`].

pub mod chaos;
pub mod desk;
pub mod erasing;
pub mod failover;
pub mod folder;
pub mod import;
pub mod load;
pub mod mail;
pub mod night;
pub mod processes;
pub mod program;
pub mod proxy;
pub mod report;
pub mod rules;
pub mod servers;
pub mod shopify;
pub mod sources;
pub mod stolen;
pub mod upstream;
