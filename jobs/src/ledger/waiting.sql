-- Sends jobs that did not end back to wait, if they still run under the given lease: for a retry, for
-- a time of their own choosing (snooze), until something is there that they need (wait), or at once (handed
-- back). Only a retry counts as an attempt.
with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::float8[], $5::jsonb[]) t
        (id, lease, outcome, delay_secs, error)
), sent as (
    update jobs.live j
    set state = case i.outcome when 'retry' then 'retrying' when 'snooze' then 'scheduled' when 'wait' then 'scheduled' else 'ready' end::jobs.state,
        attempt = case i.outcome when 'retry' then j.attempt else j.attempt - 1 end,
        -- by the ledger's clock: a worker's may be wrong
        due_at = clock_timestamp() + make_interval(secs => i.delay_secs),
        run_at = coalesce(clock_timestamp() + make_interval(secs => i.delay_secs), j.run_at), lease = null, worker_id = null,
        last_error = coalesce(i.error, j.last_error), parked = false,
        -- moved on by the time for which it was due and nobody took it: that is no part of the wait
        waiting_since = case i.outcome when 'wait' then coalesce(
                                           j.waiting_since + greatest(j.started_at - j.run_at, interval '0'),
                                           clock_timestamp())
                                       when 'handed_back' then j.waiting_since end,
        -- a run that came to an end has killed nobody
        suspect = j.suspect and i.outcome = 'handed_back',
        watched = j.watched and i.outcome = 'handed_back'
    from input i
    where j.id = any (array[i.id]) and j.lease = i.lease
    returning j.id, j.tenant_id, j.kind, j.queue, j.priority, j.state, j.attempt, i.outcome, i.error, j.cancel_reason, j.due_at
), noted as (
    insert into jobs.attempt (job_id, tenant_id, kind, attempt, worker_id, outcome, error_class, message, fingerprint)
    select id, tenant_id, kind, attempt, $6, 'retry', error ->> 'class', error ->> 'message', error ->> 'fingerprint'
    from sent where outcome = 'retry'
), counted as (
    insert into jobs.transition (queue, kind, from_state, to_state, n)
    select queue, kind, 'running', state, count(*) from sent group by queue, kind, state
)
select id, tenant_id as tenant, queue, priority, state::text, cancel_reason, due_at from sent
