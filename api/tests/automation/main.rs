//! Macros, rules, articles and the public help page over HTTP.

#[allow(dead_code, reason = "this program takes what it needs of it")]
#[path = "../it/shop/mod.rs"]
mod shop;

#[allow(dead_code, reason = "this program takes what it needs of it")]
#[path = "../tickets/desk.rs"]
mod desk;

mod articles;
mod help;
mod languages;
mod macros;
mod rules;
