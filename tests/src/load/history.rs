//! Millions of finished jobs of the past week, written by SQL in the shape that completions leave behind:
//! running that many for real would take an hour and leave the same rows.

use anyhow::Context;
use sqlx::PgPool;
use uuid::Uuid;

/// Rows that one statement writes.
const BATCH: u64 = 250_000;

/// One row a number: ids sort by the time of creation, as version 7 UUIDs do; two of three jobs belong to
/// the first tenant, the rest to others. One in a thousand is of a rare kind, one in fifty was cancelled.
const INSERT: &str = "
insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at,
    payload_version, payload, worker_id, result, correlation_id, origin, created_at, started_at, finished_at)
select
    (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
    case when n % 3 < 2 then $1 else ('00000000-0000-4000-8000-' || lpad((n % 50)::text, 12, '0'))::uuid end,
    case when n % 1000 = 7 then 'import_orders' when n % 5 = 0 then 'draft_reply' when n % 5 = 1 then 'post_internal_note'
         else 'probe' end,
    case when n % 5 = 0 then 'ai' else 'default' end,
    2, case when n % 50 = 3 then 'cancelled' else 'done' end::jobs.state,
    1, 5, 0, at, 1, jsonb_build_object('name', h, 'sleep_ms', 0), $2,
    case when n % 50 = 3 then null else '{\"attempt\": 1}'::jsonb end,
    'history-' || n / 10, 'api', at, at + interval '5 milliseconds', at + interval '12 milliseconds'
from (
    select n, md5(n::text) as h,
        -- up to ten minutes ago, so that jobs of now come after all of them
        now() - interval '10 minutes' - interval '6 days' * (1 - n::float8 / $5) as at
    from generate_series($3::bigint, $4::bigint) n
) s";

/// Writes `rows` finished jobs, most of them `tenant`'s, and has the planner's statistics brought up to
/// date. `told` hears how many are there.
///
/// # Errors
/// The database refused them.
pub async fn write(admin: &PgPool, tenant: Uuid, rows: u64, told: impl Fn(u64)) -> anyhow::Result<()> {
    for days_ago in 1..=8 {
        sqlx::query("select jobs.ensure_day('finished', (now() at time zone 'UTC')::date - $1::int)")
            .bind(days_ago)
            .execute(admin)
            .await
            .context("a partition for a past day")?;
    }
    let worker = Uuid::now_v7();
    for first in (1..=rows).step_by(BATCH as usize) {
        let last = rows.min(first + BATCH - 1);
        sqlx::query(INSERT)
            .bind(tenant)
            .bind(worker)
            .bind(first as i64)
            .bind(last as i64)
            .bind(rows as f64)
            .execute(admin)
            .await
            .context("writing past jobs")?;
        told(last);
    }
    sqlx::query("vacuum analyze jobs.finished").execute(admin).await?;
    // So that the books stay true: the rows came into being and ended.
    sqlx::query(
        "insert into jobs.transition (queue, kind, from_state, to_state, n)
         select queue, kind, null::jobs.state, 'ready'::jobs.state, count(*) from jobs.finished where origin = 'api' group by 1, 2
         union all
         select queue, kind, 'ready'::jobs.state, state, count(*) from jobs.finished where origin = 'api' group by 1, 2, state",
    )
    .execute(admin)
    .await
    .context("the books of past jobs")?;
    Ok(())
}
