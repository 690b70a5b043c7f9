-- Inserts a batch of jobs of which some have dedup keys; a job whose key an unfinished job of the same tenant and kind
-- has is left out. Answers the ids that went in, and when they fall due: what is to wait is told by the ledger's clock,
-- as the caller's may be wrong. Looking out for such keys costs every row more, so there is `enqueue.sql` beside it.
with given as (
    select unnest($1::uuid[]) as id, unnest($2::uuid[]) as tenant_id, unnest($3::text[]) as kind,
        unnest($4::text[]) as queue, unnest($5::smallint[]) as priority, unnest($6::smallint[]) as max_attempts,
        unnest($7::timestamptz[]) as at, unnest($8::smallint[]) as payload_version, unnest($9::jsonb[]) as payload,
        unnest($10::text[]) as dedup_key, unnest($11::text[]) as concurrency_key,
        unnest($12::smallint[]) as concurrency_limit, unnest($13::text[]) as correlation_id,
        unnest($14::text[]) as trace_parent, unnest($15::text[]) as origin, unnest($16::uuid[]) as parent_id,
        unnest($17::float8[]) as delay_secs
), input as (
    select *, case when at > clock_timestamp() then at
                   when delay_secs > 0 then clock_timestamp() + make_interval(secs => delay_secs) end as due_at
    from given
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
