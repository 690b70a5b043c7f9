//! Tickets over HTTP: made, listed, opened, changed, answered, found, merged; and their customers.

#[allow(dead_code, reason = "this program takes what it needs of it")]
#[path = "../it/shop/mod.rs"]
mod shop;

mod addresses;
mod customers;
mod desk;
mod files;
mod lifecycle;
mod merges;
mod outcomes;
mod own_link;
mod plans;
mod privacy;
mod replies;
mod search;
mod tags;
mod work;
