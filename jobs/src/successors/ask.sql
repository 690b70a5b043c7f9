-- For jobs of kinds that run again when they are asked for while they run, whose dedup keys unfinished jobs
-- hold. What has not begun yet takes the newer payload and stands in. What has begun gets a successor, or
-- its successor takes the newer payload. Answers, for every job asked for, which one stands for it now; one
-- whose key has become free meanwhile is left out.
with input as (
    select *, case when at > clock_timestamp() then at
                   when delay_secs > 0 then clock_timestamp() + make_interval(secs => delay_secs) end as due_at
    from unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], $7::timestamptz[],
        $8::smallint[], $9::jsonb[], $10::text[], $11::text[], $12::smallint[], $13::text[], $14::text[],
        $15::text[], $16::uuid[], $17::float8[], $18::boolean[]
    ) t (id, tenant_id, kind, queue, priority, max_attempts, at, payload_version, payload, dedup_key,
         concurrency_key, concurrency_limit, correlation_id, trace_parent, origin, parent_id, delay_secs, goes_on)
), standing as (
    -- The lock is held until the caller's commit. A claim passes a locked row over, so a job that has not
    -- begun cannot begin before what the caller changed can be read; and what runs cannot end before its
    -- successor is there.
    select i.id as asked, j.id, j.queue, j.priority, j.tenant_id, j.state, j.parked,
        j.state = 'running' or i.goes_on and j.started_at is not null as has_begun
    from input i join jobs.live j using (tenant_id, kind, dedup_key)
    order by j.id
    for no key update of j
), renewed as (
    update jobs.live j set payload = i.payload, payload_version = i.payload_version
    from standing s join input i on i.id = s.asked
    where j.id = s.id and not s.has_begun
      and (j.payload, j.payload_version) is distinct from (i.payload, i.payload_version)
), followed as (
    insert into jobs.live (id, tenant_id, kind, queue, priority, state, max_attempts, run_at, payload_version,
        payload, successor_of, successor_key, concurrency_key, concurrency_limit, correlation_id, trace_parent,
        origin, parent_id)
    select i.id, i.tenant_id, i.kind, i.queue, i.priority, 'scheduled', i.max_attempts, coalesce(i.due_at, now()),
        i.payload_version, i.payload, s.id, i.dedup_key, i.concurrency_key, i.concurrency_limit, i.correlation_id,
        i.trace_parent, i.origin, i.parent_id
    from standing s join input i on i.id = s.asked
    where s.has_begun
    order by s.id
    on conflict (successor_of) where successor_of is not null
        do update set payload = excluded.payload, payload_version = excluded.payload_version
    returning id, successor_of, queue, kind
), counted as (
    -- the books: one that was there already did not come into being
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, null, 'scheduled', count(*) from followed where id in (select id from input)
    group by queue, kind
)
select s.asked, coalesce(f.id, s.id) as id, case when f.id is null then s.state else 'scheduled' end::text as state,
    s.tenant_id, s.queue, s.priority, f.id is null and s.state = 'ready' and not s.parked as is_claimable
from standing s left join followed f on f.successor_of = s.id
