//! Schema `marketing_app`: segments, their rules and their members.

pub mod kinds;
pub mod personal;
pub mod segments;
