//! Assignment and real time over HTTP, against real servers: routes, streams and WebSockets.

#[path = "../it/shop/mod.rs"]
#[allow(dead_code, reason = "this program takes what it needs of it")]
mod shop;

mod assignment;
mod events;
mod sockets;
mod work;
