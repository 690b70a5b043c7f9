-- Claims the given jobs, for which slots of their concurrency limits were just found under lock. Most of them were
-- not locked before, so one that another transaction holds is left out: waiting for it could be waiting for each other.
with still as (
    select id from jobs.live where id = any ($1) and state = 'ready' order by id for update skip locked
), claimed as (
    update jobs.live j
    set state = 'running', attempt = j.attempt + 1, lease = $2, worker_id = $3, started_at = clock_timestamp(),
        parked = false
    from still
    where j.id = any (array[still.id])
      and not exists (select 1 from jobs.worker w where w.id = $3 and w.state in ('lost', 'stopped'))
    returning j.id, j.tenant_id, j.kind, j.queue, j.attempt, j.max_attempts, j.crashes, j.payload_version,
        j.payload, j.correlation_id, j.trace_parent, j.created_at, j.run_at, j.concurrency_key, j.parked,
        j.started_at, j.waiting_since
), leased as (
    insert into jobs.lease (lease, worker_id, job_ids)
    select $2, $3, array_agg(id) from claimed having count(*) > 0
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'ready', 'running', count(*) from claimed group by queue, kind
), held as (
    -- one holder for each limit that applies: of the kind, and of the key
    insert into jobs.slot_holder (slot_key, job_id, lease)
    select slot_key, job_id, $2 from unnest($4::text[], $5::uuid[]) t (slot_key, job_id)
    where job_id in (select id from claimed)
    on conflict (slot_key, job_id) do update set lease = excluded.lease
)
select * from claimed
