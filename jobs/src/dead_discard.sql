-- (after the caller's "chosen" and "reason") Moves the chosen dead jobs to `finished`.
, gone as (
    delete from jobs.dead where id in (select id from chosen) returning *
), kept as (
    insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, worker_id, progress, error, correlation_id,
        trace_parent, origin, parent_id, created_at, started_at)
    select id, tenant_id, kind, queue, priority, 'cancelled', attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, worker_id, progress,
        error || jsonb_build_object('discarded', (select text from reason)), correlation_id, trace_parent, origin,
        parent_id, created_at, started_at
    from gone
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'dead', 'cancelled', count(*) from gone group by queue, kind
)
select id from gone
