-- Moves running jobs that were given up on purpose from `live` to `finished`, if they still run under
-- the given lease.
with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[]) t (id, lease, reason)
), gone as (
    delete from jobs.live j using input i where j.id = any (array[i.id]) and j.lease = i.lease
    returning j.*, i.reason
), kept as (
    insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, worker_id, progress, error, correlation_id,
        trace_parent, origin, parent_id, created_at, started_at)
    select id, tenant_id, kind, queue, priority, 'cancelled', attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, worker_id, progress,
        jsonb_build_object('class', 'cancelled', 'message', reason), correlation_id, trace_parent, origin,
        parent_id, created_at, started_at
    from gone
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'running', 'cancelled', count(*) from gone group by queue, kind
)
select id from gone
