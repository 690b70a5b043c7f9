-- Whether running jobs whose lease does not exist are among the $2 jobs after $1, and which job was looked at last, when the
-- page was full.
with page as (
    select id, state, lease from jobs.live where id > $1 order by id limit $2
)
select coalesce(bool_or(p.state = 'running' and not exists (select from jobs.lease l where l.lease = p.lease)), false),
    case when count(*) = $2 then max(p.id::text)::uuid end
from page p
