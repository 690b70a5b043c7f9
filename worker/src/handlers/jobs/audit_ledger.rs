//! Audits the ledger and exports what it finds as a metric.

use std::sync::Arc;

use jobs::{
    kinds::{AuditLedger, audit_ledger::AuditReport},
    queues,
};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, done},
};

pub(super) async fn handle(_: Ctx, app: Arc<App>, _: AuditLedger) -> Outcome<AuditReport> {
    let mut tx = app.db.queue_tx().await?;
    let report = queues::audit(&mut tx).await?;
    tx.commit().await?;
    let drift: i64 = report.drifts.iter().map(|drift| (drift.by_the_books - drift.in_the_tables).abs()).sum();
    metrics::gauge!("deskwork_conservation_drift").set(drift as f64);
    for drift in &report.drifts {
        tracing::error!(
            queue = drift.queue,
            kind = drift.kind,
            state = drift.state,
            by_the_books = drift.by_the_books,
            in_the_tables = drift.in_the_tables,
            "the ledger's books and its tables differ"
        );
    }
    done(report)
}
