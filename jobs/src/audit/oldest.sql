-- The slices that were counted longest ago and before $1, from the first of them to the end of its day, as far as
-- they hold about $2 jobs.
with first as (
    select at from jobs.audit_slice where counted_at < $1 order by counted_at, at limit 1
), ahead as (
    select s.at, sum(s.jobs) over (order by s.at) - s.jobs as jobs_before
    from jobs.audit_slice s, first f
    where s.at >= f.at and s.at < date_trunc('day', f.at, 'UTC') + interval '24 hours' and s.counted_at < $1
)
select min(at) as since, max(at) + interval '10 minutes' as until from ahead where jobs_before < $2
having count(*) > 0
