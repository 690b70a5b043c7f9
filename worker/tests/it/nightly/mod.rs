//! Customer intelligence from orders to published rows, on real servers and real purchases.

mod customers;
mod imports;
mod kept;
mod nothing;
mod runs;
mod shop;

pub use shop::next_due;
