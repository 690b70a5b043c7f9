-- The slices before $1 that are not counted, in pieces of at most six hours within a day.
with day as (
    select to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' as day
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'jobs.finished'::regclass and c.relname ~ '_[0-9]{8}$'
    union
    -- the days of the rows that no partition takes
    select day::timestamp at time zone 'UTC' from jobs.stray_days('finished') day
), wanted as (
    select generate_series(day, least(day + interval '24 hours', $1) - interval '10 minutes', interval '10 minutes') as at
    from day
)
select min(at) as since, max(at) + interval '10 minutes' as until
from wanted where not exists (select from jobs.audit_slice s where s.at = wanted.at)
group by date_bin('6 hours', at, 'epoch') order by 1
