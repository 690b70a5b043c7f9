-- The lines of parked jobs, one a kind and queue, and how many of each may start now: as many as the kind's limit has
-- free slots, at most $2, and $2 for a kind without a limit. $1 are the kinds, those of $3 even without a limit; every
-- kind when $1 is null.
with recursive line (kind, queue) as (
    (select kind, queue from jobs.live where parked and state = 'ready' order by kind, queue limit 1)
    union all
    select next.kind, next.queue from line cross join lateral (
        select j.kind, j.queue from jobs.live j
        where j.parked and j.state = 'ready' and (j.kind, j.queue) > (line.kind, line.queue)
        order by j.kind, j.queue limit 1
    ) next
)
select line.kind, line.queue, least($2, coalesce(jobs.free_slots('kind:' || line.kind, l.max_running), $2)) as free
from line left join jobs.kind_limit l on l.kind = line.kind
where $1::text[] is null or line.kind = any ($3::text[]) or line.kind = any ($1) and l.kind is not null
