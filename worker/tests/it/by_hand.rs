//! Jobs that are put into a ledger and looked for there.

use database::ids::TenantId;
use jobs::{JobId, NewJob, Store, enqueue, kinds::Probe};
use sqlx::Row;
use uuid::Uuid;

/// Enqueues a probe of some tenant; it is not announced.
pub async fn put(store: &Store) -> (JobId, jobs::Announcement) {
    let job = NewJob::of(TenantId(Uuid::now_v7()), &Probe::default()).expect("a small payload");
    let mut conn = store.pool().acquire().await.expect("the ledger");
    let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
    (enqueued[0].id, announcement)
}

/// In which attempt a job succeeded, and on which worker; none as long as it has not.
pub async fn finished(store: &Store, id: JobId) -> Option<(i16, Uuid)> {
    let row = sqlx::query("select attempt, worker_id from jobs.finished where id = $1 and state = 'done'")
        .bind(id)
        .fetch_optional(store.pool())
        .await
        .expect("the ledger");
    row.map(|row| (row.get(0), row.get(1)))
}
