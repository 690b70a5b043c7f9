-- Makes the jobs of the given leases of one worker claimable again, without counting an attempt.
with gone as (
    delete from jobs.lease where lease = any ($1) and worker_id = $2 returning lease, job_ids
), held as (
    select id, lease from gone cross join unnest(job_ids) t (id) order by id
), returned as (
    update jobs.live j
    set state = 'ready', attempt = j.attempt - 1, lease = null, worker_id = null
    from held h
    where j.id = any (array[h.id]) and j.lease = h.lease
    returning j.id, j.tenant_id, j.queue, j.priority, j.kind, j.cancel_reason
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'running', 'ready', count(*) from returned group by queue, kind
)
select id, tenant_id as tenant, queue, priority, cancel_reason from returned
