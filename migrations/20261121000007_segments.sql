-- Segments in schema `marketing_app`: rules, who matches them, what came of each evaluation; and the bit index over
-- `platform.customer_fact` that lets a rule be counted over a million customers in milliseconds.
--
-- Tables that are as long as customers times segments have no foreign keys, for the reason that
-- `platform.order_line` has none: the check of every row. Row-level security holds in all of them.

create table marketing_app.segment (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    name        text not null,
    description text not null default '',
    -- The tree as JSON: all, any, not, in_segment, or {field, operator, value}.
    rule        jsonb not null,
    -- Grows with every change; what If-Match compares.
    version     integer not null default 1,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    archived_at timestamptz,
    constraint segment_name_length check (char_length(name) between 1 and 100),
    constraint segment_description_length check (char_length(description) <= 1000)
);
-- An archived segment gives its name free.
create unique index segment_name_unique on marketing_app.segment (tenant_id, lower(name collate "C"))
    where archived_at is null;
create index segment_by_tenant on marketing_app.segment (tenant_id, id desc);

-- Which segments a rule names; written with the rule.
create table marketing_app.segment_reference (
    tenant_id  uuid not null,
    segment_id uuid not null references marketing_app.segment (id) on delete cascade,
    refers_to  uuid not null references marketing_app.segment (id),
    primary key (segment_id, refers_to)
);
create index segment_reference_back on marketing_app.segment_reference (refers_to);

create table marketing_app.segment_evaluation (
    -- The id of the job that evaluates.
    id            uuid primary key,
    tenant_id     uuid not null references shared.tenant (id),
    segment_id    uuid not null references marketing_app.segment (id) on delete cascade,
    state         text not null default 'running',
    -- The facts that it saw: the run that wrote them, and how often rows of it were brought up to date since.
    run_id        uuid,
    facts_version bigint,
    rule_version  integer not null,
    members       bigint,
    entered       bigint,
    departed      bigint,
    started_at    timestamptz not null default now(),
    finished_at   timestamptz,
    -- Of the attempt that finished or failed.
    took_ms       bigint,
    error         text,
    constraint segment_evaluation_state_known check (state in ('running', 'done', 'failed'))
);
create index segment_evaluation_by_time on marketing_app.segment_evaluation (segment_id, started_at desc, id desc);

-- Who matches, as of the last evaluation that was done.
create table marketing_app.segment_member (
    tenant_id   uuid not null,
    segment_id  uuid not null,
    customer_id text not null,
    entered_at  timestamptz not null,
    primary key (segment_id, customer_id)
);

-- Who came and went, kept for 60 days. The first evaluation of a segment leaves none: then everybody entered.
create table marketing_app.segment_change (
    tenant_id     uuid not null,
    segment_id    uuid not null,
    evaluation_id uuid not null,
    customer_id   text not null,
    entered       boolean not null,
    primary key (segment_id, evaluation_id, customer_id)
);

-- Counts that are known, by rule; right as long as the facts are those of `facts_version` and, for rules about
-- days before today, the tenant's day is `day`. At most 1,000 a tenant.
create table marketing_app.segment_count (
    tenant_id     uuid not null,
    rule_hash     bytea not null,
    run_id        uuid not null,
    facts_version bigint not null,
    day           date,
    customers     bigint not null,
    counted_at    timestamptz not null default now(),
    primary key (tenant_id, rule_hash)
);

-- The bit index: for every column of the facts some vectors with a bit for each customer, in blocks of 65,536
-- customers by id. Made from one state of the facts, replaced as a whole.
create table marketing_app.fact_index (
    tenant_id     uuid primary key references shared.tenant (id),
    run_id        uuid not null,
    generation    integer not null,
    facts_version bigint not null,
    customers     bigint not null,
    -- For each column: its lowest value, its number of bits, whether values are missing; for texts the values.
    columns       jsonb not null,
    built_at      timestamptz not null default now(),
    took_ms       bigint not null
);

create table marketing_app.fact_block (
    tenant_id      uuid not null,
    block          integer not null,
    first_customer text not null,
    last_customer  text not null,
    customers      integer not null,
    primary key (tenant_id, block)
);

create table marketing_app.fact_bits (
    tenant_id uuid not null,
    -- Which column, and which of its vectors.
    vector    smallint not null,
    block     integer not null,
    bits      bit varying not null,
    primary key (tenant_id, vector, block)
);
-- A vector is read whole: compressing it would cost more than it saves.
alter table marketing_app.fact_bits alter column bits set storage external;

-- What a customer's facts were before a single row of the current run was brought up to date, so that counts from
-- the bit index can be corrected instead of being made anew. `existed` is false for a customer who was not there.
-- Those of an earlier run go with the first of the next.
create table platform.fact_change (
    facts_version bigint not null,
    existed       boolean not null,
    like platform.customer_fact including defaults
);
do $nullable$
declare
    name text;
begin
    foreach name in array array['orders', 'spend_cents', 'marketing_opt_in'] loop
        execute format('alter table platform.fact_change alter column %I drop not null', name);
    end loop;
end
$nullable$;
alter table platform.fact_change add primary key (tenant_id, generation, facts_version, customer_id);

do $policies$
declare
    name text;
begin
    foreach name in array array['segment', 'segment_reference', 'segment_evaluation', 'segment_member',
                                'segment_change', 'segment_count', 'fact_index', 'fact_block', 'fact_bits'] loop
        execute format('alter table marketing_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on marketing_app.%I to desk_platform, desk_support, desk_marketing '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

alter table platform.fact_change enable row level security;
create policy own_tenant on platform.fact_change to desk_platform, desk_support, desk_marketing
    using (tenant_id = (select shared.current_tenant())) with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on platform.fact_change to desk_platform;
grant select on platform.fact_change to desk_support, desk_marketing;
