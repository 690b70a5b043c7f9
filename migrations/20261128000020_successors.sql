-- A job that is asked for again while it runs has read its input already, so the request would be lost if
-- the running job stood in for it. It gets a successor instead: a job of its own in `live`, scheduled for
-- the moment at which the job that it follows leaves `live`, whatever becomes of that one.
--
-- The dedup key stays with the job that runs, so the successor keeps its own copy until it takes over.
alter table jobs.live
    add column successor_of uuid,
    add column successor_key text check (length(successor_key) between 1 and 200);

-- A job has one successor, however often it is asked for.
create unique index live_successor on jobs.live (successor_of) where successor_of is not null;

-- A successor waits for a job and not for a time, so it has no due time while it is scheduled.
do $$
declare
    old_check text;
begin
    select conname into strict old_check from pg_constraint
    where conrelid = 'jobs.live'::regclass and contype = 'c'
      and pg_get_constraintdef(oid) like '%due_at IS NOT NULL%';
    execute format('alter table jobs.live drop constraint %I', old_check);
end $$;
alter table jobs.live
    add constraint live_waits check (
        (due_at is not null) = (state in ('scheduled', 'retrying') and successor_of is null)
    ),
    add constraint live_succeeds check (
        (successor_of is null) = (successor_key is null)
        and (successor_of is null or state = 'scheduled' and dedup_key is null)
    );

-- Whoever asks again gives the job that waits the newer payload, under the application's role. It may
-- change nothing else, and nothing of a job that runs; to lock a row takes this right as well.
grant update (payload, payload_version) on jobs.live to desk_platform, desk_support, desk_marketing;
create policy renewed_while_waiting on jobs.live as restrictive for update
    to desk_platform, desk_support, desk_marketing using (true) with check (state <> 'running');
