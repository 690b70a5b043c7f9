-- Moves jobs that succeeded from `live` to `finished`, if they still run under the given lease.
with input as (
    select unnest($1::uuid[]) as id, unnest($2::uuid[]) as lease, unnest($3::jsonb[]) as result
), gone as (
    delete from jobs.live j using input i where j.id = any (array[i.id]) and j.lease = i.lease
    returning j.id, j.tenant_id, j.kind, j.queue, j.priority, j.attempt, j.max_attempts, j.crashes, j.run_at,
        j.payload_version, j.payload, j.dedup_key, j.concurrency_key, j.worker_id, j.progress, i.result,
        j.correlation_id, j.trace_parent, j.origin, j.parent_id, j.created_at, j.started_at
), kept as (
    insert into jobs.finished (state, id, tenant_id, kind, queue, priority, attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, worker_id, progress, result, correlation_id,
        trace_parent, origin, parent_id, created_at, started_at)
    select 'done', * from gone
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'running', 'done', count(*) from gone group by queue, kind
)
select id from gone
