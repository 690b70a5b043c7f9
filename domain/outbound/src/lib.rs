//! Schema `outbound`: what a tenant lets other systems know. Events ([`catalogue`]) lie in an outbox from the transaction
//! that makes them, which triggers and [`tell`](mod@tell) see to; [`pump`] hands them out as deliveries to webhook
//! endpoints ([`endpoints`], [`deliveries`]) and as alerts in chat ([`slack`]).
//!
//! Whatever touches the database takes a transaction of the outbound role in its tenant, but for the pump, which works
//! for all tenants as the queue does.

pub mod address;
pub mod catalogue;
pub mod deliveries;
pub mod endpoints;
pub mod kinds;
pub mod personal;
pub mod pump;
pub mod schedule;
pub mod signature;
pub mod slack;
pub mod tell;
