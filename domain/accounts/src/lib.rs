//! Schema `shared`: tenants, API keys, people and their sign-ins, the audit trail, and the connections that a tenant has to other systems, with
//! their secrets sealed.
//!
//! Whatever touches the database takes a transaction whose role and tenant were set by [`database::Db`], so row-level
//! security guards every statement.

pub mod api_keys;
pub mod audit;
pub mod base_url;
pub mod console;
pub mod foreign;
pub mod integrations;
pub mod master_key;
pub mod people;
pub mod personal;
pub mod public_address;
pub mod scopes;
pub mod seal;
pub mod sealed_stream;
pub mod shopify;
pub mod tenant_keys;
pub mod tenants;
pub mod verify;

pub use people::sessions;
