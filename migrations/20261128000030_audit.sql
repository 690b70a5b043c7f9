-- What the audit of the books counted once and need not count again.
--
-- A job that ended is not touched any more, except by retention. So the ended jobs of a slice of ten minutes are
-- counted when the slice is over, and the count is kept. The audit adds the kept counts up, counts what is younger
-- than the last slice, and counts some of the old slices again, those first that it has not looked at for longest.

-- A slice that was counted, also when nothing ended in it.
create table jobs.audit_slice (
    at timestamptz primary key,
    jobs bigint not null,
    counted_at timestamptz not null
);
create index audit_slice_age on jobs.audit_slice (counted_at, at);

-- The ended jobs of a slice.
create table jobs.audit_count (
    at timestamptz not null,
    queue text not null,
    kind text not null,
    state jobs.state not null,
    n bigint not null,
    primary key (at, queue, kind, state)
);

-- How many changes the server had counted in a partition of `finished` when the audit last looked: deletes and
-- updates, and in a partition whose day is over inserts too. None of them is the queue's own doing, so one more
-- means that the day's counts are not to be trusted.
create table jobs.audit_partition (
    partition text primary key,
    changes bigint not null,
    -- null while the day takes rows
    inserts bigint
);

-- The last audit that came to an end, for the leader, who serves it. The age of a ledger that was never audited
-- counts from here on.
create table jobs.audit_result (
    one boolean primary key default true check (one),
    audited_at timestamptz not null default now(),
    drift bigint not null default 0,
    -- since when the books and the tables have differed; what was counted before is counted again before it is told
    suspected_at timestamptz
);
insert into jobs.audit_result default values;

grant select, insert, update, delete
    on jobs.audit_slice, jobs.audit_count, jobs.audit_partition, jobs.audit_result to desk_queue;

-- The youngest ended jobs are found by the blocks they are in: rows come in the order of their time, so an index of
-- block ranges is small and costs a completion nothing. Partitions made from now on have it. Those of the days to
-- come are empty and get it here; what is large stays without it for its last week.
create index finished_at on only jobs.finished using brin (finished_at) with (pages_per_range = 64, autosummarize = on);

do $$
declare
    part record;
begin
    for part in
        select c.oid, c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'jobs.finished'::regclass and c.relname ~ '_[0-9]{8}$'
          and pg_relation_size(c.oid) < 256 * 1024 * 1024
    loop
        execute format('create index %I on jobs.%I using brin (finished_at) with (pages_per_range = 64, autosummarize = on)',
            part.relname || '_finished_at_idx', part.relname);
        execute format('alter index jobs.finished_at attach partition jobs.%I', part.relname || '_finished_at_idx');
    end loop;
end $$;

-- An autovacuum holds its lock for minutes, and gives way only to who waits for longer than a second. Here one may:
-- nobody who reads or writes has to wait behind this lock, as they would behind one that excludes them.
create function jobs.send_vacuum_away(relation text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
    execute format('lock table jobs.%I in share update exclusive mode', relation);
end $$;
revoke execute on function jobs.send_vacuum_away(text) from public;

-- With a day go its counts, whoever drops it.
create or replace function jobs.drop_day(parent text, day date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    perform jobs.send_vacuum_away(parent || '_' || to_char(day, 'YYYYMMDD'));
    perform jobs.send_vacuum_away(parent || '_default');
    execute format('drop table jobs.%I', parent || '_' || to_char(day, 'YYYYMMDD'));
    if parent = 'finished' then
        delete from jobs.audit_slice s
        where s.at >= day::timestamp at time zone 'UTC' and s.at < (day + 1)::timestamp at time zone 'UTC';
        delete from jobs.audit_count c
        where c.at >= day::timestamp at time zone 'UTC' and c.at < (day + 1)::timestamp at time zone 'UTC';
    end if;
end $$;

-- The exception: what no day takes is in the default partition. It is pruned, moved and counted by time.
create index finished_default_at on jobs.finished_default (finished_at);
create index attempt_default_at on jobs.attempt_default (finished_at);
