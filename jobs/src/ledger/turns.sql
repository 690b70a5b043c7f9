-- The parked jobs of a kind ($1) in a queue ($2) whose turn it is, for $4 slots: the tenants after the one that was
-- served last ($3), in a circle, at least 16 of them, and of each its first jobs that their own concurrency keys do
-- not hold up. A tenant whose first jobs are all held up comes as a row without a job. Without $5
-- suspects of a crash have no turn. Each tenant costs a few steps
-- in an index, however many jobs it has.
with recursive step (lap, tenant_id, place) as (
    select 0, $3::uuid, 0
    union all
    select next.lap, next.tenant_id, step.place + 1
    from step cross join lateral (
        -- the next tenant; in the second lap no further than where the first began
        (select step.lap as lap, j.tenant_id from jobs.live j
         where j.kind = $1 and j.queue = $2 and j.parked and j.state = 'ready' and j.tenant_id > step.tenant_id
           and (step.lap = 0 or j.tenant_id <= $3)
         order by j.kind, j.queue, j.tenant_id limit 1)
        union all
        (select 1, j.tenant_id from jobs.live j
         where step.lap = 0 and j.kind = $1 and j.queue = $2 and j.parked and j.state = 'ready' and j.tenant_id <= $3
         order by j.kind, j.queue, j.tenant_id limit 1)
        order by lap limit 1
    ) next
    where step.place < greatest($4, 16)
), tenants as (
    select tenant_id, place, count(*) over () as n from step where place > 0
)
select t.place, t.tenant_id, w.id, w.priority, w.concurrency_key, w.round
from tenants t
left join lateral (
    select f.id, f.priority, f.concurrency_key, row_number() over (order by f.priority, f.id)::integer as round
    from (
        select first.*, row_number() over (partition by first.concurrency_key order by first.priority, first.id) as of_key
        from (
            select j.id, j.priority, j.concurrency_key, j.concurrency_limit from jobs.live j
            where j.kind = $1 and j.queue = $2 and j.tenant_id = t.tenant_id and j.parked and j.state = 'ready'
              and ($5 or not j.suspect)
            order by j.kind, j.queue, j.tenant_id, j.priority, j.id
            -- enough that the tenants together fill the slots, and some to look past those that are held up
            limit greatest(16, ($4 + t.n - 1) / t.n)
        ) first
        where jobs.key_is_free(t.tenant_id, $1, first.concurrency_key, first.concurrency_limit)
    ) f
    -- a key may have one slot left, so it gives one job at a time
    where f.concurrency_key is null or f.of_key = 1
) w on true
order by w.round, t.place
