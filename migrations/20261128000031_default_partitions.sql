-- Days can be made, and rows put into them, while the default partitions hold much.
--
-- To make a partition Postgres looks through the default one for rows that belong into it, and nobody may use the
-- default one meanwhile. It does not look when a constraint already says that there are none. Such a constraint,
-- here called a fence, is added unchecked, which takes a moment, and checked while everybody goes on.
--
-- A fence around days to come must be gone before they come: the default partition would refuse their rows. So a
-- fence is made for the time that it takes to make the days, and whoever looks after the days (the leader, and every
-- worker) removes those that a process left behind.

-- Above this size the default partition is not looked through under a lock, and not emptied under one.
create function jobs.is_large(parent text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select pg_relation_size(('jobs.' || quote_ident(parent || '_default'))::regclass) > 8 * 1024 * 1024
$$;

-- As before, and an autovacuum of the default partition does not keep a day from being made.
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
    execute format('create table jobs.%I partition of jobs.%I for values from (%L) to (%L)',
        part, parent, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    return true;
end $$;

create function jobs.fence_name(parent text, since date, until date) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select parent || '_fence_' || to_char(since, 'YYYYMMDD') || '_' || to_char(until, 'YYYYMMDD')
$$;

-- Removes the fences of the default partition that reach beyond a day, but for one.
create function jobs.unfence(parent text, beyond date, but_for text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    fence text;
    removed integer := 0;
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    for fence in
        select conname from pg_constraint
        where conrelid = ('jobs.' || parent || '_default')::regclass
          and conname like parent || '\_fence\_%' and right(conname, 8) > to_char(beyond, 'YYYYMMDD')
          and conname is distinct from but_for
    loop
        perform jobs.send_vacuum_away(parent || '_default');
        execute format('alter table jobs.%I drop constraint %I', parent || '_default', fence);
        removed := removed + 1;
    end loop;
    return removed;
end $$;

-- Adds a fence that keeps rows of these days out of the default partition, and says nothing of those that are in it.
create function jobs.fence(parent text, since date, until date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    fence text := jobs.fence_name(parent, since, until);
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    if exists (select from pg_constraint where conrelid = ('jobs.' || parent || '_default')::regclass and conname = fence) then
        return;
    end if;
    perform jobs.send_vacuum_away(parent || '_default');
    execute format('alter table jobs.%I add constraint %I check (finished_at < %L or finished_at >= %L) not valid',
        parent || '_default', fence, since::timestamp at time zone 'UTC', until::timestamp at time zone 'UTC');
end $$;

-- Looks whether the fence holds. Reads the whole default partition and keeps nobody from using it.
create function jobs.check_fence(parent text, since date, until date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    perform jobs.send_vacuum_away(parent || '_default');
    execute format('alter table jobs.%I validate constraint %I', parent || '_default', jobs.fence_name(parent, since, until));
end $$;

-- Makes the partition of a day from the rows that the default one holds of it, and says how many these are. A large
-- default partition needs a fence around the day; everybody goes on reading and writing until the last moment.
create function jobs.move_day(parent text, day date) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    part text := parent || '_' || to_char(day, 'YYYYMMDD');
    since timestamptz := day::timestamp at time zone 'UTC';
    until timestamptz := (day + 1)::timestamp at time zone 'UTC';
    moved bigint;
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    perform jobs.send_vacuum_away(parent || '_default');
    if not jobs.is_large(parent) then
        -- Today's rows may be among them, and more of them under way.
        execute format('lock table jobs.%I in access exclusive mode', parent || '_default');
    end if;
    -- The constraint spares Postgres a look through the new partition.
    execute format('create table jobs.%I (like jobs.%I including all,
        constraint day check (finished_at is not null and finished_at >= %L and finished_at < %L))', part, parent, since, until);
    execute format('with gone as (delete from jobs.%I where finished_at >= $1 and finished_at < $2 returning *)
        insert into jobs.%I select * from gone', parent || '_default', part) using since, until;
    get diagnostics moved = row_count;
    if jobs.is_large(parent) then
        perform jobs.check_fence(parent, day, day + 1);
    end if;
    for try in 1..50 loop
        begin
            execute format('alter table jobs.%I attach partition jobs.%I for values from (%L) to (%L)', parent, part, since, until);
            exit;
        exception when lock_not_available then
            -- What was moved would have to be moved again.
            if try = 50 then raise; end if;
            perform pg_sleep(0.2);
        end;
    end loop;
    execute format('alter table jobs.%I drop constraint day', part);
    execute format('alter table jobs.%I drop constraint if exists %I', parent || '_default', jobs.fence_name(parent, day, day + 1));
    return moved;
end $$;

-- The days of which the default partition holds rows, the oldest first, at most a thousand.
create function jobs.stray_days(parent text) returns setof date
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
    since timestamptz := '-infinity';
    found_at timestamptz;
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    for n in 1..1000 loop
        execute format('select min(finished_at) from jobs.%I where finished_at >= $1', parent || '_default') into found_at using since;
        exit when found_at is null;
        return next (found_at at time zone 'UTC')::date;
        since := date_trunc('day', found_at, 'UTC') + interval '24 hours';
    end loop;
end $$;

revoke execute on function jobs.is_large(text), jobs.unfence(text, date, text), jobs.fence(text, date, date),
    jobs.check_fence(text, date, date), jobs.move_day(text, date), jobs.stray_days(text) from public;
grant execute on function jobs.is_large(text), jobs.fence_name(text, date, date), jobs.unfence(text, date, text),
    jobs.fence(text, date, date), jobs.check_fence(text, date, date), jobs.move_day(text, date), jobs.stray_days(text)
    to desk_queue;
