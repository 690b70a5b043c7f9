//! A schedule with a job for every tenant: each tenant's in its own place within the spread, each once.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use jobs::{JobId, schedules};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::desk::Desk;

/// More than are written in one piece.
const TENANTS: i64 = 1_201;

async fn tenants(desk: &Desk) -> Vec<Uuid> {
    let mut admin = PgConnection::connect(desk.admin_url()).await.expect("connects");
    sqlx::query_scalar(
        "insert into shared.tenant (id, slug, name, timezone)
         select gen_random_uuid(), 'shop-' || n, 'Shop', 'UTC' from generate_series(1, $1) n returning id",
    )
    .bind(TENANTS)
    .fetch_all(&mut admin)
    .await
    .expect("tenants")
}

#[derive(sqlx::FromRow)]
struct Fired {
    id: JobId,
    tenant_id: Uuid,
    run_at: DateTime<Utc>,
    tick_at: DateTime<Utc>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tenants_nightly_run_has_its_place_within_the_spread() {
    let desk = Desk::new().await;
    let tenants = tenants(&desk).await;
    let mut conn = desk.store.pool().acquire().await.expect("the test server answers");
    schedules::install_defaults(&mut conn, kinds::schedules::DEFAULTS).await.expect("installed");
    let nightly = schedules::find(&mut conn, "nightly_intelligence").await.expect("read").expect("there");
    assert_eq!(nightly.spread_secs, 1800);
    let kind = kinds::find(&nightly.kind).expect("a kind");
    let tick = Utc::now() + TimeDelta::hours(1);
    // A tenant's run that somebody asked for, and that has not begun, stands for the occurrence.
    let asked = tenants[7];
    let run = platform::kinds::ResegmentTenant::default();
    let run = jobs::NewJob::of(database::ids::TenantId(asked), &run).expect("small");
    let run = run.with_dedup_key(platform::kinds::ResegmentTenant::PLAIN).expect("a key");
    let (standing, _) = jobs::enqueue(&mut conn, &[run]).await.expect("taken");

    let (ids, _) =
        schedules::fire(&mut conn, &nightly, kind, &[tick], tick, Utc::now()).await.expect("fired");
    assert_eq!(ids.len(), tenants.len());
    let fired: Vec<Fired> = sqlx::query_as(
        "select j.id, o.tenant_id, j.run_at, o.tick_at from jobs.occurrence o
         join jobs.live j on j.id = o.job_id and j.tenant_id = o.tenant_id",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the ledger answers");
    assert_eq!(fired.len(), tenants.len(), "every occurrence names a job that exists");
    let mut seconds = BTreeSet::new();
    for job in &fired {
        if job.tenant_id == asked {
            assert_eq!(job.id, standing[0].id);
            continue;
        }
        let place = job.run_at - job.tick_at;
        assert_eq!(place.num_milliseconds(), nightly.offset_of(job.tenant_id).num_milliseconds());
        seconds.insert(place.num_seconds());
    }
    let (first, last) = (seconds.first().expect("some"), seconds.last().expect("some"));
    assert!((0..60).contains(first) && (1740..1800).contains(last), "from {first} to {last} s");

    // Fired again, as after a crash before it was noted, it makes what is missing and nothing else.
    let remove = "delete from jobs.occurrence where tenant_id in (select tenant_id from jobs.occurrence
                  order by tenant_id limit 3) returning job_id";
    let gone: Vec<JobId> = sqlx::query_scalar(remove).fetch_all(&mut *conn).await.expect("removed");
    sqlx::query("delete from jobs.live where id = any ($1)")
        .bind(&gone)
        .execute(&mut *conn)
        .await
        .expect("removed");
    let (ids, _) =
        schedules::fire(&mut conn, &nightly, kind, &[tick], tick, Utc::now()).await.expect("fired");
    assert_eq!(ids.len(), 3);
    let (ids, _) =
        schedules::fire(&mut conn, &nightly, kind, &[tick], tick, Utc::now()).await.expect("fired");
    assert!(ids.is_empty());
}
