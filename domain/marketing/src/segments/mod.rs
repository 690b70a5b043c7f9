//! Segments for marketing: customers for whom a rule holds.
//!
//! Reading order: [`field`] (what may be asked) and [`operator`] (how), [`rule`] (the tree), [`mod@parse`], [`text`] and [`json`] (its two
//! forms), [`resolve`] (the tree as tests of the facts' columns, with a tenant's names and today's date), [`case`] (texts without it),
//! [`scan`] (those as SQL over the facts) and [`bits`] (as SQL over the bit index), [`count`], [`store`] (the
//! segments themselves) and [`references`] (which names which), [`evaluate`] (who is in them).

pub mod bits;
pub mod case;
pub mod changes;
pub mod column;
pub mod count;
pub mod evaluate;
pub mod facts;
pub mod field;
pub mod json;
pub mod members;
pub mod nearest;
pub mod operator;
pub mod parse;
pub mod references;
pub mod resolve;
pub mod rule;
#[cfg(test)]
mod rule_tests;
pub mod scan;
pub mod store;
pub mod text;
pub mod text_error;
mod token;
