//! Tickets over HTTP: made, listed, opened, changed, answered.

#[allow(dead_code)]
#[path = "../it/shop/mod.rs"]
mod shop;

mod desk;
mod lifecycle;
mod replies;
mod work;
