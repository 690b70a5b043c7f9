//! Persons: forgotten everywhere, told what is known of them, and data that go when their time is over.

mod again;
mod bounces;
mod closing;
mod elsewhere;
mod erasing;
mod exporting;
mod keeping;
mod law;
mod lists;
mod meanwhile;
mod nobody;
mod shop;
