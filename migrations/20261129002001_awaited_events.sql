-- Waits until an event lies in the outbox. Each worker looked ten times a second, and every look was a transaction of three
-- statements on its way through the network, whether anybody listens or not. Now it looks as often, within one statement
-- of some seconds.
create function outbound.has_event() returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $has$
begin
    return exists (select from outbound.outbox);
end
$has$;

-- For so long at most; answers whether one is there. A procedure, because it commits between its looks: what it sees while it
-- waits is a tenth of a second old and no older, so it keeps nobody's dead rows alive.
create procedure outbound.await_event(longest_secs double precision, inout is_there boolean default false)
    language plpgsql
as $await$
declare
    ends_at timestamptz := clock_timestamp() + make_interval(secs => longest_secs);
begin
    loop
        is_there := outbound.has_event();
        exit when is_there or clock_timestamp() >= ends_at;
        commit;
        perform pg_sleep(0.1);
        commit;
    end loop;
end
$await$;

revoke all on function outbound.has_event() from public;
revoke all on procedure outbound.await_event(double precision, boolean) from public;
grant execute on function outbound.has_event() to desk_queue;
grant execute on procedure outbound.await_event(double precision, boolean) to desk_queue;
