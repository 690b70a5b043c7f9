-- Moves jobs that failed for good from `live` to `dead`. $4 says which state they are in: 'running'
-- under the given lease, or 'ready' without one (a job of a lost worker).
with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::jsonb[]) t (id, lease, error)
), gone as (
    delete from jobs.live j using input i
    where j.id = any (array[i.id]) and j.lease is not distinct from i.lease and j.state = $4::jobs.state
    returning j.*, i.error
), kept as (
    insert into jobs.dead (id, tenant_id, kind, queue, priority, attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, concurrency_limit, worker_id, progress, error,
        fingerprint, error_class, correlation_id, trace_parent, origin, parent_id, created_at, started_at)
    select id, tenant_id, kind, queue, priority, attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, concurrency_limit, worker_id, progress, error,
        error ->> 'fingerprint', error ->> 'class', correlation_id, trace_parent, origin, parent_id, created_at,
        started_at
    from gone
), noted as (
    insert into jobs.attempt (job_id, tenant_id, kind, attempt, worker_id, outcome, error_class, message,
        fingerprint, started_at)
    select id, tenant_id, kind, attempt, worker_id, 'dead', error ->> 'class', error ->> 'message',
        error ->> 'fingerprint', started_at
    from gone
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, state, 'dead', count(*) from gone group by queue, kind, state
)
select id from gone
