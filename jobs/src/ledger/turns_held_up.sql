-- For tenants ($3) whose first parked jobs of a kind ($1) in a queue ($2) are held up by their concurrency keys: the
-- first job of the next key that has a free slot. It steps from key to key, over as many as are held up, which are no
-- more than jobs run; jobs without a key are a group of their own. Without $4 suspects of a crash have no turn.
select t.tenant_id, h.id, h.priority, h.concurrency_key
from unnest($3::uuid[]) t (tenant_id)
cross join lateral (
    with recursive keyed (key) as (
        (select coalesce(j.concurrency_key, '') from jobs.live j
         where j.kind = $1 and j.queue = $2 and j.tenant_id = t.tenant_id and j.parked and j.state = 'ready'
         order by j.kind, j.queue, j.tenant_id, coalesce(j.concurrency_key, '') limit 1)
        union all
        select next.key from keyed cross join lateral (
            select coalesce(j.concurrency_key, '') as key from jobs.live j
            where j.kind = $1 and j.queue = $2 and j.tenant_id = t.tenant_id and j.parked and j.state = 'ready'
              and coalesce(j.concurrency_key, '') > keyed.key
            order by j.kind, j.queue, j.tenant_id, coalesce(j.concurrency_key, '') limit 1
        ) next
    )
    select first.id, first.priority, first.concurrency_key
    from keyed cross join lateral (
        select j.id, j.priority, j.concurrency_key, j.concurrency_limit from jobs.live j
        where j.kind = $1 and j.queue = $2 and j.tenant_id = t.tenant_id and j.parked and j.state = 'ready'
          and coalesce(j.concurrency_key, '') = keyed.key and ($4 or not j.suspect)
        order by j.kind, j.queue, j.tenant_id, coalesce(j.concurrency_key, ''), j.priority, j.id limit 1
    ) first
    where jobs.key_is_free(t.tenant_id, $1, first.concurrency_key, first.concurrency_limit)
    limit 1
) h
