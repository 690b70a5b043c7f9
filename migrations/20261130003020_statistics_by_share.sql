-- A flood of deliveries adds tens of thousands of rows to a dozen tables within a minute. Where a server is set to look after a
-- queue's tables, which is often and after small changes, each of them was analysed every ten seconds: 0.7 s of processor time
-- for tickets, 0.4 to 0.5 s each for deliveries, waiting jobs and finished ones, 0.2 s for messages; 2 s of every ten in all,
-- at a stretch, beside those whose answer somebody waits for. What statistics say are shares, which few more rows do not
-- change; how many rows there are the planner takes from the size of the table. So half as many must have come.
do $shares$
declare
    name text;
begin
    foreach name in array array[
        'draft', 'event', 'event_pending', 'help_desk_base', 'inbox', 'message', 'message_analysis', 'rule_cause',
        'sla_clock', 'tag_delta', 'ticket', 'ticket_change', 'ticket_search', 'ticket_tag'
    ] loop
        execute format('alter table support_app.%I set (autovacuum_analyze_scale_factor = 0.5,
                            autovacuum_vacuum_insert_scale_factor = 0.2)', name);
    end loop;
    -- The days that are there. Those to come have it from ensure_day, below.
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('jobs.finished'::regclass, 'jobs.attempt'::regclass)
    loop
        execute format('alter table jobs.%I set (autovacuum_analyze_scale_factor = 0.5,
                            autovacuum_vacuum_insert_scale_factor = 0.2)', name);
    end loop;
end
$shares$;

-- Texts and documents by whose values nothing is looked up: no plan hangs on what is known of them.
alter table support_app.inbox alter column body set statistics 0, alter column remarks set statistics 0;
alter table support_app.message alter column body_text set statistics 0, alter column body_html set statistics 0,
    alter column stripped_text set statistics 0;
alter table support_app.ticket alter column rank_terms set statistics 0, alter column customer_facts set statistics 0;

-- Waiting jobs are others every second, so no share spares them. A sample of three thousand rows (of thirty thousand
-- before) tells as much, how many of them are parked, due, or of a tenant, in 0.02 s.
do $sample$
declare
    name text;
begin
    for name in
        select a.attname from pg_attribute a
        where a.attrelid = 'jobs.live'::regclass and a.attnum > 0 and not a.attisdropped
    loop
        execute format('alter table jobs.live alter column %I set statistics 10', name);
    end loop;
end
$sample$;
-- The largest sample that any column asks for is what is read, and what an index computes is a column too.
alter index jobs.live_turn_key alter column 4 set statistics 10;

-- As in 20261128000031_default_partitions, and with the shares from above.
create or replace function jobs.ensure_day(parent text, day date) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    part text := parent || '_' || to_char(day, 'YYYYMMDD');
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    if to_regclass('jobs.' || part) is not null then
        return false;
    end if;
    perform jobs.send_vacuum_away(parent || '_default');
    execute format('create table jobs.%I partition of jobs.%I for values from (%L) to (%L)
                    with (autovacuum_analyze_scale_factor = 0.5, autovacuum_vacuum_insert_scale_factor = 0.2)',
        part, parent, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    return true;
end $$;
