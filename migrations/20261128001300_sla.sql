-- Service levels: policies and calendars with their versions, the clocks that are derived from them, and what was
-- announced.
--
-- A version holds from its instant until the next one's, and is never changed afterwards, so what a clock came to in the
-- past can always be derived again.

-- In which band of customers the ticket's customer is decides about policies too, so it belongs to the history.
create function support_app.ticket_tier_changed() returns trigger
    language plpgsql
as $tier$
begin
    if old.customer_tier is distinct from new.customer_tier then
        insert into support_app.ticket_change (tenant_id, ticket_id, at, actor, field, old, new)
        values (new.tenant_id, new.id, now(), support_app.ticket_actor(), 'customer_tier', to_jsonb(old.customer_tier),
            to_jsonb(new.customer_tier));
    end if;
    return null;
end
$tier$;
create trigger ticket_tier after update on support_app.ticket
    for each row execute function support_app.ticket_tier_changed();

create table support_app.sla_calendar (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    name        text not null,
    -- By this one reports count business time where a target names none.
    is_default  boolean not null default false,
    version     integer not null default 1,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint sla_calendar_name_length check (char_length(name) between 1 and 100)
);
create unique index sla_calendar_name_once on support_app.sla_calendar (tenant_id, lower(name));
create unique index sla_calendar_one_default on support_app.sla_calendar (tenant_id) where is_default;

create table support_app.sla_calendar_version (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    calendar_id uuid not null references support_app.sla_calendar (id),
    version     integer not null,
    valid_from  timestamptz not null,
    valid_until timestamptz,
    -- zone, week, holidays
    hours       jsonb not null,
    constraint sla_calendar_version_once unique (calendar_id, version),
    constraint sla_calendar_version_order check (valid_until is null or valid_until >= valid_from)
);
create index sla_calendar_version_by_tenant on support_app.sla_calendar_version (tenant_id, valid_until);

create table support_app.sla_policy (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    version     integer not null default 1,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    archived_at timestamptz
);
create index sla_policy_by_tenant on support_app.sla_policy (tenant_id) where archived_at is null;

create table support_app.sla_policy_version (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    policy_id   uuid not null references support_app.sla_policy (id),
    version     integer not null,
    valid_from  timestamptz not null,
    valid_until timestamptz,
    -- The lowest that fits a ticket wins.
    position    integer not null,
    -- name, conditions, targets, calendar_id, pause_while_pending
    spec        jsonb not null,
    constraint sla_policy_version_once unique (policy_id, version),
    constraint sla_policy_version_order check (valid_until is null or valid_until >= valid_from)
);
create index sla_policy_version_by_tenant on support_app.sla_policy_version (tenant_id, valid_until);

create table support_app.sla_clock (
    ticket_id         uuid not null references support_app.ticket (id) on delete cascade,
    kind              text not null,
    -- Its number among those of its kind: only the next response has more than one.
    seq               integer not null,
    tenant_id         uuid not null,
    started_at        timestamptz not null,
    state             text not null,
    standing          text not null,
    -- Null while it is paused.
    due_at            timestamptz,
    warn_at           timestamptz,
    ended_at          timestamptz,
    ended_by          text,
    verdict           text,
    -- What had elapsed when the row was written.
    elapsed_micros    bigint not null,
    -- Of clocks that ended: without pauses, in all time and in opening hours.
    calendar_secs     double precision,
    business_secs     double precision,
    policy_version    uuid,
    calendar_version  uuid,
    target_minutes    bigint,
    -- How many different promises it has had.
    target_version    integer not null,
    superseded        jsonb not null default '[]',
    -- Of this promise: 0 nothing, 1 the warning, 2 the breach.
    announced         smallint not null default 0,
    next_alert_at     timestamptz,
    -- Public replies by people when the ticket was resolved.
    replies           integer,
    primary key (ticket_id, kind, seq),
    constraint sla_clock_kind_known check (kind in ('first_response', 'next_response', 'resolution', 'first_resolution')),
    constraint sla_clock_state_known check (state in ('running', 'paused', 'ended')),
    constraint sla_clock_standing_known check (standing in ('within_sla', 'at_risk', 'breached')),
    constraint sla_clock_verdict_known check (verdict in ('met', 'missed', 'cancelled', 'none')),
    constraint sla_clock_end_has_verdict check ((state = 'ended') = (ended_at is not null) and (state = 'ended') = (verdict is not null))
);
-- What is to be announced next; few rows at any time are due.
create index sla_clock_to_announce on support_app.sla_clock (next_alert_at) where next_alert_at is not null;
create index sla_clock_at_risk on support_app.sla_clock (tenant_id, due_at, ticket_id)
    where state <> 'ended' and standing in ('at_risk', 'breached');
create index sla_clock_breached on support_app.sla_clock (tenant_id, due_at desc, ticket_id) where standing = 'breached';
create index sla_clock_ended on support_app.sla_clock (tenant_id, ended_at) where state = 'ended';

-- What was announced, each once.
create table support_app.sla_alert (
    ticket_id      uuid not null references support_app.ticket (id) on delete cascade,
    clock          text not null,
    seq            integer not null,
    -- warning or breach
    kind           text not null,
    target_version integer not null,
    tenant_id      uuid not null,
    due_at         timestamptz not null,
    at             timestamptz not null default clock_timestamp(),
    primary key (ticket_id, clock, seq, kind, target_version),
    constraint sla_alert_kind_known check (kind in ('warning', 'breach'))
);
create index sla_alert_by_time on support_app.sla_alert (tenant_id, at desc);

create index ticket_by_merge on support_app.ticket (merged_into) where merged_into is not null;
create index ticket_change_of_status on support_app.ticket_change (tenant_id, at) where field = 'status';

-- Whose clocks have something to be announced. Runs as the owner, because it looks at all tenants by an index; it tells
-- nothing but their ids.
create function support_app.tenants_with_alerts(until timestamptz) returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $tenants$
    select distinct c.tenant_id from support_app.sla_clock c where c.next_alert_at <= until
$tenants$;
revoke all on function support_app.tenants_with_alerts(timestamptz) from public;
grant execute on function support_app.tenants_with_alerts(timestamptz) to desk_support;

do $policies$
declare
    name text;
begin
    foreach name in array array['sla_calendar', 'sla_calendar_version', 'sla_policy', 'sla_policy_version', 'sla_clock',
                                'sla_alert'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

grant select, insert, update, delete on support_app.sla_calendar, support_app.sla_calendar_version,
    support_app.sla_policy, support_app.sla_policy_version, support_app.sla_clock, support_app.sla_alert to desk_support;

create index if not exists ticket_by_creation on support_app.ticket (tenant_id, created_at);
