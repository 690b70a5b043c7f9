//! Macros: saved replies with variables, in one or more languages, and what happens to the ticket beside.
//!
//! A variable that does not exist is refused when the macro is stored; one that is empty for a ticket is named, and nothing
//! is sent, unless the text says what stands in for it: `{{customer.first_name | there}}`.

pub mod apply;
pub mod store;
pub mod values;
pub mod variables;
