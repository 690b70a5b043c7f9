-- Makes the successors of those of the given jobs that are over claimable, or sends them to wait for the
-- time that was asked for. The dedup key passes on to them. One whose key somebody else took waits on; that
-- can only be when the job that it follows ended long before.
with free as (
    select f.id from jobs.live f
    where f.successor_of is not null and f.successor_of = any ($1)
      and not exists (select from jobs.live s where s.id = f.successor_of)
      and not exists (select from jobs.live k where k.tenant_id = f.tenant_id and k.kind = f.kind
                      and k.dedup_key = f.successor_key)
    order by f.id
    for update of f
), released as (
    update jobs.live f
    set dedup_key = f.successor_key, successor_of = null, successor_key = null,
        state = case when f.run_at > now() then 'scheduled' else 'ready' end::jobs.state,
        due_at = case when f.run_at > now() then f.run_at end,
        run_at = greatest(f.run_at, now())
    from free where f.id = free.id
    returning f.id, f.tenant_id, f.queue, f.priority, f.kind, f.state, f.due_at
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'scheduled', 'ready', count(*) from released where state = 'ready' group by queue, kind
)
select id, tenant_id, queue, priority, due_at from released
