//! Service levels: the arithmetic against worked examples and against a naive reference, and what is stored and
//! announced by it.

#[path = "../../../accounts/tests/world/mod.rs"]
mod world;

mod reference;
mod shapes;
mod stored;
mod vectors;
