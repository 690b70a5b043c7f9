-- Moves jobs that wait, in whatever way, from `live` to `finished` as cancelled.
with gone as (
    delete from jobs.live j
    where j.id = any ($1) and j.state in ('ready', 'scheduled', 'retrying')
    returning *
), kept as (
    insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, worker_id, progress, error, correlation_id,
        trace_parent, origin, parent_id, created_at, started_at)
    select id, tenant_id, kind, queue, priority, 'cancelled', attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, worker_id, progress,
        jsonb_build_object('class', 'cancelled', 'message', $2::text), correlation_id, trace_parent, origin,
        parent_id, created_at, started_at
    from gone
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, state, 'cancelled', count(*) from gone group by queue, kind, state
)
select id from gone
