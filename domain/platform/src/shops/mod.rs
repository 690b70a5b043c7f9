//! A tenant's shop, read from its own system: by pages of what changed, by one file of everything, and by webhooks. All three
//! are read into [`order::ShopOrder`] and stored by [`store`], which states orders as an import of a file does
//! ([`crate::orders::state`]), so whichever comes first and however often, the newest word of the shop holds.

pub mod customers;
pub mod events;
pub mod gone;
pub mod health;
pub mod order;
pub mod privacy;
pub mod products;
pub mod shopify;
pub mod store;
pub mod sync;

/// The name of the source.
pub const SHOPIFY: &str = "shopify";
