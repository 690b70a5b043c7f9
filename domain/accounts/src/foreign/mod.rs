//! Documents that other systems write: read for what they mean, not for the form that we would have chosen.
//!
//! A help desk's body is a template that its owner wrote by hand, and its answers change without a word. So what is not
//! quite JSON is mended and noted ([`json`]), a time is understood in whichever form it comes ([`time`]), and a number
//! keeps its digits ([`value`]).

pub mod json;
pub mod time;
pub mod value;
