-- A job that waits for its time is made due at once, for whoever may not wait any longer: a person who sends a webhook's
-- delivery now. Its state stays, so the books have nothing to note; whoever looks after due jobs makes it ready.
--
-- A function with its owner's rights, because no application's role may change when a job runs. The tenant is the
-- transaction's. One that runs, or follows another, has no time of its own and is left as it is.
create function jobs.bring_forward(kind text, dedup_key text) returns timestamptz
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $bring_forward$
    update jobs.live j set due_at = clock_timestamp(), run_at = clock_timestamp()
    where j.tenant_id = (select shared.current_tenant()) and j.kind = bring_forward.kind
      and j.dedup_key = bring_forward.dedup_key and j.due_at > clock_timestamp()
    returning j.due_at
$bring_forward$;
revoke all on function jobs.bring_forward(text, text) from public;
grant execute on function jobs.bring_forward(text, text) to desk_outbound;
