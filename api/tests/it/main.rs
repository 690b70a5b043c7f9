//! The api against real servers, a file a subject. One program, because each would link the whole api again.

mod access;
mod analytics;
mod auth;
mod bad_input;
mod commands;
mod dead_letters;
mod desk;
mod drafts;
mod health;
mod insights;
mod intelligence;
mod intelligence_models;
mod intelligence_runs;
mod jobs;
mod limits;
mod operations;
mod orders;
mod replays;
mod scans;
mod segments;
mod shop;
mod slow_clients;
mod slow_commit;
mod strange_keys;
mod waiting;
mod webhooks;
