-- Counts the ended jobs from $1 to $2 by slices of ten minutes, and keeps the counts.
with ended as materialized (
    select date_bin('10 minutes', finished_at, 'epoch') as at, queue, kind, state, count(*) as n
    from jobs.finished where finished_at >= $1 and finished_at < $2
    group by 1, 2, 3, 4
), kept as (
    insert into jobs.audit_count (at, queue, kind, state, n) select at, queue, kind, state, n from ended
), summed as (
    select at, sum(n)::bigint as n from ended group by at
)
insert into jobs.audit_slice (at, jobs, counted_at)
select slice.at, coalesce(summed.n, 0), now()
from generate_series($1, $2 - interval '10 minutes', interval '10 minutes') slice (at)
left join summed on summed.at = slice.at
