 for update skip locked
-- (the caller's "chosen" ends here) Moves the chosen dead jobs back to `live`.
), gone as (
    delete from jobs.dead where id in (select id from chosen) returning *
), revived as (
    insert into jobs.live (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at,
        payload_version, payload, dedup_key, concurrency_key, concurrency_limit, last_error, correlation_id,
        trace_parent, origin, parent_id, created_at)
    select id, tenant_id, kind, queue, priority, 'ready', 0, max_attempts, 0, now(), payload_version, payload,
        dedup_key, concurrency_key, concurrency_limit, error, correlation_id, trace_parent, origin, parent_id,
        created_at
    from gone
    -- two dead jobs with the same dedup key: the first comes back, the second is put back below
    on conflict (tenant_id, kind, dedup_key) where dedup_key is not null do nothing
    returning id, tenant_id, queue, priority, kind
), put_back as (
    insert into jobs.dead select * from gone where id not in (select id from revived)
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'dead', 'ready', count(*) from revived group by queue, kind
)
select id, tenant_id as tenant, queue, priority from revived
