//! Slack: workspaces that a tenant connected, rules of what is told where ([`rules`], [`quiet`]), the alerts themselves
//! ([`alerts`]), and what is asked there ([`signature`], [`heard`]). [`blocks`] writes in Slack's own form, within its
//! limits; [`chart`] is the address of a picture.

pub mod alerts;
pub mod blocks;
pub mod chart;
pub mod heard;
pub mod quiet;
pub mod rules;
pub mod signature;
pub mod workspaces;
