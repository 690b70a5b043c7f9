//! Audits the ledger. The result stays there, and the leading scheduler serves it as a metric.

use std::{sync::Arc, time::Duration};

use jobs::{
    audit::{self, Pace},
    kinds::{AuditLedger, audit_ledger::AuditReport},
};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

/// After a run that could not count everything the next follows soon.
const GO_ON_AFTER: Duration = Duration::from_secs(1);

pub(super) async fn handle(_: Ctx, app: Arc<App>, _: AuditLedger) -> Outcome<AuditReport> {
    let run = async { audit::run(&mut *app.store.pool().acquire().await?, Pace::default()).await };
    let Some(report) = app.store.answers_within(audit::SILENT_FOR, run).await? else {
        return Err(Stop::Snooze(GO_ON_AFTER));
    };
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
