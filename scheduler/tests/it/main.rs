//! Schedulers on a real Postgres and a real Redis: what the leader does, and what happens when it
//! dies. Each test has a database and a key prefix of its own.

mod boot_line;
mod desk;
mod due;
mod redis_lost;
mod served;
mod slow;
mod takeover;
mod workers_lost;
