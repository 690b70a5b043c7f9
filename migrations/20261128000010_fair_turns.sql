-- Jobs that wait for a slot of their kind's limit take turns over tenants, so that who has ten thousand of them delays
-- who has one by one job, not by ten thousand.

-- Whose job of a limited kind was started last: the next tenant by id that has one parked is the next to be served.
-- Written under the lock of the kind's limit.
create table jobs.turn (
    kind text primary key,
    last_tenant uuid not null
) with (fillfactor = 50);
grant select, insert, update, delete on jobs.turn to desk_queue;

-- The parked jobs of a kind by tenant, and by tenant and concurrency key. From one tenant or key to the next is one
-- step in them, however many jobs lie between. They replace `live_parked` and `live_parked_key`, which programs of
-- the version before use and a later migration drops.
create index live_turn on jobs.live (kind, queue, tenant_id, priority, id) where parked;
create index live_turn_key on jobs.live (kind, queue, tenant_id, coalesce(concurrency_key, ''), priority, id) where parked;

-- How many slots a limit has left. A holder counts while its job runs under the lease that took the slot.
create function jobs.free_slots(slot text, max_running integer) returns integer
language sql stable as $$
    select max_running - count(*)::integer from jobs.slot_holder h
    where h.slot_key = slot and exists (select 1 from jobs.live j where j.id = any (array[h.job_id]) and j.lease = h.lease)
$$;

-- Whether a job's own concurrency key lets one more run. A job without a key is never held up by it.
create function jobs.key_is_free(tenant uuid, job_kind text, key text, key_limit smallint) returns boolean
language sql stable as $$
    select key is null
        or jobs.free_slots('key:' || tenant || ':' || job_kind || ':' || key, coalesce(key_limit, 1)::integer) > 0
$$;

revoke execute on function jobs.free_slots(text, integer), jobs.key_is_free(uuid, text, text, smallint) from public;
grant execute on function jobs.free_slots(text, integer), jobs.key_is_free(uuid, text, text, smallint) to desk_queue;
