//! The ledger on a real Postgres: the audit of the books, the days' partitions, pruning, cancelling, pauses, priorities, what the hot
//! path relies on, the list of workers; and the kinds of Redis. Each test has a database of its own.

mod audit;
mod cancel;
mod days;
mod hot;
mod ledger;
mod pauses;
mod priorities;
mod retention;
mod servers;
mod workers;
