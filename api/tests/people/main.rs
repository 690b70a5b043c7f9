//! People: how they sign in, what their roles allow, and that another tenant's credential sees nothing, over every route
//! that the OpenAPI document has.

mod agents;
mod console;
mod every_route;
mod forgotten;
mod keys;
mod oidc;
mod seats;
mod sign_in;
mod trail;

#[path = "../it/shop/mod.rs"]
#[allow(dead_code, reason = "this program takes what it needs of it")]
mod shop;
