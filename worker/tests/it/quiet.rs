//! A statement that waits on purpose is not told as a slow one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use migrations::testing::fresh_database;
use sqlx::ConnectOptions;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use worker::outbox;

/// Counts what is told of statements.
#[derive(Clone, Default)]
struct Told(Arc<AtomicUsize>);

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if self.enabled(event.metadata()) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_wait_for_events_is_no_slow_statement() {
    let database = fresh_database().await;
    let options =
        jobs::store::connect_options(&database.url_for("desk_worker")).expect("the test database's URL");
    // Every statement is a slow one.
    let options = options.log_slow_statements("warn".parse().expect("a level"), Duration::ZERO);
    let mut conn = options.connect().await.expect("the ledger");
    let told = Told::default();
    let _listening = tracing::subscriber::set_default(told.clone());
    let is_there = outbox::await_event(&mut conn, Duration::from_millis(1)).await.expect("the ledger");
    assert!(!is_there);
    assert_eq!(told.0.load(Ordering::SeqCst), 0);
    // Any other is told.
    sqlx::query("select 1").execute(&mut conn).await.expect("the ledger");
    assert!(told.0.load(Ordering::SeqCst) > 0);
}
