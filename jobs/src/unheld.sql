-- Makes running jobs claimable whose lease does not exist, among the $2 jobs after $1. The first row says which
-- job was looked at last, when the page was full.
with page as (
    select id, state, lease from jobs.live where id > $1 order by id limit $2
), unheld as (
    select p.id, p.lease from page p
    where p.state = 'running' and not exists (select from jobs.lease l where l.lease = p.lease)
), returned as (
    -- the lease is compared again: the job may have been completed or claimed since the page was read
    update jobs.live j
    set state = 'ready', attempt = j.attempt - 1, lease = null, worker_id = null
    from unheld u
    where j.id = u.id and j.lease = u.lease
    returning j.id, j.tenant_id, j.queue, j.priority, j.kind, j.cancel_reason
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'running', 'ready', count(*) from returned group by queue, kind
)
select null::uuid as id, null::uuid as tenant, null::text as queue, null::smallint as priority,
    null::text as cancel_reason, max(id::text)::uuid as last
from page having count(*) = $2
union all
select id, tenant_id, queue, priority, cancel_reason, null::uuid from returned
