-- Inserts a batch of jobs; a job whose dedup key an unfinished job of the same tenant and kind has
-- is left out. Answers the ids that went in, and when they fall due: what is to wait is told by the
-- ledger's clock, as the caller's may be wrong.
with input as (
    select *, case when at > clock_timestamp() then at
                   when delay_secs > 0 then clock_timestamp() + make_interval(secs => delay_secs) end as due_at
    from unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], $7::timestamptz[],
        $8::smallint[], $9::jsonb[], $10::text[], $11::text[], $12::smallint[], $13::text[], $14::text[],
        $15::text[], $16::uuid[], $17::float8[]
    ) t (id, tenant_id, kind, queue, priority, max_attempts, at, payload_version, payload, dedup_key,
         concurrency_key, concurrency_limit, correlation_id, trace_parent, origin, parent_id, delay_secs)
), inserted as (
    insert into jobs.live (id, tenant_id, kind, queue, priority, state, max_attempts, run_at, due_at,
        payload_version, payload, dedup_key, concurrency_key, concurrency_limit, correlation_id, trace_parent,
        origin, parent_id)
    select id, tenant_id, kind, queue, priority,
        case when due_at is null then 'ready'::jobs.state else 'scheduled'::jobs.state end,
        max_attempts, coalesce(due_at, now()), due_at, payload_version, payload, dedup_key, concurrency_key,
        concurrency_limit, correlation_id, trace_parent, origin, parent_id
    from input
    on conflict (tenant_id, kind, dedup_key) where dedup_key is not null do nothing
    returning id, queue, kind, state, due_at
), counted as (
    -- the books: so many came into being
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, null, state, count(*) from inserted group by queue, kind, state
)
select id, due_at from inserted
