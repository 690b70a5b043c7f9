-- A run of the intelligence puts itself off while models are trained and its shards computed. Whoever did the last of it
-- makes the run due at once, instead of leaving it to look for itself. As `jobs.bring_forward`, for the job that enqueued a
-- job.
create function jobs.bring_parent_forward(child uuid) returns timestamptz
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $bring_parent_forward$
    update jobs.live j set due_at = clock_timestamp(), run_at = clock_timestamp()
    where j.tenant_id = (select shared.current_tenant()) and j.due_at > clock_timestamp()
      and j.id = (select c.parent_id from jobs.live c
                  where c.id = bring_parent_forward.child and c.tenant_id = (select shared.current_tenant()))
    returning j.due_at
$bring_parent_forward$;
revoke all on function jobs.bring_parent_forward(uuid) from public;
grant execute on function jobs.bring_parent_forward(uuid) to desk_platform;
