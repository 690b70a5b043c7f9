-- Claims those of the given jobs that may be claimed and have no concurrency limit, are no suspects of a crash,
-- and are of no kind in $4, whose rows may be locked by whoever asks for them again. A stale or duplicate
-- delivery claims nothing. No indexed column changes, so the update stays on its page.
--
-- `any (array[...])` instead of `=`, here and wherever jobs are looked up by many ids: the planner cannot turn such a
-- join around. While the table is tiny it would read all of it for the few ids, and go on to do so in a flood.
with claimed as (
    update jobs.live j
    set state = 'running', attempt = j.attempt + 1, lease = $2, worker_id = $3, started_at = clock_timestamp()
    from unnest($1::uuid[]) i (id)
    where j.id = any (array[i.id]) and j.state = 'ready' and j.concurrency_key is null
      and not j.suspect and j.kind <> all ($4)
      -- read once and not once a job: there are few
      and j.kind <> all (array(select l.kind from jobs.kind_limit l))
      -- a worker that was counted out a moment ago claims nothing under its old name
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
)
select * from claimed
