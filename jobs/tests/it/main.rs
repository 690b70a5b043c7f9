//! The ledger's own house-keeping on a real Postgres: the audit of the books, the days' partitions,
//! and pruning. Each test has a database of its own.

mod audit;
mod days;
mod ledger;
mod retention;
mod servers;
