-- The queue: what there is to do, who does it, and what came of it.
--
-- `live` holds every unfinished job and is the only table on the hot path. A claim changes no
-- indexed column of it, so Postgres can keep the new row version on the same page (HOT); finished
-- jobs move to `finished` (partitioned by day, dropped by day) or to `dead` (kept for an operator).
-- Every change of state writes an aggregated row into `transition`, from which depths, rates and
-- the conservation audit are computed without counting the big tables.

create schema jobs;

create type jobs.state as enum ('scheduled', 'ready', 'running', 'retrying', 'done', 'dead', 'cancelled');

create table jobs.live (
    id uuid primary key,
    tenant_id uuid not null,
    kind text not null,
    queue text not null,
    -- 0 urgent, 1 high, 2 normal, 3 low
    priority smallint not null check (priority between 0 and 3),
    state jobs.state not null check (state in ('scheduled', 'ready', 'running', 'retrying')),
    attempt smallint not null default 0,
    max_attempts smallint not null check (max_attempts between 1 and 100),
    crashes smallint not null default 0,
    run_at timestamptz not null,
    -- set while the job waits for a time; the sweeper's index is on this column alone
    due_at timestamptz check ((due_at is not null) = (state in ('scheduled', 'retrying'))),
    payload_version smallint not null,
    payload jsonb not null,
    dedup_key text check (length(dedup_key) between 1 and 200),
    concurrency_key text check (length(concurrency_key) between 1 and 200),
    concurrency_limit smallint,
    -- waits for a slot of its kind's or key's concurrency limit
    parked boolean not null default false,
    lease uuid check ((lease is not null) = (state = 'running')),
    worker_id uuid,
    cancel_reason text,
    progress jsonb,
    last_error jsonb,
    correlation_id text not null,
    trace_parent text,
    origin text not null,
    parent_id uuid,
    created_at timestamptz not null default now(),
    started_at timestamptz
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create unique index live_dedup on jobs.live (tenant_id, kind, dedup_key) where dedup_key is not null;
create index live_due on jobs.live (due_at) where due_at is not null;
create index live_tenant on jobs.live (tenant_id, id);
-- the claimable and the running, in order, however many others wait for a time; a claim changes none of it
create index live_ready on jobs.live (queue, id) where due_at is null and not parked;
create index live_cancel on jobs.live (id) where cancel_reason is not null;
create index live_parked on jobs.live (kind, priority, id) where parked;
create index live_parked_key on jobs.live (kind, tenant_id, concurrency_key, priority, id) where parked and concurrency_key is not null;
create index live_parent on jobs.live (parent_id) where parent_id is not null;

-- Jobs that ended as done or cancelled. Retention drops whole days.
create table jobs.finished (
    id uuid not null,
    tenant_id uuid not null,
    kind text not null,
    queue text not null,
    priority smallint not null,
    state jobs.state not null check (state in ('done', 'cancelled')),
    attempt smallint not null,
    max_attempts smallint not null,
    crashes smallint not null,
    run_at timestamptz not null,
    payload_version smallint not null,
    payload jsonb not null,
    dedup_key text,
    concurrency_key text,
    worker_id uuid,
    progress jsonb,
    result jsonb,
    error jsonb,
    correlation_id text not null,
    trace_parent text,
    origin text not null,
    parent_id uuid,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz not null default now()
) partition by range (finished_at);

create index finished_tenant on jobs.finished (tenant_id, id);
-- kind first: a planner without statistics must not take this index for a look-up by tenant and id
create index finished_kind on jobs.finished (kind, tenant_id, id);
create index finished_cancelled on jobs.finished (tenant_id, id) where state = 'cancelled';
create index finished_correlation on jobs.finished (correlation_id, tenant_id);
create index finished_parent on jobs.finished (parent_id) where parent_id is not null;

-- Jobs that failed for good, until an operator retries or discards them or they are 30 days old.
create table jobs.dead (
    id uuid primary key,
    tenant_id uuid not null,
    kind text not null,
    queue text not null,
    priority smallint not null,
    state jobs.state not null default 'dead' check (state = 'dead'),
    attempt smallint not null,
    max_attempts smallint not null,
    crashes smallint not null,
    run_at timestamptz not null,
    payload_version smallint not null,
    payload jsonb not null,
    dedup_key text,
    concurrency_key text,
    concurrency_limit smallint,
    worker_id uuid,
    progress jsonb,
    error jsonb not null,
    -- what the failure has in common with others of the same cause
    fingerprint text not null,
    error_class text not null,
    correlation_id text not null,
    trace_parent text,
    origin text not null,
    parent_id uuid,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz not null default now()
);

create index dead_tenant on jobs.dead (tenant_id, id);
create index dead_cause on jobs.dead (fingerprint, tenant_id, id);
create index dead_kind on jobs.dead (kind, tenant_id, id);
create index dead_age on jobs.dead (finished_at);

-- One row for every attempt that did not end in success.
create table jobs.attempt (
    job_id uuid not null,
    tenant_id uuid not null,
    kind text not null,
    attempt smallint not null,
    worker_id uuid,
    outcome text not null check (outcome in ('retry', 'dead', 'crash', 'cancelled')),
    error_class text not null,
    message text not null,
    fingerprint text not null,
    started_at timestamptz,
    finished_at timestamptz not null default now()
) partition by range (finished_at);

create index attempt_job on jobs.attempt (job_id);

-- Partitions by UTC day for a table of this schema; a default partition takes what no day takes, so
-- that a cluster whose scheduler has been away for a week still completes its jobs.
create table jobs.finished_default partition of jobs.finished default;
create table jobs.attempt_default partition of jobs.attempt default;

-- A day is made and dropped only when that takes no waiting: nobody may queue behind it for long.
create function jobs.ensure_day(parent text, day date) returns boolean
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
    execute format('create table jobs.%I partition of jobs.%I for values from (%L) to (%L)',
        part, parent, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    return true;
end $$;

create function jobs.drop_day(parent text, day date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
begin
    if parent not in ('finished', 'attempt') then
        raise exception 'jobs.% is not partitioned by day', parent;
    end if;
    execute format('drop table jobs.%I', parent || '_' || to_char(day, 'YYYYMMDD'));
end $$;

select jobs.ensure_day(parent, (now() at time zone 'UTC')::date + n)
from unnest(array['finished', 'attempt']) parent, generate_series(-1, 7) n;

-- A claim's jobs: what a worker that falls silent leaves behind. Deleted when its last job is over.
create table jobs.lease (
    lease uuid primary key,
    worker_id uuid not null,
    job_ids uuid[] not null,
    claimed_at timestamptz not null default now()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index lease_worker on jobs.lease (worker_id);

create table jobs.worker (
    id uuid primary key,
    name text not null,
    host text not null,
    pid integer not null,
    version text not null,
    queues jsonb not null,
    state text not null check (state in ('active', 'draining', 'stopped', 'lost')),
    running integer not null default 0,
    started_at timestamptz not null default now(),
    beat_at timestamptz not null default now(),
    stopped_at timestamptz
) with (fillfactor = 50);

-- What was moved from which state to which, per statement; compacted into `balance` and `rate`.
create table jobs.transition (
    at timestamptz not null default now(),
    queue text not null,
    kind text not null,
    from_state jobs.state,
    to_state jobs.state,
    n bigint not null
);

-- Jobs in each state by the books: 'enqueued' and 'pruned' are the two ends of the account.
create table jobs.balance (
    queue text not null,
    kind text not null,
    account text not null,
    n bigint not null,
    primary key (queue, kind, account)
) with (fillfactor = 50);

create table jobs.rate (
    minute timestamptz not null,
    queue text not null,
    kind text not null,
    to_state jobs.state not null,
    n bigint not null,
    primary key (minute, queue, kind, to_state)
);

-- The kinds that a queue has or had jobs of, by the books. A listing by queue becomes one by kind with
-- it: an index of finished jobs by queue would cost every completion more than such listings are worth.
create function jobs.kinds_of(queue_name text) returns text[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(array_agg(distinct kind), '{}') from (
        select kind from jobs.balance where queue = queue_name
        union all
        select kind from jobs.transition where queue = queue_name
    ) known
$$;

create table jobs.queue_control (
    queue text primary key,
    paused boolean not null default false,
    -- overrides --queues of every worker
    concurrency integer check (concurrency between 0 and 10000),
    reason text,
    changed_by text not null,
    changed_at timestamptz not null default now()
);

-- Cluster-wide limits of running jobs of a kind; a kind without a row is limited by slots alone.
create table jobs.kind_limit (
    kind text primary key,
    max_running integer not null check (max_running between 1 and 100000),
    changed_by text not null,
    changed_at timestamptz not null default now()
);

-- Who holds a slot of a limit. A holder counts while its job runs under that lease, so a slot
-- cannot leak: a holder left behind by a crash stops counting by itself.
create table jobs.slot_holder (
    slot_key text not null,
    job_id uuid not null,
    lease uuid not null,
    primary key (slot_key, job_id)
);

create table jobs.side_effect (
    tenant_id uuid not null,
    key text not null check (length(key) between 1 and 200),
    job_id uuid not null,
    state text not null check (state in ('intended', 'happened')),
    outcome jsonb,
    intended_at timestamptz not null default now(),
    happened_at timestamptz,
    primary key (tenant_id, key)
);
create index side_effect_age on jobs.side_effect (intended_at);

-- Answers to POST requests that carried an Idempotency-Key.
create table jobs.idempotency (
    tenant_id uuid not null,
    key text not null check (length(key) between 1 and 200),
    request_hash bytea not null,
    status smallint not null,
    answer jsonb not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, key)
);
create index idempotency_age on jobs.idempotency (created_at);

create table jobs.schedule (
    name text primary key check (length(name) between 1 and 100),
    kind text not null,
    payload jsonb not null default '{}',
    cron text not null,
    timezone text not null default 'UTC',
    -- one job for the cluster, or one for every tenant
    scope text not null default 'system' check (scope in ('system', 'each_tenant')),
    catch_up text not null default 'once' check (catch_up in ('skip', 'once', 'all')),
    paused boolean not null default false,
    -- the last occurrence that was decided on; later ones are still to come
    decided_until timestamptz not null default now(),
    changed_by text not null default 'default',
    changed_at timestamptz not null default now()
);

create table jobs.occurrence (
    schedule text not null references jobs.schedule (name) on delete cascade,
    tick_at timestamptz not null,
    tenant_id uuid not null,
    job_id uuid not null,
    decided_at timestamptz not null default now(),
    primary key (schedule, tick_at, tenant_id)
);

create table jobs.leader (
    name text primary key,
    holder uuid not null,
    term bigint not null,
    expires_at timestamptz not null
) with (fillfactor = 50);

-- Everything that ever was a job, for readers. The caller's own row policies apply.
create view jobs.job with (security_invoker = true) as
    select id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at, payload_version,
           payload, dedup_key, concurrency_key, worker_id, progress, null::jsonb as result, last_error as error,
           null::text as fingerprint, cancel_reason, parked, correlation_id, trace_parent, origin, parent_id,
           created_at, started_at, null::timestamptz as finished_at
    from jobs.live
    union all
    select id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at, payload_version,
           payload, dedup_key, concurrency_key, worker_id, progress, result, error,
           null::text, null::text, false, correlation_id, trace_parent, origin, parent_id,
           created_at, started_at, finished_at
    from jobs.finished
    union all
    select id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at, payload_version,
           payload, dedup_key, concurrency_key, worker_id, progress, null::jsonb, error,
           fingerprint, null::text, false, correlation_id, trace_parent, origin, parent_id,
           created_at, started_at, finished_at
    from jobs.dead;

-- Rights. The queue engine does everything here, for all tenants, and nothing anywhere else. The
-- applications may enqueue and read, within their tenant.
grant usage on schema jobs to desk_queue, desk_platform, desk_support, desk_marketing;
grant select, insert, update, delete on all tables in schema jobs to desk_queue;
grant select on jobs.live, jobs.finished, jobs.dead, jobs.attempt, jobs.job, jobs.side_effect, jobs.idempotency
    to desk_platform, desk_support, desk_marketing;
grant insert on jobs.live, jobs.transition, jobs.idempotency to desk_platform, desk_support, desk_marketing;
-- for schedules that run once for every tenant, and for operators' look-ups by index
grant usage on schema shared to desk_queue;
grant select (id, slug) on shared.tenant to desk_queue;
create policy queue_engine on shared.tenant for select to desk_queue using (true);
revoke execute on function jobs.ensure_day(text, date), jobs.drop_day(text, date) from public;
grant execute on function jobs.ensure_day(text, date), jobs.drop_day(text, date) to desk_queue;
revoke execute on function jobs.kinds_of(text) from public;
grant execute on function jobs.kinds_of(text) to desk_queue, desk_platform, desk_support, desk_marketing;

do $$
declare
    relation text;
begin
    foreach relation in array array['live', 'finished', 'dead', 'attempt', 'side_effect', 'idempotency', 'occurrence'] loop
        execute format('alter table jobs.%I enable row level security', relation);
        execute format('create policy queue_engine on jobs.%I to desk_queue using (true) with check (true)', relation);
        execute format(
            'create policy own_tenant on jobs.%I to desk_platform, desk_support, desk_marketing
             using (tenant_id = nullif(current_setting(''desk.tenant_id'', true), '''')::uuid)
             with check (tenant_id = nullif(current_setting(''desk.tenant_id'', true), '''')::uuid)', relation);
    end loop;
end $$;
